# SPDX-License-Identifier: MIT
# Runs the models through spin: each protocol as it is must pass, every state visited; with one rule broken it must
# fail, at the assertion that states the rule. Exit 77 (skipped): no spin, or no C compiler.
import dataclasses
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).parent
CPU_SECONDS = 90  # for all searches; processor time, so that a busy machine changes nothing
MEGABYTES = 1000
DEPTH = 1500000


@dataclasses.dataclass
class Model:
    file: str
    sizes: tuple   # the names of what may be given
    whole: list    # sizes that are visited in full
    long: list     # those that are so with TEST_LONG alone
    broken: dict   # what is broken: (sizes, what the assertion that fails says)


REMOTE_FREE = Model('remote_free.pml', ('SLABS', 'HEAPS', 'FREERS'),  # heaps with a holder, threads without a heap
                    [(1, 1, 2), (1, 2, 1), (2, 1, 1)], [(2, 2, 0)], {
    'RECHECK': ((1, 1, 2), 'idle'),       # R5: who posts does not look at idle
    'IDLE': ((1, 2, 1), 'idle'),          # R5: the last mail is taken before idle is set
    'DISSOLVE': ((1, 1, 2), 'chain'),     # R2: dissolved with objects on its word
    'TAIL': ((1, 1, 2), 'remote_tail'),   # R1: who does not post writes remote_tail, too
    'NEXT': ((2, 1, 1), 'keeper'),        # R1: next_mail is read when the slab may be posted again
    'LOOK': ((1, 1, 1), 'owner'),         # R3: owner is not read again with the lock held
    'FORWARD': ((1, 2, 1), 'owner'),      # R4: a mail's slab is taken by whoever drains it
})
COLLECT = Model('collect.pml', ('SLOTS', 'OBJECTS'), [(4, 3)], [(3, 3)], {
    'BARRIER': ((4, 3), 'where'),   # no membarrier
    'SECOND': ((4, 3), 'where'),    # one slot is made NULL, not two
    'RECHECK': ((4, 3), 'where'),   # the top and the slots are not looked at again
    'BLIND': ((4, 3), 'where'),     # put back over what was pushed meanwhile
    'REFILL': ((4, 3), 'held'),     # a bin that looked empty is filled without another look
    'PASSED': ((4, 3), 'where'),    # not put back where the top is beyond
})


def compile_search(folder, model, sizes, broken):
    command = ['spin', *(f'-D{name}={size}' for name, size in zip(model.sizes, sizes))]
    if broken:
        command.append('-DBREAK_' + broken)
    subprocess.run(command + ['-a', FOLDER / model.file], cwd=folder, check=True)
    subprocess.run([compiler(), '-O0' if broken else '-O1', '-w', '-DSAFETY', '-DCOLLAPSE', f'-DMEMLIM={MEGABYTES}',
                    '-o', 'search', 'pan.c'], cwd=folder, check=True)


def cpu_left():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return CPU_SECONDS - int(used.ru_utime + used.ru_stime - cpu_left.compiling)


cpu_left.compiling = 0.0


def search(model, sizes, broken=None):
    """What the search printed."""
    with tempfile.TemporaryDirectory() as folder:
        before = cpu_seconds()
        compile_search(folder, model, sizes, broken)
        cpu_left.compiling += cpu_seconds() - before
        limit = max(cpu_left(), 1)
        done = subprocess.run(['./search', f'-m{DEPTH}', '-w22'], cwd=folder, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.STDOUT,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)))
    return done.stdout + (f'\nkilled by signal {-done.returncode}' if done.returncode < 0 else '')


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compiler():
    return shutil.which('gcc') or shutil.which('cc')


def passes(model, sizes):
    said = search(model, sizes)
    states = re.search(r'(\d+) states, stored', said)
    complete = re.search(r'errors: 0\b', said) and not re.search(
        'not completed|too small|out of memory|MEMLIM|killed by', said)
    print(f"{model.file} {sizes}: {states.group(1) if states else 'no'} states, {'all hold' if complete else 'FAILED'}", flush=True)
    if not complete:
        print(said)
    return bool(complete)


def is_caught(model, broken):
    sizes, expected = model.broken[broken]
    said = search(model, sizes, broken)
    violated = re.search(r'^pan:1: assertion violated (.*)', said, re.MULTILINE)
    caught = bool(violated and expected in violated.group(1))
    print(f"{model.file}: {broken} broken, {sizes}: {violated.group(1) if violated else 'no assertion fails'}"
          f"{'' if caught else ': NOT AS EXPECTED'}", flush=True)
    if not caught:
        print(said)
    return caught


def main():
    if not shutil.which('spin') or not compiler():
        print('skipped: needs spin and a C compiler (Debian: spin gcc)')
        return 77
    results = []
    for model in (REMOTE_FREE, COLLECT):
        results += [is_caught(model, broken) for broken in model.broken]
        sizes = model.whole + (model.long if os.environ.get('TEST_LONG') else [])
        results += [passes(model, each) for each in sizes]
    return 0 if all(results) else 1


sys.exit(main())
