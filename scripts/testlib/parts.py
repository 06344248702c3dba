# SPDX-License-Identifier: GPL-2.0-only
"""The table: which parts the tests have, and what each consists of."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .jobs import (
    Builds,
    ForeignPrograms,
    Job,
    KUnit,
    Machine,
    Made,
    Program,
    Script,
    TestPrograms,
)
from .kernels import with_use


@dataclass(frozen=True)
class Part:
    """One word of the command line"""

    name: str
    what: str  # for the usage
    jobs: Sequence[Job]
    default: bool = True  # runs if no part is named


# How much of each test: what make test has time for, and test-kernels; on kernels
# without checks, and on those with them, which are ten times as slow. Variables of the
# environment count instead.
BRIEF = {
    "ORACLE_SEED": 1,
    "ORACLE_COMMANDS": 1000000,
    "STRESS_SECONDS": 1,
    "LIFECYCLE_ROUNDS": 10,
    "BIG_ENTRIES": 300000,
    "LARGE_ROUNDS": 40,
}
BRIEF_DEBUG = {
    "ORACLE_SEED": 1,
    "ORACLE_COMMANDS": 5000,
    "STRESS_SECONDS": 2,
    "STRESS_FREEZES": 5,
    "LIFECYCLE_ROUNDS": 2,
    "HOTPLUG_CYCLES": 1,
    "MAPPING_ROUNDS": 100,
    "PINS": 500,
    "RELOAD_ROUNDS": 8,
    "SUSPEND_ROUNDS": 4,
    "REMOVED_GROUPS": 2,
    "LARGE_ROUNDS": 15,
}
FULL = {
    "ORACLE_SEED": 1,
    "ORACLE_COMMANDS": 1000000,
    "STRESS_SECONDS": 6,
    "LIFECYCLE_ROUNDS": 40,
    "RELOAD_ROUNDS": 1000,
}
# Emulated, with programs for which QEMU is slow, but with long fights for values
FOREIGN = BRIEF_DEBUG | {"ORACLE_COMMANDS": 100000, "TORN_MS": 2500}
FULL_DEBUG = {
    "ORACLE_SEED": 1,
    "ORACLE_COMMANDS": 15000,
    "STRESS_SECONDS": 3,
    "LIFECYCLE_ROUNDS": 4,
    "FAILNTH_ALL": 1,
}

# They take long on kernels with checks, and do the same on those without.
SLOW = frozenset(
    """abi abi32 big flood lib_shared lpm_routes lru_trace many memcg
    hostile_memory""".split()
)
# Also in make test: what it measures, it measures on the others, and large_values has
# the same copies.
SLOW_BRIEF = SLOW | {"deaf"}

# Copies to and from user space, which differ between architectures, and random commands
BYTES = frozenset(
    "contract_batch contract_batch_hash contract_rhash contract_value oracle".split()
)

# The Python that a machine gets
USE_PYTHON = "export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/lib; "


def given(name: str, otherwise: object) -> str:
    return os.environ.get(name) or str(otherwise)


def amount(scale: Mapping[str, int]) -> dict[str, str]:
    return {name: given(name, value) for name, value in scale.items()}


STOCK = given("STOCK_KERNEL", with_use("stock")[0])
DEBUG = given("DEBUG_KERNELS", with_use("debug")[0]).split()
DEBUG_ALL = given("DEBUG_KERNELS", " ".join(with_use("kunit"))).split()


def programs(
    kernel: str,
    scale: Mapping[str, int],
    more: Sequence[Program] = (),
    leave_out: frozenset[str] = frozenset(),
    limit: int = 3600,
    seconds: int = 300,
) -> Job:
    return TestPrograms(
        f"programs on {kernel}",
        kernel,
        more,
        env=amount(scale),
        leave_out=leave_out,
        memory=3072,
        limit=limit,
        seconds=seconds,
    )


def checked(
    kernel: str,
    scale: Mapping[str, int],
    fight: int,
    leave_out: frozenset[str] = SLOW,
    limit: int = 3600,
) -> Job:
    """On a kernel with checks: also one small map where every element is fought for,
    for some seconds, and what the fuzzer has kept, since only these kernels make
    allocations fail."""
    more = (
        Program("fuzz", "exec tools/fuzz/fuzz --replay tools/fuzz/seeds/*.txt"),
        Program(
            "fight",
            f"STRESS_KIND=HASH STRESS_SIZE=64 STRESS_SECONDS={fight}"
            " exec tools/tests/stress",
        ),
    )
    return programs(kernel, scale, more, leave_out, limit, seconds=400)


def foreign(
    kernel: str,
    scale: Mapping[str, int],
    only: frozenset[str] = frozenset(),
    limit: int = 3600,
    seconds: int = 300,
) -> Job:
    return ForeignPrograms(
        f"programs on {kernel}",
        kernel,
        env=amount(scale),
        only=only,
        memory=3072,
        limit=limit,
        seconds=seconds,
    )


def kunit(kernel: str) -> Job:
    return KUnit(f"KUnit on {kernel}", kernel, limit=6000, seconds=100)


def builds(kernels: Sequence[str]) -> list[Job]:
    return [
        Builds(f"the module builds without a warning for {each}", each, seconds=20)
        for each in dict.fromkeys(kernels)
    ]


EXAMPLES = (
    Machine(
        "examples",
        STOCK,
        command="sh scripts/guest/examples.sh",
        modules=("bpfmap_visitors", "bpfmap_execs", "bpfmap_arena_list"),
        files=(
            "tools/examples/raw",
            "tools/examples/library",
            "tools/examples/visitors",
            "tools/examples/arena",
            "tools/examples/monitor",
            "tools/examples/execs",
        ),
    ),
    # Those that are more than a page, with what checks them
    Machine(
        f"worked examples on {STOCK}",
        STOCK,
        (
            Program(
                "examples",
                "exec sh tools/tests/examples.sh tools/cli/bpfmapctl"
                " tools/tests/json_pick tools/tests/send_from tools/tests/route_file"
                " tools/examples bpfmap_sources.ko",
            ),
        ),
        files=("{build}/bpfmap_sources.ko:/root/bpfmap_sources.ko",),
        seconds=60,
    ),
)

CTL = "tools/tests/bpfmapctl_static"
PICK = "tools/tests/json_pick"
RING = "tools/tests/ring_write"

FILE_TOOLS = "cat chmod find ln ls mkdir mv rm rmdir stat".split()

CLI = (
    Machine(
        "bpfmapctl",
        STOCK,
        (
            Program(
                "bpfmapctl", f"exec sh tools/tests/cli.sh {CTL} {PICK} ./bpftool {RING}"
            ),
            Program(
                "bpfmapctl, its words", f"exec sh tools/tests/cli_words.sh {CTL} {PICK}"
            ),
            Program(
                "bpfmapctl, with changes",
                f"exec sh tools/tests/cli_changes.sh {CTL} {PICK} '' {RING}",
            ),
            Program(
                "roundtrip",
                f"exec sh tools/tests/roundtrip.sh {CTL} tools/tests/fill_map 5000",
            ),
        ),
        modules=("bpfmap_ringtest",),
        files=("{tool bpftool}:/root/bpftool",),
        limit=2400,
        seconds=120,
    ),
    Machine(
        "preload",
        STOCK,
        (
            Program(
                "preload",
                USE_PYTHON + "exec sh tools/tests/preload.sh"
                " tools/preload/libbpfmap-preload.so ./bpftool tools/tests/contract_elem"
                " tools/tests/contract_create tools/tests/contract_inner"
                " tools/tests/bpf_log tools/tests/bpf_pins --"
                " python3 /usr/lib/libbpf.so.1 tools/tests/libbpf_maps.py"
                " tools/cli/bpfmapctl /root/coreutils",
            ),
        ),
        files=(
            "{python}:/usr",
            "{library libbpf.so.1}:/usr/lib/libbpf.so.1",
            "{tool bpftool}:/root/bpftool",
            *(f"{{tool {each}}}:/root/coreutils/{each}" for each in FILE_TOOLS),
        ),
        limit=2400,
        seconds=100,
    ),
)

RUN_FILES = (
    "tools/run/bpfmap-run:/root/tools/preload/bpfmap-exec",
    "tools/preload/libbpfmap-preload.so",
)

RUN = (
    Machine(
        "bpfmap-run",
        STOCK,
        (
            Program(
                "bpfmap-run",
                "exec sh tools/tests/run.sh tools/run/bpfmap-run tools/tests/run"
                f" {given('RUN_CALLS', 20000)}",
            ),
        ),
        files=(*RUN_FILES, "/lib/ld-musl-x86_64.so.1:/lib/ld-musl-x86_64.so.1"),
        limit=2400,
        seconds=60,
    ),
    Machine(
        "bpfmap-run, instructions",
        STOCK,
        (
            Program(
                "bpfmap-run, instructions",
                "exec sh tools/tests/run_cost.sh tools/run/bpfmap-run tools/tests/run",
            ),
        ),
        files=RUN_FILES,
        counting=True,
        limit=1200,
        seconds=20,
    ),
)

PYTHON = (
    Made("a wheel of the Python module", "python"),
    Script(
        "mypy finds nothing",
        ("sh", "-c", 'cd tools/python && mypy --cache-dir "$0"', "{tmp}/mypy"),
        tap=False,
        if_there="mypy",
    ),
    Machine(
        "python",
        STOCK,
        (
            Program(
                "python",
                USE_PYTHON
                + "PYTHONPATH=/usr/bpfmap exec python3 tools/python/tests/tap.py",
            ),
        ),
        modules=("bpfmap_ringtest",),
        files=(
            "{python}:/usr",
            "tools/python/tests",
            "tools/python/README.md",
            "tools/lib/libbpfmap.so:/usr/lib/libbpfmap.so.1",
        ),
        seconds=30,
    ),
)

GO = (
    Made("programs of the Go package", "go"),
    Machine(
        "go",
        STOCK,
        (Program("go", "exec sh tools/tests/go.sh go"),),
        modules=("bpfmap_ringtest",),
        files=("{go}:/root/go",),
        seconds=20,
    ),
)

CLIENTS = Machine(
    f"clients on {STOCK}",
    STOCK,
    (
        Program(
            "clients",
            f"exec sh tools/tests/clients.sh clients {CTL}"
            " tools/preload/libbpfmap-preload.so tools/run/bpfmap-run",
        ),
    ),
    files=(f"{{clients {STOCK}}}:/root/clients", "tools/tests/clients"),
    memory=3072,
    limit=3600,
)

BENCH = (
    Machine(
        f"benchmark on {STOCK}",
        STOCK,
        command="set -o pipefail; tools/bench/bpfmap-bench --quick 2>&1 | cat",
        limit=2400,
        seconds=60,
    ),
    Script(
        "ratios are within their bounds",
        ("scripts/bench.sh", "-r", "count", "-c"),
        tap=False,
        tries=2,
        seconds=100,
    ),
)

# The sort is this machine's, which is made for large files.
ROUNDTRIP = Machine(
    f"round trip on {STOCK}",
    STOCK,
    (
        Program(
            "roundtrip",
            "exec sh tools/tests/roundtrip.sh tools/cli/bpfmapctl tools/tests/fill_map"
            f" {given('ROUNDTRIP_ELEMENTS', 1000000)} {given('ROUNDTRIP_TYPES', '')}",
        ),
    ),
    files=("{tool sort}:/root/sort",),
    memory=3072,
    limit=3600,
)


def soak() -> Job:
    kernel = given("SOAK_KERNEL", STOCK)
    seconds = int(given("SOAK_SECONDS", 3600))
    seed = given("SOAK_SEED", int(time.time()))
    return Machine(
        f"soak on {kernel}",
        kernel,
        (
            Program(
                "oracle", f"exec tools/tests/oracle --seed {seed} --seconds {seconds}"
            ),
        ),
        limit=seconds + seconds // 2 + 600,
    )


KERNELS = (
    Script("a bare machine, with an empty cache", ("scripts/bare/test.sh", "cold")),
    Script(
        "make test on a bare machine, with an empty cache",
        ("scripts/bare/test.sh", "cold", "test"),
        limit=14400,
    ),
    *builds((STOCK, *with_use("build")[1:-1], *DEBUG_ALL)),
    *(programs(each, FULL, limit=14400) for each in with_use("programs")),
    *(foreign(each, FOREIGN, limit=14400) for each in with_use("foreign")),
    *(kunit(each) for each in (*DEBUG_ALL, *with_use("rt"))),
    checked(DEBUG_ALL[-1], FULL_DEBUG, fight=60, limit=14400),
    *(
        programs(each, BRIEF_DEBUG, limit=14400, leave_out=SLOW)
        for each in with_use("rt")
    ),
)

KCSAN = (
    *(kunit(each) for each in with_use("kcsan")),
    *(
        programs(each, FULL_DEBUG, limit=14400, leave_out=SLOW - {"many"})
        for each in with_use("kcsan")
    ),
    *(
        Script(f"selftest on {each}", ("scripts/vm/selftest.sh", each))
        for each in with_use("kcsan")
    ),
)

PARTS = (
    Part(
        "bare",
        "set-up, and make demo, on a Debian with git, gcc and make alone",
        (Script("a bare machine", ("scripts/bare/test.sh",), seconds=100),),
    ),
    Part(
        "library",
        "checks of the library that need no kernel",
        (Script("library", ("make", "-s", "-C", "tools", "check"), seconds=5),),
    ),
    Part("examples", "the examples, on the stock kernel", EXAMPLES),
    Part(
        "package",
        "Debian packages, installed, used and purged; make install",
        (
            Script(
                "package",
                ("scripts/package/test.sh", STOCK),
                alone="tree",
                seconds=200,
            ),
        ),
    ),
    Part("cli", "bpfmapctl, and programs of bpf(2) with the library to preload", CLI),
    Part("run", "programs of Go, glibc and musl, as they are, by bpfmap-run", RUN),
    Part("python", "the Python module, from its wheel", PYTHON),
    Part("go", "the Go package", GO),
    Part(
        "user",
        "the test programs on the stock kernel",
        (programs(STOCK, BRIEF, seconds=300),),
    ),
    Part(
        "foreign",
        """module and test programs for arm64 and s390x: batches, and the bytes of
        values""",
        [
            foreign(each, BRIEF_DEBUG, only=BYTES, seconds=90)
            for each in with_use("smoke")
        ],
    ),
    Part(
        "build",
        "the module builds without a warning for each kernel",
        builds((STOCK, *with_use("build")[1:-1], *DEBUG)),
    ),
    Part(
        "kunit", "the KUnit suites, on the debug kernels", [kunit(each) for each in DEBUG]
    ),
    Part(
        "debug",
        """most of the test programs, and those that the fuzzer has kept, on a
        debug kernel""",
        (checked(DEBUG[0], BRIEF_DEBUG, fight=20, leave_out=SLOW_BRIEF),),
    ),
    Part(
        "bench",
        """the benchmark works, its results are right, and its ratios to bpf(2), in
        instructions, are within tools/bench/bounds""",
        BENCH,
    ),
    Part(
        "selftest",
        "the virtual machine, and this program, notice every kind of failure",
        (
            Script(f"selftest on {STOCK}", ("scripts/vm/selftest.sh", STOCK), seconds=90),
            Script(
                f"selftest on {DEBUG[0]}",
                ("scripts/vm/selftest.sh", DEBUG[0]),
                seconds=120,
            ),
            Script(
                "selftest of the runner",
                (
                    "env",
                    "PYTHONPATH=scripts",
                    "python3",
                    "-B",
                    "tools/python/tests/tap.py",
                    "testlib.test_tap",
                    "testlib.test_run",
                ),
            ),
        ),
    ),
    Part(
        "doc",
        "what README.md and Documentation show, as it is written",
        (
            Script("documentation", ("scripts/doc_test.sh",), alone="tree", seconds=60),
            Script(
                "the documentation is rendered without a warning",
                ("scripts/doc.sh", "{tmp}/doc"),
                tap=False,
                seconds=20,
            ),
        ),
    ),
    Part(
        "clients",
        """programs of others, by bpf(2) and with the device: cilium/ebpf's tests, bcc,
        bpftool, static programs""",
        (CLIENTS,),
        default=False,
    ),
    Part(
        "soak",
        "random commands to bpf(2) and to the device, for long",
        (soak(),),
        default=False,
    ),
    Part(
        "kernels",
        """build and test programs, with a million random commands, on the stock
        kernels and on a 7.x, KUnit on the debug kernels, and test programs on the newer
        of these; KUnit and test programs on a 7.x with PREEMPT_RT""",
        KERNELS,
        default=False,
    ),
    Part(
        "kcsan",
        "KUnit and the test programs on a kernel that sees data races",
        KCSAN,
        default=False,
    ),
    Part(
        "roundtrip",
        """a million elements of each type of map, saved and restored: a quarter of an
        hour""",
        (ROUNDTRIP,),
        default=False,
    ),
)
