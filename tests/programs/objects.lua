-- SPDX-License-Identifier: MIT
-- Lua: tables that grow, strings, closures, coroutines, collections.
local seed = 17
local function dice(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % n
end

local function word()
  local letters = {}
  for i = 1, 3 + dice(20) do letters[i] = string.char(97 + dice(26)) end
  return table.concat(letters)
end

local function checksum(text)
  local sum = 0
  for i = 1, #text do sum = (sum * 31 + text:byte(i)) % 4294967296 end
  return sum
end

local index, words = {}, {}
for number = 1, 40000 do
  local w = word()
  words[number] = w
  local prefix = w:sub(1, 2)
  index[prefix] = index[prefix] or {}
  table.insert(index[prefix], { number = number, word = w })
end
local prefixes = {}
for prefix in pairs(index) do prefixes[#prefixes + 1] = prefix end
table.sort(prefixes)
print(#prefixes, checksum(table.concat(prefixes)))
for i = 1, #prefixes, 2 do index[prefixes[i]] = nil end
collectgarbage()
table.sort(words)
local text = table.concat(words, " ")
print(#text, checksum(text))
print(checksum((text:gsub("([aeiou]+)([^aeiou ]+)", "%2%1"))))

local lines = {}
for i = 1, 200 do
  lines[i] = coroutine.wrap(function()
    local grown = ""
    for k = 1, 60 do
      grown = grown .. words[(i * k) % #words + 1]
      coroutine.yield()
    end
    return grown
  end)
end
local total = 0
for round = 1, 61 do
  for i = 1, #lines do
    local done = lines[i]()
    if done then total = (total + checksum(done)) % 4294967296 end
  end
end
print(total)
local blocks = {}
for i = 1, 40 do blocks[i] = string.rep("z", i * 20000) end
print(#table.concat(blocks))
print(collectgarbage("count") > 0)
