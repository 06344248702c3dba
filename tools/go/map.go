// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// MapUpdateFlags are for Update
type MapUpdateFlags uint64

const (
	UpdateAny     MapUpdateFlags = 0      // create or replace
	UpdateNoExist MapUpdateFlags = 1 << 0 // create only
	UpdateExist   MapUpdateFlags = 1 << 1 // replace only
)

// MapLookupFlags are for LookupWithFlags
type MapLookupFlags uint64

const (
	flagCPU     = 1 << 3
	flagAllCPUs = 1 << 4
)

// MapID names a map, for those with CAP_SYS_ADMIN
type MapID uint32

// MapInfo is what the kernel knows of a map
type MapInfo struct {
	Type       MapType
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
	Name       string
	Extra      uint64
	Memlock    uint64 // bytes of memory that it is charged
	Frozen     bool
	id         MapID
}

// ID is there for every map
func (i *MapInfo) ID() (MapID, bool) {
	return i.id, true
}

func (m *Map) String() string {
	if m.name != "" {
		return fmt.Sprintf("%s(%s)#%d", m.typ, m.name, m.fd)
	}
	return fmt.Sprintf("%s#%d", m.typ, m.fd)
}

// FD is the descriptor, which the map keeps
func (m *Map) FD() int { return m.fd }

// Type is the map's type
func (m *Map) Type() MapType { return m.typ }

// KeySize is in bytes
func (m *Map) KeySize() uint32 { return m.keySize }

// ValueSize is in bytes, of one CPU
func (m *Map) ValueSize() uint32 { return m.valueSize }

// MaxEntries is the most that it holds
func (m *Map) MaxEntries() uint32 { return m.maxEntries }

// Flags are those that it was created with
func (m *Map) Flags() uint32 { return m.flags }

// Close lets go of the descriptor. The map lives while it is pinned or open elsewhere.
func (m *Map) Close() error {
	if m == nil {
		return nil
	}
	return m.handle.close()
}

