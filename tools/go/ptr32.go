// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

//go:build 386 || arm

package bpfmap

import "unsafe"

// pointer is an address in an attr: 64 bits, whatever the program has
type pointer struct {
	ptr unsafe.Pointer
	_   uint32
}
