# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Maps with keys, as mappings."""

import ctypes
import errno
from collections.abc import (
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    ValuesView,
)
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar, overload

from . import _lib
from ._types import ARRAY_TYPES, MapType
from .base import BaseMap, Descriptor, possible_cpus
from .codec import Codec, encoded
from .kinds import Update
from .view import View
from .walk import Walk

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")
KC = TypeVar("KC", covariant=True)


class _Keyed(Protocol[KC]):
    """What dict.update() takes for a mapping."""

    def keys(self) -> Iterable[KC]: ...

    def __getitem__(self, key: Any) -> Any: ...


class _Keys(KeysView[K]):
    _mapping: "Map[K, Any]"

    def __iter__(self) -> Iterator[K]:
        decode = self._mapping.key_codec.decode
        return (decode(key) for key, _ in self._mapping._walk())


class _Values(ValuesView[V]):
    _mapping: "Map[Any, V]"

    def __iter__(self) -> Iterator[V]:
        return (value for _, value in self._mapping._pairs())

    def __contains__(self, value: object) -> bool:
        return any(found is value or found == value for found in self)


class _Items(ItemsView[K, V]):
    _mapping: "Map[K, V]"

    def __iter__(self) -> Iterator[tuple[K, V]]:
        decode = self._mapping.key_codec.decode
        return ((decode(key), value) for key, value in self._mapping._pairs())


