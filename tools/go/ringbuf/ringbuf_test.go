// SPDX-License-Identifier: GPL-2.0-only

package ringbuf

import (
	"bytes"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"bpfmap.invalid/bpfmap"
)

// What the kernel's end does, by the module bpfmap_ringtest
const (
	opOutput  = 0
	opReserve = 1
	opSubmit  = 2
	opDiscard = 3
	opDrain   = 5
)

type request struct {
	fd             int32
	op, slot, used uint32
	data           uintptr
	_              [8 - unsafe.Sizeof(uintptr(0))]byte
	size, flags    uint64
	ret            int64
}

type kernelSide struct {
	t    testing.TB
	file *os.File
	fd   int
}

func kernelEnd(t testing.TB, m *bpfmap.Map) *kernelSide {
	file, err := os.OpenFile("/dev/bpfmap_ringtest", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { file.Close() })
	return &kernelSide{t, file, m.FD()}
}

func (k *kernelSide) do(op, slot uint32, data []byte, size uint64) (int64, uint32) {
	const readWrite, magic, nr = 3 << 30, 'r' << 8, 1
	k.t.Helper()
	r := request{fd: int32(k.fd), op: op, slot: slot, size: size}
	if len(data) > 0 {
		r.data = uintptr(unsafe.Pointer(&data[0]))
	}
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, k.file.Fd(),
		readWrite|unsafe.Sizeof(r)<<16|magic|nr, uintptr(unsafe.Pointer(&r)))
	if errno != 0 {
		k.t.Fatal(errno)
	}
	return r.ret, r.used
}

// Allocated once: the kernel gets its address as a number
var buffer = make([]byte, 1<<16)

func (k *kernelSide) output(text string) int64 {
	n := copy(buffer, text)
	ret, _ := k.do(opOutput, 0, buffer, uint64(n))
	return ret
}

func newRing(t testing.TB, typ bpfmap.MapType, flags uint32) *bpfmap.Map {
	m, err := bpfmap.NewMap(&bpfmap.MapSpec{Type: typ, MaxEntries: 4096, Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func newReader(t testing.TB, m *bpfmap.Map) *Reader {
	r, err := NewReader(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func expect(t testing.TB, r *Reader, want string) Record {
	t.Helper()
	rec, err := r.Read()
	if err != nil || string(rec.RawSample) != want {
		t.Fatalf("%q, %v; not %q", rec.RawSample, err, want)
	}
	return rec
}

func TestRead(t *testing.T) {
	m := newRing(t, bpfmap.RingBuf, 0)
	r := newReader(t, m)
	k := kernelEnd(t, m)
	k.output("one")
	k.output("second")
	if n := r.AvailableBytes(); n != 32 || r.BufferSize() != 4096 {
		t.Fatal(n, r.BufferSize())
	}
	if rec := expect(t, r, "one"); rec.Remaining != 16 {
		t.Fatal(rec.Remaining)
	}
	expect(t, r, "second")
	go func() {
		time.Sleep(50 * time.Millisecond)
		k.output("late")
	}()
	expect(t, r, "late")
	// Around the end of the data, many times
	for i := 0; i < 1000; i++ {
		text := string(bytes.Repeat([]byte{byte('a' + i%26)}, i%300))
		if ret := k.output(text); ret != 0 {
			t.Fatal(ret)
		}
		expect(t, r, text)
	}
}

// A record that is being written holds back those behind it; a discarded one is skipped
func TestOrder(t *testing.T) {
	m := newRing(t, bpfmap.RingBuf, 0)
	r := newReader(t, m)
	k := kernelEnd(t, m)
	k.do(opReserve, 0, nil, 8)
	k.output("behind")
	r.SetDeadline(time.Now().Add(30 * time.Millisecond))
	if _, err := r.Read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	r.SetDeadline(time.Time{})
	done := make(chan string)
	go func() {
		rec, _ := r.Read()
		done <- string(rec.RawSample)
	}()
	time.Sleep(30 * time.Millisecond)
	copy(buffer, "reserved")
	k.do(opSubmit, 0, buffer, 8)
	if text := <-done; text != "reserved" {
		t.Fatal(text)
	}
	expect(t, r, "behind")
	k.do(opReserve, 1, nil, 8)
	k.do(opDiscard, 1, nil, 0)
	k.output("after")
	expect(t, r, "after")
}

func TestClose(t *testing.T) {
	r := newReader(t, newRing(t, bpfmap.RingBuf, 0))
	done := make(chan error)
	go func() {
		_, err := r.Read()
		done <- err
	}()
	time.Sleep(30 * time.Millisecond)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if _, err := r.Read(); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	r.SetDeadline(time.Now())
	if r.Close() != nil || r.AvailableBytes() != 0 {
		t.Fatal("closed twice")
	}
}

func TestOverwrite(t *testing.T) {
	m := newRing(t, bpfmap.RingBuf, bpfmap.FlagRBOverwrite)
	r := newReader(t, m)
	k := kernelEnd(t, m)
	for i := 0; i < 1000; i++ {
		if ret := k.output(string([]byte{byte(i), byte(i >> 8), 0, 0, 0, 0, 0, 0})); ret != 0 {
			t.Fatal(ret)
		}
	}
	first := -1
	for i := 0; ; i++ {
		rec, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		nr := int(rec.RawSample[0]) | int(rec.RawSample[1])<<8
		if first < 0 {
			first = nr
		}
		if nr != first+i {
			t.Fatalf("%d after %d", nr, first+i-1)
		}
		if nr == 999 {
			break
		}
	}
	if r.Lost() != uint64(first)*16 || first < 700 {
		t.Fatal(r.Lost(), first)
	}
}

// Another process may have written to the consumer's page
func TestCorrupt(t *testing.T) {
	m := newRing(t, bpfmap.RingBuf, 0)
	r := newReader(t, m)
	for _, pos := range []uint64{4, 1 << 40} {
		*r.ring.consumer = pos
		if _, err := r.Read(); !errors.Is(err, ErrCorrupt) {
			t.Fatal(pos, err)
		}
	}
	if _, err := NewReader(newRing(t, bpfmap.UserRingBuf, 0)); !errors.Is(err, bpfmap.ErrMapIncompatible) {
		t.Fatal(err)
	}
}

func TestWrite(t *testing.T) {
	m := newRing(t, bpfmap.UserRingBuf, 0)
	w, err := NewWriter(m)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	k := kernelEnd(t, m)
	for round := 0; round < 500; round++ {
		for _, text := range []string{"a", "bcdefghij"} {
			if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
				t.Fatal(n, err)
			}
		}
		ret, used := k.do(opDrain, 0, buffer, 0)
		want := "\x01\x00\x00\x00a\x00\x00\x00\x09\x00\x00\x00bcdefghij\x00\x00\x00"
		if ret != 2 || string(buffer[:used]) != want {
			t.Fatalf("%d %q", ret, buffer[:used])
		}
	}
	if _, err := w.Write(make([]byte, 4096)); !errors.Is(err, syscall.E2BIG) {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 4088)); err != nil {
		t.Fatal(err)
	}
	w.SetDeadline(time.Now().Add(30 * time.Millisecond))
	if _, err := w.Write([]byte("full")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	w.SetDeadline(time.Time{})
	go func() {
		time.Sleep(50 * time.Millisecond)
		k.do(opDrain, 0, buffer, 0)
	}()
	if _, err := w.Write([]byte("now")); err != nil {
		t.Fatal(err)
	}
}
