#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs of others that use bpf(2)'s maps, with bpf(2) and with the device. Prints
# TAP, and at last a table. Arguments: the directory that
# scripts/guest/clients_tree.sh has filled, bpfmapctl, the library to preload,
# bpfmap-run.
# shellcheck disable=SC2317 # functions that client() calls
set -u
dir=$(readlink -f "$1") ctl=$(readlink -f "$2") preload=$(readlink -f "$3")
run=$(readlink -f "${4-}")
here=$(readlink -f "${0%/*}")
# shellcheck source=scripts/tap.sh
. "${0%/*}/../../scripts/tap.sh"

# row CLIENT WAY NATIVE DEVICE - of the table
row()
{
	printf '# %-36s %-12s %-14s %s\n' "$@" >>"$tmp/table"
}

# lines FILE - how much a program has said
lines()
{
	echo "$(wc -l <"$1") lines"
}

# with_device WAY COMMAND... - the command with its maps on the device
with_device()
{
	way=$1
	shift
	case $way in
	preload) (export LD_PRELOAD="$preload"; "$@") ;;
	*) "$run" "$@" ;;
	esac
}

# The id of a new map of the device: one more than that of the last one
next_id()
{
	"$ctl" map create /sys/fs/bpfmap/probe type array key 4 value 4 entries 1 \
		name probe
	"$ctl" map show pinned /sys/fs/bpfmap/probe | sed -n '1s/:.*//p'
	rm /sys/fs/bpfmap/probe
}

# client NAME WAY COMMAND... - says the same with both, and has maps on the device
client()
{
	name=$1 way=$2
	shift 2
	"$@" >"$tmp/native" 2>&1 </dev/null
	echo "status $?" >>"$tmp/native"
	before=$(next_id)
	with_device "$way" "$@" >"$tmp/device" 2>&1 </dev/null
	echo "status $?" >>"$tmp/device"
	maps=$(($(next_id) - before - 1))
	diff "$tmp/native" "$tmp/device" >"$tmp/diff" &&
		grep -q '^status 0' "$tmp/native" && [ $maps -gt 0 ]
	same=$?
	[ $same = 0 ] || cat "$tmp/native" >>"$tmp/diff"
	result $same "$name, $way: the same as with bpf(2)" "$tmp/diff"
	row "$name" "$way" "$(lines "$tmp/native")" \
		"$([ $same = 0 ] && echo 'the same' || echo 'differs'), $maps maps"
}

# verdicts FILE - of Go's tests: PASS or FAIL, and the name
verdicts()
{
	sed -n 's/^ *--- \(PASS\|FAIL\): \([^ ]*\).*/\1 \2/p' "$1" | sort -k2
}

count()
{
	echo "$(grep -c ^PASS "$1") pass, $(grep -c ^FAIL "$1") fail"
}

# What passes with bpf(2) and needs nothing that the device has not
cilium()
{
	cd "$dir/ebpf" || return
	./ebpf.test -test.v >"$tmp/out" 2>&1
	verdicts "$tmp/out" >"$tmp/native"
	with_device bpfmap-run ./ebpf.test -test.v >"$tmp/out" 2>&1
	verdicts "$tmp/out" >"$tmp/device"
	# Those that pass with bpf(2) only, and those that the list has
	grep ^PASS "$tmp/device" | cut -d' ' -f2 >"$tmp/good"
	grep ^PASS "$tmp/native" | cut -d' ' -f2 | grep -vxFf "$tmp/good" |
		sort >"$tmp/worse"
	sed -n 's/^[a-z]* //p' "$here/clients/cilium" | sort >"$tmp/listed"
	diff "$tmp/listed" "$tmp/worse" >"$tmp/diff" && [ -s "$tmp/good" ]
	same=$?
	[ $same = 0 ] || tail -n 200 "$tmp/out" >>"$tmp/diff"
	result $same 'cilium/ebpf: passes what needs no program and no lock' "$tmp/diff"
	row "cilium/ebpf's tests (Go, static)" bpfmap-run "$(count "$tmp/native")" \
		"$(count "$tmp/device"): $(grep -c ^program "$here/clients/cilium") \
have a program, $(grep -c ^lock "$here/clients/cilium") a lock"
	cd / || return
}

# bcc compiles its text with the kernel's headers
bcc()
{
	release=$(uname -r)
	mkdir -p "/lib/modules/$release"
	ln -sfn "$dir/headers/build" "/lib/modules/$release/build"
	ln -sfn "$dir/headers/source" "/lib/modules/$release/source"
	export LD_LIBRARY_PATH="$LD_LIBRARY_PATH:$dir/lib" PYTHONPATH="$dir/pkg"
	client 'bcc, tables (Python)' preload "$dir/python/bin/python3" \
		"$here/clients/bcc_tables.py"
}

batch_file()
{
	pin=/sys/fs/bpf/batch
	cat <<END
map create $pin type hash key 4 value 4 entries 9 name batch
map update pinned $pin key 1 0 0 0 value 2 0 0 0
map lookup pinned $pin key 1 0 0 0
map dump pinned $pin
map delete pinned $pin key 1 0 0 0
map dump pinned $pin
END
}

bpftool_batch()
{
	batch_file >"$tmp/batch"
	"$dir/bpftool" batch file "$tmp/batch" 2>&1
	status=$?
	rm -f /sys/fs/bpf/batch /sys/fs/bpfmap/batch
	return "$status"
}

mount_both()
{
	grep -q ' /sys/fs/bpf bpf' /proc/mounts || mount -t bpf bpf /sys/fs/bpf
	grep -q ' /sys/fs/bpfmap bpfmapfs' /proc/mounts ||
		mount -t bpfmapfs bpfmapfs /sys/fs/bpfmap
}

mount_both
row client way 'with bpf(2)' 'with the device'
client 'a C program' preload "$dir/client"
client 'bpftool batch' preload bpftool_batch
if [ -x "$run" ]; then
	client 'a C program' bpfmap-run "$dir/client"
	client 'a C program (musl, static)' bpfmap-run "$dir/client_musl"
	client 'a C program (glibc, static)' bpfmap-run "$dir/client_static"
	cilium
else
	skip 'no bpfmap-run: static programs are out of reach'
fi
bcc
cat "$tmp/table"
finish
