# SPDX-License-Identifier: MIT
"""The programs that run under tarn. Each runs in an empty directory; `{here}` is this folder."""
from dataclasses import dataclass, field

PYTHON = "/usr/bin/python3"  # Debian's, whatever else PATH has


@dataclass
class Case:
    """`command` is run; what it prints, its status and the files it leaves must not depend on malloc."""
    name: str
    command: list
    needs: list = field(default_factory=list)  # programs besides command[0]
    environment: dict = field(default_factory=dict)
    prepare: list = None                       # run before, without tarn
    leaves: list = field(default_factory=list)  # files to compare
    allocations: int = 20000                   # served by size classes in all its processes, at least
    least_share: float = 0.5                   # of all allocations, those served by size classes
    nightly: bool = False


NUMBERS = ["awk", "BEGIN { for (i = 0; i < 250000; i++) print i * 7919 % 1000003, \"name\" i % 977 }"]


def shell(text):
    return ["bash", "-c", text]


def write_numbers(copies=1):
    return shell(f"awk '{NUMBERS[1]}' >once; for i in {{1..{copies}}}; do cat once; done >lines; rm once")


CASES = [
    Case("python3", [PYTHON, "{here}/objects.py"], environment={"PYTHONMALLOC": "malloc"}, allocations=300000),
    Case("python3-pymalloc", [PYTHON, "{here}/objects.py"], allocations=10000),
    Case("python3-threads", [PYTHON, "{here}/threads.py"], environment={"PYTHONMALLOC": "malloc"},
         allocations=100000),
    Case("python3-threads-pymalloc", [PYTHON, "{here}/threads.py"], allocations=3000),
    Case("python3-fork", [PYTHON, "{here}/fork.py"], environment={"PYTHONMALLOC": "malloc"},
         allocations=100000),
    Case("python3-fork-pymalloc", [PYTHON, "{here}/fork.py"], allocations=5000),
    Case("perl", ["perl", "{here}/objects.pl"], environment={"PERL_HASH_SEED": "0"}, allocations=100000),
    Case("ruby", ["ruby", "{here}/objects.rb"], allocations=50000),
    Case("lua5.4", ["lua5.4", "{here}/objects.lua"], allocations=100000),
    Case("php", ["php", "{here}/objects.php"], environment={"USE_ZEND_ALLOC": "0"}, allocations=100000),
    Case("php-zend-alloc", ["php", "{here}/objects.php"], environment={"USE_ZEND_ALLOC": "1"}),
    Case("php-opcache", ["php", "-d", "opcache.enable_cli=1", "{here}/objects.php"],
         environment={"USE_ZEND_ALLOC": "0"}, allocations=100000),
    Case("tclsh", ["tclsh", "{here}/objects.tcl"], allocations=5000),
    Case("sqlite3", shell('sqlite3 base <"{here}/tables.sql"'), needs=["sqlite3"], allocations=50000),
    Case("redis-server", ["bash", "{here}/redis.sh"], needs=["redis-check-rdb", "redis-cli", "redis-benchmark"],
         allocations=50000),
    Case("g++-O0", shell('g++ -std=c++20 -O0 -g -frandom-seed=1 -ffile-prefix-map="$PWD"=. -c "{here}/templates.cpp"'),
         needs=["g++"], leaves=["templates.o"], allocations=50000),
    Case("g++-O1", ["g++", "-std=c++20", "-O1", "-frandom-seed=1", "-S", "{here}/templates.cpp"],
         leaves=["templates.s"], allocations=50000),
    Case("git", ["bash", "{here}/repository.sh"], needs=["git"], allocations=30000),
    Case("node", ["node", "{here}/objects.js"], allocations=50000),
    Case("bash-pipelines", ["bash", "{here}/pipelines.sh"], allocations=50000),
    Case("gdb", shell("set -o pipefail; gdb -nx --batch -x '{here}/inspect.gdb' inspected | sed -E 's/process [0-9]+/process N/'"),
         needs=["gdb", "gcc"],
         prepare=["gcc", "-g", "-O0", "{here}/inspected.c", "-o", "inspected"], allocations=50000),
    Case("sort-parallel", ["sort", "--parallel=4", "-S", "100K", "-k2,2", "-k1,1n", "lines"],
         prepare=write_numbers(), allocations=10, least_share=0.1),
    Case("xz-threads", shell("xz -T2 -2 --block-size=1MiB -k lines && xz -T2 -dc lines.xz | cmp - lines"),
         needs=["xz"], prepare=write_numbers(3), leaves=["lines.xz"], allocations=50, least_share=0.1),
    # Run-time systems that have handlers of their own for SIGSEGV, and raise it as a matter of course.
    Case("java", ["java", "{here}/faults.java"], needs=["javac"], allocations=10000, least_share=0.1, nightly=True),
    Case("go", shell("./faults"), needs=["go", "gcc"], prepare=["go", "build", "-o", "faults", "{here}/faults.go"],
         allocations=60000, nightly=True),
    Case("sbcl", shell("set -o pipefail; sbcl --noinform --no-sysinit --no-userinit --non-interactive --load '{here}/faults.lisp' 2>&1 | "
                       "sed -E 's/(pid|tid) [0-9]+/\\1 N/g; s/0x[0-9a-f]+/ADDRESS/g'"), needs=["sbcl"], allocations=40000, nightly=True),
]
