# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Ring buffers: records from the kernel, and samples for it."""

import ctypes
import errno
import math
import select
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from . import _lib
from .base import BaseMap, Descriptor

_INT_MAX = (1 << 31) - 1


class _Consumer:
    """The library's consumer of a ring. It goes with the last reference."""

    def __init__(self, fd: int) -> None:
        self._consumer: int | None = None
        self._receive: Callable[[bytes], object] | None = None
        self._error: BaseException | None = None
        self._lock = threading.Lock()
        box: list[_Consumer] = []

        def sample(_: Any, data: int, size: int) -> int:
            return box[0]._sample(data, size)

        # Not bound to this object, which nothing would set free then
        self._box = box
        self._function = _lib.SampleFn(sample)
        self._consumer = _lib.ring_buffer_new(fd, self._function, None, None)
        if not self._consumer:
            _lib.fail(ctypes.get_errno())

    def _sample(self, data: int, size: int) -> int:
        try:
            assert self._receive is not None
            self._receive(ctypes.string_at(data, size))
        except BaseException as error:  # C cannot hand it on
            self._error = error
            return -errno.ECANCELED
        return 0

    def consume(self, receive: Callable[[bytes], object], most: int) -> int:
        """Hand records over, `most` of them at most."""
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("somebody else is consuming this ring just now")
        try:
            self._box.append(self)
            self._receive = receive
            count = int(_lib.ring_buffer_consume_n(self._consumer, most))
            error, self._error = self._error, None
        finally:
            self._box.clear()
            self._receive = None
            self._lock.release()
        if error is not None:
            raise error
        return _lib.check(count)

    @property
    def lost(self) -> int:
        """Bytes of records that were overwritten before they could be consumed."""
        ring = _lib.ring_buffer_ring(self._consumer, 0)
        return int(_lib.ring_lost(ring))

    def __del__(self, _free: Callable[[Any], Any] = _lib.ring_buffer_free) -> None:
        if self._consumer:
            _free(self._consumer)


class RingBuffer(BaseMap):
    """Records that the kernel writes.

    Iteration waits for them for ever. There is one consumer at a time: what is
    handed over is gone. ``fileno()`` is readable while there are records.

    With CreateFlag.RB_OVERWRITE, records that are overwritten before they could be
    consumed are skipped, and `lost` counts them. EBADMSG says that another process
    has spoilt the ring.
    """

    def __init__(self, fd: int | Descriptor) -> None:
        super().__init__(fd)
        self._consumer: _Consumer | None = None

    def close(self) -> None:
        """Close the descriptor, and unmap the ring."""
        self._consumer = None
        super().close()

    @property
    def lost(self) -> int:
        """Bytes of records, with their headers, that were overwritten unseen."""
        consumer = self._consumer
        return consumer.lost if consumer else 0

    def consume(
        self, receive: Callable[[bytes], object], most: int | None = None
    ) -> int:
        """Call `receive` with each record that there is; how many there were.

        What it raises ends that and is raised from here; the record that it was
        called with is consumed.
        """
        descriptor = self._open()
        consumer = self._consumer
        if consumer is None:
            consumer = self._consumer = _Consumer(descriptor.fd)
        limit = _INT_MAX if most is None else max(0, min(most, _INT_MAX))
        return consumer.consume(receive, limit)

    def _wait(self, timeout: float | None) -> bool:
        descriptor = self._open()
        poll = select.poll()
        poll.register(descriptor.fd, select.POLLIN)
        left = None if timeout is None else math.ceil(max(0.0, timeout) * 1000)
        return bool(poll.poll(left))

    def poll(
        self, receive: Callable[[bytes], object], timeout: float | None = None
    ) -> int:
        """Wait for records, `timeout` seconds at most, and consume them."""
        return self.consume(receive) if self._wait(timeout) else 0

    def records(self, timeout: float | None = None) -> Iterator[bytes]:
        """Records, until none has come for so many seconds, or for ever."""
        found: list[bytes] = []
        while self._wait(timeout):
            # One by one, so that a caller that stops loses none
            while self.consume(found.append, 1):
                yield found.pop()
            # It is readable for a record that is still being written
            time.sleep(0.0005)

    def __iter__(self) -> Iterator[bytes]:
        return self.records()


class _Producer:
    """The library's producer. It goes with the last reference."""

    def __init__(self, fd: int) -> None:
        self.lock = threading.Lock()
        self.producer = _lib.user_ring_buffer_new(fd, None)
        if not self.producer:
            _lib.fail(ctypes.get_errno())

    def __del__(self, _free: Callable[[Any], Any] = _lib.user_ring_buffer_free) -> None:
        if self.producer:
            _free(self.producer)


class UserRingBuffer(BaseMap):
    """Samples that the kernel reads, when it likes to."""

    def __init__(self, fd: int | Descriptor) -> None:
        super().__init__(fd)
        self._producer: _Producer | None = _Producer(self.fileno())

    def close(self) -> None:
        """Close the descriptor, and unmap the ring."""
        self._producer = None
        super().close()

    def send(self, data: bytes, timeout: float | None = 0) -> None:
        """Put a sample in. Waits so many seconds for room, with None for ever.

        ENOSPC if there is none, E2BIG if there never is.
        """
        self._open()
        producer = self._producer
        if producer is None:
            raise ValueError("the map is closed")
        data = memoryview(data).tobytes()
        end = None if timeout is None else time.monotonic() + timeout
        with producer.lock:
            while True:
                left = -1
                if end is not None:
                    seconds = max(0.0, end - time.monotonic())
                    left = min(_INT_MAX, math.ceil(seconds * 1000))
                sample = _lib.user_ring_buffer_reserve_blocking(
                    producer.producer, len(data), left
                )
                if sample:
                    break
                if ctypes.get_errno() != errno.EINTR:
                    _lib.fail(ctypes.get_errno())
            ctypes.memmove(sample, data, len(data))
            _lib.user_ring_buffer_submit(producer.producer, sample)
