#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Plot what scripts/bench.sh -o left in a directory, as SVG files next to it.
# usage: plot.sh -s    install gnuplot if it is not there
#        plot.sh DIR
# What stands in single quotes are awk's expressions.
# shellcheck disable=SC2016
set -eu
self=plot.sh
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/scripts/lib.sh"

[ $# = 1 ] || die 'usage: tools/bench/plot.sh -s | DIR'
if [ "$1" = -s ]; then
	command -v gnuplot >/dev/null && exit
	say 'installing gnuplot-nox'
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		--no-install-recommends install gnuplot-nox >/dev/null </dev/null
	exit
fi
dir=$1
script=$(dirname "$0")/plot.gp
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Columns of the files: see report_open() in report.c. Each plot gets lines of
# "label bpf bpfmap".
# pairs FILE LABEL CONDITION - awk expressions; medians of both sides by label
pairs()
{
	awk -F, '
	BEGIN { OFS = "\t" }
	FNR == 1 || $1 == "none" { next }
	'"$3"' {
		label = '"$2"'
		if (!(label in seen)) { seen[label] = 1; order[++n] = label }
		value[label, $1] = $12
	}
	END {
		for (i = 1; i <= n; i++) {
			b = value[order[i], "bpf(2)"]
			m = value[order[i], "bpfmap"]
			print order[i], b == "" ? "nan" : b, m == "" ? "nan" : m
		}
	}' "$1" >"$tmp/data"
}

# plot KIND NAME TITLE Y-LABEL - of $tmp/data, unless there is none
plot()
{
	[ -s "$tmp/data" ] || return 0
	gnuplot -e "data='$tmp/data'; out='$dir/$2.svg'; heading='$3'; what='$4'" \
		-e "kind='$1'" "$script"
	say "plotted $dir/$2.svg"
}

for file in count time; do
	[ -e "$dir/$file.csv" ] || continue
	unit=nanoseconds
	[ $file = time ] || unit=instructions
	for type in hash percpu_hash lru_hash array lpm_trie; do
		pairs "$dir/$file.csv" '$8' "\$2 == \"$type\" && \$4 == 8 && \$7 == 1"
		plot bars "$file-$type" "$type, values of 8 bytes" "$unit"
	done
done
if [ -e "$dir/threads.csv" ]; then
	for op in lookup update b.lookup b.update; do
		# The cost for each thread, as work done in a microsecond by all
		pairs "$dir/threads.csv" '$2 " " $7' "\$8 == \"$op\" && (\$12 = 1000 * \$7 / \$12)"
		plot bars "threads-$op" "$op by so many threads" 'million a second'
	done
fi
if [ -e "$dir/size.csv" ]; then
	for type in hash array lpm_trie; do
		for op in lookup update b.lookup b.update; do
			pairs "$dir/size.csv" '$5' "\$2 == \"$type\" && \$8 == \"$op\""
			plot lines "size-$type-$op" "$op, $type" nanoseconds
		done
	done
fi
for file in memory count-memory; do
	[ -e "$dir/$file.csv" ] || continue
	# The decrease of free memory is used where there is no cgroup
	pairs "$dir/$file.csv" '$2' '$8 == "charged"'
	[ -s "$tmp/data" ] || pairs "$dir/$file.csv" '$2' '$8 == "taken"'
	plot bars "$file" 'memory for an element of 8/8 bytes' bytes
done
# All sizes of map in one: the cost against it, and what two threads do
if cat "$dir"/uml-*.csv >"$tmp/uml.csv" 2>/dev/null; then
	for type in hash array; do
		for op in lookup update delete insert; do
			pairs "$tmp/uml.csv" '$5' "\$2 == \"$type\" && \$8 == \"kernel $op\""
			sort -n -o "$tmp/data" "$tmp/data"
			plot lines "uml-$type-$op" "$op inside the kernel, $type" nanoseconds
		done
		pairs "$tmp/uml.csv" 'substr($8, 8, 6) " in " $5 ", " $7' \
			"\$2 == \"$type\" && \$8 ~ /^kernel (lookup|update)(; two threads)?\$/ &&
			(\$12 = 1000 * \$7 / \$12)"
		sort -V -o "$tmp/data" "$tmp/data"
		plot bars "uml-$type-threads" "$type, inside the kernel, by one and by two threads" \
			'million a second'
	done
fi
