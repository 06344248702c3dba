#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# bpfmapctl with hostile names of other users, and its error messages. Prints
# TAP. Arguments: bpfmapctl, json_pick.
# shellcheck disable=SC2317 # the functions that is() calls
set -u
ctl=$1 pick=$2
# shellcheck source=tools/tests/cli_lib.sh
. "${0%/*}/cli_lib.sh"

# no_controls FILE - nothing that a terminal obeys, nor what is no UTF-8
no_controls()
{
	! tr -d '\n\t' <"$1" | LC_ALL=C grep -q '[^ -~]'
}

# A name of Latin-1, which the kernel takes, and paths of any bytes
odd_names()
{
	latin=$(printf 'caf\351')
	odd=$(printf '%s/a\033[31m\t"\\\377\303\251' $pins)
	fine=$(printf '%s/\303\251\302\233' $pins)
	is 'create: a name of Latin-1' 0 '' \
		map create $pins/t type hash key 4 value 4 entries 2 name "$latin"
	is 'a pin of any bytes' 0 '' map pin pinned $pins/t "$odd"
	is 'a pin of UTF-8' 0 '' map pin pinned $pins/t "$fine"
	json 'show -j: the name' 0 "\"$(printf 'caf\303\251')\"${nl}\"636166e9\"" \
		'/name /name_hex' "$ctl" -j map show pinned $pins/t
	json 'show -f -j' 0 '' '' "$ctl" -f -j map show
	no_controls "$tmp/json"
	result $? 'show -f -j: ASCII alone'
	"$ctl" -f map show >"$tmp/shown" 2>"$tmp/err"
	grep -qxF "	pinned $pins/a\\x1b[31m\\x09\"\\\\xff$(printf '\303\251')" "$tmp/shown"
	result $? 'show -f: what is no text'
	grep -q "name caf\\\\xe9  flags" "$tmp/shown"
	result $? 'show: a name of Latin-1'
	grep -qxF "	pinned $pins/$(printf '\303\251')\\xc2\\x9b" "$tmp/shown"
	result $? 'show -f: UTF-8, but its control characters'
	"$ctl" -f -j map show pinned $pins/t >"$tmp/shown"
	hex=$(printf %s "$odd" | hexdump -v -e '/1 "%02x"')
	hex=$(printf %s "$odd" | hexdump -v -e '/1 "%02x"')
	"$ctl" -f -j map show pinned $pins/t >"$tmp/json"
	out=$("$pick" /pinned_hex <"$tmp/json" | grep -o '"[0-9a-f]*"')
	[ "$out" = "\"$hex\"" ]
	result $? 'show -f -j: a twin for what is no UTF-8'
	grep -qF "\"$pins/\\u00e9\\u009b\"" "$tmp/json"
	result $? 'show -f -j: UTF-8 is UTF-8'
	fails 'a message with what is no text' 2 'a\x1b[31m' map count pinned "$odd-not"
	json 'the same in JSON' 2 '' '' "$ctl" -j map count pinned "$odd-not"
	for format in json binary; do
		map export pinned $pins/t to "$tmp/saved" format $format
		is "$format: import of the name" 0 '' map import pin $pins/t2 \
			from "$tmp/saved"
		json "$format: it is the same" 0 '"636166e9"' /name_hex \
			"$ctl" -j map show pinned $pins/t2
		rm $pins/t2
	done
	json 'export: JSON' 0 '"636166e9"' /name_hex sh -c \
		"'$ctl' map export pinned $pins/t | head -n 1"
	is 'by name' 0 0 map count name "$latin"
	rm $pins/t "$odd" "$fine"
}

# Two file systems in one place, and a third somewhere else that is hidden
two_mounts()
{
	map create $pins/below type hash key 4 value 4 entries 2 name m1
	mount -t bpfmapfs bpfmapfs $pins
	map create $pins/t type hash key 4 value 4 entries 2 name m2
	mkdir "$tmp/hidden"
	mount -t bpfmapfs bpfmapfs "$tmp/hidden"
	map pin name m2 "$tmp/hidden/t"
	mount -t tmpfs none "$tmp/hidden"
	json 'show -f: each pin once' 0 "[\"$pins/t\"]${nl}[]" '/1/pinned /0/pinned' \
		"$ctl" -j -f map show
	umount "$tmp/hidden"
	umount "$tmp/hidden"
	rm $pins/t
	umount $pins
	rm $pins/below
}

