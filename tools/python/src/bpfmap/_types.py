# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Made by "make -C tools types": change include/linux/bpfmap_types.h instead
"""The list of map types and create flags."""

from enum import IntEnum, IntFlag
from typing import Literal, TypeAlias


class MapType(IntEnum):
    """Types of maps, with the numbers of bpf(2)."""

    HASH = 1
    ARRAY = 2
    PERCPU_HASH = 5
    PERCPU_ARRAY = 6
    LRU_HASH = 9
    LRU_PERCPU_HASH = 10
    LPM_TRIE = 11
    ARRAY_OF_MAPS = 12
    HASH_OF_MAPS = 13
    QUEUE = 22
    STACK = 23
    RINGBUF = 27
    BLOOM_FILTER = 30
    USER_RINGBUF = 31
    ARENA = 33
    RHASH = 35

    @classmethod
    def of(cls, kind: "MapType | int | str") -> "MapType":
        """The type of a number or of a name such as "lru_hash"."""
        if not isinstance(kind, str):
            return cls(kind)
        try:
            return cls[kind.upper()]
        except KeyError:
            raise ValueError(f"there is no type of map {kind!r}") from None


class CreateFlag(IntFlag):
    """What a map is created with, ``map_flags`` of bpf(2)."""

    NO_PREALLOC = 1 << 0
    NO_COMMON_LRU = 1 << 1
    NUMA_NODE = 1 << 2
    RDONLY = 1 << 3
    WRONLY = 1 << 4
    ZERO_SEED = 1 << 6
    RDONLY_PROG = 1 << 7
    WRONLY_PROG = 1 << 8
    MMAPABLE = 1 << 10
    INNER_MAP = 1 << 12
    SEGV_ON_FAULT = 1 << 17
    NO_USER_CONV = 1 << 18
    RB_OVERWRITE = 1 << 19
    VIEW = 1 << 31


PERCPU_TYPES = frozenset({
    MapType.PERCPU_HASH,
    MapType.PERCPU_ARRAY,
    MapType.LRU_PERCPU_HASH,
})
ARRAY_TYPES = frozenset({
    MapType.ARRAY,
    MapType.PERCPU_ARRAY,
    MapType.ARRAY_OF_MAPS,
})
OUTER_TYPES = frozenset({
    MapType.ARRAY_OF_MAPS,
    MapType.HASH_OF_MAPS,
})
#: Values, but no keys
KEYLESS_TYPES = frozenset({
    MapType.QUEUE,
    MapType.STACK,
    MapType.BLOOM_FILTER,
})
#: Those of them that say whether a value is there
BY_VALUE_TYPES = frozenset({
    MapType.BLOOM_FILTER,
})
#: Neither keys nor values
EMPTY_TYPES = frozenset({
    MapType.RINGBUF,
    MapType.USER_RINGBUF,
    MapType.ARENA,
})
#: Types that cannot be created otherwise
NO_PREALLOC_TYPES = frozenset({
    MapType.LPM_TRIE,
    MapType.RHASH,
})

Plain: TypeAlias = Literal[
    "hash",
    "array",
    "lru_hash",
    "lpm_trie",
    "rhash",
]
PerCpu: TypeAlias = Literal[
    "percpu_hash",
    "percpu_array",
    "lru_percpu_hash",
]
Outer: TypeAlias = Literal[
    "array_of_maps",
    "hash_of_maps",
]
