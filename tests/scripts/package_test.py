#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The Debian packages that scripts/package makes: built, judged by lintian, installed in a clean Debian, used, removed.

usage: package_test.py [FOLDER]      FOLDER has packages already; otherwise they are made in build/packages
TEST_CHROOT=FOLDER: a Debian that debootstrap made, to be copied instead of making one.
"""
import glob
import os
import re
import shutil
import sys
import tempfile

from checks import BUILD, ROOT, Skip, expect, main, run, succeed

GIVEN = sys.argv[1:]
FOLDER = os.path.abspath(GIVEN[0]) if GIVEN else os.path.join(BUILD, "packages")
NAMES = {"libtarn0", "libtarn-backends", "libtarn-dev", "tarn-tools", "tarn-doc"}
LONG_WAIT = 3600


def packages(*names):
    found = {os.path.basename(path).split("_")[0]: path for path in glob.glob(f"{FOLDER}/*.deb")}
    if not NAMES <= set(found):
        raise Skip("the packages were not built")
    return [found[name] for name in names or sorted(NAMES)]


def field(package, name):
    return succeed(["dpkg-deb", "-f", package, name]).stdout.strip()


def files(package):
    lines = succeed(["dpkg-deb", "-c", package]).stdout.splitlines()
    return {line.split()[5].lstrip("."): line.split()[0] for line in lines}


def check_build(_):
    """scripts/package makes five packages"""
    if not shutil.which("dpkg-buildpackage"):
        raise Skip("dpkg-dev is not installed")
    if not GIVEN:
        succeed([os.path.join(ROOT, "scripts", "package"), FOLDER], timeout=LONG_WAIT)
    assert len(packages()) == 5


def check_reproducible(directory):
    """a second build gives the same bytes; only in a long run"""
    if not os.environ.get("TEST_LONG"):
        raise Skip("scripts/test --long")
    succeed([os.path.join(ROOT, "scripts", "package"), directory], timeout=LONG_WAIT)
    for path in packages():
        succeed(["cmp", path, os.path.join(directory, os.path.basename(path))])


def check_lintian(_):
    """lintian finds no errors"""
    wanted = packages()
    if not shutil.which("lintian"):
        raise Skip("lintian is not installed")
    root = ["--allow-root"] if os.geteuid() == 0 else []
    done = run(["lintian", *root, "--fail-on", "error", *wanted], timeout=LONG_WAIT)
    expect(done.returncode == 0, done)


def check_contents(_):
    """libraries can be installed for two architectures at once, and what is needed is named"""
    for name, path in zip(sorted(NAMES), packages()):
        expected = "foreign" if name in ("tarn-tools", "tarn-doc") else "same"
        assert field(path, "Multi-Arch") == expected, name
    library, tools, backends = packages("libtarn0", "tarn-tools", "libtarn-backends")
    assert not set(re.findall(r"[a-z][\w.+-]+", re.sub(r"\(.*?\)", "", field(library, "Depends")))) - {"libc6"}
    assert "libtarn0 (=" in field(tools, "Depends") and "libmimalloc" in field(backends, "Depends")
    manual = [name for name in files(tools) if "/man1/" in name]
    assert "/usr/share/man/man1/tarn-report.1.gz" in manual and "/usr/bin/tarn" in files(tools), manual


class Debian:
    """A clean one in a folder; with /proc, where that may be mounted, for its processes alone."""

    def __init__(self, directory):
        self.root = os.path.join(directory, "root")
        made = os.environ.get("TEST_CHROOT")
        if made:
            succeed(["cp", "-a", made, self.root], timeout=LONG_WAIT)
        else:
            done = run(["debootstrap", "--variant=minbase", "--include=python3-minimal", "bookworm", self.root], timeout=LONG_WAIT)
            if done.returncode:
                raise Skip(f"debootstrap: {done.stdout[-200:]}")

    def run(self, *command, **environment):
        inside = ["unshare", "--mount", "--fork", "sh", "-c",
                  'mount -t proc proc "$1/proc" 2>/dev/null; exec chroot "$@"', "sh", self.root, *command]
        return run(inside, timeout=LONG_WAIT, cwd="/", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                                                              "DEBIAN_FRONTEND": "noninteractive", **environment})

    def succeed(self, *command, **environment):
        done = self.run(*command, **environment)
        expect(done.returncode == 0, done)
        return done

    def bring(self, path):
        shutil.copy(path, f"{self.root}/tmp")
        return f"/tmp/{os.path.basename(path)}"

    def install(self, *paths):
        self.succeed("apt-get", "update")
        self.succeed("apt-get", "install", "-y", "--no-install-recommends", *paths)


def check_debian(directory):
    """installed in a clean Debian they work, and removed they leave nothing"""
    wanted = packages()
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise Skip("needs root and debootstrap")
    debian = Debian(directory)
    debian.install(*map(debian.bring, wanted), "gcc", "libc6-dev", "pkg-config")
    use(debian)
    for name in ("preload", "compile"):
        debian.succeed("sh", debian.bring(os.path.join(ROOT, "scripts", "debian", "tests", name)))
    everywhere(debian, directory)
    installed = {name for path in wanted for name in files(path) if not name.endswith("/")}
    debian.succeed("apt-get", "purge", "-y", *sorted(NAMES))
    left = [name for name in installed if os.path.lexists(debian.root + name)]
    assert not left, left[:10]
    found = debian.run("find", "/etc", "/usr", "/opt", "/srv", "/run", "/var/lib/dpkg/info", "-iname", "*tarn*").stdout.split()
    assert not found, found


def use(debian):
    done = debian.succeed("tarn", "report", "--help")
    expect(done.stdout.startswith("Example:"), done)
    done = debian.succeed("python3", "-c", "print(len(bytearray(60000)))", LD_PRELOAD="libtarn.so.0", TARN_STATS="1",
                          TARN_BACKEND="mimalloc")
    expect(done.stdout == "60000\n" and re.search(r"^tarn: requests +[1-9]", done.stderr, re.MULTILINE)
           and "backend mimalloc" in done.stderr, done)
    record = {"LD_PRELOAD": "libtarn.so.0", "TARN_RECORD": "/tmp/record", "TARN_RECORD_KEEP": "1"}
    debian.succeed("python3", "-c", "print(1)", **record)
    expect("python3" in debian.succeed("tarn", "report", "/tmp/record").stdout, done)
    if re.search(r"^  run ", debian.succeed("tarn", "--help").stdout, re.MULTILINE):
        done = debian.succeed("tarn", "run", "python3", "-c", "print(1)")
        expect(done.stdout == "1\n" and "tarn" in done.stderr, done)


def everywhere(debian, directory):
    """The recipe for /etc/ld.so.preload, and the way out of it."""
    with open(os.path.join(ROOT, "docs", "deploy.md"), encoding="utf-8") as file:
        text = re.search(r"^```sh ld-so-preload.sh\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)[1]
    script = os.path.join(directory, "ld-so-preload.sh")
    with open(script, "w", encoding="utf-8") as file:
        file.write(text)
    succeed(["sh", script, debian.root])
    done = debian.run("ls", "/usr/bin/tarn", TARN_VERBOSE="1")
    expect(done.returncode == 0 and "tarn: TARN_BACKEND" in done.stderr, done)
    debian.succeed("sh", "-c", ": > /etc/ld.so.preload")
    done = debian.run("ls", "/usr/bin/tarn", TARN_VERBOSE="1")
    expect(done.returncode == 0 and not done.stderr, done)
    os.remove(f"{debian.root}/etc/ld.so.preload")


if __name__ == "__main__":
    tempfile.tempdir = os.environ.get("TMPDIR") or "/var/tmp"  # a Debian is larger than some /tmp
    sys.exit(main(globals()))
