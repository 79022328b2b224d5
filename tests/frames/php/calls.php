<?php
// SPDX-License-Identifier: MIT
// size 3000
// Functions that call each other.
function inner(int $count): array {
    $kept = [];
    for ($i = 0; $i < $count; ++$i)
        $kept[] = str_repeat("x", 3000);  //= 1500
    return $kept;
}

function outer(): array {
    $kept = inner(1500);
    for ($i = 0; $i < 700; ++$i)
        $kept[] = str_repeat("x", 3000);  //= 700
    return $kept;
}

$kept = outer();
for ($i = 0; $i < 300; ++$i)
    $kept[] = str_repeat("x", 3000);  //= 300
