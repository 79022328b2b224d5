<?php
// SPDX-License-Identifier: MIT
// A shop's queue of work, with a cache that gets full, and something that is never forgotten.
//
// usage: shop.php SECONDS
class Cache {
    private array $pages = [];
    public function __construct(private int $size) {}

    public function page(int $article): string {
        if (count($this->pages) === $this->size) {
            unset($this->pages[array_key_first($this->pages)]);
        }
        return $this->pages[$article] ??= $this->render($article);
    }

    private function render(int $article): string {
        $rows = "";
        for ($size = 0; $size < 60; ++$size) {
            $rows .= "<li>$article in size $size</li>";
        }
        return "<h1>Article $article</h1><ul>$rows</ul>";
    }
}

class Audit {
    public array $seen = [];

    public function note(array $request): void {
        $this->seen[] = str_repeat(json_encode($request), 40);
    }
}

function load_orders(int $count): array {
    $orders = [];
    for ($number = 0; $number < $count; ++$number) {
        $orders[] = ["number" => $number, "note" => str_repeat("x", 600)];
    }
    return $orders;
}

$cache = new Cache(1000);
$audit = new Audit();
$stop = microtime(true) + (float)$argv[1];
for ($number = 1; microtime(true) < $stop; ++$number) {
    $audit->note(["path" => "/article/$number", "agent" => "customer", "at" => $number]);
    if ($number % 7 === 0) {
        json_encode(load_orders(50));
    } else {
        $cache->page($number * 37 % 4000);
    }
    usleep(1000);
}
echo count($audit->seen), " requests\n";
