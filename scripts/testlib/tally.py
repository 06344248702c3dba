# SPDX-License-Identifier: GPL-2.0-only
"""How many tests passed and failed, and which failed."""

from dataclasses import dataclass, field


@dataclass
class Tally:
    """Of a program, a job, or all of them."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    assertions: int = 0
    processor: float = 0  # seconds of it that were used
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)  # with their reasons

    def fail(self, text: str) -> None:
        self.failed += 1
        self.failures.append(text)

    def verdict(self, good: bool, name: str) -> str:
        """A step that is a test by itself. Returns the line to print."""
        if good:
            self.passed += 1
            return f"ok: {name}"
        self.fail(name)
        return f"not ok: {name}"

    def add(self, other: "Tally") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.assertions += other.assertions
        self.processor += other.processor
        self.failures += other.failures
        self.skips += other.skips

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
