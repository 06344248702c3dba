#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The worked examples, where the module is loaded. Prints TAP. Arguments:
# bpfmapctl, json_pick, send_from, route_file, the directory of the examples, and
# bpfmap_sources.ko, if this kernel has netfilter.
# shellcheck disable=SC2317,SC2086,SC2016 # functions that is() calls; words; awk's
set -u
ctl=$1 pick=$2 send_from=$3 route_file=$4 examples=$5 module=${6-}
# shellcheck source=tools/tests/cli_lib.sh
. "${0%/*}/cli_lib.sh"

# holds NAME COMMAND... - it succeeds; what it prints is shown
holds()
{
	name=$1
	shift
	out=$("$@" 2>"$tmp/err" </dev/null)
	result $? "$name" "$tmp/err"
	echo "$out" | sed 's/^/# /'
}

# eventually COMMAND... - within a minute
eventually()
{
	for _ in $(seq 600); do
		"$@" >/dev/null 2>&1 && return
		usleep 100000
	done
	return 1
}

# --- packets by source ---

# counted ADDRESS - "PACKETS BYTES" of it here, as the example's reader tells
counted()
{
	"$examples/sources" | awk -v netns="$netns" -v address="$1" \
		'$3 == netns && $4 == address { print $1, $2 }'
}

sources_load()
{
	insmod "$module" "$@" &&
		"$ctl" map pin name sources $pins/sources &&
		"$ctl" map pin name recent $pins/recent
}

sources_unload()
{
	rmmod bpfmap_sources
	status=$?
	rm $pins/sources $pins/recent
	return $status
}

count_exactly()
{
	"$send_from" 127.1.0.1 5 100 72 127.0.0.1
	"$send_from" fd00::1 1 50 52 ::1
	for i in 1 2 3 4 5; do
		is "sources: 127.1.0.$i" 0 '100 10000' counted 127.1.0.$i
	done
	is 'sources: IPv6' 0 '50 5000' counted fd00::1
	# From several processors at once, into the same element
	senders=''
	for _ in 1 2 3; do
		"$send_from" 127.1.1.1 1 2000 100 127.0.0.1 &
		senders="$senders $!"
	done
	wait $senders
	is 'sources: 6000 packets by three senders' 0 '6000 768000' counted 127.1.1.1
	key="key ip6 ::ffff:127.1.0.5 u32 $netns"
	"$ctl" -j map lookup pinned $pins/recent $key | "$pick" /key/15 >"$tmp/key"
	is 'recent: has one of them' 0 '"0x05"' cat "$tmp/key"
	"$ctl" -j map dump name sources >"$tmp/dump"
	is 'sources: dump' 0 0 sh -c "'$pick' /0/values/0/cpu <'$tmp/dump'"
}

# top looks at packets (offset 0) or bytes (8) while they come
count_live()
{
	"$send_from" 127.1.2.1 1 0 472 127.0.0.1 &
	sender=$!
	"$ctl" -j map top name sources offset 8 interval 1 times 1 >"$tmp/top"
	kill $sender
	is 'top: who sends now' 0 "\"0x7f\"${nl}\"0x01\"${nl}\"0x02\"${nl}\"0x01\"" \
		sh -c "'$pick' /0/key/12 /0/key/13 /0/key/14 /0/key/15 <'$tmp/top'"
	out=$("$pick" /0/rate <"$tmp/top")
	[ "${out%.*}" -ge 50000 ]
	result $? "top: $out bytes a second"
}

# Another network namespace has numbers of its own, as long as it lives
count_netns()
{
	cat >"$tmp/inside" <<-END
		ip link set lo up
		$send_from 127.1.0.1 1 7 72 127.0.0.1
		readlink /proc/self/ns/net | tr -dc 0-9
	END
	unshare -n sh -c ". '$tmp/inside'; $examples/sources >$tmp/all" >"$tmp/inum"
	is 'sources: the same address in another namespace' 0 '7 700' \
		awk -v netns="$(cat "$tmp/inum")" \
		'$3 == netns && $4 == "127.1.0.1" { print $1, $2 }' "$tmp/all"
	is 'sources: not mixed up with ours' 0 '100 10000' counted 127.1.0.1
	cat >"$tmp/gone" <<-END
		! $examples/sources | grep -q ' $(cat "$tmp/inum") '
	END
	holds 'sources: forgotten with the namespace' eventually sh "$tmp/gone"
}

