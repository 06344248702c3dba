#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Boot a kernel in a virtual machine, load modules, run a command there.
set -eu
self=run.sh
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/scripts/lib.sh"
. "$top/scripts/vm/uml.sh"
. "$top/scripts/vm/foreign.sh"
. "$top/scripts/vm/reports.sh"

usage()
{
	cat <<END
usage: scripts/vm/run.sh [option...] -- COMMAND...
       scripts/vm/run.sh [option...]               for a shell

  -k DIR          kernel, as printed by scripts/kernel.sh (default: that of make vm)
  -m FILE.ko      module to load; repeatable, in order
  -f FILE[:PATH]  file or directory for the machine; repeatable. PATH defaults
                  to the same path, under /root if FILE is relative.
                  Programs and libraries get the shared libraries that they need.
  -M MIB          memory (default: 1024)
  -c CPUS         processors (default: 2)
  -t SECONDS      limit (default: 1200; none for a shell)
  -a ARGS         more kernel arguments
  -l FILE         keep the kernel's console log
  -i              one processor that counts instructions: a nanosecond of the
                  machine's clock is then one executed instruction

The command runs as root in /root, by busybox's sh. Its output goes to stdout,
its exit status is that of this script. Status 125 means that the machine went
wrong: it died, did not end in time, or its kernel had something to report.
END
}

# add FILE GUESTPATH - copy it, symbolic links followed, and what it links to
add()
{
	mkdir -p "$root$(dirname "$2")"
	cp -rL "$1" "$root$2" || exit 125
	find "$root$2" -type f \( -perm -u+x -o -name '*.so' -o -name '*.so.*' \) \
		-print >"$tmp/programs"
	while read -r program; do
		# shellcheck disable=SC2094
		add_libraries "$1${program#"$root$2"}"
	done <"$tmp/programs"
}

# Libraries go where LD_LIBRARY_PATH points to in the machine, by name and by
# word size, whatever their place is here; only the loader's path is fixed.
add_libraries()
{
	case $(head -c 5 "$1" | od -An -tx1 | tr -d ' ') in
	7f454c4601) bits=32 ;;
	7f454c4602) bits=64 ;;
	*) return 0 ;;
	esac
	if [ "$foreign" ]; then
		foreign_libraries "$1"
		return
	fi
	ldd "$1" >"$tmp/ldd" 2>/dev/null || return 0	# a static one
	mkdir -p "$root/vm/lib$bits"
	while read -r name arrow path _; do
		case $name$arrow in
		/*) path=$name to=$root$name ;;
		*'=>') to=$root/vm/lib$bits/$name ;;
		*) continue ;;
		esac
		[ -e "$path" ] || die "$1 needs $name, which is not found"
		[ -e "$to" ] || { mkdir -p "${to%/*}" && cp -L "$path" "$to"; }
	done <"$tmp/ldd"
}

accelerator()
{
	if [ -n "$icount" ]; then
		cpus=1
		echo '-accel tcg,thread=single -icount shift=0 -cpu max'
	elif grep -Eqw 'vmx|svm' /proc/cpuinfo && [ -w /dev/kvm ]; then
		echo '-accel kvm -cpu host'
	else
		# QEMU 7.2 leaves flags after cmpxchg16b that break an interrupt
		# at that point: kernels that use it in SLUB crash occasionally.
		echo '-accel tcg,thread=multi -cpu max,-cx16'
	fi
}

# Does this kernel look for data races? It finds some in itself as well, which
# are not to end the run: only what is left of its log by races.awk counts.
finds_races()
{
	[ -e "$kernel/build/include/config/KCSAN" ]
}

# User-mode Linux, or QEMU. A socket for each processor: the MP table, which is
# all that a kernel without ACPI has, lists sockets only.
boot()
{
	if is_uml; then
		boot_uml
		return
	fi
	panic=1
	! finds_races || panic=0
	kernel_args="panic=-1 oops=panic panic_on_warn=$panic loglevel=7 \
log_buf_len=1M rcupdate.rcu_cpu_stall_timeout=240 watchdog_thresh=60"
	if [ "$emulator" ]; then
		boot_foreign
		return
	fi
	accel=$(accelerator)
	[ -z "$icount" ] || cpus=1
	case $foreign$accel in
	# On a busy machine it takes its TSC for one of another frequency.
	i386*) args="tsc=unstable clocksource=hpet $args" ;;
	# The clock is then read without asking the emulator for another timer.
	*thread=multi*) args="tsc=reliable $args" ;;
	esac
	# shellcheck disable=SC2086
	$limit qemu-system-x86_64 -nodefaults -no-user-config -no-reboot \
		-display none $accel -smp "$cpus,sockets=$cpus" -m "$memory" \
		-kernel "$kernel/vmlinuz" -initrd "$tmp/initrd" \
		-append "console=ttyS0 $kernel_args $args" \
		-chardev "file,id=console,path=$tmp/console" -serial chardev:console \
		-chardev stdio,id=tty,signal=off -serial chardev:tty \
		-chardev "file,id=result,path=$tmp/result" -serial chardev:result
}

# Say what is wrong, show the console from there on, and give up.
failed()
{
	echo "run.sh: $*"
	if grep -q . "$tmp/result"; then
		sed '/^exit /d; s/^/run.sh: /' "$tmp/result"
	fi
	line=$(reported "$tmp/console" | head -n 1 | cut -d: -f1)
	echo '--- console'
	if [ -n "$line" ]; then
		[ "$line" -gt 10 ] || line=11
		tail -n +$((line - 10)) "$tmp/console" | head -n 200
	else
		tail -n 60 "$tmp/console"
	fi | tr -d '\r'
	echo '--- end of console'
	exit 125
} >&2

kernel='' modules='' files='' memory=1024 cpus=2 seconds=1200 args='' log=''
icount=
nl='
'
while getopts k:m:f:M:c:t:a:l:ih option; do
	case $option in
	k) kernel=$OPTARG ;;
	m) modules=$modules$OPTARG$nl ;;
	f) files=$files$OPTARG$nl ;;
	M) memory=$OPTARG ;;
	c) cpus=$OPTARG ;;
	t) seconds=$OPTARG ;;
	a) args=$OPTARG ;;
	l) log=$OPTARG ;;
	i) icount=y ;;
	h) usage; exit ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ -n "$kernel" ] || kernel=$("$top/scripts/kernel.sh" "$("$top/scripts/kernel.sh" -l stock)")
set_foreign "$kernel"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
root=$tmp/root
mkdir -p "$root/vm/modules" "$root/bin" "$root/root" "$root/dev" "$root/proc" \
	"$root/sys" "$root/tmp"
chmod 1777 "$root/tmp"
busybox=$sysroot/bin/busybox
[ "$sysroot" ] || busybox=$(command -v busybox)
cp "$busybox" "$root/bin/busybox"
# shellcheck disable=SC2086
$cc -std=gnu11 -O2 -Wall -static -o "$root/init" "$top/scripts/vm/init.c"

n=100
printf %s "$modules" >"$tmp/list"
while read -r file; do
	cp "$file" "$root/vm/modules/$n-${file##*/}" || exit 125
	n=$((n + 1))
