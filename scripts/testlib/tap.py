# SPDX-License-Identifier: GPL-2.0-only
"""Counts test cases in TAP, or in the kernel's nested KTAP.

Only leaves count: a result that sums up results below it does not, unless it failed
although none of them did. A plan that is not kept is a failure, and so is a program
without a plan or without results. Programs are told apart by the lines

    # program NAME    and    # status N

A run without such lines is that of one program, the kernel.

usage: PYTHONPATH=scripts python3 -m testlib.tap [FILE...]

prints what failed, and the counts.
"""

import re
import sys
from collections.abc import Iterable
from typing import Optional

from .tally import Tally

KERNEL_TIME = re.compile(r"^\[ *\d+\.\d+\](\[ *[TC]\d+\])? ")
PROGRAM = re.compile(r"# program (.*\S)")
STATUS = re.compile(r"# status (\d+)")
ASSERTIONS = re.compile(r"(?:# )?# *(\d+) assertions?\b")
PLAN = re.compile(r"( *)1\.\.(\d+)")
RESULT = re.compile(r"( *)(not )?ok \d+")
SKIP = re.compile(r"# SKIP\b")
PART_SKIPPED = re.compile(r"# SKIP: ")  # of a case that passes
INDENT = 4  # spaces for each level of nesting


class Level:
    """The results seen so far at one depth, since the last result above them."""

    def __init__(self) -> None:
        self.plan: Optional[int] = None
        self.results = 0
        self.bad = 0


class Parser:
    """Takes the lines of a run, one after the other; at last comes close()."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.seen: list[str] = []  # programs that were started
        self.notes: list[str] = []  # worth a look, but no failure
        self._ended = False  # a program that has said its status
        self._open("")

    def feed(self, line: str) -> None:
        line = KERNEL_TIME.sub("", line.rstrip("\r\n"))
        if match := PROGRAM.match(line):
            if self._program:
                self._fail("ended without a status")
            self.seen.append(match[1])
            self._open(match[1])
        elif match := STATUS.match(line):
            self._status(int(match[1]))
        elif match := ASSERTIONS.match(line):
            self.tally.assertions += int(match[1])
        elif PART_SKIPPED.match(line):
            self._skip(line)
        elif match := PLAN.match(line):
            self._level(len(match[1]) // INDENT).plan = int(match[2])
            self._planned = True
        elif match := RESULT.match(line):
            self._result(len(match[1]) // INDENT, not match[2], line.strip())

    def close(self) -> Tally:
        if self._program:
            self._fail("ended without a status")
        elif not self._ended:
            self._close_program()
        return self.tally

    def _open(self, program: str) -> None:
        self._program = program
        self._cases = 0
        self._planned = False
        self._failed_before = self.tally.failed
        self._levels: dict[int, Level] = {}

    def _level(self, depth: int) -> Level:
        return self._levels.setdefault(depth, Level())

    def _fail(self, text: str) -> None:
        self.tally.fail(f"{self._program}: {text}" if self._program else text)

    def _skip(self, text: str) -> None:
        self.tally.skips.append(f"{self._program}: {text}" if self._program else text)

    def _failed_here(self) -> bool:
        return self.tally.failed > self._failed_before

    def _close_level(self, depth: int) -> Level:
        """Were there as many results as planned?"""
        level = self._levels.pop(depth, Level())
        if level.plan is not None and level.plan != level.results:
            self._fail(f"planned {level.plan} results, got {level.results}")
        return level

    def _close_program(self) -> None:
        for depth in sorted(self._levels, reverse=True):
            self._close_level(depth)
        if not self._cases and not self._failed_here():
            self._fail("no result at all")
        elif not self._planned:
            self._fail("no plan")

    def _status(self, status: int) -> None:
        self._close_program()
        if status and not self._failed_here():
            self._fail(f"exit status {status} with no test failed")
        elif status > 1:
            self.notes.append(f"{self._program}: exit status {status}")
        if not status and self._failed_here():
            self.notes.append(f"{self._program}: exit status 0 with tests failed")
        self._open("")
        self._ended = True

    def _result(self, depth: int, good: bool, line: str) -> None:
        below = self._close_level(depth + 1)
        level = self._level(depth)
        level.results += 1
        level.bad += not good
        if below.results:  # it sums them up
            if SKIP.search(line):
                self._cases += 1
            elif not good and not below.bad:
                self._fail(line)
            return
        self._cases += 1
        if SKIP.search(line):
            self.tally.skipped += 1
            self._skip(line)
        elif good:
            self.tally.passed += 1
        else:
            self._fail(line)


def parse(lines: Iterable[str]) -> Parser:
    parser = Parser()
    for line in lines:
        parser.feed(line)
    parser.close()
    return parser


def main() -> int:
    tally = Tally()
    for name in sys.argv[1:] or ["/dev/stdin"]:
        with open(name, encoding="utf-8", errors="replace") as file:
            tally.add(parse(file).tally)
    for failure in tally.failures:
        print(f"not ok: {failure}")
    print(tally)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