# Sources without room are counted as one; the most recent ones are kept
count_overflow()
{
	holds 'sources: with room for 8' sources_load max_sources=8 max_recent=4
	"$send_from" 127.3.0.1 20 10 72 127.0.0.1
	is 'sources: 7 have one of their own' 0 '7 130 200' sh -c "$examples/sources |"'
		awk "{ all += \$1 } \$4 == \"others\" { others = \$1; next }
			{ n++ } END { print n, others, all }"'
	is 'recent: 4 are kept' 0 4 "$ctl" map count name recent
	holds 'recent: the last one is' "$ctl" map lookup name recent \
		key ip6 ::ffff:127.3.0.20 u32 $netns
	holds 'sources: unloaded' sources_unload
}

load_and_unload()
{
	for _ in 1 2 3 4 5 6 7 8; do
		insmod "$module" && usleep 50000 && rmmod bpfmap_sources || return
	done
}

# Packets arrive all the time
unload_under_traffic()
{
	for i in 1 2 3; do
		"$send_from" 127.4.0.$i 1 0 100 127.0.0.1 &
		eval "sender$i=$!"
	done
	holds 'sources: loaded and unloaded while packets come' load_and_unload
	# shellcheck disable=SC2154
	kill "$sender1" "$sender2" "$sender3"
}

sources_example()
{
	ip link set lo up
	ip -6 addr add fd00::1/128 dev lo
	netns=$(readlink /proc/self/ns/net | tr -dc 0-9)
	holds 'sources: loaded' sources_load
	count_exactly
	count_live
	count_netns
	is 'sources: the module goes' 0 '' rmmod bpfmap_sources
	is 'sources: what is pinned stays' 0 '6000 768000' counted 127.1.1.1
	rm $pins/sources $pins/recent
	count_overflow
	unload_under_traffic
}

# --- rate limiter ---

# serve_limits RATE BURST CLIENTS - a server in the background: $server
serve_limits()
{
	rm -f "$tmp/work" "$tmp/watch"
	"$examples/limiter" serve "$tmp" "$@" &
	server=$!
	eventually "$examples/limiter" watch "$tmp"
}

# work_both SECONDS CLIENT - two processes; their tokens in $one and $other
work_both()
{
	"$examples/limiter" work "$tmp" "$1" "$2" >"$tmp/w1" &
	worker=$!
	"$examples/limiter" work "$tmp" "$1" "$2" >"$tmp/w2"
	wait $worker
	sed 's/^/# /' "$tmp/w1" "$tmp/w2"
	read -r _ one _ <"$tmp/w1"
	read -r _ other _ <"$tmp/w2"
}

limits_hold()
{
	serve_limits 200 100 4
	result $? 'limiter: 200 a second, bursts of 100'
	began=$(now)
	work_both 3 alice
	most=$((100 + 2 * ($(now) - began) + 2))
	both=$((one + other))
	echo "# $both tokens to two processes, at most $most"
	[ "$one" -gt 0 ] && [ "$other" -gt 0 ]
	result $? "limiter: $one and $other tokens"
	[ $both -le $most ] && [ $both -ge 630 ]
	result $? "limiter: $both tokens in 3 s, at the limit for both together"
	"$examples/limiter" watch "$tmp" >"$tmp/seen"
	sed 's/^/# /' "$tmp/seen"
	read -r name given _ <"$tmp/seen"
	is 'limiter: so the watcher says' 0 "alice: $both" echo "$name $given"
	is 'limiter: the watcher cannot write' 0 \
		"mapping to write: Permission denied
filling a bucket: Operation not permitted
a client with a bucket of another: Operation not permitted
taking a bucket: Operation not permitted" "$examples/limiter" meddle "$tmp"
	kill $server
}

# No token is refilled while this runs: once one is refused, all were given,
# each of them once
limits_are_exact()
{
	serve_limits 0.001 200000 4
	result $? 'limiter: 200000 tokens and no more'
	work_both 2 bob
	read -r name given _ refused _ <<-END
		$("$examples/limiter" watch "$tmp")
	END
	out="$name $given given, $refused refused"
	[ $((one + other)) = "$given" ]
	result $? "limiter: $one and $other are the $given given"
	[ "$given" = 200000 ] || { [ "$given" -lt 200000 ] && [ "$refused" = 0 ]; }
	result $? "limiter: $given of 200000 tokens, $refused requests refused"
	kill $server
}

