# SPDX-License-Identifier: GPL-2.0-only
"""A program of bcc's users: its tables, nothing of bpfmap.

Says what it finds in each, a line at a time, the same on bpf(2) and on the device.
"""

import ctypes
import sys

from bcc import BPF

TEXT = """
struct key { u32 a; u32 b; };
struct prefix { u32 bits; u32 address; };
BPF_HASH(hash, struct key, u64, 100);
BPF_ARRAY(array, u64, 10);
BPF_TABLE("lru_hash", u32, u64, lru, 1000);
BPF_PERCPU_ARRAY(percpu_array, u64, 4);
BPF_TABLE("percpu_hash", u32, u64, percpu_hash, 16);
BPF_F_TABLE("lpm_trie", struct prefix, u32, trie, 16, BPF_F_NO_PREALLOC);
BPF_QUEUE(queue, u64, 4);
BPF_STACK(stack, u64, 4);
BPF_RINGBUF_OUTPUT(ring, 8);
"""


def say(name, *what):
    """A line of the output"""
    print(name, *what, flush=True)


def mapping(name, table, key):
    """As a dictionary"""
    for i in range(5):
        table[key(i)] = table.Leaf(i * i)
    say(name, sorted(value.value for value in table.values()))
    del table[key(2)]
    say(name, len(list(table.keys())), key(2) in table, table[key(3)].value)
    try:
        table[key(2)]
    except KeyError:
        say(name, "KeyError")


def batches(name, table):
    """Many at a time"""
    keys = (table.Key * 3)(*[table.Key(i) for i in (10, 11, 12)])
    values = (table.Leaf * 3)(*[table.Leaf(i) for i in (100, 110, 120)])
    table.items_update_batch(keys, values)
    say(name, sorted(table.items_lookup_batch()))
    table.items_delete_batch(keys)
    say(name, len(list(table.items_lookup_and_delete_batch())), len(table))


def percpu(name, table):
    """A value for each CPU"""
    values = table.Leaf(*range(1, len(table.Leaf()) + 1))
    table[table.Key(3)] = values
    say(name, list(table[table.Key(3)]) == list(values), table.sum(table.Key(3)).value)


def prefixes(table):
    """The longest one counts"""
    for bits, address, value in ((8, 10, 8), (16, 10 + (1 << 8), 16)):
        table[table.Key(bits, address)] = ctypes.c_uint(value)
    say("trie", table[table.Key(32, 10 + (1 << 8))].value,
        table[table.Key(32, 10 + (2 << 8))].value)


def ends(name, table):
    """Elements without keys"""
    for i in range(4):
        table.push(ctypes.c_ulong(i))
    try:
        table.push(ctypes.c_ulong(9))
    except Exception as error:  # bcc has no class for it
        say(name, type(error).__name__)
    say(name, table.peek().value, [value.value for value in table.values()])


def main():
    """All tables"""
    bpf = BPF(text=TEXT)
    mapping("hash", bpf["hash"], lambda i: bpf["hash"].Key(i, i))
    mapping("lru", bpf["lru"], bpf["lru"].Key)
    batches("lru", bpf["lru"])
    array = bpf["array"]
    array[3] = ctypes.c_ulong(33)
    say("array", [value.value for value in array.values()], len(array))
    percpu("percpu_array", bpf["percpu_array"])
    percpu("percpu_hash", bpf["percpu_hash"])
    prefixes(bpf["trie"])
    ends("queue", bpf["queue"])
    ends("stack", bpf["stack"])
    bpf["ring"].open_ring_buffer(lambda *_: None)
    bpf.ring_buffer_poll(1)
    say("ring", "polled")


if __name__ == "__main__":
    sys.exit(main())
