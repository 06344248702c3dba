#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that know nothing of bpfmap, with libbpfmap-preload.so and without:
# both must print the same. Prints TAP. Arguments: the library, bpftool, then
# test programs of this directory to run as those of bpf(2), and at last, after
# "--", a Python with ctypes, the libbpf to call from it, libbpf_maps.py,
# bpfmapctl, and a directory with ls, rm and others, if there are any.
# shellcheck disable=SC2317,SC2086 # functions that both() calls; paths of ours
# shellcheck disable=SC2030,SC2031 # LD_PRELOAD is for the subshell only
set -u
preload=$(readlink -f "$1") bpftool=$2
shift 2
programs=''
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	programs="$programs $1"
	shift
done
python=${2-} libbpf=${3-} script=${4-} ctl=${5-} coreutils=${6-}
# shellcheck source=scripts/tap.sh
. "${0%/*}/../../scripts/tap.sh"

# run ARGUMENT... - bpftool; what it is asked, what it says and how it ends
run()
{
	echo "\$ bpftool $*"
	"$bpftool" "$@" 2>&1
	echo "status $?"
}

# Ids and memory are each one's own
normal()
{
	sed 's/^[0-9]*: /ID: /; s/"id":[0-9]*/"id":ID/; s/  memlock [0-9]*B//
		s/,"bytes_memlock":[0-9]*//; s/inner_map_id: [0-9]*/inner_map_id: ID/
		s/"inner_map_id":[0-9]*/"inner_map_id":ID/'
}

# side_by_side FILE FILE - in two columns; "!" is where they differ
side_by_side()
{
	awk -v file="$2" '
		function row(left, right)
		{
			gsub(/\t/, "    ", left)
			gsub(/\t/, "    ", right)
			printf "%s %-80s | %s\n", left == right ? " " : "!", left, right
		}
		BEGIN { printf "  %-80s | %s\n", "bpf(2)", "with the preload" }
		{
			if ((getline other <file) <= 0)
				other = ""
			row($0, other)
		}
		END {
			while ((getline other <file) > 0)
				row("", other)
		}' "$1"
}

# both NAME FUNCTION [ARGUMENT...] - it prints the same with and without
both()
{
	name=$1
	shift
	"$@" </dev/null | normal >"$tmp/bpf"
	(export LD_PRELOAD="$preload"; "$@" </dev/null) | normal >"$tmp/ours"
	side_by_side "$tmp/bpf" "$tmp/ours" >"$tmp/sides"
	# Two equal failures do not pass
	cmp -s "$tmp/bpf" "$tmp/ours" && grep -q '^status 0' "$tmp/bpf"
	result $? "$name" "$tmp/sides"
}

# What is made under the preload is the device's, and only its
made_here()
{
	pin=/sys/fs/bpf/mine
	LD_PRELOAD=$preload run map create $pin type hash key 4 value 4 entries 1 \
		name mine >"$tmp/diff"
	[ -e /sys/fs/bpfmap/mine ] && [ ! -e $pin ] &&
		! run map show name mine | grep -q '  name mine' &&
		LD_PRELOAD=$preload run map show name mine | grep -q '  name mine'
	result $? 'the map is where it is to be' "$tmp/diff"
	rm -f /sys/fs/bpfmap/mine
}

