<?php
// SPDX-License-Identifier: MIT
// size 3500
// Code that is made at run time, and code that comes and goes.
function fresh(array &$kept): void {
    eval('$kept[] = str_repeat("x", 3500);');
    for ($i = 0; $i < 3; ++$i)
        $kept[] = str_repeat("x", 3500);  //= 900
}

$kept = [];
for ($i = 0; $i < 300; ++$i)
    fresh($kept);
for ($i = 0; $i < 500; ++$i)
    $kept[] = str_repeat("x", 3500);  //= 500
