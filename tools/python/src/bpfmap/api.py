# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Making maps and opening them."""

import ctypes
import errno
import os
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, TypeVar, overload

from . import _lib
from ._types import (
    ARRAY_TYPES,
    BY_VALUE_TYPES,
    EMPTY_TYPES,
    KEYLESS_TYPES,
    NO_PREALLOC_TYPES,
    OUTER_TYPES,
    PERCPU_TYPES,
    CreateFlag,
    MapType,
    Outer,
    PerCpu,
    Plain,
)
from .base import BaseMap, Descriptor, duplicate, path_bytes, read_info
from .codec import Bytes, Codec, Spec, codec, u32
from .keyless import BloomFilter, Queue
from .kinds import Info
from .mapping import Map, PerCpuMap
from .outer import MapOfMaps
from .ring import RingBuffer, UserRingBuffer

K = TypeVar("K")
V = TypeVar("V")

#: How a map is opened: for reading, writing or both
Mode: TypeAlias = Literal["r", "w", "rw"]
Inner: TypeAlias = tuple[Spec | None, Spec | None]

_MODES = {"r": CreateFlag.RDONLY, "w": CreateFlag.WRONLY, "rw": CreateFlag(0)}


def _key_codec(info: Info, key: Spec | None) -> Codec[Any]:
    if key is not None:
        return codec(key)
    if info.type in ARRAY_TYPES:
        return u32
    return Bytes(info.key_size)


def _wrap(
    descriptor: Descriptor,
    key: Spec | None = None,
    value: Spec | None = None,
    inner: Inner = (None, None),
) -> Any:
    """The object for a map, of the class that its type calls for."""
    info = read_info(descriptor.fd)
    if info.type in OUTER_TYPES:
        if value is not None:
            raise ValueError("values are maps: say what is in those with inner=")
        key_codec = _key_codec(info, key)
        return MapOfMaps(descriptor, key_codec, lambda id: _open_id(id, inner))
    if info.type == MapType.RINGBUF:
        return RingBuffer(descriptor)
    if info.type == MapType.USER_RINGBUF:
        return UserRingBuffer(descriptor)
    if info.type in EMPTY_TYPES:
        return BaseMap(descriptor)
    value_codec = Bytes(info.value_size) if value is None else codec(value)
    if not info.key_size and key is not None:
        raise ValueError("this map has no keys")
    if info.type in BY_VALUE_TYPES:
        return BloomFilter(descriptor, value_codec)
    if info.type in KEYLESS_TYPES:
        return Queue(descriptor, value_codec)
    kind = PerCpuMap if info.type in PERCPU_TYPES else Map
    return kind(descriptor, _key_codec(info, key), value_codec)


def _sizes(kind: MapType, key: Spec | None, value: Spec | None) -> tuple[int, int]:
    """Bytes of keys and of values."""
    if kind in EMPTY_TYPES:
        if key is not None or value is not None:
            raise ValueError(f"a {kind.name} has neither keys nor values")
        return 0, 0
    if kind in OUTER_TYPES:
        if value is not None:
            raise ValueError("values are maps: say which with inner=")
        value = 4
    if value is None:
        raise ValueError("what values are is missing")
    if kind in KEYLESS_TYPES:
        if key is not None:
            raise ValueError(f"a {kind.name} has no keys")
        return 0, codec(value).size
    if key is None and kind not in ARRAY_TYPES:
        raise ValueError("what keys are is missing")
    return codec(u32 if key is None else key).size, codec(value).size


def _inner_specs(inner: BaseMap | None) -> Inner:
    if isinstance(inner, Map):
        return inner.key_codec, inner.value_codec
    if isinstance(inner, (Queue, BloomFilter)):
        return None, inner.value_codec
    return None, None


@overload
def create(
    kind: Plain, key: Codec[K], value: Codec[V], max_entries: int, **more: Any
) -> Map[K, V]: ...


@overload
def create(
    kind: PerCpu, key: Codec[K], value: Codec[V], max_entries: int, **more: Any
) -> PerCpuMap[K, V]: ...


@overload
def create(
    kind: Plain,
    key: Spec | None = None,
    value: Spec | None = None,
    max_entries: int = ...,
    **more: Any,
) -> Map[Any, Any]: ...


@overload
def create(
    kind: PerCpu,
    key: Spec | None = None,
    value: Spec | None = None,
    max_entries: int = ...,
    **more: Any,
) -> PerCpuMap[Any, Any]: ...


@overload
def create(
    kind: Outer, key: Spec | None = None, *, max_entries: int, **more: Any
) -> MapOfMaps[Any]: ...


@overload
def create(
    kind: Literal["queue", "stack"], *, value: Codec[V], max_entries: int, **more: Any
) -> Queue[V]: ...


@overload
def create(
    kind: Literal["queue", "stack"], *, value: Spec, max_entries: int, **more: Any
) -> Queue[Any]: ...


@overload
def create(
    kind: Literal["bloom_filter"], *, value: Spec, max_entries: int, **more: Any
) -> BloomFilter[Any]: ...


@overload
def create(
    kind: Literal["ringbuf"], *, max_entries: int, **more: Any
) -> RingBuffer: ...


@overload
def create(
    kind: Literal["user_ringbuf"], *, max_entries: int, **more: Any
) -> UserRingBuffer: ...


@overload
def create(
    kind: MapType | int | str,
    key: Spec | None = None,
    value: Spec | None = None,
    max_entries: int = ...,
    **more: Any,
) -> Any: ...


