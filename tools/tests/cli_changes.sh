#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# bpfmapctl lists maps from which keys are deleted meanwhile, and reads ring buffers
# that are overwritten. Prints TAP. Arguments: bpfmapctl, json_pick, nothing or
# bpftool, ring_write.
set -u
ctl=$1 pick=$2 ring_write=$4
# shellcheck source=tools/tests/cli_lib.sh
. "${0%/*}/cli_lib.sh"

count=10000	# elements
batch=4096	# of which bpfmapctl gets this many at a time

# listing TYPE OPTION - "dump" or "export" without the keys that it puts out, when
# a few around the end of the first batch are deleted while that is put out: the
# reader waits until they are gone
listing()
{
	elements $count "$1" >"$tmp/in"
	map import pin $pins/t from "$tmp/in"
	"$ctl" map dump pinned $pins/t | sed -n 's/^key: \(.*\)  value.*/\1/p' >"$tmp/order"
	sed -n "$((batch - 5)),$((batch + 6))p" "$tmp/order" >"$tmp/victims"
	mkfifo "$tmp/fifo"
	# shellcheck disable=SC2086 # none or one
	"$ctl" $2 map "$verb" pinned $pins/t >"$tmp/fifo" 2>"$tmp/err" &
	lister=$!
	{
		read -r line
		while read -r key <&3; do
			# shellcheck disable=SC2086 # several bytes
			map delete pinned $pins/t key hex $key
		done 3<"$tmp/victims"
		{ echo "$line"; cat; } >"$tmp/listed"
	} <"$tmp/fifo"
	wait $lister
	got=$?
	rm "$tmp/fifo" $pins/t
}

# keys - of the elements that were listed, as bytes
keys()
{
	sed -n 's/^key: \(.*\)  value.*/\1/p' "$tmp/listed"
}

# each_once TYPE OPTION - what stays is listed once, no key twice, and not a word
each_once()
{
	verb=dump
	listing "$1" "$2"
	keys | sort >"$tmp/keys"
	sort "$tmp/victims" >"$tmp/gone"
	sort "$tmp/order" | grep -vxFf "$tmp/gone" >"$tmp/stay"
	out="status $got, $(uniq -d "$tmp/keys" | wc -l) keys twice, $(grep -vxFf \
		"$tmp/gone" "$tmp/keys" | uniq | cmp - "$tmp/stay" 2>&1)"
	[ "$out" = 'status 0, 0 keys twice, ' ] && [ ! -s "$tmp/err" ]
	result $? "$1: dump$2 lists what stays once"
	[ "$(tail -n 1 "$tmp/listed")" = "Found $(wc -l <"$tmp/keys") elements" ]
	result $? "$1: dump$2 has counted right"
}

# begins_again TYPE OPTION - it cannot but list keys twice, and says so
begins_again()
{
	verb=dump
	listing "$1" "$2"
	out="status $got, $(keys | sort | uniq -d | wc -l) keys twice, $(cat "$tmp/err")"
	case $out in
	'status 0, 0 keys'*) false ;;
	'status 0, '*'a deleted key made it begin again (1 time)'*) true ;;
	*) false ;;
	esac
	result $? "$1: dump$2 tells that it began again"
	verb="export"
	listing "$1" "$2"
	tail -n 1 "$tmp/listed" >"$tmp/end"
	out="status $got, $(cat "$tmp/err")"
	case $out in
	'status 0, '*'a deleted key made it begin again (1 time)'*)
		[ "$("$pick" /restarted <"$tmp/end")" = 1 ]
		;;
	*) false ;;
	esac
	result $? "$1: export$2 tells that it began again"
	is "$1: what was exported can be imported" 0 '' \
		map import pin $pins/t from "$tmp/listed"
	"$ctl" map dump pinned $pins/t >"$tmp/listed"
	sort "$tmp/victims" >"$tmp/gone"
	keys | sort | grep -vxFf "$tmp/gone" >"$tmp/keys"
	out=$(sort "$tmp/order" | grep -vxFf "$tmp/gone" | cmp - "$tmp/keys" 2>&1)
	result $? "$1: and has what stays"
	rm $pins/t
}

# 90 records of 64 bytes to a ring that has room for 63
overwritten()
{
	have ringbuf key 0 value 0 entries 4096 flags 0x80000 || return
	text=$(printf '%056d' 0)
	for i in 0 1 2 3 4 5 6 7 8; do
		# shellcheck disable=SC2086 # many records
		"$ring_write" $pins/t $text $text $text $text $text $text $text \
			$text $text "$i${text#?}"
	done
	map event_pipe pinned $pins/t times 63 >"$tmp/shown" 2>"$tmp/err"
	out=$(sed -n 1p "$tmp/shown")
	[ "$out" = '== lost: 1728 bytes of records, overwritten =====' ] &&
		[ "$(grep -c 'size: 56 ' "$tmp/shown")" = 63 ] && [ ! -s "$tmp/err" ]
	result $? 'event_pipe: what was overwritten is told'
	for i in 0 1 2 3 4 5 6 7 8; do
		# shellcheck disable=SC2086
		"$ring_write" $pins/t $text $text $text $text $text $text $text \
			$text $text "$i${text#?}"
	done
	json 'event_pipe -j: what was overwritten is told' 0 "1728${nl}56${nl}\"0x38\"" \
		'/0/lost /63/size /63/data/0' "$ctl" -j map event_pipe pinned $pins/t times 63
	rm $pins/t
}

grep -q " $pins bpfmapfs" /proc/mounts || mount -t bpfmapfs bpfmapfs $pins
each_once lpm_trie ''
each_once hash ''
each_once lru_hash ''
begins_again rhash ''
begins_again hash ' -B'
begins_again lpm_trie ' -B'
[ ! -x "$ring_write" ] || overwritten
finish
