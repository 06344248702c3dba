# SPDX-License-Identifier: GPL-2.0-only
"""What the tests share."""

import contextlib
import errno
import os
import unittest

import bpfmap

PINS = "/sys/fs/bpfmap"


def descriptors() -> set[str]:
    """The descriptors of maps that this process has open."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # that of the directory
            if os.readlink(f"/proc/self/fd/{fd}") == "anon_inode:bpf-map":
                found.add(fd)
    return found


class MapTest(unittest.TestCase):
    """Closes what it made, and sees to it that nothing else is left open."""

    def setUp(self) -> None:
        self.before = descriptors()
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.check_descriptors)
        self.addCleanup(self.stack.close)

    def check_descriptors(self) -> None:
        self.assertEqual(descriptors(), self.before)

    def create(self, kind, key=None, value=None, max_entries=64, **more):
        if key is not None:
            more["key"] = key
        if value is not None:
            more["value"] = value
        return self.stack.enter_context(
            bpfmap.create(kind, max_entries=max_entries, **more)
        )

    def open(self, *path, **more):
        return self.stack.enter_context(bpfmap.open(*path, **more))

    def pin(self, map_, name="python"):
        path = f"{PINS}/{name}"
        map_.pin(path)
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        return path

    @contextlib.contextmanager
    def fails(self, number: int):
        """OSError of this errno."""
        with self.assertRaises(OSError) as caught:
            yield
        name = errno.errorcode.get(caught.exception.errno, caught.exception.errno)
        self.assertEqual(caught.exception.errno, number, f"it is {name}")
