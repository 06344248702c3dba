#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Static checks of the sources. Each must pass without output.
set -eu
self=check.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

# Types that checkpatch does not report, and why:
# - LINUX_VERSION_CODE, CONSTANT_COMPARISON: compat.h compares versions
# - ALLOC_WITH_SIZEOF: its kzalloc_obj() is newer than 6.1
# - CAMELCASE: C's and cmocka's own names
# - MACRO_ARG_*: heuristics that take table rows for expressions
# - FILE_PATH_CHANGES: about the kernel tree's MAINTAINERS
# - OPEN_ENDED_LINE: clang-format has no other way to break a long call
# - COMPLEX_MACRO: lists and tables are made of enumerators and initializers
# - TRAILING_SEMICOLON: the rows of the lists in include/linux have none
ignored=LINUX_VERSION_CODE,CONSTANT_COMPARISON,ALLOC_WITH_SIZEOF,CAMELCASE
ignored=$ignored,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,MACRO_ARG_UNUSED,FILE_PATH_CHANGES
ignored=$ignored,TRAILING_SEMICOLON,OPEN_ENDED_LINE,COMPLEX_MACRO
# Test tables name what they test (EMBEDDED_FUNCTION_NAME)
ignored_tests=$ignored,EMBEDDED_FUNCTION_NAME
# The kernel's macros are not there (BIT_MACRO, PREFER_DEFINED_ATTRIBUTE_MACRO),
# volatile has its uses (VOLATILE), "enum stop stop" is meant (REPEATED_WORD)
ignored_user=$ignored_tests,BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,VOLATILE,REPEATED_WORD
# Long strings stay whole so that grep finds them (LONG_LINE_STRING), TEST_MAIN is
# a whole function (MACRO_WITH_FLOW_CONTROL), tests know what differs between
# architectures (ARCH_DEFINES)
ignored_user=$ignored_user,LONG_LINE_STRING,MACRO_WITH_FLOW_CONTROL,ARCH_DEFINES

failed=0

# check NAME COMMAND... - passes with status 0 and no output
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

warnings()
{
	out=$(scripts/build.sh "$1") && ! complaints "$out/log"
}

# Sparse reports kernel headers as well; those are not ours.
sparse()
{
	out=$(scripts/build.sh "$1" C=2) || return
	! complaints "$out/log"
}

# checkpatch takes the definition of bpfmap_for_each_elem() for a loop.
checkpatch()
{
	types=$1
	shift
	find "$@" -name '*.[ch]' ! -name '*.mod.c' | sort |
		xargs "$checkpatch" --no-tree --strict --quiet --terse --no-summary \
			--show-types --ignore "$types" -f |
		grep -v '/api\.c:[0-9]*: ERROR:OPEN_BRACE' || :
}

# Interfaces document everything; internal functions may leave out the obvious.
kernel_doc()
{
	find include tools/lib -name '*.h' | sort |
		xargs "$kernel_doc" -none -Wall -Werror &&
		find drivers kunit tools/lib -name '*.[ch]' ! -name '*.mod.c' | sort |
		xargs "$kernel_doc" -none -Werror
}

# In a copy, so that everything is compiled.
user_space()
{
	cp -r include tools "$tmp/tree"
	make -s -C "$tmp/tree/tools" clean all WERROR=-Werror >"$tmp/make" 2>&1 ||
		{ cat "$tmp/make"; return 1; }
	! complaints "$tmp/make"
}

# Where numbers of user space come in: Documentation/design.rst, Speculation
speculation()
{
	while read -r file function; do
		sed -n "/^[^ \t].*\<$function(/,/^}/p" "drivers/bpfmap/$file" |
			grep -q 'array_index_nospec(' ||
			echo "$file: no array_index_nospec() in $function()"
	done <<-END
		ioctl.c find_cmd
		types.c bpfmap_type_ops
		internal.h bpfmap_cpu_possible
		internal.h bpfmap_node_online
		value.h bpfmap_one_cpu
		api.c bpfmap_lookup_percpu_elem
		array.h array_index
		array.h array_walk_index
		hash_iter.c htab_do_walk
		hash_view.c htab_view_page
		lpm_trie.c lpm_load_key
		user_ringbuf.c ring_peek
	END
}

