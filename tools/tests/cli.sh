#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# bpfmapctl, where the module is loaded. Prints TAP. Arguments: bpfmapctl,
# json_pick, and if there are any, bpftool to compare with (or an empty one) and
# ring_write.
# shellcheck disable=SC2317 # the functions that is() calls
set -u
ctl=$1 pick=$2 bpftool=${3-} ring_write=${4-}
# shellcheck source=tools/tests/cli_lib.sh
. "${0%/*}/cli_lib.sh"

basic_verbs()
{
	h="pinned $pins/h"
	# shellcheck disable=SC2086 # $h is two words everywhere below
	{
	is 'create' 0 '' map create $pins/h type hash key 4 value 8 entries 16 name first
	fails 'create: the name is taken' 2 'File exists' \
		map create $pins/h type hash key 4 value 8 entries 16 name first
	fails 'create: no type' 2 'type is missing' map create $pins/x name x
	fails 'create: no name' 2 'name is missing' \
		map create $pins/x type hash key 4 value 8 entries 16
	fails 'create: bad type' 2 "no type 'hsah'" map create $pins/x type hsah
	fails 'create: bad number' 2 'is no number' map create $pins/x type hash key four
	fails 'create: too large' 2 'is more than' map create $pins/x type hash key 4294967296
	fails 'create: refused' 2 'indexes of 4 bytes, not 8' \
		map create $pins/x type array key 8 value 8 entries 1 name x
	fails 'create: not on our file system' 2 'not on a bpfmapfs' \
		map create /tmp/x type hash key 4 value 8 entries 16 name x
	is 'update' 0 '' map update $h key 1 2 3 4 value 1 2 3 4 5 6 7 8
	is 'update in hexadecimal' 0 '' \
		map update $h key hex 0a 00 00 FF value hex 1 2 3 4 5 6 7 8
	is 'lookup' 0 'key: 01 02 03 04  value: 01 02 03 04 05 06 07 08' \
		map lookup $h key 1 2 3 4
	is 'lookup in hexadecimal' 0 'key: 0a 00 00 ff  value: 01 02 03 04 05 06 07 08' \
		map lookup $h key hex a 0 0 ff
	is 'lookup of what is not there' 1 "key:${nl}09 09 09 09${nl}${nl}Not found" \
		map lookup $h key 9 9 9 9
	is 'numbers as keys and values' 0 '' map update $h key u32 7 value u64 5
	is 'signed numbers' 0 '' map update $h key s32 -2 value s64 -3 any
	is 'a big-endian number' 0 'key: 07 00 00 00  value: 05 00 00 00 00 00 00 00' \
		map lookup $h key be32 0x07000000
	is 'a signed number is found' 0 'key: fe ff ff ff  value: fd ff ff ff ff ff ff ff' \
		map lookup $h key s32 -2
	is 'text' 0 '' map update $h key str abc value str hello
	is 'text is found' 0 'key: 61 62 63 00  value: 68 65 6c 6c 6f 00 00 00' \
		map lookup $h key str abc
	is 'several pieces' 0 '' map update $h key u8 1 pad 1 be16 258 value mac 2:0:0:0:0:1 u16 3
	is 'several pieces are found' 0 'key: 01 00 01 02  value: 02 00 00 00 00 01 03 00' \
		map lookup $h key 1 0 1 2
	printf abcdefgh >"$tmp/value"
	is 'a value from a file' 0 '' map update $h key u32 9 value file "$tmp/value"
	is 'the value from the file' 0 'key: 09 00 00 00  value: 61 62 63 64 65 66 67 68' \
		map lookup $h key u32 9
	fails 'a file of another size' 2 'does not have the 8 bytes' \
		map update $h key u32 9 value file /proc/version
	fails 'a short key' 2 'key: 1 of 4 bytes are missing' map lookup $h key 1 2 3
	fails 'a long key' 2 'expected' map lookup $h key 1 2 3 4 5
	fails 'more than a byte' 2 '256 is more than a byte' map lookup $h key 256 0 0 0
	fails 'no byte' 2 'is no byte' map lookup $h key 1 2 x 4
	fails 'a number that does not fit' 2 'does not fit into 8 bits' map lookup $h key u8 256
	fails 'a negative unsigned number' 2 'is below 0' map lookup $h key u32 -1
	fails 'a long text' 2 'do not fit' map lookup $h key str hello
	fails 'two keys' 2 'given twice' map update $h key u32 1 key u32 1 value u64 1
	fails 'no value' 2 'value is missing' map update $h key u32 1
	fails 'no key' 2 'key is missing' map update $h value u64 1
	fails 'noexist' 2 'there already' map update $h key u32 7 value u64 1 noexist
	fails 'exist' 2 'key is not there' map update $h key u32 8 value u64 1 exist
	is 'exist where it does' 0 '' map update $h key u32 7 value u64 6 exist
	fails 'a value for one CPU of a plain map' 2 'not per CPU' \
		map update $h key u32 1 cpu 0 value u64 1
	is 'count' 0 7 map count $h
	is 'delete' 0 '' map delete $h key u32 9
	fails 'delete what is not there' 1 'not there' map delete $h key u32 9
	is 'words cut short' 0 6 map cou pin $pins/h
	fails 'a verb that does not exist' 2 "'frobnicate'" map frobnicate
	fails 'a noun that does not exist' 2 "'prog'" "$ctl" prog
	fails 'too many words' 2 'too much' map count $h more
	fails 'no map' 2 'expected at the end' map count
	fails 'a pin that does not exist' 2 'no such map' map count pinned $pins/none
	fails 'a file that is no pin' 2 'not a pin' map count pinned /proc/version
	fails 'an id that does not exist' 2 'no such map' map count id 2000000000
	fails 'a name that does not exist' 2 'no such map' map count name none
	is 'by name' 0 6 map count name first
	is 'pin' 0 '' map pin $h $pins/h2
	is 'the second pin is the same map' 0 6 map count pinned $pins/h2
	is 'the second pin permits as much' 0 '' \
		map update pinned $pins/h2 key u32 7 value u64 6
	fails 'pin elsewhere' 2 'not on a bpfmapfs' map pin $h /tmp/x
	rm $pins/h2
	}
}

