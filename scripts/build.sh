#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the modules for a kernel of scripts/kernel.sh, in a copy of the sources
# under the cache, so that no two kernels mix their objects. Prints the
# directory with bpfmap.ko, the modules of examples, tests and benchmark, and
# bpfmap_kunit.ko if that kernel has KUnit.
# The compiler's output is in its file "log", with the warnings of W=1.
set -eu
self=build.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"
. "$top/scripts/vm/foreign.sh"

[ $# -ge 1 ] || die 'usage: scripts/build.sh KERNEL [MAKE-ARGUMENT...]'
kernel=$1
shift
dir=$("$top/scripts/kernel.sh" "$kernel")
# One directory for each source tree, kernel and way to build
out=$cache/build/$(printf '%s\n' "$top" "$dir" "$@" | sha256sum | cut -c1-12)
mkdir -p "$out"
exec 9>"$out/lock"
flock 9

cd "$top"
find Kbuild drivers include kunit tools/examples/module tools/tests/module \
	tools/bench/module \
	! -name '*.mod.c' \( -name '*.[ch]' -o -name Kbuild \) >"$out/files"
update_copy "$out"

# Build all again after warnings, else the new log would lack them.
if [ -e "$out/log" ] && complaints "$out/log" >/dev/null; then
	find "$out" -name '*.o' -delete
fi

set_foreign "$dir"
case $kernel in uml-*) karch=um ;; esac
[ -z "$karch" ] || set -- "ARCH=$karch" "CROSS_COMPILE=$cross" "$@"
if ! make -C "$dir/build" -j"$(nproc)" M="$out" EXAMPLES=y \
	BENCH_MODULE=y W=1 "$@" modules >"$out/log.new" 2>&1; then
	mv "$out/log.new" "$out/log"
	cat "$out/log" >&2
	die "the module does not build for $kernel"
fi
# Complete at any time: another build may read it meanwhile
mv "$out/log.new" "$out/log"
for module in drivers/bpfmap/bpfmap.ko kunit/bpfmap_kunit.ko \
	tools/examples/module/bpfmap_visitors.ko \
	tools/examples/module/bpfmap_arena_list.ko \
	tools/examples/module/bpfmap_execs.ko \
	tools/examples/module/bpfmap_sources.ko \
	tools/tests/module/bpfmap_ringtest.ko \
	tools/bench/module/bpfmap_bench.ko; do
	[ ! -e "$out/$module" ] || ln -sf "$module" "$out"
done
echo "$out"
