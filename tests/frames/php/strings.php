<?php
// SPDX-License-Identifier: MIT
// size 8000
// Operators that allocate, not functions: concatenation, interpolation, implode.
function joined(string $half, array &$kept): void {
    for ($i = 0; $i < 400; ++$i)
        $kept[] = $half . $half;  //= 400
    for ($i = 0; $i < 300; ++$i)
        $kept[] = "$half$half";  //= 300
    for ($i = 0; $i < 200; ++$i)
        $kept[] = implode("", [$half, $half]);  //= 200
}

$kept = [];
joined(str_repeat("h", 4000), $kept);
