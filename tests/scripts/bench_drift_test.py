#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What scripts/bench promises of the load that drifts: every allocator has its curve, tarn's is judged, a failure is no
pass."""
import itertools
import os
import re
import sys
import xml.etree.ElementTree

from bench_data import fake_build, fake_peer, made_results, made_run
from checks import ROOT, expect, main, run

from benchlib.drawing import plots, svg
from benchlib.results import drift as drifted
from benchlib.results import store

DRIVER = [sys.executable, "-B", os.path.join(ROOT, "scripts", "bench_run.py"), "bench"]


def drift_run(ratio, failure="", output="same"):
    return {**made_run(1.0, failure=failure, output=output),
            "extra": {"live": [100.0, "MiB"], "resident": [100.0 * ratio, "MiB"], "ratio": [ratio, "ratio"],
                      "ratio_half": [ratio, "ratio"]},
            "curve": [[float(second), 100.0, 100.0 + second * (ratio - 1)] for second in range(101)]}


def drifted_results(ratios):
    found = made_results([], list(ratios))
    found["drift"] = {"minutes": 3, "runs": {name: [drift_run(ratio)] for name, ratio in ratios.items()}}
    return found


def check_drift_verdicts(_):
    """tarn's memory is judged by what is live and by glibc's; a failure is no pass"""
    for tarn, glibc, held in ((1.2, 1.5, [True, True]), (1.25, 1.4, [True, False]), (1.3, 2.0, [False, True]),
                              (1.3, 1.4, [False, False]), (1.1, 0.99, [True, False])):
        found = drifted_results({"glibc": glibc, "tarn": tarn})
        assert [one for _, one in drifted.verdicts(found)] == held, (tarn, glibc, drifted.verdicts(found))
        assert drifted.holds(found) == all(held)
        assert drifted.report(found).count("MISSED") == held.count(False), drifted.report(found)
    found["drift"]["runs"]["tarn"][0]["failure"] = "crash"
    assert drifted.verdicts(found) == [("tarn: crash", False)] and "crash" in drifted.report(found)
    found["drift"]["runs"]["tarn"] = [drift_run(1.1, output="other")]
    assert not drifted.holds(found), "other work is no pass"
    assert drifted.holds(drifted_results({"glibc": 3.0})) and not drifted.verdicts(drifted_results({"glibc": 3.0}))


def check_drift_plot(directory):
    """a curve for each allocator; names keep clear of each other and lie within the picture"""
    found = drifted_results({**{f"peer{number}": 1.4 + number / 1000 for number in range(9)}, "glibc": 2.0, "tarn": 1.2})
    found["drift"]["runs"]["peer0"][0]["failure"] = "timeout"
    paths = plots.write(found, directory)
    assert list(map(os.path.basename, paths)) == ["drift.svg"], paths
    root = xml.etree.ElementTree.parse(paths[0]).getroot()
    space = "{http://www.w3.org/2000/svg}"
    texts = {element.text: element for element in root.iter(space + "text")}
    labels = [element for said, element in texts.items() if re.fullmatch(r"(live|(peer\d|glibc|tarn) \d\.\d\d)", said)]
    assert len(labels) == 11 and len(list(root.iter(space + "polyline"))) == 11, list(texts)
    places = sorted(float(element.get("y")) for element in labels)
    assert all(below - above >= 15 for above, below in itertools.pairwise(places)), places
    assert 0 < places[0] and places[-1] < float(root.get("height")), places
    ends = [float(element.get("x")) + svg.text_width(element.text, 12, True) for element in labels]
    assert max(ends) <= float(root.get("width")), ends


def check_drift_stage(directory):
    """--workloads drift runs the load under all, stores each curve, resumes, and its status is the verdict"""
    build = fake_build(directory)
    program = os.path.join(build, "bench", "drift")
    with open(program, "w", encoding="utf-8") as file:
        file.write(f"""#!/bin/sh
echo "$@ ${{LD_PRELOAD:+peer}}" >>{directory}/runs
for i in 1 2 3; do echo "sample $i step 0.$i s 100.0 live 1${{i}}0.5 resident 4 threads"; done
printf "live 100 MiB\\nresident 130 MiB\\nratio 1.3 ratio\\nratio_half 1.2 ratio\\nwork 7 objects\\n"
""")
    os.chmod(program, 0o755)
    output = os.path.join(directory, "out.json")
    options = ["--build", build, "--peer", f"peer={fake_peer(directory, 'peer')}"]
    done = run([*DRIVER, *options, "--long", "--workloads", "drift", "--allocators", "glibc,peer", "--output", output])
    expect(done.returncode == 0 and "30 minutes" in done.stdout and "1.30" in done.stdout, done)
    with open(f"{directory}/runs", encoding="utf-8") as file:
        assert sorted(file) == ["--steps 18000 --rate 10 \n", "--steps 18000 --rate 10 peer\n"]
    found = store.load(output)
    assert found["complete"] and found["drift"]["runs"]["peer"][0]["curve"][1] == [0.2, 100.0, 120.5], found["drift"]
    del found["drift"]["runs"]["peer"]
    store.store(output, found)
    done = run([*DRIVER, *options, "--resume", output])
    expect(done.returncode == 0 and store.load(output)["drift"]["runs"]["peer"][0]["curve"], done)
    with open(f"{directory}/runs", encoding="utf-8") as file:
        assert len(file.readlines()) == 3, "what was there ran again"
    os.rename(fake_peer(directory, "other"), os.path.join(build, "libtarn.so"))
    done = run([*DRIVER, *options, "--workloads", "drift", "--allocators", "tarn", "--output", output])
    expect(done.returncode == 1 and re.search(r"^MISSED .*1\.25 .*1\.300$", done.stdout, re.MULTILINE), done)
    done = run([*DRIVER, *options, "--long", "--quick"])
    expect(done.returncode == 2 and "--long is for the load that drifts" in done.stderr, done)


if __name__ == "__main__":
    sys.exit(main(globals()))
