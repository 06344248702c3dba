#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# For the machine: the tests of the Go package and its example in DIR, static programs.
# Nothing is fetched: the package needs the standard library only.
# usage: go_tree.sh DIR
set -eu
cd "$(dirname "$0")/../../tools/go"
dir=$1
mkdir -p "$dir"
export CGO_ENABLED=0 GOPROXY=off GOFLAGS=-mod=mod GOTOOLCHAIN=local
export GOCACHE="${XDG_CACHE_HOME:-$HOME/.cache}/bpfmap/go"
go test -c -trimpath -o "$dir/bpfmap.test" .
go test -c -trimpath -o "$dir/ringbuf.test" ./ringbuf
go build -trimpath -o "$dir/words" ./examples/words
