# SPDX-License-Identifier: GPL-2.0-only
"""A program of libbpf's users: maps of bpf(2) by ctypes, nothing of bpfmap.

usage: libbpf_maps.py LIBBPF PIN

Says what every call returns and what is in the map, which it leaves pinned.
"""

import ctypes
import sys
from ctypes import byref, c_char, c_uint32, c_uint64


class MapInfo(ctypes.Structure):
    """The beginning of struct bpf_map_info, and room for the rest"""

    _fields_ = [
        ("type", c_uint32), ("id", c_uint32), ("key_size", c_uint32),
        ("value_size", c_uint32), ("max_entries", c_uint32), ("map_flags", c_uint32),
        ("name", c_char * 16), ("rest", c_char * 48),
    ]


lib = ctypes.CDLL(sys.argv[1], use_errno=True)
pin = sys.argv[2].encode()


def call(name, *arguments):
    """Call a function, say how it went, and hand on what it returned"""
    ctypes.set_errno(0)
    result = getattr(lib, name)(*arguments)
    kind = "a descriptor" if result > 2 else "ok"
    print(name, kind if result >= 0 else f"{result} errno {ctypes.get_errno()}")
    return result


def update(fd, key, value, flags=0):
    """Store an element"""
    return call("bpf_map_update_elem", fd, byref(c_uint32(key)), byref(c_uint64(value)),
                c_uint64(flags))


def walk(fd):
    """All keys, one by one"""
    keys, key, following = [], None, c_uint32()
    while not lib.bpf_map_get_next_key(fd, key, byref(following)):
        keys.append(following.value)
        key = byref(c_uint32(following.value))
    return sorted(keys)


def batch(name, fd, room):
    """Elements by batch, and how it ended"""
    keys, values = (c_uint32 * room)(), (c_uint64 * room)()
    count, cursor = c_uint32(room), c_uint32()
    result = getattr(lib, name)(fd, None, byref(cursor), keys, values, byref(count), None)
    print(name, result, sorted(zip(keys[: count.value], values[: count.value])))


def elements(fd):
    """Element by element"""
    for i in range(10):
        update(fd, i, i * i)
    update(fd, 7, 7, 1)
    update(fd, 70, 70, 2)
    found, seven = c_uint64(), byref(c_uint32(7))
    call("bpf_map_lookup_elem", fd, seven, byref(found))
    print(found.value)
    call("bpf_map_lookup_elem", fd, byref(c_uint32(99)), byref(found))
    call("bpf_map_delete_elem", fd, seven)
    call("bpf_map_delete_elem", fd, seven)
    call("bpf_map_lookup_and_delete_elem", fd, byref(c_uint32(9)), byref(found))
    print(found.value, walk(fd))


def batches(fd):
    """Many at a time"""
    keys, values = (c_uint32 * 20)(*range(20, 40)), (c_uint64 * 20)(*range(20))
    count = c_uint32(20)
    call("bpf_map_update_batch", fd, keys, values, byref(count), None)
    batch("bpf_map_lookup_batch", fd, 64)
    count = c_uint32(15)
    call("bpf_map_delete_batch", fd, keys, byref(count), None)
    print(count.value, walk(fd))
    count = c_uint32(3)
    call("bpf_map_delete_batch", fd, keys, byref(count), None)
    print(count.value)


def names(fd):
    """What the map is, and its pin"""
    info, size = MapInfo(), c_uint32(ctypes.sizeof(MapInfo))
    call("bpf_obj_get_info_by_fd", fd, byref(info), byref(size))
    print(info.type, info.key_size, info.value_size, info.max_entries, info.map_flags,
          info.name, info.id > 0)
    call("bpf_obj_pin", fd, pin)
    call("bpf_obj_pin", fd, pin)
    call("bpf_obj_get", pin + b"_not")
    again = call("bpf_obj_get", pin)
    print(walk(again) == walk(fd))
    by_id = call("bpf_map_get_fd_by_id", info.id)
    print(walk(by_id) == walk(fd))


def wrong(fd):
    """What must fail, and how"""
    key, found = c_uint32(1), c_uint64()
    call("bpf_map_lookup_elem", 999, byref(key), byref(found))
    call("bpf_map_lookup_elem", 0, byref(key), byref(found))
    call("bpf_map_lookup_elem", fd, None, byref(found))
    call("bpf_map_create", 1, b"none", 0, 8, 100, None)
    call("bpf_map_create", 2, b"none", 8, 8, 100, None)
    call("bpf_map_freeze", fd)
    update(fd, 1, 1)
    call("bpf_map_delete_elem", fd, byref(key))
    call("bpf_map_lookup_elem", fd, byref(key), byref(found))


def main():
    """All of it on one map, and a look at another"""
    fd = call("bpf_map_create", 1, b"python", 4, 8, 100, None)
    elements(fd)
    batches(fd)
    names(fd)
    wrong(fd)
    queue = call("bpf_map_create", 22, b"queue", 0, 8, 2, None)
    value = c_uint64(5)
    for _ in range(3):
        call("bpf_map_update_elem", queue, None, byref(value), c_uint64(0))
    batch("bpf_map_lookup_and_delete_batch", queue, 4)
    hashed = call("bpf_map_create", 1, b"other", 4, 8, 100, None)
    update(hashed, 1, 2)
    batch("bpf_map_lookup_and_delete_batch", hashed, 64)
    print(walk(hashed))


main()
