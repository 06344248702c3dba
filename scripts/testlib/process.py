# SPDX-License-Identifier: GPL-2.0-only
"""Runs commands so that their output arrives line by line and nothing of them stays.

Each has a session of its own. What it leaves behind when it ends, when its time is over
or when kill_all() is called is killed. What left the session as well becomes a child of
ours when its parent dies, and is killed at the end.
"""

import ctypes
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

GRACE = 10.0  # seconds to end after SIGTERM, and for output after the end
LATE = 124  # status of a command whose time is over, as timeout(1) has it
PR_SET_CHILD_SUBREAPER = 36

_running: set[int] = set()  # sessions
_lock = threading.Lock()
_stopping = False


class Stopped(Exception):
    """Nothing more is to be started."""


def adopt_orphans() -> None:
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _signal(session: int, number: int) -> bool:
    try:
        os.killpg(session, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _start(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    with _lock:
        if _stopping:
            raise Stopped
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _running.add(process.pid)
        return process


def _read(
    process: subprocess.Popen[bytes], end: float, line: Callable[[str], None]
) -> bool:
    """Until there is no more output and the process has ended. False if that was not in
    time. Somebody else who has the output open is not waited for."""
    assert process.stdout
    ended = os.pidfd_open(process.pid)
    fds = [process.stdout.fileno(), ended]
    rest = b""
    while fds and (left := end - time.monotonic()) > 0:
        ready = select.select(fds, [], [], left)[0]
        if ended in ready:
            fds.remove(ended)
            end = min(end, time.monotonic() + GRACE)
        if ready and ready[0] != ended:
            data = os.read(ready[0], 1 << 16)
            if not data:
                fds.remove(ready[0])
            *lines, rest = (rest + data).split(b"\n")
            for each in lines:
                line(each.decode(errors="replace").rstrip("\r"))
    if rest:
        line(rest.decode(errors="replace"))
    os.close(ended)
    return ended not in fds


def _processor(pid: int) -> float:
    """Seconds that a process and those that it waited for have used"""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Ended(NamedTuple):
    """How a command did"""

    status: int  # LATE if it was not finished in time
    processor: float = 0  # seconds


def run(argv: Sequence[str], line: Callable[[str], None], seconds: float) -> Ended:
    process = _start(argv)
    try:
        in_time = _read(process, time.monotonic() + seconds, line)
        if not in_time:
            _signal(process.pid, signal.SIGTERM)
            _read(process, time.monotonic() + GRACE, line)
            line(f"{argv[0]}: not finished after {seconds:.0f} seconds")
        used = _processor(process.pid)
        _signal(process.pid, signal.SIGKILL)
        status = process.wait()
        if not in_time:
            status = LATE
        return Ended(status if status >= 0 else 128 - status, used)
    finally:
        _signal(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout
        process.stdout.close()
        with _lock:
            _running.discard(process.pid)


def _children() -> list[int]:
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        try:
            found += map(int, (task / "children").read_text().split())
        except OSError:  # the thread has ended, or the kernel has no such file
            pass
    return found


def kill_all() -> None:
    """Also nothing is started from now on."""
    global _stopping
    with _lock:
        _stopping = True
        sessions = set(_running)
    end = time.monotonic() + GRACE
    for session in sessions:
        _signal(session, signal.SIGTERM)
    while _running & sessions and time.monotonic() < end:
        time.sleep(0.1)
    for session in sessions:
        _signal(session, signal.SIGKILL)
    # Those that are not our own commands, which the lanes wait for
    while (left := _children()) and time.monotonic() < end + GRACE:
        for pid in set(left) - _running:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, os.WNOHANG)
            except (ProcessLookupError, ChildProcessError, PermissionError):
                pass
        time.sleep(0.1)
