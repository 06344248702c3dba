# SPDX-License-Identifier: GPL-2.0-only
#
# In the machine: programs that leave something behind. After each of them another
# one must be able to unload the module; its status is printed.
# shellcheck shell=sh
next()
{
	/init 100 sh -c 'umount /sys/fs/bpfmap && rmmod bpfmap'
	echo "$1: $?"
}

/init 100 sh -c 'setsid sleep 1000 </dev/bpfmap &'
next session
/init 100 sh -c '(setsid sh -c "sleep 1000 </dev/bpfmap &" &)'
next orphan
/init 100 sh -c 'mkdir /tmp/pins; mount -t bpfmapfs pins /tmp/pins'
next mount
/init 100 sh -c 'umount /sys/fs/bpfmap; rmmod bpfmap'
next unloaded
/init 5 sleep 1000 </dev/bpfmap
echo "late: $?"
next killed
