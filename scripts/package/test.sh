#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The Debian packages: built, checked by lintian, installed into a small Debian
# where dkms builds the module for the kernel, booted, used and purged there.
# And what "make install" leaves. Prints TAP.
set -eu
self=package
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/scripts/lib.sh"
. "$top/scripts/tap.sh"

# Packages that ours and the tutorials need; locales and documents are left out
packages=systemd,udev,kmod,dkms,libc6-dev,libelf1,libjson-c5,openssl,python3
packages=$packages,bpftool,libbpf-dev,pkg-config
excludes='/usr/share/locale/* /usr/share/doc/* /usr/share/man/* /usr/share/i18n/*'

lintian_is_content()
{
	# Maintainer scripts and all, errors and warnings
	lintian --fail-on error,warning --allow-root build/deb/bpfmap_*.changes
}

# --- make install ---

files()
{
	(cd "$dest" && find . ! -type d | sort)
}

make_install()
{
	make -s -j"$(nproc)" -C "$tmp/tree" "$@" KDIR="$kernel/build" \
		DESTDIR="$dest" PREFIX=/usr
}

installed_whole()
{
	make_install install || return
	files >"$tmp/files"
	for file in $installed; do
		grep -qx "./$file" "$tmp/files" ||
			{ echo "no $file"; return 1; }
	done
	depmod=$dest/lib/modules/$release/modules.dep
	grep '^extra/drivers/bpfmap/bpfmap.ko:' "$depmod"
}

pages_are_clean()
{
	find "$dest" -path '*/man/man*' -type f >"$tmp/pages"
	[ -s "$tmp/pages" ] || return
	while read -r page; do
		LC_ALL=C groff -mandoc -ww -z -Tutf8 "$page"
		LC_ALL=C man --warnings -l -Tutf8 "$page" >/dev/null
	done <"$tmp/pages" >"$tmp/warnings" 2>&1
	cat "$tmp/warnings"
	[ ! -s "$tmp/warnings" ]
}

uninstalled_whole()
{
	make_install uninstall || return
	files | diff "$tmp/before" -
}

make_install_tests()
{
	dest=$tmp/dest
	mkdir -p "$tmp/tree" "$dest/lib/modules/$release"
	export_tree "$tmp/tree"
	touch "$dest/lib/modules/$release/modules.order" \
		"$dest/lib/modules/$release/modules.builtin"
	/sbin/depmod -b "$dest" -a "$release" 2>"$tmp/log"
	files >"$tmp/before"
	check 'make install DESTDIR= has all of it' installed_whole
	check 'manual pages render without a warning' pages_are_clean
	check 'make uninstall leaves nothing' uninstalled_whole
}

version=$(make -s -C "$top/tools" version)
installed="lib/modules/@RELEASE@/extra/drivers/bpfmap/bpfmap.ko
	usr/include/bpfmap.h usr/include/bpfmap_libbpf.h usr/include/linux/bpfmap.h
	usr/include/bpfmap-compat/bpf/bpf.h
	usr/lib/libbpfmap.a usr/lib/libbpfmap.so usr/lib/libbpfmap.so.${version%%.*}
	usr/lib/libbpfmap.so.$version usr/lib/pkgconfig/libbpfmap.pc
	usr/lib/bpfmap/libbpfmap-preload.so usr/bin/bpfmapctl
	usr/bin/bpfmap-run usr/lib/bpfmap/bpfmap-exec
	usr/share/man/man1/bpfmapctl.1 usr/share/man/man1/bpfmap-run.1
	usr/share/bash-completion/completions/bpfmapctl
	usr/share/bash-completion/completions/bpfmap-run
	usr/lib/udev/rules.d/60-bpfmap.rules usr/lib/sysusers.d/bpfmap.conf
	usr/lib/modules-load.d/bpfmap.conf
	usr/lib/systemd/system/sys-fs-bpfmap.mount"

# --- packages ---

# The Debian with the packages in it, as a tar file for the machine. Its files
# have owners, so this takes root; nothing there can touch this machine's kernel.
make_tree()
{
	mkdir "$tmp/debs"
	find build/deb -name '*.deb' ! -name '*-dbgsym_*' \
		-exec cp {} "$tmp/debs" \; &&
	as_root unshare --mount --pid --fork --kill-child \
		setpriv --no-new-privs --inh-caps=-sys_module \
		--bounding-set=-sys_module \
		sh "$top/scripts/package/tree.sh" "$base" "$tmp/root" "$kernel" \
		"$tmp/debs" "$tmp/texts" "$tmp/tree.tar"
}

# Here: the small Debian has no Go
go_builds()
{
	build=$tmp/texts/home/run/build.sh
	grep ' go build ' "$build" >"$tmp/go.sh" &&
		(cd "${build%/*}" && sh -e "$tmp/go.sh") &&
		sed -i '/ go build /d' "$build"
}

trap 'as_root rm -rf "$tmp"' EXIT
cd "$top"
kernel=$(scripts/kernel.sh "${1:-$(scripts/kernel.sh -l stock)}")
release=$(cat "$kernel/name")
installed=$(echo "$installed" | sed "s|@RELEASE@|$release|")

echo '# program packages'
# Its checks are a part of the tests of their own.
check 'the packages build' env DEB_BUILD_OPTIONS=nocheck scripts/deb.sh
check 'lintian has nothing to say' lintian_is_content
make_install_tests
mkdir "$tmp/texts"
check 'the tutorials can be taken apart' scripts/doc_test.sh -x "$tmp/texts" \
	Documentation/libbpf-user.rst Documentation/run.rst Documentation/operator.rst
check 'the program in Go builds' go_builds
set -f
# shellcheck disable=SC2086
base=$(scripts/debian.sh "$packages" $excludes)
set +f
say 'installing the packages'
check 'the packages install, dkms builds the module' make_tree
plan
echo '# status 0'

say "booting $release with them"
echo '# program installed'
status=0
scripts/vm/run.sh -k "$kernel" -M 1536 -f "$tmp/tree.tar:/root/tree.tar" \
	-f "$tmp/texts:/root/texts" -f scripts/as_shown.awk:/root/as_shown.awk \
	-f scripts/package/guest.sh:/root/guest.sh -f scripts/tap.sh:/root/tap.sh \
	-f scripts/package/list.sh:/root/list.sh -- sh guest.sh || status=$?
echo "# status $status"
