# SPDX-License-Identifier: MIT
# size 6000
# Recursion deeper than what is kept of a stack.
def down(depth, kept)
  if depth == 0
    i = 0
    while (i += 1) <= 100
      kept << "x" * 6000 #= 1000
    end
    return
  end
  kept << "x" * 6000 if depth % 10 == 0 #= 700
  down(depth - 1, kept)
end

kept = []
10.times { down(700, kept) }
