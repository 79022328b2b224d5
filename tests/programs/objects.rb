# SPDX-License-Identifier: MIT
# Ruby: objects, strings, symbols, threads, compaction of the heap, JSON, child processes.
require 'digest'
require 'digest/md5'
require 'json'

Node = Struct.new(:key, :left, :right)
dice = Random.new(11)
words = Array.new(30_000) { Array.new(dice.rand(2..30)) { (97 + dice.rand(26)).chr }.join }

index = Hash.new { |hash, key| hash[key] = [] }
words.each_with_index { |word, number| index[word[0, 2]] << { 'number' => number, 'word' => word } }
text = JSON.generate(index.sort.to_h)
puts text.size, Digest::SHA256.hexdigest(text)
puts JSON.parse(text) == index
index.keys.sort.each_slice(2) { |key, _| index.delete(key) }
GC.start
GC.compact if GC.respond_to?(:compact)
puts index.size

root = nil
words.first(4000).each do |word|
  node = Node.new(word)
  place = root
  root ||= node
  while place
    side = word < place.key ? :left : :right
    place[side] ? place = place[side] : (place[side] = node; place = nil)
  end
end
depth = ->(node) { node ? 1 + [depth[node.left], depth[node.right]].max : 0 }
puts depth[root]

parts = Array.new(4) do |number|
  Thread.new do
    grown = +''
    words.each_slice(4) { |some| grown << some[number].to_s << number.to_s }
    Digest::MD5.hexdigest(grown * 3)
  end
end
puts parts.map(&:value)
puts words.join(' ').gsub(/([aeiou]+)([^aeiou ]+)/) { $2.upcase + $1 }.sum
puts words.map(&:to_sym).uniq.size
blocks = (1..40).map { |n| ('y' * (n * 20_000)) }
puts Digest::MD5.hexdigest(blocks.join)
reader, writer = IO.pipe
fork do
  writer.puts words.sort.last(3).join(',')
  exit!(0)
end
writer.close
puts reader.read
Process.wait
