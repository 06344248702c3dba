// SPDX-License-Identifier: GPL-2.0-only

package bpfmap

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"syscall"
	"testing"
	"time"
)

// Needs the device, as all tests here but those of codecs
func create(t testing.TB, typ MapType, key, value, entries uint32) *Map {
	t.Helper()
	return createSpec(t, &MapSpec{Type: typ, KeySize: key, ValueSize: value, MaxEntries: entries, Name: "go test"})
}

func createSpec(t testing.TB, spec *MapSpec) *Map {
	t.Helper()
	if spec.Type == LPMTrie || spec.Type == RHash {
		spec.Flags |= FlagNoPrealloc
	}
	m, err := NewMap(spec)
	ok(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, not %v", err, want)
	}
}

func same(t testing.TB, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%v, not %v", got, want)
	}
}

var keyed = []MapType{Hash, LRUHash, RHash}

func TestElements(t *testing.T) {
	for _, typ := range keyed {
		m := create(t, typ, 4, 8, 100)
		var v uint64
		is(t, m.Lookup(uint32(1), &v), ErrKeyNotExist)
		is(t, m.Lookup(uint32(1), &v), syscall.ENOENT)
		is(t, m.Lookup(uint32(1), &v), os.ErrNotExist)
		ok(t, m.Put(uint32(1), uint64(10)))
		is(t, m.Update(uint32(1), uint64(11), UpdateNoExist), ErrKeyExist)
		is(t, m.Update(uint32(2), uint64(11), UpdateExist), ErrKeyNotExist)
		ok(t, m.Lookup(uint32(1), &v))
		same(t, v, uint64(10))
		ok(t, m.LookupAndDelete(uint32(1), &v))
		is(t, m.Delete(uint32(1)), ErrKeyNotExist)
		buf, err := m.LookupBytes(uint32(1))
		ok(t, err)
		if buf != nil {
			t.Fatal("bytes of nothing")
		}
		if m.Lookup(uint64(1), &v) == nil || m.Put(uint32(1), uint32(1)) == nil {
			t.Fatal("wrong sizes are accepted")
		}
		is(t, m.Update(uint32(1), uint64(1), 77), syscall.EINVAL)
	}
}

func TestArray(t *testing.T) {
	m := createSpec(t, &MapSpec{Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 4,
		Contents: []MapKV{{uint32(2), uint64(7)}}, Freeze: true})
	var v uint64
	ok(t, m.Lookup(uint32(2), &v))
	same(t, v, uint64(7))
	is(t, m.Lookup(uint32(4), &v), ErrKeyNotExist)
	is(t, m.Put(uint32(2), uint64(1)), syscall.EPERM)
	is(t, m.Put(uint32(2), uint64(1)), os.ErrPermission)
	is(t, m.Freeze(), syscall.EPERM)
	info, err := m.Info()
	ok(t, err)
	if !info.Frozen || info.Memlock == 0 {
		t.Fatalf("%+v", info)
	}
	sum, err := m.Hash()
	ok(t, err)
	other := createSpec(t, &MapSpec{Type: Array, KeySize: 4, ValueSize: 8, MaxEntries: 4,
		Contents: []MapKV{{uint32(2), uint64(7)}}})
	_, err = other.Hash()
	is(t, err, syscall.EPERM)
	ok(t, other.Freeze())
	again, err := other.Hash()
	ok(t, err)
	same(t, again, sum)
}

