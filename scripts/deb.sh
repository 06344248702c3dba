#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the Debian packages in build/deb, from a copy of the sources there.
# Arguments are for dpkg-buildpackage (default: -b).
set -eu
self=deb.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

cd "$top"
"$top/scripts/setup.sh" tools package python
version=$(make -s -C "$top/tools" version)
out=$top/build/deb
tree=$out/bpfmap-$version
rm -rf "$out"
mkdir -p "$tree"
export_tree "$tree"
cp -rL tools/debian "$tree/debian"
rm -r "$tree/tools/debian" "$tree/debian/changelog.in"
# When the sources were last changed, as far as git knows
date=$(git log -1 --format=%cD 2>/dev/null) || date=$(date -R)
sed "s/@VERSION@/$version/; s/@DATE@/$date/" tools/debian/changelog.in \
	>"$tree/debian/changelog"

[ -d tools/python ] || export DEB_BUILD_PROFILES=nopython
[ $# -gt 0 ] || set -- -b
say 'building the packages'
(cd "$tree" && dpkg-buildpackage -us -uc "$@") >"$out/log" 2>&1 ||
	{ cat "$out/log" >&2; die 'the packages do not build'; }
find "$out" -maxdepth 1 \( -name '*.deb' -o -name '*.dsc' \) | sort
