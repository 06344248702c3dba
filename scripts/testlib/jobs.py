# SPDX-License-Identifier: GPL-2.0-only
"""What a part of the tests consists of: scripts, and machines that run programs.

In the files of a machine and the arguments of a script, {NAME} is a resource, see
resources.py; {build} is that of the machine's own kernel. Commands are the machine's:
they are left as they are, but files of this tree that they name come along, and what
these source from their own directory.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import process
from .resources import Missing, Resources, Say
from .tally import Tally
from .tap import Parser

MARGIN = 900  # seconds for a machine beyond its own limit: its files, a second try
PROGRAMS = "scripts/guest/programs.sh"
NAMED = re.compile(r"\b(?:scripts|tools)/[\w./-]*\w")
SOURCED = re.compile(r'^\. "\$\{0%/\*\}/(.+)"$', re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """Has a name in the results; takes seconds, more or less, on two processors."""

    name: str
    seconds: int = field(default=10, kw_only=True)
    alone: str = field(default="", kw_only=True)  # not beside another with this word
    limit: int = field(default=1200, kw_only=True)  # seconds

    def kernels(self) -> Sequence[str]:
        """That are to be there before any job starts"""
        return ()

    def run(self, resources: Resources, say: Say) -> Tally:
        raise NotImplementedError


def finish(name: str, parser: Parser, say: Say) -> Tally:
    """Say what a run in TAP came to"""
    tally = parser.close()
    for failure in tally.failures:
        say(f"not ok: {failure}")
    for note in parser.notes:
        say(f"# {note}")
    say(f"{name}: {tally}")
    return tally


@dataclass(frozen=True)
class Script(Job):
    """Runs on this machine. Prints TAP, or is a test by itself."""

    argv: Sequence[str]
    tap: bool = True
    tries: int = 1
    if_there: str = ""  # left out without this program
    limit: int = field(default=3600, kw_only=True)

    def run(self, resources: Resources, say: Say) -> Tally:
        tally = Tally()
        if self.if_there and not shutil.which(self.if_there):
            return tally
        argv = [resources.expand(each, say) for each in self.argv]
        parser = Parser()

        def line(text: str) -> None:
            say(text)
            parser.feed(text)

        for _ in range(self.tries):
            status, used = process.run(argv, line, self.limit)
            tally.processor += used
            if status == 0:
                break
        if not self.tap:
            say(tally.verdict(status == 0, self.name))
            return tally
        tally.add(finish(self.name, parser, say))
        if status and not tally.failed:
            say(tally.verdict(False, f"{self.name}: exit status {status}"))
        return tally


@dataclass(frozen=True)
class Made(Job):
    """A resource that is a test by itself"""

    resource: str

    def run(self, resources: Resources, say: Say) -> Tally:
        tally = Tally()
        try:
            resources.get(self.resource, say)
        except Missing:
            say(tally.verdict(False, self.name))
        else:
            say(tally.verdict(True, self.name))
        return tally


@dataclass(frozen=True)
class Builds(Job):
    """The modules, without a warning"""

    kernel: str

    def kernels(self) -> Sequence[str]:
        return (self.kernel,)

    def run(self, resources: Resources, say: Say) -> Tally:
        tally = Tally()
        log = Path(resources.get(f"build {self.kernel}", say), "log")
        warnings = complaints(log.read_text(errors="replace"))
        for line in warnings:
            say(line)
        say(tally.verdict(not warnings, self.name))
        return tally


def complaints(log: str) -> list[str]:
    """Those of a build. The compiler and pahole may be others than the kernel's."""
    return [
        line
        for line in log.splitlines()
        if re.search("warning:|error:|WARNING:|ERROR:", line)
        and not re.search("the compiler differs|pahole version differs", line)
    ]


@dataclass(frozen=True)
class Program:
    """Runs in a machine by its shell and prints TAP."""

    name: str
    command: str
    seconds: int = 0  # limit; that of the machine without one


