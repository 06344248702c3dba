#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Checks of libbpfmap that need no kernel module: its exported symbols,
# its headers by themselves in C and C++, and an installation. Prints TAP.
# shellcheck disable=SC2086,SC2317 # compilers of several words; check calls all
set -u
cd "$(dirname "$0")/.." || exit 1
CC=${CC:-cc} CXX=${CXX:-c++} M32=${M32:--m32}
# shellcheck source=scripts/tap.sh
. ../scripts/tap.sh

same_lists()
{
	[ -s "$1" ] && diff -u "$1" "$2"
}

# compile_headers COMPILER... - each alone in a file with the suffix $suffix
headers="bpfmap.h bpfmap_view.h bpfmap_libbpf.h bpf/bpf.h bpf/libbpf.h bpf/libbpf_common.h linux/bpfmap.h"
compile_headers()
{
	for header in $headers; do
		echo "#include <$header>" >"$tmp/header.$suffix"
		"$@" -Wall -Wextra -Werror -Ilib/compat -Ilib \
			-I../include/uapi -c -o "$tmp/header.o" \
			"$tmp/header.$suffix" || return
	done
}

# Options in C++, and the enums, which C++ does not mix
cat >"$tmp/user.cc" <<END
#include <bpf/bpf.h>
int main()
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	LIBBPF_OPTS(bpf_map_batch_opts, batch);
	__u32 count = 0;
	int map = bpf_map_create(BPF_MAP_TYPE_HASH, "c++", 4, 8, 1, &opts);

	LIBBPF_OPTS_RESET(batch, .elem_flags = BPF_ANY);
	return bpf_map_update_batch(map, nullptr, nullptr, &count, &batch) &&
	       bpfmap_create(BPFMAP_TYPE_ARRAY, nullptr, 4, 8, 1, nullptr);
}
END

nm -D --defined-only lib/libbpfmap.so | sed -n 's/.* T \([^@]*\).*/\1/p' |
	sort >"$tmp/exported"
sed -n 's/^\t\t\([a-z_]*\);$/\1/p' lib/libbpfmap.map | sort >"$tmp/script"
$CC -E -P -I../include/uapi lib/bpfmap_view.h | tr '\n' ' ' | tr ';' '\n' |
	grep 'visibility("default")' |
	sed 's/.*\<\(bpfmap_[a-z_]*\) *(.*/\1/' | sort >"$tmp/declared"
nm -g --defined-only lib/libbpfmap.a | sed -n 's/.* T //p' | sort >"$tmp/static"

check 'exported symbols are those of the version script' \
	same_lists "$tmp/script" "$tmp/exported"
check 'exported symbols are those that the headers declare' \
	same_lists "$tmp/declared" "$tmp/exported"
check 'the static library has no other global symbols' \
	same_lists "$tmp/exported" "$tmp/static"
check 'soname' sh -c 'readelf -d lib/libbpfmap.so | grep -F "[libbpfmap.so.1]"'
suffix=c
check 'headers in C11' compile_headers $CC -std=gnu11
check 'headers in C99' compile_headers $CC -std=gnu99
suffix=cc
check 'headers in C++11' compile_headers $CXX -std=gnu++11
check 'headers in C++20' compile_headers $CXX -std=gnu++20
library_32()
{
	for source in lib/*.c; do
		$CC $M32 -std=gnu11 -Wall -Wextra -Werror -I../include/uapi -c \
			-o "$tmp/lib32.o" "$source" || return
	done
}
if $CC $M32 -include sys/ioctl.h -xc -c -o "$tmp/probe" /dev/null 2>"$tmp/why"; then
	check 'the library in 32 bits' library_32
else
	skip "the library in 32 bits: $(sed -n 's/.*error: //p' "$tmp/why" |
		head -n 1)"
fi
check 'a C++ program' $CXX -std=gnu++20 -Wall -Wextra -Werror \
	-Wno-missing-field-initializers -Ilib/compat -Ilib -I../include/uapi \
	-o "$tmp/user" "$tmp/user.cc" lib/libbpfmap.a

installed()
{
	${MAKE:-make} -s install DESTDIR="$tmp/root" PREFIX=/opt/b || return
	PKG_CONFIG_LIBDIR=$tmp/root/opt/b/lib/pkgconfig
	export PKG_CONFIG_LIBDIR
	compat=$(pkg-config --variable=compatdir libbpfmap) &&
	flags=$(PKG_CONFIG_SYSROOT_DIR=$tmp/root pkg-config --cflags --libs \
		libbpfmap) || return
	$CC -Wall -Werror -o "$tmp/library" examples/library.c $flags || return
	readelf -d "$tmp/library" | grep -F 'NEEDED' | grep -F libbpfmap.so.1 ||
		return
	$CC -Wall -Werror -I"$tmp/root$compat" -o "$tmp/compat" \
		tests/libbpf_source.c $flags
}
check 'an installation, used by pkg-config' installed
without_libbpf()
{
	nm -D --undefined-only "$tmp/compat" >"$tmp/undefined" || return
	grep -q ' bpfmap_create' "$tmp/undefined" || return
	! grep -E ' (lib)?bpf_' "$tmp/undefined"
}
check 'a program written for libbpf needs nothing of libbpf' without_libbpf
# With the ordinary paths in it again
${MAKE:-make} -s lib
finish