# verbs TYPE KEY-SIZE VALUE-SIZE FLAGS [ENTRIES] - everything that bpftool has for elements
verbs()
{
	pin=/sys/fs/bpf/verbs
	key='1 0 0 0' other='2 0 0 0'
	value=$(seq 1 "$3" | tr '\n' ' ')
	# shellcheck disable=SC2086 # several bytes
	{
	run map create $pin type "$1" key "$2" value "$3" entries "${5-3}" name verbs flags "$4"
	run map create $pin type "$1" key "$2" value "$3" entries "${5-3}" name verbs flags "$4"
	run map show pinned $pin
	run -j map show pinned $pin
	run map update pinned $pin key $key value $value
	run map update pinned $pin key $key value $value noexist
	run map update pinned $pin key $other value hex $value exist
	run map update pinned $pin key $other value hex $value
	run map update pinned $pin key 9 9 9 9 value $value
	run map lookup pinned $pin key $key
	run -j map lookup pinned $pin key $key
	run map lookup pinned $pin key 7 7 7 7
	run map dump pinned $pin
	run -j map dump pinned $pin
	run map dump name verbs
	run map getnext pinned $pin
	run map getnext pinned $pin key $key
	run map getnext pinned $pin key 7 7 7 7
	run map delete pinned $pin key $key
	run map delete pinned $pin key $key
	run map pin pinned $pin ${pin}2
	run map pin pinned $pin ${pin}2
	run map dump pinned ${pin}2
	# Once: a second time is EBUSY on older kernels and EPERM on newer ones
	run map freeze pinned $pin
	run map update pinned $pin key $key value $value
	run map show name verbs
	}
	# The shell sees names with neither
	for file in verbs verbs2; do
		if [ -n "${LD_PRELOAD-}" ]; then
			rm "/sys/fs/bpfmap/$file"
		else
			rm "/sys/fs/bpf/$file"
		fi
	done
}

# The order of a hash is unpredictable: one element at a time
hash_verbs()
{
	verbs "$@" | awk '/^\$ bpftool/ { command = $0; nr = 0 }
		{ printf "%s\t%s\n", command, $0 }' |
		grep -vE 'getnext|dump' | cut -f2-
	walk_verbs "$@"
}

# ... or sorted
walk_verbs()
{
	pin=/sys/fs/bpf/walk
	value=$(seq 1 "$3" | tr '\n' ' ')
	run map create $pin type "$1" key "$2" value "$3" entries 1000 name walk flags "$4"
	run map dump pinned $pin
	run -j map dump pinned $pin
	run map getnext pinned $pin
	run map update pinned $pin key 1 2 3 4 value $value
	for option in '' -j; do
		run $option map dump pinned $pin
		run $option map getnext pinned $pin
		run $option map getnext pinned $pin key 1 2 3 4
	done
	for byte in 5 6 7 8; do
		run map update pinned $pin key $byte 0 0 0 value hex $value
	done
	run map dump pinned $pin | sort
	run -j map dump pinned $pin | tr '{' '\n' | sed 's/[],]*$//' | sort
	rm -f /sys/fs/bpf/walk /sys/fs/bpfmap/walk
}

# Prefixes have an order
trie_verbs()
{
	pin=/sys/fs/bpf/trie
	run map create $pin type lpm_trie key 8 value 4 entries 9 name trie flags 1
	run map update pinned $pin key 8 0 0 0 10 0 0 0 value 8 0 0 0
	run map update pinned $pin key 16 0 0 0 10 1 0 0 value 16 0 0 0
	run map update pinned $pin key 0 0 0 0 0 0 0 0 value 0 0 0 0
	run map update pinned $pin key 33 0 0 0 0 0 0 0 value 0 0 0 0
	for option in '' -j; do
		run $option map show pinned $pin
		run $option map lookup pinned $pin key 32 0 0 0 10 1 2 3
		run $option map lookup pinned $pin key 32 0 0 0 192 0 2 1
		run $option map dump pinned $pin
		run $option map getnext pinned $pin key 16 0 0 0 10 1 0 0
	done
	run map delete pinned $pin key 8 0 0 0 10 0 0 0
	run map delete pinned $pin key 8 0 0 0 10 0 0 0
	run map lookup pinned $pin key 32 0 0 0 10 2 2 3
	rm -f /sys/fs/bpf/trie /sys/fs/bpfmap/trie
}

# Maps without keys and without elements to list
keyless_verbs()
{
	pin=/sys/fs/bpf/keyless
	for kind in 'bloom_filter key 0 value 4 entries 100' \
		'ringbuf key 0 value 0 entries 4096'; do
		run map create $pin type $kind name keyless
		run map show pinned $pin
		run -j map show pinned $pin
		run map update pinned $pin value 1 2 3 4
		run map dump pinned $pin
		rm -f $pin /sys/fs/bpfmap/keyless
	done
}

