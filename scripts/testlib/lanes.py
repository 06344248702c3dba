# SPDX-License-Identifier: GPL-2.0-only
"""Several jobs at a time, the longest first."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, Optional, Protocol, TypeVar


class Job(Protocol):
    """What a lane needs to know of a job."""

    @property
    def seconds(self) -> int:
        """That it takes, more or less"""

    @property
    def alone(self) -> str:
        """Not at the same time as another job with this word; may be empty."""


J = TypeVar("J", bound=Job)


class Lanes(Generic[J]):
    """Each job is given to do() once. A lane ends when no job is left for it."""

    def __init__(self, jobs: Sequence[J], do: Callable[[J], None]) -> None:
        self._waiting = sorted(jobs, key=lambda job: -job.seconds)
        self._do = do
        self._words: set[str] = set()  # of jobs that are running
        self._changed = threading.Condition()

    def run(self, count: int) -> None:
        threads = [threading.Thread(target=self._lane, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _lane(self) -> None:
        while job := self._take():
            try:
                self._do(job)
            finally:
                with self._changed:
                    self._words.discard(job.alone)
                    self._changed.notify_all()

    def _take(self) -> Optional[J]:
        with self._changed:
            while self._waiting:
                for job in self._waiting:
                    if not job.alone or job.alone not in self._words:
                        self._waiting.remove(job)
                        self._words.add(job.alone)
                        return job
                self._changed.wait()
            return None
