#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Show what the device does, on the stock kernel in a virtual machine.
# usage: demo.sh [TEXT-FILE-OR-DIRECTORY...]
set -eu
self=demo.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

[ $# -gt 0 ] || set -- /usr/share/common-licenses
cd "$top"
scripts/setup.sh vm
stock=$(scripts/kernel.sh -l stock)
kernel=$(scripts/kernel.sh "$stock")
say "building the module for $(cat "$kernel/name")"
out=$(scripts/build.sh "$stock")
say 'building the tools'
make -s -C tools demo >&2

# Directories stand for the files in them. Links are other names of the same.
for text; do
	find "$(realpath "$text")" -type f
done | sort >"$out/texts"
[ -s "$out/texts" ] || die "no text in $*"
set -- -f tools/demo/demo
while read -r text; do
	set -- "$@" -f "$text"
done <"$out/texts"
say "booting $(cat "$kernel/name") in a virtual machine, with $(wc -l <"$out/texts") texts"
scripts/vm/run.sh -k "$kernel" -m "$out/bpfmap.ko" "$@" -- \
	tools/demo/demo "$(tr '\n' ' ' <"$out/texts")"
say 'done'
