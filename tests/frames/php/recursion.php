<?php
// SPDX-License-Identifier: MIT
// size 6000
// Recursion deeper than what is kept of a stack.
function down(int $depth, array &$kept): void {
    if ($depth === 0) {
        for ($i = 0; $i < 100; ++$i)
            $kept[] = str_repeat("x", 6000);  //= 1000
        return;
    }
    if ($depth % 10 === 0)
        $kept[] = str_repeat("x", 6000);  //= 700
    down($depth - 1, $kept);
}

$kept = [];
for ($i = 0; $i < 10; ++$i)
    down(700, $kept);
