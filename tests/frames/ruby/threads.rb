# SPDX-License-Identifier: MIT
# size 12000
# Threads, each with a stack of its own.
def left(kept)
  150.times do
    kept << "x" * 12000 #= 600
    Thread.pass
  end
end

def right(kept)
  100.times do
    kept << "x" * 12000 #= 400
    sleep 0 
  end
end

kept = []
threads = []
4.times do
  threads << Thread.new { left(kept) }
  threads << Thread.new { right(kept) }
end
threads.each(&:join)
