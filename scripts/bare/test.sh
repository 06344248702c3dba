#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A machine with nothing but git, gcc and make: does set-up find what is missing,
# and does a clone of this tree come to the end of "make demo" there? Prints TAP.
# usage: test.sh [cold [test]], without the kernels that are in the cache; with
# "make test" instead, which says on the standard error how far it is
set -eu
self=bare
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/scripts/lib.sh"
. "$top/scripts/tap.sh"

# --- states of a package, by a dpkg-query that says so ---

# lacks STATE... - is libelf1 missing where dpkg says STATE of it, and all else is well?
lacks()
{
	printf '%s\n' "$@" >"$tmp/state"
	PATH=$tmp/bin:$PATH scripts/setup.sh -n vm >"$tmp/missing" 2>&1 || return
	[ "$(cat "$tmp/missing")" = libelf1 ]
}

has()
{
	! lacks "$@" && [ ! -s "$tmp/missing" ]
}

package_states()
{
	mkdir "$tmp/bin"
	cat >"$tmp/bin/dpkg-query" <<-END
		#!/bin/sh
		for package; do :; done
		[ "\$package" = libelf1 ] || { echo "$native installed ok"; exit; }
		grep . "$tmp/state"
	END
	chmod +x "$tmp/bin/dpkg-query"

	check 'a package that dpkg knows nothing of is missing' lacks ''
	for state in not-installed config-files half-installed unpacked \
		half-configured triggers-awaited triggers-pending; do
		check "one that is $state is missing" lacks "$native $state ok"
	done
	check 'one that must be reinstalled is missing' \
		lacks "$native installed reinstreq"
	check 'one of another architecture is missing' lacks 'armel installed ok'
	check 'one that is installed is not' has "$native installed ok"
	check 'one for all architectures is not' has 'all installed ok'
	check 'one that another architecture has as well is not' \
		has 'armel installed ok' "$native installed ok"
}

# --- a bare machine ---

# in_bare COMMAND - in the tree, with the network and what of the cache is mounted
in_bare()
{
	as_root unshare --mount --pid --fork --kill-child \
		sh "$top/scripts/bare/enter.sh" "$tmp/root" "$cache" "$cold" "$1"
}

demo()
{
	in_bare 'cd /root/bpfmap && make demo' >"$tmp/demo" 2>&1 </dev/null &&
		grep -q 'all results are as they should be' "$tmp/demo" &&
		return
	tail -n 60 "$tmp/demo"
	return 1
}

# whole_test - descriptor 3 shows how far it is
whole_test()
{
	{
		in_bare 'cd /root/bpfmap && make test' </dev/null 2>&1 ||
			echo "make test: status $?"
	} | tee "$tmp/whole" >&3
	tail -n 1 "$tmp/whole" | grep -x '[0-9]* passed, 0 failed' && return
	grep 'not ok' "$tmp/whole"
	return 1
}

# Their names are known to dpkg now, but they are gone, or not configured.
set_up_again()
{
	in_bare 'set -e
		cd /root/bpfmap
		dpkg --force-depends --remove cpio busybox-static
		cd /tmp && apt-get -q download cpio && dpkg --unpack cpio_*.deb
		cd /root/bpfmap && scripts/setup.sh vm
		cpio --version && busybox true' >"$tmp/again" 2>&1 </dev/null &&
		return
	tail -n 30 "$tmp/again"
	return 1
}

bare_machine()
{
	tree=$(scripts/debian.sh git,gcc,make)
	mkdir "$tmp/root"
	as_root tar -C "$tmp/root" -xpf "$tree"
	git clone -q --no-hardlinks "$top" "$tmp/clone"
	as_root mv "$tmp/clone" "$tmp/root/root/bpfmap"
	before=$(as_root du -sm --exclude=bpfmap "$tmp/root" | cut -f1)
	began=$(date +%s)
	case $goal in
	demo)
		check "make demo on a bare Debian${cold:+, with an empty cache}" demo
		sed -n 's/^\[/# [/p' "$tmp/demo"
		;;
	test) check 'make test on a bare Debian, with an empty cache' whole_test ;;
	esac
	say "make $goal took $(($(date +%s) - began)) s and" \
		"$(($(as_root du -sm --exclude=bpfmap "$tmp/root" | cut -f1) - before)) MB"
	check 'set-up repairs what was removed or interrupted' set_up_again
}

cold=${1-} goal=${2-demo}
case $cold,$goal in
,demo|cold,demo|cold,test) ;;
*) die 'usage: test.sh [cold [test]]' ;;
esac
exec 3>&2
cd "$top"
trap 'as_root rm -rf "$tmp"' EXIT
native=$(dpkg --print-architecture)
scripts/setup.sh package
[ -n "$cold" ] || scripts/kernel.sh "$(scripts/kernel.sh -l stock)" >/dev/null
echo '# program bare'
package_states
bare_machine
plan
echo '# status 0'
