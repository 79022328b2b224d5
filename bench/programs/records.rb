# SPDX-License-Identifier: MIT
# Ruby: objects, hashes of arrays, strings longer than those kept in a slot, symbols, blocks.
Row = Struct.new(:id, :name, :parts, :extra)

$state = 7
def below(limit)
  $state = ($state * 1103515245 + 12345) & 0x7fffffff
  ($state >> 8) % limit
end

total = 0
3.times do |phase|
  groups = Hash.new { |hash, key| hash[key] = [] }
  40000.times do |i|
    groups["group number #{below(3000)}"] << Row.new(i, "a name that needs room of its own #{i}", [i, i % 7, i % 11, "x" * (i % 90)], nil)
  end
  groups.keys.sort.each do |key|
    rows = groups[key].sort_by { |row| -row.id }
    total += rows[0].id + rows.map(&:name).join(",").length
    groups.delete(key) if below(2) == 1
  end
  text = +""
  20000.times { text << ((97 + below(26)).chr * (1 + below(60))) << " " }
  seen = text.split(" ").tally
  changed = text.gsub(/([aeiou]+)( )/) { "<#{$1}>#{$2}" }
  total += seen.length + changed.length
  tree = (0..15000).reduce(nil) { |rest, i| { next: rest, value: i, text: "item #{i} of the chain, in words" } if i > -1 }
  while tree
    total += tree[:text].length
    tree = tree[:next]
  end
end
puts total
