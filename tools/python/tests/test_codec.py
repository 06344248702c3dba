# SPDX-License-Identifier: GPL-2.0-only
"""Keys and values as bytes, without a map."""

import ctypes
import sys
import unittest
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from bpfmap.codec import Bytes, Codec, Int, Text, codec


class Pair(ctypes.Structure):
    _fields_ = [("a", ctypes.c_uint32), ("b", ctypes.c_uint64)]


class CodecTest(unittest.TestCase):
    def round_trip(self, spec, value, data):
        self.assertEqual(codec(spec).size, len(data))
        self.assertEqual(codec(spec).encode(value), data)
        self.assertEqual(codec(spec).decode(data), value)

    def test_integers(self):
        for name, size, signed in (("u8", 1, False), ("s16", 2, True), ("u32", 4, False),
                                   ("s32", 4, True), ("u64", 8, False), ("s64", 8, True)):
            bits = 8 * size
            least = -(1 << bits - 1) if signed else 0
            most = (1 << bits - signed) - 1
            for value in (least, most, 1, 0):
                data = value.to_bytes(size, sys.byteorder, signed=signed)
                self.round_trip(name, value, data)
            for value in (least - 1, most + 1):
                with self.assertRaisesRegex(ValueError, f"{bits}-bit"):
                    codec(name).encode(value)

    def test_byte_orders(self):
        self.round_trip("be16", 0x0102, b"\1\2")
        self.round_trip("be64", 1, bytes(7) + b"\1")
        self.round_trip("le32", 1, b"\1\0\0\0")

    def test_integers_of_any_width(self):
        self.round_trip(Int(3, byteorder="big"), 0x010203, b"\1\2\3")
        self.round_trip(Int(16, True, "little"), -1, b"\xff" * 16)

    def test_no_integers(self):
        for value in (1.0, "1", None, b"1"):
            with self.assertRaises(TypeError):
                codec("u32").encode(value)
        self.assertEqual(codec("u8").encode(True), b"\1")

    def test_bytes(self):
        self.round_trip(3, b"abc", b"abc")
        self.assertEqual(codec(3).encode(bytearray(b"abc")), b"abc")
        for value in (b"ab", b"abcd"):
            with self.assertRaisesRegex(ValueError, "3 bytes expected"):
                codec(3).encode(value)
        for value in ("abc", 3, None):
            with self.assertRaises(TypeError):
                codec(3).encode(value)

    def test_text(self):
        self.round_trip("str4", "abc", b"abc\0")
        self.round_trip("str4", "\u00e4bc", "\u00e4bc".encode())
        self.assertEqual(codec("str4").encode(codec("str4").decode(b"\xff\xfe\0a")),
                         b"\xff\xfe\0\0")
        with self.assertRaisesRegex(ValueError, "more than 4"):
            codec("str4").encode("abcde")
        with self.assertRaisesRegex(ValueError, "NUL"):
            codec("str4").encode("a\0b")
        with self.assertRaises(TypeError):
            codec("str4").encode(b"abc")

    def test_struct(self):
        self.round_trip("<HI", (1, 2), b"\1\0\2\0\0\0")
        self.round_trip(">d", 1.0, b"\x3f\xf0" + bytes(6))
        self.round_trip("4s", b"abcd", b"abcd")
        for value in ((1,), (1, 2, 3), (1, "x"), (1, -1)):
            with self.assertRaises(ValueError):
                codec("<HI").encode(value)
        with self.assertRaises(TypeError):
            codec("<HI").encode(5)

    def test_ctypes(self):
        pair = Pair(1, 2)
        data = codec(Pair).encode(pair)
        self.assertEqual(len(data), 16)
        again = codec(Pair).decode(data)
        self.assertEqual((again.a, again.b), (1, 2))
        again.a = 7
        self.assertEqual(pair.a, 1)
        with self.assertRaises(TypeError):
            codec(Pair).encode((1, 2))
        three = ctypes.c_uint16 * 3
        self.assertEqual(list(codec(three).decode(codec(three).encode(three(1, 2, 3)))),
                         [1, 2, 3])

    def test_simple_ctypes(self):
        self.round_trip(ctypes.c_uint16, 7, (7).to_bytes(2, sys.byteorder))
        self.round_trip(ctypes.c_bool, True, b"\1")
        self.assertEqual(codec(ctypes.c_double).decode(codec(ctypes.c_double).encode(0.5)), 0.5)
        for value in (-1, 65536):
            with self.assertRaises(ValueError):
                codec(ctypes.c_uint16).encode(value)
        for kind in (ctypes.c_char_p, ctypes.py_object):
            with self.assertRaisesRegex(TypeError, "pointer"):
                codec(kind)

    def test_addresses(self):
        self.round_trip(IPv4Address, IPv4Address("192.0.2.1"), bytes([192, 0, 2, 1]))
        self.round_trip(IPv6Address, IPv6Address("::1"), bytes(15) + b"\1")
        self.assertEqual(codec(IPv4Address).encode("192.0.2.1"), bytes([192, 0, 2, 1]))
        with self.assertRaises(ValueError):
            codec(IPv4Address).encode("192.0.2")

    def test_prefixes(self):
        length = (8).to_bytes(4, sys.byteorder)
        self.round_trip(IPv4Network, IPv4Network("10.0.0.0/8"), length + b"\x0a\0\0\0")
        self.round_trip(IPv6Network, IPv6Network("fd00::/8"), length + b"\xfd" + bytes(15))
        host = (32).to_bytes(4, sys.byteorder) + b"\x0a\1\2\3"
        for value in (IPv4Address("10.1.2.3"), "10.1.2.3", "10.1.2.3/32"):
            self.assertEqual(codec(IPv4Network).encode(value), host)
        # Bits behind the prefix that another program stored do no harm
        self.assertEqual(codec(IPv4Network).decode(length + b"\x0a\1\2\3"),
                         IPv4Network("10.0.0.0/8"))
        with self.assertRaises(ValueError):
            codec(IPv4Network).encode("10.1.2.3/8")
        with self.assertRaises(ValueError):
            codec(IPv4Network).encode(IPv6Network("fd00::/8"))

    def test_codecs_of_others(self):
        class Hex(Codec[str]):
            size = 2

            def encode(self, value):
                return bytes.fromhex(value)

            def decode(self, data):
                return data.hex()

        self.round_trip(Hex(), "0aff", b"\x0a\xff")

    def test_no_types(self):
        for spec in ("u7", "hello", "", "u32 "):
            if spec == "":
                self.assertEqual(codec(spec).size, 0)
                continue
            with self.assertRaises(ValueError):
                codec(spec)
        for spec in (None, 1.5, str, bool, object(), True):
            with self.assertRaises(TypeError):
                codec(spec)
        for make in (lambda: Bytes(-1), lambda: Int(0), lambda: Text(0)):
            with self.assertRaises(ValueError):
                make()
