# SPDX-License-Identifier: GPL-2.0-only
# Sourced by kernel.sh: kernels built from the linux-source packages.
# shellcheck shell=sh disable=SC2154

optional=$top/scripts/vm/optional.config
fragments=
for each in $(echo "$from" | tr + ' '); do
	fragments="$fragments $top/scripts/vm/$each.config"
done
patch=
case $from in
uml)
	patch=$top/scripts/vm/uml.patch
	arch=um
	image=linux
	;;
*)
	arch=x86_64
	image=bzImage
	;;
esac

# A comment that changes is no other kernel.
config_hash()
{
	# shellcheck disable=SC2086
	sed '/^#/d; /^$/d' $fragments "$optional" $patch | sha256sum | cut -c1-8
}

# newest_source MAJOR - the package with the newest source of that series
newest_source()
{
	# shellcheck disable=SC2086
	apt-cache $apt search --names-only "^linux-source-$1\.[0-9]+\$" |
		cut -d' ' -f1 | sort -V | tail -n 1
}

# Stop unless each option is as the fragments ask: Kconfig silently drops
# options with a missing dependency.
check_config()
{
	# shellcheck disable=SC2086
	sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=n$/# \1 is not set/p; /^CONFIG_.*=[^n]/p' \
		$fragments | grep -vxFf .config >"$tmp/lost" || return 0
	# An option that this version does not even have is off.
	while read -r line; do
		case $line in
		'# '*) grep -q "^${line#\# }" .config || continue ;;
		esac
		echo "$line"
	done <"$tmp/lost" >"$tmp/missing"
	grep -q . "$tmp/missing" || return 0
	die "$kernel: these options are lost: $(tr '\n' ' ' <"$tmp/missing")"
}

# quietly COMMAND... - show the end of what it says if it fails
quietly()
{
	"$@" >"$tmp/log" 2>&1 </dev/null && return
	tail -n 40 "$tmp/log" >&2
	die "$kernel: failed: $*"
}

# Each minute, until it is killed or the script has ended. It must not keep the
# output or the lock open: others wait for them.
tell_progress()
{
	while sleep 60 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
		say "$kernel: compiled $(grep -c '^  CC ' "$tmp/log") of about 1100 files"
	done
}

# Modules can still be built against what this leaves.
prune()
{
	case $arch in
	um) cp linux "$tmp/vmlinuz" ;;
	*) cp arch/x86/boot/bzImage "$tmp/vmlinuz" ;;
	esac
	make -s ARCH=$arch kernelrelease >"$tmp/name"
	for entry in * ; do
		case $entry in
		arch|include|scripts|tools|Makefile|Module.symvers|System.map) ;;
		*) rm -rf "$entry" ;;
		esac
	done
	rm -rf tools/testing tools/perf arch/x86/boot
	find . -name '*.o' ! -path './scripts/*' -delete
	find . -name '*.a' -delete
	find . -name '.*.cmd' ! -path './scripts/*' -delete
}

# unpack_source TARBALL - leave out code for what is not here; that is most of it
unpack_source()
{
	set -- "$1" --exclude="$pkg/Documentation/*/*" --exclude="$pkg/*.dts*"
	for unused in 'arch/[!ux]*' drivers/gpu/drm drivers/infiniband drivers/media \
		drivers/net/ethernet drivers/net/wireless sound tools/testing; do
		set -- "$@" --exclude="$pkg/$unused/*.[chS]"
	done
	tar -C "$tmp/build" --strip-components=1 --anchored -xf "$@"
}

get_source()
{
	"$top/scripts/setup.sh" kernel
	unpack "$pkg" --wildcards "./usr/src/$pkg.tar.xz"
	say "$kernel: building $pkg $version (5 to 15 minutes)"
	mkdir "$tmp/build"
	unpack_source "$tmp/root/usr/src/$pkg.tar.xz"
	rm -r "$tmp/root"
	cd "$tmp/build" || exit
	[ -z "$patch" ] || quietly patch -p1 -i "$patch"
	# shellcheck disable=SC2086
	cat $fragments "$optional" >"$tmp/all.config"
	quietly make ARCH=$arch KCONFIG_ALLCONFIG="$tmp/all.config" allnoconfig
	check_config
	tell_progress >/dev/null 9>&- &
	quietly make ARCH=$arch -j"$(nproc)" $image modules
	kill $! || :
	prune
	cd "$top" || exit
	rm -f "$tmp/all.config" "$tmp/lost" "$tmp/missing"
}
