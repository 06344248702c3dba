// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

package bpfmap

// Flags of MapSpec, with the values of bpf(2)
const (
	FlagNoPrealloc    uint32 = 1 << 0
	FlagNoCommonLRU   uint32 = 1 << 1
	FlagNumaNode      uint32 = 1 << 2
	FlagReadOnly      uint32 = 1 << 3 // of the descriptor
	FlagWriteOnly     uint32 = 1 << 4 // of the descriptor
	FlagZeroSeed      uint32 = 1 << 6 // needs CAP_SYS_ADMIN
	FlagReadOnlyProg  uint32 = 1 << 7
	FlagWriteOnlyProg uint32 = 1 << 8
	FlagMmapable      uint32 = 1 << 10
	FlagInnerMap      uint32 = 1 << 12
	FlagSegvOnFault   uint32 = 1 << 17
	FlagNoUserConv    uint32 = 1 << 18
	FlagRBOverwrite   uint32 = 1 << 19
)
