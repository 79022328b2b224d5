# SPDX-License-Identifier: MIT
"""The report at exit: that it is written, where, how often, and that it disturbs nothing. The programs
allocate 123 large blocks, so a report is known by its count."""
import json
import os
import pathlib
import re
import shutil
import stat
import tempfile

import harness

LARGE = 123
NOBODY = 65534


def reports(text):
    """The JSON reports in a text of many lines."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def run(context, mode, settings, **other):
    result = context.run(["exits", mode], environment=settings, **other)
    assert result.status == 0, result.short()
    return result


def whole(report):
    return report["totals"]["large_allocations"] >= LARGE


def on_stderr(context, mode, count="1"):
    result = run(context, mode, {"TARN_STATS": "json"})
    found = reports(result.errors)
    assert len(found) == int(count), f"{len(found)} reports: {result.errors[:300]}"
    assert all(map(whole, found)), result.errors[:300]
    assert len({report["process"] for report in found}) == int(count), "each of another process"
    assert result.output == b"", "nothing on standard output"


def none_before_exec(context):
    """The process has not ended: only what it executes reports."""
    found = reports(run(context, "executes_another", {"TARN_STATS": "json"}).errors)
    assert [report["program"] for report in found] == ["true"], found


def text_report(context):
    errors = run(context, "return", {"TARN_STATS": "1"}).errors
    assert re.search(r"(?m)^tarn", errors) and len(errors.splitlines()) >= 5, errors
    assert "123" in errors, errors
    assert not re.search(r"not freed|leak|-\d", errors), errors


def prometheus_report(context):
    lines = run(context, "return", {"TARN_STATS": "prometheus"}).errors.splitlines()
    sample = re.compile(r'^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+]+$')
    bad = [line for line in lines if not line.startswith(("# TYPE ", "# HELP ", "# UNIT ", "# EOF")) and
           not sample.match(line)]
    assert len(lines) > 30 and not bad, bad[:5]
    assert any(re.match(r"tarn_large_allocations\S* 12\d$", line) for line in lines), lines[:50]


def no_report_unless_asked(context):
    result = run(context, "return", {})
    assert result.errors == "" and result.output == b"", result.errors


def own_output_untouched(context):
    plain = run(context, "output_untouched", {})
    result = run(context, "output_untouched", {"TARN_STATS": "json"})
    assert result.output == plain.output == b"own output\n", result.output
    assert result.errors.startswith("own error\n"), result.errors


def to_file(context, mode, name, count):
    """Reports go to a file; `name` may hold %p."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(context, mode, {"TARN_STATS": "json", "TARN_STATS_FILE": f"{folder}/{name}"})
        assert result.errors == "", result.errors
        found = {path.name: reports(path.read_text()) for path in pathlib.Path(folder).iterdir()}
        total = [report for each in found.values() for report in each]
        assert len(total) == int(count) and all(map(whole, total)), found.keys()
        if "%p" in name:
            expected = {name.replace("%p", str(report["process"])) for report in total}
            assert set(found) == expected, f"{set(found)} instead of {expected}"


def relative_file(context):
    """A relative name is meant as of the start, wherever the program goes."""
    with tempfile.TemporaryDirectory() as folder:
        run(context, "directory_changed", {"TARN_STATS": "json", "TARN_STATS_FILE": "report"}, cwd=folder)
        assert len(reports((pathlib.Path(folder) / "report").read_text())) == 1


def file_is_appended_to(context):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "report"
        path.write_text("what was there\n")
        for _ in range(2):
            run(context, "return", {"TARN_STATS": "json", "TARN_STATS_FILE": str(path)})
        text = path.read_text()
        assert text.startswith("what was there\n") and len(reports(text)) == 2, text[:200]


def file_cannot_be_opened(context, mode):
    result = run(context, mode, {"TARN_STATS": "1", "TARN_STATS_FILE": "/nonexistent/report"})
    assert result.errors.count("tarn: ") == 1 and len(result.errors.splitlines()) == 1, result.errors


def reopened_stderr_is_not_disturbed(context):
    with tempfile.TemporaryDirectory() as folder:
        run(context, "standard_error_reopened", {"TARN_STATS": "json"}, cwd=folder)
        text = (pathlib.Path(folder) / "own_file").read_text()
        assert text == "own words\n", f"the program's file: {text[:200]}"


def closed_stderr_at_start(context):
    """Started without a standard error: number 2 may be anything of the program's; no report there."""
    with tempfile.TemporaryDirectory() as folder:
        command = f"exec 2>&-; exec {context.program('exits')} standard_error_reopened"
        result = context.run(["/bin/sh", "-c", command], environment={"TARN_STATS": "json"}, cwd=folder)
        assert result.status == 0, result.short()
        text = (pathlib.Path(folder) / "own_file").read_text()
        assert text == "own words\n", f"the program's file: {text[:200]}"


def python_os_exit(context):
    code = "import os, sys; x = [bytes(2000000) for _ in range(130)]; os._exit(0)"
    result = context.run(["/usr/bin/python3", "-S", "-c", code], environment={"TARN_STATS": "json"})
    found = reports(result.errors)
    assert result.status == 0 and len(found) == 1 and whole(found[0]), result.short()


def python_multiprocessing(context):
    code = ("import multiprocessing as m; m.set_start_method('fork'); "
            "p = [m.Process(target=print, args=(i,)) for i in range(3)]; "
            "[x.start() for x in p]; [x.join() for x in p]")
    result = context.run(["/usr/bin/python3", "-c", code], environment={"TARN_STATS": "json"})
    found = reports(result.errors)
    assert result.status == 0, result.short()
    assert len({report["process"] for report in found}) == len(found) == 4, f"{len(found)} reports"


def shell_pipeline(context):
    """Every process of a pipeline reports once; coreutils close standard error themselves."""
    command = "seq 1000 | sort -rn | head -1"
    result = context.run(["/bin/bash", "-c", command], environment={"TARN_STATS": "json"})
    assert result.output == b"1000\n" and result.status == 0, result.short()
    names = sorted(pathlib.Path(report["program"]).name for report in reports(result.errors))
    assert {"seq", "sort", "head", "bash"} <= set(names), names


def run_with_other_id(context, folder, owner):
    """The program with the library inside, owned by `owner` and set-user-id: (AT_SECURE, its reports)."""
    path = pathlib.Path(folder) / "privileged"
    shutil.copy(context.programs / "exits_linked", path)
    os.chown(path, owner, owner)
    path.chmod(stat.S_ISUID | 0o755)
    os.chmod(folder, 0o755)
    result = context.run([str(path), "privileged"], environment={"TARN_STATS": "json"}, preload=False)
    assert result.status == 0, result.short()
    return int(result.output), reports(result.errors)


def privileged_ignores_environment(context):
    with tempfile.TemporaryDirectory() as folder:
        secure, found = run_with_other_id(context, folder, os.getuid())
        assert secure == 0 and len(found) == 1, "an ordinary program reports"
        secure, found = run_with_other_id(context, folder, NOBODY)
        if not secure:
            raise harness.Skip("set-user-id has no effect in " + folder)
        assert not found, "a privileged program heeds TARN_STATS"
