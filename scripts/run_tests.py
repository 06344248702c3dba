# SPDX-License-Identifier: GPL-2.0-only
"""All tests, in virtual machines. scripts/test.sh calls it; testlib/parts.py has the
table of the parts."""

import argparse
import os
import signal
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from testlib import process
from testlib.jobs import Job
from testlib.kernels import architecture
from testlib.lanes import Lanes
from testlib.parts import DEBUG, PARTS, STOCK, Part
from testlib.resources import Missing, Resources
from testlib.tally import Tally

# Tests wait for grace periods, limits and each other, and the limits hold on machines
# that are four times as slow.
LANES = min((os.cpu_count() or 1) + 1, 4)

USAGE = f"""
If none is named, all of the first group, {LANES} at a time, or as -j says. Kernels and kcsan
are for changes to compat.h, to locks and to what is shared without one, and before a
release: they build four more kernels, and do in full what the others do in part.
Environment:
  STOCK_KERNEL   ({STOCK})	DEBUG_KERNELS   ({" ".join(DEBUG)})
  TESTS          programs to run, instead of those that tools/Makefile lists
  ORACLE_COMMANDS, ORACLE_SEED, STRESS_SECONDS, LIFECYCLE_ROUNDS, BIG_ENTRIES, ...:
                 the amount of work of the tests of these names
  ROUNDTRIP_ELEMENTS for roundtrip (1000000)	ROUNDTRIP_TYPES: of maps (all)
  SOAK_SECONDS   for soak (3600)	SOAK_KERNEL, SOAK_SEED: the time now
"""


class Task(NamedTuple):
    """A job and the part that it belongs to"""

    part: Part
    job: Job

    @property
    def seconds(self) -> int:
        return self.job.seconds

    @property
    def alone(self) -> str:
        return self.job.alone


class Result(NamedTuple):
    """Of a task"""

    tally: Tally
    seconds: float


def usage() -> str:
    lines = ["usage: scripts/test.sh [-j LANES] [PART...]", ""]
    for default in (True, False):
        for part in PARTS:
            if part.default is default:
                what = " ".join(part.what.split())
                lines += textwrap.wrap(
                    what,
                    84,
                    initial_indent=f"  {part.name:9} ",
                    subsequent_indent=" " * 12,
                )
        lines.append("")
    return "\n".join(lines[:-1]) + "\n" + USAGE.rstrip()


class Run:
    """Of some parts. Each line of output begins with the name of its part."""

    def __init__(self, parts: Sequence[Part], tmp: Path) -> None:
        self.tasks = [Task(part, job) for part in parts for job in part.jobs]
        self.results: dict[int, Result] = {}
        self._width = max(len(part.name) for part in parts)
        self._resources = Resources(tmp)
        self._lock = threading.Lock()
        self._over = False  # only the summary is still to come
        self._start = float(os.environ.setdefault("BPFMAP_START", str(int(time.time()))))

    def write(self, name: str, text: str) -> None:
        with self._lock:
            if not self._over:
                print(f"{name:{self._width}}| {text}", flush=True)

    def progress(self, name: str, text: str) -> None:
        minutes, seconds = divmod(int(time.time() - self._start), 60)
        self.write(name, f"[{minutes:2}:{seconds:02}] {text}")

    def prepare(self) -> None:
        """Kernels first: to build one is work for all processors."""
        self._resources.command(
            lambda text: self.write("tools", text),
            *("make", "-s", f"-j{os.cpu_count()}", "-C", "tools"),
        )
        for name in dict.fromkeys(
            each for task in self.tasks for each in task.job.kernels()
        ):
            try:
                self._resources.get(
                    f"kernel {name}", lambda text: self.write("kernel", text)
                )
            except Missing:
                pass  # each job that needs it will say so

    def run(self, lanes: int) -> None:
        Lanes(self.tasks, self._do).run(lanes)

    def _do(self, task: Task) -> None:
        part = task.part.name
        began = time.monotonic()
        try:
            tally = task.job.run(self._resources, lambda text: self.write(part, text))
        except process.Stopped:
            return
        except Exception as error:  # a job that breaks is a failed test
            tally = Tally()
            reason = error if isinstance(error, Missing) else repr(error)
            self.write(part, tally.verdict(False, f"{task.job.name}: {reason}"))
        seconds = time.monotonic() - began
        self.results[id(task.job)] = Result(tally, seconds)
        self.progress(part, f"{task.job.name} took {seconds:.0f} s")

    def summary(self) -> Tally:
        """Prints it. What has no result was not run, which is a failure."""
        with self._lock:
            self._over = True
        total = Tally()
        print()
        for task in self.tasks:
            result = self.results.get(id(task.job))
            if not result:
                missing = Tally()
                missing.fail(f"{task.job.name}: did not come to its end")
                result = Result(missing, 0)
            print(
                f"{task.part.name:{self._width}}  {task.job.name:48}",
                f"{result.seconds:5.0f} s, {result.tally.processor:5.0f} s of a processor,",
                result.tally,
            )
            total.add(result.tally)
        print(
            f"kernels, modules and tools took {self._resources.processor:.0f} s of a processor"
        )
        self._by_kernel()
        for failure in total.failures:
            print(f"not ok: {failure}")
        print(
            f"{total.assertions} assertions in the test programs,",
            f"{total.skipped} cases skipped",
        )
        return total

    def _by_kernel(self) -> None:
        """What was run on each kernel, and what was skipped there and why"""
        tallies: dict[tuple[str, str], Tally] = {}
        for task in self.tasks:
            result = self.results.get(id(task.job))
            if not result:
                continue
            for kernel in task.job.kernels():
                key = (architecture(kernel), kernel)
                tallies.setdefault(key, Tally()).add(result.tally)
        if not tallies:
            return
        print(f"\n{'architecture':13}{'kernel':12}  passed  failed skipped")
        for (name, kernel), tally in sorted(tallies.items()):
            print(
                f"{name:13}{kernel:12}{tally.passed:8}{tally.failed:8}{tally.skipped:8}"
            )
        for (_, kernel), tally in sorted(tallies.items()):
            for skip in tally.skips:
                print(f"skipped on {kernel}: {skip}")
        print()


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop(number: int, _: object) -> None:
    for each in SIGNALS:  # the summary comes whatever happens
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def choose(names: Sequence[str]) -> list[Part]:
    if names:
        return [part for part in PARTS if part.name in names]
    return [part for part in PARTS if part.default]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("-l", "--list", action="store_true")
    parser.add_argument("-j", dest="lanes", type=int, default=LANES)
    parser.add_argument("parts", nargs="*")
    parser.error = lambda message: (print(usage()), sys.exit(2))  # type: ignore
    args = parser.parse_args()
    if args.help:
        print(usage())
        sys.exit()
    if args.list:
        print("\n".join(part.name for part in PARTS))
        sys.exit()
    if not set(args.parts) <= {part.name for part in PARTS}:
        parser.error("")
    return args


def main() -> int:
    args = arguments()
    os.chdir(Path(__file__).parent.parent)
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        os.environ.pop(name, None)
    for number in SIGNALS:
        signal.signal(number, stop)
    process.adopt_orphans()
    total = Tally()
    status = 1
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tmp:
        run = Run(choose(args.parts), Path(tmp))
        try:
            run.prepare()
            run.run(args.lanes)
            status = 0
        except Missing as error:
            print(f"not ok: {error}")
        except SystemExit as error:
            status = int(error.code or 1)
        finally:
            process.kill_all()
            total = run.summary()
            print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return status or (1 if total.failed else 0)


if __name__ == "__main__":
    sys.exit(main())
