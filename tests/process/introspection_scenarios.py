# SPDX-License-Identifier: MIT
"""What malloc_info and malloc_stats print, and where."""
import re
import xml.etree.ElementTree

LIVE = 98 << 20


def info_is_xml(context):
    result = context.run(["introspection", "info_xml"])
    assert result.status == 0, result.short()
    root = xml.etree.ElementTree.fromstring(result.output)
    assert root.tag == "malloc" and root.get("version"), result.output[:200]
    sizes = [int(number) for number in re.findall(rb'size="(\d+)"', result.output)]
    assert max(sizes, default=0) >= LIVE - (1 << 20), f"98 MiB live appear nowhere: {sizes}"


def stats_on_stderr(context):
    result = context.run(["introspection", "stats"])
    assert result.status == 0, result.short()
    assert result.output == b"", "nothing on standard output"
    assert len(result.errors.splitlines()) > 2, f"a report on standard error: {result.errors!r}"
