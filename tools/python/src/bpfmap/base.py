# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""What all maps have in common."""

import ctypes
import errno
import fcntl
import mmap
import os
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from . import _lib
from ._types import ARRAY_TYPES, CreateFlag, MapType
from .codec import Codec
from .kinds import Info

T = TypeVar("T")

PAGE = mmap.PAGESIZE


class Descriptor:
    """An open file descriptor, closed when nobody refers to it any more.

    Each call of the kernel holds a reference, so that a map which is closed
    meanwhile by another thread does not have its number given to another file.
    """

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __del__(self, _close: Callable[[int], None] = os.close) -> None:
        try:
            _close(self.fd)
        except OSError:
            pass  # it was closed behind our back


def duplicate(fd: int) -> int:
    """A descriptor of the same map, above those of standard streams."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)


def path_bytes(path: str | os.PathLike[str]) -> bytes:
    """A path for the kernel."""
    data = os.fsencode(path)
    if b"\0" in data:
        raise ValueError(f"a NUL in the path {os.fspath(path)!r}")
    return data


def read_info(fd: int) -> Info:
    """What the map of a descriptor is."""
    raw = _lib.MapInfo()
    size = ctypes.c_uint32(ctypes.sizeof(raw))
    _lib.check(_lib.get_info_by_fd(fd, raw, size))
    try:
        kind: MapType | int = MapType(raw.type)
    except ValueError:
        kind = raw.type
    return Info(
        kind,
        raw.id,
        raw.key_size,
        raw.value_size,
        raw.max_entries,
        CreateFlag(raw.map_flags),
        raw.name.decode("latin-1"),  # which the kernel takes it for
        raw.map_extra,
    )


def possible_cpus() -> int:
    """How many values an element of a per-CPU map has."""
    return _lib.check(_lib.num_possible_cpus())


class BaseMap:
    """An open map.

    It holds a descriptor until :meth:`close`, the end of a ``with`` block, or
    until it is forgotten, whichever comes first. Methods may be called from any
    thread. A child of fork() has the same map and closes it for itself.
    """

    info: Info  #: what it is

    def __init__(self, fd: int | Descriptor) -> None:
        """Takes the descriptor over. :func:`bpfmap.open` finds the right class."""
        descriptor = fd if isinstance(fd, Descriptor) else Descriptor(fd)
        self._descriptor: Descriptor | None = descriptor
        self.info = read_info(descriptor.fd)

    def close(self) -> None:
        """Close the descriptor. A second time is fine."""
        self._descriptor = None

    @property
    def closed(self) -> bool:
        """Whether it is."""
        return self._descriptor is None

    def _open(self) -> Descriptor:
        descriptor = self._descriptor
        if descriptor is None:
            raise ValueError("the map is closed")
        return descriptor

    def _call(self, function: Callable[..., int], *arguments: Any) -> int:
        """The result of a function of the library, negative errnos included."""
        # Lives as long as the call, and not in the traceback of what it raises
        descriptor = self._open()
        return function(descriptor.fd, *arguments)

    def _checked(self, function: Callable[..., int], *arguments: Any) -> int:
        return _lib.check(self._call(function, *arguments))

    def fileno(self) -> int:
        """The descriptor, which remains the map's."""
        return self._open().fd

    def freeze(self) -> None:
        """Make the map read-only for all of user space, for ever.

        EBUSY during a write or with a writable mapping, EPERM if it is
        frozen already.
        """
        self._checked(_lib.freeze)

    def pin(self, path: str | os.PathLike[str]) -> None:
        """Give the map a name in a file system of type bpfmapfs."""
        _lib.check(self._call(_lib.obj_pin, path_bytes(path)), os.fspath(path))

    def _fdinfo(self, name: str) -> int:
        descriptor = self._open()
        with open(f"/proc/self/fdinfo/{descriptor.fd}", encoding="ascii") as lines:
            for line in lines:
                key, _, number = line.partition(":")
                if key == name:
                    return int(number, 0)
        raise OSError(errno.ENODATA, f"the kernel does not tell {name}")

    @property
    def frozen(self) -> bool:
        """Whether it is frozen, by any process."""
        return bool(self._fdinfo("frozen"))

    @property
    def memory(self) -> int:
        """The bytes of memory it takes."""
        return self._fdinfo("memlock")

    def sha256(self) -> bytes:
        """The SHA-256 of the content of an array that is frozen."""
        digest = ctypes.create_string_buffer(32)
        raw = _lib.MapInfo(hash=ctypes.addressof(digest), hash_size=32)
        size = ctypes.c_uint32(ctypes.sizeof(raw))
        self._checked(_lib.get_info_by_fd, raw, size)
        return digest.raw

    def mmap(self, writable: bool = True) -> mmap.mmap:
        """The memory of an arena, or of an ARRAY with MMAPABLE.

        Element i of an array begins at i times its size, rounded up to 8.
        """
        info = self.info
        size = info.max_entries * PAGE
        if info.type in ARRAY_TYPES:
            size = info.max_entries * ((info.value_size + 7) & ~7)
            size = (size + PAGE - 1) // PAGE * PAGE
        prot = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        descriptor = self._open()
        return mmap.mmap(descriptor.fd, size, mmap.MAP_SHARED, prot)

    def _sized(self, codec: Codec[T], size: int, what: str) -> Codec[T]:
        """A codec, if it is for what the map has."""
        if codec.size != size:
            raise ValueError(f"{what}s of this map have {size} bytes, not {codec.size}")
        return codec

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        info = self.info
        kind = info.type.name if isinstance(info.type, MapType) else info.type
        state = " closed" if self.closed else ""
        name = f" {info.name!r}" if info.name else ""
        return f"<bpfmap {kind}{name} id {info.id}{state}>"
