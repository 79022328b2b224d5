# SPDX-License-Identifier: MIT
# size 5000
# Enumerators and fibers, each with a native stack of its own.
def source
  Enumerator.new do |out|
    900.times do
      out << "x" * 5000 #= 900
    end
  end
end

kept = []
rows = source
900.times { kept << rows.next }
fiber = Fiber.new do
  300.times do
    Fiber.yield "x" * 5000 #= 300
  end
end
300.times { kept << fiber.resume }
