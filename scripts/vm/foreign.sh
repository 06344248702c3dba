# SPDX-License-Identifier: GPL-2.0-only
# Sourced by scripts for kernels of another architecture than this machine's.
# shellcheck shell=sh disable=SC2034,SC2154

# set_foreign DIR - for the kernel in this directory, set
# foreign   Debian's name of its architecture; empty: this machine's
# cross     prefix of the names of its compilers; empty: this machine's
# cc        its C compiler
# triplet   of its libraries
# karch     the kernel's name of it
# emulator  QEMU with a machine and a processor; empty: that of this machine
# console   the kernel's name of the first serial line
# sysroot   libraries to link with, and to run with in the machine
set_foreign()
{
	foreign='' cross='' cc=gcc triplet='' karch='' emulator='' console='' sysroot=''
	[ -e "$1/arch" ] || return 0
	foreign=$(cat "$1/arch")
	sysroot=$1/sysroot
	console=ttyAMA0
	case $foreign in
	arm64)
		triplet=aarch64-linux-gnu karch=arm64
		emulator='qemu-system-aarch64 -M virt -cpu neoverse-n1'
		;;
	armhf)
		triplet=arm-linux-gnueabihf karch=arm
		emulator='qemu-system-arm -M virt,highmem=off -cpu cortex-a15'
		;;
	i386)
		# The compiler's own headers, for 32 bits: see tools/Makefile
		triplet=i386-linux-gnu karch=i386
		cc="gcc -m32 -idirafter /usr/include/$(gcc -print-multiarch)"
		;;
	s390x)
		triplet=s390x-linux-gnu karch=s390
		emulator='qemu-system-s390x -M s390-ccw-virtio -cpu max'
		console=ttyS0
		;;
	*) die "unknown architecture $foreign" ;;
	esac
	if [ "$emulator" ]; then
		cross=$triplet-
		cc=${cross}gcc
	fi
	"$top/scripts/setup.sh" "$foreign"
}

# The lines of init.c: console, terminal and result. On boards with a serial line
# of their own, what is ttyS0 on a PC is not used.
foreign_lines()
{
	case $foreign in
	s390x)
		echo "-device sclplmconsole,chardev=console -device virtio-serial-ccw \
			-device virtconsole,chardev=tty \
			-device virtconsole,chardev=result"
		;;
	*)
		echo "-serial chardev:console -chardev null,id=unused \
			-device pci-serial,chardev=unused \
			-device pci-serial,chardev=tty \
			-device pci-serial,chardev=result"
		;;
	esac
}

# As boot()
boot_foreign()
{
	# shellcheck disable=SC2046,SC2086
	$limit $emulator -nodefaults -no-user-config -no-reboot -display none \
		-smp "$cpus" -m "$memory" -kernel "$kernel/vmlinuz" \
		-initrd "$tmp/initrd" -append "console=$console $kernel_args $args" \
		-chardev "file,id=console,path=$tmp/console" \
		-chardev stdio,id=tty,signal=off \
		-chardev "file,id=result,path=$tmp/result" $(foreign_lines)
}

# foreign_libraries FILE - copy the loader and all libraries that it needs, which
# ldd cannot tell
foreign_libraries()
{
	mkdir -p "$root/vm/lib64"
	loader=$("${cross}readelf" -l "$1" 2>/dev/null |
		sed -n 's/.*interpreter: \(.*\)\]/\1/p')
	[ -z "$loader" ] || [ -e "$root$loader" ] || {
		mkdir -p "$root${loader%/*}"
		cp -L "$sysroot$loader" "$root$loader"
	}
	for needed in $("${cross}readelf" -d "$1" 2>/dev/null |
		sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
		[ ! -e "$root/vm/lib64/$needed" ] || continue
		found=$(find "$sysroot" "${1%/*}" -name "$needed" | head -n 1)
		[ "$found" ] || die "$1 needs $needed, which is not found"
		cp -L "$found" "$root/vm/lib64/$needed"
		foreign_libraries "$root/vm/lib64/$needed"
	done
}
