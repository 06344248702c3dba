# SPDX-License-Identifier: GPL-2.0-only
"""Per-CPU maps, tries, maps of maps, queues, stacks and Bloom filters."""

import errno
import select
import signal
import threading
import time
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

import bpfmap
from bpfmap import _types
from common import MapTest


class PerCpuTest(MapTest):
    def setUp(self):
        super().setUp()
        self.cpus = bpfmap.possible_cpus()

    def test_lists(self):
        for kind in ("percpu_hash", "lru_percpu_hash", "percpu_array"):
            with self.subTest(kind):
                m = self.create(kind, "u32", "u32", 10)
                self.assertIsInstance(m, bpfmap.PerCpuMap)
                values = [i + 100 for i in range(self.cpus)]
                m[1] = values
                self.assertEqual(m[1], values)
                m.update({2: values[::-1]})
                found = {key: value for key, value in m.items() if any(value)}
                self.assertEqual(found, {1: values, 2: values[::-1]})

    def test_one_cpu(self):
        m = self.create("percpu_hash", "u32", "s16")
        m.set_all(1, -5)
        self.assertEqual(m[1], [-5] * self.cpus)
        m.set_cpu(1, self.cpus - 1, 7)
        self.assertEqual(m.get_cpu(1, self.cpus - 1), 7)
        self.assertEqual(m[1], [-5] * (self.cpus - 1) + [7])
        m.set_cpu(2, 0, 9)
        self.assertEqual(m[2], [9] + [0] * (self.cpus - 1))
        with self.fails(errno.ERANGE):
            m.get_cpu(1, 100000)
        with self.assertRaises(KeyError):
            m.get_cpu(3, 0)
        for cpu in (-1, 1 << 32):
            with self.assertRaises(ValueError):
                m.get_cpu(1, cpu)
            with self.assertRaises(ValueError):
                m.set_cpu(1, cpu, 0)

    def test_wrong_lists(self):
        m = self.create("percpu_hash", "u32", "u32")
        for value in ([1] * (self.cpus + 1), []):
            with self.assertRaises(ValueError):
                m[1] = value
        for value in (1, None):
            with self.assertRaises(TypeError):
                m[1] = value
        self.assertFalse(m)

    def test_pop(self):
        m = self.create("percpu_hash", "u32", "u64")
        m.set_all(1, 3)
        self.assertEqual(m.pop(1), [3] * self.cpus)
        m.set_all(1, 3)
        m.clear()
        self.assertEqual(len(m), 0)


