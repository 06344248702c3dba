#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The tests of the Go package, and its example. Prints TAP. Argument: the directory
# that scripts/guest/go_tree.sh has filled.
set -u
dir=$1
# shellcheck source=scripts/tap.sh
. "${0%/*}/../../scripts/tap.sh"

# Go's results as those of this script; a program that dies has none of its own
tests_of()
{
	"$dir/$1.test" -test.v -test.timeout=600s >"$tmp/out" 2>&1
	status=$?
	grep -E '^--- (PASS|FAIL|SKIP): ' "$tmp/out" >"$tmp/results"
	while read -r _ verdict name _; do
		case $verdict in
		PASS:) result 0 "$1: $name" ;;
		SKIP:) result 1 "$1: $name was left out" "$tmp/out" ;;
		*) result 1 "$1: $name" "$tmp/out" ;;
		esac
	done <"$tmp/results"
	result $status "$1: all tests" "$tmp/out"
}

# Its map is pinned: the second run goes on where the first one ended
example()
{
	echo to be or not to be | "$dir/words" /sys/fs/bpfmap/words >"$tmp/one" 2>&1 &&
		echo be | "$dir/words" /sys/fs/bpfmap/words >"$tmp/two" 2>&1 &&
		sort "$tmp/two" >"$tmp/sorted"
	printf '%s\n' '1 not' '1 or' '2 to' '3 be' | cmp -s - "$tmp/sorted"
	result $? 'the example counts words, over two runs' "$tmp/two"
	rm -f /sys/fs/bpfmap/words
}

grep -q ' /sys/fs/bpfmap bpfmapfs' /proc/mounts ||
	mount -t bpfmapfs bpfmapfs /sys/fs/bpfmap
tests_of bpfmap
tests_of ringbuf
example
finish
