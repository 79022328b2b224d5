# SPDX-License-Identifier: MIT
# size 4500
# Names that are not ASCII, buffers of arrays and of strings that grow.
def größe(kept)
  350.times do
    kept << "é" * 2250 #= 350
  end
end

def 名前(kept)
  400.times do
    kept << Array.new(562) #= 400
  end
end

kept = []
größe(kept)
名前(kept)
300.times do
  kept << [0].cycle.first(1).join.ljust(4500, "-") #= 300
end
