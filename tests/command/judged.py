#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Whether a program can be preloaded is judged twice, by `tarn doctor` and by scripts/preloadable.py: the same of each program.

usage: judged.py TARN LIBRARY FACT
"""
import json
import os
import pathlib
import shutil
import struct
import subprocess

from tool import LIBRARY, PATIENCE, PYTHON, cannot_test, compiled, main, run, script

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "preloadable.py"
HELLO = '#include <stdlib.h>\nint main(void) { free(malloc(50000)); return 3; }\n'
# As scripts/preloadable.py numbers them.
SERVED, IGNORED, REFUSED = 0, 1, 2
VERDICTS = {"static": IGNORED, "setuid": IGNORED, "setgid": IGNORED, "capabilities": IGNORED,
            "32-bit": REFUSED, "machine": REFUSED, "musl": REFUSED, "libc": REFUSED}
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []}


def by_command(program, **options):
    done = run("doctor", "--json", "--", program, **options)
    if done.returncode == 1 and "command not found" in done.stderr:
        return SERVED  # nothing is known to stand in the way
    found = json.loads(done.stdout)
    inside = any(note.startswith("it is statically linked, with tarn inside") for note in found["notes"])
    return max([VERDICTS[reason["code"]] for reason in found["reasons"]] + [IGNORED if inside else SERVED])


def by_script(program, **options):
    """Where another user reaches it as well."""
    folder = pathlib.Path("by_script")
    if not folder.exists():
        folder.mkdir(mode=0o755)
        shutil.copy(SCRIPT, folder)
        shutil.copy(LIBRARY, folder / "libtarn.so")
    done = subprocess.run([PYTHON, "-I", "-S", folder / SCRIPT.name, folder, program], check=False, capture_output=True, text=True,
                          timeout=PATIENCE, **options)
    assert "Traceback" not in done.stderr and (done.returncode == SERVED or done.stderr.startswith("tarn: ")), done
    return done.returncode


def agree(program, verdict, **options):
    found = by_command(program, **options), by_script(program, **options)
    assert found == (verdict, verdict), f"{program}: command, script: {found}, not {verdict}"


def forged(program, name, *changes):
    copy = bytearray(pathlib.Path(program).read_bytes())
    for at, data in changes:
        copy[at:at + len(data)] = data
    pathlib.Path(name).write_bytes(copy)
    os.chmod(name, 0o755)
    return os.path.abspath(name)


def programs_and_scripts():
    served = compiled(HELLO, name="served")
    static = compiled(HELLO, "-static", name="static")
    agree(served, SERVED)
    agree(static, IGNORED)
    agree(compiled(HELLO, "-static", "-Wl,-u,malloc", os.path.join(os.path.dirname(LIBRARY), "libtarn.a"), name="inside"), IGNORED)
    agree(compiled(HELLO, "-static-pie", name="static_pie"), IGNORED)
    agree(script(f"#!{served}\n", "of_served"), SERVED)
    of_static = script(f"#!{static} -x\n", "of_static")
    agree(of_static, IGNORED)
    agree(script(f"#!{of_static}\n", "of_a_script"), IGNORED)
    agree(script("#!/usr/bin/env -S python3 -B\n", "by_env"), SERVED)
    [loader] = pathlib.Path("/lib64").glob("ld-linux-x86-64.so.2") if os.uname().machine == "x86_64" else pathlib.Path("/lib").glob("ld-linux-*.so.1")
    agree(str(loader), SERVED)  # it obeys LD_PRELOAD itself


def programs_of_other_libraries_and_machines():
    served = compiled(HELLO, name="served")
    agree(forged(served, "bits", (4, b"\1"), (18, struct.pack("<H", 3))), REFUSED)
    agree(forged(served, "machine", (18, struct.pack("<H", 243))), REFUSED)
    agree(forged(served, "order", (5, b"\2"), (18, struct.pack(">H", 22))), REFUSED)
    at = pathlib.Path(served).read_bytes().index(b"/ld-linux")
    agree(forged(served, "other_libc", (at, b"/rtld\0")), REFUSED)
    agree(script(f"#!{forged(served, 'musl_by_name', (at, b'/ld-musl-x.so.1' + bytes(3)))}\n"), REFUSED)
    if shutil.which("musl-gcc"):
        agree(compiled(HELLO, compiler="musl-gcc", name="musl"), REFUSED)


def what_is_no_program():
    os.mkdir("folder")
    for name in ("folder", "missing", "/dev/null", script("", "empty"), script("echo no first line\n", "plain"), script("#!\n", "nobody"),
                 script("#!/no/such/interpreter\n", "without"), script("#!/usr/bin/env no-such-command\n", "without_by_env"), script("\x7fELF", "cut")):
        agree(os.path.abspath(name), SERVED)
    script(f"#!{os.path.abspath('itself')}\n", "itself")
    agree(os.path.abspath("itself"), SERVED)


def privileged_programs():
    if os.geteuid() != 0:
        cannot_test("needs root, to make one")
    program = compiled(HELLO)
    os.chmod(".", 0o755)
    try:
        agree(program, SERVED, **NOBODY)
    except PermissionError:
        cannot_test("other users may not go to the build")
    for mode, own, of_others in ((0o4755, SERVED, IGNORED), (0o2755, SERVED, IGNORED), (0o6755, SERVED, IGNORED), (0o2745, SERVED, SERVED)):
        os.chmod(program, mode)
        agree(program, own)
        agree(program, of_others, **NOBODY)
    os.chmod(program, 0o755)
    try:
        os.setxattr(program, "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
    except OSError:
        cannot_test("this file system has no capabilities")
    agree(program, SERVED)
    agree(program, IGNORED, **NOBODY)


if __name__ == "__main__":
    main(globals())
