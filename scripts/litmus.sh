#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Is what the litmus tests rule out impossible in the kernel's memory model, and
# possible with each of the faults in scripts/litmus/faults? Prints nothing if so.
#
# herd7 is in Debian's newest suite only, and needs a newer C library than this
# machine may have: both are unpacked in the cache. The model is in the sources that
# the debug kernel was built from.
set -eu
self=litmus.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

# Unpack herd7 and its libraries to $herd
get_herd()
{
	apt='-q -o APT::Sandbox::User='
	apt_state sid
	rm -rf "$herd.tmp"
	mkdir -p "$herd.tmp"
	# shellcheck disable=SC2086
	(cd "$herd.tmp" && apt-get $apt download herdtools7 libc6 libgmp10) \
		>"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; die 'no herd7 to be had'; }
	for deb in "$herd.tmp"/*.deb; do
		dpkg-deb -x "$deb" "$herd.tmp"
		rm "$deb"
	done
	mv "$herd.tmp" "$herd"
}

# may_happen FILE - the word of herd7: Never, Sometimes or Always
may_happen()
{
	(cd "$model" && "$herd/usr/lib64/ld-linux-x86-64.so.2" --library-path \
		"$herd/usr/lib/x86_64-linux-gnu" "$herd/usr/bin/herd7" \
		-set-libdir "$herd/usr/share/herdtools7/herd" \
		-conf linux-kernel.cfg "$1") 2>&1 |
		tee "$tmp/herd" | sed -n 's/^Observation [^ ]* \([^ ]*\) .*/\1/p'
}

# expect WORD FILE WHAT
expect()
{
	word=$(may_happen "$2")
	[ "$word" = "$1" ] || { echo "$3: ${word:-$(tail -n 3 "$tmp/herd")}, not $1"; failed=1; }
}

[ "$(uname -m)" = x86_64 ] || { say 'herd7 is unpacked for x86-64 only'; exit; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
herd=$cache/herd
mkdir -p "$cache"
exec 9>"$herd.lock"
flock 9
[ -e "$herd" ] || get_herd
model=$("$top/scripts/kernel.sh" "$("$top/scripts/kernel.sh" -l debug)")
model=$model/build/tools/memory-model
failed=0
for file in "$top"/scripts/litmus/*.litmus; do
	name=${file##*/}
	expect Never "$file" "$name"
	sed -n "s/^${name%.litmus}	//p" "$top/scripts/litmus/faults" >"$tmp/faults"
	[ -s "$tmp/faults" ] || { echo "$name has no fault"; failed=1; }
	while read -r fault; do
		sed "$fault" "$file" >"$tmp/planted.litmus"
		expect Sometimes "$tmp/planted.litmus" "$name with $fault"
	done <"$tmp/faults"
done
exit "$failed"
