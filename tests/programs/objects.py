# SPDX-License-Identifier: MIT
# Python: dictionaries, strings, lists, large buffers, re, json, zlib, sqlite3's own allocations.
import collections
import hashlib
import json
import random
import re
import sqlite3
import zlib

dice = random.Random(7)
words = ["".join(dice.choices("abcdefghij", k=dice.randint(2, 40))) for _ in range(20000)]

counts = collections.Counter(word[:3] for word in words)
print(sorted(counts.items())[:20])

index = collections.defaultdict(list)
for number, word in enumerate(words):
    index[word[:4]].append({"number": number, "word": word, "parts": word.split("a")})
for key in sorted(index)[::2]:
    del index[key]
text = json.dumps(index, sort_keys=True)
print(len(text), hashlib.sha256(text.encode()).hexdigest())
assert json.loads(text) == index

grown = []
buffer = bytearray()
for step in range(400):
    buffer += bytes([step % 251]) * (step * 37)
    if step % 20 == 0:
        grown.append(bytes(buffer))
print(len(buffer), [hashlib.md5(piece).hexdigest()[:8] for piece in grown])
packed = [zlib.compress(piece, 6) for piece in grown]
print(all(zlib.decompress(small) == piece for small, piece in zip(packed, grown)), sum(map(len, packed)))

print(len(re.sub(r"([a-e]+)([f-j]+)", r"\2\1", " ".join(words))))

base = sqlite3.connect(":memory:")
base.execute("create table word (number integer primary key, word text)")
base.executemany("insert into word values (?, ?)", enumerate(words))
print(base.execute("select substr(word, 1, 1), count(*), max(length(word)) from word group by 1").fetchall())
big = 3 ** 40000
print(len(str(big % 10 ** 4000)), sum(map(int, str(big % 10 ** 4000))))
