# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Going through a map in batches of bounded size."""

import ctypes
import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import _lib
from ._types import ARRAY_TYPES, MapType

if TYPE_CHECKING:
    from .mapping import Map

Chunk = tuple[list[bytes], list[bytes]]

#: Bytes that a batch may take, unless a single bucket of a hash takes more
_BUDGET = 1 << 20
_MOST = 1 << 31


def _split(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


class Walk:
    """The elements of a map as lists of keys and of values.

    The kernel's cursor is opaque: 4 bytes or a key. What comes in one batch was
    there at the time of that batch. Where a cursor that is deleted makes the
    kernel begin again, the map's `restarts` says so.
    """

    def __init__(self, mapping: "Map[Any, Any]", value_bytes: int, batch: int) -> None:
        self._map = mapping
        self._key_size = mapping.info.key_size
        self._value_bytes = value_bytes
        self._batch = batch

    @staticmethod
    def room_for(element: int, batch: int) -> int:
        """How many elements of a size go into a batch."""
        return max(1, min(batch or 1, _BUDGET // max(1, element)))

    def __iter__(self) -> Iterator[Chunk]:
        if self._batch > 0:
            return self._batches(_lib.lookup_batch, _lib.BATCH_RESUME)
        return self._one_by_one()

    def take_all(self) -> bool:
        """Take all elements out, or say that the map has no batches for it."""
        if self._batch <= 0:
            return False
        try:
            # From the start each time: what is taken is gone
            for _ in self._batches(_lib.lookup_and_delete_batch, 0):
                pass
        except OSError as error:
            if error.errno != _lib.ENOTSUPP:
                raise
            return False
        return True

    def _look_for_restart(self, key: bytes | None) -> None:
        """Does the key that came behind another one tell that the kernel began again?

        Then it is the first one of the map.
        """
        if key is not None and key == self._map._next_key(None):
            self._map.restarts += 1

    def _flag_may_be_ignored(self) -> bool:
        """An older module does not look at it where the cursor is a key."""
        return (
            self._map.info.type == MapType.LPM_TRIE and _lib.batch_can_resume() != 1
        )

    def _batches(self, function: Any, flags: int) -> Iterator[Chunk]:
        most = min(_MOST, self._map.info.max_entries)
        room = min(
            most, self.room_for(self._key_size + self._value_bytes, self._batch)
        )
        # The kernel writes 4 bytes for hash types even if keys are shorter
        cursor = ctypes.c_char * max(4, self._key_size)
        here: Any = None
        unsure = False
        opts = _lib.BatchOpts(flags=flags)
        opts.sz = ctypes.sizeof(opts)
        while True:
            keys = (ctypes.c_char * (room * self._key_size))()
            values = (ctypes.c_char * (room * self._value_bytes))()
            count = ctypes.c_uint32(room)
            following = cursor()
            err = self._map._call(function, here, following, keys, values, count, opts)
            if err == -errno.EINVAL and opts.flags:
                opts.flags = 0  # an RHASH, or an older module
                continue
            if err == -errno.ENOSPC and room < most:
                # A bucket that is larger: there is no stopping inside of it
                room = min(most, 2 * room)
                continue
            if err == -errno.EAGAIN:
                here = None  # what the cursor stood at is gone
                self._map.restarts += 1
                continue
            if err == -_lib.ENOTSUPP and function is _lib.lookup_batch:
                yield from self._one_by_one()
                return
            if err != -errno.ENOENT:
                _lib.check(err)
            n = count.value
            if n and unsure:
                self._look_for_restart(keys.raw[: self._key_size])
            if n:
                yield (
                    _split(keys.raw[: n * self._key_size], self._key_size),
                    _split(values.raw[: n * self._value_bytes], self._value_bytes),
                )
            if err == -errno.ENOENT:
                return
            if here is None:
                unsure = self._flag_may_be_ignored()
            here = following

    def _one_by_one(self) -> Iterator[Chunk]:
        key = self._map._next_key(None)
        while key is not None:
            value = (ctypes.c_char * self._value_bytes)()
            err = self._map._call(_lib.lookup_elem_flags, key, value, 0)
            # The next one first: the caller may delete this one
            following = self._map._next_key(key)
            if self._map.info.type not in ARRAY_TYPES:
                self._look_for_restart(following)
            if not err:
                yield [key], [value.raw]
            elif err != -errno.ENOENT:
                _lib.check(err)
            key = following