func TestErrors(t *testing.T) {
	_, err := NewMap(&MapSpec{Type: 99, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	is(t, err, syscall.EINVAL)
	_, err = NewMap(&MapSpec{Type: LRUHash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: FlagNoPrealloc})
	is(t, err, ErrNotSupported)
	_, err = NewMapFromFD(int(dup(t, 0)))
	is(t, err, syscall.EINVAL)
	m := create(t, Hash, 4, 4, 2)
	ok(t, m.Put(uint32(1), uint32(1)))
	ok(t, m.Put(uint32(2), uint32(1)))
	is(t, m.Put(uint32(3), uint32(1)), syscall.E2BIG)
	queue := create(t, Queue, 0, 4, 2)
	is(t, queue.NextKey(nil, []byte{}), syscall.EINVAL)
	_, err = queue.BatchUpdate([][0]byte{{}}, []uint32{1}, nil)
	is(t, err, ErrNotSupported)
	is(t, queue.Iterate().walk.m.Clear(), ErrNotSupported)
}

func dup(t *testing.T, fd int) int {
	n, err := syscall.Dup(fd)
	ok(t, err)
	return n
}

func TestNextKey(t *testing.T) {
	m := create(t, Hash, 4, 4, 100)
	var k uint32
	is(t, m.NextKey(nil, &k), ErrKeyNotExist)
	for i := uint32(0); i < 50; i++ {
		ok(t, m.Put(i, i))
	}
	seen := map[uint32]bool{}
	err := m.NextKey(nil, &k)
	for ; err == nil; err = m.NextKey(k, &k) {
		seen[k] = true
	}
	is(t, err, ErrKeyNotExist)
	same(t, len(seen), 50)
	buf, err := m.NextKeyBytes(nil)
	ok(t, err)
	same(t, len(buf), 4)
}

func TestStructs(t *testing.T) {
	type flow struct {
		Address [4]byte
		Port    uint16
		_       uint16
	}
	type stats struct {
		Packets uint64
		Rate    float32
		Open    bool
		_       [3]byte
	}
	m := create(t, Hash, 8, 16, 10)
	ok(t, m.Put(flow{[4]byte{192, 0, 2, 1}, 80, 0}, &stats{Packets: 3, Rate: 0.5, Open: true}))
	var f flow
	var s stats
	it := m.Iterate()
	if !it.Next(&f, &s) || it.Err() != nil {
		t.Fatal(it.Err())
	}
	same(t, f, flow{Address: [4]byte{192, 0, 2, 1}, Port: 80})
	same(t, s, stats{Packets: 3, Rate: 0.5, Open: true})
	if it.Next(&f, &s) || it.Err() != nil {
		t.Fatal("more than there is", it.Err())
	}
	var addr netip.Addr
	hosts := create(t, Hash, 4, 5, 10)
	ok(t, hosts.Put(netip.MustParseAddr("192.0.2.7"), "hello"))
	var text string
	ok(t, hosts.Lookup([]byte{192, 0, 2, 7}, &text))
	same(t, text, "hello")
	ok(t, hosts.NextKey(nil, &addr))
	same(t, addr.String(), "192.0.2.7")
}

func TestPrefixes(t *testing.T) {
	m := create(t, LPMTrie, 8, 4, 10)
	for i, p := range []string{"10.0.0.0/8", "10.1.0.0/16"} {
		ok(t, m.Put(netip.MustParsePrefix(p), uint32(i)))
	}
	var v uint32
	ok(t, m.Lookup(netip.MustParsePrefix("10.1.2.3/32"), &v))
	same(t, v, uint32(1))
	ok(t, m.Lookup(netip.MustParsePrefix("10.2.2.3/32"), &v))
	same(t, v, uint32(0))
	is(t, m.Lookup(netip.MustParsePrefix("11.2.2.3/32"), &v), ErrKeyNotExist)
	var p netip.Prefix
	var seen []string
	for it := m.Iterate(); it.Next(&p, &v); {
		seen = append(seen, p.String())
	}
	sort.Strings(seen)
	same(t, seen, []string{"10.0.0.0/8", "10.1.0.0/16"})
	ok(t, m.Clear())
	n, err := m.Len()
	ok(t, err)
	same(t, n, 0)
}

func TestQueues(t *testing.T) {
	for _, typ := range []MapType{Queue, Stack} {
		m := create(t, typ, 0, 4, 3)
		var v uint32
		is(t, m.LookupAndDelete(nil, &v), ErrKeyNotExist)
		ok(t, m.Put(nil, uint32(1)))
		ok(t, m.Put(nil, uint32(2)))
		want := map[MapType]uint32{Queue: 1, Stack: 2}[typ]
		ok(t, m.Lookup(nil, &v))
		same(t, v, want)
		ok(t, m.LookupAndDelete(nil, &v))
		same(t, v, want)
		ok(t, m.LookupAndDelete(nil, &v))
		is(t, m.PopWait(&v, time.Millisecond), os.ErrDeadlineExceeded)
		go func() {
			time.Sleep(50 * time.Millisecond)
			m.Put(nil, uint32(9))
		}()
		ok(t, m.PopWait(&v, -1))
		same(t, v, uint32(9))
	}
}

func TestBloom(t *testing.T) {
	m := create(t, BloomFilter, 0, 4, 100)
	v := uint32(5)
	is(t, m.Lookup(nil, &v), ErrKeyNotExist)
	ok(t, m.Put(nil, v))
	ok(t, m.Lookup(nil, &v))
	table, err := NewTable[struct{}, uint32](m)
	ok(t, err)
	has, err := table.Has(struct{}{}, &v)
	ok(t, err)
	same(t, has, true)
	v = 6
	has, err = table.Has(struct{}{}, &v)
	ok(t, err)
	same(t, has, false)
}

func TestOuter(t *testing.T) {
	for _, typ := range []MapType{ArrayOfMaps, HashOfMaps} {
		m := createSpec(t, &MapSpec{Type: typ, KeySize: 4, MaxEntries: 4,
			InnerMap: &MapSpec{Type: Array, KeySize: 4, ValueSize: 4, MaxEntries: 2}})
		inner := create(t, Array, 4, 4, 2)
		ok(t, m.Put(uint32(1), inner))
		ok(t, inner.Put(uint32(0), uint32(77)))
		var found *Map
		ok(t, m.Lookup(uint32(1), &found))
		defer found.Close()
		var v uint32
		ok(t, found.Lookup(uint32(0), &v))
		same(t, v, uint32(77))
		is(t, m.Put(uint32(1), create(t, Array, 4, 8, 2)), syscall.EINVAL)
		info, err := inner.Info()
		ok(t, err)
		id, there := info.ID()
		var raw uint32
		ok(t, m.Lookup(uint32(1), &raw))
		same(t, MapID(raw), id)
		same(t, there, true)
	}
}

func TestPins(t *testing.T) {
	dir := "/sys/fs/bpfmap"
	if name := os.Getenv("BPFMAP_PINS"); name != "" {
		dir = name
	}
	dir = filepath.Join(dir, "go")
	ok(t, os.Mkdir(dir, 0700))
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "map")
	m := create(t, Hash, 4, 4, 1)
	ok(t, m.Pin(path))
	ok(t, m.Put(uint32(1), uint32(2)))
	same(t, m.IsPinned(), true)
	ro, err := LoadPinnedMap(path, &LoadPinOptions{ReadOnly: true})
	ok(t, err)
	defer ro.Close()
	var v uint32
	ok(t, ro.Lookup(uint32(1), &v))
	is(t, ro.Put(uint32(1), uint32(3)), syscall.EPERM)
	ok(t, m.Pin(path+"2"))
	_, err = LoadPinnedMap(path, nil)
	is(t, err, os.ErrNotExist)
	is(t, create(t, Hash, 4, 4, 1).Pin(path+"2"), os.ErrExist)
	ok(t, m.Unpin())
	same(t, m.IsPinned(), false)
	_, err = LoadPinnedMap(path+"2", nil)
	is(t, err, syscall.ENOENT)

	spec := &MapSpec{Name: "named", Type: Hash, KeySize: 4, ValueSize: 4, MaxEntries: 3, Pinning: PinByName}
	one, err := NewMapWithOptions(spec, MapOptions{PinPath: dir})
	ok(t, err)
	defer one.Close()
	ok(t, one.Put(uint32(5), uint32(6)))
	two, err := NewMapWithOptions(spec, MapOptions{PinPath: dir})
	ok(t, err)
	defer two.Close()
	ok(t, two.Lookup(uint32(5), &v))
	spec.MaxEntries = 4
	_, err = NewMapWithOptions(spec, MapOptions{PinPath: dir})
	is(t, err, ErrMapIncompatible)
}

func TestIDs(t *testing.T) {
	m := create(t, Hash, 4, 4, 1)
	info, err := m.Info()
	ok(t, err)
	same(t, info.Name, "go_test")
	same(t, info.Type, Hash)
	want, _ := info.ID()
	var ids []MapID
	id, err := MapGetNextID(0)
	for ; err == nil; id, err = MapGetNextID(id) {
		ids = append(ids, id)
	}
	is(t, err, os.ErrNotExist)
	found := false
	for _, id := range ids {
		found = found || id == want
	}
	same(t, found, true)
	again, err := NewMapFromID(want)
	ok(t, err)
	defer again.Close()
	ok(t, again.Put(uint32(1), uint32(1)))
	_, err = NewMapFromID(1 << 30)
	is(t, err, os.ErrNotExist)
}

func TestClone(t *testing.T) {
	m := create(t, Hash, 4, 4, 1)
	c, err := m.Clone()
	ok(t, err)
	ok(t, m.Close())
	ok(t, m.Close())
	is(t, m.Put(uint32(1), uint32(1)), syscall.EBADF)
	ok(t, c.Put(uint32(1), uint32(1)))
	ok(t, c.Close())
}
