# SPDX-License-Identifier: GPL-2.0-only
# Sourced by scripts for kernels of another architecture than this machine's.
# shellcheck shell=sh disable=SC2034,SC2154

# set_foreign DIR - for the kernel in this directory, set
# foreign  Debian's name of its architecture; empty: this machine's
# cross    prefix of the names of its compilers
# karch    the kernel's name of it
# sysroot  libraries to link with, and to run with in the machine
set_foreign()
{
	foreign='' cross='' karch='' sysroot=''
	[ -e "$1/arch" ] || return 0
	foreign=$(cat "$1/arch")
	sysroot=$1/sysroot
	case $foreign in
	arm64)
		cross=aarch64-linux-gnu-
		karch=arm64
		;;
	*) die "unknown architecture $foreign" ;;
	esac
	"$top/scripts/setup.sh" "$foreign"
}

# boot_foreign - as boot(). The first of the serial lines is not used: what is
# ttyS0 on a PC is the board's own here, which the kernel needs from the start.
boot_foreign()
{
	case $foreign in
	arm64) set -- qemu-system-aarch64 -M virt -cpu neoverse-n1 ;;
	esac
	# shellcheck disable=SC2086
	$limit "$@" -nodefaults -no-user-config -no-reboot -display none \
		-smp "$cpus" -m "$memory" -kernel "$kernel/vmlinuz" \
		-initrd "$tmp/initrd" \
		-append "console=ttyAMA0 $kernel_args $args" \
		-chardev "file,id=console,path=$tmp/console" -serial chardev:console \
		-chardev null,id=unused -device pci-serial,chardev=unused \
		-chardev stdio,id=tty,signal=off -device pci-serial,chardev=tty \
		-chardev "file,id=result,path=$tmp/result" \
		-device pci-serial,chardev=result
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
