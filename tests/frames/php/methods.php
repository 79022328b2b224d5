<?php
// SPDX-License-Identifier: MIT
// size 9000
// Methods, static ones, magic ones, constructors.
class Store {
    private array $kept = [];
    private string $first;
    public function __construct() {
        $this->first = str_repeat("x", 9000);  //= 200
    }
    public function keep(): void {
        $this->kept[] = str_repeat("x", 9000);  //= 800
    }
    public static function made(): string {
        return str_repeat("x", 9000);  //= 400
    }
    public function __get(string $name): string {
        return str_repeat($name, 9000);  //= 300
    }
    public function __invoke(int $number): string {
        return str_repeat("x", 9000);  //= 300
    }
}

$stores = [];
for ($i = 0; $i < 200; ++$i) {
    $store = $stores[] = new Store();
    for ($j = 0; $j < 4; ++$j)
        $store->keep();
}
$kept = [];
for ($i = 0; $i < 400; ++$i)
    $kept[] = Store::made();
for ($i = 0; $i < 300; ++$i)
    $kept[] = $stores[0]->y;
$kept[] = array_map($stores[0], range(1, 300));
