// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"errors"
	"syscall"
)

const (
	batchElements = 1024
	batchBytes    = 1 << 20
	maxRestarts   = 1000
)

// walk reads a map by batches, into buffers of its own
type walk struct {
	m            *Map
	cursor       MapBatchCursor
	keys, values []byte
	room         int // elements
	opts         BatchOptions
	done         bool
	restarts     int
}

func newWalk(m *Map) *walk {
	w := &walk{m: m, room: batchElements}
	if each := int(m.keySize) + m.fullValueSize; each*w.room > batchBytes {
		w.room = batchBytes/each + 1
	}
	if m.typ != RHash {
		w.opts.Flags = BatchFlagResume
	}
	return w
}

// next reads some elements; 0 at the end
func (w *walk) next(cmd uintptr) (int, error) {
	for !w.done {
		if w.keys == nil {
			w.keys = make([]byte, w.room*int(w.m.keySize))
			w.values = make([]byte, w.room*w.m.fullValueSize)
		}
		n, err := w.m.batch(cmd, &w.cursor, w.keys, w.values, w.room, &w.opts)
		if err = w.judge(err); err != nil {
			return 0, err
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, nil
}

// judge says whether the walk goes on after an error, and prepares that
func (w *walk) judge(err error) error {
	switch {
	case err == nil:
		return nil
	case isAbsent(err):
		w.done = true
		return nil
	case errors.Is(err, syscall.ENOSPC) && w.room <= int(w.m.maxEntries):
		// More elements in one bucket than there is room for
		w.room *= 2
		w.keys = nil
		return nil
	case errors.Is(err, syscall.EAGAIN):
		// The RHash's cursor was deleted, and its order is another one
		if w.restarts++; w.restarts > maxRestarts {
			return ErrIterationAborted
		}
		w.cursor = MapBatchCursor{}
		return nil
	case err == syscall.EINVAL && w.opts.Flags != 0:
		// An older module
		w.opts.Flags = 0
		return nil
	}
	return err
}

func (w *walk) key(i int) []byte {
	size := int(w.m.keySize)
	return w.keys[i*size : (i+1)*size]
}

func (w *walk) value(i int) []byte {
	size := w.m.fullValueSize
	return w.values[i*size : (i+1)*size]
}

// MapIterator visits all elements of a map
type MapIterator struct {
	walk *walk
	i, n int
	err  error
}

// Iterate visits all elements by batches. Elements may be changed and deleted
// meanwhile; one that stays is visited once, but in an RHash, see Restarts.
func (m *Map) Iterate() *MapIterator {
	return &MapIterator{walk: newWalk(m)}
}

// Next stores the next element; false at the end, and after an error
func (it *MapIterator) Next(keyOut, valueOut any) bool {
	if it.err != nil {
		return false
	}
	if it.i == it.n {
		it.i = 0
		if it.n, it.err = it.walk.next(cmdLookupBatch); it.n == 0 || it.err != nil {
			it.n = 0
			it.err = wrap("iterate", it.err)
			return false
		}
	}
	i := it.i
	it.i++
	if it.err = unmarshal(keyOut, it.walk.key(i)); it.err == nil {
		it.err = it.walk.m.unmarshalValue(valueOut, it.walk.value(i))
	}
	it.err = wrap("iterate", it.err)
	return it.err == nil
}

// Err is why Next ended, nil at the end of the map
func (it *MapIterator) Err() error {
	return it.err
}

// Restarts is how often the walk began again, so that elements came twice
func (it *MapIterator) Restarts() int {
	return it.walk.restarts
}

// Clear removes all elements. Types that cannot take out batches give their keys first.
func (m *Map) Clear() error {
	w := newWalk(m)
	w.opts.Flags = 0
	for {
		n, err := w.next(cmdTakeBatch)
		if errors.Is(err, ErrNotSupported) {
			return wrap("clear", m.clearByKeys())
		}
		if err != nil || n == 0 {
			return wrap("clear", err)
		}
	}
}

func (m *Map) clearByKeys() error {
	w := newWalk(m)
	for {
		n, err := w.next(cmdLookupBatch)
		if err != nil || n == 0 {
			return err
		}
		for i := 0; i < n; i++ {
			errno := m.elem(cmdDelete, firstByte(w.key(i)), nil, 0)
			if errno != 0 && errno != syscall.ENOENT {
				return elementError(errno)
			}
		}
	}
}

// Len counts the elements, by a walk
func (m *Map) Len() (int, error) {
	w, sum := newWalk(m), 0
	for {
		n, err := w.next(cmdLookupBatch)
		if err != nil || n == 0 {
			return sum, wrap("len", err)
		}
		sum += n
	}
}
