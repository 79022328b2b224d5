#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Manual pages and completion: of every verb that the command has, without faults, and as the command says."""
import glob
import os
import pty
import re
import select
import shutil
import sys
import time

from checks import BUILD, PATIENCE, ROOT, Skip, expect, main, run, succeed

COMMAND = os.path.join(BUILD, "tarn")
COMPLETION = os.path.join(ROOT, "src", "cli", "completion")


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def need_command():
    if not os.path.exists(COMMAND):
        raise Skip("the command tarn is not built")


def verbs():
    need_command()
    listed = succeed([COMMAND, "--help"]).stdout.partition("\nSubcommands:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^  ([a-z][a-z-]*)", listed, re.MULTILINE)
    assert "report" in found, listed
    return found


def pages(directory):
    """All of them: made anew in `directory`, and section 3."""
    need_command()
    folder = os.path.join(directory, "man1")
    succeed([sys.executable, "-B", os.path.join(ROOT, "scripts", "man_page.py"), COMMAND,
             os.path.join(ROOT, "docs", "man"), folder])
    return sorted(glob.glob(f"{folder}/*") + glob.glob(f"{ROOT}/docs/man/*.3"))


def check_every_verb(directory):
    """every verb has a page, which names its options and its exit statuses"""
    made = {os.path.basename(path): path for path in pages(directory)}
    for verb in verbs():
        with open(made[f"tarn-{verb}.1"], encoding="utf-8") as file:
            text = file.read()
        options = set(re.findall(r"^  (?:-\w,)?(--?[a-z][\w-]*)", succeed([COMMAND, verb, "--help"]).stdout, re.MULTILINE))
        missing = [name for name in options if name not in text.replace("\\-", "-")]
        assert not missing, f"tarn-{verb}.1 has no {missing}"
        for title in ("NAME", "SYNOPSIS", "EXAMPLES", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"):
            assert f".SH {title}\n" in text, f"tarn-{verb}.1 has no {title}"
        assert '\\" ' not in text.partition("\n")[2] and ".TP\n\\fB\\-" in text, text
    with open(made["tarn.1"], encoding="utf-8") as file:
        assert all(f"tarn\\-{verb} (1)" in text for text in [file.read()] for verb in verbs())


def check_options(_):
    """libtarn(3) has every option of the library, and no other"""
    done = run(["/bin/true"], env={**os.environ, "LD_PRELOAD": os.path.join(BUILD, "libtarn.so"), "TARN_VERBOSE": "1"})
    options = set(re.findall(r"^tarn: (TARN_\w+) *=", done.stderr, re.MULTILINE))
    with open(os.path.join(ROOT, "docs", "man", "libtarn.3"), encoding="utf-8") as file:
        named = set(re.findall(r"^\.TP\n\.B (TARN_\w+)", file.read(), re.MULTILINE))
    assert options and named == options, (named ^ options, done.stderr[:500])


def check_symbols(_):
    """the package's list of symbols is what the library exports"""
    shown = succeed(["nm", "-D", "--defined-only", "--with-symbol-versions", os.path.join(BUILD, "libtarn.so")]).stdout
    exported = {line.split()[2].replace("@@", "@") for line in shown.splitlines() if line.split()[1] != "A"}
    exported = {name if "@" in name else f"{name}@Base" for name in exported} | {"TARN_0.1@TARN_0.1"}
    with open(os.path.join(ROOT, "scripts", "debian", "libtarn0.symbols"), encoding="utf-8") as file:
        listed = {line.split()[0] for line in file if line.startswith(" ")}
    assert listed == exported, listed ^ exported


def check_lint(directory):
    """mandoc has nothing against the pages, nor has man"""
    found = pages(directory)
    for page in found:
        if shutil.which("man"):
            done = run(["man", "--warnings", "-l", page], env={**os.environ, "MANPAGER": "cat", "MAN_KEEP_STDERR": "1"})
            expect(done.returncode == 0 and not done.stderr, done)
    need("mandoc")
    done = run(["mandoc", "-Tlint", "-W", "warning", *found])
    expect(done.returncode == 0 and not done.stdout, done)


def bash_offers(*words):
    """What bash completes the last word to."""
    script = ("source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _tarn \"$1\"; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    return set(succeed(["bash", "-c", script, "bash", os.path.join(COMPLETION, "tarn.bash"), COMMAND, *words]).stdout.split())


def check_bash(_):
    """bash completes verbs, options and their values, as the command says"""
    assert bash_offers("") >= set(verbs()) | {"--help", "--version"}, bash_offers("")
    assert bash_offers("rep") == {"report"}
    assert bash_offers("report", "--p") == {"--pprof"}, bash_offers("report", "--p")
    assert bash_offers("report", "--of", "") == {"live", "peak", "allocated"}
    assert bash_offers("report", "/tmp/x") == set(), "files are bash's own"
    done = succeed(["bash", "-c", f"source {COMPLETION}/tarn.bash; complete -p tarn"])
    expect("-F _tarn tarn" in done.stdout, done)


def check_zsh(directory):
    """zsh completes verbs, options and their values"""
    need("zsh")
    verbs()
    prepare = (f"PATH={BUILD}:$PATH; fpath=({COMPLETION} $fpath); autoload -Uz compinit; "
               f"compinit -u -d {directory}/dump; PS1='>'; unsetopt zle_bracketed_paste; print rea''dy\n")
    for typed, whole in (("tarn rep\t", "tarn report"), ("tarn report --ppr\t", "tarn report --pprof"),
                         ("tarn report --of pe\t", "tarn report --of peak")):
        seen = typed_into(["zsh", "-f", "-i"], [(prepare, "ready"), (typed, whole)])
        assert whole in seen, f"{typed!r}: {seen!r}"


def typed_into(command, steps):
    """What a terminal shows, once each step's text is there or its time is up."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], command, {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": "/nonexistent"})
    seen = ""
    try:
        for keys, text in steps:
            os.write(terminal, keys.encode())
            seen, end = "", time.monotonic() + 30 * PATIENCE
            while text not in seen and time.monotonic() < end:
                if select.select([terminal], [], [], 1)[0]:
                    seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\a]", "", os.read(terminal, 4096).decode(errors="replace"))
        return seen
    finally:
        os.close(terminal)
        os.kill(child, 9)
        os.waitpid(child, 0)


if __name__ == "__main__":
    sys.exit(main(globals()))
