# SPDX-License-Identifier: MIT
"""What the user is told in one line instead of a traceback."""
import signal
import sys


class Fault(Exception):
    """A wrong argument, a file that is not there: the message says what to do."""


def choose(kind, wanted, known):
    """Ends with the list of known names when one of `wanted` is none of them."""
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise Fault(f"unknown {kind}: {', '.join(unknown)}; known are: {', '.join(known)}")


def status_of(script, action):
    """Of a whole run of scripts/SCRIPT. Being ended by a signal is as an interrupt: what was measured stays."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return action()
    except Fault as fault:
        print(f"scripts/{script}: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
