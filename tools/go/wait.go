// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"errors"
	"syscall"
	"time"
)

func isAbsent(err error) bool {
	return errors.Is(err, ErrKeyNotExist)
}

// waitReadable returns when the descriptor can be read, or after the timeout; a
// negative one is none
func waitReadable(fd int, timeout time.Duration) error {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	defer syscall.Close(epoll)
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
	if err := syscall.EpollCtl(epoll, syscall.EPOLL_CTL_ADD, fd, &event); err != nil {
		return err
	}
	ms := -1
	if timeout >= 0 {
		ms = int((timeout + time.Millisecond - 1) / time.Millisecond)
	}
	var events [1]syscall.EpollEvent
	if _, err := syscall.EpollWait(epoll, events[:], ms); err != nil && err != syscall.EINTR {
		return err
	}
	return nil
}
