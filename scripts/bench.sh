#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Measure, in a virtual machine: see usage.
set -eu
self=bench.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

usage()
{
	cat <<END
usage: scripts/bench.sh [-r RIG] [-c | -w] [-o DIR] [OPTION-OF-BPFMAP-BENCH...]

  -r RIG  time   (default) nanoseconds on Debian's 6.1, two processors
          count  instructions on Debian's 6.1, one processor: exact, repeatable;
                 also inside the kernel (-k)
          uml    inside the kernel, on User-mode Linux 7.x: at the processor's
                 own speed
  -c      count: less of it, and status 1 if a ratio is above its bound in
          $bounds
  -w      count: write that file
  -o DIR  results as CSV and JSON, and plots of them, go there

Options for the program replace what is measured otherwise. Environment:
  MEMORY_ELEMENTS  in the map whose memory is measured ($elements)
  KERNEL_ELEMENTS  in the maps of uml (10k 100k 1m 10m)
  BENCH_SECONDS    limit for each machine ($seconds)
END
}

elements=${MEMORY_ELEMENTS:-1m}
seconds=${BENCH_SECONDS:-1500}
program=tools/bench/bpfmap-bench
bounds=tools/bench/bounds

# guest BENCH-OPTION... - boot with the options in $vm, run the program. Files
# come between marks, after the tables. Sets $status.
guest()
{
	status=0
	# Errors do not go to the terminal, or there would be progress in between.
	# shellcheck disable=SC2086
	scripts/vm/run.sh $vm -k "$kernel" $modules -t "$seconds" \
		-f "$program:/root/bench" -f "$bounds:/root/bounds" -- "
		./bench $* --csv=/tmp/csv --json=/tmp/json 2>/tmp/err
		status=\$?
		cat /tmp/err
		for file in csv json new-bounds; do
			[ ! -e /tmp/\$file ] || { echo \"== \$file\"; cat /tmp/\$file; }
		done
		exit \$status" || status=$?
	echo "$status" >"$tmp/status"
}

# measure NAME BENCH-OPTION... - show it, keep the files
measure()
{
	what=$1
	shift
	say "$what: booting $(cat "$kernel/name")"
	rm -f "$tmp/csv" "$tmp/json" "$tmp/new-bounds"
	guest "$@" | tr -d '\r' | awk -v dir="$tmp" '
		/^== / { file = dir "/" $2; next }
		file { print >file; next }
		{ print; fflush() }'
	read -r status <"$tmp/status"
	[ "$status" = 0 ] || failed=$status
	[ "$status" -le 1 ] || exit "$status"
	[ -z "$dir" ] || cp "$tmp/csv" "$dir/$what.csv"
	[ -z "$dir" ] || cp "$tmp/json" "$dir/$what.json"
}

rig_time()
{
	vm='-M 2560'
	if [ $# -gt 0 ]; then
		measure time "$@"
		return
	fi
	measure time
	measure threads -t hash,percpu_hash,lru_hash,array,lpm_trie -s 8/8 -j 1,2
	measure size -t hash,array,lpm_trie -s 8/8 -n 1k,10k,100k,1m,10m \
		-o update,lookup,b.update,b.lookup
	measure memory -m "$elements"
}

rig_count()
{
	vm='-i -a mitigations=off -M 2560'
	modules="$modules -m $out/bpfmap_bench.ko"
	set -- --mean -r 1 --no-warmup "$@"
	if [ -n "$write" ]; then
		measure count "$@" -t "$counted" -n 5000 --bounds=/tmp/new-bounds
		cp "$tmp/new-bounds" "$bounds"
	elif [ -n "$check" ]; then
		measure count "$@" -t "$counted" -n 5000 --check=bounds
	elif [ $# -gt 4 ]; then
		measure count "$@"
	else
		measure count "$@" -t "$counted"
		measure count-kernel "$@" -k 20k
		measure count-memory "$@" -m "$elements"
	fi
}

rig_uml()
{
	vm="-M 3072"
	modules="$modules -m $out/bpfmap_bench.ko"
	for each in ${KERNEL_ELEMENTS:-10k 100k 1m 10m}; do
		measure "uml-$each" -k "$each" "$@"
	done
}

rig=time check='' write='' dir=''
while getopts r:cwo:h option; do
	case $option in
	r) rig=$OPTARG ;;
	c) check=y ;;
	w) write=y ;;
	o) dir=$OPTARG ;;
	h) usage; exit ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
case $rig in
time|count) name=$("$top/scripts/kernel.sh" -l stock) ;;
uml) name=$("$top/scripts/kernel.sh" -l uml) ;;
*) usage >&2; exit 2 ;;
esac

cd "$top"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP
failed=0
scripts/setup.sh vm tools
[ -z "$dir" ] || { mkdir -p "$dir" && tools/bench/plot.sh -s; }
kernel=$(scripts/kernel.sh "$name")
out=$(scripts/build.sh "$name")
modules="-m $out/bpfmap.ko"
make -s -C tools bench >&2
# Without maps of maps: instructions do not measure waits for grace periods
counted=$("$program" --list |
	awk '!NF { exit } !/of_maps/ { printf "%s%s", comma, $1; comma = "," }')
case $rig in
time) rig_time "$@" ;;
count) rig_count "$@" ;;
uml) rig_uml "$@" ;;
esac
[ -z "$dir" ] || tools/bench/plot.sh "$dir"
exit "$failed"