shows_and_dumps()
{
	is 'create one to show' 0 '' \
		map create $pins/s type hash key 2 value 2 entries 4 name shown flags 1
	is 'update that' 0 '' map update name shown key 1 2 value 3 4
	id=$("$ctl" -j map show name shown | "$pick" /id)
	map show name shown | sed 's/memlock [0-9]*B/memlock NB/' >"$tmp/shown"
	is 'show' 0 "$id: hash  name shown  flags 0x1
	key 2B  value 2B  max_entries 4  memlock NB" cat "$tmp/shown"
	json 'show -j' 0 "\"hash\"${nl}\"shown\"${nl}1${nl}2${nl}2${nl}4${nl}0" \
		'/type /name /flags /bytes_key /bytes_value /max_entries /frozen' \
		"$ctl" -j map show id "$id"
	json 'show -f -j lists pins' 0 "[\"$pins/s\"]" '/pinned' \
		"$ctl" -f -j map show name shown
	json 'show all' 0 "\"first\"${nl}\"shown\"" '/0/name /1/name' "$ctl" -j map show
	map list >"$tmp/list"
	is 'list all' 0 2 grep -c 'hash  name' "$tmp/list"
	is 'dump' 0 "key: 01 02  value: 03 04${nl}Found 1 element" map dump name shown
	json 'dump -j' 0 '["0x01","0x02"]'"$nl"'["0x03","0x04"]' '/0/key /0/value' \
		"$ctl" -j map dump name shown
	json 'dump -p' 0 '"0x02"' '/0/key/1' "$ctl" -p map dump name shown
	is 'dump without batches' 0 "key: 01 02  value: 03 04${nl}Found 1 element" \
		"$ctl" -B map dump name shown
	is 'dump watch' 0 "key: 01 02  value: 03 04${nl}Found 1 element${nl}${nl}key: 01 02  value: 03 04${nl}Found 1 element" \
		map dump name shown --watch interval 0.05 times 2
	json 'getnext -j' 0 "null${nl}[\"0x01\",\"0x02\"]" '/key /next_key' \
		"$ctl" -j map getnext name shown
	is 'getnext' 0 "key: None${nl}next key:${nl}01 02" map getnext name shown
	fails 'getnext at the end' 1 'no next key' map getnext name shown key 1 2
	json 'lookup -j' 0 '["0x03","0x04"]' /value "$ctl" -j map lookup name shown key 1 2
	json 'lookup -j of what is not there' 1 '' '' "$ctl" -j map lookup name shown key 1 3
	json 'an error in JSON' 2 '"name none: no such map"' /error "$ctl" -j map dump name none
	json 'update -j' 0 '' '' "$ctl" -j map update name shown key 1 2 value 3 5
	json 'count -j' 0 1 /elements "$ctl" -j map count name shown
	json 'version -j, the same as of the module' 0 \
		"\"$(cat /sys/module/bpfmap/version)\"" /version "$ctl" -j version
	is 'two of one name' 0 '' \
		map create $pins/s2 type hash key 4 value 4 entries 4 name shown
	fails 'which is ambiguous' 2 '2 maps have this name' map count name shown
	json 'but not for dump' 0 "\"shown\"${nl}[]" '/0/name /1/elements' \
		"$ctl" -j map dump name shown
	is 'freeze' 0 '' map freeze pinned $pins/s
	fails 'update of a frozen map' 2 'is frozen' \
		map update pinned $pins/s key 1 2 value 3 4
	fails 'delete from a frozen map' 2 'is frozen' map delete pinned $pins/s key 1 2
	fails 'clear of a frozen map' 2 'is frozen' map clear pinned $pins/s
	fails 'freeze again' 2 'already' map freeze pinned $pins/s
	json 'show frozen' 0 1 /frozen "$ctl" -j map show pinned $pins/s
	rm $pins/s $pins/s2
	"$ctl" map help 2>"$tmp/help" >"$tmp/shown"
	is 'help names all verbs' 0 23 grep -c 'bpfmapctl map ' "$tmp/help"
	fails 'output to a full device' 2 'standard output' \
		sh -c "'$ctl' map dump $h >/dev/full"
}

