#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# Reads reports as a stranger would: JSON against docs/statistics.schema.json, OpenMetrics against the rules
# of its specification. Each checker is first shown broken reports, all of which it must refuse.
#   check_report.py samples PROGRAM SCHEMA DOCUMENT   reports of stats_sample, and that the document knows them
#   check_report.py json SCHEMA FILE                  a file of reports
#   check_report.py prometheus FILE
import copy
import json
import os
import re
import shlex
import subprocess
import sys

KNOWN = {"$schema", "$id", "$defs", "$ref", "title", "description", "type", "const", "minimum", "maximum",
         "pattern", "properties", "patternProperties", "additionalProperties", "required", "items"}
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}


class Refused(Exception):
    pass


def expect(condition, *words):
    if not condition:
        raise Refused(" ".join(str(word) for word in words))


def check_object(value, schema, root, at):
    for name in schema.get("required", []):
        expect(name in value, at, "lacks", name)
    for name, member in value.items():
        rules = [rule for pattern, rule in schema.get("patternProperties", {}).items() if re.search(pattern, name)]
        if name in schema.get("properties", {}):
            rules.append(schema["properties"][name])
        expect(rules or schema.get("additionalProperties", True), at, "has unknown", name)
        for rule in rules:
            check_schema(member, rule, root, f"{at}.{name}")


def check_schema(value, schema, root, at="report"):
    """JSON Schema 2020-12, as far as our schema uses it; an unknown keyword is an error, not ignored."""
    expect(set(schema) <= KNOWN, "schema keyword not supported here:", set(schema) - KNOWN)
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        check_schema(value, target, root, at)
    if "type" in schema:
        expect(isinstance(value, TYPES[schema["type"]]) and not isinstance(value, bool), at, "is no", schema["type"])
    if "const" in schema:
        expect(value == schema["const"] and type(value) is type(schema["const"]), at, "is not", schema["const"])
    if "minimum" in schema:
        expect(value >= schema["minimum"], at, "is below", schema["minimum"])
    if "maximum" in schema:
        expect(value <= schema["maximum"], at, "is above", schema["maximum"])
    if "pattern" in schema:
        expect(re.search(schema["pattern"], value), at, "does not match", schema["pattern"])
    if isinstance(value, dict):
        check_object(value, schema, root, at)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            check_schema(item, schema["items"], root, f"{at}[{index}]")


def no_duplicates(pairs):
    expect(len(pairs) == len({name for name, _ in pairs}), "a key stands twice")
    return dict(pairs)


def refuse_constant(name):
    raise Refused(f"{name} is no JSON")


def parse_json(data):
    """One report from bytes, by the letter of RFC 8259."""
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=no_duplicates, parse_constant=refuse_constant)
    except ValueError as error:
        raise Refused(f"no JSON: {error}") from error


def check_equations(report):
    totals, classes = report["totals"], report["classes"]
    expect(totals["allocations"] - totals["frees"] == totals["live_objects"], "live_objects")
    expect(totals["small_allocations"] + totals["large_allocations"] == totals["allocations"], "allocations")
    expect(totals["small_live_bytes"] + totals["large_live_bytes"] == totals["live_bytes"], "live_bytes")
    for total, member in (("small_allocations", "allocations"), ("small_frees", "frees"), ("fresh", "fresh"),
                          ("reused", "reused"), ("remote_frees", "remote_frees"), ("slabs", "slabs")):
        expect(totals[total] == sum(c[member] for c in classes), total, "is not the sum over the classes")
    for c in classes:
        expect(c["fresh"] + c["reused"] == c["allocations"], "fresh and reused of", c["object_size"])
        expect(c["live_objects"] == c["allocations"] - c["frees"], "live_objects of", c["object_size"])
        expect(c["live_bytes"] == c["live_objects"] * c["object_size"], "live_bytes of", c["object_size"])
    sizes = [c["object_size"] for c in classes]
    expect(sizes == sorted(set(sizes)), "classes are not in order")


def check_json(data, schema):
    expect(data.endswith(b"\n") and data.count(b"\n") == 1, "a report is one line")
    report = parse_json(data)
    check_schema(report, schema, schema)
    return report


NAME = r"[a-zA-Z_][a-zA-Z0-9_]*"
LABEL = NAME + r'="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([0-9]+(?:\.[0-9]+)?)$")
SUFFIX = {"counter": "_total", "gauge": "", "info": "_info"}


class Family:
    def __init__(self, name, kind):
        self.name, self.kind, self.unit, self.help, self.samples = name, kind, None, None, {}


