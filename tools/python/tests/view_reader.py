# SPDX-License-Identifier: GPL-2.0-only
"""A reader of views, from "Views" in Documentation/uapi.rst; x86 orders its loads."""
import mmap
import struct
M64 = (1 << 64) - 1
def rol(x, n):
    return (x << n | (x & M64) >> (64 - n)) & M64
def half_1(a, b, c, d):
    return rol(a + b & M64, 32), rol(b, 13) ^ (a + b & M64), c, d
def half_2(a, b, c, d):
    c, d = c + d & M64, rol(d, 16) ^ (c + d & M64)
    a = a + d & M64
    return a, rol(b, 17) ^ (c + b & M64), rol(c + b & M64, 32), rol(d, 21) ^ a
def blocks(key):
    n = len(key)
    if n < 4:
        return [key[0] + (key[n // 2] << 8) + (key[n - 1] << 16)]
    key, n = (key[:4] + key[-4:], 8) if n < 8 else (key, n)
    return [struct.unpack_from("Q", key, min(i, n - 8))[0] for i in range(0, n, 8)]
class Reader:
    def __init__(self, fd):
        h = struct.unpack_from("8I3Q8I4Q", mmap.mmap(fd, 4096, mmap.MAP_SHARED, 1))
        assert h[0] == 0x77656976 and h[1] == 1
        self.map = mmap.mmap(fd, h[8], mmap.MAP_SHARED, mmap.PROT_READ)
        self.key_size, self.value_size, self.nr = h[4:7]
        self.heads, self.elems, self.elem_size, self.mask = h[9:13]
        self.next, self.seq, _, self.key, self.value = h[13:18]
        self.state = h[19:]
    def u32(self, at):
        return struct.unpack_from("I", self.map, at)[0]
    def hash(self, key):
        v = self.state
        for i, m in enumerate(blocks(key)):
            a, b, c, d = half_1(*v) if i else v
            a, b, c, d = half_2(a, b, c, d ^ m)
            v = a ^ m, b, c, d
        v = v[0], v[1], v[2] ^ 0xFF, v[3]
        for _ in range(3):
            v = half_2(*half_1(*v))
        return (v[0] ^ v[1] ^ v[2] ^ v[3]) & 0xFFFFFFFF
    def find(self, key):  # an element and its count; None: absent; 0: look again
        if not self.heads:
            at = self.elems + (index := struct.unpack("I", key)[0]) * self.elem_size
            return (at, self.u32(at + self.seq)) if index < self.nr else None
        bucket = self.hash(key) & self.mask
        link = self.u32(self.heads + 4 * bucket)
        while not link >> 31:
            at = self.elems + link * self.elem_size
            seq, key_at = self.u32(at + self.seq), at + self.key
            if self.map[key_at:key_at + self.key_size] == key:
                return at, seq
            link = self.u32(at + self.next)
        return None if link == 1 << 31 | bucket else 0
    def get(self, key):
        while (found := self.find(key)) is not None:
            if found and not found[1] & 1:
                value = self.map[(v := found[0] + self.value):v + self.value_size]
                if self.u32(found[0] + self.seq) == found[1]:
                    return value
        return None
