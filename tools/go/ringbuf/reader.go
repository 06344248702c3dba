// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package ringbuf

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"bpfmap.invalid/bpfmap"
)

// Record is a copy of what the producer has submitted
type Record struct {
	RawSample []byte
	Remaining int // bytes of the ring after this record that were used when it was read
}

// Reader consumes a RingBuf. One goroutine reads at a time; Close and SetDeadline may be
// called by others, also while it waits.
type Reader struct {
	m         *bpfmap.Map
	poller    *poller
	overwrite bool

	mu   sync.Mutex // of all that follows
	ring *ring
	lost uint64
}

// NewReader maps a ring; the Reader has a descriptor of its own
func NewReader(m *bpfmap.Map) (*Reader, error) {
	m, err := m.Clone()
	if err != nil {
		return nil, err
	}
	r := &Reader{m: m, overwrite: m.Flags()&bpfmap.FlagRBOverwrite != 0}
	if r.ring, err = mapRing(m, bpfmap.RingBuf); err != nil {
		m.Close()
		return nil, err
	}
	if r.poller, err = newPoller(m.FD(), syscall.EPOLLIN); err != nil {
		r.ring.unmap()
		m.Close()
		return nil, err
	}
	return r, nil
}

// Close ends a Read that waits, and lets go of the ring
func (r *Reader) Close() error {
	if !r.poller.close() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring.unmap()
	r.poller.free()
	return r.m.Close()
}

// SetDeadline says when a Read ends with os.ErrDeadlineExceeded; never for the zero time
func (r *Reader) SetDeadline(t time.Time) {
	r.poller.setDeadline(t)
}

// BufferSize is the bytes of data that the ring can hold
func (r *Reader) BufferSize() int {
	return int(r.ring.size)
}

// AvailableBytes is what is used of the ring, records that are being written included
func (r *Reader) AvailableBytes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ring.data == nil {
		return 0
	}
	return int(atomic.LoadUint64(r.ring.producer) - atomic.LoadUint64(r.ring.consumer))
}

// Lost is the bytes of records that an overwriting ring has overwritten before they
// were read
func (r *Reader) Lost() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost
}

// Read waits for a record and copies it
func (r *Reader) Read() (Record, error) {
	var rec Record
	err := r.ReadInto(&rec)
	return rec, err
}

// ReadInto is Read that uses the memory of rec.RawSample
func (r *Reader) ReadInto(rec *Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if _, err := r.poller.state(); err == ErrClosed {
			return err
		}
		ok, err := r.next(rec)
		if ok || err != nil {
			return err
		}
		if err := r.poller.wait(); err != nil {
			return err
		}
	}
}

// next copies the next record, if there is one that is complete
func (r *Reader) next(rec *Record) (bool, error) {
	for {
		pos := atomic.LoadUint64(r.ring.consumer)
		word, ok, err := r.ring.record(pos)
		skip := word&discardBit != 0
		if ok && !skip {
			rec.RawSample = append(rec.RawSample[:0], r.ring.payload(pos, word)...)
		}
		// What has been overwritten meanwhile may have looked like anything
		if r.overwrite && r.skipLost(pos) {
			continue
		}
		if !ok || err != nil {
			return false, err
		}
		pos += recordSize(word)
		atomic.StoreUint64(r.ring.consumer, pos)
		if !skip {
			rec.Remaining = int(atomic.LoadUint64(r.ring.producer) - pos)
			return true, nil
		}
	}
}

// skipLost goes on behind what the producer has overwritten. Was there any of it?
func (r *Reader) skipLost(pos uint64) bool {
	over := atomic.LoadUint64(r.ring.lost)
	if int64(over-pos) <= 0 {
		return false
	}
	r.lost += over - pos
	atomic.StoreUint64(r.ring.consumer, over)
	return true
}
