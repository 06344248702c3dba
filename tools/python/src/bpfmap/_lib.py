# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""libbpfmap by ctypes: its functions and structures as bpfmap.h has them.

ctypes gives up the interpreter's lock while a function runs, so threads go on
meanwhile.
"""

import ctypes
import errno
import os
from collections.abc import Callable
from ctypes import (
    POINTER, c_char_p, c_int, c_int32, c_size_t, c_uint32, c_uint64, c_void_p,
)
from typing import Any, NoReturn

BATCH_RESUME = 1 << 63  #: BPFMAP_BATCH_F_RESUME
ENOENT = errno.ENOENT
ENOTSUPP = 524  #: what the kernel says of what a type of map cannot do

_NAMES = ("libbpfmap.so.1",)


def _load() -> ctypes.CDLL:
    """The library: that of the environment's LIBBPFMAP, else the installed one."""
    named = os.environ.get("LIBBPFMAP")
    problem = None
    for name in (named,) if named else _NAMES:
        try:
            return ctypes.CDLL(name, use_errno=True)
        except OSError as error:
            problem = problem or error
    raise ImportError(f"libbpfmap cannot be loaded: {problem}")


class CreateOpts(ctypes.Structure):
    """struct bpfmap_create_opts"""

    _fields_ = [
        ("sz", c_size_t),
        ("btf_fd", c_uint32),
        ("btf_key_type_id", c_uint32),
        ("btf_value_type_id", c_uint32),
        ("btf_vmlinux_value_type_id", c_uint32),
        ("inner_map_fd", c_uint32),
        ("map_flags", c_uint32),
        ("map_extra", c_uint64),
        ("numa_node", c_uint32),
        ("map_ifindex", c_uint32),
        ("value_type_btf_obj_fd", ctypes.c_int32),
        ("token_fd", c_uint32),
        ("excl_prog_hash", c_void_p),
        ("excl_prog_hash_size", c_uint32),
        ("log_opts", c_void_p),
    ]


class BatchOpts(ctypes.Structure):
    """struct bpfmap_batch_opts"""

    _fields_ = [("sz", c_size_t), ("elem_flags", c_uint64), ("flags", c_uint64)]


class GetFdByIdOpts(ctypes.Structure):
    """struct bpfmap_get_fd_by_id_opts"""

    _fields_ = [("sz", c_size_t), ("open_flags", c_uint32), ("token_fd", c_uint32)]


class ObjGetOpts(ctypes.Structure):
    """struct bpfmap_obj_get_opts"""

    _fields_ = [("sz", c_size_t), ("file_flags", c_uint32), ("path_fd", c_int)]


class MapInfo(ctypes.Structure):
    """struct bpfmap_info"""

    _fields_ = [
        ("type", c_uint32),
        ("id", c_uint32),
        ("key_size", c_uint32),
        ("value_size", c_uint32),
        ("max_entries", c_uint32),
        ("map_flags", c_uint32),
        ("name", ctypes.c_char * 16),
        ("ifindex", c_uint32),
        ("btf_vmlinux_value_type_id", c_uint32),
        ("netns_dev", c_uint64),
        ("netns_ino", c_uint64),
        ("btf_id", c_uint32),
        ("btf_key_type_id", c_uint32),
        ("btf_value_type_id", c_uint32),
        ("btf_vmlinux_id", c_uint32),
        ("map_extra", c_uint64),
        ("hash", c_uint64),
        ("hash_size", c_uint32),
        ("pad", c_uint32),
    ]


#: int sample(void *ctx, void *data, size_t size)
SampleFn = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)

#: int element(const void *key, const void *value, void *ctx)
ViewFn = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p)

_library = _load()


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = getattr(_library, name)
    function.restype = result
    function.argtypes = arguments
    return function  # type: ignore[no-any-return]


