<?php
// SPDX-License-Identifier: MIT
// size 4096
// Buffers of objects of C: of fixed arrays, which are resized.
function rows(array &$kept): void {
    for ($i = 0; $i < 500; ++$i)
        $kept[] = new SplFixedArray(256);  //= 500
}

function grown(array &$kept): void {
    for ($i = 0; $i < 300; ++$i) {
        $row = new SplFixedArray(0);
        $row->setSize(256);  //= 300
        $kept[] = $row;
    }
}

$kept = [];
rows($kept);
grown($kept);
