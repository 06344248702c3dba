# SPDX-License-Identifier: GPL-2.0-only
"""What a checker of types makes of the module. Not run: see pyproject.toml."""

from typing import Any, assert_type

import bpfmap


def maps() -> None:
    m = bpfmap.create("hash", bpfmap.u32, bpfmap.Text(16), 10)
    assert_type(m, bpfmap.Map[int, str])
    assert_type(m[1], str)
    assert_type(m.pop(1), str)
    assert_type(m.pop(1, None), str | None)
    assert_type(m.get(1), str | None)
    assert_type(list(m.items()), list[tuple[int, str]])
    m[1] = 2  # type: ignore[assignment]
    with m as same:
        assert_type(same, bpfmap.Map[int, str])
    assert_type(bpfmap.create("array", value="u32", max_entries=1),
                bpfmap.Map[Any, Any])


def others() -> None:
    cpus = bpfmap.create("percpu_hash", bpfmap.u32, bpfmap.u64, 10)
    assert_type(cpus[1], list[int])
    assert_type(cpus.get_cpu(1, 0), int)
    queue = bpfmap.create("queue", value=bpfmap.u64, max_entries=10)
    assert_type(queue.pop_wait(1.5), int)
    outer = bpfmap.create("hash_of_maps", "u32", max_entries=1, inner=queue)
    assert_type(outer[1], bpfmap.BaseMap)
    ring = bpfmap.create("ringbuf", max_entries=4096)
    assert_type(list(ring), list[bytes])
