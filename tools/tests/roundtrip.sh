#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Maps saved and restored by bpfmapctl, with many elements, where the module is
# loaded. Prints TAP, and how long each step takes. Arguments: bpfmapctl,
# fill_map, number of elements, and types, if not all.
#
# A map is saved as JSON and restored, the restored one is saved in binary and
# restored again, and that is compared with the first: element by element, and
# by the hash of what it is saved as, with the lines sorted.
# shellcheck disable=SC2317 # functions that are called by name
set -u
ctl=$1 fill=$2 count=$3
shift 3
# shellcheck disable=SC2046 # one word for each type
[ $# -gt 0 ] || set -- $("$fill")
# Another sort than busybox's, if there is one
sort="sort"
[ ! -x ./sort ] || sort=./sort
# shellcheck source=tools/tests/cli_lib.sh
. "${0%/*}/cli_lib.sh"

# step NAME COMMAND... - its output is shown only if it fails
step()
{
	name=$1
	shift
	began=$(now)
	"$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	took=$(($(now) - began))
	times="$times, $name $((took / 100)).$((took / 10 % 10))"
	[ $status = 0 ] && [ ! -s "$tmp/out" ] && [ ! -s "$tmp/err" ]
	result $? "$type: $name" "$tmp/err"
}

sum_sorted()
{
	LC_ALL=C $sort "$1" | sha256sum
}

sum()
{
	sha256sum <"$1"
}

# same HOW - both exports have the same elements
same()
{
	first=$($1 "$tmp/first")
	second=$($1 "$tmp/second")
	[ "$first" = "$second" ] && [ "$(wc -l <"$tmp/first")" = $((count + 2)) ]
	result $? "$type: $count elements are the same"
}

# The output of show without what differs between maps. The table of an RHASH may
# be resized a moment after its elements came.
properties()
{
	"$ctl" -j map show pinned "$1" |
		sed 's/"id":[0-9]*,//; s/"bytes_memlock":[0-9]*,\{0,1\}//'
}

keyed()
{
	inner=''
	[ ! -e $pins/a_inner ] || inner="inner_map pinned $pins/a_inner"
	step 'save JSON' "$ctl" map export pinned $pins/a to "$tmp/first"
	# shellcheck disable=SC2086 # words
	step 'restore JSON' "$ctl" map import pin $pins/b from "$tmp/first" $inner
	step 'save binary' "$ctl" map export pinned $pins/b to "$tmp/bin" format binary
	rm $pins/b
	# shellcheck disable=SC2086 # words
	step 'restore binary' "$ctl" map import pin $pins/c from "$tmp/bin" $inner
	step diff "$ctl" map diff pinned $pins/a pinned $pins/c
	[ "$(properties $pins/a)" = "$(properties $pins/c)" ]
	result $? "$type: type, sizes and flags"
	rm $pins/a
	"$ctl" map export pinned $pins/c to "$tmp/second" 2>"$tmp/err"
	rm $pins/c
	case $type in
	*array*|lpm_trie) same sum ;;
	*) same sum_sorted ;;
	esac
}

# Maps that can only be saved by removing their elements
drained()
{
	step 'save JSON' "$ctl" map export pinned $pins/a to "$tmp/first" drain
	step 'restore JSON' "$ctl" map import pin $pins/b from "$tmp/first"
	step 'save binary' "$ctl" map export pinned $pins/b to "$tmp/bin" format binary drain
	rm $pins/b
	step 'restore binary' "$ctl" map import pin $pins/c from "$tmp/bin"
	rm $pins/a
	"$ctl" map export pinned $pins/c to "$tmp/second" drain 2>"$tmp/err"
	rm $pins/c
	same sum
}

mount_pins
for type; do
	times=''
	step fill "$fill" "$type" "$count" $pins/a
	case $type in
	queue|stack) drained ;;
	*) keyed ;;
	esac
	echo "# $type, $count elements, seconds: ${times#, }; $(du -k "$tmp/first" |
		cut -f1) KiB of JSON, $(du -k "$tmp/bin" | cut -f1) binary"
	rm -f "$tmp/first" "$tmp/second" "$tmp/bin" $pins/a_inner
done
finish
