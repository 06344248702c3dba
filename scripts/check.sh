#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What can be said of the sources without running them. All of it is to be clean.
set -eu
self=check.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

# Not asked of these sources, and why:
# - CAMELCASE, LINUX_VERSION_CODE, FILE_PATH_CHANGES, CONFIG_DESCRIPTION: rules
#   for a tree that is the kernel's own
# - MACRO_ARG_REUSE, MACRO_ARG_PRECEDENCE: heuristics, wrong as often as right
# - AVOID_EXTERNS: its heuristic takes user-space prototypes for it
checkpatch_ignored=LINUX_VERSION_CODE,FILE_PATH_CHANGES,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE
# Rules about kernel code that user-space code cannot follow
user_ignored=$checkpatch_ignored,AVOID_EXTERNS,PREFER_KERNEL_TYPES,CONST_STRUCT,PREFER_DEFINED_ATTRIBUTE_MACRO,VOLATILE,NEW_TYPEDEFS,STRLCPY,STRCPY,STRNCPY,SSCANF_TO_KSTRTO,ENOSYS

failed=0

# check NAME COMMAND... - clean is: status 0 and not a word
check()
{
	name=$1
	shift
	if "$@" >"$tmp/out" 2>&1 && [ ! -s "$tmp/out" ]; then
		say "ok: $name"
	else
		failed=$((failed + 1))
		cat "$tmp/out"
		say "not ok: $name"
	fi
}

# Only complaints; the compiler of stock kernels differs by a patch level.
complaints()
{
	! grep -E 'warning:|error:|WARNING:|ERROR:' "$1" |
		grep -v 'the compiler differs'
}

warnings()
{
	out=$(scripts/build.sh "$1" W=1) && complaints "$out/log"
}

# Sparse has its say on kernel headers as well; those are not ours.
sparse()
{
	out=$(scripts/build.sh "$1" C=2) || return
	complaints "$out/log"
}

checkpatch()
{
	ignored=$1
	shift
	find "$@" -name '*.[ch]' ! -name '*.mod.c' | sort |
		xargs "$checkpatch" --no-tree --strict --quiet --terse --no-summary \
			--show-types --ignore "$ignored" -f
}

kernel_doc()
{
	find drivers kunit include tools/lib -name '*.[ch]' ! -name '*.mod.c' | sort |
		xargs "$kernel_doc" -none -Wall -Werror
}

# In a copy, so that everything is compiled.
user_space()
{
	cp -r include tools "$tmp/tree"
	make -s -C "$tmp/tree/tools" clean all WERROR=-Werror >"$tmp/make" 2>&1 ||
		{ cat "$tmp/make"; return 1; }
	complaints "$tmp/make"
}

shell_scripts()
{
	find scripts tools .ci -name '*.sh' -print0 -o -path .ci/run -print0 |
		xargs -0 shellcheck -x
}

exec </dev/null
cd "$top"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/tree"
scripts/setup.sh
debug=$(scripts/kernel.sh debug-7)
checkpatch=$debug/build/scripts/checkpatch.pl
kernel_doc=$(find "$(scripts/kernel.sh stock-6.12)/root" -name kernel-doc)

for kernel in stock-6.1 stock-6.12 debug-7; do
	check "W=1 for $kernel" warnings "$kernel"
done
for kernel in stock-6.1 stock-6.12; do
	check "sparse for $kernel" sparse "$kernel"
done
check 'checkpatch, kernel' checkpatch "$checkpatch_ignored" drivers include kunit
check 'checkpatch, user space' checkpatch "$user_ignored" tools scripts
check 'kernel-doc' kernel_doc
check 'user space with -Wall -Wextra -Werror' user_space
check 'shellcheck' shell_scripts
[ "$failed" = 0 ] || die "$failed checks failed"
say 'all clean'
