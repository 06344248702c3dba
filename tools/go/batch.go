// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"syscall"
	"unsafe"
)

// BatchFlagResume, in BatchOptions.Flags: a walk whose cursor is a key that was deleted
// goes on where that key was. An RHash does not take it, and needs it not.
const BatchFlagResume = 1 << 63

// BatchOptions may be nil
type BatchOptions struct {
	ElemFlags uint64
	Flags     uint64
}

// MapBatchCursor is how far a walk by batches is. The zero value is its beginning.
type MapBatchCursor struct {
	m      *Map
	opaque []byte
}

// in is NULL at the beginning
func (c *MapBatchCursor) prepare(m *Map) (in, out pointer, err error) {
	if c.m == nil {
		size := int(m.keySize)
		if size < 4 {
			size = 4
		}
		c.m, c.opaque = m, make([]byte, size)
		return pointer{}, pointer{ptr: firstByte(c.opaque)}, nil
	}
	if c.m != m {
		return in, out, errors.New("the cursor is of another map")
	}
	p := pointer{ptr: firstByte(c.opaque)}
	return p, p, nil
}

// batch is a command about many elements; the result is how many are done
func (m *Map) batch(cmd uintptr, cursor *MapBatchCursor, keys, values []byte, count int,
	opts *BatchOptions) (int, error) {
	attr := batchAttr{
		keys: pointer{ptr: firstByte(keys)}, values: pointer{ptr: firstByte(values)},
		count: uint32(count),
	}
	if opts != nil {
		attr.elemFlags, attr.flags = opts.ElemFlags, opts.Flags
	}
	fresh := false
	if cursor != nil {
		var err error
		fresh = cursor.m == nil
		if attr.in, attr.out, err = cursor.prepare(m); err != nil {
			return 0, err
		}
	}
	_, errno := command(m.fd, cmd, unsafe.Sizeof(attr), unsafe.Pointer(&attr))
	runtime.KeepAlive(m.handle)
	if errno != 0 && errno != syscall.ENOENT {
		// ENOSPC names the place to go on, the others do not
		if fresh && errno != syscall.ENOSPC {
			cursor.m = nil
		}
		// A command that is refused leaves the caller's count alone
		if errno == syscall.EINVAL || errno == enotsupp || errno == syscall.EPERM {
			attr.count = 0
		}
	}
	return int(attr.count), elementError(errno)
}

// column is a slice of keys or values as the kernel has them
type column struct {
	slice  reflect.Value
	buf    []byte
	direct bool // buf is the slice's own memory
	size   int  // bytes of an element
	step   int  // bytes from one to the next
}

func newColumn(data any, size, step int) (*column, error) {
	v := reflect.ValueOf(data)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Slice {
		return nil, fmt.Errorf("%T is no slice", data)
	}
	c := &column{slice: v, size: size, step: step}
	t := v.Type().Elem()
	c.direct = isFlat(t) && int(t.Size()) == size && size == step
	if c.direct && v.Len() > 0 {
		c.buf = unsafe.Slice((*byte)(v.UnsafePointer()), v.Len()*size)
	} else if !c.direct {
		c.buf = make([]byte, v.Len()*step)
	}
	return c, nil
}

func (c *column) marshal() (err error) {
	if !c.direct {
		c.buf, err = marshalEach(c.slice, c.size, c.slice.Len(), c.step)
	}
	return err
}

func (c *column) unmarshal(n int) error {
	if c.direct {
		return nil
	}
	return unmarshalEach(c.slice, c.buf, c.size, n, c.step)
}

func (m *Map) keyColumn(data any) (*column, error) {
	return newColumn(data, int(m.keySize), int(m.keySize))
}

// valueColumn has, for per-CPU types, an element for each CPU and key
func (m *Map) valueColumn(data any, keys int) (c *column, err error) {
	perKey := 1
	if m.typ.isPerCPU() {
		perKey = possibleCPUs()
		c, err = newColumn(data, int(m.valueSize), align8(int(m.valueSize)))
	} else {
		c, err = newColumn(data, m.fullValueSize, m.fullValueSize)
	}
	if err == nil && c.slice.Len() < keys*perKey {
		err = fmt.Errorf("%d values for %d keys, not %d", c.slice.Len(), keys, keys*perKey)
	}
	return c, err
}

func (m *Map) batchRead(cmd uintptr, what string, cursor *MapBatchCursor, keysOut, valuesOut any,
	opts *BatchOptions) (int, error) {
	keys, err := m.keyColumn(keysOut)
	if err != nil {
		return 0, wrap(what, err)
	}
	values, err := m.valueColumn(valuesOut, keys.slice.Len())
	if err != nil {
		return 0, wrap(what, err)
	}
	n, err := m.batch(cmd, cursor, keys.buf, values.buf, keys.slice.Len(), opts)
	if err != nil && !isAbsent(err) {
		return n, wrap(what, err)
	}
	perKey := 1
	if m.typ.isPerCPU() {
		perKey = possibleCPUs()
	}
	if e := keys.unmarshal(n); e != nil {
		return 0, wrap(what, e)
	}
	if e := values.unmarshal(n * perKey); e != nil {
		return 0, wrap(what, e)
	}
	return n, wrap(what, err)
}

// BatchLookup stores the next elements of a walk in slices of keys and values; those of
// per-CPU types have values for each CPU, one key after the other. With the last
// elements the error is ErrKeyNotExist. A hash type fails with ENOSPC if the slices are
// too short for one of its buckets.
func (m *Map) BatchLookup(cursor *MapBatchCursor, keysOut, valuesOut any, opts *BatchOptions) (int, error) {
	return m.batchRead(cmdLookupBatch, "batch lookup", cursor, keysOut, valuesOut, opts)
}

// BatchLookupAndDelete is BatchLookup that takes the elements out
func (m *Map) BatchLookupAndDelete(cursor *MapBatchCursor, keysOut, valuesOut any, opts *BatchOptions) (int, error) {
	return m.batchRead(cmdTakeBatch, "batch lookup and delete", cursor, keysOut, valuesOut, opts)
}

// BatchUpdate stores elements, and says how many
func (m *Map) BatchUpdate(keys, values any, opts *BatchOptions) (int, error) {
	k, err := m.keyColumn(keys)
	if err == nil {
		err = k.marshal()
	}
	if err != nil {
		return 0, wrap("batch update", err)
	}
	v, err := m.valueColumn(values, k.slice.Len())
	if err == nil {
		err = v.marshal()
	}
	if err != nil {
		return 0, wrap("batch update", err)
	}
	n, err := m.batch(cmdUpdateBatch, nil, k.buf, v.buf, k.slice.Len(), opts)
	return n, wrap("batch update", err)
}

// BatchDelete removes elements, and says how many. It ends at a key that is not there.
func (m *Map) BatchDelete(keys any, opts *BatchOptions) (int, error) {
	k, err := m.keyColumn(keys)
	if err == nil {
		err = k.marshal()
	}
	if err != nil {
		return 0, wrap("batch delete", err)
	}
	n, err := m.batch(cmdDeleteBatch, nil, k.buf, nil, k.slice.Len(), opts)
	return n, wrap("batch delete", err)
}
