# SPDX-License-Identifier: GPL-2.0-only
#
# In the machine: do the examples of one page do what their texts say?
# shellcheck shell=sh
set -e
tools/examples/raw
tools/examples/library

# shellcheck disable=SC2034
for visit in 1 2 3; do : </dev/bpfmap_visitors; done
tools/examples/visitors
tools/examples/visitors | grep -qx '3 sh'

tools/examples/arena
tools/examples/arena | grep -qx 'sum 47'

tools/examples/monitor 5000 1

tools/examples/execs 8
tools/examples/execs 1000 >/tmp/execs &
# shellcheck disable=SC2034
for try in $(seq 60); do
	/bin/busybox sh -c 'exit 9' || :
	sleep 1
	! grep -q 'busybox exits with 9' /tmp/execs || break
done
kill $!
grep -q 'busybox executes /bin/busybox' /tmp/execs
grep -q 'busybox exits with 9' /tmp/execs
