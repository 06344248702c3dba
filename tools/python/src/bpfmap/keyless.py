# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Maps without keys: queues, stacks and Bloom filters."""

import ctypes
import errno
import math
import time
from collections.abc import Iterator
from typing import Generic, TypeVar

from . import _lib
from .base import BaseMap, Descriptor
from .codec import Codec, encoded
from .kinds import Update

V = TypeVar("V")

_INT_MAX = (1 << 31) - 1


class _Keyless(BaseMap, Generic[V]):
    def __init__(self, fd: int | Descriptor, value: Codec[V]) -> None:
        super().__init__(fd)
        self.value_codec = self._sized(value, self.info.value_size, "value")
        self._buffer = ctypes.c_char * self.info.value_size


class Queue(_Keyless[V]):
    """A queue, or a stack: the type says which end elements leave by.

    Each element reaches one of the poppers. ``fileno()`` can be waited for
    with :mod:`select`: it is readable while there are elements.
    """

    def push(self, value: V, overwrite: bool = False) -> None:
        """Put an element in. Full is E2BIG, or with `overwrite` the oldest goes."""
        flags = Update.EXIST if overwrite else 0
        self._checked(_lib.update_elem, None, encoded(self.value_codec, value), flags)

    def _take(self, err: int, value: "ctypes.Array[ctypes.c_char]") -> V:
        if err == -errno.ENOENT:
            raise IndexError("the map is empty")
        _lib.check(err)
        return self.value_codec.decode(value.raw)

    def peek(self) -> V:
        """The next element, which stays; IndexError if there is none."""
        value = self._buffer()
        return self._take(self._call(_lib.lookup_elem_flags, None, value, 0), value)

    def pop(self) -> V:
        """Take the next element out; IndexError if there is none."""
        value = self._buffer()
        return self._take(self._call(_lib.lookup_and_delete_elem, None, value), value)

    def pop_wait(self, timeout: float | None = None) -> V:
        """Take the next element out, or wait for one.

        TimeoutError after so many seconds, without a number never. Signal
        handlers run meanwhile, and what they raise ends the waiting.
        """
        end = None if timeout is None else time.monotonic() + timeout
        value = self._buffer()
        while True:
            left = -1
            if end is not None:
                seconds = max(0.0, end - time.monotonic())
                left = min(_INT_MAX, math.ceil(seconds * 1000))
            err = self._call(_lib.pop_wait, value, left)
            if err == -errno.ETIMEDOUT and left == _INT_MAX:
                continue
            if err != -errno.EINTR:
                return self._take(err, value)

    def empty(self) -> bool:
        """Whether there is nothing to pop."""
        err = self._call(_lib.lookup_elem_flags, None, self._buffer(), 0)
        if err != -errno.ENOENT:
            _lib.check(err)
        return err != 0

    def drain(self) -> Iterator[V]:
        """Pop all elements, one by one."""
        while True:
            try:
                value = self.pop()
            except IndexError:
                return
            yield value

    def clear(self) -> None:
        """Throw all elements away."""
        value = self._buffer()
        while not (err := self._call(_lib.lookup_and_delete_elem, None, value)):
            pass
        if err != -errno.ENOENT:
            _lib.check(err)


class BloomFilter(_Keyless[V]):
    """A set that says "perhaps" or "no", and forgets nothing."""

    def add(self, value: V) -> None:
        """Put a value in."""
        self._checked(_lib.update_elem, None, encoded(self.value_codec, value), 0)

    def __contains__(self, value: V) -> bool:
        """Whether a value is perhaps in it."""
        data = ctypes.create_string_buffer(
            encoded(self.value_codec, value), self.info.value_size
        )
        err = self._call(_lib.lookup_elem_flags, None, data, 0)
        if err == -errno.ENOENT:
            return False
        _lib.check(err)
        return True
