# SPDX-License-Identifier: GPL-2.0-only
"""The kernels in scripts/kernels."""

from pathlib import Path

LIST = Path(__file__).parent.parent / "kernels"


def with_use(use: str) -> list[str]:
    """Their names, as of "scripts/kernel.sh -l USE"."""
    names = []
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, _, uses, _ = line.split(None, 4)
            if use in uses.split(","):
                names.append(name)
    return names
