#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Render Documentation to HTML, with the kernel-doc of the interfaces, and that
# to manual pages of section 9. A warning of any of the tools is a failure.
set -eu
self=doc.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

[ $# -le 1 ] || die 'usage: scripts/doc.sh [DIRECTORY]'
cd "$top"
out=$(realpath -m "${1:-Documentation/build}")

# Exported functions by file, in the order of the reference
sources='create file map api map_in_map arena ringbuf user_ringbuf'

# quietly COMMAND... - its output counts if it fails or has something to say
quietly()
{
	"$@" >"$tmp/stdout" 2>"$tmp/log" && [ ! -s "$tmp/log" ] && return
	cat "$tmp/log" >&2
	die "$1 is not content with the documentation"
}

kernel_doc()
{
	quietly "$kernel_doc" -Werror "$@"
	cat "$tmp/stdout"
}

# One file for each page, named as the page is
man_pages()
{
	mkdir -p "$tmp/man"
	for source in $sources; do
		kernel_doc -man -export "drivers/bpfmap/$source.c"
	done | awk -v dir="$tmp/man" '
		/^\.TH / { file = dir "/" substr($2, 2, length($2) - 2) ".9" }
		{ print >file }'
	for page in "$tmp"/man/*.9; do
		quietly groff -man -ww -z "$page"
	done
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
scripts/setup.sh vm doc
kernel_doc=$(find "$(scripts/kernel.sh "$(scripts/kernel.sh -l doc)")/root" \
	-name kernel-doc)
sphinx=$(sphinx-build --version | sed 's/.* //')

mkdir -p "$tmp/source/generated"
cp -r Documentation/*.rst Documentation/conf.py Documentation/plots "$tmp/source"
for source in $sources; do
	kernel_doc -rst -sphinx-version "$sphinx" -export \
		"drivers/bpfmap/$source.c" >"$tmp/source/generated/$source.inc"
done
kernel_doc -rst -sphinx-version "$sphinx" include/linux/bpfmap.h \
	>"$tmp/source/generated/types.inc"
kernel_doc -rst -sphinx-version "$sphinx" include/uapi/linux/bpfmap.h \
	>"$tmp/source/generated/uapi.inc"
scripts/abi.py --index >"$tmp/source/generated/errnos.inc"
man_pages
quietly sphinx-build -q -W --keep-going -n -b html "$tmp/source" "$tmp/html"

rm -rf "$out/html" "$out/man"
mkdir -p "$out"
mv "$tmp/html" "$tmp/man" "$out"
echo "$out/html/index.html"
echo "$out/man"
