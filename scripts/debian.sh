#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Make sure that a small Debian is in the cache, and print its tar file.
# usage: debian.sh PACKAGE,... [PATH-TO-LEAVE-OUT...]
set -eu
self=debian.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

[ $# -gt 0 ] || die 'usage: debian.sh PACKAGE,... [PATH-TO-LEAVE-OUT...]'
suite=bookworm
packages=$1
shift
tree=$cache/trees/$suite-$(echo "$packages $*" | sha256sum | cut -c1-8).tar
mkdir -p "$cache/trees"
exec 9>"$cache/trees/lock"
flock 9
if [ ! -e "$tree" ]; then
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	say "making a Debian $suite with $packages"
	mirror=$(apt_mirror | sed "s|@SUITE@|$suite|")
	[ -n "$mirror" ] || die 'apt knows no Debian mirror'
	apt-config dump Acquire::http >"$tmp/apt.conf"
	for path; do
		set -- "$@" --dpkgopt="path-exclude=$path"
		shift
	done
	# What is installed there later is to be whole; the text in single quotes
	# is for the hook.
	# shellcheck disable=SC2016
	as_root mmdebstrap --quiet --mode=root --format=tar --variant=minbase \
		--include="$packages" --aptopt="$tmp/apt.conf" "$@" \
		--customize-hook='rm -f "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap' \
		"$suite" "$tree.new" "$mirror" >"$tmp/log" 2>&1 ||
		{ cat "$tmp/log" >&2; die 'no Debian could be made'; }
	as_root mv "$tree.new" "$tree"
	say "$suite is in the cache, $(du -h "$tree" | cut -f1)"
fi
echo "$tree"
