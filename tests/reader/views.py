#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What `tarn report` makes of a service's record (service_record.h): a page, a difference, a file for strangers; and how
long that takes. One fact a call.

usage: views.py TARN SELF_RECORD FACT
"""
import gzip
import html.parser
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from tool import main, refused, run, succeed

SELF = os.path.abspath(sys.argv[2])
PATIENCE = int(os.environ.get("TEST_PATIENCE") or 1)
SECRET = re.compile(r"hush|/srv|/home|\.cpp|\.so\b|token|alert\([1235]\)", re.IGNORECASE)


def service(path="record", minutes=20, stacks=50):
    subprocess.run([SELF, path, str(minutes), str(stacks)], check=True, timeout=60)
    return path


def page(*words):
    assert succeed("report", *words, "--html", "page.html") == ""
    return pathlib.Path("page.html").read_text(encoding="utf-8")


class Reader(html.parser.HTMLParser):
    """The text of a page, and that each element is closed by its own end."""
    VOID = ("meta", "link")

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.names = [], "", []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs), (tag, attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.text += data


def a_page_has_its_main_numbers_without_a_script():
    found = Reader(page(service()))
    text = " ".join(found.text.split())
    for words in ("keeps growing, by 6.0 MiB a minute", "258.4 MiB", "273.3 MiB at the peak", "120.0 MiB", "sessions.cpp:38",
                  "Leak candidates", "100 % of all that was ever allocated here is live still", "TARN_PROFILE=524288",
                  "2026-09-21 14:13:20 UTC", "trim: 12.0 MiB given back",
                  "kernel 6.1.0-31-hush, 8 processors, 30.3 GiB of memory, a limit of 512.0 MiB by the control group, pages of 4.0 KiB",
                  "Live at most: 280.0 MiB; 200.0 MiB in small objects, 90.0 MiB in blocks, each at its own time."):
        assert words in text, (words, text)
    assert found.names.count("script") == 3 and "img" not in found.names and found.names.count("path") == 3


def a_page_is_the_same_each_time():
    service()
    assert page("record") == page("record")


def a_page_needs_no_network_and_runs_nothing_else():
    text = page(service())
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert re.fullmatch(r"default-src 'none'; script-src 'sha256-[\w+/=]{44}'; style-src 'sha256-[\w+/=]{44}'; "
                        r"img-src data:; base-uri 'none'; form-action 'none'", policy), policy
    assert not re.search(r"https?:|\bsrc=(?!x onerror)|url\(|@import", text.replace('"http://www.w3.org/2000/svg"', "")), "asks the network"


def strangers_see_no_paths_and_no_arguments():
    service()
    service("earlier", 10)
    for words in (["record"], ["record", "--json"], ["record", "--folded", "-"], ["record", "--folded", "-", "--of", "allocated"],
                  ["record", "--html", "-"], ["earlier", "record"], ["earlier", "record", "--json"],
                  ["earlier", "record", "--folded", "-"], ["earlier", "record", "--html", "-"]):
        text = succeed("report", "--anonymous", *words)
        # What is the page's own is no secret.
        text = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", text, flags=re.S)
        assert not SECRET.search(text), (words, SECRET.search(text))
        assert "[scope " in text or "--html" in words, (words, text)
    plain = succeed("report", "record", "--html", "-")
    assert SECRET.search(plain) and "shop::Sessions::open" in plain
    succeed("report", "--anonymous", "record", "--pprof", "heap.pb.gz")
    profile = gzip.decompress(pathlib.Path("heap.pb.gz").read_bytes()).decode("latin-1")
    assert not SECRET.search(profile) and "[program]" in profile, SECRET.search(profile)


def strangers_see_functions_of_the_program():
    subprocess.run([SELF, "record"], check=True, timeout=60)
    for words in ([], ["--json"], ["--folded", "-"], ["--html", "-"]):
        text = succeed("report", "--anonymous", "record", *words)
        assert "pick_inlined" in text and "self_record.cpp" not in text and "orchard.py" not in text, text
        text = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", text, flags=re.S)
        assert os.path.basename(SELF) not in text and not re.search(r"\.so\b|libc\.", text), text
    # Who asked is found by paths that are left out afterwards.
    holders = json.loads(succeed("report", "--json", "record"))["holders"]
    anonymous = json.loads(succeed("report", "--json", "--anonymous", "record"))["holders"]
    assert [one["function"] for one in holders[:3]] == [one["function"] for one in anonymous[:3]]


def two_records_are_compared():
    service("before", 10)
    service("after", 20)
    text = succeed("report", "before", "after")
    assert text.startswith("60.0 MiB more are live than before, 203.1 MiB; shop::Sessions::open (sessions.cpp:38) grew most, by 60.0 MiB.\n"), text
    assert re.search(r"^  resident +205\.6 MiB +258\.4 MiB +\+52\.8 MiB$", text, re.M), text
    assert re.search(r"^Grew\n +\+60\.0 MiB  shop::Sessions::open  /srv/hush/src/sessions\.cpp:38\n +60\.0 MiB before, 120\.0 MiB after", text, re.M), text
    assert "Shrank" not in text and re.search(r"^Shrank\n +-60\.0 MiB  shop", succeed("report", "after", "before"), re.M)
    found = json.loads(succeed("report", "before", "after", "--json"))
    assert found["holders"][0]["grew_by"] == 60 << 20 and found["same_process"] is True, found["holders"][0]
    assert found["after"]["total"]["live_bytes"] - found["before"]["total"]["live_bytes"] == 60 << 20
    lines = dict((stack, (int(a), int(b))) for stack, a, b in
                 (line.rsplit(" ", 2) for line in succeed("report", "before", "after", "--folded", "-").splitlines()))
    assert lines["main;shop::serve;shop::Sessions::open"] == (60 << 20, 120 << 20), lines
    assert "go tool pprof -base" in refused(2, "report", "before", "after", "--pprof", "heap.pb.gz")
    assert Reader(page("before", "after")).text.count("+60.0 MiB") == 1
    refused(2, "report", "before", "after", "third")
    assert "No such file" in refused(1, "report", "before", "missing")


def much_is_read_in_a_moment():
    """20 minutes, a full time line, 20,000 stacks. A second, and two for a page, on a machine that is not busy; ten times as
    much is allowed here."""
    service(stacks=20000)
    for limit, words in ((10, ["record"]), (20, ["record", "--html", "page.html"])):
        begun = time.monotonic()
        done = run("report", *words)
        took = time.monotonic() - begun
        print(f"{took:.2f} s: tarn report {' '.join(words)}")
        assert done.returncode == 0 and took < limit * PATIENCE, took
    assert os.path.getsize("page.html") < 1 << 20
    print(f"{os.path.getsize('page.html') / 1024:.0f} KiB of HTML")


if __name__ == "__main__":
    main(globals())
