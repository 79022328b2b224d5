# SPDX-License-Identifier: MIT
"""The numbers of the hardened mode, in the report of a program that frees and allocates."""
import json


def counted(context):
    result = context.run(["guard_use", "rate", "steady", "100000", "1"],
                         {"TARN_HARDENED": "1", "TARN_QUARANTINE": "64k", "TARN_STATS": "json"})
    assert result.status == 0, result.short()
    totals = json.loads([line for line in result.errors.splitlines() if line.startswith("{")][0])["totals"]
    assert totals["hardened_checks"] >= 200000, totals  # each when it is freed, and when its place is handed out
    assert 32768 < totals["quarantine_bytes"] <= 65536, totals
