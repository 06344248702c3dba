#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# enter.sh ROOT CACHE COLD COMMAND - run it in the Debian that is ROOT, with the
# kernels in CACHE where they are outside, unless COLD is not empty. Run as root in
# namespaces of its own for mounts and processes.
set -eu
root=$1 cache=$2 cold=$3 command=$4

# A machine's root is a mount point, which unshare(1) relies on.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do
	: >"$root/dev/$node"
	mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/shm"
mount -t tmpfs shm "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
# The network
for file in /etc/resolv.conf /etc/hosts; do
	cat $file >"$root$file"
done
# The headers' makefiles name their place.
if [ -z "$cold" ]; then
	mkdir -p "$root$cache/kernels"
	mount --bind "$cache/kernels" "$root$cache/kernels"
	mount -o remount,bind,ro "$root$cache/kernels"
fi
exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
	XDG_CACHE_HOME="${cache%/*}" http_proxy="${http_proxy-}" \
	https_proxy="${https_proxy-}" no_proxy="${no_proxy-}" \
	chroot "$root" sh -c "$command"
