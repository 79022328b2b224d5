# SPDX-License-Identifier: MIT
# size 3500
# Code that is made at run time, and code that comes and goes.
def fresh(kept)
  eval('kept << "x" * 3500', binding, "made.rb", 1)
  3.times do
    kept << "x" * 3500 #= 900
  end
end

kept = []
300.times do |i|
  fresh(kept)
  Object.class_eval("def made_#{i % 3}(n); n + #{i}; end")
  GC.start if i % 50 == 0
end
500.times do
  kept << "x" * 3500 #= 500
end
