# SPDX-License-Identifier: GPL-2.0-only
"""Ring buffers, with a module that is their other side."""

import ctypes
import errno
import fcntl
import mmap
import os
import struct
import threading
import unittest

from bpfmap import CreateFlag
from common import MapTest

DEVICE = "/dev/bpfmap_ringtest"
OUTPUT, RESERVE, SUBMIT, DISCARD, QUERY, DRAIN = range(6)
RINGTEST_BUF = 65536


class Request(ctypes.Structure):
    """struct ringtest"""

    _fields_ = [
        ("map_fd", ctypes.c_int32),
        ("op", ctypes.c_uint32),
        ("slot", ctypes.c_uint32),
        ("used", ctypes.c_uint32),
        ("data", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("flags", ctypes.c_uint64),
        ("ret", ctypes.c_int64),
    ]


RINGTEST = 3 << 30 | ctypes.sizeof(Request) << 16 | ord("r") << 8 | 1


@unittest.skipUnless(os.path.exists(DEVICE), f"no {DEVICE}")
class RingTest(MapTest):
    def setUp(self):
        super().setUp()
        self.device = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
        self.stack.callback(os.close, self.device)

    def request(self, ring, op, data=b"", **more):
        buffer = ctypes.create_string_buffer(data, max(1, len(data)))
        request = Request(map_fd=ring.fileno(), op=op, size=len(data),
                          data=ctypes.addressof(buffer))
        for name, value in more.items():
            setattr(request, name, value)
        fcntl.ioctl(self.device, RINGTEST, request)
        return request

    def output(self, ring, *records):
        for record in records:
            self.assertEqual(self.request(ring, OUTPUT, record).ret, 0)

    def drain(self, ring):
        """The samples that are in a user ring buffer."""
        buffer = ctypes.create_string_buffer(RINGTEST_BUF)
        request = Request(map_fd=ring.fileno(), op=DRAIN,
                          data=ctypes.addressof(buffer))
        fcntl.ioctl(self.device, RINGTEST, request)
        found, at = [], 0
        while at < request.used:
            size, = struct.unpack_from("=I", buffer, at)
            found.append(buffer.raw[at + 4 : at + 4 + size])
            at += (4 + size + 3) & ~3
        return found

    def test_consume(self):
        ring = self.create("ringbuf", max_entries=4096)
        got = []
        self.assertEqual(ring.consume(got.append), 0)
        self.output(ring, b"one", b"two", b"three")
        self.assertEqual(ring.consume(got.append, 2), 2)
        self.assertEqual(got, [b"one", b"two"])
        self.assertEqual(ring.consume(got.append), 1)
        self.assertEqual(got[2:], [b"three"])

    def test_records(self):
        ring = self.create("ringbuf", max_entries=4096)
        self.output(ring, b"one", b"two", b"three")
        for record in ring.records(0):
            break
        self.assertEqual(record, b"one")
        # A consumer that stops has lost nothing
        self.assertEqual(list(ring.records(0)), [b"two", b"three"])

    def test_iteration_waits(self):
        ring = self.create("ringbuf", max_entries=4096)
        timer = threading.Timer(0.1, self.output, (ring, b"late"))
        timer.start()
        self.assertEqual(next(iter(ring)), b"late")
        timer.join()
        self.assertEqual(ring.poll(print, 0.01), 0)

    def test_poll(self):
        ring = self.create("ringbuf", max_entries=4096)
        got = []
        timer = threading.Timer(0.1, self.output, (ring, b"late"))
        timer.start()
        self.assertEqual(ring.poll(got.append, 20), 1)
        timer.join()
        self.assertEqual(got, [b"late"])

    def test_exceptions(self):
        ring = self.create("ringbuf", max_entries=4096)
        self.output(ring, b"one", b"two")

        def refuse(record):
            raise RuntimeError(record)

        with self.assertRaisesRegex(RuntimeError, "one"):
            ring.consume(refuse)
        got = []
        ring.consume(got.append)
        self.assertEqual(got, [b"two"])

    def test_no_two_consumers(self):
        ring = self.create("ringbuf", max_entries=4096)
        self.output(ring, b"one")
        with self.assertRaisesRegex(RuntimeError, "somebody else"):
            ring.consume(lambda record: ring.consume(print))
        self.assertEqual(ring.consume(print), 0)

    def test_closed_by_the_callback(self):
        ring = self.create("ringbuf", max_entries=4096)
        self.output(ring, b"one", b"two")
        got = []

        def take(record):
            got.append(record)
            ring.close()

        self.assertEqual(ring.consume(take), 2)
        self.assertEqual(got, [b"one", b"two"])
        with self.assertRaisesRegex(ValueError, "closed"):
            ring.consume(take)

    def test_discarded_and_unfinished(self):
        ring = self.create("ringbuf", max_entries=4096)
        self.request(ring, RESERVE, slot=0, size=8)
        self.request(ring, RESERVE, slot=1, size=8)
        got = []
        self.assertEqual(ring.consume(got.append), 0)
        self.request(ring, DISCARD, slot=0)
        self.request(ring, SUBMIT, b"abcdefgh", slot=1)
        self.assertEqual(list(ring.records(0)), [b"abcdefgh"])

    def test_around_the_end(self):
        ring = self.create("ringbuf", max_entries=4096)
        for i in range(100):
            record = bytes([i]) * (i * 7 % 500 + 1)
            self.output(ring, record)
            self.assertEqual(list(ring.records(0)), [record])

    def test_overwritten(self):
        ring = self.create("ringbuf", max_entries=4096, flags=CreateFlag.RB_OVERWRITE)
        self.assertEqual(ring.lost, 0)
        for last in (9, 3000, 7000):
            first = last - 9 if last == 9 else last - 2000
            for i in range(first, last + 1):
                self.output(ring, struct.pack("<IQ", i, i * i))
            got = []
            count = ring.poll(got.append, 20)
            self.assertEqual(count, len(got))
            numbers = [struct.unpack("<IQ", record) for record in got]
            self.assertEqual(numbers, [(i, i * i) for i in range(
                last - len(got) + 1, last + 1)])
            if last == 9:
                self.assertEqual((len(got), ring.lost), (10, 0))
        consumed = ring.lost
        self.assertEqual(consumed % 24, 0)
        self.assertGreater(consumed, 3500 * 24)

    def test_spoilt(self):
        for flags in (0, CreateFlag.RB_OVERWRITE):
            ring = self.create("ringbuf", max_entries=4096, flags=flags)
            self.output(ring, b"one")
            with mmap.mmap(ring.fileno(), 4096) as page:
                struct.pack_into("<Q", page, 0, 1 << 40)
            with self.fails(errno.EBADMSG):
                ring.consume(print)

    def test_send(self):
        ring = self.create("user_ringbuf", max_entries=4096)
        ring.send(b"one")
        ring.send(b"three")
        self.assertEqual(self.drain(ring), [b"one", b"three"])
        for _ in range(4):
            ring.send(bytes(1000))
        with self.fails(errno.ENOSPC):
            ring.send(bytes(1000))
        with self.fails(errno.ENOSPC):
            ring.send(bytes(1000), 0.02)
        with self.fails(errno.E2BIG):
            ring.send(bytes(5000))
        for data in ("abc", 5, None):
            with self.assertRaises(TypeError):
                ring.send(data)
        timer = threading.Timer(0.1, self.drain, (ring,))
        timer.start()
        ring.send(bytes(1000), 20)
        timer.join()
        ring.close()
        with self.assertRaisesRegex(ValueError, "closed"):
            ring.send(b"x")
