<?php
// SPDX-License-Identifier: MIT
// size 7000
// Fibers: each with a native stack of its own.
function work(array &$kept): void {
    for ($i = 0; $i < 10; ++$i) {
        $kept[] = str_repeat("x", 7000);  //= 500
        Fiber::suspend();
        $kept[] = str_repeat("x", 7000);  //= 500
    }
}

$kept = [];
$fibers = [];
for ($i = 0; $i < 50; ++$i) {
    $fiber = $fibers[] = new Fiber(function () use (&$kept) { work($kept); });
    $fiber->start();
}
for ($j = 0; $j < 10; ++$j)
    foreach ($fibers as $fiber)
        if ($fiber->isSuspended()) $fiber->resume();
for ($i = 0; $i < 300; ++$i)
    $kept[] = str_repeat("x", 7000);  //= 300
