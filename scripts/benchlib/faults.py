# SPDX-License-Identifier: MIT
"""What the user is told in one line instead of a traceback."""


class Fault(Exception):
    """A wrong argument, a file that is not there: the message says what to do."""


def choose(kind, wanted, known):
    """Ends with the list of known names when one of `wanted` is none of them."""
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise Fault(f"unknown {kind}: {', '.join(unknown)}; known are: {', '.join(known)}")
