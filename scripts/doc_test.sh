#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What README.md and Documentation show, as people will copy it: see usage. TAP.
#
# Most functions are called by check():
# shellcheck disable=SC2317
set -eu
self=doc_test.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"
. "$top/scripts/tap.sh"

usage()
{
	cat <<END
usage: scripts/doc_test.sh [TEXT...]
       scripts/doc_test.sh -x DIR TEXT...

Each block of the texts, README.md and Documentation/*.rst if none is named, is run
or compared by what its language says it is:

  sh       run here, line by line of a shell, in the source tree for README.md,
           else in a directory of the text's own; must succeed
  console  run in one virtual machine for all texts, where everything is
           installed: lines after "# " by root, after "$ " by a user of the
           group bpfmap, each in a shell of its own. What follows is the output
           that is expected; "..." in it stands for anything
  text     nothing to run
  others   with a name: saved as this file, which the commands must use;
           without: an excerpt of the file that the text named last, "..."
           for omitted lines

A comment "run by: PART" in front of a block says which part of scripts/test.sh
runs it instead ("itself": the part that runs all blocks). Any other block is a
failed test.

With -x nothing is run: the blocks go to DIR, for a machine where all is
installed: home/TEXT for each text, with its files and, where it has some,
build.sh; commands/NNN, their output in commands/NNN.want; session, one line for
each: NNN, user, home, origin.
END
}

# Where a text's files are, and where its commands run
work_dir()
{
	case $extracting,$1 in
	,*.md) echo "$top" ;;
	*) echo "$tmp/home/$(basename "$1" .rst)" ;;
	esac
}

# Everything where the packages have it, but for the module
install_tools()
{
	libdir=/usr/lib/$(gcc -print-multiarch)
	make -s -C tools install install-tools install-system \
		DESTDIR="$tmp/root" PREFIX=/usr LIBDIR="$libdir" \
		PRELOADDIR="$libdir/bpfmap" >"$tmp/log" 2>&1 ||
		{ cat "$tmp/log"; die 'make install fails'; }
	libdir=$tmp/root$libdir
}

run_here()
{
	(cd "$1" && PKG_CONFIG_PATH="$libdir/pkgconfig" \
		PKG_CONFIG_SYSROOT_DIR="$tmp/root" KDIR="$kernel/build" \
		LD_LIBRARY_PATH="$libdir" BPFMAP="$build" sh -e "$2")
}

# One file for each command, and $tmp/session tells how to run each
split_console()
{
	awk -v dir="$tmp/commands" -v text="$(basename "$text" .rst)" \
		-v at="$text" -v line="$line" -v nr="$commands" '
		/^[#$] / {
			nr++
			file = sprintf("%s/%03d", dir, nr)
			want = sprintf("%s/%03d.want", dir, nr)
			printf "" >want
			print substr($0, 3) >file
			printf "%03d %s %s %s:%d\n", nr, substr($0, 1, 1), text,
				at, line + NR
			more = /\\$/
			next
		}
		more { print >file; more = /\\$/; next }
		!nr { exit 1 }
		{ print >want }' "$1" >>"$tmp/session"
	commands=$(wc -l <"$tmp/session")
}

# Nothing that looks like a command
is_picture()
{
	grep -n '^ *[#$] ' "$1" && return 1
	return 0
}

has_part()
{
	scripts/test.sh -l | grep -qx "$1"
}

# save FILE NAME DIR - where the commands find it; it must be new
save()
{
	for made in "$3/$2" "$3/${2%.c}"; do
		[ ! -e "$made" ] || { echo "there is a file $made"; return 1; }
		echo "$made" >>"$tmp/remove"
	done
	cp "$1" "$3/$2"
	# Somebody must use it
	[ "$2" = Makefile ] || grep -lwF -- "${2%.c}" "$blocks"/* |
		grep -vxF "$1"
}

# is_excerpt BLOCK FILE - line by line, or what "..." leaves out
is_excerpt()
{
	awk 'BEGIN { jump = 1 }
		NR == FNR { line[++n] = $0; next }
		/^[ \t]*\.\.\.$/ { jump = 1; next }
		{
			for (at++; jump && at <= n && line[at] != $0; at++)
				;
			if (at > n || line[at] != $0) {
				print "not there: " $0
				exit 1
			}
			jump = 0
		}' "$2" "$1"
}

run_guest()
{
	[ -s "$tmp/session" ] || return 0
	set -- -f "$tmp/root/usr:/usr" -f "$tmp/commands:/commands" \
		-f "$tmp/session:/session"
	[ ! -d "$tmp/home" ] || set -- "$@" -f "$tmp/home:/home"
	for program in bpftool usermod; do
		program=$(PATH=$PATH:/usr/sbin command -v $program) &&
			set -- "$@" -f "$program:/usr/sbin/${program##*/}"
	done
	check 'the machine and its kernel are well' boot "$@"
	while read -r nr who _ where; do
		check "$where: $who $(head -n 1 "$tmp/commands/$nr")" \
			as_shown "$nr"
	done <"$tmp/session"
}

