#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# All tests, in virtual machines: see usage.
set -eu
self=test.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

usage()
{
	cat <<END
usage: scripts/test.sh [PART...]

  bare      set-up, and make demo, on a Debian with git, gcc and make alone
  library   checks of the library that need no kernel
  examples  the examples, on the stock kernel
  package   Debian packages, installed, used and purged; make install
  cli       bpfmapctl, and programs of bpf(2) with the library to preload
  python    the Python module, from its wheel
  user      the test programs on the stock kernel
  build     the module builds without a warning for each kernel
  kunit     the KUnit suites, on the debug kernels
  debug     most of the test programs, and those that the fuzzer has kept, on a
            debug kernel
  bench     the benchmark works, its results are right, and its ratios to
            bpf(2), in instructions, are within tools/bench/bounds
  selftest  the virtual machine notices every kind of failure
  doc       what README.md and Documentation show, as it is written
  soak      random commands to bpf(2) and to the device, for long
  kernels   build and test programs, with a million random commands, on the stock
            kernels and on a 7.x, KUnit on the debug kernels, and test programs
            on the newer of these; KUnit and test programs on a 7.x with PREEMPT_RT
  kcsan     KUnit and the test programs on a kernel that sees data races

  roundtrip a million elements of each type of map, saved and restored: a
            quarter of an hour, so not among those that run if none is named

If none is named, all but the last four, two at a time. Kernels and kcsan are for
changes to compat.h, to locks and to what is shared without one, and before a
release: they build four more kernels, and do in full what the others do in part.
Environment:
  STOCK_KERNEL   ($stock)	DEBUG_KERNELS   ($debug)
  TESTS          programs to run, instead of those that tools/Makefile lists
  ORACLE_COMMANDS, ORACLE_SEED, STRESS_SECONDS, LIFECYCLE_ROUNDS, BIG_ENTRIES, ...:
                 the amount of work of the tests of these names
  ROUNDTRIP_ELEMENTS for roundtrip (1000000)	ROUNDTRIP_TYPES: of maps (all)
  SOAK_SECONDS   for soak (3600)	SOAK_KERNEL, SOAK_SEED: the time now
END
}

# How much of each test: what make test has time for, and test-kernels; on stock
# kernels, and on those with checks, which are ten times as slow
brief="ORACLE_SEED=1 ORACLE_COMMANDS=1000000 STRESS_SECONDS=1 LIFECYCLE_ROUNDS=10
	BIG_ENTRIES=300000 LARGE_ROUNDS=40"
brief_debug="ORACLE_SEED=1 ORACLE_COMMANDS=5000 STRESS_SECONDS=2 STRESS_FREEZES=5
	LIFECYCLE_ROUNDS=2 HOTPLUG_CYCLES=1 MAPPING_ROUNDS=100 PINS=500
	RELOAD_ROUNDS=8 REMOVED_GROUPS=2 LARGE_ROUNDS=15"
full="ORACLE_SEED=1 ORACLE_COMMANDS=1000000 STRESS_SECONDS=6 LIFECYCLE_ROUNDS=40
	RELOAD_ROUNDS=1000"
full_debug="ORACLE_SEED=1 ORACLE_COMMANDS=15000 STRESS_SECONDS=3 LIFECYCLE_ROUNDS=4
	FAILNTH_ALL=1"
limit=3600
fight=20	# seconds for one small map

stock=${STOCK_KERNEL:-stock-6.1}
debug=${DEBUG_KERNELS:-debug-7}
passed=0
failed=0
skipped=0
assertions=0
lanes=

# count FILE - add the results of a TAP file
count()
{
	awk -f "$top/scripts/tap.awk" "$1" >"$tmp/count"
	sed '$d' "$tmp/count"
	read -r p f s a <<-END
		$(tail -n 1 "$tmp/count")
	END
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	assertions=$((assertions + a))
	say "$2: $p passed, $f failed, $s skipped"
}

# verdict STATUS NAME - a step that is a test by itself
verdict()
{
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
		say "ok: $2"
	else
		failed=$((failed + 1))
		say "not ok: $2"
	fi
}

# get COMMAND... - what it prints goes to $got; if it fails that is a test that did
get()
{
	got=$("$@") && return
	verdict 1 "$*"
	return 1
}

