# SPDX-License-Identifier: MIT
"""time.svg and memory.svg: a row per workload, a column per allocator, the ratio to the best of the row as a
number on a colour. With ten allocators, dots on an axis would hide each other near the best; numbers do not."""
import math

from ..results import store
from ..results.text import short
from .palette import TARN
from .svg import FAINT, INK, Drawing, text_width

# One hue, from white (the best) to dark (WORST times the best and more): readable without seeing colours.
SCALE = ((255, 255, 255), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107))
WORST = 4.0
ROW, GAP, CELL, SIZE = 20, 24, 48, 12
HEAD = 54  # the two lines above the slanted names
SLANT = -40
MEAN = "geometric mean"
WORDS = {"wrong output": "wrong", "no work line": "no work", "not started": "no start", "not loaded": "no load"}


def shade(ratio):
    """(colour of the cell, colour of the number on it)."""
    place = min(math.log(max(ratio, 1.0)) / math.log(WORST), 1.0) * (len(SCALE) - 1)
    below = min(int(place), len(SCALE) - 2)
    part = place - below
    mixed = [round(a + (b - a) * part) for a, b in zip(SCALE[below], SCALE[below + 1])]
    return "#%02x%02x%02x" % tuple(mixed), "#ffffff" if place > 2.2 else INK


def rows(results, metric):
    """[(group, label, best value, {allocator: ratio or the word for a failure})]; the means come last."""
    names = store.names(results)
    found = []
    for entry in sorted(store.measured(results), key=group_order(results)):
        cells = {name: store.failure(entry, name) or store.ratio(entry, name, metric, names) for name in names}
        found.append((entry["group"], entry["name"], store.best(entry, names, metric), cells))
    kept, _ = store.common(results)
    if kept:
        found.append(("", f"{MEAN} of {len(kept)}", None,
                      {name: store.mean_ratio(kept, name, metric, names) for name in names}))
    return found


def group_order(results):
    groups = list(dict.fromkeys(entry["group"] for entry in results["workloads"]))
    return lambda entry: groups.index(entry["group"])


def draw(results, metric):
    names = store.names(results)
    lines = rows(results, metric)
    title, unit = store.METRICS[metric]
    label = round(max(text_width(line[1], SIZE, line[1].startswith(MEAN)) for line in lines)) + 6
    left = label + 62
    slant = [text_width(name, SIZE, name == "tarn") for name in names]
    top = HEAD + round(max(slant) * 0.64) + 8
    gaps = len({group for group, *_ in lines})
    width = max(left + CELL * len(names) + round(slant[-1] * 0.77), 600)
    drawing = Drawing(width, top + len(lines) * ROW + gaps * GAP + 30, f"{title} per workload and allocator")
    rounds = f"{results['rounds']} rounds" if results["rounds"] > 1 else "one round"
    which = "least" if metric == "wall" else "median"
    drawing.text(12, 24, f"{title.capitalize()}, as a multiple of the best allocator's", 16, bold=True)
    drawing.text(12, 42, f"{which} of {rounds}; 1.00 is the best, lower is better", 12, fill=FAINT)
    for column, name in enumerate(names):
        drawing.turned_text(left + (column + 0.5) * CELL, top - 6, SLANT, name, size=SIZE,
                            fill=TARN if name == "tarn" else INK, bold=name == "tarn")
    drawing.text(left - 8, top - 6, f"best, {unit}", 11, "end", FAINT)
    bottom = draw_rows(drawing, lines, names, top, label, left)
    if "tarn" in names:
        drawing.rectangle(left + names.index("tarn") * CELL, top - 1, CELL, bottom - top + 2, fill="none",
                          stroke=TARN, stroke_width=2.5, rx=3)
    draw_key(drawing, left, bottom + 20)
    return drawing.render()


def draw_rows(drawing, lines, names, top, label, left):
    """The bottom of the last row."""
    y, before = top, None
    for group, name, best, cells in lines:
        if group != before:
            drawing.text(8, y + 17, group, SIZE, bold=True)
            y, before = y + GAP, group
        mean = name.startswith(MEAN)
        drawing.text(label, y + 14, name, SIZE, "end", bold=mean)
        if best is not None:
            drawing.text(left - 8, y + 14, short(best), 11, "end", FAINT)
        for column, allocator in enumerate(names):
            draw_cell(drawing, left + column * CELL, y, cells[allocator], mean or allocator == "tarn")
        y += ROW
    return y


def draw_cell(drawing, x, y, value, bold):
    if value is None or isinstance(value, str):
        drawing.rectangle(x + 1, y + 1, CELL - 2, ROW - 2, fill="#e8e8e8")
        drawing.text(x + CELL / 2, y + 13.5, WORDS.get(value, value or "-"), 10, "middle", INK)
        return
    ground, ink = shade(value)
    drawing.rectangle(x + 1, y + 1, CELL - 2, ROW - 2, fill=ground, stroke="#e4e4e4", stroke_width=0.6)
    drawing.text(x + CELL / 2, y + 14, short(value), SIZE, "middle", ink, bold)


def draw_key(drawing, x, y):
    for index, ratio in enumerate((1.0, 1.25, 1.5, 2.0, 3.0, 4.0)):
        ground, ink = shade(ratio)
        drawing.rectangle(x + index * 44, y - 12, 44, 16, fill=ground, stroke="#cccccc", stroke_width=0.6)
        drawing.text(x + index * 44 + 22, y, f"{ratio:g}" + ("+" if ratio == WORST else ""), 11, "middle", ink)
