# SPDX-License-Identifier: MIT
# size 4000
# Frames that are left by exceptions, and what is allocated while they are handled.
class Refused < StandardError; end

def refuse(kept)
  kept << "x" * 4000 #= 600
  raise Refused
end

def handle(kept)
  refuse(kept)
rescue Refused
  kept << "x" * 4000 #= 600
ensure
  kept << "x" * 4000 #= 600
end

kept = []
600.times { handle(kept) }