# Ids take a privilege. The machine may know no users yet.
without_rights()
{
	if [ ! -e /etc/passwd ]; then
		mkdir -p /etc
		printf '%s:x:%d:%d::/:/bin/sh\n' root 0 0 nobody 65534 65534 \
			>/etc/passwd
	fi
	chmod 666 /dev/bpfmap
	chmod 755 $pins "$tmp"
	chmod 444 $pins/h
	fails 'ids without CAP_SYS_ADMIN' 2 'CAP_SYS_ADMIN' \
		su nobody -c "$ctl map show"
	is 'a pin that may be read' 0 6 su nobody -c "$ctl map count pinned $pins/h"
	fails 'but not written' 2 'does not permit' su nobody -c \
		"$ctl map update pinned $pins/h key u32 1 value u64 1"
	mkdir -m 777 $pins/d
	is 'a pin by one who may read' 0 '' \
		su nobody -c "$ctl map pin pinned $pins/h $pins/d/h"
	chmod 666 $pins/d/h
	is 'that may be read' 0 6 map count pinned $pins/d/h
	fails 'but not written, by root neither' 2 'does not permit' \
		map update pinned $pins/d/h key u32 1 value u64 1
	rm -rf $pins/d
	chmod 600 /dev/bpfmap $pins/h
	fails 'the device is closed to others' 2 'may not open' su nobody -c \
		"$ctl map count pinned $pins/h"
}

percpu_verbs()
{
	have percpu_hash key 4 value 4 entries 8 || return
	p="pinned $pins/t"
	# shellcheck disable=SC2086
	{
	is 'update on all CPUs' 0 '' map update $p key u32 1 value u32 7
	is 'update on CPU 0' 0 '' map update $p key u32 1 cpu 0 value u32 9
	is 'lookup on CPU 0' 0 'key: 01 00 00 00  value: 09 00 00 00' \
		map lookup $p key u32 1 cpu 0
	json 'lookup on all' 0 "0${nl}\"0x09\"${nl}$((cpus - 1))${nl}\"0x07\"" \
		"/values/0/cpu /values/0/value/0 /values/$((cpus - 1))/cpu /values/$((cpus - 1))/value/0" \
		"$ctl" -j map lookup $p key u32 1
	map lookup $p key u32 1 >"$tmp/shown"
	is 'lookup as text' 0 "key:${nl}01 00 00 00${nl}value (CPU 00): 09 00 00 00" \
		head -n 3 "$tmp/shown"
	fails 'a CPU that does not exist' 2 'out of range' \
		map lookup $p key u32 1 cpu 70000
	rm $pins/t
	}
}

