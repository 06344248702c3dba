# SPDX-License-Identifier: GPL-2.0-only
"""What jobs need, made once: kernels, modules, files for the machine.

    kernel NAME    the directory of a kernel of scripts/kernels
    build NAME     that of the modules for it
    tool NAME      the path of a program of this machine
    library NAME   that of a shared library, by the name to link with it
    tests          the names of the test programs
    plain-tests    of those that are built for other architectures
    cross NAME     a directory with these, for a kernel of another architecture
    tmp            a directory for results that nobody looks at
    python         a tree with Python and the module bpfmap
    go             a directory with the programs of the Go package
    clients NAME   one with programs that use bpf(2)'s maps, for this kernel
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from . import process

LIMIT = 4 * 3600  # seconds: a kernel is built in 5 to 15 minutes
WORD = re.compile(r"\{([a-z-]+(?: [^{} ]+)?)\}")

Say = Callable[[str], None]


class Missing(Exception):
    """A resource that this machine lacks; the text says why."""


def run_command(say: Say, *argv: str) -> tuple[str, float]:
    """The last line that it prints, and seconds of a processor; other lines are
    progress."""
    last = ""

    def line(text: str) -> None:
        nonlocal last
        if last:
            say(last)
        last = text

    ended = process.run(argv, line, LIMIT)
    if ended.status:
        say(last)
        raise Missing(" ".join(argv))
    return last, ended.processor


class Resources:
    """Thread-safe; two that want the same at once wait for one."""

    def __init__(self, tmp: Path) -> None:
        self.tmp = tmp
        self.processor = 0.0  # seconds of it that were used
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._made: dict[str, str] = {}
        self._missing: dict[str, Missing] = {}

    def get(self, name: str, say: Say) -> str:
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name in self._missing:
                raise self._missing[name]
            if name not in self._made:
                try:
                    self._made[name] = self._make(name, say)
                except Missing as error:
                    self._missing[name] = error
                    raise
            return self._made[name]

    def expand(self, text: str, say: Say) -> str:
        """With the path of each {NAME} in it"""
        return WORD.sub(lambda match: self.get(match[1], say), text)

    def command(self, say: Say, *argv: str) -> str:
        last, used = run_command(say, *argv)
        with self._lock:
            self.processor += used
        return last

    def _make(self, name: str, say: Say) -> str:
        kind, _, what = name.partition(" ")
        if kind == "kernel":
            return self.command(say, "scripts/kernel.sh", what)
        if kind == "build":
            self.get(f"kernel {what}", say)
            return self.command(say, "scripts/build.sh", what)
        if kind == "tmp":
            return str(self.tmp)
        if kind == "tool":
            path = shutil.which(what, path=os.environ["PATH"] + ":/usr/sbin")
            if not path:
                raise Missing(f"a program {what}")
            return path
        if kind == "library":
            return subprocess.check_output(
                ["gcc", f"-print-file-name={what}"], text=True
            ).strip()
        if kind == "cross":
            return self.command(say, "scripts/cross.sh", what, "plain-tests")
        if kind in ("tests", "plain-tests"):
            return subprocess.check_output(
                ["make", "-s", "-C", "tools", f"list-{kind}"], text=True
            )
        if kind == "python":
            tree = str(self.tmp / "python")
            self.command(
                say, "sh", "-c", 'scripts/guest/python_tree.sh "$0" && echo', tree
            )
            return tree
        if kind == "go":
            tree = str(self.tmp / "go")
            self.command(say, "sh", "-c", 'scripts/guest/go_tree.sh "$0" && echo', tree)
            return tree
        if kind == "clients":
            tree, kernel = str(self.tmp / "clients"), self.get(f"kernel {what}", say)
            make = 'scripts/guest/clients_tree.sh "$0" "$1" && echo'
            self.command(say, "sh", "-c", make, tree, kernel)
            return tree
        raise Missing(f"what is {name}?")
