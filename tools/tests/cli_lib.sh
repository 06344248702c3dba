#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Shared by the tests of bpfmapctl. Sourced by scripts with the arguments
# bpfmapctl, json_pick, and if there are any, bpftool and ring_write.
# shellcheck disable=SC2034 # what only the scripts use
set -u
ctl=$1 pick=$2 bpftool=${3-} ring_write=${4-}
pins=/sys/fs/bpfmap
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0 out=''
cpus=$(cat /sys/devices/system/cpu/possible)
cpus=$((${cpus#*-} + 1))
nl='
'

# result STATUS NAME
result()
{
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n - $2"
	else
		failed=1
		echo "not ok $n - $2"
		echo "$out" | sed 's/^/# out: /' | head -n 20
		sed 's/^/# err: /' "$tmp/err" | head -n 20
	fi
}

skip()
{
	n=$((n + 1))
	echo "ok $n # SKIP $1"
}

map()
{
	"$ctl" map "$@"
}

# run COMMAND... - its output to $out, stderr to $tmp/err, its status to $got. A
# function would cost another process.
run()
{
	[ "$1" != map ] || set -- "$ctl" "$@"
	out=$("$@" 2>"$tmp/err" </dev/null)
	got=$?
}
# is NAME STATUS OUTPUT COMMAND... - both are as expected, no word on stderr
is()
{
	name=$1 status=$2 expected=$3
	shift 3
	run "$@"
	[ "$got" = "$status" ] && [ "$out" = "$expected" ] && [ ! -s "$tmp/err" ]
	result $? "$name (status $got)"
}

# fails NAME STATUS TEXT COMMAND... - nothing on stdout, TEXT in the message
fails()
{
	name=$1 status=$2 expected=$3
	shift 3
	run "$@"
	read -r said <"$tmp/err"
	case $got,$out,$said in
	"$status,,"*"$expected"*) true ;;
	*) false ;;
	esac
	result $? "$name (status $got)"
}

# json NAME STATUS VALUES POINTERS COMMAND... - valid JSON with these values
json()
{
	name=$1 status=$2 expected=$3 pointers=$4
	shift 4
	"$@" >"$tmp/json" 2>"$tmp/err" </dev/null
	got=$?
	# shellcheck disable=SC2086 # several pointers
	out=$("$pick" $pointers <"$tmp/json" 2>>"$tmp/err")
	valid=$?
	[ "$got" = "$status" ] && [ $valid = 0 ] && [ "$out" = "$expected" ] &&
		[ ! -s "$tmp/err" ]
	result $? "$name (status $got)"
}

# have TYPE CREATE-WORDS... - a map of it at $pins/t, or false where there are none
have()
{
	have_type=$1
	shift
	map create $pins/t type "$have_type" name t "$@" >"$tmp/out" 2>"$tmp/err" &&
		return
	skip "no $have_type maps here: $(head -n 1 "$tmp/err")"
	return 1
}

# elements COUNT TYPE - lines for "import"
elements()
{
	key=8 flags=0 values=0
	case $2 in
	*array) key=4 ;;
	lpm_trie|rhash) flags=1 ;;
	esac
	case $2 in
	*percpu*) values=$cpus ;;
	esac
	echo "{\"bpfmap\":1,\"type\":\"$2\",\"name\":\"t\",\"key_size\":$key,\"value_size\":8,\"max_entries\":$1,\"flags\":$flags,\"map_extra\":0,\"frozen\":0,\"cpus\":$values}"
	awk -v count="$1" -v type="$2" -v cpus="$values" 'BEGIN {
		for (i = 0; i < count; i++) {
			low = sprintf("%02x%02x%02x00", i % 256, int(i / 256) % 256,
				int(i / 65536))
			if (type ~ /array/)
				key = low
			else if (type == "lpm_trie")
				key = "20000000" low
			else
				key = low "0a0b0c0d"
			printf "{\"key\":\"%s\",", key
			if (!cpus) {
				printf "\"value\":\"%sffee%04x\"}\n", low, i % 65536
				continue
			}
			printf "\"values\":["
			for (c = 0; c < cpus; c++)
				printf "%s\"%s00%02x%04x\"", c ? "," : "", low, c,
					i % 65536
			print "]}"
		}
		printf "{\"elements\":%d}\n", count
	}'
}
