<?php
// SPDX-License-Identifier: MIT
// PHP: objects, nested arrays, strings, sort, regular expressions.
class Row {
    public $next = null;
    public function __construct(public int $id, public string $name, public array $parts) {}
}

$state = 7;
function below(int $limit): int {
    global $state;
    $state = ($state * 1103515245 + 12345) & 0x7fffffff;
    return ($state >> 8) % $limit;
}

$total = 0;
for ($phase = 0; $phase < 4; $phase++) {
    $groups = [];
    for ($i = 0; $i < 60000; $i++)
        $groups['group' . below(3000)][] = new Row($i, "name $i", [$i, $i % 7, "part $i"]);
    ksort($groups);
    foreach (array_keys($groups) as $key) {
        usort($groups[$key], fn($a, $b) => $b->id <=> $a->id);
        $total += $groups[$key][0]->id + strlen(implode(',', array_map(fn($row) => $row->name, $groups[$key])));
        if (below(2)) unset($groups[$key]);
    }
    $words = [];
    for ($i = 0; $i < 30000; $i++) $words[] = str_repeat(chr(97 + below(26)), 1 + below(40));
    $text = implode(' ', $words);
    $changed = preg_replace_callback('/([aeiou]+) /', fn($found) => "<$found[1]> ", $text);
    $total += count(array_count_values(explode(' ', $text))) + strlen($changed) + strlen(serialize($words));
    $first = null;
    for ($i = 0; $i < 30000; $i++) {
        $row = new Row($i, "chained $i", []);
        $row->next = $first;
        $first = $row;
    }
    while ($first) {
        $total += strlen($first->name);
        $first = $first->next;
    }
}
echo $total, "\n";
