# SPDX-License-Identifier: GPL-2.0-only
"""Views, and a reader written from the document against the library: [view.read]."""

import errno
import random
from collections.abc import Mapping

import bpfmap
from bpfmap import CreateFlag
from common import MapTest
from view_reader import Reader

#: type, bytes of a key and of a value, flags besides VIEW: [view.header]
SHAPES = [
    *(("hash", key, 8, 0) for key in (1, 2, 3, 4, 5, 7, 8, 9, 16, 23, 70)),
    *(("hash", 8, value, 0) for value in (1, 12, 600, 70000)),
    ("hash", 8, 8, CreateFlag.NO_PREALLOC),
    ("lru_hash", 8, 24, 0),
    ("array", 4, 12, 0),
]


class ViewTest(MapTest):
    def make(self, kind, key, value, flags=0):
        return self.create(kind, key, value, flags=CreateFlag.VIEW | flags)

    def test_it_is_a_mapping(self):
        m = self.make("hash", "u32", "u64")
        with m.view() as view:
            self.assertIsInstance(view, Mapping)
            self.assertEqual(dict(view), {})
            m[1] = 10
            m[2] = 20
            self.assertEqual((view[1], view.get(3), 2 in view, 3 in view),
                             (10, None, True, False))
            self.assertEqual(dict(view), {1: 10, 2: 20})
            self.assertEqual(view.snapshot(), {1: 10, 2: 20})
            self.assertEqual(len(view), 2)
            self.assertEqual(view, m)
            self.assertEqual(view.get_many([2, 3, 1]), [20, None, 10])
            self.assertEqual(view.get_many([]), [])
            with self.assertRaises(KeyError):
                view[3]
            with self.assertRaises(TypeError):
                view[1] = 5
            del m[1]
            self.assertNotIn(1, view)
        with self.assertRaises(ValueError):
            view[2]
        view.close()

    def test_it_outlives_the_map(self):
        m = self.make("hash", "u32", "u64")
        m[1] = 10
        with m.view() as view:
            m.close()
            self.assertEqual(view[1], 10)

    def test_without_one(self):
        with self.fails(524):
            self.create("hash", "u32", "u64").view()
        with self.fails(errno.EINVAL):
            self.create("array", "u32", "u64", flags=CreateFlag.MMAPABLE).view()

    def test_a_reader_from_the_document(self):
        rng = random.Random(1)
        for kind, key_size, value_size, flags in SHAPES:
            with self.subTest(kind=kind, key=key_size, value=value_size):
                m = self.make(kind, key_size, value_size, flags)
                reader = Reader(m.fileno())
                keys = [rng.randbytes(key_size) for _ in range(100)]
                if kind == "array":
                    keys = [i.to_bytes(4, "little") for i in range(80)]
                with m.view() as view:
                    for _ in range(400):
                        self.change(rng, m, rng.choice(keys), value_size)
                        key = rng.choice(keys)
                        self.assertEqual(reader.get(key), view.get(key))
                    for key in keys:
                        self.assertEqual(reader.get(key), m.get(key))
                        self.assertEqual(reader.get(key), view.get(key))

    def change(self, rng, m, key, size):
        try:
            if rng.random() < 0.7:
                m[key] = rng.randbytes(size)
            else:
                m.pop(key, None)
        except OSError as error:  # full; an array has no such element, or all
            if error.errno not in (errno.E2BIG, errno.EINVAL, 524):
                raise
