# SPDX-License-Identifier: GPL-2.0-only
#
# In the machine: run the commands of the texts in their order, by the user and in
# the directory that /session says. Users, groups and permissions are those of a
# machine where the packages are installed.
# shellcheck shell=sh
mkdir -p /etc
echo root:x:0:0::/root:/bin/sh >/etc/passwd
echo user:x:1000:1000::/home:/bin/sh >>/etc/passwd
echo other:x:1001:1001::/home:/bin/sh >>/etc/passwd
printf '%s\n' root:x:0: user:x:1000: other:x:1001: bpfmap:x:999:user >/etc/group
chgrp bpfmap /dev/bpfmap
chmod 660 /dev/bpfmap
chmod 1777 /tmp
chown -R user /home
PATH=$PATH:/sbin:/usr/sbin
LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$(echo /usr/lib/*-linux-gnu*)
export PATH LD_LIBRARY_PATH
while read -r nr who dir _; do
	echo "@@ begin $nr"
	mkdir -p "/home/$dir"
	chown user "/home/$dir"
	cd "/home/$dir" || exit
	if [ "$who" = '#' ]; then
		sh "/commands/$nr" </dev/null >/tmp/out 2>&1
	else
		su user -s /bin/sh -c "sh /commands/$nr" </dev/null >/tmp/out 2>&1
	fi
	status=$?
	cat /tmp/out
	echo
	echo "@@ end $status"
done </session
