#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compare the barriers in the module's sources with the table of their pairs in
Documentation/design.rst, and print the differences: scripts/barriers.py [TOP]

The table names each as "``function()`` barrier", with "(N)" behind it if the function
has N of them. Pointers that rcu_assign_pointer()
publishes are left to sparse and lockdep."""

import re
import sys
from pathlib import Path

BARRIERS = """smp_mb smp_rmb smp_wmb smp_load_acquire smp_store_release
    smp_mb__before_atomic smp_mb__after_atomic atomic_read_acquire
    atomic_set_release atomic_try_cmpxchg atomic64_try_cmpxchg cmpxchg xchg
    read_seqcount_begin read_seqcount_retry write_seqcount_begin
    write_seqcount_end synchronize_rcu synchronize_rcu_expedited""".split()
SECTION = "Memory ordering"
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# At the start of a line: a function's name and what is before it
FUNCTION = re.compile(r"^(?![#}/])(?:\w[\w *]*[ *])?(\w+)\(")
CALL = re.compile(r"\b(\w+)\(")
# Without () where the manual has no such function to refer to
NAMED = re.compile(r"``(\w+)(?:\(\))?``\s+(\w+)(?:\s+\((\d+)\))?")

Barrier = tuple[str, str, int]  # function, barrier, how many


def in_sources(top: Path) -> dict[Barrier, str]:
    """Where each is"""
    places: dict[tuple[str, str], list[str]] = {}
    for path in sorted((top / "drivers/bpfmap").glob("*.[ch]")):
        text = COMMENT.sub(lambda m: "\n" * m[0].count("\n"), path.read_text())
        function = ""
        for number, line in enumerate(text.splitlines(), 1):
            if (match := FUNCTION.match(line)) and not line.rstrip().endswith(";"):
                function = match[1]
                continue
            for name in CALL.findall(line):
                if name in BARRIERS:
                    at = f"{path.name}:{number}"
                    places.setdefault((function, name), []).append(at)
    return {(*each, len(lines)): lines[0] for each, lines in places.items()}


def in_table(top: Path) -> set[Barrier]:
    text = (top / "Documentation/design.rst").read_text()
    section = re.search(
        rf"^{SECTION}\n=+\n(.*?)^\S[^\n]*\n=+\n", text, re.DOTALL | re.MULTILINE
    )
    if not section:
        sys.exit(f"design.rst has no section {SECTION}")
    return {
        (function, name, int(count or 1))
        for function, name, count in NAMED.findall(section[1])
        if name in BARRIERS
    }


def main() -> int:
    top = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent)
    sources, table = in_sources(top), in_table(top)
    problems = [
        f"{sources[each]}: {each[0]}() has {each[2]} {each[1]}: no row of design.rst"
        for each in sorted(sources.keys() - table)
    ]
    problems += [
        f"design.rst: {function}() has not {count} {name}"
        for function, name, count in sorted(table - sources.keys())
    ]
    if not sources:
        problems.append("no barrier found")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
