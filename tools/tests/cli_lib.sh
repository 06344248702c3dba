#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Shared by the tests of bpfmapctl, which set $ctl to it and, for json(), $pick to
# json_pick.
# shellcheck disable=SC2034,SC2154 # what only the scripts use, or set
# shellcheck source=scripts/tap.sh
. "${0%/*}/../../scripts/tap.sh"
pins=/sys/fs/bpfmap
cpus=$(cat /sys/devices/system/cpu/possible)
cpus=$((${cpus#*-} + 1))
nl='
'

mount_pins()
{
	grep -q " $pins bpfmapfs" /proc/mounts ||
		mount -t bpfmapfs bpfmapfs $pins
}

# Hundredths of a second since boot
now()
{
	read -r uptime _ </proc/uptime
	echo "${uptime%.*}${uptime#*.}"
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
	result $? "$name (status $got)" "$tmp/err"
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
	result $? "$name (status $got)" "$tmp/err"
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
	result $? "$name (status $got)" "$tmp/err"
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