def add_metadata(family, line):
    match = re.match(rf"# (UNIT|HELP) ({NAME}) (.*)$", line)
    expect(match and match[2] == family.name, "metadata of another family:", line)
    expect(not family.samples, "metadata after samples:", line)
    if match[1] == "UNIT":
        expect(family.unit is None and family.help is None, "order is TYPE, UNIT, HELP:", line)
        expect(family.name.endswith("_" + match[3]) and family.kind != "info", "name does not end in its unit:", line)
        family.unit = match[3]
    else:
        expect(family.help is None, "second HELP:", line)
        expect(re.fullmatch(r'(?:[^"\\]|\\["\\n])+', match[3]), "HELP is not escaped:", line)
        family.help = match[3]


def add_sample(family, line):
    match = SAMPLE.fullmatch(line)
    expect(match, "no sample:", line)
    expect(match[1] == family.name + SUFFIX[family.kind], family.kind, "has another name:", line)
    labels = re.findall(rf"({NAME})=", match[2] or "") if family.kind != "info" else []
    expect(len(labels) == len(set(labels)), "label stands twice:", line)
    expect(match[2] not in family.samples, "series stands twice:", line)
    expect(family.kind != "info" or match[3] == "1", "info is always 1:", line)
    family.samples[match[2]] = float(match[3]) if "." in match[3] else int(match[3])


