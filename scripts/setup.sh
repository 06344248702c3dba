#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Install the packages that a task needs and this machine lacks.
set -eu
self=setup.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

usage()
{
	cat <<END
usage: scripts/setup.sh [-n] GROUP...

  -n       only print the packages that are missing, a line each
  vm       build the module for a stock kernel and boot it: make demo, make vm
  kernel   build a kernel from its source
  tools    library, bpfmapctl, test programs
  package  Debian packages, and small Debians to install them in
  python   the Python module and its tests
  go       the Go package and its tests
  clients  make clients: programs of others
  check    make check
  doc      make doc
  format   scripts/format.sh, which make check calls
  arm64, armhf, i386, s390x
           build for these and boot them
  test     vm to doc but clients, arm64 and s390x
END
}

# The packages of a group
group()
{
	case $1 in
	vm)
		# pahole: headers of 6.12 have the BTF of their kernel
		echo gcc make libc6-dev libelf1 pahole qemu-system-x86 \
			busybox-static cpio
		;;
	kernel) echo bc bison flex libelf-dev libssl-dev perl xz-utils patch ;;
	tools)
		# g++ and 32-bit programs try the headers. gcc-multilib itself
		# conflicts with every cross compiler.
		echo libjson-c-dev libcmocka-dev g++ "$(multilib)" pkg-config \
			libbpf-dev zlib1g-dev libelf-dev bpftool musl-tools
		;;
	package)
		echo build-essential debhelper dh-dkms dh-python lintian \
			mmdebstrap groff-base man-db kmod
		;;
	python) echo python3 python3-setuptools python3-wheel libbpf1 ;;
	go) echo golang-go ;;
	clients)
		echo golang-github-cilium-ebpf-dev \
			golang-github-frankban-quicktest-dev musl-tools python3-bpfcc
		;;
	check) echo sparse shellcheck perl ;;
	format) echo clang-format ;;
	doc) echo python3-sphinx groff-base openssl perl ;;
	arm64) echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-system-arm ;;
	armhf) echo gcc-arm-linux-gnueabihf libc6-dev-armhf-cross qemu-system-arm ;;
	i386) multilib ;;
	s390x) echo gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-system-misc ;;
	test)
		for each in vm kernel tools package python go check doc arm64 \
			s390x; do
			group $each
		done
		;;
	*) return 1 ;;
	esac
}

multilib()
{
	[ "$native" != amd64 ] || echo "gcc-$(gcc -dumpversion | cut -d. -f1)-multilib"
}

# is_installed PACKAGE - for this architecture, unpacked and configured. A package
# that is on hold may be installed; one that dpkg knows by name need not be.
is_installed()
{
	# The text in single quotes is dpkg-query's own.
	# shellcheck disable=SC2016
	dpkg-query -W -f '${Architecture} ${db:Status-Status} ${db:Status-Eflag}\n' \
		"$1" 2>/dev/null | grep -qx "\(all\|$native\) installed ok"
}

missing()
{
	printf '%s\n' "$@" | sort -u | while read -r package; do
		is_installed "$package" || echo "$package"
	done
}

# apt_install OPTION... - of the packages that are lacking. A new machine may be busy
# with its own upgrades.
apt_install()
{
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get \
		-o DPkg::Lock::Timeout=900 --no-install-recommends "$@" \
		install $lacking >"$log" 2>&1 </dev/null
}

# What apt-get will install: packages, and megabytes. Lists may be absent.
announce()
{
	apt_install --assume-no || :
	grep -q 'newly installed' "$log" || {
		as_root apt-get -qq update >&2
		apt_install --assume-no || :
	}
	size=$(sed -n 's/^Need to get \(.*\) of archives.*/\1/p' "$log")
	count=$(sed -n 's/.* \([0-9]*\) newly installed.*/\1/p' "$log")
	say "installing ${count:-some} packages${size:+, $size to download}:" \
		"$(echo "$lacking" | tr '\n' ' ')"
}

# Lists may be too old to be of use; what an interrupted run left unpacked is in
# the way of everything else.
repair_apt()
{
	as_root apt-get -qq update >&2
	as_root env DEBIAN_FRONTEND=noninteractive dpkg --configure -a \
		>"$log" 2>&1 </dev/null || { cat "$log" >&2; die 'dpkg failed'; }
}

only_print=
[ "${1-}" != -n ] || { only_print=y; shift; }
[ $# -gt 0 ] || { usage >&2; exit 2; }
command -v dpkg-query >/dev/null ||
	die "this is no Debian: please install what stands for $(group test)"
native=$(dpkg --print-architecture)
for name; do
	packages="${packages-} $(group "$name")" || { usage >&2; exit 2; }
done
# shellcheck disable=SC2086
lacking=$(missing $packages)
[ -n "$lacking" ] || exit 0
[ -z "$only_print" ] || { echo "$lacking"; exit; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
announce
apt_install -qq -y || { repair_apt && apt_install -qq -y; } ||
	{ cat "$log" >&2; die 'apt-get failed'; }