class TrieTest(MapTest):
    def test_routes(self):
        m = self.create("lpm_trie", IPv4Network, "str8", 16)
        m[ip_network("10.0.0.0/8")] = "ten"
        m["10.1.0.0/16"] = "ten-one"
        m["0.0.0.0/0"] = "default"
        self.assertEqual(m[IPv4Address("10.1.2.3")], "ten-one")
        self.assertEqual(m["10.2.3.4"], "ten")
        self.assertEqual(m["192.0.2.1"], "default")
        self.assertEqual(m["10.0.0.0/9"], "ten")
        self.assertEqual(sorted(map(str, m)), ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16"])
        del m["0.0.0.0/0"]
        with self.assertRaises(KeyError):
            m["192.0.2.1"]
        self.assertEqual(len(m), 2)

    def test_pop_is_exact(self):
        m = self.create("lpm_trie", IPv4Network, "u32", 16)
        m["10.0.0.0/8"] = 8
        with self.assertRaises(KeyError):
            m.pop("10.1.0.0/16")
        self.assertEqual(m.pop("10.0.0.0/8"), 8)
        self.assertEqual(len(m), 0)

    def test_many(self):
        m = self.create("lpm_trie", IPv6Network, "u32", 2000)
        m.update((IPv6Network((i << 112, 16)), i) for i in range(1500))
        self.assertEqual(len(m), 1500)
        self.assertEqual(sorted(m.values()), list(range(1500)))
        self.assertEqual(m["5::1"], 5)
        m.clear()
        self.assertFalse(m)

    def test_full(self):
        m = self.create("lpm_trie", IPv4Network, "u32", 1)
        m["10.0.0.0/8"] = 1
        with self.fails(errno.ENOSPC):
            m["11.0.0.0/8"] = 1


class OuterTest(MapTest):
    def test_maps_of_maps(self):
        for kind in ("array_of_maps", "hash_of_maps"):
            with self.subTest(kind):
                inner = self.create("hash", "u32", "str8", 8)
                outer = self.create(kind, "u32", max_entries=4, inner=inner)
                self.assertIsInstance(outer, bpfmap.MapOfMaps)
                self.assertFalse(outer)
                self.assertEqual(len(outer), 0)
                inner[7] = "seven"
                outer[1] = inner
                with outer[1] as found:
                    self.assertEqual(found.info.id, inner.info.id)
                    self.assertEqual(found[7], "seven")
                    found[8] = "eight"
                self.assertEqual(inner[8], "eight")
                self.assertEqual(outer.id(1), inner.info.id)
                self.assertEqual(list(outer.ids()), [(1, inner.info.id)])
                self.assertTrue(outer)
                self.assertEqual((len(outer), list(outer)), (1, [1]))
                self.assertEqual([(key, dict(value)) for key, value in outer.items()],
                                 [(1, {7: "seven", 8: "eight"})])
                with self.assertRaises(KeyError):
                    outer[2]
                self.assertEqual(outer.setdefault(1, inner).info.id, inner.info.id)
                self.assertIs(outer.setdefault(2, inner), inner)
                self.assertEqual(outer.pop(1).info.id, inner.info.id)
                self.assertNotIn(1, outer)
                self.assertEqual(outer.popitem()[0], 2)
                with self.assertRaises(KeyError):
                    outer.popitem()

    def test_maps_that_only_the_outer_one_holds(self):
        inner = self.create("array", value="u32", max_entries=1)
        outer = self.create("hash_of_maps", "u32", max_entries=100, inner=inner)
        outer.update((i, bpfmap.create("array", None, "u32", 1)) for i in range(50))
        for i, each in outer.items():
            each[0] = i
        self.assertEqual(sorted(each[0] for each in outer.values()), list(range(50)))
        outer.clear()
        self.assertEqual(len(outer), 0)

    def test_what_does_not_fit(self):
        inner = self.create("array", value="u32", max_entries=1)
        outer = self.create("array_of_maps", max_entries=2, inner=inner)
        with self.fails(errno.EINVAL):
            outer[0] = self.create("array", value="u64", max_entries=1)
        for value in (7, None, "x"):
            with self.assertRaises(TypeError):
                outer[0] = value
        with self.assertRaises(TypeError):
            outer.setdefault(0)
        with self.fails(errno.EINVAL):
            self.create("array_of_maps", max_entries=2, inner=outer)


class QueueTest(MapTest):
    def test_order(self):
        for kind, first in (("queue", [1, 2, 3]), ("stack", [3, 2, 1])):
            q = self.create(kind, value="u32", max_entries=3)
            self.assertIsInstance(q, bpfmap.Queue)
            self.assertTrue(q.empty())
            for i in (1, 2, 3):
                q.push(i)
            with self.fails(errno.E2BIG):
                q.push(4)
            self.assertFalse(q.empty())
            self.assertEqual(q.peek(), first[0])
            self.assertEqual([q.pop(), q.pop(), q.pop()], first)
            for what in (q.pop, q.peek):
                with self.assertRaises(IndexError):
                    what()

    def test_overwrite_drain_clear(self):
        q = self.create("queue", value="u32", max_entries=3)
        for i in range(5):
            q.push(i, overwrite=True)
        self.assertEqual(list(q.drain()), [2, 3, 4])
        q.push(1)
        q.clear()
        self.assertTrue(q.empty())

    def test_select(self):
        q = self.create("queue", value="u32", max_entries=3)
        self.assertEqual(select.select([q], [], [], 0)[0], [])
        q.push(1)
        self.assertEqual(select.select([q], [], [], 0)[0], [q])

    def test_waiting(self):
        q = self.create("queue", value="u32", max_entries=3)
        began = time.monotonic()
        with self.assertRaises(TimeoutError):
            q.pop_wait(0.05)
        self.assertGreaterEqual(time.monotonic() - began, 0.05)
        with self.assertRaises(TimeoutError):
            q.pop_wait(0)
        timer = threading.Timer(0.1, q.push, (7,))
        timer.start()
        self.assertEqual(q.pop_wait(), 7)
        timer.join()

    def test_waiting_threads(self):
        q = self.create("queue", value="u32", max_entries=300)
        got = [[] for _ in range(4)]

        def take(mine):
            while (value := q.pop_wait(20)) != 0:
                mine.append(value)

        threads = [threading.Thread(target=take, args=(mine,)) for mine in got]
        for thread in threads:
            thread.start()
        for value in [*range(1, 201), 0, 0, 0, 0]:
            q.push(value)
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(sum(got, [])), list(range(1, 201)))

    def test_signals(self):
        q = self.create("queue", value="u32", max_entries=3)
        seen = []
        old = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
        self.addCleanup(signal.signal, signal.SIGALRM, old)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with self.assertRaises(TimeoutError):
            q.pop_wait(0.2)
        self.assertEqual(seen, [1])

        # Again and again: the first may come before there is a wait to interrupt
        def stop(*_):
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise InterruptedError("enough")

        signal.signal(signal.SIGALRM, stop)
        with self.assertRaisesRegex(InterruptedError, "enough"):
            signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
            q.pop_wait()

    def test_bloom_filter(self):
        b = self.create("bloom_filter", value="u64", max_entries=1000, extra=7)
        self.assertEqual(b.info.extra, 7)
        for i in range(100):
            b.add(i)
        self.assertTrue(all(i in b for i in range(100)))
        perhaps = sum(i in b for i in range(1000, 2000))
        self.assertLess(perhaps, 50)
        with self.assertRaises(ValueError):
            b.add(-1)


class EveryTypeTest(MapTest):
    def specs(self, kind):
        """What an ordinary map of a type is created with."""
        if kind in _types.EMPTY_TYPES:
            return {}
        if kind in _types.KEYLESS_TYPES:
            return {"value": "u64"}
        if kind in _types.OUTER_TYPES:
            return {"key": "u32", "inner": self.create("array", value="u32")}
        return {"key": ">IB" if kind == bpfmap.MapType.LPM_TRIE else "u32",
                "value": "u64"}

    def test_create(self):
        for kind in bpfmap.MapType:
            with self.subTest(kind.name):
                more = self.specs(kind)
                if kind == bpfmap.MapType.ARENA:
                    more["flags"] = bpfmap.CreateFlag.MMAPABLE
                m = self.create(kind.name.lower(), max_entries=4096, **more)
                self.assertEqual(m.info.type, kind)
                self.assertIsInstance(m.info.type, bpfmap.MapType)
