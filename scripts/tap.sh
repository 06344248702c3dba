# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# TAP, for shell scripts of the host and of the guest. Sourced; makes the
# directory $tmp, which goes when the script ends.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP
tests=0 failed=0 out=''

# result STATUS NAME [FILE] - a test; if it failed, $out and FILE tell why
result()
{
	tests=$((tests + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tests - $2"
		return
	fi
	failed=1
	echo "not ok $tests - $2"
	[ -z "$out" ] || echo "$out" | head -n 40 | sed 's/^/# out: /'
	[ -z "${3-}" ] || head -n 300 "$3" | sed 's/^/# /'
}

# check NAME COMMAND... - a test: the command succeeds
check()
{
	tap_name=$1 tap_status=0
	shift
	"$@" >"$tmp/log" 2>&1 || tap_status=$?
	result $tap_status "$tap_name" "$tmp/log"
}

# skip WHY
skip()
{
	tests=$((tests + 1))
	echo "ok $tests # SKIP $1"
}

plan()
{
	echo "1..$tests"
}

# The end of the script
finish()
{
	plan
	exit $failed
}
