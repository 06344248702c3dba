// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

// Package bpfmap is the maps of /dev/bpfmap, in the shape of cilium/ebpf's maps.
//
// A program that uses maps of cilium/ebpf, and no BPF programs, changes an import:
//
//	import ebpf "bpfmap.invalid/bpfmap"
//
// Permission to open the device is enough, no capability is needed. Only the
// standard library is needed as well, and no cgo.
//
// # Keys and values
//
// Arguments for keys and values may be
//
//   - integers of a fixed size, floats, bools, and arrays and structs of these, as
//     they are in memory, and pointers to them. A struct with padding is stored
//     without it, as encoding/binary does;
//   - []byte and string of the right length; a nil for what a type of map does not
//     have;
//   - what implements encoding.BinaryMarshaler or BinaryUnmarshaler, such as
//     netip.Addr; a netip.Prefix is a key of an LPMTrie;
//   - slices of these, one for each possible CPU, as values of per-CPU types;
//   - *Map as a value of maps of maps.
//
// Results are pointers to these. A Table has the types of its keys and values at
// compile time instead, and does not allocate.
//
// # Errors
//
// An error of the kernel is both what it means and its number: errors.Is(err,
// ErrKeyNotExist) and errors.Is(err, syscall.ENOENT) are true for a key that is not
// there.
//
// All methods may be called by several goroutines, but for those of iterators,
// cursors and readers of rings, which belong to one at a time.
package bpfmap
