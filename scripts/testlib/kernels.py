# SPDX-License-Identifier: GPL-2.0-only
"""The kernels in scripts/kernels."""

from collections.abc import Iterator
from pathlib import Path

LIST = Path(__file__).parent.parent / "kernels"


def rows() -> Iterator[tuple[str, str, list[str]]]:
    """Of each its name, where it comes from, and its uses"""
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            name, source, _, uses, _ = line.split(None, 4)
            yield name, source, uses.split(",")


def with_use(use: str) -> list[str]:
    """Their names, as of "scripts/kernel.sh -l USE"."""
    return [name for name, _, uses in rows() if use in uses]


def architecture(kernel: str) -> str:
    """Debian's name of it"""
    for name, source, _ in rows():
        if name == kernel:
            return source.split(":")[1] if ":" in source else "amd64"
    return "?"
