#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Does run.sh tell a healthy run from each kind of bad one? TAP.
# usage: selftest.sh [KERNEL...], each of which is tested for its own checks
# shellcheck disable=SC2317 # functions called by the kernel's name
set -eu
self=selftest.sh
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/scripts/lib.sh"
. "$top/scripts/tap.sh"
. "$top/scripts/vm/reports.sh"
cd "$top"

[ $# -gt 0 ] || set -- "$(scripts/kernel.sh -l stock)"

# vm [OPTION...] -- COMMAND - leaves $status, $tmp/out and $tmp/err
vm()
{
	status=0
	scripts/vm/run.sh -t 600 -l "$tmp/log" "$@" >"$tmp/out" 2>"$tmp/err" ||
		status=$?
}

# holds NAME CONDITION... - a test
holds()
{
	name=$1 unmet=0
	shift
	"$@" || unmet=1
	out="status $status"
	result "$unmet" "$name" "$tmp/err"
}

# Did run.sh give that status, and say so?
gave()
{
	[ "$status" = "$1" ] && { [ $# = 1 ] || grep -q "$2" "$tmp/err"; }
}

same_output()
{
	seq 1 5000 | cmp -s - "$tmp/out"
}

# misdeed NAME REPORT - the debug kernel notices, and run.sh notices that
misdeed()
{
	vm -k "$dir" -t 900 -f "$tmp/broken/broken.ko:/root/broken.ko" -- \
		"insmod broken.ko how=$1; rmmod broken"
	holds "$kernel: $1" gave 125 "$2"
}

build_broken()
{
	rm -rf "$tmp/broken"
	cp -r scripts/vm/broken "$tmp"
	make -C "$dir/build" M="$tmp/broken" modules >"$tmp/err" 2>&1 ||
		{ cat "$tmp/err"; exit 1; }
}

# report FRAME FRAME FRAME FRAME - a KCSAN report of a race: for each of two
# accesses, the function that made it and its caller
report()
{
	printf '%s\n' '==================================================================' \
		'BUG: KCSAN: data-race in a / b' '' \
		'write to 0xffff888000000000 of 8 bytes by task 1 on cpu 0:' \
		" $1" " $2" '' \
		'read to 0xffff888000000000 of 8 bytes by task 2 on cpu 1:' \
		" $3" " $4" '' 'Reported by Kernel Concurrency Sanitizer on:' \
		'=================================================================='
}

# race NAME COUNT FRAME... - what of such a report is left that fails a run
race()
{
	what=$1
	want=$2
	shift 2
	status=$(report "$@" | sed 's/^/[    1.234567][    T1] /' |
		awk -f scripts/vm/races.awk | grep -c 'BUG:') || :
	holds "races: $what" [ "$status" = "$want" ]
}

# Input before the shell has started is lost
typed()
{
	until grep -q '^the answer is 42' "$tmp/out"; do
		sleep 1
		# shellcheck disable=SC2016
		echo 'echo "the answer is $((6 * 7))"'
	done
	echo 'exit 3'
}

shell()
{
	status=0
	: >"$tmp/out"
	typed | timeout 300 scripts/vm/run.sh -k "$dir" >"$tmp/out" 2>"$tmp/err" ||
		status=$?
	cat "$tmp/out" >>"$tmp/err"
}

# What one program leaves, the next one does not find
alone()
{
	vm -k "$dir" -m "$(scripts/build.sh "$kernel")/bpfmap.ko" \
		-f scripts/guest/leave.sh:/root/leave.sh -- sh leave.sh
	for each in session orphan mount unloaded killed; do
		holds "what a program leaves: $each" grep -qx "$each: 0" "$tmp/out"
	done
	holds 'a program that does not end is killed' grep -qx 'late: 137' "$tmp/out"
}

stock()
{
	vm -k "$dir" -- 'seq 1 5000'
	holds 'success is 0' gave 0
	holds 'output arrives whole, and alone' same_output
	echo here >"$tmp/file"
	vm -k "$dir" -f "$tmp/file:/tmp/deep/file" -- 'cat /tmp/deep/file'
	holds 'a file for /tmp arrives' grep -qx here "$tmp/out"
	vm -k "$dir" -f "$tmp/file:/dev/file" -- true
	holds 'one that would be hidden is refused' gave 1 'would be hidden'
	vm -k "$dir" -- 'exit 7'
	holds 'the status of the command is passed on' gave 7
	vm -k "$dir" -- 'no-such-command'
	holds 'a missing command fails' gave 127
	# Expansions are the guest's.
	# shellcheck disable=SC2016
	vm -k "$dir" -- 'sh -c "kill -SEGV \$\$"'
	holds 'a command that crashed fails' gave 139
	vm -k "$dir" -t 15 -- 'sleep 1000'
	holds 'a hang ends' gave 125 'not finished after 15 seconds'
	vm -k "$dir" -- 'echo c >/proc/sysrq-trigger'
	holds 'a panic is shown' gave 125 'Kernel panic - not syncing: sysrq'
	vm -k "$dir" -- 'echo "WARNING: none" >/dev/kmsg'
	holds 'a warning in the log is a failure' gave 125 'something to report'
	vm -k "$dir" -- 'reboot -f; sleep 50'
	holds 'no word from the machine is a failure' gave 125 'died before the end'
	vm -k "$dir" -m "$top/Makefile" -- true
	holds 'a module that does not load is a failure' gave 125 'cannot load'
	vm -k "$dir" -a 'init=/bin/busybox rdinit=/no' -- true
	holds 'a machine that does not boot is a failure' gave 125 'Kernel panic'
	alone
	shell
	holds 'a shell for people' gave 3 'the answer is 42'
}

# noticed NAME REPORT - of several misdeeds in one machine
noticed()
{
	sed -n "/misdeed $1\$/,/misdeed /p" "$tmp/log" >"$tmp/section"
	reported "$tmp/section" | grep -q "$2" && gave 125
}

# A bad access ends the machine; the others do not. Lockdep reports only one
# deadlock, and no use of RCU after it.
debug()
{
	build_broken
	misdeed bounds 'KASAN: slab-out-of-bounds'
	# shellcheck disable=SC2016
	vm -k "$dir" -t 900 -f "$tmp/broken/broken.ko:/root/broken.ko" -- '
		for how in rcu deadlock sleep leak; do
			echo "misdeed $how" >/dev/kmsg
			insmod broken.ko how=$how
			rmmod broken
		done'
	holds "$kernel: rcu" noticed rcu 'suspicious RCU usage'
	holds "$kernel: deadlock" noticed deadlock \
		'possible circular locking dependency'
	holds "$kernel: sleep" noticed sleep \
		'BUG: sleeping function called from invalid context'
	holds "$kernel: leak" gave 125 'leak: unreferenced object'
}

kcsan()
{
	ours='f+0x1/0x2 [bpfmap]'
	core='f+0x1/0x2'
	race 'of a module with the kernel' 1 "$core" "$core" "$ours" "$core"
	race 'by what copies for a module' 1 "$core" "$core" \
		'_copy_to_user+0x1/0x2' "$ours"
	race 'by what the kernel does for modules' 1 "$core" "$ours" "$core" "$ours"
	race 'of the kernel alone' 0 "$core" "$core" "$core" "$core"
	race 'of the kernel with an interrupt that came upon a module' 0 "$core" \
		"asm_sysvec_timer+0x1/0x2
 $ours" "$core" "$ours"
	race 'of the kernel alone, once for a module' 0 "$core" "$ours" "$core" "$core"

	build_broken
	misdeed race 'BUG: KCSAN: data-race in count'
	report "$core" "$core" "$core" "$core" >"$tmp/report"
	# shellcheck disable=SC2016
	tell='while IFS= read -r line; do echo "$line" >/dev/kmsg; done <report'
	vm -k "$dir" -f "$tmp/report:/root/report" -- "$tell"
	holds "$kernel: a race in the kernel itself is no failure" gave 0
	vm -k "$dir" -f "$tmp/report:/root/report" -- \
		"$tell; echo 'WARNING: none' >/dev/kmsg"
	holds "$kernel: but a warning is" gave 125 'something to report'
}

for kernel; do
	dir=$(scripts/kernel.sh "$kernel")
	"${kernel%%-*}"
done
finish
