// SPDX-License-Identifier: GPL-2.0-only

package bpfmap

import (
	"reflect"
	"testing"
)

func TestFlat(t *testing.T) {
	type inner struct {
		A uint32
		B [2]uint16
	}
	type hole struct {
		A uint8
		B uint16
	}
	for _, c := range []struct {
		value any
		flat  bool
	}{
		{uint8(0), true}, {int64(0), true}, {float32(0), true}, {false, true},
		{[3]uint16{}, true}, {inner{}, true}, {[2]inner{}, true}, {struct{}{}, true},
		{int(0), false}, {uint(0), false}, {"", false}, {[]byte{}, false},
		{hole{}, false}, {struct{ P *int }{}, false}, {map[int]int{}, false},
	} {
		if isFlat(reflect.TypeOf(c.value)) != c.flat {
			t.Errorf("%T", c.value)
		}
	}
}

func TestCPULists(t *testing.T) {
	for _, c := range []struct {
		list string
		n    int
	}{{"0", 1}, {"0-3\n", 4}, {"0-1,4-7", 6}, {"0,2,4", 3}, {"", 0}, {"x", 0}} {
		n, err := countCPUs(c.list)
		if n != c.n || (err == nil) != (c.n > 0) {
			t.Errorf("%q: %d, %v", c.list, n, err)
		}
	}
}

func TestMarshalErrors(t *testing.T) {
	for _, data := range []any{uint32(1), "long text", []byte{1}, nil, int(1), struct{ P *int }{}} {
		if _, err := marshal(data, 8); err == nil {
			t.Errorf("%T", data)
		}
	}
	var p *uint64
	for _, out := range []any{p, uint64(0), new(uint32), make([]byte, 7), nil} {
		if unmarshal(out, make([]byte, 8)) == nil {
			t.Errorf("%T", out)
		}
	}
}
