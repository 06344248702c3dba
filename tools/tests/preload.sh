#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs that know nothing of bpfmap, with libbpfmap-preload.so and without:
# they are to say the same. Prints TAP. Arguments: the library, bpftool, then
# test programs of this directory to run as those of bpf(2), and at last, after
# "--", a Python with ctypes and the libbpf to call from it, if there are any.
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
python=${2-} libbpf=${3-}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0

# result STATUS NAME [FILE-TO-SHOW]
result()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
		return
	fi
	failed=1
	echo "not ok $n - $2"
	[ -z "${3-}" ] || sed 's/^/# /' "$3" | head -n 40
}

skip()
{
	n=$((n + 1))
	echo "ok $n # SKIP $1"
}

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

# both NAME FUNCTION [ARGUMENT...] - it prints the same with and without
both()
{
	name=$1
	shift
	"$@" </dev/null | normal >"$tmp/bpf"
	(export LD_PRELOAD="$preload"; "$@" </dev/null) | normal >"$tmp/ours"
	diff -u "$tmp/bpf" "$tmp/ours" >"$tmp/diff"
	status=$?
	# Not two times the same misfortune
	grep -q '^status 0' "$tmp/bpf" || {
		status=1
		cp "$tmp/bpf" "$tmp/diff"
	}
	result $status "$name" "$tmp/diff"
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
	# Names are shown to the shell by neither
	for file in verbs verbs2; do
		if [ -n "${LD_PRELOAD-}" ]; then
			rm "/sys/fs/bpfmap/$file"
		else
			rm "/sys/fs/bpf/$file"
		fi
	done
}

# A hash has its elements in no order that can be told: one at a time
hash_verbs()
{
	verbs "$@" | awk '/^\$ bpftool/ { command = $0; nr = 0 }
		{ printf "%s\t%s\n", command, $0 }' |
		grep -vE 'getnext|dump' | cut -f2-
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

cat >"$tmp/maps.py" <<'END'
import ctypes, sys
lib = ctypes.CDLL(sys.argv[1], use_errno=True)
def check(what, ret):
    print(what, "ok" if ret >= 0 else -ret)
    return ret
fd = lib.bpf_map_create(1, b"python", 4, 8, 100, None)
print("created", fd > 2)
one, next_key, value = ctypes.c_uint32(1), ctypes.c_uint32(), ctypes.c_uint64(5)
for i in range(10):
    key, value = ctypes.c_uint32(i), ctypes.c_uint64(i * i)
    check("update", lib.bpf_map_update_elem(fd, ctypes.byref(key), ctypes.byref(value), ctypes.c_uint64(0)))
found = ctypes.c_uint64()
key = ctypes.c_uint32(7)
check("lookup", lib.bpf_map_lookup_elem(fd, ctypes.byref(key), ctypes.byref(found)))
print(found.value)
check("noexist", lib.bpf_map_update_elem(fd, ctypes.byref(key), ctypes.byref(found), ctypes.c_uint64(1)))
keys, seen = (ctypes.c_uint32 * 16)(), set()
prev = None
while lib.bpf_map_get_next_key(fd, prev, ctypes.byref(next_key)) == 0:
    seen.add(next_key.value)
    prev = ctypes.byref(ctypes.c_uint32(next_key.value))
print(sorted(seen))
values, count, cursor = (ctypes.c_uint64 * 16)(), ctypes.c_uint32(16), ctypes.c_uint32()
print("batch", lib.bpf_map_lookup_batch(fd, None, ctypes.byref(cursor), keys, values, ctypes.byref(count), None))
print(sorted(zip(keys[:count.value], values[:count.value])))
check("delete", lib.bpf_map_delete_elem(fd, ctypes.byref(key)))
check("delete again", lib.bpf_map_delete_elem(fd, ctypes.byref(key)))
check("freeze", lib.bpf_map_freeze(fd))
check("update frozen", lib.bpf_map_update_elem(fd, ctypes.byref(key), ctypes.byref(found), ctypes.c_uint64(0)))
check("closed", lib.bpf_map_lookup_elem(999, ctypes.byref(key), ctypes.byref(found)))
check("no map", lib.bpf_map_lookup_elem(0, ctypes.byref(key), ctypes.byref(found)))
END

python_program()
{
	"$python" "$tmp/maps.py" "$libbpf" 2>&1
	echo "status $?"
}

# A test program of bpf(2)'s contract: it cannot tell the difference, unless
# that is the difference between Linux 7.3 and this kernel
contract()
{
	LD_PRELOAD=$preload BPFMAP_BACKEND=bpf timeout -s KILL 100 "$1" \
		>"$tmp/contract" 2>&1
	status=$?
	grep -v '^ok' "$tmp/contract" >"$tmp/not"
	result $status "${1##*/} as of bpf(2): $(grep -c '^ok' "$tmp/contract") cases" \
		"$tmp/not"
}

grep -q ' /sys/fs/bpf bpf' /proc/mounts || mount -t bpf bpf /sys/fs/bpf
grep -q ' /sys/fs/bpfmap bpfmapfs' /proc/mounts ||
	mount -t bpfmapfs bpfmapfs /sys/fs/bpfmap
made_here
both 'array' verbs array 4 40 0
both 'per-CPU array' verbs percpu_array 4 8 0
both 'hash' hash_verbs hash 4 20 1
# Large enough that nothing is evicted: that depends on who runs on which CPU
both 'LRU hash' hash_verbs lru_hash 4 8 0 1000
both 'queue' queue_verbs queue
both 'stack' queue_verbs stack
both 'array of maps' outer_verbs array_of_maps
both 'hash of maps' outer_verbs hash_of_maps
both 'what stays with bpf(2)' others
if [ -n "$python" ]; then
	both 'Python with libbpf' python_program
else
	skip 'no Python here'
fi
for program in $programs; do
	contract "$program"
done
echo "1..$n"
exit $failed