# in_guest NAME KERNEL RUN-OPTION... -- COMMAND; output is shown and in $tmp/out
in_guest()
{
	what=$1
	kernel=$2
	shift 2
	get scripts/kernel.sh "$kernel" || return 0
	dir=$got
	get scripts/build.sh "$kernel" || return 0
	say "$what: booting $(cat "$dir/name")"
	echo 255 >"$tmp/status"
	{
		scripts/vm/run.sh -k "$dir" -m "$got/bpfmap.ko" "$@" &&
			echo 0 >"$tmp/status"
	} | tee "$tmp/out"
	verdict "$(cat "$tmp/status")" "$what: the machine and its kernel are well"
}

# test_programs KERNEL [LEFT-OUT [MORE]] - LEFT-OUT is a regular expression of
# names, MORE what else the machine is to do: lines "program NAME COMMAND..."
# Each program reports how it ended, so that one that dies is not overlooked.
# init.c removes whatever another one has left.
test_programs()
{
	what="programs on $1"
	kernel=$1
	more=${3-}
	get make -s -C tools list-tests || return 0
	tests=${TESTS:-$(echo "$got" | grep -vxE "tools/tests/(${2:-none})")}
	get scripts/build.sh "$kernel" || return 0
	set -- -m "$got/bpfmap_ringtest.ko" -m "$got/bpfmap_arena_list.ko"
	for program in $tests; do
		set -- "$@" -f "$program"
	done
	[ -z "$more" ] || set -- "$@" -f tools/fuzz/fuzz -f tools/fuzz/seeds \
		-f tools/tests/stress
	# Expansions other than these are the guest's.
	: >"$tmp/out"
	in_guest "$what" "$kernel" -M 3072 -t "$limit" "$@" -- "
		program()
		{
			echo \"# program \$1\"
			shift
			began=\$(date +%s)
			/init $((limit / 4)) \"\$@\" 2>&1
			status=\$?
			echo
			echo \"# \$((\$(date +%s) - began)) seconds\"
			echo \"# status \$status\"
		}
		export $(scales)
		for each in $(echo "$tests" | tr '\n' ' '); do
			program \$each \$each
		done
		$more"
	for program in $tests $(echo "$more" | awk '$1 == "program" { print $2 }'); do
		grep -qx "# program $program" "$tmp/out" ||
			printf '# program %s\n# status 255\n' "$program" >>"$tmp/out"
	done
	count "$tmp/out" "$what"
}

# scales - how much the tests do, where the environment does not say:
# NAME=VALUE...
scales()
{
	for each in $scale; do
		eval "given=\${${each%%=*}-}"
		echo "${each%%=*}=${given:-${each#*=}}"
	done | tr '\n' ' '
}

part_bare()
{
	scripts/bare/test.sh | tee "$tmp/out" || :
	count "$tmp/out" 'a bare machine'
}

part_library()
{
	make -s -C tools check >"$tmp/out" 2>&1 || :
	count "$tmp/out" library
}

part_examples()
{
	get scripts/build.sh "$stock" || return 0
	# The expansions are the guest's.
	# shellcheck disable=SC2016
	in_guest examples "$stock" -m "$got/bpfmap_visitors.ko" \
		-m "$got/bpfmap_execs.ko" -m "$got/bpfmap_arena_list.ko" \
		-f tools/examples/raw -f tools/examples/library \
		-f tools/examples/visitors -f tools/examples/arena \
		-f tools/examples/execs -- '
		set -e
		tools/examples/raw
		tools/examples/library
		for visit in 1 2 3; do : </dev/bpfmap_visitors; done
		tools/examples/visitors
		tools/examples/visitors | grep -qx "3 busybox"
		tools/examples/arena
		tools/examples/arena | grep -qx "sum 47"
		tools/examples/execs 8
		tools/examples/execs 1000 >/tmp/execs &
		for try in $(seq 60); do
			/bin/busybox sh -c "exit 9" || :
			sleep 1
			! grep -q "busybox exits with 9" /tmp/execs || break
		done
		kill $!
		grep -q "busybox executes /bin/busybox" /tmp/execs
		grep -q "busybox exits with 9" /tmp/execs'
	worked_examples "$stock"
}

# worked_examples KERNEL - those that are more than a page, with what checks them
worked_examples()
{
	get scripts/build.sh "$1" || return 0
	in_guest "worked examples on $1" "$1" \
		-f "$got/bpfmap_sources.ko:/root/bpfmap_sources.ko" \
		-f scripts/tap.sh -f tools/tests/cli_lib.sh \
		-f tools/tests/examples.sh -f tools/cli/bpfmapctl \
		-f tools/tests/json_pick -f tools/tests/send_from \
		-f tools/tests/route_file -f tools/examples/sources \
		-f tools/examples/limiter -f tools/examples/routes -- '
		echo "# program examples"
		sh tools/tests/examples.sh tools/cli/bpfmapctl \
			tools/tests/json_pick tools/tests/send_from \
			tools/tests/route_file tools/examples \
			bpfmap_sources.ko 2>&1
		echo "# status $?"'
	count "$tmp/out" "worked examples on $1"
}

