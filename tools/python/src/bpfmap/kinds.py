# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Flags of updates, and what is known of a map."""

from dataclasses import dataclass
from enum import IntFlag

from ._types import CreateFlag, MapType


class Update(IntFlag):
    """How an element is updated."""

    ANY = 0
    NOEXIST = 1
    EXIST = 2
    CPU = 8
    ALL_CPUS = 16


@dataclass(frozen=True, slots=True)
class Info:
    """What a map is."""

    type: MapType | int
    id: int
    key_size: int
    value_size: int  #: of one CPU's value for per-CPU types
    max_entries: int
    flags: CreateFlag
    name: str
    extra: int
