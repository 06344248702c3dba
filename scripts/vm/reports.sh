# SPDX-License-Identifier: GPL-2.0-only
# Sourced by run.sh and selftest.sh: what in a kernel's log makes a run fail.
# shellcheck shell=sh

# Messages that no healthy kernel prints. Some of them make it panic as well.
reports='WARNING:|BUG:|BUG [a-z]|INFO: (possible|trying|task|rcu|inconsistent|suspicious)|KASAN|KCSAN|UBSAN|ODEBUG|DEBUG_LOCKS'
reports="$reports|suspicious RCU|unreferenced object|suspected memory leak|Call Trace:|general protection fault[,:]"
reports="$reports|Oops|Kernel panic|[Ss]tack-protector|detected stall|self-detected|soft lockup|blocked for more than"
reports="$reports|refcount_t|list_(add|del) corruption|Objects remaining|still has objects|scheduling while atomic|held lock freed|leaked|duplicate filename"
# The first is about the settings of the machine; the second is what the kernel
# says to a page fault that fails on purpose, as allocations do under fault
# injection, without the machine being out of memory.
harmless='Spectre V2 : WARNING: Unprivileged eBPF'
harmless="$harmless\|VM_FAULT_OOM leaked out to the #PF handler"

# reported LOG - such lines of it, with their numbers
reported()
{
	grep -nE "$reports" "$1" | grep -v "$harmless"
}
