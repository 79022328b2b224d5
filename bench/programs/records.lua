-- SPDX-License-Identifier: MIT
-- Lua: tables of tables, strings joined and cut, closures, coroutines, binary trees.
local state = 7
local function below(limit)
  state = (state * 1103515245 + 12345) & 0x7fffffff
  return (state >> 8) % limit
end

local function tree(depth)
  if depth == 0 then return {} end
  return {tree(depth - 1), tree(depth - 1)}
end
local function size(node)
  return node[1] and 1 + size(node[1]) + size(node[2]) or 1
end

local total = 0
for phase = 1, 3 do
  local groups = {}
  for i = 1, 40000 do
    local key = "group" .. below(3000)
    local rows = groups[key] or {}
    groups[key] = rows
    rows[#rows + 1] = {id = i, name = "name " .. i, parts = {i, i % 7}, act = function(n) return n + i end}
  end
  local keys = {}
  for key in pairs(groups) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local names = {}
    for _, row in ipairs(groups[key]) do
      names[#names + 1] = row.name
      total = total + row.act(1)
    end
    total = total + #table.concat(names, ",")
    if below(2) == 1 then groups[key] = nil end
  end
  local words = {}
  for i = 1, 20000 do words[i] = string.rep(string.char(97 + below(26)), 1 + below(60)) end
  for word in table.concat(words, " "):gmatch("%a+") do total = total + #word:upper() end
  local series = coroutine.wrap(function() for i = 1, 20000 do coroutine.yield({i, tostring(i)}) end end)
  for i = 1, 20000 do total = total + #series()[2] end
  total = total + size(tree(15))
end
print(total)
