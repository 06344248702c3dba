// SPDX-License-Identifier: GPL-2.0-only

// A program for bpf(2)'s maps as others write them: it makes its system calls by
// package syscall and knows nothing of bpfmap. Its tests print TAP.
//
//	maps basic           each kind of call
//	maps stress CALLS    in 16 threads, with garbage collection and profiler signals
//	maps child           only create a map, for the test of exec
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	sysBPF = 321

	mapCreate    = 0
	mapLookup    = 1
	mapUpdate    = 2
	mapDelete    = 3
	mapNextKey   = 4
	progLoad     = 5
	objPin       = 6
	objGet       = 7
	infoByFd     = 15
	typeHash     = 1
	typeStack    = 7 // stack traces: bpf(2) has them, the device has not
	bpfFsMagic   = 0xcafe4a11
	threadsCount = 16
)

type createAttr struct {
	mapType, keySize, valueSize, maxEntries, flags uint32
	innerFd, numaNode                              uint32
	name                                           [16]byte
}

type elemAttr struct {
	fd, _             uint32
	key, value, flags uint64
}

type objAttr struct {
	path      uint64
	fd, flags uint32
}

func bpf(cmd int, attr unsafe.Pointer, size uintptr) (int, error) {
	r, _, errno := syscall.Syscall(sysBPF, uintptr(cmd), uintptr(attr), size)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

func create(mapType uint32, keySize, valueSize uint32) (int, error) {
	a := createAttr{mapType: mapType, keySize: keySize, valueSize: valueSize,
		maxEntries: 1000}
	copy(a.name[:], "maps")
	return bpf(mapCreate, unsafe.Pointer(&a), unsafe.Sizeof(a))
}

func elem(cmd, fd int, key, value *uint64) error {
	a := elemAttr{fd: uint32(fd), key: uint64(uintptr(unsafe.Pointer(key))),
		value: uint64(uintptr(unsafe.Pointer(value)))}
	_, err := bpf(cmd, unsafe.Pointer(&a), unsafe.Sizeof(a))
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	return err
}

func obj(cmd, fd int, path string) (int, error) {
	p := append([]byte(path), 0)
	a := objAttr{path: uint64(uintptr(unsafe.Pointer(&p[0]))), fd: uint32(fd)}
	r, err := bpf(cmd, unsafe.Pointer(&a), unsafe.Sizeof(a))
	runtime.KeepAlive(p)
	return r, err
}

var tests, failed int

func check(name string, ok bool, what ...any) {
	tests++
	if ok {
		fmt.Printf("ok %d - %s\n", tests, name)
		return
	}
	failed++
	fmt.Printf("not ok %d - %s\n# %v\n", tests, name, what)
}

// bpf(2)'s maps know no ioctl: BPFMAP_OBJ_GET_INFO_BY_FD
func onDevice(fd int) bool {
	var attr [16]byte
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), 0xc010bf0f,
		uintptr(unsafe.Pointer(&attr)))
	return errno == 0
}

func elements(fd int) {
	key, value, found := uint64(7), uint64(42), uint64(0)
	check("update", elem(mapUpdate, fd, &key, &value) == nil)
	check("lookup", elem(mapLookup, fd, &key, &found) == nil && found == 42, found)
	var next uint64
	check("next key", elem(mapNextKey, fd, nil, &next) == nil && next == 7, next)
	check("delete", elem(mapDelete, fd, &key, nil) == nil)
	err := elem(mapLookup, fd, &key, &found)
	check("lookup of nothing", err == syscall.ENOENT, err)
	err = elem(mapLookup, 999, &key, &found)
	check("lookup in no descriptor", err == syscall.EBADF, err)
	err = elem(mapLookup, 1, &key, &found)
	check("lookup in another file", err == syscall.EINVAL ||
		os.Getenv("BPF_IS_DENIED") != "" && err == syscall.EPERM, err)
	_, err = bpf(mapLookup, nil, 32)
	check("attr that cannot be read", err == syscall.EFAULT, err)
}

// What the device does not have stays with bpf(2)
func others() {
	fd, err := create(typeStack, 4, 8)
	if os.Getuid() == 0 && os.Getenv("BPF_IS_DENIED") == "" {
		check("a type of bpf(2)'s", err == nil && !onDevice(fd), err)
		key, value := uint64(0), uint64(0)
		err = elem(mapLookup, fd, &key, &value)
		check("lookup there", err == syscall.ENOENT, err)
		syscall.Close(fd)
	} else {
		check("a type of bpf(2)'s", err == syscall.EPERM, err)
	}
	_, err = bpf(9999, unsafe.Pointer(&err), 8)
	check("no command", err == syscall.EINVAL || err == syscall.EPERM, err)
}

