// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// LoadPinOptions says how to open a pin
type LoadPinOptions struct {
	ReadOnly  bool
	WriteOnly bool
	Flags     uint32
}

func (o *LoadPinOptions) flags() uint32 {
	if o == nil {
		return 0
	}
	flags := o.Flags
	if o.ReadOnly {
		flags |= FlagReadOnly
	}
	if o.WriteOnly {
		flags |= FlagWriteOnly
	}
	return flags
}

func pathPointer(path string) (pointer, error) {
	p, err := syscall.BytePtrFromString(path)
	return pointer{ptr: unsafe.Pointer(p)}, err
}

// Pin gives the map a name on a bpfmapfs, which is at /sys/fs/bpfmap as a rule. A map
// that has one is renamed.
func (m *Map) Pin(fileName string) error {
	if m.pinnedPath == fileName && fileName != "" {
		return nil
	}
	if m.pinnedPath != "" {
		if err := os.Rename(m.pinnedPath, fileName); err != nil {
			return fmt.Errorf("pin map: %w", err)
		}
		m.pinnedPath = fileName
		return nil
	}
	path, err := pathPointer(fileName)
	if err != nil {
		return fmt.Errorf("pin map: %w", err)
	}
	dev, err := openDevice()
	if err != nil {
		return err
	}
	attr := objAttr{path: path, fd: uint32(m.fd)}
	_, errno := command(dev.fd, cmdPin, unsafe.Sizeof(attr), unsafe.Pointer(&attr))
	runtime.KeepAlive(m.handle)
	if errno != 0 {
		return fmt.Errorf("pin map: %w", &os.PathError{Op: "pin", Path: fileName, Err: errno})
	}
	m.pinnedPath = fileName
	return nil
}

// Unpin removes the name that Pin or LoadPinnedMap had; without one it does nothing
func (m *Map) Unpin() error {
	if m.pinnedPath == "" {
		return nil
	}
	if err := os.Remove(m.pinnedPath); err != nil && !os.IsNotExist(err) {
		return err
	}
	m.pinnedPath = ""
	return nil
}

// IsPinned tells whether this object knows a pin
func (m *Map) IsPinned() bool {
	return m.pinnedPath != ""
}

// LoadPinnedMap opens a map by its name. Options may be nil.
func LoadPinnedMap(fileName string, opts *LoadPinOptions) (*Map, error) {
	path, err := pathPointer(fileName)
	if err != nil {
		return nil, fmt.Errorf("load pinned map: %w", err)
	}
	attr := objAttr{path: path, flags: opts.flags()}
	h, errno, err := onDevice(cmdGet, unsafe.Sizeof(attr), unsafe.Pointer(&attr))
	if errno != 0 {
		err = &os.PathError{Op: "open", Path: fileName, Err: errno}
	}
	if err != nil {
		return nil, fmt.Errorf("load pinned map: %w", err)
	}
	m, err := newMap(h)
	if err == nil {
		m.pinnedPath = fileName
	}
	return m, err
}
