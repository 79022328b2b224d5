#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What scripts/run shows when it is given no command: a word index over made-up documents, which keeps
the interpreter's allocator busy for about a second with small objects, growing strings and a few large
blocks."""
import random
import threading
import time

VOWELS, CONSONANTS = "aeiou", "bcdfghklmnprstvw"
DOCUMENTS = 1500
WORDS_PER_DOCUMENT = 120


def make_words(dice, count):
    return ["".join(dice.choice(CONSONANTS) + dice.choice(VOWELS) for _ in range(dice.randint(1, 4)))
            for _ in range(count)]


def index_documents(seed, results):
    dice = random.Random(seed)
    vocabulary = make_words(dice, 4000)
    index = {}
    for number in range(DOCUMENTS):
        text = " ".join(dice.choices(vocabulary, k=WORDS_PER_DOCUMENT))
        for position, word in enumerate(text.split()):
            index.setdefault(word, []).append((number, position))
    page = bytearray()
    for word in sorted(index):
        page += f"{word}: {len(index[word])}\n".encode()
    results[seed] = (len(index), sum(map(len, index.values())), len(page))


def main():
    start = time.monotonic()
    results = {}
    threads = [threading.Thread(target=index_documents, args=(seed, results)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed in sorted(results):
        words, places, size = results[seed]
        print(f"index {seed}: {words} words at {places} places, a listing of {size} bytes")
    print(f"{time.monotonic() - start:.2f} s in Python, every object allocated by malloc")


if __name__ == "__main__":
    main()