queue_verbs()
{
	q="pinned $pins/t"
	for type in queue stack; do
		have $type key 0 value 4 entries 3 || continue
		# shellcheck disable=SC2086
		{
		is "$type: push" 0 '' map push $q value u32 1
		is "$type: enqueue" 0 '' map enqueue $q value u32 2
		first=1 second=2
		[ $type = queue ] || first=2 second=1
		is "$type: peek" 0 "value: 0$first 00 00 00" map peek $q
		is "$type: pop" 0 "value: 0$first 00 00 00" map pop $q
		json "$type: dequeue -j" 0 "\"0x0$second\"" /value/0 "$ctl" -j map dequeue $q
		is "$type: pop of nothing" 1 'Error: empty map' map pop $q
		fails "$type: dump" 2 'cannot be listed' map dump $q
		is "$type: push again" 0 '' map push $q value u32 1
		fails "$type: a key" 2 'not for here' map push $q key 1 value u32 2
		is "$type: clear" 0 'Cleared 1 element' map clear $q
		map push $q value u32 5
		map push $q value u32 6
		map push $q value u32 7
		fails "$type: full" 2 'full' map push $q value u32 8
		fails "$type: export" 2 'drain' map export $q
		is "$type: export drain" 0 '' map export $q to "$tmp/q" drain
		is "$type: is empty then" 1 'Error: empty map' map peek $q
		is "$type: import" 0 '' map import into $q from "$tmp/q"
		[ $type = queue ] && first=5 || first=7
		is "$type: the first" 0 "value: 0$first 00 00 00" map pop $q
		is "$type: the second" 0 "value: 06 00 00 00" map pop $q
		rm $pins/t
		}
	done
}

bloom_verbs()
{
	have bloom_filter key 0 value 4 entries 100 || return
	is 'bloom: push' 0 '' map push pinned $pins/t value u32 7
	is 'bloom: lookup' 0 Found map lookup pinned $pins/t value u32 7
	is 'bloom: lookup of what is not there' 1 'Not found' \
		map lookup pinned $pins/t value u32 123456
	fails 'bloom: clear' 2 'cannot be cleared' map clear pinned $pins/t
	rm $pins/t
}

outer_verbs()
{
	is 'a map for the inside' 0 '' \
		map create $pins/in type array key 4 value 4 entries 1 name inside
	in=$("$ctl" -j map show name inside | "$pick" /id)
	for type in array_of_maps hash_of_maps; do
		have $type key 4 value 4 entries 4 inner_map pinned $pins/in || continue
		is "$type: update" 0 '' map update pinned $pins/t key u32 1 value name inside
		map lookup pinned $pins/t key u32 1 >"$tmp/shown"
		is "$type: lookup" 0 "key: 01 00 00 00  inner_map_id: $in " cat "$tmp/shown"
		json "$type: dump" 0 "$in" /0/inner_map_id "$ctl" -j map dump pinned $pins/t
		is "$type: count" 0 1 map count pinned $pins/t
		is "$type: export" 0 '' map export pinned $pins/t to "$tmp/outer"
		is "$type: import" 0 '' map import pin $pins/t2 from "$tmp/outer" \
			inner_map pinned $pins/in
		is "$type: same" 0 '' map diff pinned $pins/t pinned $pins/t2
		is "$type: clear" 0 'Cleared 1 element' map clear pinned $pins/t2
		rm $pins/t $pins/t2
	done
	rm $pins/in
}

trie_verbs()
{
	have lpm_trie key 8 value 4 entries 16 flags 1 || return
	l="pinned $pins/t"
	# shellcheck disable=SC2086
	{
	is 'lpm: update' 0 '' map update $l key ip 10.0.0.0/8 value u32 8
	is 'lpm: update a longer one' 0 '' map update $l key ip 10.1.0.0/16 value u32 16
	is 'lpm: an address' 0 'key: 20 00 00 00 0a 01 02 03  value: 10 00 00 00' \
		map lookup $l key ip 10.1.2.3
	is 'lpm: a prefix' 0 'key: 09 00 00 00 0a 00 00 00  value: 08 00 00 00' \
		map lookup $l key ip 10.0.0.0/9
	is 'lpm: bytes' 0 'key: 20 00 00 00 0a 02 00 00  value: 08 00 00 00' \
		map lookup $l key u32 32 10 2 0 0
	fails 'lpm: a bad length' 2 'no length' map lookup $l key ip 10.0.0.0/33
	fails 'lpm: a bad address' 2 'no IPv4' map lookup $l key ip 10.0.0/8
	is 'lpm: count' 0 2 map count $l
	rm $pins/t
	}
	have lpm_trie key 20 value 4 entries 16 flags 1 || return
	is 'lpm: IPv6' 0 '' map update pinned $pins/t key ip6 fd00::/8 value u32 6
	json 'lpm: IPv6 is found' 0 '"0x06"' /value/0 \
		"$ctl" -j map lookup pinned $pins/t key ip6 fd00::1
	rm $pins/t
}

# The output of show without what differs between maps: id, memory
properties()
{
	"$ctl" -j map show pinned "$1" | sed 's/"id":[0-9]*,//; s/"bytes_memlock":[0-9]*,//'
}

# as_it_came FILE - $tmp/in, in whatever order
as_it_came()
{
	sort "$1" | cmp - "$tmp/in_sorted"
}

