# SPDX-License-Identifier: GPL-2.0-only
"""Lanes, commands, and the table."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from dataclasses import dataclass
from pathlib import Path

from testlib import jobs, process
from testlib.kernels import with_use
from testlib.lanes import Lanes
from testlib.parts import PARTS
from testlib.tap import Parser
from testlib.resources import Missing, Resources

SH = "/bin/sh"


@dataclass(frozen=True)
class Sleep:
    """A job that takes some time"""

    name: str
    seconds: int
    alone: str = ""


class LanesTest(unittest.TestCase):
    """Order, words, lanes that break"""

    def setUp(self) -> None:
        self.order: list[str] = []
        self.at_once: set[str] = set()
        self.most = 0
        self.lock = threading.Lock()

    def do(self, job: Sleep) -> None:
        with self.lock:
            self.order.append(job.name)
            self.at_once.add(job.alone)
            self.most = max(self.most, len(self.at_once))
        time.sleep(0.01)
        with self.lock:
            self.at_once.discard(job.alone)

    def test_longest_first(self) -> None:
        Lanes([Sleep("a", 1), Sleep("b", 3), Sleep("c", 2)], self.do).run(1)
        self.assertEqual(self.order, ["b", "c", "a"])

    def test_alone(self) -> None:
        busy = threading.Lock()

        def do(job: Sleep) -> None:
            if job.alone:
                self.assertTrue(busy.acquire(blocking=False))
            self.do(job)
            if job.alone:
                busy.release()

        Lanes([Sleep(str(n), n, "tree" if n % 2 else "") for n in range(20)], do).run(4)
        self.assertEqual(len(self.order), 20)

    def test_only_jobs_of_one_word(self) -> None:
        Lanes([Sleep("a", 1, "x"), Sleep("b", 1, "x")], self.do).run(2)
        self.assertEqual((sorted(self.order), self.most), (["a", "b"], 1))

    def test_a_lane_that_breaks(self) -> None:
        def do(job: Sleep) -> None:
            if job.name == "bad":
                raise SystemExit  # silently
            self.do(job)

        Lanes([Sleep("bad", 9, "x"), Sleep("a", 1, "x"), Sleep("b", 1)], do).run(2)
        self.assertEqual(sorted(self.order), ["a", "b"])


class ProcessTest(unittest.TestCase):
    """Output, status, and nobody left behind"""

    def run_sh(self, script: str, seconds: float = 30) -> tuple[int, list[str]]:
        lines: list[str] = []
        status, _ = process.run([SH, "-c", script], lines.append, seconds)
        return status, lines

    def test_lines(self) -> None:
        status, lines = self.run_sh("echo a; echo b >&2; printf 'c\\r\\n\\377'; exit 3")
        self.assertEqual((status, lines), (3, ["a", "b", "c", "\ufffd"]))

    def test_killed(self) -> None:
        self.assertEqual(self.run_sh("kill -SEGV $$")[0], 139)

    def test_late(self) -> None:
        began = time.monotonic()
        status, lines = self.run_sh("echo a; sleep 100", 1)
        self.assertEqual(status, process.LATE)
        self.assertEqual(lines[0], "a")
        self.assertIn("not finished after 1 seconds", lines[1])
        self.assertLess(time.monotonic() - began, 50)

    def test_silent_and_late(self) -> None:
        self.assertEqual(
            self.run_sh("exec >/dev/null 2>&1; sleep 100", 1)[0], process.LATE
        )

    def test_left_behind(self) -> None:
        status, lines = self.run_sh("sleep 1000 >/dev/null 2>&1 & echo $!")
        self.assertEqual(status, 0)
        self.assertTrue(is_gone(int(lines[0])))

    def test_output_held_open(self) -> None:
        before = process.GRACE
        process.GRACE = 1.0
        try:
            status, lines = self.run_sh("sleep 1000 & echo $!")
        finally:
            process.GRACE = before
        self.assertEqual(status, 0)
        self.assertTrue(is_gone(int(lines[0])))

    def test_processor(self) -> None:
        busy = "sh -c 'i=0; while [ $i -lt 50000 ]; do i=$((i + 1)); done'"
        self.assertGreater(
            process.run([SH, "-c", f"{busy}; true"], print, 300).processor, 0
        )


def is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")")[-1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.1)
    return False


STOPPED = """
import os, signal, sys, threading
from testlib import process
process.adopt_orphans()
process.GRACE = 1.0
def stop(number, frame): raise SystemExit(1)
signal.signal(signal.SIGTERM, stop)
def job():
    try:
        process.run(["/bin/sh", "-c", sys.argv[1]], lambda line: print(line, flush=True), 1000)
    except process.Stopped:
        print("stopped")
thread = threading.Thread(target=job, daemon=True)
thread.start()
try:
    thread.join()
finally:
    process.kill_all()
    job()
