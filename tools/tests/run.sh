#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# bpfmap-run, with the programs of tests/run. Prints TAP. Arguments: bpfmap-run, the
# directory with the programs, the number of calls for each that checks registers.
# shellcheck disable=SC2317 # functions that check() calls
set -u
run=$(readlink -f "$1") programs=$(readlink -f "$2") calls=$3
# shellcheck source=scripts/tap.sh
. "${0%/*}/../../scripts/tap.sh"

# as_user COMMAND... - may open the device, and has no capability
as_user()
{
	"$programs/confine" user "$@"
}

# tap NAME COMMAND... - a program that prints TAP is one test
tap()
{
	tap_what=$1
	shift
	"$@" >"$tmp/tap" 2>&1
	tap_ended=$?
	grep -q '^1\.\.' "$tmp/tap" || tap_ended=1
	! grep -q '^not ok' "$tmp/tap" || tap_ended=1
	result $tap_ended "$tap_what: $(grep -c '^ok' "$tmp/tap") checks" "$tmp/tap"
}

# says NAME STATUS TEXT COMMAND... - it ends with the status and a sentence
says()
{
	says_name=$1 says_status=$2 says_text=$3
	shift 3
	"$@" >"$tmp/said" 2>&1
	says_is=$?
	[ $says_is = "$says_status" ] && grep -q "$says_text" "$tmp/said"
	says_result=$?
	[ $says_result = 0 ] || echo "status $says_is" >>"$tmp/said"
	result $says_result "$says_name: $(sed -n 's/^bpfmap-run: //p' "$tmp/said" | head -n 1)" \
		"$tmp/said"
}

each_program()
{
	for each in static static_pie musl musl_dynamic dynamic; do
		if [ -x "$programs/registers_$each" ]; then
			tap "registers, $each" "$run" "$programs/registers_$each" "$1"
		else
			skip "no registers_$each here"
		fi
	done
}

go_programs()
{
	for each in maps maps_stripped maps_pie; do
		if [ -x "$programs/$each" ]; then
			tap "Go, $each" "$run" "$programs/$each" basic
		else
			skip "no $each here"
		fi
	done
	[ ! -x "$programs/maps" ] ||
		tap 'Go, threads with garbage collection and a profiler' \
			"$run" "$programs/maps" stress "$1"
}

exec_programs()
{
	child=$programs/inline_near
	for each in dynamic static musl musl_dynamic; do
		[ ! -x "$programs/execs_$each" ] ||
			tap "execs, $each" "$run" "$programs/execs_$each" "$child" child
	done
	check 'a shell executes it' "$run" sh -c "'$child' child && true"
	! "$run" -F sh -c "'$child' child && true" >"$tmp/log"
	result $? 'not with --no-follow' "$tmp/log"
}

# wait_for COMMAND... - up to a minute
wait_for()
{
	for _ in $(seq 60); do
		"$@" && return
		sleep 1
	done
	return 1
}

gone()
{
	! pidof bpfmap-run bpfmap-exec
}

# The process is the program's: id, status, signal, group of descriptors
same_process()
{
	"$run" sh -c 'exit 7'
	[ $? = 7 ] || return
	"$run" "$programs/registers_static" 2>&1 | tail -n 1 | grep -q '^1\.\.' || return
	# The variables are the other shell's
	# shellcheck disable=SC2016
	"$run" sh -c 'echo $$ >"$0"; exec sleep 100' "$tmp/pid" &
	wait_for test -s "$tmp/pid" && [ "$(cat "$tmp/pid")" = $! ] || return
	kill -TERM $!
	wait $!
	[ $? = 143 ]
}

# No helper and no tracer remain
nothing_remains()
{
	"$run" "$programs/inline_near" >"$tmp/out" 2>&1
	wait_for gone
}

statistics()
{
	"$run" -s "$programs/registers_static" 1600 >"$tmp/out" 2>"$tmp/err" || return
	cat "$tmp/err"
	# 50 updates by each of 16 threads, and 3 maps in it and its children
	awk '$1 == "MAP_UPDATE_ELEM" && $2 == 800 && $3 == 0 { found++ }
		$1 == "MAP_CREATE" && $2 == 4 && $3 == 1 { found++ }
		END { exit found != 2 }' "$tmp/err"
}