def check_prometheus(data):
    """The text format of OpenMetrics 1.0: families in one piece, names, units, escapes, end. The families by name."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("no UTF-8") from error
    expect(text.endswith("\n# EOF\n"), "does not end in # EOF")
    families, family = {}, None
    for line in text.removesuffix("\n# EOF\n").split("\n"):
        match = re.match(rf"# TYPE ({NAME}) (counter|gauge|info)$", line)
        if match:
            expect(match[1] not in families, "family in two pieces:", line)
            expect(not match[1].endswith(("_total", "_created", "_info")), "reserved suffix:", line)
            family = families[match[1]] = Family(match[1], match[2])
            continue
        expect(family, "before any TYPE:", line)
        add_metadata(family, line) if line.startswith("#") else add_sample(family, line)
    names = [f.name + suffix for f in families.values() for suffix in {"", SUFFIX[f.kind]}]
    expect(len(names) == len(set(names)), "names of families collide")
    return families


def must_refuse(what, check, *arguments):
    try:
        check(*arguments)
    except Refused:
        return
    sys.exit(f"check_report: the checker accepts {what}")


def try_json_checker(report, schema):
    def broken(change):
        copied = copy.deepcopy(report)
        change(copied)
        return (json.dumps(copied) + "\n").encode()
    changes = {
        "a missing total": lambda r: r["totals"].pop("frees"),
        "an unknown total": lambda r: r["totals"].update(extra=1),
        "a negative number": lambda r: r["totals"].update(live_bytes=-1),
        "a fraction where a count belongs": lambda r: r["totals"].update(frees=1.5),
        "a share above one": lambda r: r["totals"].update(pool_share=1.1),
        "a class without size": lambda r: r["classes"][0].pop("object_size"),
        "a string for a number": lambda r: r["classes"][0].update(frees="1"),
        "another version": lambda r: r.update(version=r["version"] + 1),
        "a foreign option": lambda r: r["options"].update(PATH="/bin"),
        "an option that is no string": lambda r: r["options"].update(TARN_STATS=1),
    }
    for what, change in changes.items():
        must_refuse(what, check_json, broken(change), schema)
    whole = (json.dumps(report) + "\n").encode()
    must_refuse("two lines", check_json, whole + b"\n", schema)
    must_refuse("NaN", check_json, whole.replace(b'"pool_share": ', b'"pool_share": NaN, "x": '), schema)
    must_refuse("a key twice", check_json, whole.replace(b'"version": 6', b'"version": 6, "version": 6'), schema)
    must_refuse("raw control characters", check_json, whole.replace(b"program\"", b"pro\x01gram\""), schema)
    must_refuse("bytes that are no UTF-8", check_json, whole.replace(b"mimalloc", b"mi\xff"), schema)
    wrong = copy.deepcopy(report)
    wrong["totals"]["live_objects"] += 1
    must_refuse("live that is not allocations - frees", check_equations, wrong)


def try_prometheus_checker(data):
    changes = {
        "no EOF": (b"# EOF\n", b""),
        "text after EOF": (b"# EOF\n", b"# EOF\n\n"),
        "a counter without _total": (b"tarn_frees_total ", b"tarn_frees "),
        "a gauge with _total": (b"\ntarn_threads ", b"\ntarn_threads_total "),
        "a unit that the name lacks": (b"# UNIT tarn_live_bytes bytes", b"# UNIT tarn_live_bytes seconds"),
        "two TYPE lines": (b"# TYPE tarn_frees counter\n", b"# TYPE tarn_frees counter\n" * 2),
        "HELP of another family": (b"# HELP tarn_frees ", b"# HELP tarn_other "),
        "a family in two pieces": (b"# EOF\n", b"tarn_frees_total 1\n# EOF\n"),
        "a series twice": (b"\ntarn_threads 3\n", b"\ntarn_threads 3\ntarn_threads 3\n"),
        "a negative value": (b"\ntarn_threads 3\n", b"\ntarn_threads -3\n"),
        "a label that is not closed": (b'{class="16"}', b'{class="16}'),
        "a bare line": (b"# EOF\n", b"\n# EOF\n"),
        "HELP before UNIT": (b"# UNIT tarn_live_bytes bytes\n", b"# HELP tarn_live_bytes x.\n# UNIT tarn_live_bytes bytes\n"),
    }
    for what, (old, new) in changes.items():
        assert old in data, what
        must_refuse(what, check_prometheus, data.replace(old, new))


def check_same(report, families):
    """Both formats show the same numbers."""
    suffixes = ("", "_bytes", "_ratio")
    for name, value in report["totals"].items():
        found = [families["tarn_" + name + s] for s in suffixes if "tarn_" + name + s in families]
        expect(len(found) == 1 and found[0].samples == {None: value}, name, "differs between the formats")
    for c in report["classes"]:
        for name, value in c.items():
            if name == "object_size":
                continue
            found = [families[f"tarn_class_{name}{s}"] for s in suffixes if f"tarn_class_{name}{s}" in families]
            expect(len(found) == 1, name, "has no family of its own")
            expect(found[0].samples.get(f'class="{c["object_size"]}"') == value, name, "differs in", c["object_size"])


def check_document(report, families, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name in [*report["totals"], *report["classes"][0], *report["options"]]:
        expect(f"`{name}`" in text, path, "does not explain", name)
    for family in families.values():
        expect(f"`{family.name}" in text, path, "does not name", family.name)


def check_samples(program, schema_path, document):
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)

    def run(snapshot, form, name="program", **variables):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TARN_")} | variables
        emulator = shlex.split(os.environ.get("MESON_EXE_WRAPPER", ""))  # for another machine's programs
        return subprocess.run([*emulator, program, snapshot, form, name], env=environment, check=True, stdout=subprocess.PIPE).stdout

    report = check_json(run("sample", "json"), schema)
    check_equations(report)
    families = check_prometheus(run("sample", "prometheus"))
    try_json_checker(report, schema)
    try_prometheus_checker(run("sample", "prometheus"))
    check_same(report, families)
    check_document(report, families, document)

    check_equations(check_json(run("idle", "json"), schema))
    expect(families.keys() >= check_prometheus(run("idle", "prometheus")).keys(), "families come and go")
    extreme = check_json(run("extreme", "json"), schema)
    expect(extreme["totals"]["reserved"] == 2**64 - 1, "integers are not exact")
    expect(len(extreme["classes"]) == 96, "classes are lost")
    check_prometheus(run("extreme", "prometheus"))

    nasty = b'a"b\\c\nd\te\x01\x7f\xff\xc3\xa4\xed\xa0\x80\xf0\x9f'
    shown = 'a"b\\c\nd\te\x01\x7f\ufffdä\ufffd\ufffd\ufffd\ufffd\ufffd'
    expect(check_json(run("sample", "json", nasty), schema)["program"] == shown, "the program's name is another")
    labels = list(check_prometheus(run("sample", "prometheus", nasty))["tarn_build"].samples)[0]
    expect('program="a\\"b\\\\c\\nd' in labels, "the label is not escaped:", labels)
    options = check_json(run("sample", "json", TARN_STATS_FILE='/"\\%p', TARN_DIRTY="1m"), schema)["options"]
    expect(options["TARN_STATS_FILE"] == '/"\\%p' and options["TARN_DIRTY"] == "1048576", "options:", options)


def main(arguments):
    mode = arguments[0] if arguments else ""
    try:
        if mode == "samples" and len(arguments) == 4:
            check_samples(*arguments[1:])
        elif mode == "json" and len(arguments) == 3:
            with open(arguments[1], encoding="utf-8") as schema_file, open(arguments[2], "rb") as file:
                schema, lines = json.load(schema_file), file.readlines()
            expect(lines, "there is no report")
            for line in lines:
                check_equations(check_json(line, schema))
        elif mode == "prometheus" and len(arguments) == 2:
            with open(arguments[1], "rb") as file:
                check_prometheus(file.read())
        else:
            sys.exit("usage: check_report.py samples PROGRAM SCHEMA DOCUMENT | json SCHEMA FILE | prometheus FILE")
    except Refused as refused:
        sys.exit(f"check_report: {refused}")


if __name__ == "__main__":
    main(sys.argv[1:])