"""


class StopTest(unittest.TestCase):
    """A run that is told to end"""

    def test_all_are_killed(self) -> None:
        script = "trap '' TERM; setsid sh -c 'sleep 1000 & echo $!; wait' & sleep 1000 & echo $!; wait"
        script = script.replace("$!; wait'", "$$; wait'")
        with subprocess.Popen(
            [sys.executable, "-B", "-c", STOPPED, script],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as run:
            assert run.stdout
            pids = [int(run.stdout.readline()) for _ in range(2)]
            run.send_signal(signal.SIGTERM)
            self.assertEqual(run.stdout.read().strip(), "stopped")
        self.assertEqual(run.returncode, 1)
        self.assertEqual([is_gone(pid) for pid in pids], [True, True])


class JobTest(unittest.TestCase):
    """Scripts and resources; machines are selftest.sh's"""

    def setUp(self) -> None:
        self.said: list[str] = []
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.resources = Resources(Path(directory.name))

    def run_job(self, job: jobs.Job) -> tuple[int, int, list[str]]:
        tally = job.run(self.resources, self.said.append)
        return tally.passed, tally.failed, tally.failures

    def test_tap(self) -> None:
        job = jobs.Script(
            "x", (SH, "-c", "echo '# program p'; echo ok 1; echo 1..1; echo '# status 0'")
        )
        self.assertEqual(self.run_job(job), (1, 0, []))
        self.assertEqual(self.said[-1], "x: 1 passed, 0 failed, 0 skipped")

    def test_verdict(self) -> None:
        self.assertEqual(self.run_job(jobs.Script("x", ("true",), tap=False)), (1, 0, []))
        self.assertEqual(
            self.run_job(jobs.Script("x", ("false",), tap=False)), (0, 1, ["x"])
        )

    def test_dies(self) -> None:
        job = jobs.Script("x", (SH, "-c", "echo 1..2; echo ok 1; kill $$"))
        self.assertEqual(self.run_job(job), (1, 1, ["planned 2 results, got 1"]))

    def test_late(self) -> None:
        job = jobs.Script("x", (SH, "-c", "echo 1..1; echo ok 1; sleep 99"), limit=1)
        self.assertEqual(self.run_job(job), (1, 1, ["x: exit status 124"]))

    def test_status(self) -> None:
        job = jobs.Script("x", (SH, "-c", "echo 1..1; echo ok 1; exit 2"))
        self.assertEqual(self.run_job(job), (1, 1, ["x: exit status 2"]))

    def test_tries(self) -> None:
        script = 'test -e "$0" || { touch "$0"; exit 1; }'
        job = jobs.Script("x", (SH, "-c", script, "{tmp}/tried"), tap=False, tries=2)
        self.assertEqual(self.run_job(job), (1, 0, []))

    def test_left_out(self) -> None:
        job = jobs.Script("x", ("false",), tap=False, if_there="no-such-program")
        self.assertEqual(self.run_job(job), (0, 0, []))

    def test_resource(self) -> None:
        self.assertEqual(
            self.resources.expand("{tool sh}:/root/sh", self.said.append)[-8:], "/root/sh"
        )
        for bad in ("tool no-such-program", "kernel no-such-kernel", "nonsense"):
            for _ in range(2):
                with self.assertRaises(Missing):
                    self.resources.get(bad, self.said.append)

    def test_complaints(self) -> None:
        log = "warning: the compiler differs from\na.c:1: warning: x\n  CC y\nERROR: modpost"
        self.assertEqual(jobs.complaints(log), ["a.c:1: warning: x", "ERROR: modpost"])

    def test_files_that_commands_name(self) -> None:
        command = "exec sh tools/tests/cli.sh 'tools/b' tools/c/*.txt"
        machine = jobs.Machine("x", "k", (jobs.Program("p", command),))
        self.assertEqual(
            machine.named()[:4],
            ["tools/tests/cli.sh", "tools/b", "tools/c", "tools/tests/cli_lib.sh"],
        )

    def test_program_that_never_ran(self) -> None:
        machine = jobs.Machine(
            "x", "k", (jobs.Program("p", "true"), jobs.Program("q", "true"))
        )
        parser = Parser()
        for line in ("# program p", "1..1", "ok 1", "# status 0"):
            parser.feed(line)
        self.assertEqual(
            machine.results(parser, Path()).close().failures, ["q: no result at all"]
        )


class TableTest(unittest.TestCase):
    """Is it whole?"""

    def test_names(self) -> None:
        names = [part.name for part in PARTS]
        self.assertEqual(len(names), len(set(names)))
        for part in PARTS:
            within = [job.name for job in part.jobs]
            self.assertEqual(len(within), len(set(within)), part.name)
            self.assertTrue(within, part.name)

    def test_files(self) -> None:
        for part in PARTS:
            for job in part.jobs:
                if isinstance(job, jobs.Machine):
                    for file in (*job.named(), *job.files):
                        path = file.partition(":")[0]
                        if not path.startswith("{"):
                            self.assertTrue(Path(path).exists(), f"{job.name}: {path}")

    def test_kernels(self) -> None:
        known = with_use("stock") + with_use("build") + with_use("programs")
        known += with_use("kunit") + with_use("rt") + with_use("kcsan")
        known += with_use("foreign")
        for part in PARTS:
            for job in part.jobs:
                self.assertLessEqual(set(job.kernels()), set(known), job.name)
        self.assertEqual(len(with_use("stock")), 1)
