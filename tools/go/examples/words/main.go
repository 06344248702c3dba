// SPDX-License-Identifier: GPL-2.0-only

// Words counts the words of its input, in a map that is pinned: what it counts is added
// to what earlier runs have counted.
//
//	words PIN <text
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	ebpf "bpfmap.invalid/bpfmap"
)

// word is a key: text of 32 bytes at most
type word [32]byte

func count(counts *ebpf.Table[word, uint64], in io.Reader) error {
	words := bufio.NewScanner(in)
	words.Split(bufio.ScanWords)
	for words.Scan() {
		var key word
		copy(key[:], words.Text())
		n, err := counts.Get(key)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return err
		}
		if err := counts.Set(key, n+1); err != nil {
			return fmt.Errorf("%q: %w", words.Text(), err)
		}
	}
	return words.Err()
}

func run(pin string, in io.Reader) error {
	m, err := ebpf.NewMapWithOptions(&ebpf.MapSpec{
		Name: filepath.Base(pin), Pinning: ebpf.PinByName,
		Type: ebpf.Hash, KeySize: 32, ValueSize: 8, MaxEntries: 10000,
	}, ebpf.MapOptions{PinPath: filepath.Dir(pin)})
	if err != nil {
		return err
	}
	defer m.Close()
	counts, err := ebpf.NewTable[word, uint64](m)
	if err != nil {
		return err
	}
	if err := count(counts, in); err != nil {
		return err
	}
	return counts.Each(func(key word, n uint64) bool {
		fmt.Printf("%d %s\n", n, trim(key))
		return true
	})
}

func trim(key word) []byte {
	n := len(key)
	for n > 0 && key[n-1] == 0 {
		n--
	}
	return key[:n]
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("words: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: words PIN <text")
	}
	if err := run(os.Args[1], os.Stdin); err != nil {
		log.Fatal(err)
	}
}