# refused TEXT WORD... - "create" says why not
refused()
{
	text=$1
	shift
	fails "create: $text" 2 "$text" map create $pins/x "$@"
}

refusals()
{
	h='key 4 value 4 entries 1'
	# shellcheck disable=SC2086 # several words
	{
	refused "'-' cannot be in a name" type hash $h name a-b
	refused 'byte 0xa9 cannot' type hash $h name "$(printf '\302\251')"
	refused 'a hash: the number of entries must not be 0' type hash key 4 value 4 \
		entries 0 name x
	refused 'an lpm_trie: flags must have 0x1' type lpm_trie key 8 value 4 entries 1 \
		name x
	refused '5 to 260 in all, not 4' type lpm_trie $h flags 1 name x
	refused 'an rhash: flags must have 0x1' type rhash $h name x
	refused 'an array: keys are indexes' type array key 8 value 4 entries 1 name x
	refused 'a queue: it has no keys' type queue $h name x
	refused 'size of values must not be 0' type hash key 4 value 0 entries 1 name x
	refused 'it knows no flag 0x400' type hash $h flags 0x400 name x
	refused 'read-only and write-only' type hash $h flags 0x18 name x
	refused 'preallocated: no flag 0x1' type lru_hash $h flags 1 name x
	refused 'it knows no map_extra' type hash $h extra 1 name x
	refused 'node 77 is not there' type hash $h numa 77 name x
	refused 'a power of two from 4096' type ringbuf key 0 value 0 entries 5000 name x
	refused 'an arena: flags must have 0x400' type arena key 0 value 0 entries 1 name x
	refused 'an "inner_map MAP"' type hash_of_maps $h name x
	refused 'no maps of this type' type sockmap $h name x
	refused '4294967295 entries of this size are too many' \
		type hash key 4 value 4 entries 4294967295 name x
	refused 'less than 4194256 bytes together' \
		type hash key 4 value 4194300 entries 1 name x
	refused '32768 bytes for each CPU' type percpu_array key 4 value 40000 entries 1 name x
	}
}

wrong_elements()
{
	map create $pins/in type array key 4 value 4 entries 1 name in
	map create $pins/other type array key 4 value 8 entries 1 name other
	map create $pins/t type array_of_maps key 4 value 4 entries 2 name t \
		inner_map pinned $pins/in
	fails 'an inner map that is not alike' 2 'differs in type, sizes or flags' \
		map update pinned $pins/t key u32 0 value pinned $pins/other
	fails 'delete beyond the end' 2 'index is out of range' \
		map delete pinned $pins/t key u32 5
	fails 'create: a map of maps inside' 2 'must not be one of maps' \
		map create $pins/x type hash_of_maps key 4 value 4 entries 2 name x \
		inner_map pinned $pins/t
	rm $pins/in $pins/other $pins/t
	have queue key 0 value 4 entries 2 || return
	fails 'getnext of a queue' 2 'a queue has no keys' map getnext pinned $pins/t
	fails 'delete from a queue' 2 'a queue has no keys' map delete pinned $pins/t
	rm $pins/t
	have lpm_trie key 8 value 4 entries 2 flags 1 || return
	fails 'a prefix that is too long' 2 'longer than the key has bits' \
		map update pinned $pins/t key u32 33 pad 4 value u32 1
	fails 'an lpm_trie has its article' 2 'an lpm_trie has keys' map pop pinned $pins/t
	rm $pins/t
	have hash key 4 value 4 entries 2 || return
	map freeze pinned $pins/t
	elements 1 hash | sed 's/"key":"\(........\)[^"]*"/"key":"\1"/
		s/"value":"\(........\)[^"]*"/"value":"\1"/
		s/"key_size":8,"value_size":8/"key_size":4,"value_size":4/' >"$tmp/in"
	fails 'import into a frozen map' 2 'the map is frozen' \
		map import into pinned $pins/t from "$tmp/in"
	rm $pins/t
	fails 'a path with a dot' 2 'no pin has a dot' map count pinned $pins/a.b
	map create $pins/t type hash key 8 value 8 entries 2 name t
	elements 1 hash >"$tmp/in"
	fails 'import: pin elsewhere' 2 'not on a bpfmapfs' map import pin /tmp/x from "$tmp/in"
	rm $pins/t
}

grep -q " $pins bpfmapfs" /proc/mounts || mount -t bpfmapfs bpfmapfs $pins
odd_names
two_mounts
refusals
wrong_elements
finish
