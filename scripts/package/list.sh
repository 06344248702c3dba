#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# List the files of a system, for comparison: with type, mode, owner, size
# or target, and the content of those that installing changes in place. Left out
# is what changes by running it, and what "list.sh trim" removes: the compiler
# and others that the virtual machine need not carry.
# shellcheck disable=SC2046,SC2086 # lists of words
heavy='usr/lib/gcc usr/bin/*-linux-gnu-* usr/lib/*/perl usr/share/perl
	usr/lib/*/lib?san.so* usr/lib/*/libasan.so* usr/lib/*/libbfd*
	usr/lib/*/libopcodes* usr/lib/*/libc.a usr/lib/*/libm-*.a usr/lib/*/gconv
	usr/lib/udev/hwdb.d usr/share/zoneinfo'
cd / || exit
[ "${1-}" != trim ] || { rm -rf $heavy; exit; }
set -f
find . -xdev \( -path ./dev -o -path ./proc -o -path ./sys -o -path ./run \
	-o -path ./tmp -o -path ./var/tmp -o -path ./var/log -o -path ./var/cache \
	-o -path ./var/lib/systemd -o -path './var/lib/dpkg/[!i]*' \
	-o -path './etc/*-' -o -path ./etc/.pwd.lock -o -path ./home -o -path ./root \
	-o -path ./etc/ld.so.cache \
	$(printf -- '-o -path ./%s ' $heavy) \) -prune -o \
	\( -path './var/lib/dpkg/info/*' -printf '%p\n' \
	-o -type f -printf '%p %m %u:%g %s\n' -o -type l -printf '%p -> %l\n' \
	-o -printf '%p %y %m %u:%g\n' \) | sort
set +f
ldconfig -p | grep bpfmap
cat /etc/group /etc/gshadow /etc/passwd
cat /lib/modules/*/modules.dep /lib/modules/*/modules.alias
dpkg-query -W -f '${Package} ${Status}\n'
