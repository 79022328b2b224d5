# SPDX-License-Identifier: MIT
# size 3000
# Methods that call each other.
def inner(count)
  kept = []
  count.times { kept << "x" * 3000 } #= 1500
  kept
end

def outer
  kept = inner(1500)
  i = 0
  while i < 700
    kept << "x" * 3000 #= 700
    i += 1
  end
  kept
end

kept = outer
300.times do
  kept << "x" * 3000 #= 300
end
