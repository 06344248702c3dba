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

# apt_state SUITE... - append to $apt the options for a private apt state that knows
# these suites, from the mirror that the machine already uses. Of a mirror that has
# stood still for weeks the signatures still hold.
apt_state()
{
	state=$cache/apt/$(echo "$*" | tr ' ' +)
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	apt="$apt -o Acquire::Check-Valid-Until=false \
		-o Dir::Etc::sourcelist=$state/sources.list \
		-o Dir::Etc::sourceparts=- -o Dir::State::Lists=$state/lists \
		-o Dir::Cache=$state/cache"
	[ -z "$(find "$state/sources.list" -mmin -720 2>/dev/null)" ] || return 0

	target=$(apt_mirror)
	[ -n "$target" ] || { as_root apt-get -qq update >&2; target=$(apt_mirror); }
	[ -n "$target" ] || die 'apt knows no Debian mirror'
	for suite; do
		echo "$target" | sed "s|@SUITE@|$suite|"
	done >"$state/sources.new"
	# Only a completed update may pass for a fresh one.
	cp "$state/sources.new" "$state/sources.list"
	touch -d '1 year ago' "$state/sources.list"
	# shellcheck disable=SC2086
	apt-get $apt update >"$state/log" 2>&1 || { cat "$state/log" >&2; exit 1; }
	touch "$state/sources.list"
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
