# SPDX-License-Identifier: MIT
"""plane.svg (time against memory) and threads.svg (throughput against threads); and the files of all plots."""
import os
import re

from ..results import store
from . import curve, heatmap
from .palette import styles
from .svg import FAINT, GRID, Drawing, LogAxis, place_labels, spread_apart, tick_text

THREADS = (1, 2, 4, 8, 16)


def plane(results):
    """A labelled point per allocator; '' when there are no means."""
    names = store.names(results)
    kept, _ = store.common(results)
    if not kept:
        return ""
    base = "glibc" if "glibc" in names else "best"
    means = {name: [store.mean_ratio(kept, name, metric, names, base) for metric in ("wall", "peak")]
             for name in names}
    drawing = Drawing(820, 560, "time and memory of each allocator")
    left, top, right, bottom = 76, 62, 800, 500
    across = LogAxis([time for time, _ in means.values()], left, right, 0.1)
    up = LogAxis([memory for _, memory in means.values()], bottom, top, 0.1)
    drawing.text(12, 24, "Time and memory", 16, bold=True)
    to = "glibc's" if base == "glibc" else "the best of each workload"
    drawing.text(12, 42, f"geometric means over {len(kept)} workloads, as multiples of {to};"
                 " nearer to the lower left is better", 12, fill=FAINT)
    for value in across.ticks():
        drawing.line(across.at(value), top, across.at(value), bottom, FAINT if value == 1 else GRID)
        drawing.text(across.at(value), bottom + 18, tick_text(value), 12, "middle")
    for value in up.ticks():
        drawing.line(left, up.at(value), right, up.at(value), FAINT if value == 1 else GRID)
        drawing.text(left - 8, up.at(value) + 4, tick_text(value), 12, "end")
    drawing.rectangle(left, top, right - left, bottom - top, fill="none", stroke=FAINT)
    drawing.text((left + right) / 2, bottom + 42, "time", 14, "middle")
    drawing.turned_text(22, (top + bottom) / 2, -90, "peak memory", size=14, anchor="middle")
    plane_points(drawing, means, across, up, (left + 4, top + 4, right - 4, bottom - 4))
    return drawing.render()


def plane_points(drawing, means, across, up, bounds):
    style = styles(means)
    order = sorted(means, key=lambda name: not style[name].tarn)  # tarn's label gets the best place
    points = [(across.at(means[name][0]), up.at(means[name][1]), 9 if style[name].tarn else 6, name,
               style[name].tarn) for name in order]
    boxes = place_labels(points, 13, bounds)
    for (x, y, radius, _, _), box in zip(points, boxes):
        near_x, near_y = min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
        if (near_x - x) ** 2 + (near_y - y) ** 2 > (radius + 10) ** 2:
            drawing.line(x, y, near_x, near_y, FAINT, 0.8)
    for (x, y, radius, name, tarn), box in reversed(list(zip(points, boxes))):
        hollow = name.startswith("tarn-")
        drawing.marker(style[name].shape, x, y, radius, fill="#ffffff" if hollow else style[name].color,
                       stroke=style[name].color if hollow else "#ffffff", stroke_width=2 if hollow else 1)
        anchor, label_x = label_anchor(x, radius, box)
        drawing.clear_text(label_x, box[3] - 4, name, size=13, anchor=anchor, fill=style[name].color, bold=tarn)


def label_anchor(x, radius, box):
    """Boxes are wider than their text: it goes to the end that is nearer to its point."""
    if box[0] >= x + radius:
        return "start", box[0]
    if box[2] <= x - radius:
        return "end", box[2]
    return "middle", (box[0] + box[2]) / 2


def families(results):
    """{X: {threads: entry}} of the workloads X-1, X-2, ... of which there are at least three."""
    found = {}
    for entry in store.measured(results):
        match = re.fullmatch(r"(.+)-(\d+)", entry["name"])
        if match and int(match[2]) in THREADS and store.work(entry):
            found.setdefault(match[1], {})[int(match[2])] = entry
    return {name: members for name, members in found.items() if len(members) >= 3}


def throughput(members, allocator):
    """[(threads, operations per second)] where the allocator finished."""
    found = []
    for threads, entry in sorted(members.items()):
        seconds = store.value(entry, allocator, "wall")
        if seconds:
            found.append((threads, store.work(entry)[0] / seconds))
    return found


def threads(results):
    """A panel per family, with tarn but not with its other backends; '' when there is no family."""
    panels = families(results)
    if not panels:
        return ""
    columns = min(2, len(panels))
    width, height = 470, 330
    lines = -(-len(panels) // columns)
    drawing = Drawing(columns * width + 10, 58 + lines * height, "throughput against threads")
    drawing.text(12, 24, "Throughput against threads", 16, bold=True)
    drawing.text(12, 42, f"operations per second, higher is better; {results['machine']['cores']} cores", 12,
                 fill=FAINT)
    for index, (name, members) in enumerate(panels.items()):
        panel(drawing, results, name, members, (index % columns) * width, 58 + (index // columns) * height)
    return drawing.render()


def panel(drawing, results, name, members, x, y):
    names = [name for name in store.names(results) if not name.startswith("tarn-")] or store.names(results)
    curves = {one: throughput(members, one) for one in names}
    curves = {one: curve for one, curve in curves.items() if curve}
    left, top, right, bottom = x + 58, y + 30, x + 358, y + 286
    drawing.text(left, top - 10, name, 14, bold=True)
    if not curves:
        drawing.text(left, top + 20, "no allocator finished", 12, fill=FAINT)
        return
    across = LogAxis(list(members), left, right, 0.03)
    up = LogAxis([value for curve in curves.values() for _, value in curve], bottom, top)
    for count in members:
        drawing.line(across.at(count), top, across.at(count), bottom)
        drawing.text(across.at(count), bottom + 18, str(count), 12, "middle")
    for value in up.ticks(6):
        drawing.line(left, up.at(value), right, up.at(value))
        drawing.text(left - 6, up.at(value) + 4, tick_text(value), 12, "end")
    drawing.text((left + right) / 2, bottom + 36, "threads", 12, "middle")
    style = styles(names)
    order = sorted(curves, key=lambda one: style[one].tarn)  # tarn is drawn last, on top
    for one in order:
        points = [(across.at(count), up.at(value)) for count, value in curves[one]]
        drawing.path(points, style[one].color, 3.5 if style[one].tarn else 1.6, style[one].dash)
        for a, b in points:
            drawing.marker(style[one].shape, a, b, 4.5 if style[one].tarn else 3, fill=style[one].color)
    ends = [up.at(curves[one][-1][1]) for one in order]
    for one, end, place in zip(order, ends, spread_apart(ends, 15.5, top, bottom + 10)):
        drawing.line(across.at(curves[one][-1][0]) + 4, end, right + 14, place, style[one].color, 0.8)
        drawing.text(right + 17, place + 4, one, 12, fill=style[one].color, bold=style[one].tarn)


def write(results, directory):
    """Every plot that the results allow; the paths."""
    drawn = {"plane.svg": plane(results), "threads.svg": threads(results)}
    if store.measured(results):
        drawn |= {"time.svg": heatmap.draw(results, "wall"), "memory.svg": heatmap.draw(results, "peak")}
    if results.get("drift", {}).get("runs"):
        drawn["drift.svg"] = curve.draw(results)
    os.makedirs(directory, exist_ok=True)
    paths = []
    for name, content in drawn.items():
        if content:
            paths.append(os.path.join(directory, name))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write(content)
    return paths