class Map(BaseMap, MutableMapping[K, V]):
    """A map with keys, as a mapping.

    Absent keys are KeyError. Whatever else the kernel refuses is OSError with
    its errno: E2BIG when a map is full or an index out of range, EPERM when it
    is frozen or not open for this, EINVAL for deleting from an array.

    Iteration takes elements in batches of bounded size, which others may change
    meanwhile: what stays is seen, each element whole; what comes and goes may be
    seen or not. Elements are seen twice only in an RHASH, with a `batch_size` of 0
    or with an older module, if somebody deletes the key that iteration goes on
    from: `restarts` tells.

    len() counts elements, which for all but arrays is a walk over all of them.
    """

    #: Elements in a batch at most, or 0 to go key by key
    batch_size: int = 1024
    #: How often iteration had to begin again, as far as it can tell
    restarts: int = 0

    def __init__(self, fd: int | Descriptor, key: Codec[K], value: Codec[Any]) -> None:
        super().__init__(fd)
        self.key_codec = self._sized(key, self.info.key_size, "key")
        #: For per-CPU types, of one CPU's value
        self.value_codec = self._sized(value, self.info.value_size, "value")
        #: Bytes of a value as the kernel transfers it
        self._value_bytes = self.info.value_size
        self._buffer = ctypes.c_char * self._value_bytes
        self._key_buffer = ctypes.c_char * self.info.key_size

    # --- bytes ---

    def _key(self, key: K) -> bytes:
        return encoded(self.key_codec, key)

    def _encode(self, value: V) -> bytes:
        return encoded(self.value_codec, value)

    def _decode(self, value: bytes) -> V:
        found: V = self.value_codec.decode(value)
        return found

    def _lookup(self, key: K, flags: int = 0) -> bytes | None:
        value = self._buffer()
        err = self._call(_lib.lookup_elem_flags, self._key(key), value, flags)
        if err == -errno.ENOENT:
            return None
        _lib.check(err)
        return value.raw

    def _walk(self) -> Iterator[tuple[bytes, bytes]]:
        for keys, values in Walk(self, self._value_bytes, self.batch_size):
            yield from zip(keys, values)

    def _pairs(self) -> Iterator[tuple[bytes, V]]:
        return ((key, self._decode(value)) for key, value in self._walk())

    # --- the protocol ---

    def __getitem__(self, key: K) -> V:
        found = self._lookup(key)
        if found is None:
            raise KeyError(key)
        return self._decode(found)

    def __setitem__(self, key: K, value: V) -> None:
        self._checked(_lib.update_elem, self._key(key), self._encode(value), 0)

    def __delitem__(self, key: K) -> None:
        err = self._call(_lib.delete_elem, self._key(key))
        if err == -errno.ENOENT:
            raise KeyError(key)
        _lib.check(err)

    def __contains__(self, key: Any) -> bool:
        return self._lookup(key) is not None

    def __iter__(self) -> Iterator[K]:
        return iter(self.keys())

    def __len__(self) -> int:
        if self.info.type in (MapType.ARRAY, MapType.PERCPU_ARRAY):
            self._open()
            return self.info.max_entries
        walk = Walk(self, self._value_bytes, self.batch_size)
        return sum(len(keys) for keys, _ in walk)

    def __bool__(self) -> bool:
        """Whether there is an element: without counting them all."""
        return self._next_key(None) is not None

    def keys(self) -> KeysView[K]:
        """The keys."""
        return _Keys(self)

    def values(self) -> ValuesView[V]:
        """The values."""
        return _Values(self)

    def items(self) -> ItemsView[K, V]:
        """Pairs of keys and values."""
        return _Items(self)

    def insert(self, key: K, value: V) -> None:
        """Store what is not there yet; FileExistsError (EEXIST) if it is."""
        self._checked(
            _lib.update_elem,
            self._key(key),
            self._encode(value),
            Update.NOEXIST,
        )

    def replace(self, key: K, value: V) -> None:
        """Store what is there already; KeyError if it is not."""
        err = self._call(
            _lib.update_elem,
            self._key(key),
            self._encode(value),
            Update.EXIST,
        )
        if err == -errno.ENOENT:
            raise KeyError(key)
        _lib.check(err)

    def setdefault(self, key: K, default: V = None) -> V:  # type: ignore[assignment]
        """The value of a key, which is stored if there is none, as one step."""
        while True:
            found = self._lookup(key)
            if found is not None:
                return self._decode(found)
            try:
                self.insert(key, default)
                return default
            except FileExistsError:
                pass  # another process was faster

    _NO_DEFAULT: Any = object()

    @overload
    def pop(self, key: K) -> V: ...

    @overload
    def pop(self, key: K, default: V | D) -> V | D: ...

    def pop(self, key: K, default: Any = _NO_DEFAULT) -> Any:
        """Take an element out.

        One step where the kernel has one, so that of several callers one gets
        it: not in an LPM_TRIE, where it is looked up and then deleted.
        """
        data = self._key(key)
        value = self._buffer()
        err = self._call(_lib.lookup_and_delete_elem, data, value)
        if err == -_lib.ENOTSUPP and self.info.type not in ARRAY_TYPES:
            err = self._call(_lib.lookup_elem_flags, data, value, 0)
            err = err or self._call(_lib.delete_elem, data)
        if err == -errno.ENOENT:
            if default is self._NO_DEFAULT:
                raise KeyError(key)
            return default
        _lib.check(err)
        return self._decode(value.raw)

    def popitem(self) -> tuple[K, V]:
        """Take out the first element; KeyError if there is none."""
        while True:
            first = self._next_key(None)
            if first is None:
                raise KeyError("the map is empty")
            key = self.key_codec.decode(first)
            try:
                return key, self.pop(key)
            except KeyError:
                pass  # another process was faster

    def _next_key(self, key: bytes | None) -> bytes | None:
        following = self._key_buffer()
        err = self._call(_lib.get_next_key, key, following)
        if err == -errno.ENOENT:
            return None
        _lib.check(err)
        return following.raw

    def clear(self) -> None:
        """Delete all elements; EINVAL for arrays, which always have all elements."""
        walk = Walk(self, self._value_bytes, self.batch_size)
        if not walk.take_all():
            for keys, _ in walk:
                for key in keys:
                    err = self._call(_lib.delete_elem, key)
                    if err != -errno.ENOENT:
                        _lib.check(err)

    def view(self) -> View[K, V]:
        """The same elements, looked up without a system call.

        For a map that was created with VIEW: a hash, an LRU hash, or an array of
        values that are no single word. ENOTSUPP or EINVAL for others.
        """
        descriptor = self._open()
        return View(descriptor.fd, self.key_codec, self.value_codec)

    # --- many at once ---

    def get_many(self, keys: Iterable[K]) -> list[V | None]:
        """The values of many keys, in their order; None for those that are absent.

        In one command for each of the largest batches. Each value is whole, but they
        are not of the same time.
        """
        room = Walk.room_for(self.info.key_size + self._value_bytes, self.batch_size)
        found: list[V | None] = []
        rest = iter(keys)
        while chunk := [self._key(key) for key in islice(rest, room)]:
            count = ctypes.c_uint32(len(chunk))
            values = ctypes.create_string_buffer(self._value_bytes * len(chunk))
            results = (ctypes.c_int32 * len(chunk))()
            self._checked(
                _lib.lookup_many, b"".join(chunk), values, results, count, None
            )
            for i, result in enumerate(results):
                if result == -errno.ENOENT:
                    found.append(None)
                    continue
                _lib.check(result)
                at = i * self._value_bytes
                found.append(self._decode(values.raw[at : at + self._value_bytes]))
        return found

    # The signature is dict's, which typeshed has as overloads
    def update(self, other: Any = (), /, **more: Any) -> None:
        """Store pairs, or a mapping, in batches.

        If the kernel refuses an element, those before it are stored.
        """
        pairs: Iterable[tuple[K, V]]
        if isinstance(other, Mapping):
            pairs = other.items()
        elif hasattr(other, "keys"):
            keyed: _Keyed[K] = other
            pairs = ((key, keyed[key]) for key in keyed.keys())
        else:
            pairs = other
        self._update(pairs)
        if more:
            self._update(more.items())  # type: ignore[arg-type]

    def _update(self, pairs: Iterable[tuple[K, V]]) -> None:
        room = Walk.room_for(self.info.key_size + self._value_bytes, self.batch_size)
        rest = iter(pairs)
        while chunk := list(islice(rest, room)):
            keys = [self._key(key) for key, _ in chunk]
            values = [self._encode(value) for _, value in chunk]
            count = ctypes.c_uint32(len(chunk))
            err = -_lib.ENOTSUPP
            if self.batch_size > 0:
                err = self._call(
                    _lib.update_batch, b"".join(keys), b"".join(values), count, None
                )
            if err != -_lib.ENOTSUPP:
                _lib.check(err)
                continue
            for data, value in zip(keys, values):
                self._checked(_lib.update_elem, data, value, 0)