# Many processes register the same clients at the same moment
limits_of_many()
{
	serve_limits 1000 10 40
	clients=$(seq 36 | sed 's|^|client|')
	workers=''
	for _ in 1 2 3 4 5 6; do
		"$examples/limiter" work "$tmp" 0.2 $clients >/dev/null &
		workers="$workers $!"
	done
	wait $workers
	is 'limiter: 36 clients of six processes' 0 36 "$ctl" map count name clients
	"$ctl" map dump name clients | sed -n 's/.*value: //p' | sort -u \
		>"$tmp/numbers"
	is 'limiter: each has a bucket of its own' 0 36 grep -c . "$tmp/numbers"
	holds 'limiter: four more' "$examples/limiter" work "$tmp" 0.01 a b c d
	out=$("$examples/limiter" work "$tmp" 0.01 e 2>&1)
	is 'limiter: but no fifth' 0 'e: there is no bucket left' echo "$out"
	kill $server
}

# --- route table ---

# routes_swapped - a server that loads one table and the other by turns
routes_swapped()
{
	cp "$tmp/table1" "$tmp/table"
	"$examples/routes" serve "$tmp/table" >"$tmp/served" &
	server=$!
	eventually grep -q routes "$tmp/served"
	"$route_file" watch 6 3 >"$tmp/watched" &
	watcher=$!
	while kill -0 $watcher 2>/dev/null; do
		for i in 2 1; do
			cp "$tmp/table$i" "$tmp/new"
			mv "$tmp/new" "$tmp/table"
			kill -HUP $server
			sleep 1
		done
	done
	wait $watcher
	status=$?
	# The last one may still be arriving
	eventually "$route_file" check "$tmp/table" 200 || status=1
	kill $server
	cat "$tmp/served" "$tmp/watched"
	return $status
}

routes_example()
{
	routes="$examples/routes"
	"$route_file" make 50000 1 >"$tmp/table1"
	"$route_file" make 50000 2 >"$tmp/table2"
	cat >"$tmp/small" <<-END
		# comments, and empty lines

		10.0.0.0/8     192.0.2.1
		10.1.0.0/16    192.0.2.2	# longer
		2001:db8::/32  fe80::1
		203.0.113.0/24 2001:db8::9
	END
	holds 'routes: load' "$routes" load "$tmp/small"
	is 'routes: get' 1 '10.1.2.3 via 192.0.2.2 by 10.1.0.0/16
10.2.0.1 via 192.0.2.1 by 10.0.0.0/8
2001:db8::5 via fe80::1 by 2001:db8::/32
203.0.113.77 via 2001:db8::9 by 203.0.113.0/24
11.0.0.1: no route' \
		"$routes" get 10.1.2.3 10.2.0.1 2001:db8::5 203.0.113.77 11.0.0.1
	for line in '10.0.0.1/8 192.0.2.1' '10.0.0.0/33 192.0.2.1' \
		'10.0.0.0 192.0.2.1' '::/129 fe80::1' '10.0.0.0/8 nowhere'; do
		{ cat "$tmp/small"; echo "$line"; } >"$tmp/bad"
		out=$("$routes" load "$tmp/bad" 2>&1)
		status=$?
		case $status:$out in
		1:"$tmp/bad:7: "*"the table stays as it was"*) true ;;
		*) false ;;
		esac
		result $? "routes: refuses $line"
	done
	is 'routes: the table is as it was' 0 '10.2.0.1 via 192.0.2.1 by 10.0.0.0/8' \
		"$routes" get 10.2.0.1
	holds 'routes: 50000' "$routes" load "$tmp/table1"
	holds 'routes: the answers are right' "$route_file" check "$tmp/table1" 20000
	holds 'routes: replaced while they are read' routes_swapped
	holds 'routes: the right table is in force' "$route_file" check "$tmp/table" 20000
	rm $pins/routes
}

mount_pins
[ -z "$module" ] || sources_example
limits_hold
limits_are_exact
limits_of_many
routes_example
finish
