# SPDX-License-Identifier: MIT
"""Colours and markers of allocators: the set of Okabe and Ito, told apart by colour-blind readers too."""
import dataclasses

TARN = "#d55e00"
FIXED = {"glibc": ("#404040", "square"), "mimalloc": ("#0072b2", "up"), "jemalloc": ("#009e73", "diamond"),
         "tcmalloc": ("#b8508f", "down"), "tbbmalloc": ("#b8860b", "circle")}
OTHERS = ("#2f97d0", "#7a5195", "#8c4a2f", "#2f8f9d", "#7d7a1a")
SHAPES = ("square", "up", "diamond", "down", "circle")


@dataclasses.dataclass(frozen=True)
class Style:
    color: str
    shape: str
    tarn: bool  # tarn itself, which is what a plot is about
    dash: str = None


def styles(names):
    """{name: Style}; peers without a colour of their own get the others in turn."""
    found, others = {}, 0
    for name in names:
        if name == "tarn" or name.startswith("tarn-"):
            found[name] = Style(TARN, "circle", name == "tarn", None if name == "tarn" else "4 4")
        elif name in FIXED:
            found[name] = Style(*FIXED[name], False)
        else:
            found[name] = Style(OTHERS[others % len(OTHERS)], SHAPES[others % len(SHAPES)], False, "5 2")
            others += 1
    return found
