# SPDX-License-Identifier: MIT
# A shop's queue of work, with a cache that gets full, and something that is never forgotten.
#
# usage: shop.rb SECONDS
require "json"

class Cache
  def initialize(size)
    @pages = {}
    @size = size
  end

  def page(article)
    @pages.shift if @pages.size == @size
    @pages[article] ||= render(article)
  end

  def render(article)
    rows = (0...60).map { |size| "<li>#{article} in size #{size}</li>" }
    "<h1>Article #{article}</h1><ul>#{rows.join}</ul>"
  end
end

class Audit
  attr_reader :seen

  def initialize
    @seen = []
  end

  def note(request)
    @seen << JSON.generate(request) * 40
  end
end

def load_orders(count)
  Array.new(count) { |number| { number: number, note: "x" * 600 } }
end

cache = Cache.new(1000)
audit = Audit.new
stop = Process.clock_gettime(Process::CLOCK_MONOTONIC) + ARGV[0].to_f
number = 0
while Process.clock_gettime(Process::CLOCK_MONOTONIC) < stop
  number += 1
  audit.note({ path: "/article/#{number}", agent: "customer", at: number })
  number % 7 == 0 ? JSON.generate(load_orders(50)) : cache.page(number * 37 % 4000)
  sleep 0.001
end
puts "#{audit.seen.size} requests"
