#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Build user-space programs for a kernel of another architecture, in a copy of the
# sources under the cache. Prints the directory of the copy.
set -eu
self=cross.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"
. "$top/scripts/vm/foreign.sh"

[ $# -ge 2 ] || die 'usage: scripts/cross.sh KERNEL TARGET... (of tools/Makefile)'
kernel=$1
shift
dir=$("$top/scripts/kernel.sh" "$kernel")
set_foreign "$dir"
[ "$foreign" ] || die "$kernel is of this machine's architecture"
out=$cache/build/$(printf '%s\n' "$top" "$dir" tools | sha256sum | cut -c1-12)
mkdir -p "$out"
exec 9>"$out/lock"
flock 9

cd "$top"
find include tools -type f \( -name '*.[ch]' -o -name '*.in' -o -name '*.map' \
	-o -name '*.txt' -o -name '*.sh' -o -name Makefile \) >"$out/files"
update_copy "$out"
lib=$sysroot/usr/lib/$triplet
make -s -C "$out/tools" -j"$(nproc)" CC="$cc" AR="${cross}ar" \
	CPPFLAGS="-isystem $sysroot/usr/include" \
	LDFLAGS="-L$lib -Wl,-rpath-link,$lib" "$@" >"$out/log" 2>&1 ||
	{ cat "$out/log" >&2; die "the programs do not build for $kernel"; }
echo "$out"
