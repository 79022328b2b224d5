# SPDX-License-Identifier: MIT
"""A small writer of SVG: shapes, text of a known size, labels that keep clear of each other."""
import math
from xml.sax.saxutils import escape, quoteattr

FONT = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif"
# Mean widths of this font family, as parts of its size: no label is wider than this.
GLYPH, BOLD_GLYPH = 0.62, 0.69
INK, FAINT, GRID = "#1a1a1a", "#5c5c5c", "#dddddd"


def number(value):
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def text_width(text, size, bold=False):
    return len(text) * size * (BOLD_GLYPH if bold else GLYPH)


class Drawing:
    """Elements in the order in which they are drawn, on a white ground."""

    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self.elements = []
        self.rectangle(0, 0, width, height, fill="#ffffff")

    def add(self, tag, content=None, **attributes):
        words = "".join(f" {key.replace('_', '-')}={quoteattr(number(value))}"
                        for key, value in attributes.items() if value is not None)
        self.elements.append(f"<{tag}{words}/>" if content is None else f"<{tag}{words}>{content}</{tag}>")

    def rectangle(self, x, y, width, height, **style):
        self.add("rect", x=x, y=y, width=width, height=height, **style)

    def line(self, x1, y1, x2, y2, stroke=GRID, width=1, **style):
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width, **style)

    def path(self, points, stroke, width, dash=None):
        self.add("polyline", points=" ".join(f"{number(float(x))},{number(float(y))}" for x, y in points),
                 fill="none", stroke=stroke, stroke_width=width, stroke_dasharray=dash, stroke_linejoin="round")

    def text(self, x, y, text, size=13, anchor="start", fill=INK, bold=False, **more):
        self.add("text", escape(text), x=x, y=y, font_size=size, text_anchor=anchor, fill=fill,
                 font_weight="bold" if bold else None, **more)

    def clear_text(self, *place, **style):
        """Text that keeps the lines behind it away by a white rim."""
        self.text(*place, stroke="#ffffff", stroke_width=3, paint_order="stroke", **style)

    def turned_text(self, x, y, degrees, text, **style):
        self.text(0, 0, text, transform=f"translate({number(float(x))} {number(float(y))}) rotate({degrees})", **style)

    def marker(self, shape, x, y, radius, **style):
        """One of SHAPES around (x, y)."""
        if shape == "circle":
            self.add("circle", cx=float(x), cy=float(y), r=radius, **style)
            return
        corners = SHAPES[shape]
        self.add("polygon", points=" ".join(f"{number(x + radius * a)},{number(y + radius * b)}" for a, b in corners),
                 **style)

    def render(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}"'
                f' viewBox="0 0 {self.width} {self.height}" font-family={quoteattr(FONT)} role="img">\n'
                f"<title>{escape(self.title)}</title>\n" + "\n".join(self.elements) + "\n</svg>\n")


SHAPES = {"circle": (),
          "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
          "diamond": ((0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)),
          "up": ((0.0, -1.2), (1.1, 0.85), (-1.1, 0.85)),
          "down": ((0.0, 1.2), (1.1, -0.85), (-1.1, -0.85))}


class LogAxis:
    """Maps values to positions; its ends lie on either side of all values."""

    def __init__(self, values, start, end, margin=0.06):
        low, high = math.log(min(values)), math.log(max(values))
        room = max((high - low) * margin, 0.01)
        self.low, self.high, self.start, self.end = low - room, high + room, start, end

    def at(self, value):
        return self.start + (math.log(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most=8):
        """Round values between the ends, as many as `most` allows, evenly chosen."""
        low, high = math.exp(self.low), math.exp(self.high)
        for step in TICKS:
            found = [value for value in step(low, high) if low <= value <= high]
            if 2 <= len(found) <= most:
                return found
        return [value for value in (low, high)]


def decades(steps):
    def values(low, high):
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        return [step * 10.0 ** exponent for exponent in exponents for step in steps]
    return values


def linear(step):
    def values(low, high):
        count = int((high - low) / step)
        first = math.ceil(low / step)
        return [round((first + index) * step, 6) for index in range(min(count, 1000) + 1)]
    return values


# From the finest to the coarsest; the first that gives few enough is taken.
TICKS = (linear(0.01), linear(0.02), linear(0.05), linear(0.1), linear(0.2), linear(0.5), decades((1, 2, 3, 5, 7)),
         decades((1, 2, 5)), decades((1, 3)), decades((1,)))


def tick_text(value):
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g}{unit}"
    return f"{value:.3g}"


def overlap(one, other):
    """The area that two boxes (left, top, right, bottom) share."""
    return max(0.0, min(one[2], other[2]) - max(one[0], other[0])) * \
        max(0.0, min(one[3], other[3]) - max(one[1], other[1]))


def place_labels(points, size, bounds):
    """points: [(x, y, radius, text, bold)]; a box for each text, clear of the others, of all points and within
    `bounds`; places near the point first. In the order given, so the most important comes first."""
    marks = [(x - r, y - r, x + r, y + r) for x, y, r, _, _ in points]
    boxes = []
    for x, y, radius, text, bold in points:
        width, height = text_width(text, size, bold), size * 1.25
        candidates = []
        for distance in range(3, 130, 4):
            for turn in range(24):
                angle = turn * math.pi / 12
                across, down = math.cos(angle), math.sin(angle)
                center_x = x + across * (radius + distance + width / 2)
                center_y = y + down * (radius + distance + height / 2)
                box = (center_x - width / 2, center_y - height / 2, center_x + width / 2, center_y + height / 2)
                outside = box[0] < bounds[0] or box[1] < bounds[1] or box[2] > bounds[2] or box[3] > bounds[3]
                clash = sum(overlap(box, other) for other in [*boxes, *marks])
                candidates.append((outside, clash > 0, distance, clash, turn, box))
        boxes.append(min(candidates)[-1])
    return boxes


def spread_apart(positions, gap, low, high):
    """The positions, moved as little as keeps them `gap` apart and between `low` and `high`."""
    order = sorted(range(len(positions)), key=positions.__getitem__)
    moved = list(positions)
    for _ in range(2):
        for before, after in zip(order, order[1:]):
            moved[after] = max(moved[after], moved[before] + gap)
        excess = max(0.0, moved[order[-1]] - high)
        moved[order[-1]] -= excess
        for after, before in zip(order[::-1], order[-2::-1]):
            moved[before] = min(moved[before], moved[after] - gap)
    if order and moved[order[0]] < low:
        shift = low - moved[order[0]]
        moved = [position + shift for position in moved]
    return moved
