# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Maps that are mapped: look-ups without a system call."""

import ctypes
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from . import _lib
from .codec import Codec, encoded

K = TypeVar("K")
V = TypeVar("V")


class View(Mapping[K, V]):
    """A read-only mapping of what a map has at the moment, from :meth:`Map.view`.

    It stays valid when the map is closed. Look-ups may be made from any thread,
    but not while another one closes it. Iteration copies all elements first.
    """

    def __init__(self, fd: int, key: Codec[K], value: Codec[V]) -> None:
        self.key_codec = key
        self.value_codec = value
        self._view: int | None = _lib.view_open(fd, None)
        if not self._view:
            _lib.fail(ctypes.get_errno())

    def close(self) -> None:
        """Unmap it. A second time is fine."""
        view, self._view = self._view, None
        if view:
            _lib.view_close(view)

    def __del__(self) -> None:
        if getattr(self, "_view", None):
            self.close()

    def _open(self) -> int:
        if not self._view:
            raise ValueError("the view is closed")
        return self._view

    def _lookup(self, key: Any) -> bytes | None:
        value = ctypes.create_string_buffer(self.value_codec.size)
        err = _lib.view_lookup(self._open(), encoded(self.key_codec, key), value)
        if err == -_lib.ENOENT:
            return None
        _lib.check(err)
        return value.raw

    def __getitem__(self, key: K) -> V:
        found = self._lookup(key)
        if found is None:
            raise KeyError(key)
        return self.value_codec.decode(found)

    def __contains__(self, key: object) -> bool:
        return self._lookup(key) is not None

    def get_many(self, keys: Iterable[K]) -> list[V | None]:
        """The values of keys, None where there is none."""
        data = [encoded(self.key_codec, key) for key in keys]
        size, n = self.value_codec.size, len(data)
        values = ctypes.create_string_buffer(size * n)
        results = (ctypes.c_int32 * n)()
        _lib.view_lookup_many(self._open(), b"".join(data), values, results, n)
        raw, decode = values.raw, self.value_codec.decode
        found: list[V | None] = []
        for i, result in enumerate(results):
            if result != -_lib.ENOENT:
                _lib.check(result)
            found.append(None if result else decode(raw[i * size : i * size + size]))
        return found

    def _pairs(self) -> list[tuple[bytes, bytes]]:
        key = ctypes.create_string_buffer(self.key_codec.size)
        value = ctypes.create_string_buffer(self.value_codec.size)
        found: list[tuple[bytes, bytes]] = []

        def keep(_key: int, _value: int, _ctx: int) -> int:
            found.append((key.raw, value.raw))
            return 0

        _lib.view_for_each(self._open(), key, value, _lib.ViewFn(keep), None)
        return found

    def __iter__(self) -> Iterator[K]:
        return (self.key_codec.decode(key) for key, _ in self._pairs())

    def __len__(self) -> int:
        return len(self._pairs())

    def snapshot(self) -> dict[K, V]:
        """All elements, each of them whole."""
        key, value = self.key_codec.decode, self.value_codec.decode
        return {key(k): value(v) for k, v in self._pairs()}

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
