#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The recipes of docs/deploy.md: each is taken from there, and tried as far as it can be on any machine."""
import configparser
import os
import re
import shutil
import sys

from checks import BUILD, ROOT, Skip, expect, main, run, succeed

LIBRARY = os.path.join(BUILD, "libtarn.so.0")
PYTHON = "/usr/bin/python3"
SHOWS = [PYTHON, "-c", "import os; print(os.environ.get('LD_PRELOAD', '-'), 'libtarn' in open('/proc/self/maps').read())"]


def recipes():
    with open(os.path.join(ROOT, "docs", "deploy.md"), encoding="utf-8") as file:
        return dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL))


def written(directory, name):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(recipes()[name])
    if name.endswith(".sh"):
        os.chmod(path, 0o755)
    return path


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def clean(**settings):
    return {**{name: value for name, value in os.environ.items() if name != "LD_PRELOAD" and not name.startswith("TARN_")},
            **settings}


def check_entry_point(directory):
    """the entry point appends to LD_PRELOAD, keeps status and words, can be told not to, and says when tarn is not there"""
    script = written(directory, "entrypoint.sh")
    done = succeed([script, *SHOWS], env=clean(TARN_LIBRARY=LIBRARY))
    expect(done.stdout == f"{LIBRARY} True\n" and done.stderr == "", done)
    done = succeed([script, *SHOWS], env=clean(TARN_LIBRARY=LIBRARY, LD_PRELOAD="libm.so.6"))
    expect(done.stdout == f"{LIBRARY}:libm.so.6 True\n", done)
    done = succeed([script, *SHOWS], env=clean(TARN_LIBRARY=LIBRARY, ALLOCATOR="libc"))
    expect(done.stdout == "- False\n", done)
    done = run([script, "sh", "-c", 'echo "$1"; exit 7', "sh", "two  words"], env=clean(TARN_LIBRARY=LIBRARY))
    expect(done.returncode == 7 and done.stdout == "two  words\n", done)
    done = succeed([script, *SHOWS], env=clean(TARN_LIBRARY="libtarn.so.none"))
    expect(done.stdout == "- False\n" and done.stderr.startswith("entrypoint: no libtarn.so.none"), done)


def check_dockerfile(_):
    """the Dockerfile names what exists"""
    text = recipes()["Dockerfile"]
    lines = re.sub(r"\\\n", "", text).splitlines()
    assert [line.split()[0] for line in lines] == ["FROM", "COPY", "RUN", "COPY", "ENTRYPOINT", "CMD"], lines
    assert "entrypoint.sh" in recipes() and "build/packages" in text


def check_systemd(directory):
    """systemd accepts the drop-in"""
    need("systemd-analyze")
    unit = os.path.join(directory, "redis-server.service")
    with open(unit, "w", encoding="utf-8") as file:
        file.write("[Service]\nExecStart=/bin/true\n")
    os.mkdir(f"{unit}.d")
    written(f"{unit}.d", "tarn.conf")
    done = run(["systemd-analyze", "verify", "--man=no", unit])
    expect("tarn.conf" not in done.stderr and "Environment" not in done.stderr and "Unknown" not in done.stderr, done)
    written(f"{unit}.d", "tarn.conf")
    with open(f"{unit}.d/tarn.conf", "a", encoding="utf-8") as file:
        file.write("Enviroment=A=B\n")
    done = run(["systemd-analyze", "verify", "--man=no", unit])
    expect("tarn.conf" in done.stderr, done)  # it does look


def check_supervisord(_):
    """supervisord's file says, after its own replacements, what was meant"""
    parser = configparser.RawConfigParser()
    parser.read_string(recipes()["web.conf"])
    words = dict(item.split("=", 1) for item in (parser["program:web"]["environment"] % {}).split(","))
    assert words["LD_PRELOAD"] == '"libtarn.so.0"' and words["TARN_STATS_FILE"] == '"/var/log/web-%p.txt"', words


def check_nix(directory):
    """Nix can read its file"""
    text = recipes()["tarn.nix"]
    assert all(text.count(a) == text.count(b) for a, b in ("{}", "[]", "()"))
    need("nix-instantiate")
    succeed(["nix-instantiate", "--parse", written(directory, "tarn.nix")])


def check_job(directory):
    """a job leaves numbers that Prometheus reads, of itself alone, and its own status"""
    script = written(directory, "job.sh")
    done = run([script, directory, "nightly", "sh", "-c", f"{PYTHON} -c pass; exit 5"], env=clean(TARN_LIBRARY=LIBRARY))
    expect(done.returncode == 5 and not done.stderr, done)
    with open(f"{directory}/nightly.prom", encoding="utf-8") as file:
        text = file.read()
    assert len(re.findall(r'^tarn_build_info\{job_name="nightly",.*program="(?:da)?sh"', text, re.MULTILINE)) == 1, text[:500]
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(samples) > 20 and all('{job_name="nightly"' in line for line in samples), samples[:5]
    need("promtool")
    with open(f"{directory}/nightly.prom", encoding="utf-8") as file:
        done = run(["promtool", "check", "metrics"], stdin=file)
    assert "error" not in done.stderr, done.stderr[:500]


def check_scrape(directory):
    """Prometheus accepts its file, which names the port of tarn export"""
    path = written(directory, "prometheus.yml")
    command = os.path.join(BUILD, "tarn")
    if os.path.exists(command):
        expect("9464" in recipes()["prometheus.yml"] and "9464" in run([command, "export", "--help"]).stdout,
               run([command, "export", "--help"]))
    need("promtool")
    succeed(["promtool", "check", "config", path])


def check_scripts(directory):
    """the scripts are sh's"""
    for name in ("entrypoint.sh", "ld-so-preload.sh", "job.sh"):
        succeed(["sh", "-n", written(directory, name)])


if __name__ == "__main__":
    sys.exit(main(globals()))
