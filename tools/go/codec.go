// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"fmt"
	"net/netip"
	"reflect"
	"unsafe"
)

// native is this machine's order of bytes
var native binary.ByteOrder = func() binary.ByteOrder {
	one := uint16(1)
	if *(*byte)(unsafe.Pointer(&one)) == 1 {
		return binary.LittleEndian
	}
	return binary.BigEndian
}()

// isFlat tells whether values of a type are their bytes in memory: a fixed size, no
// pointers, no padding
func isFlat(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array, reflect.Struct, reflect.Bool,
		reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return binary.Size(reflect.Zero(t).Interface()) == int(t.Size())
	}
	return false
}

// flatBytes are those of what p points to, not a copy
func flatBytes(p reflect.Value) []byte {
	return unsafe.Slice((*byte)(p.UnsafePointer()), int(p.Type().Elem().Size()))
}

func sized(buf []byte, size int, data any) ([]byte, error) {
	if len(buf) != size {
		return nil, fmt.Errorf("%T has %d bytes, not %d", data, len(buf), size)
	}
	return buf, nil
}

// prefixBytes is a key of an LPMTrie: the length in bits, and the address
func prefixBytes(p netip.Prefix) []byte {
	buf := make([]byte, 4, 20)
	native.PutUint32(buf, uint32(p.Bits()))
	return append(buf, p.Masked().Addr().AsSlice()...)
}

// marshal is the size bytes of a key or a value
func marshal(data any, size int) ([]byte, error) {
	switch v := data.(type) {
	case nil:
		return sized(nil, size, data)
	case []byte:
		return sized(v, size, data)
	case string:
		return sized([]byte(v), size, data)
	case *Map:
		return marshal(uint32(v.FD()), size)
	case netip.Prefix:
		return sized(prefixBytes(v), size, data)
	case encoding.BinaryMarshaler:
		buf, err := v.MarshalBinary()
		if err != nil {
			return nil, err
		}
		return sized(buf, size, data)
	}
	v := reflect.ValueOf(data)
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		if isFlat(v.Type().Elem()) {
			return sized(flatBytes(v), size, data)
		}
	} else if isFlat(v.Type()) {
		p := reflect.New(v.Type())
		p.Elem().Set(v)
		return sized(flatBytes(p), size, data)
	}
	var buf bytes.Buffer
	if err := binary.Write(&buf, native, data); err != nil {
		return nil, fmt.Errorf("encoding %T: %w", data, err)
	}
	return sized(buf.Bytes(), size, data)
}

// room is where the kernel may write a result of this size: the caller's variable,
// or a buffer that unmarshal() reads
func room(out any, size int) []byte {
	if buf, ok := out.([]byte); ok && len(buf) == size {
		return buf
	}
	v := reflect.ValueOf(out)
	if v.Kind() == reflect.Pointer && !v.IsNil() && isFlat(v.Type().Elem()) &&
		int(v.Type().Elem().Size()) == size {
		if _, ok := out.(encoding.BinaryUnmarshaler); !ok {
			return flatBytes(v)
		}
	}
	return make([]byte, size)
}

func unmarshalPrefix(p *netip.Prefix, buf []byte) error {
	addr, ok := netip.AddrFromSlice(buf[4:])
	if !ok {
		return fmt.Errorf("%d bytes are no prefix", len(buf))
	}
	*p = netip.PrefixFrom(addr, int(native.Uint32(buf)))
	return nil
}

// unmarshal stores what room() has got
func unmarshal(out any, buf []byte) error {
	switch v := out.(type) {
	case []byte:
		_, err := sized(v, len(buf), out)
		copy(v, buf)
		return err
	case *[]byte:
		*v = append((*v)[:0], buf...)
		return nil
	case *string:
		*v = string(buf)
		return nil
	case **Map:
		m, err := NewMapFromID(MapID(native.Uint32(buf)))
		if err == nil {
			*v = m
		}
		return err
	case *netip.Prefix:
		return unmarshalPrefix(v, buf)
	case encoding.BinaryUnmarshaler:
		return v.UnmarshalBinary(buf)
	}
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("%T is no place for a result", out)
	}
	if isFlat(v.Type().Elem()) {
		to, err := sized(flatBytes(v), len(buf), out)
		copy(to, buf)
		return err
	}
	if n := binary.Size(out); n >= 0 && n != len(buf) {
		return fmt.Errorf("%T has %d bytes, not %d", out, n, len(buf))
	}
	if err := binary.Read(bytes.NewReader(buf), native, out); err != nil {
		return fmt.Errorf("decoding %T: %w", out, err)
	}
	return nil
}

func firstByte(buf []byte) unsafe.Pointer {
	if len(buf) == 0 {
		return nil
	}
	return unsafe.Pointer(&buf[0])
}

// align8 is the room of a value of one CPU among those of others
func align8(size int) int {
	return (size + 7) &^ 7
}

// marshalPerCPU is a slice with a value for each CPU
func marshalPerCPU(data any, size int) ([]byte, error) {
	if buf, ok := data.([]byte); ok {
		return sized(buf, align8(size)*possibleCPUs(), data)
	}
	v := reflect.ValueOf(data)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		return nil, fmt.Errorf("%T is no slice with a value for each CPU", data)
	}
	return marshalEach(v, size, possibleCPUs(), align8(size))
}

// marshalEach is the n elements of a slice, each in step bytes
func marshalEach(v reflect.Value, size, n, step int) ([]byte, error) {
	if v.Len() != n {
		return nil, fmt.Errorf("%s has %d elements, not %d", v.Type(), v.Len(), n)
	}
	all := make([]byte, 0, n*step)
	for i := 0; i < n; i++ {
		buf, err := marshal(v.Index(i).Interface(), size)
		if err != nil {
			return nil, err
		}
		all = append(all, buf...)
		all = all[:len(all)+step-size]
	}
	return all, nil
}

// unmarshalEach stores the values in buf into the elements of a slice
func unmarshalEach(v reflect.Value, buf []byte, size, n, step int) error {
	if v.Len() < n {
		return fmt.Errorf("%s has %d elements, not %d", v.Type(), v.Len(), n)
	}
	for i := 0; i < n; i++ {
		if err := unmarshal(v.Index(i).Addr().Interface(), buf[i*step:i*step+size]); err != nil {
			return err
		}
	}
	return nil
}

// unmarshalPerCPU stores a value for each CPU through a pointer to a slice
func unmarshalPerCPU(out any, buf []byte, size int) error {
	if to, ok := out.([]byte); ok {
		_, err := sized(to, len(buf), out)
		copy(to, buf)
		return err
	}
	n := possibleCPUs()
	v := reflect.ValueOf(out)
	if v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Slice {
		if v.Elem().Cap() < n {
			v.Elem().Set(reflect.MakeSlice(v.Elem().Type(), n, n))
		}
		v.Elem().SetLen(n)
		v = v.Elem()
	}
	if v.Kind() != reflect.Slice {
		return fmt.Errorf("%T is no pointer to a slice", out)
	}
	return unmarshalEach(v, buf, size, n, align8(size))
}
