#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What scripts/docs promises: a reference without warnings, in which functions have what their header says of them;
and what scripts/doxygen_filter.py makes of comments."""
import html
import os
import re
import shutil
import sys

from checks import ROOT, Skip, expect, main, run, succeed

SCRIPTS = os.path.join(ROOT, "scripts")
sys.path.insert(0, SCRIPTS)
import doxygen_filter  # noqa: E402

HEADER = """/* SPDX-License-Identifier: MIT
 *
 * Arenas.
 */
#ifndef X
#define X
/* A point
 * <of two>.
 * Example:
 *     int* p = make();
 */
struct point {
    int x; /* first */
    int y; // second
};

/* Said of no declaration. */

/* Makes one. */
static inline int* make(void) {
    /* Within. */
    return 0; /* at the end */
}
#endif
"""
# What a page of the reference must have, in this order.
PAGES = {
    "group__arena.html": ["tarn_arena_create", "A new arena. first_chunk: what it takes from malloc at once", "Example",
                          'tarn_arena_string(arena, "rope", 4);'],
    "group__pool.html": ["tarn_pool_destroy", "All objects are freed at once, a chunk (up to 1 MiB of objects) at a time."],
    "structtarn__stats.html": ["large_peak_bytes", "most that large_live_bytes has been"],
    "classtarn_1_1ArenaRef.html": ["make_array", "count objects, value-initialised (numbers are 0)."],
    "classtarn_1_1Batch.html": ["swap_erase", "The last row takes the place: constant time."],
    "classtarn_1_1api_1_1Heap.html": ["try_allocate", "nullptr when refused."],
    "arena_8h.html": ["memory that is handed out by moving one pointer, and given back all at once"],
    "index.html": ["The guide to tarn's interface", "Conventions"],
}


def text_of(page):
    """Without tags; spaces and backquotes do not count."""
    plain = html.unescape(re.sub(r"<[^>]*>", "", page))
    return re.sub(r"[\s`\u00a0\u200b]+", " ", plain)


def check_filter(_):
    """comments of declarations become Doxygen's, those within functions and those that stand alone do not"""
    made = doxygen_filter.header("arena.h", HEADER)
    assert made.startswith("/** @file\n\nArenas. */"), made
    assert "@addtogroup arena Arenas" in made and made.endswith("/** @} */\n"), made
    assert "/** A point\n\\<of two\\>.\n@par Example\n@code{.c}\n    int* p = make();\n@endcode */\nstruct" in made, made
    assert "int x; /**< first */" in made and "int y; /**< second */" in made, made
    assert "/** Makes one. */\nstatic" in made, made
    for unchanged in ("/* Said of no declaration. */", "/* Within. */", "/* at the end */"):
        assert unchanged in made, made


def check_links(_):
    """links out of the guide become their text"""
    page = "[arena](arena.md), [numbers](../statistics.md), [`this`](../../README.md)."
    assert doxygen_filter.LINK.sub(r"\1", page) == "[arena](arena.md), numbers, `this`.", page


def check_reference(_):
    """the reference is made without a warning, and describes what the headers declare"""
    if not shutil.which("doxygen"):
        raise Skip("doxygen is not installed")
    done = succeed([os.path.join(SCRIPTS, "docs")], timeout=600)
    index = os.path.join(ROOT, "build", "reference", "html", "index.html")
    expect(done.stdout == index + "\n" and not done.stderr, done)
    for name, passages in PAGES.items():
        with open(os.path.join(os.path.dirname(index), name), encoding="utf-8") as file:
            text, at = text_of(file.read()), 0
        for passage in passages:
            at = text.find(passage, at)
            assert at >= 0, f"{name}: not there, or not behind the others: {passage}"


def check_usage(_):
    """--help, and what it refuses"""
    done = run([os.path.join(SCRIPTS, "docs"), "--help"])
    expect(done.returncode == 0 and "scripts/docs" in done.stdout, done)
    done = run([os.path.join(SCRIPTS, "docs"), "--all"])
    expect(done.returncode == 2, done)


if __name__ == "__main__":
    sys.exit(main(globals()))