round_trip()
{
	for type in hash percpu_hash lru_hash lru_percpu_hash array percpu_array \
		lpm_trie rhash; do
		count=300
		elements $count $type >"$tmp/in"
		sort "$tmp/in" >"$tmp/in_sorted"
		if ! map import pin $pins/t from "$tmp/in" 2>"$tmp/err"; then
			grep -q 'cannot create' "$tmp/err" && {
				skip "no $type maps here"
				continue
			}
			result 1 "$type: import" "$tmp/err"
			continue
		fi
		is "$type: all are there" 0 $count map count pinned $pins/t
		[ $type = hash ] && map freeze pinned $pins/t
		is "$type: export" 0 '' map export pinned $pins/t to "$tmp/json"
		[ $type = hash ] && sed -i 's/"frozen":1/"frozen":0/' "$tmp/json"
		is "$type: exported as it came" 0 '' as_it_came "$tmp/json"
		is "$type: export binary" 0 '' \
			map export pinned $pins/t to "$tmp/bin" format binary
		is "$type: import binary" 0 '' map import pin $pins/t2 from "$tmp/bin"
		properties $pins/t >"$tmp/was"
		is "$type: properties" 0 "$(cat "$tmp/was")" properties $pins/t2
		is "$type: no difference" 0 '' map diff pinned $pins/t pinned $pins/t2
		is "$type: none to the file" 0 '' map diff pinned $pins/t file "$tmp/json"
		is "$type: export of the restored" 0 '' \
			sh -c "'$ctl' -B map export pinned $pins/t2 | sed 's/\"frozen\":1/\"frozen\":0/' >$tmp/again"
		is "$type: is the same" 0 '' as_it_came "$tmp/again"
		rm $pins/t $pins/t2
		map import pin $pins/t from "$tmp/in"
		is "$type: clear" 0 "Cleared $count elements" map clear pinned $pins/t
		case $type in
		*array) left=$count ;;
		*) left=0 ;;
		esac
		is "$type: is empty" 0 $left map count pinned $pins/t
		map import into pinned $pins/t from "$tmp/in"
		is "$type: import into it, clear without batches" 0 \
			"Cleared $count elements" "$ctl" -B map clear pinned $pins/t
		rm $pins/t
	done
}

damaged_files()
{
	elements 10 hash >"$tmp/in"
	map import pin $pins/t from "$tmp/in"
	map export pinned $pins/t to "$tmp/bin" format binary
	head -n 5 "$tmp/in" >"$tmp/short"
	fails 'import: cut JSON' 2 'ends too early' map import pin $pins/x from "$tmp/short"
	sed 5d "$tmp/in" >"$tmp/short"
	fails 'import: a line is missing' 2 '9 elements, not the 10' \
		map import pin $pins/x from "$tmp/short"
	sed 's/"elements":10/"elements":x/' "$tmp/in" >"$tmp/bad"
	fails 'import: no JSON' 2 ':12: no JSON' map import pin $pins/x from "$tmp/bad"
	sed '3s/key":"../key":"/' "$tmp/in" >"$tmp/bad"
	fails 'import: a short key' 2 ':3: key is missing or wrong' \
		map import pin $pins/x from "$tmp/bad"
	sed '1s/"type":"hash"/"type":"hush"/' "$tmp/in" >"$tmp/bad"
	fails 'import: a bad type' 2 ':1: type' map import pin $pins/x from "$tmp/bad"
	head -c 150 "$tmp/bin" >"$tmp/short"
	fails 'import: cut binary' 2 'ends too early' map import pin $pins/x from "$tmp/short"
	{ head -c 100 "$tmp/bin"; printf '\377'; tail -c +102 "$tmp/bin"; } >"$tmp/bad"
	fails 'import: damaged binary' 2 'damaged' map import pin $pins/x from "$tmp/bad"
	sed 's/,"value"/ , "value" /; 2s/{\("key":[^,]*\) , \(.*\) }/{ \2, \1}/' "$tmp/in" >"$tmp/loose"
	is 'import: JSON of another hand' 0 '' map import pin $pins/x from "$tmp/loose"
	is 'import: is the same' 0 '' map diff pinned $pins/x pinned $pins/t
	rm $pins/x
	map export pinned $pins/t >"$tmp/shown"
	json 'export: the header is JSON' 0 '"hash"' /type head -n 1 "$tmp/shown"
	json 'export: a line is JSON' 0 "$(sed -n '2s/.*"value":\("[^"]*"\).*/\1/p' "$tmp/shown")" \
		/value sed -n 2p "$tmp/shown"
	: >"$tmp/bad"
	fails 'import: empty' 2 'nothing in it' map import pin $pins/x from "$tmp/bad"
	fails 'import: nowhere' 2 'is needed' map import from "$tmp/in"
	fails 'none of these left a map' 2 'no such map' map count pinned $pins/x
	fails 'import: other sizes' 2 'sizes differ' \
		map import into pinned $pins/h from "$tmp/in"
	fails 'export to a full device' 2 'No space' map export pinned $pins/t to /dev/full
	is 'update before diff' 0 '' map update pinned $pins/t \
		key hex 0 0 0 0 a b c d value u64 0
	is 'delete before diff' 0 '' map delete pinned $pins/t key hex 1 0 0 0 a b c d
	is 'insert before diff' 0 '' map update pinned $pins/t \
		key hex ff 0 0 0 a b c d value u64 1
	is 'diff' 1 '- key: 00 00 00 00 0a 0b 0c 0d  value: 00 00 00 00 00 00 00 00
+ key: 00 00 00 00 0a 0b 0c 0d  value: 00 00 00 00 ff ee 00 00
+ key: 01 00 00 00 0a 0b 0c 0d  value: 01 00 00 00 ff ee 00 01
- key: ff 00 00 00 0a 0b 0c 0d  value: 01 00 00 00 00 00 00 00' \
		map diff pinned $pins/t file "$tmp/in"
	json 'diff -j' 1 "null${nl}\"0x01\"${nl}null" '/1/first /1/second/0 /2/second' \
		"$ctl" -j map diff pinned $pins/t file "$tmp/in"
	fails 'diff of other sizes' 2 'they have keys' \
		map diff pinned $pins/t pinned $pins/h
	rm $pins/t
}

