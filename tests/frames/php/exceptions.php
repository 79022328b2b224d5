<?php
// SPDX-License-Identifier: MIT
// size 4000
// Frames that are left by exceptions, and what is allocated while they are handled.
class Refused extends Exception {}

function refuse(array &$kept): void {
    $kept[] = str_repeat("x", 4000);  //= 600
    throw new Refused();
}

function handle(array &$kept): void {
    try {
        refuse($kept);
    } catch (Refused) {
        $kept[] = str_repeat("x", 4000);  //= 600
    } finally {
        $kept[] = str_repeat("x", 4000);  //= 600
    }
}

$kept = [];
for ($i = 0; $i < 600; ++$i)
    handle($kept);
