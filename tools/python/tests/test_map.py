# SPDX-License-Identifier: GPL-2.0-only
"""Maps with keys: the mapping protocol."""

import ctypes
import errno
import random
from collections.abc import MutableMapping
from ipaddress import IPv4Address

import bpfmap
from bpfmap import CreateFlag, MapType
from common import MapTest

ENOTSUPP = 524
HASHES = ("hash", "lru_hash", "rhash")


class MappingTest(MapTest):
    def test_it_is_a_mapping(self):
        m = self.create("hash", "u32", "u64")
        self.assertIsInstance(m, MutableMapping)
        self.assertIsInstance(m, bpfmap.Map)

    def test_items(self):
        for kind in HASHES:
            with self.subTest(kind):
                m = self.create(kind, "u32", "u64")
                m[1] = 10
                m[2] = 20
                m[1] = 11
                self.assertEqual(m[1], 11)
                self.assertIn(2, m)
                self.assertNotIn(3, m)
                self.assertEqual(len(m), 2)
                self.assertEqual(sorted(m), [1, 2])
                self.assertEqual(dict(m), {1: 11, 2: 20})
                self.assertEqual(m, {1: 11, 2: 20})
                self.assertNotEqual(m, {1: 11})
                self.assertEqual(sorted(m.keys()), [1, 2])
                self.assertEqual(sorted(m.values()), [11, 20])
                self.assertEqual(sorted(m.items()), [(1, 11), (2, 20)])
                del m[1]
                self.assertEqual(dict(m), {2: 20})

    def test_absent_keys(self):
        m = self.create("hash", "u32", "u64")
        for what in (lambda: m[5], lambda: m.pop(5), lambda: m.replace(5, 1),
                     lambda: m.__delitem__(5)):
            with self.assertRaises(KeyError) as caught:
                what()
            self.assertEqual(caught.exception.args, (5,))
        self.assertIsNone(m.get(5))
        self.assertEqual(m.get(5, 7), 7)
        self.assertEqual(m.pop(5, 7), 7)
        self.assertIsNone(m.pop(5, None))
        with self.assertRaises(KeyError):
            m.popitem()

    def test_insert_and_replace(self):
        m = self.create("hash", "u32", "u64")
        m.insert(1, 10)
        with self.assertRaises(FileExistsError):
            m.insert(1, 11)
        self.assertEqual(m[1], 10)
        m.replace(1, 12)
        self.assertEqual(m.setdefault(1, 13), 12)
        self.assertEqual(m.setdefault(2, 13), 13)
        self.assertEqual(dict(m), {1: 12, 2: 13})

    def test_pop(self):
        for kind in HASHES:
            m = self.create(kind, "u32", "u64")
            m.update({1: 10, 2: 20, 3: 30})
            self.assertEqual(m.pop(2), 20)
            popped = dict([m.popitem(), m.popitem()])
            self.assertEqual(popped, {1: 10, 3: 30})
            self.assertFalse(m)

    def test_update(self):
        m = self.create("hash", "str8", "u64")
        m.update({"a": 1})
        m.update([("b", 2), ("c", 3)])
        m.update(d=4)
        m.update({"a": 5}, e=6)
        other = self.create("hash", "str8", "u64")
        other["f"] = 7
        m.update(other)
        self.assertEqual(m, {"a": 5, "b": 2, "c": 3, "d": 4, "e": 6, "f": 7})

        class Keyed:
            def keys(self):
                return ["g"]

            def __getitem__(self, key):
                return 8

        m.update(Keyed())
        self.assertEqual(m["g"], 8)
        m.update()
        self.assertEqual(len(m), 7)

    def test_get_many(self):
        for kind in (*HASHES, "array"):
            with self.subTest(kind):
                m = self.create(kind, "u32", "u64", max_entries=2000)
                m.update((i, i * 3) for i in range(1000))
                # [many.result]: absent keys, keys twice, more than one batch
                keys = [5, 7, 5000, 5, *range(990, 1000), *range(3000)]
                absent = 0 if kind == "array" else None
                want = [
                    k * 3 if k < 1000 else absent if k < 2000 else None for k in keys
                ]
                self.assertEqual(m.get_many(keys), want)
                self.assertEqual(m.get_many([]), [])

    def test_update_of_too_many(self):
        m = self.create("hash", "u32", "u32", 10)
        with self.fails(errno.E2BIG):
            m.update((i, i) for i in range(11))
        self.assertEqual(len(m), 10)
        with self.fails(errno.E2BIG):
            m[99] = 1

    def test_clear(self):
        for kind in HASHES:
            m = self.create(kind, "u32", "u64", 5000)
            m.update((i, i) for i in range(3000))
            self.assertTrue(m)
            m.clear()
            self.assertEqual(len(m), 0)
            self.assertFalse(m)
            m.clear()

    def test_views(self):
        m = self.create("hash", "u32", "u32")
        m.update({1: 10, 2: 20})
        self.assertEqual(m.keys() & {2, 3}, {2})
        self.assertIn((1, 10), m.items())
        self.assertNotIn((1, 11), m.items())
        self.assertIn(20, m.values())
        self.assertNotIn(21, m.values())
        self.assertEqual(len(m.values()), 2)

    def test_batches_of_all_sizes(self):
        m = self.create("hash", "u32", "u64", 4000)
        content = {i: i * i for i in range(3000)}
        m.update(content)
        # From less than a bucket may hold to more than there is, and without
        for size in (1, 7, 1000, 5000, 0):
            with self.subTest(size):
                m.batch_size = size
                self.assertEqual(dict(m.items()), content)
                self.assertEqual(len(m), 3000)
        m.batch_size = 0
        m.clear()
        m.update(content)
        self.assertEqual(len(m), 3000)

    def test_short_keys(self):
        # The kernel's cursor is larger than the key
        m = self.create("hash", "u8", "u8", 256)
        m.batch_size = 3
        m.update((i, 255 - i) for i in range(256))
        self.assertEqual(dict(m), {i: 255 - i for i in range(256)})

    def test_large_values(self):
        m = self.create("hash", "u32", 100000, 40)
        m.update((i, bytes([i]) * 100000) for i in range(40))
        found = {key: value[:1] * (len(set(value)) == 1) for key, value in m.items()}
        self.assertEqual(found, {i: bytes([i]) for i in range(40)})

    def test_deleting_while_iterating(self):
        for kind in (*HASHES, "lpm_trie"):
            for size in (0, 5, 1024):
                with self.subTest(f"{kind} {size}"):
                    key = ">IB" if kind == "lpm_trie" else "u32"
                    m = self.create(kind, 5 if key == ">IB" else key, "u32", 300)
                    m.batch_size = size
                    keys = [bytes((8, 0, 0, 0, i)) if key == ">IB" else i
                            for i in range(200)]
                    m.update((k, 1) for k in keys)
                    seen = []
                    for k in m:
                        seen.append(k)
                        del m[k]
                    self.assertEqual(sorted(seen), keys)
                    self.assertFalse(m)

    def test_deleting_what_iteration_goes_on_from(self):
        m = self.create("lpm_trie", 5, "u32")
        keys = [bytes((8, 0, 0, 0, i)) for i in range(3)]
        m.update((k, i) for i, k in enumerate(keys))
        m.batch_size = 2
        seen = []
        for k, i in m.items():
            seen.append(i)
            if i == 1:
                del m[k]
        self.assertEqual(seen, [0, 1, 2])
        self.assertEqual(m.restarts, 0)
        for kind, size in (("hash", 2), ("lru_hash", 2), ("rhash", 2), ("hash", 0),
                           ("rhash", 0), ("lpm_trie", 0)):
            with self.subTest(f"{kind} {size}"):
                m = self.create(kind, 5 if kind == "lpm_trie" else "u32", "u32")
                keys = [bytes((8, 0, 0, 0, i)) if kind == "lpm_trie" else i
                        for i in range(6)]
                m.update((k, 1) for k in keys)
                m.batch_size = 0
                order = list(m)
                m.batch_size = size
                seen = []
                for k in m:
                    if not seen:
                        del m[order[1]]
                        if size:
                            del m[order[2]]
                    seen.append(k)
                twice = len(seen) - len(set(seen))
                self.assertEqual(bool(twice), bool(m.restarts), seen)
                self.assertEqual(bool(twice), kind == "rhash" or not size, seen)
                self.assertGreaterEqual(set(seen), set(m))

    def test_typed(self):
        class Stats(ctypes.Structure):
            _fields_ = [("packets", ctypes.c_uint64), ("bytes", ctypes.c_uint64)]

        m = self.create("hash", IPv4Address, Stats)
        m["192.0.2.1"] = Stats(1, 100)
        self.assertEqual(m[IPv4Address("192.0.2.1")].bytes, 100)
        self.assertEqual(list(m), [IPv4Address("192.0.2.1")])
        m = self.create("hash", "<HI", "d")
        m[1, 2] = 0.5
        self.assertEqual(list(m.items()), [((1, 2), 0.5)])

    def test_bad_keys_and_values_change_nothing(self):
        m = self.create("hash", "u32", "u8")
        m[1] = 1
        for key, value, error in ((-1, 1, ValueError), ("x", 1, TypeError),
                                  (1, 256, ValueError), (1, None, TypeError)):
            with self.assertRaises(error):
                m[key] = value
            with self.assertRaises(error):
                m.update([(key, value)])
        self.assertEqual(dict(m), {1: 1})
        with self.assertRaises(ValueError):
            1 << 32 in m

    def test_as_a_dict(self):
        """Random operations on a map and on a dict."""
        for kind in ("hash", "rhash"):
            rand = random.Random(1)
            m, d = self.create(kind, "u16", "s32", 70), {}
            for _ in range(1500):
                key, value = rand.randrange(64), rand.randrange(-9, 9)
                what = rand.randrange(7)
                if what == 0:
                    self.assertEqual(m.pop(key, None), d.pop(key, None))
                elif what == 1:
                    self.assertEqual(m.setdefault(key, value), d.setdefault(key, value))
                elif what == 2:
                    self.assertEqual(m.get(key), d.get(key))
                elif what == 3 and key in d:
                    del m[key], d[key]
                elif what == 4 and value == 8:
                    m.clear()
                    d.clear()
                else:
                    m[key] = d[key] = value
                self.assertEqual(key in m, key in d)
            self.assertEqual(m, d)
            self.assertEqual(len(m), len(d))

    def test_views_are_live(self):
        m = self.create("hash", "u32", "u32")
        keys = m.keys()
        self.assertEqual(list(keys), [])
        m[1] = 1
        self.assertEqual(list(keys), [1])

    def test_lru(self):
        m = self.create("lru_hash", "u32", "u32", 100)
        m.update((i, i) for i in range(1000))
        self.assertLessEqual(len(m), 100)
        self.assertIn(999, m)


