# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Between Python's objects and the bytes of keys and values.

Where a key or a value is to be described, one of these will do:

========================  =====================================================
``16``                    that many bytes, as ``bytes``
``"u32"``                 an integer: u8 u16 u32 u64 s8 s16 s32 s64, as the
                          machine has it; be16 be32 be64, le16 le32 le64
``"str16"``               text of up to 16 bytes of UTF-8, filled up with NULs
``"<IQ"``                 a format of :mod:`struct`: a tuple, or the item if
                          there is but one; without a prefix it is native
``a ctypes type``         a structure, union or array, as an object that is its
                          own; simple types as their values
``IPv4Address``           of :mod:`ipaddress`, 4 bytes; IPv6Address, 16 bytes
``IPv4Network``           key of an LPM_TRIE: a prefix's length and address;
                          IPv6Network
``a Codec``               one of these, or one of your own
========================  =====================================================
"""

import ctypes
import ipaddress
import re
import struct
import sys
from abc import ABC, abstractmethod
from typing import Any, Generic, Literal, TypeAlias, TypeVar

T = TypeVar("T")
C = TypeVar("C", bound=ctypes.Structure | ctypes.Union | ctypes.Array[Any])
A = TypeVar("A", ipaddress.IPv4Address, ipaddress.IPv6Address)
N = TypeVar("N", ipaddress.IPv4Network, ipaddress.IPv6Network)


class Codec(ABC, Generic[T]):
    """How objects of a type are kept in bytes."""

    size: int  #: bytes

    @abstractmethod
    def encode(self, value: T) -> bytes:
        """The ``size`` bytes of a value; TypeError or ValueError if it is none."""

    @abstractmethod
    def decode(self, data: bytes) -> T:
        """The value of ``size`` bytes."""


class Bytes(Codec[bytes]):
    """Bytes as they are, neither more nor fewer."""

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError(f"{size} bytes")
        self.size = size

    def encode(self, value: bytes) -> bytes:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise TypeError(f"bytes expected, not {type(value).__name__}")
        data = bytes(value)
        if len(data) != self.size:
            raise ValueError(f"{self.size} bytes expected, not {len(data)}")
        return data

    def decode(self, data: bytes) -> bytes:
        return data


class Int(Codec[int]):
    """An integer of a width."""

    def __init__(
        self,
        size: int,
        signed: bool = False,
        byteorder: Literal["little", "big"] = sys.byteorder,
    ) -> None:
        if size < 1:
            raise ValueError(f"an integer of {size} bytes")
        self.size = size
        self.signed = signed
        self.byteorder: Literal["little", "big"] = byteorder

    def encode(self, value: int) -> bytes:
        if not hasattr(value, "__index__"):
            raise TypeError(f"an integer expected, not {type(value).__name__}")
        try:
            return value.__index__().to_bytes(
                self.size, self.byteorder, signed=self.signed
            )
        except OverflowError:
            kind = "signed" if self.signed else "unsigned"
            raise ValueError(f"{value} is no {kind} {8 * self.size}-bit integer") from None

    def decode(self, data: bytes) -> int:
        return int.from_bytes(data, self.byteorder, signed=self.signed)


class Text(Codec[str]):
    """Text as UTF-8 that is filled up with NULs."""

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"text of {size} bytes")
        self.size = size

    def encode(self, value: str) -> bytes:
        if not isinstance(value, str):
            raise TypeError(f"text expected, not {type(value).__name__}")
        data = value.encode(errors="surrogateescape")
        if len(data) > self.size:
            raise ValueError(f"{value!r} has more than {self.size} bytes")
        if b"\0" in data:
            raise ValueError(f"{value!r} has a NUL in it")
        return data.ljust(self.size, b"\0")

    def decode(self, data: bytes) -> str:
        return data.split(b"\0", 1)[0].decode(errors="surrogateescape")


class Struct(Codec[Any]):
    """A format of :mod:`struct`: a tuple, or the item if there is just one."""

    def __init__(self, format: str) -> None:
        self._struct = struct.Struct(format)
        self.size = self._struct.size
        self._single = len(self._struct.unpack(bytes(self.size))) == 1

    def encode(self, value: Any) -> bytes:
        items = (value,) if self._single else value
        if not isinstance(items, (tuple, list)):
            raise TypeError(f"a tuple expected, not {type(value).__name__}")
        try:
            return self._struct.pack(*items)
        except struct.error as error:
            raise ValueError(f"{value!r}: {error}") from None

    def decode(self, data: bytes) -> Any:
        items = self._struct.unpack(data)
        return items[0] if self._single else items


class Object(Codec[C]):
    """A structure, union or array of ctypes."""

    def __init__(self, kind: type[C]) -> None:
        self.kind = kind
        self.size = ctypes.sizeof(kind)

    def encode(self, value: C) -> bytes:
        if not isinstance(value, self.kind):
            raise TypeError(
                f"a {self.kind.__name__} expected, not {type(value).__name__}"
            )
        return bytes(value)

    def decode(self, data: bytes) -> C:
        kind: Any = self.kind
        found: C = kind.from_buffer_copy(data)
        return found


class Simple(Codec[Any]):
    """A simple type of ctypes, such as c_double, as its value."""

    def __init__(self, kind: Any) -> None:
        if kind._type_ in "zZO":
            raise TypeError(f"{kind.__name__} is a pointer into this process")
        self.kind = kind
        self.size = ctypes.sizeof(kind)

    def encode(self, value: Any) -> bytes:
        data = bytes(self.kind(value))
        # ctypes truncates integers silently
        if isinstance(value, int) and self.decode(data) != value:
            raise ValueError(f"{value} is no {self.kind.__name__}")
        return data

    def decode(self, data: bytes) -> Any:
        return self.kind.from_buffer_copy(data).value


class Address(Codec[A]):
    """An address of :mod:`ipaddress`, or what makes one."""

    def __init__(self, kind: type[A]) -> None:
        self.kind: Any = kind
        self.size = kind(0).max_prefixlen // 8

    def encode(self, value: A | str) -> bytes:
        packed: bytes = self.kind(value).packed
        return packed

    def decode(self, data: bytes) -> A:
        found: A = self.kind(data)
        return found


class Prefix(Codec[N]):
    """A key of an LPM_TRIE: length of the prefix, and address.

    An address stands for the network that is only it, which is what one looks
    up.
    """

    def __init__(self, kind: type[N]) -> None:
        self.kind: Any = kind
        self._bytes = kind(0).max_prefixlen // 8
        self.size = 4 + self._bytes

    def encode(
        self, value: N | ipaddress.IPv4Address | ipaddress.IPv6Address | str
    ) -> bytes:
        net = value if isinstance(value, self.kind) else self.kind(value)
        length: int = net.prefixlen
        address: bytes = net.network_address.packed
        return length.to_bytes(4, sys.byteorder) + address

    def decode(self, data: bytes) -> N:
        # Bits behind the prefix are kept as somebody stored them
        length = int.from_bytes(data[:4], sys.byteorder)
        found: N = self.kind((data[4:], length), strict=False)
        return found


#: What describes a key or a value: see the table above
Spec: TypeAlias = Codec[Any] | int | str | type[Any]

_INTEGER = re.compile(r"(u|s|be|le)(8|16|32|64)")
_ORDER: dict[str, Literal["little", "big"]] = {"be": "big", "le": "little"}


def _named(name: str) -> Codec[Any]:
    integer = _INTEGER.fullmatch(name)
    if integer:
        kind, bits = integer.groups()
        return Int(int(bits) // 8, kind == "s", _ORDER.get(kind, sys.byteorder))
    if name.startswith("str") and name[3:].isdecimal():
        return Text(int(name[3:]))
    try:
        return Struct(name)
    except struct.error as error:
        raise ValueError(f"{name!r} describes no type: {error}") from None


def _typed(kind: type[Any]) -> Codec[Any]:
    if issubclass(kind, (ctypes.Structure, ctypes.Union, ctypes.Array)):
        return Object(kind)
    if issubclass(kind, ctypes._SimpleCData):
        return Simple(kind)
    if issubclass(kind, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return Prefix(kind)
    if issubclass(kind, (ipaddress.IPv4Address, ipaddress.IPv6Address)):
        return Address(kind)
    raise TypeError(f"{kind.__name__} is no type that can be stored")


def codec(spec: Spec) -> Codec[Any]:
    """The codec that something of the table above describes."""
    if isinstance(spec, Codec):
        return spec
    if isinstance(spec, bool):
        raise TypeError("a number of bytes expected, not bool")
    if isinstance(spec, int):
        return Bytes(spec)
    if isinstance(spec, str):
        return _named(spec)
    if isinstance(spec, type):
        return _typed(spec)
    raise TypeError(f"{spec!r} describes no type")


def encoded(codec: Codec[T], value: T) -> bytes:
    """The bytes of a value, as many as the kernel is going to read."""
    data = codec.encode(value)
    if type(data) is not bytes or len(data) != codec.size:
        raise ValueError(f"{type(codec).__name__} makes no {codec.size} bytes: {data!r}")
    return data


#: Integers, for type checkers
u8, u16, u32, u64 = Int(1), Int(2), Int(4), Int(8)
s8, s16, s32, s64 = Int(1, True), Int(2, True), Int(4, True), Int(8, True)
