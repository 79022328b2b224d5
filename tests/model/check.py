# SPDX-License-Identifier: MIT
# Runs remote_free.pml through spin: the protocol as it is must pass, every state visited; with one rule broken it
# must fail, at the assertion that states the rule. Exit 77 (skipped): no spin, or no C compiler.
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile

MODEL = pathlib.Path(__file__).with_name('remote_free.pml')
CPU_SECONDS = 60  # for all searches; processor time, so that a busy machine changes nothing
MEGABYTES = 1000
DEPTH = 1500000

# slabs, heaps with a holder, threads without a heap; the last is the largest
WHOLE = [(1, 1, 2), (1, 2, 1), (2, 1, 1), (2, 2, 0)]

# what is broken: (sizes, what the assertion that fails says)
BROKEN = {
    'RECHECK': ((1, 1, 2), 'idle'),       # R5: who posts does not look at idle
    'IDLE': ((1, 2, 1), 'idle'),          # R5: the last mail is taken before idle is set
    'RELEASE': ((1, 1, 2), 'chain'),      # R2: released with objects on its word
    'TAIL': ((1, 1, 2), 'remote_tail'),   # R1: who does not post writes remote_tail, too
    'NEXT': ((2, 1, 1), 'keeper'),        # R1: next_mail is read when the slab may be posted again
    'LOOK': ((1, 1, 1), 'owner'),         # R3: owner is not read again with the lock held
    'FORWARD': ((1, 2, 1), 'owner'),      # R4: a mail's slab is taken by whoever drains it
}


def compile_search(folder, sizes, broken):
    slabs, heaps, freers = sizes
    model = ['spin', f'-DSLABS={slabs}', f'-DHEAPS={heaps}', f'-DFREERS={freers}']
    if broken:
        model.append('-DBREAK_' + broken)
    subprocess.run(model + ['-a', MODEL], cwd=folder, check=True)
    subprocess.run([compiler(), '-O0' if broken else '-O1', '-w', '-DSAFETY', '-DCOLLAPSE', f'-DMEMLIM={MEGABYTES}',
                    '-o', 'search', 'pan.c'], cwd=folder, check=True)


def cpu_left():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return CPU_SECONDS - int(used.ru_utime + used.ru_stime - cpu_left.compiling)


cpu_left.compiling = 0.0


def search(sizes, broken=None):
    """What the search printed."""
    with tempfile.TemporaryDirectory() as folder:
        before = cpu_seconds()
        compile_search(folder, sizes, broken)
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


def passes(sizes):
    said = search(sizes)
    states = re.search(r'(\d+) states, stored', said)
    complete = re.search(r'errors: 0\b', said) and not re.search(
        'not completed|too small|out of memory|MEMLIM|killed by', said)
    print(f"{sizes}: {states.group(1) if states else 'no'} states, {'all hold' if complete else 'FAILED'}", flush=True)
    if not complete:
        print(said)
    return bool(complete)


def is_caught(broken):
    sizes, expected = BROKEN[broken]
    said = search(sizes, broken)
    violated = re.search(r'^pan:1: assertion violated (.*)', said, re.MULTILINE)
    caught = bool(violated and expected in violated.group(1))
    print(f"{broken} broken, {sizes}: {violated.group(1) if violated else 'no assertion fails'}"
          f"{'' if caught else ': NOT AS EXPECTED'}", flush=True)
    if not caught:
        print(said)
    return caught


def main():
    if not shutil.which('spin') or not compiler():
        print('skipped: needs spin and a C compiler (Debian: spin gcc)')
        return 77
    results = [is_caught(broken) for broken in BROKEN] + [passes(sizes) for sizes in WHOLE]
    return 0 if all(results) else 1


sys.exit(main())
