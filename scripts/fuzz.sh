#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Fuzz the module in a virtual machine with KCOV, and say what that reached.
set -eu
self=fuzz.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

usage()
{
	cat <<END
usage: scripts/fuzz.sh [option...] [FILE...]

  -t TIME      how long: seconds, or with m or h (default: 10m)
  -o DIR       for the results: report, programs, the kernel's log
               (default: one under /tmp)
  -s SEED      of the random numbers (default: 1)
  -w WORKERS   processes at once (default: 3)
  -k KERNEL    another one than $name: without KCOV nothing is kept, but
               debug-7 notices more kinds of errors
  FILE         programs to begin with (default: tools/fuzz/seeds/*.txt)

If the kernel has something to report the status is 125, and DIR/last has what
each process was running: tools/fuzz/fuzz --replay runs it again.
END
}

seconds()
{
	case $1 in
	*h) echo $((${1%h} * 3600)) ;;
	*m) echo $((${1%m} * 60)) ;;
	*) echo $((${1%s})) ;;
	esac
}

# The programs that were running last, one for each process
last_programs()
{
	sed -n 's/^\[[^]]*\] fuzz \([0-9]*\)\([>:]\) /\1 \2 /p' "$1" |
		awk '$2 == ">" { n[$1] = 0 }
		{ w = $1; sub(/^[0-9]+ . /, ""); line[w, n[w]++] = $0 }
		END {
			for (w in n) {
				print "# process " w
				for (i = 0; i < n[w]; i++)
					print line[w, i]
				print ""
			}
		}'
}

time=10m out='' seed=1 workers=3 name=$("$top/scripts/kernel.sh" -l fuzz)
while getopts t:o:s:w:k:h option; do
	case $option in
	t) time=$OPTARG ;;
	o) out=$OPTARG ;;
	s) seed=$OPTARG ;;
	w) workers=$OPTARG ;;
	k) name=$OPTARG ;;
	h) usage; exit ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
time=$(seconds "$time")
cd "$top"
[ $# -gt 0 ] || set -- tools/fuzz/seeds/*.txt
[ -n "$out" ] || out=$(mktemp -d /tmp/bpfmap-fuzz-XXXXXX)
mkdir -p "$out"

scripts/setup.sh vm kernel tools
make -s -C tools fuzz
kernel=$(scripts/kernel.sh "$name")
build=$(scripts/build.sh "$name" KCFLAGS=-g BENCH_MODULE=)
cp "$build/drivers/bpfmap/bpfmap.ko" "$out/bpfmap.ko"
objcopy --strip-debug "$out/bpfmap.ko" "$out/stripped.ko"
# No places: no KCOV, or not in this kernel
tools/fuzz/report/fuzz-report --list "$out/bpfmap.ko" >"$out/places" || :
say "fuzzing for $time seconds on $(cat "$kernel/name"), $(wc -l <"$out/places") places to reach"

# At most a tenth of the time, and a minute, to see what runs later
later=$((time / 10 < 60 ? time / 10 : 60))
for file; do
	set -- "$@" -f "$file:/root/seeds/${file##*/}"
	shift
done
status=0
scripts/vm/run.sh -k "$kernel" -m "$out/stripped.ko" \
	-m "$build/bpfmap_ringtest.ko" -m "$build/bpfmap_arena_list.ko" \
	-f tools/fuzz/fuzz -f "$out/places:/root/places" "$@" -M 3072 -a hardened_usercopy=1 \
	-t $((time + time / 4 + 600)) -l "$out/console" -- \
	"tools/fuzz/fuzz --seconds $((time - later)) --later $later \
	--workers $workers --seed $seed --pcs places seeds/*" >"$out/raw" ||
	status=$?

sed -n 's/^=pc //p' "$out/raw" >"$out/reached"
sed -n 's/^=prog \{0,1\}//p' "$out/raw" >"$out/programs"
grep -v '^=' "$out/raw" >"$out/progress" || :
tail -n 20 "$out/progress"
if [ -s "$out/reached" ]; then
	tools/fuzz/report/fuzz-report "$out/bpfmap.ko" "$out/reached" \
		tools/fuzz/unreachable >"$out/report"
	sed '/^$/q' "$out/report"
fi
if [ "$status" = 125 ]; then
	last_programs "$out/console" >"$out/last"
	say "the kernel had something to report: see $out/console and $out/last"
fi
say "all of it is in $out"
exit "$status"
