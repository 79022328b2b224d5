<?php
// SPDX-License-Identifier: MIT
// size 5000
// Generators, and those that delegate.
function source(int $count): Generator {
    for ($i = 0; $i < $count; ++$i)
        yield str_repeat("x", 5000);  //= 900
}

function passed_on(): Generator {
    yield from source(900);
    for ($i = 0; $i < 300; ++$i)
        yield str_repeat("x", 5000);  //= 300
}

$kept = [];
foreach (passed_on() as $value)
    $kept[] = $value;
$kept[] = iterator_to_array((function () {
    for ($i = 0; $i < 200; ++$i)
        yield $i => str_repeat("x", 5000);  //= 200
})());
