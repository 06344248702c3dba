#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Install what building, testing and the demo need and this machine lacks.
set -eu
self=setup.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

# kernels and module
packages='gcc make bc bison flex kmod libelf-dev libssl-dev perl xz-utils patch'
# virtual machine
packages="$packages qemu-system-x86 busybox-static cpio libc6-dev"
# user space; g++ and 32-bit programs for the header
packages="$packages libjson-c-dev bpftool libcmocka-dev g++ gcc-multilib pkg-config"
# libbpf itself, to run on the device
packages="$packages libbpf-dev zlib1g-dev"
# Debian packages, and a Debian to install them in
packages="$packages debhelper dh-dkms dh-python lintian mmdebstrap groff-base man-db"
# the Python module, and a program that calls libbpf by ctypes
packages="$packages python3 python3-setuptools python3-wheel libbpf1"
# make check
packages="$packages sparse shellcheck"
# make doc, and what its texts show
packages="$packages python3-sphinx groff-base openssl"

missing()
{
	for package in $packages; do
		# The text in single quotes is dpkg-query's own.
		# shellcheck disable=SC2016
		case $(dpkg-query -W -f '${db:Status-Status} ' "$package" 2>/dev/null) in
		*'installed '*) ;;
		*) echo "$package" ;;
		esac
	done | tr '\n' ' '
}

command -v dpkg-query >/dev/null ||
	die "this is no Debian: please install what stands for $packages"
lacking=$(missing)
[ -n "$lacking" ] || exit 0

say "installing $lacking"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install_missing()
{
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		--no-install-recommends install $lacking >"$log" 2>&1 </dev/null
}
# Lists may be absent, or too old to be of use.
install_missing || { as_root apt-get -qq update >&2 && install_missing; } ||
	{ cat "$log" >&2; die 'apt-get failed'; }