@dataclass(frozen=True)
class Machine(Job):
    """Boots a kernel with the module and runs programs, or one command."""

    kernel: str
    programs: Sequence[Program] = ()
    command: str = ""
    modules: Sequence[str] = ()
    files: Sequence[str] = ()
    memory: int = 1024
    counting: bool = False  # instructions, as scripts/bench.sh -r count
    env: Mapping[str, str] = field(default_factory=dict)  # of the programs

    def kernels(self) -> Sequence[str]:
        return (self.kernel,)

    def run(self, resources: Resources, say: Say) -> Tally:
        with tempfile.TemporaryDirectory(dir=resources.tmp) as tmp:
            argv = self._argv(resources, say, Path(tmp))
            parser = Parser()

            def line(text: str) -> None:
                say(text)
                parser.feed(text)

            status, used = process.run(argv, line, self.limit + MARGIN)
            tally = Tally(processor=used)
            say(
                tally.verdict(
                    status == 0, f"{self.name}: the machine and its kernel are well"
                )
            )
            if self._has_results():
                tally.add(finish(self.name, self.results(parser, Path(tmp)), say))
        return tally

    def _has_results(self) -> bool:
        return bool(self.programs)

    def results(self, parser: Parser, tmp: Path) -> Parser:
        for program in self.programs:
            if program.name not in parser.seen:
                parser.feed(f"# program {program.name}")
                parser.feed("# status 255")
        return parser

    def _argv(self, resources: Resources, say: Say, tmp: Path) -> list[str]:
        kernel = resources.get(f"kernel {self.kernel}", say)
        build = resources.get(f"build {self.kernel}", say)
        argv = ["scripts/vm/run.sh", "-k", kernel, "-M", str(self.memory)]
        argv += ["-t", str(self.limit), *self._options(tmp)]
        if self.counting:
            argv += ["-i", "-a", "mitigations=off"]
        for module in ("bpfmap", *self.modules):
            argv += ["-m", f"{build}/{module}.ko"]
        for file in dict.fromkeys((*self.files, *self.named())):
            argv += ["-f", resources.expand(file.replace("{build}", build), say)]
        if self.programs:
            listed = tmp / "list"
            listed.write_text(self._list())
            argv += ["-f", f"{PROGRAMS}:/root/programs.sh", "-f", f"{listed}:/root/list"]
        say(f"{self.name}: booting {Path(kernel, 'name').read_text().strip()}")
        return [*argv, "--", self._command()]

    def named(self) -> list[str]:
        commands = [self.command, *(each.command for each in self.programs)]
        named = [file for each in commands for file in NAMED.findall(each)]
        for file in named:  # which grows
            if file.endswith(".sh"):
                directory = os.path.dirname(file)
                for each in SOURCED.findall(Path(file).read_text()):
                    named.append(os.path.normpath(os.path.join(directory, each)))
        return named

    def _options(self, tmp: Path) -> Sequence[str]:
        return ()

    def _list(self) -> str:
        return "".join(
            f"{each.name}\t{each.seconds or self.limit}\t{each.command}\n"
            for each in self.programs
        )

    def _command(self) -> str:
        if not self.programs:
            return self.command
        set_env = " ".join(f"{name}={value}" for name, value in self.env.items())
        return f"{set_env} sh programs.sh list"


@dataclass(frozen=True)
class KUnit(Machine):
    """The suites of bpfmap_kunit.ko, whose results are in the kernel's log"""

    modules: Sequence[str] = ("bpfmap_kunit",)
    command: str = "true"

    def _options(self, tmp: Path) -> Sequence[str]:
        return ("-l", str(tmp / "log"))

    def _has_results(self) -> bool:
        return True

    def results(self, parser: Parser, tmp: Path) -> Parser:
        log = tmp / "log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return parse_from(r"init: loading .*kunit", lines)


def parse_from(pattern: str, lines: Iterable[str]) -> Parser:
    """From the first line on that has the pattern"""
    parser = Parser()
    begun = False
    for line in lines:
        begun = begun or bool(re.search(pattern, line))
        if begun:
            parser.feed(line)
    return parser


@dataclass(frozen=True)
class TestPrograms(Machine):
    """Those that tools/Makefile lists or the environment's TESTS, and some more"""

    leave_out: frozenset[str] = frozenset()  # names in tools/tests
    only: frozenset[str] = frozenset()  # the same; empty: all
    listed: str = "tests"

    def run(self, resources: Resources, say: Say) -> Tally:
        if not (tests := os.environ.get("TESTS", "").split()):
            listed = resources.get(self.listed, say).split()
            names = {Path(each).name for each in listed} - self.leave_out
            if self.only:
                names &= self.only
            tests = [each for each in listed if Path(each).name in names]
        programs = [Program(each, f"exec {each}", self.limit // 4) for each in tests]
        whole = replace(
            self,
            programs=(*programs, *self.programs),
            modules=("bpfmap_ringtest", "bpfmap_arena_list", *self.modules),
        )
        return Machine.run(whole, resources, say)


@dataclass(frozen=True)
class ForeignPrograms(TestPrograms):
    """On a machine of another architecture: those that can be built for it with no
    library but ours and cmocka"""

    listed: str = "plain-tests"

    def named(self) -> list[str]:
        return [f"{{cross {self.kernel}}}/{each}:{each}" for each in super().named()]
