// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"fmt"
	"reflect"
	"syscall"
	"unsafe"
)

// Table is a map whose keys and values have types. They are flat: integers of a fixed
// size, floats, bools, arrays and structs of these without padding. A Queue, a Stack
// and a BloomFilter have struct{} for keys. For per-CPU types use the Map itself.
type Table[K, V any] struct {
	*Map
}

func checkFlat[T any](what string, size int) error {
	t := reflect.TypeOf((*T)(nil)).Elem()
	if !isFlat(t) || int(t.Size()) != size {
		return fmt.Errorf("%s %s is not flat, or has not %d bytes", what, t, size)
	}
	return nil
}

// NewTable gives the keys and values of a map their types
func NewTable[K, V any](m *Map) (*Table[K, V], error) {
	if m.typ.isPerCPU() {
		return nil, fmt.Errorf("a table of a %s: %w", m.typ, ErrNotSupported)
	}
	if err := checkFlat[K]("key", int(m.keySize)); err != nil {
		return nil, err
	}
	if err := checkFlat[V]("value", m.fullValueSize); err != nil {
		return nil, err
	}
	return &Table[K, V]{m}, nil
}

// keyOf is NULL where there is no key
func (t *Table[K, V]) keyOf(key *K) unsafe.Pointer {
	if t.keySize == 0 {
		return nil
	}
	return unsafe.Pointer(key)
}

// Get is the value of a key, or ErrKeyNotExist
func (t *Table[K, V]) Get(key K) (value V, err error) {
	return value, elementError(t.elem(cmdLookup, t.keyOf(&key), unsafe.Pointer(&value), 0))
}

// Set stores an element, whether there is one or not
func (t *Table[K, V]) Set(key K, value V) error {
	return t.store(key, value, UpdateAny)
}

// Insert stores an element if there is none, else it is ErrKeyExist
func (t *Table[K, V]) Insert(key K, value V) error {
	return t.store(key, value, UpdateNoExist)
}

// Replace stores an element if there is one, else it is ErrKeyNotExist
func (t *Table[K, V]) Replace(key K, value V) error {
	return t.store(key, value, UpdateExist)
}

func (t *Table[K, V]) store(key K, value V, flags MapUpdateFlags) error {
	return elementError(t.elem(cmdUpdate, t.keyOf(&key), unsafe.Pointer(&value), uint64(flags)))
}

// Take is the value of a key, which it removes
func (t *Table[K, V]) Take(key K) (value V, err error) {
	return value, elementError(t.elem(cmdLookupAndDelete, t.keyOf(&key), unsafe.Pointer(&value), 0))
}

// Remove deletes a key, or is ErrKeyNotExist
func (t *Table[K, V]) Remove(key K) error {
	return elementError(t.elem(cmdDelete, t.keyOf(&key), nil, 0))
}

// Has tells whether a key is there, in a BloomFilter whether a value may be
func (t *Table[K, V]) Has(key K, value *V) (bool, error) {
	var unused V
	if value == nil {
		value = &unused
	}
	errno := t.elem(cmdLookup, t.keyOf(&key), unsafe.Pointer(value), 0)
	if errno == syscall.ENOENT {
		return false, nil
	}
	return errno == 0, elementError(errno)
}

// Each calls a function with every element until it is false, see Iterate
func (t *Table[K, V]) Each(visit func(key K, value V) bool) error {
	w := newWalk(t.Map)
	for {
		n, err := w.next(cmdLookupBatch)
		if err != nil || n == 0 {
			return wrap("each", err)
		}
		keys := unsafe.Slice((*K)(unsafe.Pointer(&w.keys[0])), n)
		values := unsafe.Slice((*V)(unsafe.Pointer(&w.values[0])), n)
		for i := range keys {
			if !visit(keys[i], values[i]) {
				return nil
			}
		}
	}
}

// SetAll stores elements, and says how many
func (t *Table[K, V]) SetAll(keys []K, values []V) (int, error) {
	return t.BatchUpdate(keys, values, nil)
}
