# SPDX-License-Identifier: GPL-2.0-only
# Sourced by the other scripts, which set $self to their name and $top to the
# top of the source tree before.
# shellcheck shell=sh

# Read by the scripts that source this file.
# shellcheck disable=SC2034
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bpfmap
# shellcheck disable=SC2154
start=${BPFMAP_START:-$(date +%s)}
export BPFMAP_START="$start"	# one clock for a script and those it calls

# Hide the flags of a calling make from those that we call.
unset MAKEFLAGS MFLAGS MAKELEVEL

# say TEXT... - one line of progress, with the time since the start
say()
{
	t=$(($(date +%s) - start))
	printf '[%2d:%02d] %s\n' $((t / 60)) $((t % 60)) "$*" >&2
}

die()
{
	printf '%s: %s\n' "${self:-bpfmap}" "$*" >&2
	exit 1
}

# as_root COMMAND... - run it as root, by sudo if need be
as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		command -v sudo >/dev/null ||
			die "neither root nor sudo: please run yourself: $*"
		sudo "$@"
	fi
}

# The machine's own source line for Debian's main archive, suite left open
apt_mirror()
{
	# The text in single quotes is apt's own.
	# shellcheck disable=SC2016
	apt-get indextargets --format \
		'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(SITE) @SUITE@ main' \
		'Created-By: Packages' 'Origin: Debian' 'Label: Debian' \
		'Component: main' | head -n 1
}

# export_tree DIR - copy the sources there, without what was built
export_tree()
{
	# shellcheck disable=SC2154
	tar -C "$top" --exclude-vcs --exclude=./build -c . | tar -C "$1" -x
	make -s -C "$1" clean
}

# update_copy DIR - of the files of the tree that DIR/files names. Unchanged files
# keep their time, so that make has less to do; sources that the tree no longer has
# go, as a Makefile may take all that there are.
update_copy()
{
	(cd "$1" && find . -name '*.[ch]' ! -name '*.mod.c') | sed 's|^\./||' |
		grep -vxFf "$1/files" | while read -r file; do
		rm "$1/$file"
	done
	while read -r file; do
		cmp -s "$top/$file" "$1/$file" && continue
		mkdir -p "$1/$(dirname "$file")"
		cp "$top/$file" "$1/$file"
	done <"$1/files"
}

# complaints LOG - of a build; the compiler and pahole may be other versions than
# those that built the kernel. Fails if there are none.
complaints()
{
	grep -E 'warning:|error:|WARNING:|ERROR:' "$1" |
		grep -v 'the compiler differs\|pahole version differs'
}
