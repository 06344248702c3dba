#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# For the machine: programs that use bpf(2)'s maps, of others and of ours, in DIR.
# Those of others are Debian's: cilium/ebpf with its own tests, bcc, bpftool.
# usage: clients_tree.sh DIR KERNEL
set -eu
self=clients_tree.sh
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/scripts/lib.sh"
dir=$1 kernel=$2
python=/usr/bin/python3
gocode=/usr/share/gocode

"$top/scripts/setup.sh" tools python go clients
mkdir -p "$dir"

# The same source in three ways. musl has no headers of the kernel.
source=$top/tools/tests/clients/bpf_client.c
set -- -O2 -I"$top/include/uapi"
gcc "$@" -o "$dir/client" "$source"
gcc "$@" -static -o "$dir/client_static" "$source"
musl-gcc "$@" -static -idirafter /usr/include \
	-idirafter "/usr/include/$(gcc -print-multiarch)" \
	-o "$dir/client_musl" "$source"
cp "$(PATH=$PATH:/usr/sbin command -v bpftool)" "$dir/bpftool"

mkdir "$dir/ebpf"
cp -r $gocode/src/github.com/cilium/ebpf/testdata "$dir/ebpf"
GO111MODULE=off GOPATH=$gocode CGO_ENABLED=0 GOFLAGS=-trimpath GOCACHE=$cache/go \
	go test -c -o "$dir/ebpf/ebpf.test" github.com/cilium/ebpf

# bcc with what it loads by name, and the headers it compiles with
modules=$($python -c 'import sys, bcc, bcc.table
print(*(m for m in sys.modules
	if m[0] != "_" and "." not in m and m not in ("sys", "builtins", "bcc")))')
# shellcheck disable=SC2086
$python -I "$top/tools/python/tests/tree.py" "$dir/python" __future__ traceback \
	$modules
mkdir "$dir/pkg" "$dir/lib"
cp -r /usr/lib/python3/dist-packages/bcc "$dir/pkg"
for library in libbcc.so.0 librt.so.1; do
	cp "$(gcc -print-file-name=$library)" "$dir/lib/$library"
done
own=$(readlink -f "$kernel/build")
common=$(sed -n 's|^include \(.*\)/Makefile$|\1|p' "$own/Makefile")
mkdir -p "$dir/headers/build" "$dir/headers/source/arch/x86"
cp -rL "$own/include" "$own/arch" "$dir/headers/build"
cp -rL "$common/include" "$dir/headers/source"
cp -rL "$common/arch/x86/include" "$dir/headers/source/arch/x86"
