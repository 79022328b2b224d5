<?php
// SPDX-License-Identifier: MIT
// size 5000
// Closures, arrow functions, called by PHP and from C.
function called(callable $each, int $count): array {
    $kept = [];
    for ($i = 0; $i < $count; ++$i)
        $kept[] = $each("x");
    return $kept;
}

$plain = function (string $x): string {
    return str_repeat($x, 5000);  //= 600
};
$kept = called($plain, 600);
$kept[] = array_map(
    fn($n) => str_repeat("y", 5000),  //= 400
    range(1, 400)
);
$values = range(1, 200);
usort($values, function ($a, $b) use (&$kept) {
    return $a <=> $b;
});
array_walk($values, function ($value) use (&$kept) {
    $kept[] = str_repeat("z", 5000);  //= 200
});
