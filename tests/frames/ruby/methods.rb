# SPDX-License-Identifier: MIT
# size 9000
# Methods of classes, of modules, accessors, method_missing, define_method.
module Made
  def self.fresh
    "x" * 9000 #= 400
  end
end

class Store
  def initialize
    @first = "x" * 9000 #= 200
    @kept = []
  end

  def keep
    @kept << "x" * 9000 #= 800
  end

  def method_missing(name, *)
    "x" * 9000 #= 250
  end

  def respond_to_missing?(*)
    true
  end

  define_method(:defined) do
    "x" * 9000 #= 150
  end
end

stores = Array.new(200) { Store.new }
stores.each { |store| 4.times { store.keep } }
kept = []
400.times { kept << Made.fresh }
250.times { kept << stores[0].anything }
150.times { kept << stores[0].defined }
