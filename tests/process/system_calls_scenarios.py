# SPDX-License-Identifier: MIT
"""The list of docs/system-calls.md, held by the kernel."""
import pathlib
import re

import harness

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "system-calls.md"


def listed():
    """The names in the paragraph that begins with "After start"; the page is what is tested."""
    paragraphs = [text for text in re.split(r"\n\s*\n", PAGE.read_text()) if text.startswith("After start")]
    assert len(paragraphs) == 1, f"{PAGE.name}: {len(paragraphs)} paragraphs begin with 'After start'"
    names = re.findall(r"`(\w+)`", paragraphs[0])
    assert names, f"{PAGE.name} names no call"
    return ",".join(names)


def after_start(context, mode, backend=""):
    result = context.run(["system_calls", mode, listed()], {"TARN_BACKEND": backend} if backend else {})
    if result.status == harness.CANNOT_TEST:
        raise harness.Skip(result.errors.strip())
    assert result.status == 0, result.short()
