#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What a look-up by bpf(2) costs in a program that bpfmap-run has patched, and the
# start of a program: for the machine that counts instructions. Prints TAP.
# Arguments: bpfmap-run, the directory of the programs.
set -u
run=$(readlink -f "$1") programs=$(readlink -f "$2")
# shellcheck source=scripts/tap.sh
. "${0%/*}/../../scripts/tap.sh"
calls=500

# look_up WAY [COMMAND...] - instructions
look_up()
{
	way=$1
	shift
	"$@" "$programs/cost" "$way" $calls 2>/dev/null
}

# at_most NAME NUMBER LIMIT
at_most()
{
	[ -n "$2" ] && [ "$2" -le "$3" ]
	result $? "$1: $2, at most $3"
}

kernel=$(look_up bpf) ioctl=$(look_up ioctl)
patched=$(look_up bpf "$run") counted=$(look_up bpf "$run" --stats)
echo "# instructions of a look-up: bpf(2) $kernel, ioctl $ioctl, patched $patched," \
	"with --stats $counted"
at_most 'a look-up, patched' "$patched" 1000
at_most 'more than the ioctl' $((patched - ioctl)) 110
# 20 ms, if an instruction takes a nanosecond
start=$("$programs/cost" start 20 "$run") plain=$("$programs/cost" start 20)
echo "# instructions of a program from its start to its end: by bpfmap-run $start, without" \
	"$plain"
at_most 'the start takes longer by' $((start - plain)) 20000000
traced=$("$run" -q "$programs/cost_apart" bpf 50)
echo "# instructions of a look-up that is traced: $traced"
finish
