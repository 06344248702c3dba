// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package ringbuf

import (
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// poller waits for a descriptor, or for wake() by another goroutine
type poller struct {
	epoll, event int

	mu       sync.Mutex
	deadline time.Time
	closed   bool
}

func newPoller(fd int, events uint32) (*poller, error) {
	const cloexec, nonblock = syscall.O_CLOEXEC, syscall.O_NONBLOCK
	// A record that is being written is no event: its end is
	const edge = 1 << 31
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	event, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, cloexec|nonblock, 0)
	if errno != 0 {
		syscall.Close(epoll)
		return nil, os.NewSyscallError("eventfd2", errno)
	}
	p := &poller{epoll: epoll, event: int(event)}
	for _, e := range []syscall.EpollEvent{
		{Events: events | edge, Fd: int32(fd)},
		{Events: syscall.EPOLLIN, Fd: int32(event)},
	} {
		e := e
		if err := syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, int(e.Fd), &e); err != nil {
			p.free()
			return nil, os.NewSyscallError("epoll_ctl", err)
		}
	}
	return p, nil
}

func (p *poller) free() {
	syscall.Close(p.epoll)
	syscall.Close(p.event)
}

// state is ErrClosed, a deadline that is over, or the milliseconds to wait at most
func (p *poller) state() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, ErrClosed
	}
	if p.deadline.IsZero() {
		return -1, nil
	}
	left := time.Until(p.deadline)
	if left <= 0 {
		return 0, os.ErrDeadlineExceeded
	}
	return int((left + time.Millisecond - 1) / time.Millisecond), nil
}

// wait returns when there may be something, or with ErrClosed or
// os.ErrDeadlineExceeded
func (p *poller) wait() error {
	ms, err := p.state()
	if err != nil {
		return err
	}
	var events [2]syscall.EpollEvent
	n, err := syscall.EpollWait(p.epoll, events[:], ms)
	if err != nil && err != syscall.EINTR {
		return os.NewSyscallError("epoll_wait", err)
	}
	for i := 0; i < n; i++ {
		if int(events[i].Fd) == p.event {
			var count [8]byte
			syscall.Read(p.event, count[:])
		}
	}
	_, err = p.state()
	return err
}

func (p *poller) wake() {
	one := uint64(1)
	syscall.Write(p.event, (*[8]byte)(unsafe.Pointer(&one))[:])
}

func (p *poller) setDeadline(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	// Its descriptor may be another one after close()
	if !p.closed {
		p.wake()
	}
}

// close makes wait() return; false if that was done before
func (p *poller) close() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.closed
	p.closed = true
	if !was {
		p.wake()
	}
	return !was
}
