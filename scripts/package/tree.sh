#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# tree.sh BASE ROOT KERNEL DEBS TEXTS OUT - unpack BASE as ROOT, install the
# packages of DEBS there by dpkg, with dkms building for KERNEL (of
# scripts/kernel.sh), build what TEXTS (of doc_test.sh -x) have, and pack it for
# the virtual machine. Run as root in a mount namespace.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
base=$1 root=$2 kernel=$3 debs=$4 texts=$5 out=$6
release=$(cat "$kernel/name")

in_tree()
{
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

mkdir "$root"
tar -C "$root" -xpf "$base"
mount -t proc proc "$root/proc"
# The headers, at the place that their makefiles name
mkdir -p "$root$kernel" "$root/lib/modules/$release"
mount --bind -o ro "$kernel" "$root$kernel"
ln -s "$kernel/build" "$root/lib/modules/$release/build"
touch "$root/lib/modules/$release/modules.order" \
	"$root/lib/modules/$release/modules.builtin"
in_tree depmod "$release"

# The first boot is not under test. dkms makes its key when it first needs one.
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
touch "$root/etc/.updated" "$root/var/.updated"
in_tree openssl req -new -x509 -nodes -days 36500 -newkey rsa:2048 \
	-subj '/CN=DKMS module signing key' -keyout /var/lib/dkms/mok.key \
	-outform DER -out /var/lib/dkms/mok.pub
in_tree useradd -m user
in_tree useradd -m other
cp "$here/list.sh" "$root/root/list.sh"
in_tree sh /root/list.sh >"$root/root/before"

cp -r "$debs" "$root/root/debs"
in_tree sh -c 'dpkg -i /root/debs/*.deb'
in_tree usermod -aG bpfmap user
module=/lib/modules/$release/updates/dkms/bpfmap.ko
in_tree modinfo -F signer "$module" | grep -x 'DKMS module signing key'
grep '^updates/dkms/bpfmap.ko:' "$root/lib/modules/$release/modules.dep"

# A program that uses libbpfmap-dev, and one that only knows bpf(2)
cp "$here/../../tools/examples/library.c" "$root/home/user"
cat >"$root/home/user/bpf.c" <<END
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
	};

	return syscall(__NR_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0;
}
END
in_tree cc -Wall -Werror -o /home/user/library /home/user/library.c -lbpfmap
in_tree cc -Wall -Werror -o /home/user/bpf /home/user/bpf.c
chmod 755 "$root/home/user"

# Programs that the texts tell their reader to compile
cp -r "$texts/commands" "$root/home"
cp -r "$texts/home/." "$root/home/user"
in_tree chown -R user /home/user
# The variables are of the shell there.
# shellcheck disable=SC2016
in_tree setpriv --reuid user --regid user --clear-groups sh -ec '
	for build in /home/user/*/build.sh; do
		cd "${build%/*}"
		sh -e build.sh
	done'

umount "$root$kernel" "$root/proc"
touch "$root/etc/.updated" "$root/var/.updated"
in_tree sh /root/list.sh trim
tar -C "$root" -cf "$out" --exclude=./dev/* .
chmod 644 "$out"