class PerCpuMap(Map[K, list[V]], Generic[K, V]):
    """A map with a value for each CPU: values are lists, CPU 0's first.

    Lists are as long as there are possible CPUs: :func:`possible_cpus`.
    """

    def __init__(self, fd: int | Descriptor, key: Codec[K], value: Codec[V]) -> None:
        super().__init__(fd, key, value)
        self.cpus = possible_cpus()
        self._stride = (self.info.value_size + 7) & ~7
        self._value_bytes = self._stride * self.cpus
        self._buffer = ctypes.c_char * self._value_bytes

    def _encode(self, value: list[V]) -> bytes:
        if isinstance(value, (str, bytes)) or not hasattr(value, "__len__"):
            raise TypeError(f"a value for each CPU expected, not {value!r}")
        if len(value) != self.cpus:
            raise ValueError(f"{self.cpus} values expected, not {len(value)}")
        items = [encoded(self.value_codec, item) for item in value]
        return b"".join([item.ljust(self._stride, b"\0") for item in items])

    def _decode(self, value: bytes) -> list[V]:
        size, stride, decode = self.info.value_size, self._stride, self.value_codec.decode
        return [decode(value[i : i + size]) for i in range(0, len(value), stride)]

    def _on(self, cpu: int) -> int:
        if not 0 <= cpu < 1 << 32:
            raise ValueError(f"there is no CPU {cpu}")
        return cpu << 32 | Update.CPU

    def get_cpu(self, key: K, cpu: int) -> V:
        """The value of one CPU; ERANGE if there is no such CPU."""
        found = self._lookup(key, self._on(cpu))
        if found is None:
            raise KeyError(key)
        value: V = self.value_codec.decode(found[: self.info.value_size])
        return value

    def set_cpu(self, key: K, cpu: int, value: V) -> None:
        """Set the value of one CPU. Those of a new element's others are zero."""
        self._checked(
            _lib.update_elem,
            self._key(key),
            encoded(self.value_codec, value),
            self._on(cpu),
        )

    def set_all(self, key: K, value: V) -> None:
        """Set all CPUs' values to the same."""
        self._checked(
            _lib.update_elem,
            self._key(key),
            encoded(self.value_codec, value),
            Update.ALL_CPUS,
        )

