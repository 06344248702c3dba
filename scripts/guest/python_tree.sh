#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# For the machine: a small Python in DIR, and the module as its wheel has it in
# DIR/bpfmap. The Python is Debian's, which has setuptools.
# usage: python_tree.sh DIR
set -eu
cd "$(dirname "$0")/../.."
dir=$1
python=/usr/bin/python3

$python -I tools/python/tests/tree.py "$dir" ctypes doctest hashlib ipaddress mmap \
	random subprocess threading unittest
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp -r tools/python "$tmp/source"
(
	cd "$tmp/source"
	$python -c 'from setuptools.build_meta import build_wheel; build_wheel("dist")' \
		>"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
)
$python -m zipfile -e "$tmp"/source/dist/*.whl "$dir/bpfmap"