func pins(fd int) {
	path := fmt.Sprintf("/sys/fs/bpf/maps_%d", os.Getpid())
	_, err := obj(objPin, fd, path)
	check("pin", err == nil, err)
	_, err = os.Stat(path)
	check("the pin is seen", err == nil, err)
	var st syscall.Statfs_t
	err = syscall.Statfs("/sys/fs/bpf", &st)
	check("on bpf(2)'s file system", err == nil && uint32(st.Type) == bpfFsMagic, err, st.Type)
	got, err := obj(objGet, 0, path)
	check("get", err == nil && onDevice(got), err)
	syscall.Close(got)
	err = os.Rename(path, path+"2")
	check("rename", err == nil, err)
	err = os.Remove(path + "2")
	check("remove", err == nil, err)
	_, err = obj(objGet, 0, path)
	check("get after that", err == syscall.ENOENT, err)
}

// The descriptor of the device is lost, and found again
func closed(fd int) {
	for i := 3; i < 1024; i++ {
		if i != fd && !isPoller(i) {
			syscall.Close(i)
		}
	}
	key, value := uint64(1), uint64(1)
	check("after closing all", elem(mapUpdate, fd, &key, &value) == nil)
	again, err := create(typeHash, 8, 8)
	check("create after that", err == nil && onDevice(again), err)
}

func isPoller(fd int) bool {
	link, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return link == "anon_inode:[eventpoll]" || len(link) > 5 && link[:5] == "pipe:"
}

func execs() {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	out, err := exec.Command(self, "child").CombinedOutput()
	check("an executed child", err == nil && bytes.Contains(out, []byte("child's map is the device's")),
		err, string(out))
}

func basic() {
	fd, err := create(typeHash, 8, 8)
	check("create", err == nil, err)
	check("it is the device's", onDevice(fd))
	elements(fd)
	others()
	pins(fd)
	execs()
	closed(fd)
}

var garbage atomic.Value

// Each thread has a key, whose value it increments by look-ups and updates
func work(fd int, key uint64, calls int, wrong *int64) {
	runtime.LockOSThread()
	var value uint64
	sum := 1.0
	for i := 0; i < calls/2; i++ {
		before := sum
		if i > 0 && elem(mapLookup, fd, &key, &value) != nil || value != uint64(i) {
			atomic.AddInt64(wrong, 1)
		}
		value++
		if elem(mapUpdate, fd, &key, &value) != nil {
			atomic.AddInt64(wrong, 1)
		}
		sum += 1.0
		if sum-before != 1.0 {
			atomic.AddInt64(wrong, 1)
		}
		if i%64 == 0 {
			garbage.Store(make([]byte, 4096))
		}
	}
}

// Deep stacks grow while calls go on
func deep(fd, depth int, key *uint64) error {
	var room [256]byte
	var value uint64
	room[depth%256] = byte(depth)
	if depth == 0 {
		return elem(mapLookup, fd, key, &value)
	}
	if err := deep(fd, depth-1, key); err != nil {
		return err
	}
	if room[depth%256] != byte(depth) {
		return syscall.EIO
	}
	return elem(mapLookup, fd, key, &value)
}

func stress(calls int) {
	fd, err := create(typeHash, 8, 8)
	check("create", err == nil && onDevice(fd), err)
	var profile bytes.Buffer
	runtime.SetCPUProfileRate(1000)
	pprof.StartCPUProfile(&profile)
	stop := make(chan bool)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	var wrong int64
	var wait sync.WaitGroup
	for t := 0; t < threadsCount; t++ {
		wait.Add(1)
		go func(t int) {
			defer wait.Done()
			work(fd, uint64(t), calls/threadsCount, &wrong)
			key := uint64(t)
			for i := 0; i < 20; i++ {
				if deep(fd, 20*i, &key) != nil {
					atomic.AddInt64(&wrong, 1)
				}
			}
		}(t)
	}
	wait.Wait()
	close(stop)
	pprof.StopCPUProfile()
	check(fmt.Sprintf("%d calls in %d threads", calls, threadsCount), wrong == 0, wrong)
	check("the profiler has run", profile.Len() > 0)
	for t := uint64(0); t < threadsCount; t++ {
		var value uint64
		if elem(mapLookup, fd, &t, &value) != nil || value != uint64(calls/threadsCount/2) {
			check("no call is lost", false, t, value)
			return
		}
	}
	check("no call is lost", true)
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "basic":
		basic()
	case len(os.Args) == 3 && os.Args[1] == "stress":
		calls, _ := strconv.Atoi(os.Args[2])
		stress(calls)
	case len(os.Args) == 2 && os.Args[1] == "child":
		fd, err := create(typeHash, 8, 8)
		if err != nil || !onDevice(fd) {
			fmt.Println("child:", err)
			os.Exit(1)
		}
		fmt.Println("the child's map is the device's")
		return
	default:
		fmt.Println("usage: maps basic | stress CALLS | child")
		os.Exit(2)
	}
	fmt.Printf("1..%d\n", tests)
	if failed > 0 {
		os.Exit(1)
	}
}