preload_statistics()
{
	"$run" -s "$programs/registers_dynamic" 1600 >"$tmp/out" 2>"$tmp/err" || return
	cat "$tmp/err"
	awk '$1 == "MAP_UPDATE_ELEM" && $2 == 800 { found++ } END { exit !found }' "$tmp/err"
}

check_option()
{
	for each in static:glibc musl:musl; do
		"$run" --check "$programs/registers_${each%:*}" >"$tmp/option" || return
		cat "$tmp/option"
		grep -q "^calls .*${each#*:}, at 0x" "$tmp/option" || return
		grep -q '^way  *patched when it starts$' "$tmp/option" || return
	done
	"$run" --check "$programs/registers_dynamic" | grep 'way .*libbpfmap-preload.so'
}

sentences()
{
	says 'not found' 127 'not found' "$run" nothing-of-this-name
	cp "$programs/registers_static" "$tmp/setuid" && chown 1 "$tmp/setuid" &&
		chmod 4755 "$tmp/setuid"
	says 'setuid' 126 'other privileges' "$run" "$tmp/setuid"
	printf '\177ELF\001\001\001' >"$tmp/small"
	head -c 200 /dev/zero >>"$tmp/small"
	chmod +x "$tmp/small"
	says '32 bits' 126 '32-bit program' "$run" "$tmp/small"
	says 'no program' 126 'not a program' "$run" /proc/version
	says 'traced' 126 'traced already, by process' \
		"$programs/confine" traced "$run" "$programs/registers_static"
	says 'no ptrace' 126 'ptrace(2) is not permitted' \
		"$programs/confine" ptrace "$run" "$programs/registers_static"
	says 'no place' 0 'no known place' "$run" "$programs/inline_apart"
	chmod 600 /dev/bpfmap
	says 'no permission' 125 'no permission' as_user "$run" "$programs/registers_static"
	chmod 666 /dev/bpfmap
	mv /dev/bpfmap /dev/elsewhere
	says 'no device' 125 'modprobe bpfmap' "$run" "$programs/registers_static"
	mv /dev/elsewhere /dev/bpfmap
}

# Where bpf(2) is closed
confined()
{
	export BPF_IS_DENIED=1
	sysctl -qw kernel.unprivileged_bpf_disabled=2
	echo 1 >/proc/sys/kernel/yama/ptrace_scope
	chmod 666 /dev/bpfmap
	chmod 777 /sys/fs/bpfmap
	tap 'a user without capabilities, Yama' as_user "$run" "$programs/registers_static" 800
	tap 'a filter that denies bpf(2)' as_user "$programs/confine" bpf "$run" \
		"$programs/registers_static_pie" 800
	tap 'an instruction of its own, with that filter' as_user "$programs/confine" bpf \
		"$run" "$programs/inline_near"
	[ ! -x "$programs/maps" ] ||
		tap 'Go with that filter' as_user "$programs/confine" bpf "$run" \
			"$programs/maps" basic
	echo 2 >/proc/sys/kernel/yama/ptrace_scope
	says 'Yama forbids it' 126 'ptrace(2) is not permitted' \
		as_user "$run" "$programs/registers_static"
	tap 'a dynamic program needs none' as_user "$run" "$programs/libc_only" 800
	echo 1 >/proc/sys/kernel/yama/ptrace_scope
	unset BPF_IS_DENIED
}

grep -q ' /sys/fs/bpf bpf' /proc/mounts || mount -t bpf bpf /sys/fs/bpf
grep -q ' /sys/fs/bpfmap bpfmapfs' /proc/mounts ||
	mount -t bpfmapfs bpfmapfs /sys/fs/bpfmap
each_program "$calls"
go_programs "$calls"
exec_programs
tap 'an instruction of its own' "$run" "$programs/inline_near"
tap 'one that is traced' "$run" "$programs/inline_apart"
check 'the process is the program' same_process
check 'nothing of us remains' nothing_remains
check 'statistics' statistics
check 'statistics of a dynamic program' preload_statistics
check '--check' check_option
sentences
confined
finish
