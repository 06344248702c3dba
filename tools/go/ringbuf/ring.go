// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

// Package ringbuf reads and writes the ring buffers of /dev/bpfmap: a Reader is the
// consumer of a RingBuf, a Writer the producer of a UserRingBuf. The other end is a
// module of the kernel.
package ringbuf

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"bpfmap.invalid/bpfmap"
)

// ErrClosed is after Close
var ErrClosed = os.ErrClosed

// ErrCorrupt is a ring with positions or lengths that none can have: all processes
// that have it open can write to what user space writes
var ErrCorrupt = errors.New("the ring buffer is corrupt")

const (
	busyBit    = 1 << 31
	discardBit = 1 << 30
	headerSize = 8

	overwritePos = 2 // index in the producer's page
)

// ring is a mapping: the consumer's page, and the producer's with the data, which are
// there twice in a row
type ring struct {
	consumerPage []byte
	producerPart []byte
	consumer     *uint64
	producer     *uint64
	lost         *uint64
	data         []byte
	size         uint64
}

func position(page []byte, index int) *uint64 {
	return (*uint64)(unsafe.Pointer(&page[index*8]))
}

// mapRing maps the part of user space for writing
func mapRing(m *bpfmap.Map, typ bpfmap.MapType) (*ring, error) {
	const ro, rw = syscall.PROT_READ, syscall.PROT_READ | syscall.PROT_WRITE
	if m.Type() != typ {
		return nil, fmt.Errorf("%s is no %s: %w", m, typ, bpfmap.ErrMapIncompatible)
	}
	consumerProt, producerProt := rw, ro
	if typ == bpfmap.UserRingBuf {
		consumerProt, producerProt = ro, rw
	}
	page := os.Getpagesize()
	length := uint64(page) + 2*uint64(m.MaxEntries())
	if length > math.MaxInt {
		return nil, fmt.Errorf("map %s: %w", m, syscall.E2BIG)
	}
	r := &ring{size: uint64(m.MaxEntries())}
	var err error
	r.consumerPage, err = syscall.Mmap(m.FD(), 0, page, consumerProt, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the consumer's page: %w", err)
	}
	r.producerPart, err = syscall.Mmap(m.FD(), int64(page), int(length), producerProt, syscall.MAP_SHARED)
	if err != nil {
		r.unmap()
		return nil, fmt.Errorf("map the ring: %w", err)
	}
	r.consumer = position(r.consumerPage, 0)
	r.producer = position(r.producerPart, 0)
	r.lost = position(r.producerPart, overwritePos)
	r.data = r.producerPart[page:]
	return r, nil
}

func (r *ring) unmap() {
	if r.consumerPage != nil {
		syscall.Munmap(r.consumerPage)
	}
	if r.producerPart != nil {
		syscall.Munmap(r.producerPart)
	}
	r.consumerPage, r.producerPart, r.data = nil, nil, nil
}

// header is the length word of the record at a position
func (r *ring) header(pos uint64) *uint32 {
	return (*uint32)(unsafe.Pointer(&r.data[pos&(r.size-1)]))
}

func (r *ring) payload(pos uint64, length uint32) []byte {
	at := pos&(r.size-1) + headerSize
	return r.data[at : at+uint64(length)]
}

// recordSize is with the header, and rounded up
func recordSize(word uint32) uint64 {
	return (uint64(word&^(busyBit|discardBit)) + headerSize + 7) &^ 7
}

// record is the length word of the record at a position; false if there is none that is
// complete
func (r *ring) record(pos uint64) (word uint32, ok bool, err error) {
	avail := atomic.LoadUint64(r.producer) - pos
	if avail == 0 {
		return 0, false, nil
	}
	if avail > r.size || pos%8 != 0 {
		return 0, false, ErrCorrupt
	}
	// Pairs with the producer's exchange: the record is complete
	word = atomic.LoadUint32(r.header(pos))
	if word&busyBit != 0 {
		return 0, false, nil
	}
	if recordSize(word) > avail {
		return 0, false, ErrCorrupt
	}
	return word, true, nil
}
