# SPDX-License-Identifier: GPL-2.0-only
# Sourced by run.sh: User-mode Linux, where the kernel is a program. It boots in
# a blink and runs kernel code at the processor's own speed, but a system call
# costs it tens of microseconds.
# shellcheck shell=sh disable=SC2154

is_uml()
{
	[ "$(head -c 4 "$kernel/vmlinuz" | od -An -tx1 | tr -d ' ')" = 7f454c46 ]
}

# Consoles and lines as QEMU has them: the kernel's console is our stdout, 5 the
# command's terminal, 6 takes the result. The memory is a file in TMPDIR.
boot_uml()
{
	# Not in the foreground: all processes of the machine are to go.
	umllimit=
	[ -z "$limit" ] || umllimit="timeout -s KILL $seconds"
	# shellcheck disable=SC2086
	TMPDIR=/dev/shm $umllimit "$kernel/vmlinuz" seccomp=on "ncpus=$cpus" \
		"mem=${memory}M" "initrd=$tmp/initrd" root=/dev/ram0 noreboot \
		con=null con0=null,fd:1 ssl=null ssl1=fd:0,fd:5 ssl2=null,fd:6 \
		panic=-1 oops=panic panic_on_warn=1 loglevel=7 $args \
		5>&1 6>"$tmp/result" >"$tmp/console" 2>&1
}
