// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// nameLen is with a NUL
const nameLen = 16

// PinType says whether a map has a pin by its name
type PinType uint32

const (
	PinNone PinType = iota
	// PinByName: use the map that is pinned by this name in MapOptions.PinPath, or
	// create and pin one
	PinByName
)

// MapKV is an element of MapSpec.Contents
type MapKV struct {
	Key   any
	Value any
}

// MapSpec says what map to create
type MapSpec struct {
	Name       string // 15 characters at most; others than letters, digits, _ and . become _
	Type       MapType
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32 // CreateFlag...

	Pinning  PinType
	NumaNode uint32 // with FlagNumaNode
	Extra    uint64 // map_extra of bpf(2): hash functions of a BloomFilter, address of an Arena

	Contents []MapKV  // stored before NewMap returns
	Freeze   bool     // after that
	InnerMap *MapSpec // of maps of maps: what maps they can have
}

// Copy is a copy with contents of its own
func (spec *MapSpec) Copy() *MapSpec {
	if spec == nil {
		return nil
	}
	c := *spec
	c.Contents = append([]MapKV(nil), spec.Contents...)
	c.InnerMap = spec.InnerMap.Copy()
	return &c
}

func (spec *MapSpec) String() string {
	return fmt.Sprintf("%s(keySize=%d, valueSize=%d, maxEntries=%d, flags=%d)",
		spec.Type, spec.KeySize, spec.ValueSize, spec.MaxEntries, spec.Flags)
}

// Compatible is nil if a map is what the spec says, else it is ErrMapIncompatible
func (spec *MapSpec) Compatible(m *Map) error {
	const modes = FlagReadOnly | FlagWriteOnly
	var what string
	switch {
	case m.typ != spec.Type:
		what = fmt.Sprintf("type %s, not %s", m.typ, spec.Type)
	case m.keySize != spec.KeySize:
		what = fmt.Sprintf("key size %d, not %d", m.keySize, spec.KeySize)
	case m.valueSize != spec.ValueSize:
		what = fmt.Sprintf("value size %d, not %d", m.valueSize, spec.ValueSize)
	case m.maxEntries != spec.MaxEntries:
		what = fmt.Sprintf("max entries %d, not %d", m.maxEntries, spec.MaxEntries)
	case m.flags != spec.Flags&^uint32(modes):
		what = fmt.Sprintf("flags %#x, not %#x", m.flags, spec.Flags)
	default:
		return nil
	}
	return fmt.Errorf("%s: %w", what, ErrMapIncompatible)
}

// MapOptions are for NewMapWithOptions
type MapOptions struct {
	PinPath        string // directory of a bpfmapfs, for PinByName
	LoadPinOptions LoadPinOptions
}

// Map is an open map. Close it, or let it be collected.
type Map struct {
	*handle
	name               string
	typ                MapType
	keySize, valueSize uint32
	maxEntries, flags  uint32
	fullValueSize      int // of all CPUs
	pinnedPath         string
}

// NewMap creates a map
func NewMap(spec *MapSpec) (*Map, error) {
	return NewMapWithOptions(spec, MapOptions{})
}

// NewMapWithOptions creates a map, or with PinByName uses the one that is there
func NewMapWithOptions(spec *MapSpec, opts MapOptions) (*Map, error) {
	if spec.Pinning == PinNone {
		return createMap(spec)
	}
	if spec.Pinning != PinByName {
		return nil, fmt.Errorf("pin type %d: %w", spec.Pinning, ErrNotSupported)
	}
	if spec.Name == "" || opts.PinPath == "" {
		return nil, errors.New("pin by name: no name or no PinPath")
	}
	path := filepath.Join(opts.PinPath, spec.Name)
	m, err := LoadPinnedMap(path, &opts.LoadPinOptions)
	if err == nil {
		if err = spec.Compatible(m); err != nil {
			m.Close()
			return nil, fmt.Errorf("use pinned map %s: %w", spec.Name, err)
		}
		return m, nil
	}
	if !errors.Is(err, syscall.ENOENT) {
		return nil, err
	}
	if m, err = createMap(spec); err != nil {
		return nil, err
	}
	if err = m.Pin(path); err != nil {
		m.Close()
		return nil, fmt.Errorf("pin map: %w", err)
	}
	return m, nil
}