# watch SECONDS - both look for so long, and something changes meanwhile
watch()
{
	for key in 1 2; do
		map update pinned $pins/t key u32 $key value u64 0
		map update pinned $pins/t2 key u32 $key value u64 5 u64 100 u64 7
	done
	"$ctl" -j map top pinned $pins/t interval "$1" times 1 >"$tmp/top" 2>"$tmp/err" &
	one=$!
	map top pinned $pins/t2 offset 8 interval "$1" times 1 >"$tmp/top2" 2>"$tmp/err2" &
	sleep $(($1 / 2))
	map update pinned $pins/t key u32 2 value u64 1000
	map update pinned $pins/t2 key u32 1 value u64 6 u64 100 u64 9
	map update pinned $pins/t2 key u32 2 value u64 900 u64 350 u64 7
	wait $one $!
	"$pick" /0/value <"$tmp/top" | grep -qx 1000 && grep -q '^1 of 2' "$tmp/top2"
}

watching()
{
	map create $pins/t type hash key 4 value 8 entries 16 name t
	map create $pins/t2 type hash key 4 value 24 entries 16 name t2
	# On a slow machine it takes longer until they have begun to look
	for interval in 2 10 60; do
		! watch $interval || break
	done
	json 'top: what changed' 0 "\"0x02\"${nl}1000" '/0/key/0 /0/value' cat "$tmp/top"
	rate=$("$pick" /0/rate <"$tmp/top")
	[ "${rate%.*}" -ge $((200 / interval)) ] &&
		[ "${rate%.*}" -le $((1000 / interval)) ]
	result $? "top: how fast ($rate)" "$tmp/err"
	is 'top: nothing changes' 0 "0 of 2 elements changed${nl}    per second                 value  key" \
		map top pinned $pins/t interval 0.1 times 1
	cat "$tmp/err2" >"$tmp/err"
	out=$(sed 's/^ *[0-9][0-9.]*  \( .*\)/RATE\1/' "$tmp/top2")
	[ ! -s "$tmp/err" ] && [ "$out" = "1 of 2 elements changed
    per second                 value  key
RATE                 350  02 00 00 00" ]
	result $? 'top: a counter within the value' "$tmp/err"
	rate=$(awk 'NR == 3 { print int($1) }' "$tmp/top2")
	[ "$rate" -ge $((50 / interval)) ] && [ "$rate" -le $((250 / interval)) ]
	result $? "top: how fast that is ($rate)"
	is 'top: the last counter' 0 "0 of 2 elements changed${nl}    per second                 value  key" \
		map top pinned $pins/t2 offset 16 interval 0.1 times 1
	fails 'top: beyond the value' 2 'no counter of 8 bytes is at 17' \
		map top pinned $pins/t2 offset 17
	rm $pins/t $pins/t2
}

# say TOOL OPTION WORD... - a tool's standard output; its messages are not
# compared
say()
{
	said=$1 option=$2
	shift 2
	echo "\$ $option map $*"
	# shellcheck disable=SC2086 # none or one
	"$said" $option map "$@" 2>/dev/null
	echo
}

# What many of them say, whatever the maps' ids and memory are, and in one line
# where it is pretty
plain_words()
{
	awk '
		function put(line)
		{
			sub(/^[0-9]+: /, "ID: ", line)
			sub(/"id":[0-9]+/, "\"id\":ID", line)
			sub(/  memlock [0-9]+B/, "", line)
			sub(/,"bytes_memlock":[0-9]+/, "", line)
			sub(/"error":"[^"]*"/, "\"error\":TEXT", line)
			print line
		}
		/^\$ / {
			if (pretty)
				put(joined)
			pretty = $2 == "-p"
			joined = ""
			gsub("/sys/fs/bpf[a-z]*", "PINS")
			print
			next
		}
		pretty { gsub(/[ \t]/, ""); joined = joined $0; next }
		{ put($0) }
		END { if (pretty) put(joined) }'
}

