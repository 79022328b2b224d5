#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tarn report` promises, one fact a call.

usage: command.py TARN SELF_RECORD INCLUDE FACT
"""
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys

from profile_proto import Profile
from tool import COMMAND, FOLDER, main, need, refused, run, succeed, tool
from tool import line_of as line_in

SELF, INCLUDE = map(os.path.abspath, sys.argv[2:4])
TOTALS = {"objects": 61, "space": 6000500}  # what self_record says is live


def line_of(what):
    return line_in("self_record.cpp", what)


def own_record(program=SELF):
    subprocess.run([program, "record"], check=True, timeout=60)
    return "record"


def profile(program=SELF):
    succeed("report", own_record(program), "--pprof", "heap.pb.gz")
    return Profile("heap.pb.gz")


def help_begins_with_an_example():
    for words in ([], ["report"]):
        text = succeed(*words, "--help")
        assert text.startswith("Example:\n  ") and "\n  tarn report " in text and "Exit status: 0 done; 1" in text, text
    assert re.fullmatch(r"tarn \d+\.\d+\.\d+\n", succeed("--version"))


def errors_are_one_line_with_a_status():
    assert "No such file" in refused(1, "report", "missing")
    pathlib.Path("text").write_text("some text\n" * 1000, encoding="utf-8")
    for words in ([], ["--pprof", "-"], ["--folded", "-"], ["--json"]):
        assert "not a record" in refused(1, "report", "text", *words)
    refused(2)
    refused(2, "paint", "text")
    os.environ["XDG_RUNTIME_DIR"] = os.getcwd()
    assert "tarn run" in refused(1, "report") if not os.path.exists(f"/dev/shm/tarn-{os.getuid()}") else True
    refused(2, "report", "text", "--nonsense")
    refused(2, "report", "text", "--of", "everything")


def output_that_cannot_be_written_is_an_error():
    with open("/dev/full", "w", encoding="utf-8") as full:
        assert "No space left" in refused(1, "report", own_record(), stdout=full)
    assert "No such file" in refused(1, "report", "record", "--folded", "missing/file")


def nothing_sampled_has_a_status_of_its_own():
    subprocess.run([SELF, "record", "unsampled"], check=True, timeout=60)
    for format in ("--pprof", "--folded"):
        assert "TARN_PROFILE=512k" in refused(3, "report", "record", format, "-")
    assert "TARN_PROFILE" in succeed("report", "record")


def pprof_has_the_types_and_units_of_a_heap_profile():
    found = profile()
    assert found.types == [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"),
                           ("inuse_space", "bytes"), ("peak_objects", "count"), ("peak_space", "bytes")], found.types
    assert (found.period_type, found.period) == (("space", "bytes"), 524288)
    assert found.default == "inuse_space" and found.duration == 10**9 and found.time > 10**18


def pprof_has_the_totals():
    found = profile()
    for kind, total in TOTALS.items():
        assert found.total(f"inuse_{kind}") == found.total(f"peak_{kind}") == total
        assert found.total(f"alloc_{kind}") == 2 * total


def pprof_has_the_mappings():
    found = profile()
    own = found.first_mapping
    assert own["file"] == os.path.realpath(SELF)
    assert own["build_id"] in tool("readelf", "-n", SELF) and len(own["build_id"]) == 40
    code = re.search(r"LOAD\s+0x(\w+)\s+0x\w+\s+0x\w+\s+0x\w+\s+0x(\w+)\s+R E", tool("readelf", "-lW", SELF))
    assert own["offset"] == int(code[1], 16) and own["end"] - own["begin"] == int(code[2], 16), own
    assert own["functions"] and own["files"] and own["lines"] and own["inlined"]
    assert any("libc.so" in mapping["file"] for mapping in found.mappings.values())


def pprof_has_functions_files_and_lines():
    check_names(profile())


def check_names(found):
    [filled] = [sample for sample in found.samples if sample["values"][3] == 3000000]
    lines = [line for location in filled["locations"] for line in location["lines"]]
    names = [function["name"] for function, _ in lines]
    assert names[:3] == ["orchard::(anonymous namespace)::pick_inlined", "orchard::Basket::fill", "main"], names
    assert [line for _, line in lines[:2]] == [line_of("inlined"), line_of("fill")], lines
    assert all(os.path.samefile(function["file"], FOLDER / "self_record.cpp") for function, _ in lines[:3]), lines
    assert len(filled["locations"][0]["lines"]) == 2, "what was inlined shares its caller's address"
    assert lines[1][0]["system_name"] == "_ZN7orchard6Basket4fillEv"
    [added] = [sample for sample in found.samples if sample["values"][3] == 2000000]
    function, line = added["locations"][0]["lines"][0]
    assert function["name"] == "orchard::Basket::add<double>" and line == line_of("add")
    [called] = [names for names in found.stacks() if "compare_apples" in names]
    assert called[0] == "compare_apples" and called.index("main") >= 2, called  # libc's qsort is between them


def pprof_has_names_that_the_program_gave():
    found = profile()
    [named] = [sample for sample in found.samples if sample["values"][3] == 500]
    function, line = named["locations"][0]["lines"][0]
    assert (function["name"], function["file"], line) == ("harvest", "orchard.py", 12)


def pprof_is_read_by_go():
    need("go")
    profile()
    text = tool("go", "tool", "pprof", "-unit=B", "-sample_index=inuse_space", "-top", "-nodecount=100", "heap.pb.gz")
    assert re.search(r"^ *3000000B .* orchard::\(anonymous namespace\)::pick_inlined \(inline\)$", text, re.M), text
    text = tool("go", "tool", "pprof", "-raw", "heap.pb.gz")
    assert "inuse_space/bytes[dflt]" in text and "PeriodType: space bytes\nPeriod: 524288\n" in text, text


def pprof_is_not_for_a_terminal():
    refuse = on_terminal("report", own_record(), "--pprof", "-")
    assert refuse == (2, "tarn: pprof's format is not for a terminal; say --pprof heap.pb.gz\n"), refuse


def on_terminal(*words, **environment):
    """Status and output, both streams on a terminal."""
    outer, inner = pty.openpty()
    child = subprocess.Popen([COMMAND, *words], stdin=inner, stdout=inner, stderr=inner,
                             env={**os.environ, "TERM": "xterm", **environment})
    os.close(inner)
    output = b""
    try:
        while piece := os.read(outer, 65536):
            output += piece
    except OSError:  # the other end is closed
        pass
    os.close(outer)
    return child.wait(), output.decode().replace("\r\n", "\n")


def colours_are_for_terminals():
    os.environ.pop("NO_COLOR", None)
    record = own_record()
    assert "\033[" in on_terminal("report", record)[1]
    assert "\033[" not in on_terminal("report", record, NO_COLOR="1")[1]
    assert "\033[" not in on_terminal("report", record, TERM="dumb")[1]
    assert "\033[" not in succeed("report", record)


def folded_has_a_line_for_each_stack():
    lines = succeed("report", own_record(), "--folded", "-").splitlines()
    stacks = {stack: int(number) for stack, number in (line.rsplit(" ", 1) for line in lines)}
    assert sum(stacks.values()) == TOTALS["space"] and stacks["harvest"] == 500, stacks
    assert any(stack.endswith("main;orchard::Basket::fill;orchard::(anonymous namespace)::pick_inlined")
               for stack in stacks), stacks
    for of, times in (("peak", 1), ("allocated", 2)):
        lines = succeed("report", "record", "--folded", "-", "--of", of, "--objects").splitlines()
        assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) == times * TOTALS["objects"]


def show_names_the_largest_holders():
    text = succeed("report", own_record())
    places = re.findall(r"^ +\S+ \S+ +\d+ %  (\S.*\S)  (\S+):(\d+)$", text, re.M)
    names = [(name, int(line)) for name, file, line in places if file.endswith("self_record.cpp")]
    assert names == [("orchard::(anonymous namespace)::pick_inlined", line_of("inlined")),
                     ("orchard::Basket::add<double>", line_of("add")), ("compare_apples", line_of("compare"))], text
    assert text.startswith("sample, process ") and ", ended after 1.0 s\n" in text, text


def show_json_is_the_same_for_programs():
    found = json.loads(succeed("report", "--json", own_record()))
    assert found["total"]["live_bytes"] == TOTALS["space"] and found["process"]["state"] == "ended"
    assert found["holders"][0]["function"].endswith("pick_inlined") and found["holders"][0]["line"] == line_of("inlined")


def compiled(compiler):
    need(compiler)
    tool(compiler, "-std=c++20", "-g", "-O1", f"-I{INCLUDE}", str(FOLDER / "self_record.cpp"), str(FOLDER / "sample_record.cpp"),
         str(FOLDER / "service_record.cpp"), "-o", "program")
    return os.path.abspath("program")


def clang_writes_no_table_of_addresses():
    program = compiled("clang++")
    assert ".debug_aranges" not in tool("readelf", "-SW", program)
    check_names(profile(program))


def names_from_a_separate_debug_file():
    need("objcopy")
    shutil.copy(SELF, "program")
    tool("objcopy", "--only-keep-debug", "program", "program.debug")
    tool("objcopy", "--strip-all", "--add-gnu-debuglink=program.debug", "program")
    os.mkdir(".debug")
    os.rename("program.debug", ".debug/program.debug")
    check_names(profile(os.path.abspath("program")))
    shutil.rmtree(".debug")
    names = [name for stack in profile(os.path.abspath("program")).stacks() for name in stack]
    assert "orchard::Basket::fill" not in names, names


def a_file_that_was_replaced_gives_no_names():
    shutil.copy(SELF, "program")
    record = own_record(os.path.abspath("program"))
    os.unlink("program")
    shutil.copy("/bin/true", "program")
    text = succeed("report", record)
    assert re.search(r"names for addresses in \S+/program: another file by now: its build id differs", text), text
    assert "compare_apples" not in text and re.search(r"program\+0x\w+", text), text
    os.unlink("program")
    assert "not there any more" in succeed("report", record)


if __name__ == "__main__":
    main(globals())
