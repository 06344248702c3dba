// SPDX-License-Identifier: GPL-2.0-only

package bpfmap

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
)

func numbers(n int) (keys []uint32, values []uint64) {
	for i := 0; i < n; i++ {
		keys = append(keys, uint32(i))
		values = append(values, uint64(i)*3)
	}
	return keys, values
}

func TestBatches(t *testing.T) {
	for _, typ := range []MapType{Hash, LRUHash, RHash, Array} {
		m := create(t, typ, 4, 8, 3000)
		keys, values := numbers(3000)
		n, err := m.BatchUpdate(keys, values, nil)
		ok(t, err)
		same(t, n, 3000)
		var cursor MapBatchCursor
		k, v := make([]uint32, 700), make([]uint64, 700)
		seen := map[uint32]uint64{}
		for err == nil {
			n, err = m.BatchLookup(&cursor, k, v, nil)
			for i := 0; i < n; i++ {
				seen[k[i]] = v[i]
			}
		}
		is(t, err, ErrKeyNotExist)
		same(t, len(seen), 3000)
		for i := range keys {
			same(t, seen[keys[i]], values[i])
		}
		if typ == Array {
			continue
		}
		n, err = m.BatchDelete([]uint32{1, 2, 99999}, nil)
		is(t, err, ErrKeyNotExist)
		same(t, n, 2)
		n, err = m.BatchUpdate(keys, values[:5], nil)
		if err == nil || n != 0 {
			t.Fatal("too few values")
		}
	}
}

func TestTake(t *testing.T) {
	m := create(t, Hash, 4, 8, 1000)
	keys, values := numbers(1000)
	_, err := m.BatchUpdate(keys, values, nil)
	ok(t, err)
	var cursor MapBatchCursor
	k, v := make([]uint32, 100), make([]uint64, 100)
	n, sum := 0, 0
	for err == nil {
		n, err = m.BatchLookupAndDelete(&cursor, k, v, nil)
		sum += n
	}
	is(t, err, ErrKeyNotExist)
	same(t, sum, 1000)
	n, err = m.Len()
	ok(t, err)
	same(t, n, 0)
	other := create(t, Hash, 4, 8, 10)
	_, err = other.BatchLookup(&cursor, k, v, nil)
	if err == nil {
		t.Fatal("a cursor of another map")
	}
	_, err = create(t, Array, 4, 8, 10).BatchLookupAndDelete(new(MapBatchCursor), k, v, nil)
	is(t, err, ErrNotSupported)
}

// Elements with padding take the way through a buffer
func TestPadding(t *testing.T) {
	type padded struct {
		A uint8
		B uint32
	}
	m := create(t, Hash, 5, 5, 10)
	in := []padded{{1, 2}, {3, 4}}
	n, err := m.BatchUpdate(in, in, nil)
	ok(t, err)
	same(t, n, 2)
	var v padded
	ok(t, m.Lookup(padded{3, 4}, &v))
	same(t, v, padded{3, 4})
	keys, values := make([]padded, 10), make([]padded, 10)
	n, err = m.BatchLookup(new(MapBatchCursor), keys, values, nil)
	is(t, err, ErrKeyNotExist)
	same(t, n, 2)
	same(t, keys[0], values[0])
}

func TestIterate(t *testing.T) {
	for _, typ := range []MapType{Hash, LRUHash, RHash, Array} {
		m := create(t, typ, 4, 8, 5000)
		keys, values := numbers(5000)
		_, err := m.BatchUpdate(keys, values, nil)
		ok(t, err)
		seen := make([]int, 5000)
		var k uint32
		var v uint64
		it := m.Iterate()
		for i := 0; it.Next(&k, &v); i++ {
			seen[k]++
			same(t, v, uint64(k)*3)
			// Those that are deleted do not end or repeat the walk
			if typ == Hash && i%7 == 0 {
				ok(t, m.Delete(k))
			}
		}
		ok(t, it.Err())
		for i, n := range seen {
			if n != 1 {
				t.Fatalf("%s: %d comes %d times", typ, i, n)
			}
		}
	}
}

// A walk whose cursor is deleted goes on where it was
func TestDeletedCursor(t *testing.T) {
	type prefix struct {
		Bits uint32
		Addr [4]byte
	}
	m := create(t, LPMTrie, 8, 4, 200)
	for i := 0; i < 200; i++ {
		ok(t, m.Put(prefix{32, [4]byte{10, 0, 0, byte(i)}}, uint32(i)))
	}
	seen := map[byte]int{}
	it := m.Iterate()
	it.walk.room = 7
	var k prefix
	var v uint32
	for i := 0; it.Next(&k, &v); i++ {
		seen[k.Addr[3]]++
		if i%7 == 6 {
			ok(t, m.Delete(k))
		}
	}
	ok(t, it.Err())
	same(t, len(seen), 200)
	for _, n := range seen {
		same(t, n, 1)
	}
}

