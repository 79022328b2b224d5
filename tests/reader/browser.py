#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The page of `tarn report --html` in a real browser: all facts, or one; or its pictures.

usage: browser.py TARN SELF_RECORD all|FACT
       browser.py --pictures PAGE FOLDER     report-desktop.png (light) and report-phone.png (dark)
"""
import os
import subprocess
import sys

import chromium

FRAMES = "[...document.querySelectorAll('#flame-picture > svg')]"
NAMES = f"{FRAMES}.map(frame => frame.textContent)"
SELF = os.path.abspath(sys.argv[2])
FIRST = "document.querySelector('#holders-table tbody td').textContent"


def opened(browser, *records, **options):
    from tool import succeed
    succeed("report", *records, "--html", "page.html")
    browser.open("page.html", **options)


def service(path="record", minutes=20):
    subprocess.run([SELF, path, str(minutes), "50"], check=True, timeout=60)
    return path


def frame(name):
    return f"{FRAMES}.find(frame => frame.textContent.includes('{name}'))"


def it_is_quiet_and_asks_nobody(browser):
    """At both widths, in light and dark: nothing on the console, no request but the file itself, nothing sticks out."""
    service()
    service("earlier", 10)
    for records in (["record"], ["earlier", "record"]):
        for width in (1280, 390):
            for scheme in ("light", "dark"):
                opened(browser, *records, width=width, scheme=scheme)
                assert browser.said == [], browser.said
                assert browser.requests == ["file://" + os.path.abspath("page.html")], browser.requests
                assert browser.run("document.documentElement.scrollWidth") == width, (records, width)
                assert browser.run("document.querySelector('h1').textContent.length") > 20
                assert browser.run("document.scripts.length") == (3 if len(records) == 1 else 2)
    light = browser.run("getComputedStyle(document.body).backgroundColor")
    browser.open("page.html", scheme="light")
    assert browser.run("getComputedStyle(document.body).backgroundColor") != light


def search_finds_and_marks(browser):
    opened(browser, service())
    found = "document.querySelectorAll('#flame-picture .found').length"
    assert browser.run(found) == 0
    browser.click("document.querySelector('#flame-controls input')")
    browser.type("SESSIONS::")
    assert browser.run(found) == 1
    assert "Sessions::open" in browser.run("document.querySelector('#flame-picture .found').textContent")
    assert browser.run("document.querySelector('#flame-controls output').textContent").startswith("1 frame, 120.0 MiB, 59 %")
    browser.press("Escape")
    assert browser.run(found) == 0


def a_click_goes_into_a_frame_and_escape_back(browser):
    opened(browser, service())
    names = browser.run(NAMES)
    assert any("Catalogue::load" in name for name in names), names
    width = f"({frame('Sessions::open')}).getBoundingClientRect().width / document.querySelector('#flame-picture').clientWidth"
    assert browser.run(width) < 0.7
    browser.click(frame("Sessions::open"))
    assert browser.run(width) > 0.99
    assert len(browser.run(NAMES)) == 3, browser.run(NAMES)  # with those that called it
    assert "120.0 MiB, 59 % of all" in browser.run("document.getElementById('flame-detail').textContent")
    browser.press("Escape")
    browser.press("Escape")
    browser.press("Escape")
    assert browser.run(NAMES) == names
    browser.click(frame("shop::parse"))
    browser.click("[...document.querySelectorAll('#flame-controls button')].pop()")
    assert browser.run(NAMES) == names


def another_measure_draws_another_graph(browser):
    opened(browser, service())
    width = f"({frame('shop::parse')}).getBoundingClientRect().width / document.querySelector('#flame-picture').clientWidth"
    assert browser.run(width) < 0.2
    browser.click("[...document.querySelectorAll('#flame-controls .choice button')].pop()")
    assert browser.run(width) > 0.8  # it allocates most, and keeps little


def tables_sort(browser):
    opened(browser, service())
    head = "[...document.querySelectorAll('#holders-table th button')]"
    assert "Sessions::open" in browser.run(FIRST)
    browser.click(f"{head}[4]")
    assert "shop::parse" in browser.run(FIRST)
    assert browser.run("document.querySelector('#holders-table [aria-sort]').textContent") == "allocated"
    browser.click(f"{head}[0]")
    assert "alert(4)" in browser.run(FIRST)
    browser.click(f"{head}[0]")
    assert "shop::Sessions" in browser.run(FIRST)
    shown = "[...document.querySelectorAll('#holders-table tbody tr')].filter(row => row.offsetHeight).length"
    assert browser.run(shown) == 15
    browser.click("document.querySelector('#holders button.more')")
    assert browser.run(shown) > 40


def the_curve_tells_what_is_under_the_pointer(browser):
    opened(browser, service())
    browser.click("document.getElementById('curve')")
    text = browser.run("document.getElementById('at').textContent")
    assert text.startswith("after 6") and text.endswith(" + 21.0 MiB"), text


def numbers_are_there_without_a_script(browser):
    opened(browser, service(), script=False)
    text = browser.run("document.body.innerText")
    for words in ("258.4 MiB", "keeps growing", "120.0 MiB", "sessions.cpp:38"):
        assert words in text, words
    assert browser.run("document.querySelectorAll('#curve path').length") == 3
    assert any("Sessions::open" in name for name in browser.run(NAMES))
    assert browser.run("document.querySelectorAll('button, input').length") == 0
    assert browser.said == [], browser.said


def a_difference_is_coloured_by_growth(browser):
    opened(browser, service("earlier", 10), service())
    assert "grew1" in browser.run(f"({frame('Sessions::open')}).getAttribute('class')")
    assert "same" in browser.run(f"({frame('Catalogue::load')}).getAttribute('class')")
    browser.click(frame("Sessions::open"))
    assert "60.0 MiB before, 120.0 MiB after" in browser.run("document.getElementById('flame-detail').textContent")
    assert browser.said == [], browser.said


def pictures(page, folder):
    with chromium.Browser() as browser:
        for name, width, height, scheme in (("desktop", 1280, 1840, "light"), ("phone", 390, 844, "dark")):
            browser.open(page, width, height, scheme)
            browser.picture(os.path.join(folder, f"report-{name}.png"), whole=False)


def every_fact(browser):
    """In one browser: to start it takes longest."""
    for fact in FACTS:
        globals()[fact](browser)
        print(f"ok  {fact}", flush=True)


FACTS = ["it_is_quiet_and_asks_nobody", "search_finds_and_marks", "a_click_goes_into_a_frame_and_escape_back",
         "another_measure_draws_another_graph", "tables_sort", "the_curve_tells_what_is_under_the_pointer",
         "numbers_are_there_without_a_script", "a_difference_is_coloured_by_growth"]


def test():
    from tool import CANNOT_TEST, main
    if not chromium.installed():
        print("chromium is not installed")
        sys.exit(CANNOT_TEST)
    with chromium.Browser() as browser:
        main({name: lambda name=name: globals()[name](browser) for name in FACTS} | {"all": lambda: every_fact(browser)})


if __name__ == "__main__":
    if sys.argv[1] == "--pictures":
        pictures(*sys.argv[2:])
    else:
        test()
