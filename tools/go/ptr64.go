// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

//go:build amd64 || arm64 || riscv64 || s390x || loong64

package bpfmap

import "unsafe"

// pointer is an address in an attr: 64 bits, whatever the program has
type pointer struct {
	ptr unsafe.Pointer
}