func nameChar(r rune) rune {
	switch {
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r == '.':
		return r
	}
	return '_'
}

func createMap(spec *MapSpec) (*Map, error) {
	attr := createAttr{
		mapType: uint32(spec.Type), keySize: spec.KeySize, valueSize: spec.ValueSize,
		maxEntries: spec.MaxEntries, flags: spec.Flags, numaNode: spec.NumaNode,
		extra: spec.Extra,
	}
	copy(attr.name[:nameLen-1], strings.Map(nameChar, spec.Name))
	if spec.Type.isOuter() {
		if spec.InnerMap == nil {
			return nil, fmt.Errorf("%s without InnerMap", spec.Type)
		}
		inner, err := createMap(spec.InnerMap)
		if err != nil {
			return nil, fmt.Errorf("inner map: %w", err)
		}
		defer inner.Close()
		attr.innerFD = uint32(inner.FD())
		attr.valueSize = 4
	}
	h, _, err := onDevice(cmdCreate, unsafe.Sizeof(attr), unsafe.Pointer(&attr))
	if err != nil {
		return nil, fmt.Errorf("map create: %w", err)
	}
	m, err := newMap(h)
	if err != nil {
		return nil, err
	}
	if err = m.fill(spec); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (m *Map) fill(spec *MapSpec) error {
	for _, kv := range spec.Contents {
		if err := m.Put(kv.Key, kv.Value); err != nil {
			return fmt.Errorf("contents of map %s: %w", spec.Name, err)
		}
	}
	if spec.Freeze {
		return m.Freeze()
	}
	return nil
}

// newMap asks the kernel what it is; on failure the descriptor is closed
func newMap(h *handle) (*Map, error) {
	var info infoData
	if err := h.info(&info); err != nil {
		h.close()
		return nil, err
	}
	m := &Map{
		handle: h, name: goString(info.name[:]), typ: MapType(info.mapType),
		keySize: info.keySize, valueSize: info.valueSize,
		maxEntries: info.maxEntries, flags: info.flags,
		fullValueSize: int(info.valueSize),
	}
	if m.typ.isOuter() {
		m.fullValueSize = 4
	}
	if m.typ.isPerCPU() {
		n, err := PossibleCPU()
		if err != nil {
			h.close()
			return nil, err
		}
		m.fullValueSize = align8(m.fullValueSize) * n
	}
	return m, nil
}

func goString(name []byte) string {
	return strings.TrimRight(string(name), "\x00")
}

// NewMapFromFD takes a descriptor over, and closes it if it is no map
func NewMapFromFD(fd int) (*Map, error) {
	return newMap(newHandle(fd))
}

// NewMapFromID opens a map by its id, which needs CAP_SYS_ADMIN
func NewMapFromID(id MapID) (*Map, error) {
	attr := idAttr{id: uint32(id)}
	h, _, err := onDevice(cmdFDByID, unsafe.Sizeof(attr), unsafe.Pointer(&attr))
	if err != nil {
		return nil, fmt.Errorf("map by id %d: %w", id, notExist(err))
	}
	return newMap(h)
}

// MapGetNextID is the next id of a map of the device after start, which needs
// CAP_SYS_ADMIN. After the last one the error is an os.ErrNotExist.
func MapGetNextID(start MapID) (MapID, error) {
	attr := idAttr{id: uint32(start)}
	dev, err := openDevice()
	if err != nil {
		return 0, err
	}
	_, errno := command(dev.fd, cmdNextID, unsafe.Offsetof(attr.flags), unsafe.Pointer(&attr))
	if errno != 0 {
		return 0, fmt.Errorf("next map id: %w", commandError(errno))
	}
	return MapID(attr.next), nil
}

// notExist keeps the meaning of ENOENT, which is os.ErrNotExist here
func notExist(err error) error {
	if errors.Is(err, syscall.ENOENT) {
		return syscall.ENOENT
	}
	return err
}

// Clone has a descriptor of its own
func (m *Map) Clone() (*Map, error) {
	const dupCloexec = 1030
	if m == nil {
		return nil, nil
	}
	fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(m.fd), dupCloexec, 0)
	runtime.KeepAlive(m.handle)
	if errno != 0 {
		return nil, fmt.Errorf("clone map: %w", errno)
	}
	c := *m
	c.handle = newHandle(int(fd))
	c.pinnedPath = ""
	return &c, nil
}