# Files and functions of the module that are too long to be read at once
lengths()
{
	awk -v file=600 -v body=45 '
		FNR > file && !(FILENAME in seen) {
			print FILENAME ": more than " file " lines"
			seen[FILENAME]
		}
		/^[a-z_].*\(/ { name = $0 }
		/^{/ { start = FNR }
		/^}/ && start {
			if (FNR - start - 1 > body)
				print FILENAME ": " FNR - start - 1 " lines: " name
			start = 0
		}' drivers/bpfmap/*.[ch]
}

# No header includes itself by way of others, and no two parts of the module
# call each other: calls go one way, the other way is through ops. A part is a
# file, or several that share the start of their name, as hash.c and hash_iter.c.
circles()
{
	out=$(scripts/build.sh stock-6.1) || return
	grep -o '#include "[^"]*"' drivers/bpfmap/*.[ch] |
		sed 's|.*/\([^:]*\):.*"\(.*\)"|\1 \2|' | tsort >/dev/null
	objects=$(find "$out/drivers/bpfmap" -name '*.o' ! -name 'bpfmap*.o')
	# shellcheck disable=SC2086
	{ nm -A $objects; objdump -r $objects; } | awk '
		function part(path) {
			sub(/.*\//, "", path)
			sub(/\.o:.*/, "", path)
			if (path ~ /^(arena|array|batch|hash|ioctl|lpm|rhash)_/)
				sub(/_.*/, "", path)
			return path
		}
		$2 == "T" { defined[$3] = part($1) }
		/file format/ { caller = part($1) }
		/^RELOCATION/ { code = /\[\.(init\.|exit\.)?text/ }
		code && $2 ~ /^R_/ {
			sub(/[-+]0x.*/, "", $3)
			callee = defined[$3]
			if (callee != "" && callee != caller)
				print caller, callee
		}' | sort -u | tsort >/dev/null
}

# What scripts/phrases rules out, in code, documents and messages
phrases()
{
	sed '/^#/d; /^$/d' scripts/phrases >"$tmp/phrases"
	! grep -rnIEf "$tmp/phrases" --exclude=COPYING --exclude=phrases \
		--exclude-dir=.git --exclude-dir=build .
}

memory_ordering()
{
	scripts/barriers.py || return
	scripts/litmus.sh || return
	# A barrier that is missing is noticed
	mkdir -p "$tmp/fewer/drivers"
	cp -r drivers/bpfmap "$tmp/fewer/drivers"
	cp -r Documentation "$tmp/fewer"
	sed -i '/^\tsmp_rmb();/d' "$tmp/fewer/drivers/bpfmap/rhash.h"
	! scripts/barriers.py "$tmp/fewer" >"$tmp/log"
}

# Faults planted in copies of the tree
abi_checker()
{
	scripts/abi_test.py >"$tmp/log" 2>&1 || { cat "$tmp/log"; return 1; }
}

shell_scripts()
{
	find scripts tools .ci -name '*.sh' -print0 -o -path .ci/run -print0 |
		xargs -0 shellcheck -x
}

# Of one form, and without what the compiler permits and vet does not
go_package()
{
	(cd tools/go && gofmt -l . && GOPROXY=off GOCACHE=$cache/go go vet ./...)
}

exec </dev/null
cd "$top"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/tree"
scripts/setup.sh vm kernel tools check format
debug=$(scripts/kernel.sh "$(scripts/kernel.sh -l debug)")
checkpatch=$debug/build/scripts/checkpatch.pl
kernel_doc=$(find "$(scripts/kernel.sh "$(scripts/kernel.sh -l doc)")/root" \
	-name kernel-doc)

for kernel in $(scripts/kernel.sh -l build); do
	check "W=1 for $kernel" warnings "$kernel"
done
for kernel in $(scripts/kernel.sh -l sparse); do
	check "sparse for $kernel" sparse "$kernel"
done
check 'checkpatch, module' checkpatch "$ignored" drivers include
check 'checkpatch, KUnit' checkpatch "$ignored_tests" kunit
check 'checkpatch, user space' checkpatch "$ignored_user" tools scripts
check 'kernel-doc' kernel_doc
check 'numbers of user space under speculation' speculation
check 'length of files and functions of the module' lengths
check 'circles of includes and calls in the module' circles
check 'user space with -Wall -Wextra -Werror' user_space
check 'shellcheck' shell_scripts
if command -v go >/dev/null; then
	check 'gofmt and go vet' go_package
fi
check 'turns of phrase' phrases
check 'form of the module' scripts/format.sh -c
check 'barriers, their pairs and what they rule out' memory_ordering
check 'rules of the ABI and their tests' scripts/abi.py
check 'what notices a rule without a test' abi_checker
check 'faults for mutation tests' scripts/mutate.sh -c
[ "$failed" = 0 ] || die "$failed checks failed"
say 'all clean'
