// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package ringbuf

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"bpfmap.invalid/bpfmap"
)

// Writer produces into a UserRingBuf, whose consumer is a module of the kernel.
// Several goroutines may write, several processes may not.
type Writer struct {
	m      *bpfmap.Map
	poller *poller

	mu   sync.Mutex
	ring *ring
}

// NewWriter maps a ring; the Writer has a descriptor of its own
func NewWriter(m *bpfmap.Map) (*Writer, error) {
	m, err := m.Clone()
	if err != nil {
		return nil, err
	}
	w := &Writer{m: m}
	if w.ring, err = mapRing(m, bpfmap.UserRingBuf); err != nil {
		m.Close()
		return nil, err
	}
	if w.poller, err = newPoller(m.FD(), syscall.EPOLLOUT); err != nil {
		w.ring.unmap()
		m.Close()
		return nil, err
	}
	return w, nil
}

// Close ends a Write that waits, and lets go of the ring
func (w *Writer) Close() error {
	if !w.poller.close() {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ring.unmap()
	w.poller.free()
	return w.m.Close()
}

// SetDeadline says when a Write ends with os.ErrDeadlineExceeded; never for the zero
// time
func (w *Writer) SetDeadline(t time.Time) {
	w.poller.setDeadline(t)
}

// Write submits a copy of the sample, and waits while there is no room
func (w *Writer) Write(sample []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(sample) >= discardBit || recordSize(uint32(len(sample))) > w.ring.size {
		return 0, fmt.Errorf("a sample of %d bytes: %w", len(sample), syscall.E2BIG)
	}
	for {
		if _, err := w.poller.state(); err == ErrClosed {
			return 0, err
		}
		ok, err := w.try(sample)
		if err != nil {
			return 0, err
		}
		if ok {
			return len(sample), nil
		}
		if err := w.poller.wait(); err != nil {
			return 0, err
		}
	}
}

// try submits the sample if there is room
func (w *Writer) try(sample []byte) (bool, error) {
	producer, consumer := atomic.LoadUint64(w.ring.producer), atomic.LoadUint64(w.ring.consumer)
	used := producer - consumer
	if used > w.ring.size || producer%8 != 0 {
		return false, ErrCorrupt
	}
	size := recordSize(uint32(len(sample)))
	if size > w.ring.size-used {
		return false, nil
	}
	header := w.ring.header(producer)
	atomic.StoreUint32(header, uint32(len(sample))|busyBit)
	atomic.StoreUint64(w.ring.producer, producer+size)
	copy(w.ring.payload(producer, uint32(len(sample))), sample)
	// The consumer reads the sample after this
	atomic.StoreUint32(header, uint32(len(sample)))
	return true, nil
}