boot()
{
	LD_LIBRARY_PATH="$libdir" scripts/vm/run.sh -k "$kernel" \
		-m "$build/bpfmap.ko" -t 300 -f scripts/guest/session.sh:/session.sh \
		"$@" -- sh /session.sh >"$tmp/out"
}

# as_shown NR - status 0, and the output that the text shows
as_shown()
{
	sed -n "/^@@ begin $1\$/,/^@@ end /p" "$tmp/out" >"$tmp/got"
	awk -v shown="$tmp/commands/$1.want" -f scripts/as_shown.awk "$tmp/got"
}

# extract TEXT - those of its blocks that are for where all is installed
extract()
{
	while read -r nr line lang file from part <&3; do
		block=$blocks/$nr
		where=$text:$line
		case $part,$lang,$file in
		-,sh,-) cat "$block" >>"$dir/build.sh" ;;
		-,console,-) check "$where: commands" split_console "$block" ;;
		-,*,-) ;;
		-,*) check "$where: $file" save "$block" "$file" "$dir" ;;
		esac
	done 3<"$tmp/index"
	# What has no files of its own builds with those of the source tree
	[ "$(ls "$dir")" != build.sh ] || rm "$dir/build.sh"
}

extract_texts()
{
	to=$1
	shift
	for text; do
		open_text
		extract
	done
	: >"$tmp/remove"
	mv "$tmp/home" "$tmp/commands" "$tmp/session" "$to"
	exit "$failed"
}

# open_text - $text's blocks, in $blocks and $tmp/index
open_text()
{
	blocks=$tmp/blocks/$(basename "$text")
	dir=$(work_dir "$text")
	mkdir -p "$blocks" "$dir"
	awk -v dir="$blocks" -f scripts/doc.awk "$text" >"$tmp/index"
}

test_text()
{
	open_text
	while read -r nr line lang file from part <&3; do
		block=$blocks/$nr
		where=$text:$line
		case $part,$lang,$file in
		-,unknown,*) check "$where: a block of no known kind" false ;;
		-,sh,-) check "$where: $(head -n 1 "$block")" run_here "$dir" "$block" ;;
		-,console,-) check "$where: commands" split_console "$block" ;;
		-,text,-) check "$where: a picture" is_picture "$block" ;;
		-,*,-) check "$where: as in $from" is_excerpt "$block" "$from" ;;
		-,*) check "$where: $file" save "$block" "$file" "$dir" ;;
		itself,sh,-) check "$where: make test" grep -q '^make test ' "$block" ;;
		*) check "$where: run by $part" has_part "$part" ;;
		esac
	done 3<"$tmp/index"
}

case ${1-},$# in
-x,0|-x,1|-x,2) usage; exit 2 ;;
-x,*) ;;
-*) usage; exit 2 ;;
esac
exec </dev/null
cd "$top"
: >"$tmp/session"
: >"$tmp/remove"
trap 'xargs rm -f <"$tmp/remove"; rm -rf "$tmp"' EXIT
mkdir "$tmp/commands"
commands=0
extracting=
[ "${1-}" != -x ] || { shift; extracting=y; extract_texts "$@"; }
scripts/setup.sh test
make -s -C tools >"$tmp/log" 2>&1 || { cat "$tmp/log"; die 'the tools do not build'; }
stock=$(scripts/kernel.sh -l stock)
kernel=$(scripts/kernel.sh "$stock")
build=$(scripts/build.sh "$stock")
install_tools
[ $# -gt 0 ] || set -- README.md Documentation/*.rst
for text; do
	say "$text"
	test_text
done
run_guest
finish