done <"$tmp/list"
printf %s "$files" >"$tmp/list"
while read -r file; do
	to=${file#*:}
	file=${file%%:*}
	case $to in
	/dev/*|/proc/*|/sys/*) die "$to would be hidden by a file system" ;;
	/*) ;;
	*) to=/root/$to ;;
	esac
	add "$file" "${to%/}"
done <"$tmp/list"
if [ $# = 0 ]; then
	echo 'exec sh -i' >"$root/vm/command"
	touch "$root/vm/interactive"
	limit=
else
	printf '%s\n' "$*" >"$root/vm/command"
	limit="timeout --foreground -k 5 $seconds"
fi
(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$tmp/initrd"
rm -r "$root"
: >"$tmp/console"
: >"$tmp/result"

# The machine's own status is of no use: only what it reported counts. By way
# of cat, so that QEMU does not make our own output non-blocking.
if [ $# = 0 ]; then
	boot || true
else
	# A kernel that dies before its /init has run nothing of ours: on a busy
	# machine the first timer interrupts can come before 7.x is ready for
	# them.
	for attempt in 1 2 3; do
		rm -f "$tmp/qemu"
		{ boot </dev/null || echo "qemu: status $?" >"$tmp/qemu"; } | cat
		grep -q 'Run .* as init process' "$tmp/console" && break
		echo "run.sh: attempt $attempt ended before /init" >&2
	done
fi
[ -z "$log" ] || tr -d '\r' <"$tmp/console" >"$log"
if finds_races; then
	awk -f "$top/scripts/vm/races.awk" "$tmp/console" >"$tmp/ours"
	mv "$tmp/ours" "$tmp/console"
fi

status=$(sed -n '$s/^exit \([0-9]*\)$/\1/p' "$tmp/result")
if [ -e "$tmp/qemu" ]; then
	if grep -q ' 124$\| 137$' "$tmp/qemu"; then
		failed "not finished after $seconds seconds"
	fi
	failed "$(cat "$tmp/qemu")"
fi
[ -n "$status" ] || failed 'the machine died before the end'
[ "$(wc -l <"$tmp/result")" = 1 ] || failed 'the kernel is not as it was before'
[ -z "$(reported "$tmp/console")" ] ||
	failed 'the kernel has something to report'
exit "$status"