class ArrayTest(MapTest):
    def test_array(self):
        m = self.create("array", value="u64", max_entries=10)
        self.assertEqual(len(m), 10)
        self.assertEqual(dict(m), {i: 0 for i in range(10)})
        m[3] = 30
        self.assertEqual(m[3], 30)
        m.update({0: 1, 9: 2})
        self.assertEqual(list(m.values()), [1, 0, 0, 30, 0, 0, 0, 0, 0, 2])
        self.assertEqual(list(m), list(range(10)))
        with self.assertRaises(KeyError):
            m[10]
        self.assertNotIn(10, m)
        with self.fails(errno.E2BIG):
            m[10] = 1

    def test_nothing_leaves_an_array(self):
        m = self.create("array", value="u64", max_entries=4)
        for number, what in ((errno.EINVAL, lambda: m.__delitem__(0)),
                             (ENOTSUPP, lambda: m.pop(0)), (errno.EINVAL, m.clear)):
            with self.fails(number):
                what()

    def test_mmap(self):
        m = self.create("array", value=3, max_entries=1000, flags=CreateFlag.MMAPABLE)
        with m.mmap() as memory:
            self.assertEqual(len(memory), 8192)
            memory[8:11] = b"abc"
            self.assertEqual(m[1], b"abc")
            m[2] = b"def"
            self.assertEqual(memory[16:19], b"def")
        with m.mmap(writable=False) as memory:
            self.assertEqual(memory[8:11], b"abc")
            with self.assertRaises(TypeError):
                memory[0] = 1

    def test_arena(self):
        m = self.create("arena", max_entries=2, flags=CreateFlag.MMAPABLE)
        with m.mmap() as memory:
            memory[4096] = 7
            self.assertEqual((memory[4096], len(memory)), (7, 8192))

    def test_sha256(self):
        import hashlib

        m = self.create("array", value=8, max_entries=3)
        m[1] = b"abcdefgh"
        with self.fails(errno.EPERM):
            m.sha256()
        m.freeze()
        content = bytes(8) + b"abcdefgh" + bytes(8)
        self.assertEqual(m.sha256(), hashlib.sha256(content).digest())


