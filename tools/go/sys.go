// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

const devicePath = "/dev/bpfmap"

// Commands, with the numbers of bpf(2)
const (
	cmdCreate          = 0
	cmdLookup          = 1
	cmdUpdate          = 2
	cmdDelete          = 3
	cmdNextKey         = 4
	cmdPin             = 6
	cmdGet             = 7
	cmdNextID          = 12
	cmdFDByID          = 14
	cmdInfo            = 15
	cmdLookupAndDelete = 21
	cmdFreeze          = 22
	cmdLookupBatch     = 24
	cmdTakeBatch       = 25
	cmdUpdateBatch     = 26
	cmdDeleteBatch     = 27
)

// Errors of the kernel that have a meaning of their own. Test with errors.Is.
var (
	ErrKeyNotExist      = errors.New("key does not exist")
	ErrKeyExist         = errors.New("key already exists")
	ErrIterationAborted = errors.New("iteration aborted")
	ErrMapIncompatible  = errors.New("map spec is incompatible with existing map")
	ErrNotSupported     = errors.New("not supported")
)

// enotsupp is an errno that no header of user space has
const enotsupp = syscall.Errno(524)

// sysError is an errno, and what it means here
type sysError struct {
	meaning error
	errno   syscall.Errno
}

func (e *sysError) Error() string {
	return e.meaning.Error()
}

func (e *sysError) Unwrap() error {
	return e.meaning
}

func (e *sysError) Is(target error) bool {
	return errors.Is(e.errno, target)
}

// Made once: a key that is absent is no reason to allocate
var (
	errNoKey     = &sysError{ErrKeyNotExist, syscall.ENOENT}
	errKey       = &sysError{ErrKeyExist, syscall.EEXIST}
	errNotSupp   = &sysError{ErrNotSupported, enotsupp}
	errOpNotSupp = &sysError{ErrNotSupported, syscall.EOPNOTSUPP}
)

// elementError is the error of a command about elements
func elementError(errno syscall.Errno) error {
	switch errno {
	case 0:
		return nil
	case syscall.ENOENT:
		return errNoKey
	case syscall.EEXIST:
		return errKey
	default:
		return commandError(errno)
	}
}

// commandError is the error of any other command
func commandError(errno syscall.Errno) error {
	switch errno {
	case 0:
		return nil
	case enotsupp:
		return errNotSupp
	case syscall.EOPNOTSUPP:
		return errOpNotSupp
	default:
		return errno
	}
}

// handle is a descriptor that is closed when nothing refers to it
type handle struct {
	fd int
}

func newHandle(fd int) *handle {
	h := &handle{fd}
	runtime.SetFinalizer(h, (*handle).close)
	return h
}

func (h *handle) close() error {
	fd := h.fd
	if fd < 0 {
		return nil
	}
	h.fd = -1
	runtime.SetFinalizer(h, nil)
	return syscall.Close(fd)
}

var device struct {
	once sync.Once
	*handle
	err error
}

// openDevice has the one descriptor of this process
func openDevice() (*handle, error) {
	device.once.Do(func() {
		fd, err := syscall.Open(devicePath, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
		if err != nil {
			device.err = &os.PathError{Op: "open", Path: devicePath, Err: err}
			return
		}
		device.handle = newHandle(fd)
	})
	return device.handle, device.err
}

// command is bpf(2)'s: attr has size bytes
func command(fd int, cmd, size uintptr, attr unsafe.Pointer) (int, syscall.Errno) {
	const readWrite, magic = 3 << 30, 0xbf << 8

	for {
		n, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd),
			readWrite|size<<16|magic|cmd, uintptr(attr))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// onDevice is a command that results in a descriptor
func onDevice(cmd, size uintptr, attr unsafe.Pointer) (*handle, syscall.Errno, error) {
	dev, err := openDevice()
	if err != nil {
		return nil, 0, err
	}
	fd, errno := command(dev.fd, cmd, size, attr)
	if errno != 0 {
		return nil, errno, commandError(errno)
	}
	return newHandle(fd), 0, nil
}

type createAttr struct {
	mapType, keySize, valueSize, maxEntries uint32
	flags, innerFD, numaNode                uint32
	name                                    [16]byte
	ifindex, btfFD, btfKey, btfValue        uint32
	btfVmlinux                              uint32
	extra                                   uint64
}

type elemAttr struct {
	fd    uint32
	_     uint32
	key   pointer
	value pointer
	flags uint64
}

type batchAttr struct {
	in, out      pointer
	keys, values pointer
	count        uint32
	fd           uint32
	elemFlags    uint64
	flags        uint64
}

type objAttr struct {
	path      pointer
	fd, flags uint32
}

type idAttr struct {
	id, next, flags uint32
}

type infoAttr struct {
	fd, length uint32
	info       pointer
}

type infoData struct {
	mapType, id, keySize, valueSize, maxEntries, flags uint32
	name                                               [16]byte
	_                                                  [4]byte
	_                                                  uint32
	_, _                                               uint64
	_                                                  [4]uint32
	extra                                              uint64
	hash                                               pointer
	hashSize                                           uint32
	_                                                  uint32
}

// elem is a command about one element
func (m *Map) elem(cmd uintptr, key, value unsafe.Pointer, flags uint64) syscall.Errno {
	attr := elemAttr{key: pointer{ptr: key}, value: pointer{ptr: value}, flags: flags}
	size := unsafe.Sizeof(attr)
	switch cmd {
	case cmdDelete:
		size = unsafe.Offsetof(attr.value)
	case cmdNextKey:
		size = unsafe.Offsetof(attr.flags)
	}
	_, errno := command(m.handle.fd, cmd, size, unsafe.Pointer(&attr))
	runtime.KeepAlive(m.handle)
	return errno
}

func (h *handle) info(info *infoData) error {
	attr := infoAttr{length: uint32(unsafe.Sizeof(*info)), info: pointer{ptr: unsafe.Pointer(info)}}
	_, errno := command(h.fd, cmdInfo, unsafe.Sizeof(attr), unsafe.Pointer(&attr))
	runtime.KeepAlive(h)
	// Another file's descriptor, which the device would call EINVAL
	if errno == syscall.ENOTTY {
		errno = syscall.EINVAL
	}
	if errno != 0 {
		return fmt.Errorf("map info: %w", commandError(errno))
	}
	return nil
}
