# SPDX-License-Identifier: GPL-2.0-only
"""Maps by pin, id, name and descriptor; what becomes of descriptors."""

import errno
import gc
import os
import threading
import time
import traceback

import bpfmap
from common import PINS, MapTest, descriptors


class OpenTest(MapTest):
    def setUp(self):
        super().setUp()
        self.m = self.create("hash", "u32", "u64", name="py_open")
        self.m[1] = 10

    def test_pin(self):
        path = self.pin(self.m)
        found = self.open(path, key="u32", value="u64")
        self.assertEqual(found.info.id, self.m.info.id)
        self.assertEqual(dict(found), {1: 10})
        with self.assertRaises(FileExistsError) as caught:
            self.m.pin(path)
        self.assertEqual(caught.exception.filename, path)
        with self.fails(errno.EPERM):
            self.m.pin("/tmp/python")
        with self.assertRaises(FileNotFoundError):
            bpfmap.open(f"{PINS}/nothing")
        with self.fails(errno.EACCES):
            bpfmap.open("/proc/version")
        for what in (bpfmap.open, self.m.pin):
            with self.assertRaisesRegex(ValueError, "NUL"):
                what(f"{path}\0x")

    def test_names_and_paths_of_any_bytes(self):
        # What the kernel takes for letters is Latin-1
        m = self.create("hash", "u32", "u64", name="caf\xe9")
        self.assertEqual(m.info.name, "caf\xe9")
        self.assertEqual(str(m).encode("utf-8").count(b"caf\xc3\xa9"), 1)
        self.assertEqual(self.open(name="caf\xe9").info.id, m.info.id)
        for name in ("\u20ac", "caf\udce9"):
            with self.assertRaisesRegex(ValueError, "Latin-1"):
                self.create("hash", "u32", "u64", name=name)
        path = self.pin(m, os.fsdecode(b"\xff\x1b[31m\n"))
        self.assertEqual(self.open(path).info.id, m.info.id)
        with self.assertRaises(FileExistsError) as caught:
            m.pin(path)
        self.assertEqual(os.fsencode(caught.exception.filename), os.fsencode(path))

    def test_modes(self):
        path = self.pin(self.m)
        with self.open(path, key="u32", value="u64", mode="r") as found:
            self.assertEqual(found[1], 10)
            with self.fails(errno.EPERM):
                found[1] = 2
        with self.open(path, key="u32", value="u64", mode="w") as found:
            found[1] = 2
            with self.fails(errno.EPERM):
                found[1]
        with self.assertRaises(ValueError):
            bpfmap.open(path, mode="x")

    def test_ids(self):
        self.assertIn(self.m.info.id, list(bpfmap.ids()))
        found = self.open(id=self.m.info.id, key="u32", value="u64")
        self.assertEqual(found[1], 10)
        with self.assertRaises(FileNotFoundError):
            bpfmap.open(id=2000000000)
        with self.assertRaises(ValueError):
            bpfmap.open(id=0)

    def test_names(self):
        self.assertEqual(self.open(name="py_open").info.id, self.m.info.id)
        with self.assertRaises(FileNotFoundError):
            bpfmap.open(name="py_nothing")
        self.create("hash", "u32", "u64", name="py_open")
        with self.fails(errno.ENOTUNIQ):
            bpfmap.open(name="py_open")

    def test_descriptors(self):
        found = self.open(fd=self.m.fileno(), key="u32", value="u64")
        self.assertNotEqual(found.fileno(), self.m.fileno())
        self.assertFalse(os.get_inheritable(found.fileno()))
        found.close()
        self.assertEqual(self.m[1], 10)
        with self.fails(errno.EBADF):
            bpfmap.open(fd=9999)
        with open("/dev/null") as other, self.fails(errno.EINVAL):
            bpfmap.open(fd=other.fileno())

    def test_one_way_is_needed(self):
        for ways in ({}, {"id": 1, "name": "x"}):
            with self.assertRaises(TypeError):
                bpfmap.open(**ways)

    def test_bytes_by_default(self):
        found = self.open(fd=self.m.fileno())
        self.assertEqual(dict(found), {bytes((1, 0, 0, 0)): bytes((10,)) + bytes(7)})
        array = self.create("array", value="u16", max_entries=2)
        self.assertEqual(dict(self.open(fd=array.fileno())), {0: b"\0\0", 1: b"\0\0"})

    def test_sizes_that_do_not_fit(self):
        before = descriptors()
        for specs in ({"key": "u64"}, {"value": "u32"}, {"value": 7}):
            with self.assertRaisesRegex(ValueError, "bytes, not"):
                bpfmap.open(fd=self.m.fileno(), **specs)
        queue = self.create("queue", value="u32")
        with self.assertRaises(ValueError):
            bpfmap.open(fd=queue.fileno(), key="u32")
        queue.close()
        self.assertEqual(descriptors(), before)

    def test_all_types_by_descriptor(self):
        inner = self.create("array", value="u32", max_entries=1)
        for kind, specs, cls in (
            ("lpm_trie", {"key": 8, "value": 4}, bpfmap.Map),
            ("percpu_array", {"value": 4}, bpfmap.PerCpuMap),
            ("hash_of_maps", {"key": 4, "inner": inner}, bpfmap.MapOfMaps),
            ("stack", {"value": 4}, bpfmap.Queue),
            ("bloom_filter", {"value": 4}, bpfmap.BloomFilter),
            ("ringbuf", {"max_entries": 4096}, bpfmap.RingBuffer),
            ("user_ringbuf", {"max_entries": 4096}, bpfmap.UserRingBuffer),
        ):
            with self.subTest(kind):
                m = self.create(kind, **specs)
                self.assertIsInstance(m, cls)
                self.assertIsInstance(self.open(fd=m.fileno()), cls)

    def test_inner_types(self):
        inner = self.create("array", value="u32", max_entries=1)
        outer = self.create("array_of_maps", max_entries=1, inner=inner)
        outer[0] = inner
        found = self.open(fd=outer.fileno(), inner=(None, "s32"))
        with found[0] as again:
            again[0] = -1
        self.assertEqual(inner[0], (1 << 32) - 1)


