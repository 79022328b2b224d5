# SPDX-License-Identifier: MIT
# Python: words split and joined, counted, replaced; JSON there and back; byte buffers that grow; big integers.
import json

state = 99


def below(limit):
    global state
    state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return (state >> 8) % limit


syllables = ["ta", "rn", "mo", "un", "tain", "la", "ke", "wa", "ter", "gla", "cier", "s"]
text = " ".join("".join(syllables[below(12)] for _ in range(1 + below(5))) for _ in range(25000))
for phase in range(4):
    words = text.split(" ")
    counts = {}
    for word in words:
        word = word.replace("ta", "TA").strip().capitalize()
        counts[word] = counts.get(word, 0) + 1
    index = {}
    for place, word in enumerate(words):
        index.setdefault(word[:3], []).append({"at": place, "word": word, "long": len(word) > 8})
    written = json.dumps(index, sort_keys=True)
    assert json.loads(written) == index
    lines = [", ".join(words[i:i + 9]).upper() for i in range(0, len(words), 9)]
    pairs = sorted((first + "/" + second) for first, second in zip(words, words[1:]))
    buffer = bytearray()
    for line in lines:
        buffer += line.encode()
    powers = [(3 ** (i % 400 + 50)) % (10 ** 60) for i in range(2500)]
    print(len(counts), len(written), len(buffer), pairs[phase], sum(powers) % 1000000007)
    text = text[1000:] + " " + text[:1000]