# need_python - a small Python for the machine in $tmp/python, and the module as its
# wheel has it in $tmp/python/bpfmap
need_python()
{
	[ ! -e "$tmp/python/bpfmap" ] || return 0
	cp -r tools/python "$tmp/wheel"
	/usr/bin/python3 -I tools/python/tests/tree.py "$tmp/python" ctypes doctest \
		hashlib ipaddress mmap random subprocess threading unittest >&2 &&
		(cd "$tmp/wheel" && /usr/bin/python3 -c '
from setuptools.build_meta import build_wheel
build_wheel("dist")' >log 2>&1 || { cat log >&2; false; }) &&
		/usr/bin/python3 -m zipfile -e "$tmp"/wheel/dist/*.whl "$tmp/python/bpfmap"
}

part_python()
{
	status=0
	need_python || status=$?
	verdict $status 'a wheel of the Python module'
	[ $status = 0 ] || return 0
	if command -v mypy >/dev/null; then
		(cd tools/python && mypy --cache-dir "$tmp/mypy" >&2) || status=$?
		verdict $status 'mypy finds nothing'
	fi
	get scripts/build.sh "$stock" || return 0
	# Those of the guest
	# shellcheck disable=SC2016
	in_guest python "$stock" -m "$got/bpfmap_ringtest.ko" -f "$tmp/python:/usr" \
		-f tools/python/tests -f tools/python/README.md \
		-f tools/lib/libbpfmap.so:/usr/lib/libbpfmap.so.1 -- '
		export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/lib PYTHONPATH=/usr/bpfmap
		echo "# program python"
		python3 tools/python/tests/tap.py 2>&1
		echo "# status $?"'
	count "$tmp/out" python
}

# preload_guest KERNEL-DIR MODULE - what part_cli does in a machine of its own
preload_guest()
{
	set -- -k "$1" -m "$2" -t 2400 -f "$tmp/python:/usr" \
		-f "$(gcc -print-file-name=libbpf.so.1):/usr/lib/libbpf.so.1" \
		-f "$bpftool:/root/bpftool" -f tools/preload/libbpfmap-preload.so \
		-f tools/tests/libbpf_maps.py -f tools/cli/bpfmapctl \
		-f scripts/tap.sh -f tools/tests/preload.sh -f tools/tests/contract_elem \
		-f tools/tests/contract_create -f tools/tests/contract_inner
	# The variable is the guest's.
	# shellcheck disable=SC2016
	exec scripts/vm/run.sh "$@" -- '
		export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:/usr/lib
		echo "# program preload"
		sh tools/tests/preload.sh tools/preload/libbpfmap-preload.so ./bpftool \
			tools/tests/contract_elem tools/tests/contract_create \
			tools/tests/contract_inner -- python3 /usr/lib/libbpf.so.1 \
			tools/tests/libbpf_maps.py tools/cli/bpfmapctl
		echo "# status $?"'
}

# Two machines at a time, as shells have work for one processor each. bpftool is
# taken along where the machine has it.
part_cli()
{
	get scripts/kernel.sh "$stock" || return 0
	kernel_dir=$got
	get scripts/build.sh "$stock" || return 0
	modules=$got
	preload=
	bpftool=$(PATH=$PATH:/usr/sbin command -v bpftool) && {
		need_python || { verdict 1 'a Python for the machine'; return 0; }
		preload_guest "$kernel_dir" "$modules/bpfmap.ko" >"$tmp/preload" 2>&1 &
		preload=$!
	}
	set -- -m "$modules/bpfmap_ringtest.ko" -f tools/tests/ring_write \
		-f tools/tests/bpfmapctl_static -f tools/tests/json_pick \
		-f scripts/tap.sh -f tools/tests/cli_lib.sh -f tools/tests/cli.sh \
		-f tools/tests/cli_changes.sh -f tools/tests/cli_words.sh \
		-f tools/tests/roundtrip.sh -f tools/tests/fill_map
	[ -z "$bpftool" ] || set -- "$@" -f "$bpftool:/root/bpftool"
	# The variables are the guest's.
	# shellcheck disable=SC2016
	in_guest bpfmapctl "$stock" -t 2400 "$@" -- '
		test -x bpftool && bpftool=./bpftool || bpftool=
		ctl=tools/tests/bpfmapctl_static
		echo "# program bpfmapctl"
		sh tools/tests/cli.sh $ctl tools/tests/json_pick "$bpftool" \
			tools/tests/ring_write
		echo "# status $?"
		echo "# program bpfmapctl, its words"
		sh tools/tests/cli_words.sh $ctl tools/tests/json_pick
		echo "# status $?"
		echo "# program bpfmapctl, with changes"
		sh tools/tests/cli_changes.sh $ctl tools/tests/json_pick "" \
			tools/tests/ring_write
		echo "# status $?"
		echo "# program roundtrip"
		sh tools/tests/roundtrip.sh $ctl tools/tests/fill_map 5000
		echo "# status $?"'
	count "$tmp/out" bpfmapctl
	[ "$preload" ] || return 0
	status=0
	wait "$preload" || status=$?
	preload=
	cat "$tmp/preload"
	verdict $status 'preload: the machine and its kernel are well'
	count "$tmp/preload" preload
}

part_package()
{
	scripts/package/test.sh "$stock" | tee "$tmp/out" || :
	count "$tmp/out" package
}

# The sort is this machine's, which is made for large files
part_roundtrip()
{
	in_guest "round trip on $stock" "$stock" -M 3072 -t 3600 \
		-f tools/cli/bpfmapctl -f tools/tests/fill_map \
		-f scripts/tap.sh -f tools/tests/cli_lib.sh -f tools/tests/roundtrip.sh \
		-f "$(command -v sort):/root/sort" -- "
		echo '# program roundtrip'
		sh tools/tests/roundtrip.sh tools/cli/bpfmapctl \
			tools/tests/fill_map ${ROUNDTRIP_ELEMENTS:-1000000} \
			${ROUNDTRIP_TYPES-}
		echo \"# status \$?\""
	count "$tmp/out" "round trip on $stock"
}

part_user()
{
	scale=$brief
	test_programs "$stock"
}

# Without those that take long there and do the same on the stock kernel. One
# small map more, where every element is fought for, and what the fuzzer has kept:
# what makes allocations fail is in the debug kernels only.
debug_programs()
{
	test_programs "$1" \
		'abi|abi32|big|flood|lib_shared|lpm_routes|lru_trace|many|memcg|hostile_memory' "
		program fuzz tools/fuzz/fuzz --replay tools/fuzz/seeds/*.txt
		export STRESS_KIND=HASH STRESS_SIZE=64 STRESS_SECONDS=$fight
		program fight tools/tests/stress"
}

part_debug()
{
	scale=$brief_debug
	debug_programs "${debug%% *}"
}

part_soak()
{
	kernel=${SOAK_KERNEL:-$stock}
	seconds=${SOAK_SECONDS:-3600}
	in_guest "soak on $kernel" "$kernel" -t $((seconds + seconds / 2 + 600)) \
		-f tools/tests/oracle -- "tools/tests/oracle \
			--seed ${SOAK_SEED:-$(date +%s)} --seconds $seconds 2>&1"
	count "$tmp/out" "soak on $kernel"
}

# kunit_suites KERNEL
kunit_suites()
{
	: >"$tmp/log"
	get scripts/build.sh "$1" || return 0
	in_guest "KUnit on $1" "$1" -m "$got/bpfmap_kunit.ko" -t 6000 \
		-l "$tmp/log" -- true
	sed -n '/init: loading .*kunit/,$p' "$tmp/log" >"$tmp/ktap"
	count "$tmp/ktap" "KUnit on $1"
}

part_kunit()
{
	for each in $debug; do
		kunit_suites "$each"
	done
}

part_kernels()
{
	scripts/bare/test.sh cold | tee "$tmp/out" || :
	count "$tmp/out" 'a bare machine, with an empty cache'
	scale=$full
	limit=14400
	fight=60
	debug=${DEBUG_KERNELS:-debug-6.12 debug-7}
	part_build
	for each in stock-6.1 stock-6.12 lean-7; do
		test_programs "$each"
	done
	part_kunit
	scale=$full_debug
	debug_programs "${debug##* }"
	scale=$brief_debug
	kunit_suites rt-7
	test_programs rt-7 \
		'abi|abi32|big|flood|lib_shared|lpm_routes|lru_trace|many|memcg|hostile_memory'
}

part_kcsan()
{
	scale=$full_debug
	limit=14400
	kunit_suites kcsan-7
	test_programs kcsan-7 \
		'abi|abi32|big|flood|lib_shared|lpm_routes|lru_trace|memcg|hostile_memory'
	scripts/vm/selftest.sh kcsan-7 | tee "$tmp/out" || :
	count "$tmp/out" 'selftest on kcsan-7'
}

part_build()
{
	for kernel in $stock stock-6.12 $debug; do
		get scripts/build.sh "$kernel" || continue
		warnings=0
		! complaints "$got/log" || warnings=1
		verdict $warnings "the module builds without a warning for $kernel"
	done
}

part_bench()
{
	in_guest "benchmark on $stock" "$stock" -t 2400 -f tools/bench/bpfmap-bench \
		-- 'set -o pipefail; tools/bench/bpfmap-bench --quick 2>&1 | cat'
	status=0
	scripts/bench.sh -r count -c || scripts/bench.sh -r count -c || status=$?
	verdict $status 'ratios are within their bounds'
}

part_selftest()
{
	scripts/vm/selftest.sh "$stock" "${debug%% *}" | tee "$tmp/out" || :
	count "$tmp/out" selftest
}

part_doc()
{
	scripts/doc_test.sh | tee "$tmp/out" || :
	count "$tmp/out" documentation
	status=0
	scripts/doc.sh "$tmp/doc" >"$tmp/out" 2>&1 || status=$?
	[ "$status" = 0 ] || cat "$tmp/out"
	verdict $status 'the documentation is rendered without a warning'
}

# lane NAME PART... - those that the other lane has not taken, in a session of its
# own, so that all of it can be stopped. What they print is marked as this lane's,
# their results go to $tmp/NAME. Parts joined by + have files in common.
lane()
{
	name=$1
	shift
	mkfifo "$tmp/$name.out"
	sed -u "s/^/$name: /" <"$tmp/$name.out" &
	BPFMAP_TAKEN=$tmp/taken BPFMAP_TALLY=$tmp/$name \
		setsid scripts/test.sh "$@" >"$tmp/$name.out" 2>&1 &
	lanes="$lanes $!"
}

# add_lane NAME - a lane that did not come to its end is a failure
add_lane()
{
	p=0 f=1 s=0 a=0
	[ ! -s "$tmp/$1" ] || read -r p f s a <"$tmp/$1"
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	assertions=$((assertions + a))
}

# Most tests are work for one processor, so there are two lanes, the longest parts
# first. To build the debug kernel, if it is not there, is work for all processors.
all_parts()
{
	get scripts/kernel.sh "$stock" || return 0
	get scripts/kernel.sh "${debug%% *}" || return 0
	mkdir "$tmp/taken"
	set -- debug user kunit doc+package selftest cli bench bare examples \
		build python library
	lane a "$@"
	lane b "$@"
	wait
	lanes=
	for joined; do
		[ -e "$tmp/taken/$joined" ] || verdict 1 "nobody took $joined"
	done
	add_lane a
	add_lane b
}

# parts PART... - those joined taken apart
parts()
{
	echo "$*" | tr + ' '
}

# The last line, on every way out
finish()
{
	status=$?
	[ -z "${preload-}" ] || kill "$preload" 2>/dev/null || :
	for session in $lanes; do
		kill -- "-$session" 2>/dev/null || :
	done
	rm -rf "$tmp"
	[ -n "${done-}" ] || failed=$((failed + 1))
	[ -z "${BPFMAP_TALLY-}" ] ||
		echo "$passed $failed $skipped $assertions" >"$BPFMAP_TALLY"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] || exit 1
	exit "$status"
}

for part in $(parts "$@"); do
	case $part in
	bare|library|package|examples|cli|python|user|build|kunit|debug|bench|selftest) ;;
	doc|soak|roundtrip|kernels|kcsan) ;;
	*) usage; exit 2 ;;
	esac
done
exec </dev/null
cd "$top"
tmp=$(mktemp -d)
trap finish EXIT
trap 'exit 130' INT TERM HUP
scripts/setup.sh test
make -s -C tools >"$tmp/out" 2>&1 || { cat "$tmp/out"; die 'the tools do not build'; }
if [ $# -gt 0 ]; then
	for joined; do
		[ -z "${BPFMAP_TAKEN-}" ] ||
			mkdir "$BPFMAP_TAKEN/$joined" 2>/dev/null || continue
		for part in $(parts "$joined"); do
			began=$(date +%s)
			"part_$part"
			say "part $part took $(($(date +%s) - began)) s"
		done
	done
else
	all_parts
fi
say "$assertions assertions in the test programs, $skipped cases skipped"
done=y