# words TOOL DIRECTORY TYPE KEY-SIZE VALUE-SIZE FLAGS KEY ABSENT-KEY
words()
{
	tool=$1 w=$2/w
	value=$(seq 1 "$5" | tr '\n' ' ')
	# shellcheck disable=SC2086 # several bytes
	for option in '' -j -p; do
		say "$tool" "$option" create "$w" type "$3" key "$4" value "$5" \
			entries 2 name w flags "$6"
		say "$tool" "$option" show pinned "$w"
		data_words "$7" "$8"
		say "$tool" "$option" update pinned "$w" key $7 value $value noexist
		say "$tool" "$option" delete pinned "$w" key $8
		say "$tool" "$option" delete pinned "$w" key $7
		say "$tool" "$option" dump pinned "$w"
		say "$tool" "$option" pin pinned "$w" "${w}2"
		say "$tool" "$option" pin pinned "$w" "${w}2"
		say "$tool" "$option" freeze pinned "$w"
		say "$tool" "$option" show pinned "$w"
		rm -f "$w" "${w}2"
	done
}

# data_words KEY ABSENT-KEY - those with a key or value in them
data_words()
{
	# shellcheck disable=SC2086 # several bytes
	{
	say "$tool" "$option" update pinned "$w" key $1 value $value
	say "$tool" "$option" dump pinned "$w"
	say "$tool" "$option" lookup pinned "$w" key $1
	say "$tool" "$option" getnext pinned "$w"
	say "$tool" "$option" lookup pinned "$w" key $2
	}
}

# The same arguments as words: how keys and values of other sizes are laid out
size_words()
{
	tool=$1 w=$2/w
	value=$(seq 1 "$5" | tr '\n' ' ')
	"$tool" map create "$w" type "$3" key "$4" value "$5" entries 2 name w flags "$6"
	for option in '' -j; do
		data_words "$7" "$8"
	done
	rm -f "$w"
}

queue_words()
{
	tool=$1 w=$2/w
	for option in '' -j -p; do
		say "$tool" "$option" create "$w" type "$3" key 0 value 4 entries 2 name w
		say "$tool" "$option" push pinned "$w" value 1 2 3 4
		say "$tool" "$option" enqueue pinned "$w" value 5 6 7 8
		say "$tool" "$option" push pinned "$w" value 5 6 7 8
		say "$tool" "$option" peek pinned "$w"
		say "$tool" "$option" pop pinned "$w"
		say "$tool" "$option" dequeue pinned "$w"
		say "$tool" "$option" pop pinned "$w"
		# As text, bpftool says that a key was not found
		[ -z "$option" ] || say "$tool" "$option" peek pinned "$w"
		rm -f "$w"
	done
}

outer_words()
{
	tool=$1 w=$2/w
	for option in '' -j -p; do
		say "$tool" "$option" create "$w.i" type array key 4 value 4 entries 1 name i
		"$tool" map create "${w}i" type array key 4 value 4 entries 1 name i
		say "$tool" "$option" create "$w" type "$3" key 4 value 4 entries 2 \
			name w inner_map pinned "${w}i"
		say "$tool" "$option" show pinned "$w"
		say "$tool" "$option" update pinned "$w" key 1 0 0 0 value pinned "${w}i"
		say "$tool" "$option" delete pinned "$w" key 1 0 0 0
		say "$tool" "$option" dump pinned "$w"
		rm -f "$w" "${w}i"
	done
}

