#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Does run.sh tell a healthy run from each kind of bad one? TAP.
# usage: selftest.sh [KERNEL [DEBUG-KERNEL]]
set -eu
self=selftest.sh
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/scripts/lib.sh"
cd "$top"

stock=$(scripts/kernel.sh "${1-stock-6.1}")
debug=
[ $# -lt 2 ] || debug=$(scripts/kernel.sh "$2")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
bad=0

# vm [OPTION...] -- COMMAND - leaves $status, $tmp/out and $tmp/err
vm()
{
	status=0
	scripts/vm/run.sh -t 120 -l "$tmp/log" "$@" >"$tmp/out" 2>"$tmp/err" ||
		status=$?
}

# result NAME CONDITION... - one line of TAP
result()
{
	n=$((n + 1))
	name=$1
	shift
	if "$@"; then
		echo "ok $n - $name"
	else
		bad=$((bad + 1))
		sed 's/^/# /' "$tmp/err"
		echo "# status $status"
		echo "not ok $n - $name"
	fi
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
	vm -k "$debug" -t 200 -f "$tmp/broken/broken.ko:/root/broken.ko" -- \
		"insmod broken.ko how=$1; rmmod broken"
	result "debug kernel: $1" gave 125 "$2"
}

if [ -n "$debug" ]; then echo 1..16; else echo 1..11; fi

vm -k "$stock" -- 'seq 1 5000'
result 'success is 0' gave 0
result 'output arrives whole, and alone' same_output
vm -k "$stock" -- 'exit 7'
result 'the status of the command is passed on' gave 7
vm -k "$stock" -- 'no-such-command'
result 'a missing command fails' gave 127
# Expansions are the guest's.
# shellcheck disable=SC2016
vm -k "$stock" -- 'sh -c "kill -SEGV \$\$"'
result 'a command that crashed fails' gave 139
vm -k "$stock" -t 15 -- 'sleep 1000'
result 'a hang ends' gave 125 'not finished after 15 seconds'
vm -k "$stock" -- 'echo c >/proc/sysrq-trigger'
result 'a panic is shown' gave 125 'Kernel panic - not syncing: sysrq'
vm -k "$stock" -- 'echo "WARNING: none" >/dev/kmsg'
result 'a warning in the log is a failure' gave 125 'something to report'
vm -k "$stock" -- 'reboot -f; sleep 50'
result 'no word from the machine is a failure' gave 125 'died before the end'
vm -k "$stock" -m "$top/Makefile" -- true
result 'a module that does not load is a failure' gave 125 'cannot load'
vm -k "$stock" -a 'init=/bin/busybox rdinit=/no' -- true
result 'a machine that does not boot is a failure' gave 125 'Kernel panic'

if [ -n "$debug" ]; then
	cp -r scripts/vm/broken "$tmp"
	make -C "$debug/build" M="$tmp/broken" modules >"$tmp/err" 2>&1 ||
		{ cat "$tmp/err"; exit 1; }
	misdeed bounds 'KASAN: slab-out-of-bounds'
	misdeed leak 'leak: unreferenced object'
	misdeed sleep 'BUG: sleeping function called from invalid context'
	misdeed deadlock 'possible circular locking dependency'
	misdeed rcu 'suspicious RCU usage'
fi
[ "$bad" = 0 ]