create = _function(
    "bpfmap_create", c_int, c_int, c_char_p, c_uint32, c_uint32, c_uint32,
    POINTER(CreateOpts),
)
update_elem = _function("bpfmap_update_elem", c_int, c_int, c_void_p, c_void_p, c_uint64)
lookup_elem_flags = _function(
    "bpfmap_lookup_elem_flags", c_int, c_int, c_void_p, c_void_p, c_uint64
)
lookup_and_delete_elem = _function(
    "bpfmap_lookup_and_delete_elem", c_int, c_int, c_void_p, c_void_p
)
pop_wait = _function("bpfmap_pop_wait", c_int, c_int, c_void_p, c_int)
delete_elem = _function("bpfmap_delete_elem", c_int, c_int, c_void_p)
get_next_key = _function("bpfmap_get_next_key", c_int, c_int, c_void_p, c_void_p)
freeze = _function("bpfmap_freeze", c_int, c_int)
lookup_batch = _function(
    "bpfmap_lookup_batch", c_int, c_int, c_void_p, c_void_p, c_void_p, c_void_p,
    POINTER(c_uint32), POINTER(BatchOpts),
)
lookup_and_delete_batch = _function(
    "bpfmap_lookup_and_delete_batch", c_int, c_int, c_void_p, c_void_p, c_void_p,
    c_void_p, POINTER(c_uint32), POINTER(BatchOpts),
)
update_batch = _function(
    "bpfmap_update_batch", c_int, c_int, c_void_p, c_void_p, POINTER(c_uint32),
    POINTER(BatchOpts),
)
lookup_many = _function(
    "bpfmap_lookup_many", c_int, c_int, c_void_p, c_void_p, POINTER(c_int32),
    POINTER(c_uint32), POINTER(BatchOpts),
)
batch_can_resume = _function("bpfmap_batch_can_resume", c_int)
get_next_id = _function("bpfmap_get_next_id", c_int, c_uint32, POINTER(c_uint32))
get_fd_by_id_opts = _function(
    "bpfmap_get_fd_by_id_opts", c_int, c_uint32, POINTER(GetFdByIdOpts)
)
get_info_by_fd = _function(
    "bpfmap_get_info_by_fd", c_int, c_int, POINTER(MapInfo), POINTER(c_uint32)
)
obj_pin = _function("bpfmap_obj_pin", c_int, c_int, c_char_p)
obj_get_opts = _function("bpfmap_obj_get_opts", c_int, c_char_p, POINTER(ObjGetOpts))
num_possible_cpus = _function("bpfmap_num_possible_cpus", c_int)

ring_buffer_new = _function(
    "bpfmap_ring_buffer_new", c_void_p, c_int, SampleFn, c_void_p, c_void_p
)
ring_buffer_free = _function("bpfmap_ring_buffer_free", None, c_void_p)
ring_buffer_poll = _function("bpfmap_ring_buffer_poll", c_int, c_void_p, c_int)
ring_buffer_consume_n = _function("bpfmap_ring_buffer_consume_n", c_int, c_void_p, c_size_t)
ring_buffer_ring = _function("bpfmap_ring_buffer_ring", c_void_p, c_void_p, c_uint32)
ring_lost = _function("bpfmap_ring_lost", c_uint64, c_void_p)
user_ring_buffer_new = _function("bpfmap_user_ring_buffer_new", c_void_p, c_int, c_void_p)
user_ring_buffer_reserve_blocking = _function(
    "bpfmap_user_ring_buffer_reserve_blocking", c_void_p, c_void_p, c_uint32, c_int
)
user_ring_buffer_reserve = _function(
    "bpfmap_user_ring_buffer_reserve", c_void_p, c_void_p, c_uint32
)
user_ring_buffer_submit = _function(
    "bpfmap_user_ring_buffer_submit", None, c_void_p, c_void_p
)
user_ring_buffer_free = _function("bpfmap_user_ring_buffer_free", None, c_void_p)

view_open = _function("bpfmap_view_open", c_void_p, c_int, c_void_p)
view_close = _function("bpfmap_view_close", None, c_void_p)
view_lookup = _function("bpfmap_view_lookup", c_int, c_void_p, c_void_p, c_void_p)
view_lookup_many = _function(
    "bpfmap_view_lookup_many", c_uint32, c_void_p, c_void_p, c_void_p, c_void_p, c_uint32
)
view_for_each = _function(
    "bpfmap_view_for_each", c_int, c_void_p, c_void_p, c_void_p, ViewFn, c_void_p
)


def fail(err: int, what: str | None = None) -> NoReturn:
    """Raise the OSError of a number, positive or as the library returns it."""
    err = abs(err)
    text = "maps of this type cannot do that" if err == ENOTSUPP else os.strerror(err)
    if what is None:
        raise OSError(err, text)
    raise OSError(err, text, what)


def check(result: int, what: str | None = None) -> int:
    """The result of a function of the library, unless it is an error."""
    if result < 0:
        fail(result, what)
    return result