# bpftool's text output under the preload
tour()
{
	pin=/sys/fs/bpf/tour
	run map create $pin type hash key 4 value 4 entries 9 name tour
	run map update pinned $pin key 1 0 0 0 value 10 20 30 40
	run map lookup pinned $pin key 1 0 0 0
	run map lookup pinned $pin key 2 0 0 0
	run map dump pinned $pin
	run -j map dump pinned $pin
	run map getnext pinned $pin
	run map delete pinned $pin key 2 0 0 0
	run map freeze pinned $pin
	run map delete pinned $pin key 1 0 0 0
	run map show pinned $pin
	rm -f /sys/fs/bpf/tour /sys/fs/bpfmap/tour
}

# Commands in a file, of which one fails: the others after it are not executed
batch_verbs()
{
	pin=/sys/fs/bpf/batch
	cat >"$tmp/batch" <<END
map create $pin type hash key 4 value 4 entries 9 name batch
map update pinned $pin key 1 0 0 0 value 2 0 0 0
map dump pinned $pin
map delete pinned $pin key 1 0 0 0
map delete pinned $pin key 1 0 0 0
map dump pinned $pin
END
	run batch file "$tmp/batch"
	run map dump pinned $pin
	rm -f $pin /sys/fs/bpfmap/batch
}

queue_verbs()
{
	pin=/sys/fs/bpf/queue
	run map create $pin type "$1" key 0 value 4 entries 2 name queue
	run map push pinned $pin value 1 2 3 4
	run map enqueue pinned $pin value 5 6 7 8
	run map push pinned $pin value 9 9 9 9
	run map peek pinned $pin
	run map pop pinned $pin
	run -j map dequeue pinned $pin
	run map pop pinned $pin
	run map dump pinned $pin
	rm -f /sys/fs/bpf/queue /sys/fs/bpfmap/queue
}

outer_verbs()
{
	run map create /sys/fs/bpf/inner type array key 4 value 4 entries 1 name inner
	run map create /sys/fs/bpf/outer type "$1" key 4 value 4 entries 2 name outer \
		inner_map pinned /sys/fs/bpf/inner
	run map update pinned /sys/fs/bpf/outer key 1 0 0 0 value pinned /sys/fs/bpf/inner
	# The value is an id, which older bpftools print as bytes
	run map dump pinned /sys/fs/bpf/outer |
		sed 's/  value: .. .. .. .. *$/  value: ID/'
	run -j map dump pinned /sys/fs/bpf/outer |
		sed 's/"value":\[[^]]*\]/"value":ID/'
	rm -f /sys/fs/bpf/inner /sys/fs/bpf/outer /sys/fs/bpfmap/inner /sys/fs/bpfmap/outer
}

# said COMMAND ARGUMENT... - what it says and how it ends; the first word is a file
# of coreutils or findutils
said()
{
	echo "\$ $*"
	command=$1
	shift
	"$coreutils/$command" "$@" 2>&1
	echo "status $?"
}

# Pins are files for programs, not only for those that call bpf(2)
file_verbs()
{
	top=/sys/fs/bpf
	run map create $top/one type hash key 4 value 4 entries 1 name one
	run map create $top/two type array key 4 value 4 entries 1 name two
	said ls $top
	said mkdir $top/dir $top/dir/sub
	said ls -F $top
	said mv -v $top/one $top/dir/sub/one
	said mv -vn $top/two $top/dir/three
	(cd $top/dir && said ls -F sub . && said chmod 640 sub/one three &&
		said stat -c '%n %F %a %h %u' sub/one ./three sub)
	said ln $top/dir/three $top/dir/four
	said stat -c '%n %h' $top/dir/three
	said ls -R $top/dir
	said find $top/dir -type f | sort
	run map show pinned $top/dir/sub/one
	said rmdir $top/dir/sub
	said rm $top/dir/sub/two
	said rm -v $top/dir/four
	said cat $top/dir/three
	said rm -rv $top/dir | sort
	said ls -a $top
}

