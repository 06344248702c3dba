# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Maps of maps."""

import errno
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from . import _lib
from .base import BaseMap, Descriptor
from .codec import Bytes, Codec
from .kinds import MapType, Update
from .mapping import Map

K = TypeVar("K")


def _id(value: bytes) -> int:
    return int.from_bytes(value, sys.byteorder)


class MapOfMaps(Map[K, BaseMap]):
    """A map whose values are maps.

    What one gets is an open map, each time another object. The kernel gives an
    id, and opening that takes CAP_SYS_ADMIN; :meth:`ids` and :meth:`id` do not.
    """

    def __init__(
        self,
        fd: int | Descriptor,
        key: Codec[K],
        open_inner: Callable[[int], BaseMap],
    ) -> None:
        super().__init__(fd, key, Bytes(4))
        self._open_inner = open_inner

    def _encode(self, value: BaseMap) -> bytes:
        if not hasattr(value, "fileno"):
            raise TypeError(f"a map expected, not {type(value).__name__}")
        return value.fileno().to_bytes(4, sys.byteorder)

    def _decode(self, value: bytes) -> BaseMap:
        return self._open_inner(_id(value))

    def _pairs(self) -> Iterator[tuple[bytes, BaseMap]]:
        for key, value in self._walk():
            try:
                yield key, self._decode(value)
            except FileNotFoundError:
                pass  # it is gone since

    def __bool__(self) -> bool:
        return next(self._walk(), None) is not None

    def __getitem__(self, key: K) -> BaseMap:
        while True:
            found = self._lookup(key)
            if found is None:
                raise KeyError(key)
            try:
                return self._decode(found)
            except FileNotFoundError:
                pass  # it was replaced since, and is gone

    def pop(self, key: K, default: Any = Map._NO_DEFAULT) -> Any:
        """Take a map out: it is opened and then deleted, in two steps."""
        try:
            inner = self[key]
            del self[key]
        except KeyError:
            if default is self._NO_DEFAULT:
                raise
            return default
        return inner

    def popitem(self) -> tuple[K, BaseMap]:
        """Take out the first map; KeyError if there is none."""
        for first, _ in self._walk():
            key = self.key_codec.decode(first)
            try:
                return key, self.pop(key)
            except KeyError:
                pass  # another process was faster
        raise KeyError("the map is empty")

    def setdefault(self, key: K, default: BaseMap | None = None) -> BaseMap:
        """The map of a key, which is stored if there is none."""
        while True:
            try:
                return self[key]
            except KeyError:
                if default is None:
                    raise TypeError("a map expected, not None") from None
            value = self._encode(default)
            # Arrays of maps know no NOEXIST: there is nothing to fail
            flags = Update.NOEXIST if self.info.type == MapType.HASH_OF_MAPS else 0
            err = self._call(
                _lib.update_elem, self._key(key), value, flags
            )
            if err != -errno.EEXIST:
                _lib.check(err)
                return default

    def id(self, key: K) -> int:
        """The id of a key's map."""
        found = self._lookup(key)
        if found is None:
            raise KeyError(key)
        return _id(found)

    def ids(self) -> Iterator[tuple[K, int]]:
        """Pairs of keys and of their maps' ids."""
        decode = self.key_codec.decode
        return ((decode(key), _id(value)) for key, value in self._walk())