class LifeTest(MapTest):
    def make(self):
        return bpfmap.create("hash", "u32", "u64", 8)

    def test_close(self):
        m = self.make()
        self.assertEqual(len(descriptors()), 1)
        m.close()
        m.close()
        self.assertTrue(m.closed)
        self.assertEqual(descriptors(), set())
        self.assertIn("closed", repr(m))
        for what in (lambda: m[1], lambda: len(m), m.fileno, m.freeze, m.__enter__,
                     lambda: list(m), lambda: m.update({1: 1}), lambda: m.frozen):
            with self.assertRaisesRegex(ValueError, "closed"):
                what()

    def test_with(self):
        with self.assertRaises(ZeroDivisionError):
            with self.make() as m:
                m[1 // 0] = 1
        self.assertTrue(m.closed)
        self.assertEqual(descriptors(), set())

    def test_forgotten(self):
        gc.disable()
        self.addCleanup(gc.enable)
        for kind in ("hash", "ringbuf", "user_ringbuf"):
            if kind == "hash":
                m = self.make()
                list(m.items())
            else:
                m = bpfmap.create(kind, max_entries=4096)
                if kind == "ringbuf":
                    m.consume(print)
            del m
            self.assertEqual(descriptors(), set(), kind)

    def test_errors_hold_no_descriptor(self):
        m = self.make()
        try:
            m[-1]
        except ValueError as error:
            kept = error
        m.freeze()
        try:
            m[1] = 1
        except OSError as error:
            kept = error
            m.close()
            self.assertEqual(descriptors(), set())
        self.assertTrue(traceback.format_exception(kept))

    def test_a_number_is_closed_once(self):
        m = self.make()
        fd = m.fileno()
        with open("/dev/null") as other:
            m.close()
            # It gets the number, which must not be closed again
            self.assertEqual(os.dup2(other.fileno(), fd), fd)
        m.close()
        del m
        gc.collect()
        os.fstat(fd)
        os.close(fd)

    def test_fork(self):
        m = self.make()
        m[1] = 10
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            status = 1
            try:
                m[2] = m[1] + 10
                m.close()
                m.close()
                status = len(descriptors())
            finally:
                os._exit(status)
        os.close(write)
        os.close(read)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        self.assertEqual(m[2], 20)
        m.close()

    def test_iteration_of_what_is_closed(self):
        m = self.make()
        m.batch_size = 1
        m.update({1: 1, 2: 2, 3: 3})
        items = iter(m.items())
        next(items)
        m.close()
        self.assertEqual(descriptors(), set())
        with self.assertRaisesRegex(ValueError, "closed"):
            list(items)

    def test_closed_while_a_thread_waits(self):
        q = bpfmap.create("queue", value="u32", max_entries=1)
        other = bpfmap.open(fd=q.fileno(), value="u32")
        got = []
        thread = threading.Thread(target=lambda: got.append(q.pop_wait(20)))
        thread.start()
        time.sleep(0.1)
        q.close()
        # The thread still has it: no other file has its number
        self.assertEqual(len(descriptors()), 2)
        other.push(5)
        thread.join()
        self.assertEqual(got, [5])
        other.close()

    def test_threads(self):
        m = self.create("hash", "u32", "u64", 1000)
        errors = []

        def work(first):
            try:
                for i in range(first, first + 100):
                    m[i] = i
                    assert m[i] == i
                    if i % 25 == 0:
                        assert all(k == v for k, v in m.items())
                for i in range(first, first + 100):
                    assert m.pop(i) == i
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(i * 100,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertEqual(len(m), 0)

    def test_waiting_lets_others_run(self):
        q = self.create("queue", value="u32", max_entries=1)
        got = []
        thread = threading.Thread(target=lambda: got.append(q.pop_wait(20)))
        thread.start()
        began = time.monotonic()
        # The other thread waits in the kernel all the while
        time.sleep(0.1)
        self.assertEqual(got, [])
        q.push(1)
        thread.join()
        self.assertEqual(got, [1])
        self.assertLess(time.monotonic() - began, 10)