// One bucket of a small map has more elements than a batch has room
func TestCrowdedBucket(t *testing.T) {
	m := create(t, Hash, 4, 100000, 64)
	for i := uint32(0); i < 64; i++ {
		ok(t, m.Put(i, make([]byte, 100000)))
	}
	w := newWalk(m)
	w.room = 1
	sum := 0
	for {
		n, err := w.next(cmdLookupBatch)
		ok(t, err)
		if n == 0 {
			break
		}
		sum += n
	}
	same(t, sum, 64)
}

func TestPerCPU(t *testing.T) {
	cpus, err := PossibleCPU()
	ok(t, err)
	for _, typ := range []MapType{PerCPUHash, PerCPUArray, LRUCPUHash} {
		m := create(t, typ, 4, 4, 16)
		in := make([]uint32, cpus)
		for i := range in {
			in[i] = uint32(i) + 1
		}
		ok(t, m.Put(uint32(3), in))
		var out []uint32
		ok(t, m.Lookup(uint32(3), &out))
		same(t, out, in)
		if m.Put(uint32(3), in[:cpus-1]) == nil {
			t.Fatal("too few values")
		}
		var one uint32
		ok(t, m.LookupCPU(uint32(3), &one, cpus-1))
		same(t, one, uint32(cpus))
		ok(t, m.UpdateCPU(uint32(3), uint32(50), 0, UpdateExist))
		ok(t, m.LookupCPU(uint32(3), &one, 0))
		same(t, one, uint32(50))
		is(t, m.LookupCPU(uint32(3), &one, 100000), syscall.ERANGE)
		ok(t, m.UpdateAllCPUs(uint32(4), uint32(9), UpdateAny))
		found := 0
		var k uint32
		for it := m.Iterate(); it.Next(&k, &out); {
			if k == 4 {
				for _, v := range out {
					same(t, v, uint32(9))
				}
				found++
			}
		}
		same(t, found, 1)
		keys, values := make([]uint32, 16), make([]uint32, 16*cpus)
		n, err := m.BatchLookup(new(MapBatchCursor), keys, values, nil)
		if err != nil {
			is(t, err, ErrKeyNotExist)
		}
		for i := 0; i < n; i++ {
			if keys[i] == 4 {
				same(t, values[i*cpus], uint32(9))
				found++
			}
		}
		same(t, found, 2)
	}
}

func TestTable(t *testing.T) {
	type key struct{ A, B uint16 }
	m := create(t, Hash, 4, 8, 100)
	table, err := NewTable[key, uint64](m)
	ok(t, err)
	_, err = NewTable[uint64, uint64](m)
	if err == nil {
		t.Fatal("a key that does not fit")
	}
	_, err = NewTable[key, *uint64](m)
	if err == nil {
		t.Fatal("values with pointers")
	}
	_, err = table.Get(key{1, 2})
	is(t, err, ErrKeyNotExist)
	ok(t, table.Insert(key{1, 2}, 3))
	is(t, table.Insert(key{1, 2}, 4), ErrKeyExist)
	ok(t, table.Replace(key{1, 2}, 4))
	v, err := table.Get(key{1, 2})
	ok(t, err)
	same(t, v, uint64(4))
	n, err := table.SetAll([]key{{5, 5}, {6, 6}}, []uint64{5, 6})
	ok(t, err)
	same(t, n, 2)
	sum := uint64(0)
	ok(t, table.Each(func(k key, v uint64) bool {
		sum += v
		return true
	}))
	same(t, sum, uint64(15))
	v, err = table.Take(key{5, 5})
	ok(t, err)
	same(t, v, uint64(5))
	is(t, table.Remove(key{5, 5}), ErrKeyNotExist)
	ok(t, table.Clear())
	has, err := table.Has(key{6, 6}, nil)
	ok(t, err)
	same(t, has, false)
	ok(t, table.Set(key{1, 1}, 1))
	if allocs := testing.AllocsPerRun(100, func() { table.Get(key{1, 1}) }); allocs != 0 {
		t.Fatalf("%v allocations in a look-up", allocs)
	}
}

func TestGoroutines(t *testing.T) {
	table, err := NewTable[uint32, uint64](create(t, Hash, 4, 8, 1000))
	ok(t, err)
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for g := uint32(0); g < 8; g++ {
		wg.Add(1)
		go func(g uint32) {
			defer wg.Done()
			for i := uint32(0); i < 2000; i++ {
				key := g*100 + i%100
				if err := table.Set(key, uint64(key)); err != nil {
					errs <- err
					return
				}
				if v, err := table.Get(key); err != nil || v != uint64(key) {
					errs <- fmt.Errorf("%d: %d, %v", key, v, err)
					return
				}
			}
		}(g)
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Fatal(err)
	}
}

func BenchmarkGet(b *testing.B) {
	table, err := NewTable[uint32, uint64](create(b, Hash, 4, 8, 1000))
	ok(b, err)
	ok(b, table.Set(1, 1))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		table.Get(1)
	}
}

func BenchmarkLookup(b *testing.B) {
	m := create(b, Hash, 4, 8, 1000)
	key, value := uint32(1), uint64(1)
	ok(b, m.Put(key, value))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		m.Lookup(&key, &value)
	}
}