# same NAME FUNCTION ARGUMENT... - the same maps in bpf(2): bpftool's words and ours
same()
{
	name=$1 function=$2
	shift 2
	$function "$bpftool" /sys/fs/bpf "$@" 2>&1 | plain_words >"$tmp/theirs"
	$function "$ctl" $pins "$@" 2>&1 | plain_words >"$tmp/ours"
	# Two equal failures do not pass
	grep -q '^key: \|^value: \|^Found' "$tmp/theirs" &&
		diff "$tmp/theirs" "$tmp/ours" >"$tmp/err"
	result $? "words of $name are bpftool's" "$tmp/err"
}

same_words()
{
	if [ -z "$bpftool" ]; then
		skip 'no bpftool here'
		return
	fi
	mount -t bpf bpf /sys/fs/bpf 2>/dev/null
	how=words
	for sizes in '4 8' '16 16' '20 40'; do
		key_size=${sizes% *} value_size=${sizes#* }
		key=$(seq 1 "$key_size" | tr '\n' ' ')
		absent=$(seq 2 $((key_size + 1)) | tr '\n' ' ')
		same "hash $sizes" $how hash "$key_size" "$value_size" 1 "$key" "$absent"
		same "LRU hash $sizes" $how lru_hash "$key_size" "$value_size" 0 \
			"$key" "$absent"
		same "per-CPU hash $sizes" $how percpu_hash "$key_size" "$value_size" 0 \
			"$key" "$absent"
		for type in array percpu_array; do
			same "$type $value_size" $how $type 4 "$value_size" 0 \
				'1 0 0 0' '2 0 0 0'
		done
		how=size_words
	done
	same 'trie' words lpm_trie 8 4 1 '8 0 0 0 10 0 0 0' '8 0 0 0 11 0 0 0'
	same 'queue' queue_words queue
	same 'stack' queue_words stack
	same 'array of maps' outer_words array_of_maps
	same 'hash of maps' outer_words hash_of_maps
}

# A module of the tests writes
event_pipe()
{
	if [ -z "$ring_write" ] || [ ! -e /dev/bpfmap_ringtest ]; then
		skip 'nobody to write to a ring buffer here'
		return
	fi
	have ringbuf key 0 value 0 entries 4096 || return
	r="pinned $pins/t"
	# shellcheck disable=SC2086
	{
	is 'event_pipe: records to read' 0 '' "$ring_write" $pins/t one 'two and a half' three
	map event_pipe $r times 2 >"$tmp/raw" 2>"$tmp/err"
	sed 's/@[0-9]*\.[0-9]\{9\} /@TIME /' "$tmp/raw" >"$tmp/shown"
	is 'event_pipe' 0 '== @TIME size: 3 =====
6f 6e 65
== @TIME size: 14 =====
74 77 6f 20 61 6e 64 20  61 20 68 61 6c 66' cat "$tmp/shown"
	json 'event_pipe -j' 0 "5${nl}[\"0x74\",\"0x68\",\"0x72\",\"0x65\",\"0x65\"]" \
		'/0/size /0/data' "$ctl" -j map event_pipe $r times 1
	"$ctl" -j map event_pipe $r >"$tmp/shown" 2>"$tmp/err" &
	sleep 1
	is 'event_pipe: another record' 0 '' "$ring_write" $pins/t late
	for _ in $(seq 600); do
		! grep -q size "$tmp/shown" || break
		usleep 100000
	done
	kill -INT $!
	wait $!
	is 'event_pipe: ends with an interrupt' 0 0 echo $?
	json 'event_pipe: waits' 0 4 /0/size cat "$tmp/shown"
	fails 'event_pipe: cpu and index' 2 'one for all CPUs' \
		map event_pipe $r cpu 0 index 0
	rm $pins/t
	fails 'event_pipe: no ring buffer' 2 'a hash has no records' map event_pipe $h
	fails 'event_pipe: too many words' 2 'too much' map event_pipe $h times 1 more
	}
}

bpftools_options()
{
	is 'options of bpftool' 0 6 "$ctl" -d -l -n map count pinned $pins/h
	is 'long options of bpftool' 0 6 \
		"$ctl" --debug --legacy --nomount --bpffs map count pinned $pins/h
	fails 'create: on a device that does not exist' 2 "no network device 'none0'" \
		map create $pins/x type hash key 4 value 4 entries 1 name x dev none0
	fails 'create: on a device' 2 'on a network device' \
		map create $pins/x type hash key 4 value 4 entries 1 name x dev lo
	fails 'create: no map is left' 2 'no such map' map count pinned $pins/x
}

mount_pins
basic_verbs
shows_and_dumps
without_rights
percpu_verbs
queue_verbs
bloom_verbs
outer_verbs
trie_verbs
round_trip
damaged_files
watching
same_words
event_pipe
bpftools_options
rm $pins/h
finish