def create(
    kind: MapType | int | str,
    key: Spec | None = None,
    value: Spec | None = None,
    max_entries: int = 0,
    **more: Any,
) -> Any:
    """Make a map.

    kind         its type: "hash", "lru_hash", ... or a MapType
    key, value   what they are: see :mod:`bpfmap.codec`. Arrays' keys are "u32"
                 anyway; queues, stacks and Bloom filters have none
    max_entries  how many elements it has or may have; bytes of a ring buffer,
                 pages of an arena

    More, by name:

    name         15 letters (of Latin-1), digits, "_" and "." at most
    flags        CreateFlag; what a type cannot do without is added
    extra        map_extra: hash functions of a Bloom filter, elements that an
                 RHASH starts with room for, address of an arena
    numa_node    where its memory is to be
    inner        for maps of maps, a map like those that will be put in

    FileNotFoundError without the module, PermissionError without permission to open
    the device.
    """
    return _create(MapType.of(kind), key, value, max_entries, **more)


def _fits(what: str, number: int, bits: int) -> None:
    """ctypes would truncate it silently."""
    if not 0 <= number < 1 << bits:
        raise ValueError(f"{what}: {number} is no unsigned {bits}-bit integer")


def _create(
    kind: MapType,
    key: Spec | None,
    value: Spec | None,
    max_entries: int,
    *,
    name: str = "",
    flags: CreateFlag | int = 0,
    extra: int = 0,
    numa_node: int | None = None,
    inner: BaseMap | None = None,
) -> Any:
    key_size, value_size = _sizes(kind, key, value)
    _fits("max_entries", max_entries, 32)
    _fits("flags", flags, 32)
    _fits("extra", extra, 64)
    try:
        encoded = name.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(f"{name!r} has a letter that is not Latin-1") from None
    if len(encoded) > 15 or b"\0" in encoded:
        raise ValueError(f"{name!r} is no name of at most 15 bytes")
    if kind in NO_PREALLOC_TYPES:
        flags |= CreateFlag.NO_PREALLOC
    opts = _lib.CreateOpts(map_extra=extra)
    opts.sz = ctypes.sizeof(opts)
    if numa_node is not None:
        _fits("numa_node", numa_node, 32)
        flags |= CreateFlag.NUMA_NODE
        opts.numa_node = numa_node
    opts.map_flags = flags
    if (inner is not None) != (kind in OUTER_TYPES):
        raise ValueError("inner= is for maps of maps, and they need it")
    if inner is not None:
        opts.inner_map_fd = inner.fileno()
    fd = _lib.check(
        _lib.create(int(kind), encoded, key_size, value_size, max_entries, opts)
    )
    return _wrap(Descriptor(fd), key, value, _inner_specs(inner))


def _fd_by_id(id: int, mode: Mode) -> int:
    if not 0 < id < 1 << 32:
        raise ValueError(f"{id} is no id")
    opts = _lib.GetFdByIdOpts(open_flags=_MODES[mode])
    opts.sz = ctypes.sizeof(opts)
    return _lib.check(_lib.get_fd_by_id_opts(id, opts), f"id {id}")


def _open_id(id: int, specs: Inner) -> BaseMap:
    inner: BaseMap = _wrap(Descriptor(_fd_by_id(id, "rw")), *specs)
    return inner


def _fd_by_name(name: str, mode: Mode) -> int:
    found = []
    for id in ids():
        try:
            descriptor = Descriptor(_fd_by_id(id, "r"))
        except FileNotFoundError:
            continue  # it is gone since
        if read_info(descriptor.fd).name == name:
            found.append(id)
    if not found:
        _lib.fail(errno.ENOENT, f"name {name}")
    if len(found) > 1:
        _lib.fail(errno.ENOTUNIQ, f"name {name}")
    return _fd_by_id(found[0], mode)


def _fd_by_path(path: str | os.PathLike[str], mode: Mode) -> int:
    opts = _lib.ObjGetOpts(file_flags=_MODES[mode])
    opts.sz = ctypes.sizeof(opts)
    return _lib.check(_lib.obj_get_opts(path_bytes(path), opts), os.fspath(path))


def open(
    path: str | os.PathLike[str] | None = None,
    *,
    id: int | None = None,
    name: str | None = None,
    fd: int | None = None,
    key: Spec | None = None,
    value: Spec | None = None,
    inner: Inner = (None, None),
    mode: Mode = "rw",
) -> Any:
    """Open a map that is there: by its pin, id, name, or another descriptor.

    Ids and names take CAP_SYS_ADMIN. ENOTUNIQ if several maps have the name. A
    descriptor remains the caller's, and what it may be used for stays as it is.

    Keys and values are bytes unless `key` and `value` say more, which must fit
    the map's sizes; arrays' keys are integers. `inner` is that pair for the maps
    in a map of maps.
    """
    if mode not in _MODES:
        raise ValueError(f"a mode of {', '.join(_MODES)} expected, not {mode!r}")
    if sum(way is not None for way in (path, id, name, fd)) != 1:
        raise TypeError("one of path, id, name and fd expected")
    if path is not None:
        found = _fd_by_path(path, mode)
    elif id is not None:
        found = _fd_by_id(id, mode)
    elif name is not None:
        found = _fd_by_name(name, mode)
    else:
        assert fd is not None
        if mode != "rw":
            raise ValueError("a descriptor is open already, in a mode of its own")
        found = duplicate(fd)
    return _wrap(Descriptor(found), key, value, inner)


def ids() -> Iterator[int]:
    """The ids of all maps; takes CAP_SYS_ADMIN."""
    following = ctypes.c_uint32(0)
    while True:
        err = _lib.get_next_id(following.value, following)
        if err == -errno.ENOENT:
            return
        _lib.check(err)
        yield following.value