class CreateTest(MapTest):
    def test_info(self):
        m = self.create("hash", "u32", "u64", 77, name="info_of", flags=1)
        info = m.info
        self.assertEqual(
            (info.type, info.key_size, info.value_size, info.max_entries, info.flags,
             info.name),
            (MapType.HASH, 4, 8, 77, CreateFlag.NO_PREALLOC, "info_of"))
        self.assertGreater(info.id, 0)
        self.assertGreater(m.memory, 0)
        self.assertIn("HASH 'info_of'", repr(m))

    def test_kinds(self):
        for kind in ("lru_hash", "LRU_HASH", MapType.LRU_HASH, 9):
            self.assertEqual(self.create(kind, "u32", "u32").info.type, MapType.LRU_HASH)
        for kind in ("hsah", 3, ""):
            with self.assertRaises(ValueError):
                bpfmap.create(kind, "u32", "u32", 1)

    def test_bad_descriptions(self):
        for arguments in (("hash",), ("hash", "u32"), ("hash", None, "u32", 1),
                          ("queue", "u32", "u32", 1), ("ringbuf", "u32", None, 4096),
                          ("hash", "u32", "u32", -1), ("hash", "u32", "u32", 1 << 32),
                          ("array_of_maps", "u32", "u32", 1),
                          ("array_of_maps", "u32", None, 1)):
            with self.assertRaises(ValueError, msg=arguments):
                bpfmap.create(*arguments)
        with self.assertRaises(ValueError):
            bpfmap.create("hash", "u32", "u32", 1, name="a name of 16 chars")
        for more in ({"flags": 1 << 32}, {"extra": 1 << 64}, {"numa_node": -1}):
            with self.assertRaisesRegex(ValueError, "-bit integer"):
                bpfmap.create("hash", "u32", "u32", 1, **more)
        with self.assertRaises(TypeError):
            bpfmap.create("hash", "u32", "u32", 1, colour="red")

    def test_codecs_that_keep_no_promise(self):
        class Bad(bpfmap.Codec[bytes]):
            size = 4

            def encode(self, value):
                return value

            def decode(self, data):
                return data

        m = self.create("hash", Bad(), Bad())
        m[b"abcd"] = b"efgh"
        # The kernel would read what lies behind them, or at 4096
        for bad in (b"abc", b"abcde", 4096, bytearray(b"abcd"), None):
            for what in (lambda: m[bad], lambda: m.__setitem__(b"abcd", bad),
                         lambda: m.update({b"abcd": bad}), lambda: m.pop(bad)):
                with self.assertRaisesRegex(ValueError, "makes no 4 bytes"):
                    what()
        self.assertEqual(m, {b"abcd": b"efgh"})

    def test_refused(self):
        with self.fails(errno.EINVAL):
            bpfmap.create("hash", "u32", "u32", 0)
        with self.fails(errno.EINVAL):
            bpfmap.create("hash", "u32", "u32", 1, name="a b")
        with self.fails(errno.EINVAL):
            bpfmap.create("array", "u64", "u32", 1)
        with self.fails(errno.E2BIG):
            bpfmap.create("hash", "u32", 1 << 22, 1)

    def test_freeze(self):
        m = self.create("hash", "u32", "u32")
        m[1] = 1
        self.assertFalse(m.frozen)
        m.freeze()
        self.assertTrue(m.frozen)
        for what in (lambda: m.__setitem__(1, 2), lambda: m.__delitem__(1), m.clear,
                     lambda: m.update({1: 2}), lambda: m.pop(1), m.freeze):
            with self.fails(errno.EPERM):
                what()
        self.assertEqual(dict(m), {1: 1})

    def test_read_only_and_write_only(self):
        m = self.create("hash", "u32", "u32", flags=CreateFlag.RDONLY)
        self.assertNotIn(1, m)
        with self.fails(errno.EPERM):
            m[1] = 1
        m = self.create("hash", "u32", "u32", flags=CreateFlag.WRONLY)
        m[1] = 1
        with self.fails(errno.EPERM):
            m[1]
        with self.fails(errno.EPERM):
            list(m)
