# SPDX-License-Identifier: MIT
# size 5000
# Blocks, procs, lambdas, called by Ruby and from C.
def twice(count)
  count.times { |i| yield i }
end

kept = []
twice(600) do
  kept << "x" * 5000 #= 600
end
made = ->(n) { "x" * 5000 } #= 400
kept.concat((1..400).map(&made))
plain = proc do
  "x" * 5000 #= 200
end
200.times { kept << plain.call }
(1..100).sort_by do |n|
  kept << "x" * 5000 #= 100
  -n
end
