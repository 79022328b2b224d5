# SPDX-License-Identifier: MIT
"""drift.svg: what is resident under each allocator while a load drifts, and what is live."""
from ..results import drift
from .palette import styles
from .svg import FAINT, INK, Drawing, spread_apart, text_width

POINTS = 300  # of a curve, at most
LIVE = "live"


def step_for(high, most):
    """A round step, of which `most` at most reach `high`."""
    size = 1
    while True:
        for step in (size, 2 * size, 5 * size):
            if high / step <= most:
                return step
        size *= 10


class Axis:
    """From 0 to a round value."""

    def __init__(self, high, start, end, most):
        self.step = step_for(high, most)
        self.high, self.start, self.end = high, start, end

    def at(self, value):
        return self.start + value / self.high * (self.end - self.start)

    def ticks(self):
        return [index * self.step for index in range(int(self.high / self.step) + 1)]


def thinned(samples):
    every = -(-len(samples) // POINTS)
    return samples[::-every][::-1]  # the last one stays


def draw(results):
    """'' when no allocator ended well."""
    curves = {name: thinned(samples) for name, samples in drift.curves(results).items()}
    if not curves:
        return ""
    labels = {name: f"{name} {drift.value(results, name, 'ratio'):.2f}" for name in curves}
    left, top, right, bottom = 66, 62, 700, 470
    width = right + 24 + round(max(text_width(label, 12, True) for label in [*labels.values(), LIVE])) + 8
    drawing = Drawing(width, bottom + 56, "memory of a load that drifts")
    drawing.text(12, 24, "Memory of a load that drifts", 16, bold=True)
    drawing.text(12, 42, "resident memory, and what is live; behind each name, their ratio over the last tenth", 12,
                 fill=FAINT)
    across = Axis(max(samples[-1][0] for samples in curves.values()) / 60, left, right, 10)
    up = Axis(1.05 * max(number for samples in curves.values() for _, *both in samples for number in both), bottom, top, 8)
    for value in across.ticks():
        drawing.line(across.at(value), top, across.at(value), bottom)
        drawing.text(across.at(value), bottom + 18, f"{value:g}", 12, "middle")
    for value in up.ticks():
        drawing.line(left, up.at(value), right, up.at(value))
        drawing.text(left - 8, up.at(value) + 4, f"{value:g}", 12, "end")
    drawing.rectangle(left, top, right - left, bottom - top, fill="none", stroke=FAINT)
    drawing.text((left + right) / 2, bottom + 42, "minutes", 13, "middle")
    drawing.turned_text(20, (top + bottom) / 2, -90, "MiB", size=13, anchor="middle")
    draw_curves(drawing, curves, labels, across, up)
    return drawing.render()


def draw_curves(drawing, curves, labels, across, up):
    """What is live is the same under each; it is drawn from one of them."""
    style = styles(curves)
    order = sorted(curves, key=lambda name: style[name].tarn)  # tarn is drawn last, on top
    first = curves[order[-1]]
    drawn = [(LIVE, [(seconds, live) for seconds, live, _ in first], INK, 2.2, "1 3", False)]
    drawn += [(labels[name], [(seconds, resident) for seconds, _, resident in curves[name]], style[name].color,
               3 if style[name].tarn else 1.6, style[name].dash, style[name].tarn) for name in order]
    ends = [up.at(samples[-1][1]) for _, samples, *_ in drawn]
    places = spread_apart(ends, 15.5, up.end + 8, up.start)
    right = across.at(across.high)
    for (label, samples, color, thickness, dash, tarn), end, place in zip(drawn, ends, places):
        drawing.path([(across.at(seconds / 60), up.at(value)) for seconds, value in samples], color, thickness, dash)
        drawing.line(across.at(samples[-1][0] / 60) + 2, end, right + 14, place, color, 0.8)
        drawing.text(right + 17, place + 4, label, 12, fill=color, bold=tarn)
