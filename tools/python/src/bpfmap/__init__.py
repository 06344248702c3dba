# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""The key/value maps of /dev/bpfmap as Python mappings.

    import bpfmap

    with bpfmap.create("hash", key="u32", value="u64", max_entries=1000) as m:
        m[1] = 2
        for key, value in m.items():
            ...

:func:`create` makes a map, :func:`open` opens one that is there. Objects are of
:class:`Map`, :class:`PerCpuMap`, :class:`MapOfMaps`, :class:`Queue`,
:class:`BloomFilter`, :class:`RingBuffer` or :class:`UserRingBuffer`, as the
type of map calls for. What keys and values can be is in :mod:`bpfmap.codec`.
"""

from ._types import CreateFlag, MapType
from .api import create, ids, open
from .base import BaseMap, possible_cpus
from .codec import (
    Bytes,
    Codec,
    Int,
    Prefix,
    Struct,
    Text,
    codec,
    s8,
    s16,
    s32,
    s64,
    u8,
    u16,
    u32,
    u64,
)
from .keyless import BloomFilter, Queue
from .kinds import Info
from .mapping import Map, PerCpuMap
from .outer import MapOfMaps
from .ring import RingBuffer, UserRingBuffer
from .view import View

__version__ = "1.0.0"

__all__ = [
    "BaseMap",
    "BloomFilter",
    "Bytes",
    "Codec",
    "CreateFlag",
    "Info",
    "Int",
    "Map",
    "MapOfMaps",
    "MapType",
    "PerCpuMap",
    "Prefix",
    "Queue",
    "RingBuffer",
    "Struct",
    "Text",
    "UserRingBuffer",
    "View",
    "codec",
    "create",
    "ids",
    "open",
    "possible_cpus",
    "s8",
    "s16",
    "s32",
    "s64",
    "u8",
    "u16",
    "u32",
    "u64",
]