// Info asks the kernel
func (m *Map) Info() (*MapInfo, error) {
	var data infoData
	if err := m.handle.info(&data); err != nil {
		return nil, err
	}
	info := &MapInfo{
		Type: m.typ, KeySize: m.keySize, ValueSize: m.valueSize,
		MaxEntries: m.maxEntries, Flags: m.flags, Name: m.name,
		Extra: data.extra, id: MapID(data.id),
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", m.fd))
	if err != nil {
		return nil, fmt.Errorf("map info: %w", err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		var frozen int
		if _, err := fmt.Sscanf(line, "frozen: %d", &frozen); err == nil {
			info.Frozen = frozen != 0
		}
		fmt.Sscanf(line, "memlock: %d", &info.Memlock)
	}
	return info, nil
}

// Hash is the SHA-256 of the values of a frozen Array
func (m *Map) Hash() (sum [32]byte, err error) {
	data := infoData{hash: pointer{ptr: unsafe.Pointer(&sum)}, hashSize: uint32(len(sum))}
	return sum, m.handle.info(&data)
}

// Freeze ends all changes through descriptors, for ever
func (m *Map) Freeze() error {
	var attr uint32
	_, errno := command(m.fd, cmdFreeze, unsafe.Sizeof(attr), unsafe.Pointer(&attr))
	if errno != 0 {
		return fmt.Errorf("freeze map: %w", commandError(errno))
	}
	return nil
}

func (m *Map) key(data any) ([]byte, error) {
	buf, err := marshal(data, int(m.keySize))
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return buf, nil
}

func (m *Map) value(data any) (buf []byte, err error) {
	if m.typ.isPerCPU() {
		buf, err = marshalPerCPU(data, int(m.valueSize))
	} else {
		buf, err = marshal(data, m.fullValueSize)
	}
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	return buf, nil
}

func (m *Map) unmarshalValue(out any, buf []byte) error {
	if m.typ.isPerCPU() {
		return unmarshalPerCPU(out, buf, int(m.valueSize))
	}
	return unmarshal(out, buf)
}

// roomForValue is the caller's variable, if it has the bytes of a value
func (m *Map) roomForValue(out any) []byte {
	if m.typ.isPerCPU() {
		return make([]byte, m.fullValueSize)
	}
	return room(out, m.fullValueSize)
}

// read is a look-up of some kind
func (m *Map) read(cmd uintptr, what string, key, out any, flags uint64) error {
	k, err := m.key(key)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	// In a BloomFilter the value is what to look for
	if m.typ == BloomFilter {
		v, err := m.value(out)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return wrap(what, elementError(m.elem(cmd, nil, firstByte(v), flags)))
	}
	buf := m.roomForValue(out)
	if err := elementError(m.elem(cmd, firstByte(k), firstByte(buf), flags)); err != nil {
		return wrap(what, err)
	}
	return wrap(what, m.unmarshalValue(out, buf))
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Lookup stores the value of a key. Queue and Stack: the next element, with a nil key.
// BloomFilter: whether it may have the value, with a nil key.
func (m *Map) Lookup(key, valueOut any) error {
	return m.read(cmdLookup, "lookup", key, valueOut, 0)
}

// LookupWithFlags is Lookup with flags of bpf(2)
func (m *Map) LookupWithFlags(key, valueOut any, flags MapLookupFlags) error {
	return m.read(cmdLookup, "lookup", key, valueOut, uint64(flags))
}

// LookupBytes is the value of a key, or nil if there is none
func (m *Map) LookupBytes(key any) ([]byte, error) {
	buf := make([]byte, m.fullValueSize)
	k, err := m.key(key)
	if err != nil {
		return nil, wrap("lookup", err)
	}
	errno := m.elem(cmdLookup, firstByte(k), firstByte(buf), 0)
	if errno == syscall.ENOENT {
		return nil, nil
	}
	if errno != 0 {
		return nil, wrap("lookup", elementError(errno))
	}
	return buf, nil
}

// LookupAndDelete takes an element out. Queue and Stack: with a nil key
func (m *Map) LookupAndDelete(key, valueOut any) error {
	return m.read(cmdLookupAndDelete, "lookup and delete", key, valueOut, 0)
}

// Put stores an element, whether there is one or not
func (m *Map) Put(key, value any) error {
	return m.Update(key, value, UpdateAny)
}

// Update stores an element
func (m *Map) Update(key, value any, flags MapUpdateFlags) error {
	k, err := m.key(key)
	if err != nil {
		return wrap("update", err)
	}
	v, err := m.value(value)
	if err != nil {
		return wrap("update", err)
	}
	return wrap("update", elementError(m.elem(cmdUpdate, firstByte(k), firstByte(v), uint64(flags))))
}

// Delete removes an element
func (m *Map) Delete(key any) error {
	k, err := m.key(key)
	if err != nil {
		return wrap("delete", err)
	}
	return wrap("delete", elementError(m.elem(cmdDelete, firstByte(k), nil, 0)))
}

// oneCPU is a command about one value of a per-CPU type
func (m *Map) oneCPU(cmd uintptr, key any, buf []byte, flags uint64) error {
	k, err := m.key(key)
	if err != nil {
		return err
	}
	return elementError(m.elem(cmd, firstByte(k), firstByte(buf), flags))
}

// LookupCPU stores the value that a key has on one CPU
func (m *Map) LookupCPU(key, valueOut any, cpu int) error {
	buf := room(valueOut, int(m.valueSize))
	if err := m.oneCPU(cmdLookup, key, buf, flagCPU|uint64(cpu)<<32); err != nil {
		return wrap("lookup", err)
	}
	return wrap("lookup", unmarshal(valueOut, buf))
}

// UpdateCPU stores a value on one CPU; those of others of a new key are 0
func (m *Map) UpdateCPU(key, value any, cpu int, flags MapUpdateFlags) error {
	buf, err := marshal(value, int(m.valueSize))
	if err == nil {
		err = m.oneCPU(cmdUpdate, key, buf, flagCPU|uint64(cpu)<<32|uint64(flags))
	}
	return wrap("update", err)
}

// UpdateAllCPUs stores one value on every CPU
func (m *Map) UpdateAllCPUs(key, value any, flags MapUpdateFlags) error {
	buf, err := marshal(value, int(m.valueSize))
	if err == nil {
		err = m.oneCPU(cmdUpdate, key, buf, flagAllCPUs|uint64(flags))
	}
	return wrap("update", err)
}

// NextKey stores the key after another one; the first one for nil
func (m *Map) NextKey(key, nextKeyOut any) error {
	buf := room(nextKeyOut, int(m.keySize))
	if err := m.nextKey(key, buf); err != nil {
		return wrap("next key", err)
	}
	return wrap("next key", unmarshal(nextKeyOut, buf))
}

// NextKeyBytes is the key after another one, or nil after the last
func (m *Map) NextKeyBytes(key any) ([]byte, error) {
	buf := make([]byte, m.keySize)
	err := m.nextKey(key, buf)
	if err == errNoKey {
		return nil, nil
	}
	return buf, wrap("next key", err)
}

func (m *Map) nextKey(key any, out []byte) error {
	var k []byte
	if key != nil {
		var err error
		if k, err = m.key(key); err != nil {
			return err
		}
	}
	return elementError(m.elem(cmdNextKey, firstByte(k), firstByte(out), 0))
}

// PopWait takes an element out of a Queue or Stack, or waits for one. A negative
// timeout is none; at its end the error is an os.ErrDeadlineExceeded.
func (m *Map) PopWait(valueOut any, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		err := m.LookupAndDelete(nil, valueOut)
		if err == nil || !isAbsent(err) {
			return err
		}
		left := time.Duration(-1)
		if timeout >= 0 {
			if left = time.Until(deadline); left <= 0 {
				return wrap("pop", os.ErrDeadlineExceeded)
			}
		}
		if err := waitReadable(m.fd, left); err != nil {
			return wrap("pop", err)
		}
	}
}