# Maps that the device does not have, and programs, are still bpf(2)'s
others()
{
	pin=/sys/fs/bpf/other
	run map create $pin type prog_array key 4 value 4 entries 2 name progs
	run map dump pinned $pin
	run map delete pinned $pin key 0 0 0 0
	rm -f $pin
	run map create $pin type stack_trace key 4 value 8 entries 2 name traces
	run map dump pinned $pin
	rm -f $pin
	run prog show
	run map show pinned /sys/fs/bpf/nothing
	run map create /sys/fs/bpf/no.dots type hash key 4 value 4 entries 1 name dots
	run map create /sys/fs/bpf/none/x type hash key 4 value 4 entries 1 name none
}

# They also show the map that it leaves, each of them its own
python_program()
{
	pin=/sys/fs/bpf/python
	"$python" "$script" "$libbpf" $pin 2>&1
	echo "status $?"
	rm -f /sys/fs/bpf/python /sys/fs/bpfmap/python_kept
	[ ! -e /sys/fs/bpfmap/python ] ||
		mv /sys/fs/bpfmap/python /sys/fs/bpfmap/python_kept
}

# What it made under the preload is there for bpfmapctl
python_map()
{
	"$ctl" map show pinned /sys/fs/bpfmap/python_kept >"$tmp/shown" 2>&1 &&
		"$ctl" map lookup pinned /sys/fs/bpfmap/python_kept key u32 8 \
			>>"$tmp/shown" 2>&1 &&
		"$ctl" map count pinned /sys/fs/bpfmap/python_kept \
			>>"$tmp/shown" 2>&1
	sed 's/^[0-9]*: /ID: /; s/memlock [0-9]*B/memlock NB/' "$tmp/shown" >"$tmp/is"
	cat >"$tmp/expected" <<END
ID: hash  name python  flags 0x0
	key 4B  value 8B  max_entries 100  memlock NB
	frozen
key: 08 00 00 00  value: 40 00 00 00 00 00 00 00
13
END
	cmp -s "$tmp/is" "$tmp/expected"
	result $? 'bpfmapctl shows the map of the Python program' "$tmp/shown"
	rm -f /sys/fs/bpfmap/python_kept
}

# A test program of bpf(2)'s contract: it cannot tell the difference, unless
# that is the difference between Linux 7.3 and this kernel
contract()
{
	LD_PRELOAD=$preload BPFMAP_BACKEND=bpf timeout -s KILL 600 "$1" \
		>"$tmp/contract" 2>&1
	status=$?
	grep -v '^ok' "$tmp/contract" >"$tmp/not"
	! grep '# SKIP' "$tmp/contract" >>"$tmp/not" || status=1
	result $status "${1##*/} as of bpf(2): $(grep -c '^ok' "$tmp/contract") cases" \
		"$tmp/not"
}

grep -q ' /sys/fs/bpf bpf' /proc/mounts || mount -t bpf bpf /sys/fs/bpf
grep -q ' /sys/fs/bpfmap bpfmapfs' /proc/mounts ||
	mount -t bpfmapfs bpfmapfs /sys/fs/bpfmap
made_here
both 'all of it' tour
sed 's/^/# /' "$tmp/sides"
both 'array' verbs array 4 40 0
both 'per-CPU array' verbs percpu_array 4 8 0
both 'hash' hash_verbs hash 4 20 1
# Large enough that nothing is evicted: eviction depends on the scheduler
both 'LRU hash' hash_verbs lru_hash 4 8 0 1000
both 'per-CPU hash' hash_verbs percpu_hash 4 8 0
both 'LRU per-CPU hash' hash_verbs lru_percpu_hash 4 8 0 1000
both 'trie' trie_verbs
both 'Bloom filter, ring buffer' keyless_verbs
both 'a file of commands' batch_verbs
both 'queue' queue_verbs queue
both 'stack' queue_verbs stack
both 'array of maps' outer_verbs array_of_maps
both 'hash of maps' outer_verbs hash_of_maps
both 'what stays with bpf(2)' others
if [ -n "$python" ]; then
	both 'Python with libbpf' python_program
	python_map
else
	skip 'no Python here'
fi
if [ -n "$coreutils" ]; then
	both 'ls, mv, rm and others' file_verbs
else
	skip 'no coreutils here'
fi
for program in $programs; do
	contract "$program"
done
finish
