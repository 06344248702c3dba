#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Make sure that a kernel to test with is in the cache, and print its directory.
# Nothing is installed and apt's configuration is left alone.
set -eu
self=kernel.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

usage()
{
	cat <<END
usage: scripts/kernel.sh [-u] NAME
       scripts/kernel.sh -l [USE]

$(list | awk '{
		printf "  %-11s", $1
		for (i = 5; i <= NF; i++)
			printf " %s", $i
		print ""
	}')

  -u    look for a newer version even if the cache has one
  -l    print the names of kernels, those with this use in scripts/kernels

The directory printed holds vmlinuz, build/ (for KDIR=) and name (uname -r).
END
}

list()
{
	sed '/^#/d' "$top/scripts/kernels"
}

# with_use [USE] - names
with_use()
{
	list | awk -v use="${1-}" 'use == "" || "," $4 "," ~ "," use "," { print $1 }' |
		grep .
}

# find_kernel - set $from and $suites of $kernel
find_kernel()
{
	row=$(list | awk -v name="$kernel" '$1 == name { print $2, $3 }')
	from=${row% *}
	suites=$(echo "${row#* }" | sed 's/^-$//' | tr + ' ')
	[ -n "$row" ]
}

# apt_setup [SUITE...] - set $apt, the options for a private apt state that
# knows these suites
apt_setup()
{
	apt='-q -o APT::Sandbox::User='
	if [ "$foreign" ]; then
		apt_setup_foreign "$@"
		return
	fi
	if [ $# = 0 ]; then
		apt-cache policy linux-source-6.1 2>/dev/null | grep -q 500 ||
			as_root apt-get -qq update >&2
		return
	fi
	apt_state "$@"
}

# apt_setup_foreign [SUITE] - packages of $foreign, and of this machine's own by
# "NAME:amd64", from the machine's sources and the suite, which is preferred. An apt
# state in which nothing is installed.
apt_setup_foreign()
{
	state=$cache/apt/$foreign${1:+-$1}
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: >"$state/status"
	apt="$apt -o APT::Architecture=$foreign -o APT::Architectures::=$foreign \
		-o APT::Architectures::=amd64 -o Dir::State::status=$state/status \
		-o Dir::Etc::sourcelist=$state/sources.list \
		-o Dir::State::Lists=$state/lists -o Dir::Cache=$state/cache \
		-o Acquire::Check-Valid-Until=false \
		-o APT::Default-Release=${1-}"
	[ -z "$(find "$state/fresh" -mmin -720 2>/dev/null)" ] || return 0
	: >"$state/sources.list"
	[ ! -e /etc/apt/sources.list ] || cp /etc/apt/sources.list "$state/"
	[ $# = 0 ] || apt_mirror | sed "s|@SUITE@|$1|" >>"$state/sources.list"
	# shellcheck disable=SC2086
	if apt-get $apt update >"$state/log" 2>&1; then
		touch "$state/fresh"
	else
		# Those of one source may be missing: the others are enough, or
		# no package is found.
		cat "$state/log" >&2
	fi
}

# unpack PACKAGE [TAR-OPTION...] - download a package and unpack it into $tmp
unpack()
{
	pkg=$1
	shift
	say "$kernel: downloading $pkg"
	mkdir -p "$tmp/deb"
	# shellcheck disable=SC2086
	(cd "$tmp/deb" && apt-get $apt download "$pkg") >"$tmp/log" 2>&1 ||
		{ cat "$tmp/log" >&2; exit 1; }
	mkdir -p "$tmp/root"
	for deb in "$tmp"/deb/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -xC "$tmp/root" "$@"
	done
	rm -r "$tmp/deb"
}

depends()
{
	# shellcheck disable=SC2086
	apt-cache $apt depends "$1" | sed -n "s/^ *Depends: \($2\)\$/\1/p"
}

# The image and headers that the metapackage stands for. The headers'
# Makefile names an absolute path, which becomes that in the cache. Programs that
# build modules are this machine's.
get_stock()
{
	image=$(depends "$pkg" 'linux-image-.*')
	release=${image#linux-image-}
	[ -n "$release" ] || die "no $pkg package to be had"
	headers=linux-headers-$release
	unpack "$image" --wildcards './boot/*'
	unpack "$headers"
	unpack "$(depends "$headers" 'linux-headers-.*-common.*')"
	unpack "$(depends "$headers" 'linux-kbuild-.*')${foreign:+:amd64}"
	[ -e "$tmp/root/usr/src/$headers/scripts" ] ||
		die "$headers does not look as expected"
	sed -i "s|/usr/src/|$dir/root/usr/src/|" "$tmp/root/usr/src/$headers/Makefile"
	ln -s "root/usr/src/$headers" "$tmp/build"
	mv "$tmp/root/boot/vmlinuz-$release" "$tmp/vmlinuz"
	[ -z "$foreign" ] || get_sysroot
	echo "$release" >"$tmp/name"
}

# What programs for $foreign are linked with, and run with in its machine
get_sysroot()
{
	echo "$foreign" >"$tmp/arch"
	mv "$tmp/root" "$tmp/kernel"
	for each in busybox-static libc6 libgcc-s1 libatomic1 libcmocka0 \
		libcmocka-dev; do
		unpack "$each"
	done
	mv "$tmp/root" "$tmp/sysroot"
	mv "$tmp/kernel" "$tmp/root"
}

case ${1-} in
-l) with_use "${2-}"; exit ;;
-u) update=y; shift ;;
esac
[ $# = 1 ] || { usage >&2; exit 2; }
kernel=$1
find_kernel || { usage >&2; exit 2; }
foreign=
case $from in
image*)
	foreign=$(echo "$from" | cut -sd: -f2)
	flavour=$(echo "$from" | cut -sd: -f3)
	get=get_stock
	config=
	;;
*)
	get=get_source
	. "$top/scripts/vm/debug-kernel.sh"
	config=-$(config_hash)
	;;
esac

latest=$cache/kernels/$kernel$config
if [ -z "${update-}" ] && [ -e "$latest/name" ]; then
	readlink -f "$latest"
	exit
fi

# One at a time: a second run finds it done.
mkdir -p "$cache/kernels"
exec 9>"$latest.lock"
flock 9

if [ -n "${update-}" ] || [ ! -e "$latest/name" ]; then
	# shellcheck disable=SC2086
	apt_setup $suites
	case $from-$kernel in
	image*) pkg=linux-image-${flavour:-cloud-amd64} ;;
	*-7) pkg=$(newest_source 7) ;;
	*) pkg=linux-source-${kernel#*-} ;;
	esac
	# shellcheck disable=SC2086
	version=$(apt-cache $apt policy "$pkg" | sed -n 's/^ *Candidate: //p')
	[ -n "$version" ] || die "no package $pkg to be had"
	dir=$cache/kernels/$kernel-$version$config
	if [ ! -e "$dir/name" ]; then
		tmp=$dir.tmp
		rm -rf "$dir" "$tmp"
		mkdir "$tmp"
		$get
		rm -f "$tmp/log"
		mv "$tmp" "$dir"
		say "$kernel: $(cat "$dir/name") is in the cache"
	fi
	ln -sfn "${dir##*/}" "$latest"
fi
readlink -f "$latest"
