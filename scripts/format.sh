#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Bring the module and its headers into the form of .clang-format.
set -eu
self=format.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

usage()
{
	cat <<END
usage: scripts/format.sh [-c]

  -c  change nothing, print what would change and fail if there is something
END
}

# The result depends on the version. This is Debian 12's.
version=14

# formatted FILE - macros stay as they are, because clang-format cannot align
# their bodies with tabs; it takes "delete" for an operator of C++.
formatted()
{
	awk '
	/^[ \t]*#[ \t]*define/ && !macro { print "/* clang-format off */"; macro = 1 }
	{ print }
	macro && !/\\$/ { print "/* clang-format on */"; macro = 0 }' "$1" |
		clang-format --assume-filename="$1" |
		sed '/^[ \t]*\/\* clang-format o[nf]* \*\/$/d; s/->delete (/->delete(/g; s/->delete &&\([^ ]\)/->delete \&\& \1/g'
}

only_check=
case ${1-} in
'') ;;
-c) only_check=y ;;
*) usage >&2; exit 2 ;;
esac
cd "$top"
scripts/setup.sh format
clang-format --version | grep -q "version $version\." ||
	die "needs clang-format $version, this is $(clang-format --version)"
tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
changed=0
for file in drivers/bpfmap/*.[ch] include/linux/*.h include/uapi/linux/*.h; do
	formatted "$file" >"$tmp"
	cmp -s "$file" "$tmp" && continue
	changed=1
	if [ "$only_check" ]; then
		diff -u "$file" "$tmp" || :
	else
		cat "$tmp" >"$file"
		say "$file"
	fi
done
[ -z "$only_check" ] || exit "$changed"
