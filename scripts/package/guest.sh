# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh source-path=scripts disable=SC2016,SC2317
#
# Run by busybox in the virtual machine: boots the Debian of tree.tar with
# systemd, uses what is installed there, and purges it. Prints TAP.
. ./tap.sh
pins=/sys/fs/bpfmap

# in_tree COMMAND... - as root in the Debian. By its path, as busybox has an env
# that knows nothing but busybox.
in_tree()
{
	nsenter -t "$systemd" -m -p /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C "$@"
}

# as USER COMMAND... - with the groups of that user, and what a login has as PATH
as()
{
	user=$1
	shift
	in_tree env PATH=/usr/local/bin:/usr/bin:/bin \
		setpriv --reuid "$user" --regid "$user" --init-groups "$@"
}

# wait_for COMMAND... - up to five minutes
wait_for()
{
	for _ in $(seq 600); do
		"$@" && return
		sleep 0.5
	done
	return 1
}

alive()
{
	systemd=$(pidof systemd) && in_tree test -S /run/systemd/private
}

boot()
{
	mkdir /tree && mount -t tmpfs -o mode=755 tmpfs /tree &&
		tar -xf tree.tar -C /tree && rm tree.tar || return
	unshare -m -p -f sh -c '
		mount -t proc proc /tree/proc && mount -t sysfs sysfs /tree/sys &&
		mount -t devtmpfs devtmpfs /tree/dev && cd /tree &&
		mount --move . / && exec chroot . /usr/bin/env -i container=test \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			/lib/systemd/systemd --unit=basic.target' >/tmp/systemd 2>&1 &
	wait_for alive && return
	cat /tmp/systemd
	return 1
}

# No unit failed, and none is starting
booted()
{
	in_tree systemctl is-system-running --wait && return
	in_tree systemctl --no-pager --failed
	return 1
}

device_is()
{
	in_tree stat -c '%U:%G %a' /dev/bpfmap | grep -x "$1"
}

mounted()
{
	in_tree grep " $pins bpfmapfs " /proc/mounts
}

# tutorial NR WHO HOME - a command of a text prints what the text shows
tutorial()
{
	in_home='cd "/home/user/$1" && exec sh "/home/commands/$2"'
	{
		echo "@@ begin $1"
		case $2 in
		'#') in_tree sh -c "$in_home" - "$3" "$1" ;;
		*) as user sh -c "$in_home" - "$3" "$1" ;;
		esac </dev/null 2>&1
		echo "
@@ end $?"
	} >/tmp/got
	awk -v shown="texts/commands/$1.want" -f as_shown.awk /tmp/got
}

tutorials()
{
	while read -r nr who home where <&3; do
		check "$where: $who $(head -n 1 "texts/commands/$nr")" \
			tutorial "$nr" "$who" "$home"
	done 3<texts/session
}

# A map by bpfmapctl: made, written, read
member_works()
{
	as user bpfmapctl map create "$pins"/kept type hash key 4 value 8 \
		entries 10 name kept &&
	as user bpfmapctl map update pinned "$pins"/kept key ip 192.0.2.1 \
		value u64 7 &&
	as user bpfmapctl -j map dump pinned "$pins"/kept |
		grep -F '["0xc0","0x00","0x02","0x01"]'
}

other_is_refused()
{
	as other bpfmapctl map create "$pins"/other type hash key 4 value 8 \
		entries 10 name other >/tmp/other 2>&1 && return 1
	cat /tmp/other
	grep 'you may not open /dev/bpfmap' /tmp/other &&
		as other sh -c ': </dev/bpfmap' 2>&1 | grep 'Permission denied' &&
		! as other test -e "$pins"/other &&
		! as other /home/user/library
}

preload_works()
{
	! as user /home/user/bpf &&
		as user env LD_PRELOAD='/usr/$LIB/bpfmap/libbpfmap-preload.so' \
			/home/user/bpf
}

# The Python module, where there is one
python_works()
{
	as user python3 -c '
import bpfmap
hits = bpfmap.create("hash", key="u32", value="u64", max_entries=10, name="python")
hits[7] = 1
hits[7] += 1
assert dict(hits) == {7: 2}'
}

# Pins outlive an upgrade
upgrade()
{
	in_tree sh -c 'dpkg -i /root/debs/bpfmap-tools_*.deb' && mounted &&
		as user bpfmapctl map lookup pinned "$pins"/kept key ip 192.0.2.1
}

purge()
{
	in_tree sh -c 'dpkg --purge $(dpkg-query -W -f "\${Package}\n" "*bpfmap*")'
}

# The module stays loaded, for root, until it is removed
back_to_root()
{
	device_is 'root:root 600' && ! mounted && in_tree rmmod bpfmap &&
		! in_tree test -e /dev/bpfmap
}

nothing_left()
{
	in_tree sh /root/list.sh >/tmp/after
	in_tree cat /root/before >/tmp/before
	test -s /tmp/before && diff /tmp/before /tmp/after
}

check 'the Debian boots' boot
check 'no unit fails' booted
check 'the module is loaded, as dkms installed it' in_tree sh -c '
	grep "^bpfmap " /proc/modules && modinfo -n bpfmap | grep updates/dkms'
check 'udev gives the device to the group' \
	wait_for device_is 'root:bpfmap 660'
check 'names have their file system' wait_for mounted
tutorials
check 'bpfmapctl works for a member of the group' member_works
check 'so does a program with the library' as user /home/user/library
check 'and one of bpf(2), with the library to preload' preload_works
if in_tree test -d /usr/lib/python3/dist-packages/bpfmap; then
	check 'and one in Python' python_works
else
	skip 'no Python module'
fi
check 'others are refused' other_is_refused
check 'an upgrade keeps the names' upgrade
check 'the packages can be purged' purge
check 'the module stays, for root only, and can be removed' back_to_root
check 'nothing else is left' nothing_left
finish
