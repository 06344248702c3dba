#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Mutation tests: put one fault after the other into a copy of the module and
# run some of the test programs on it. One of them has to fail, or the kernel
# has to complain.
set -eu
self=mutate.sh
top=$(cd "$(dirname "$0")/.." && pwd)
. "$top/scripts/lib.sh"

usage()
{
	cat <<END
usage: scripts/mutate.sh [-cn] [NAME...]

Builds the module with each fault that has a NAME in its description, by default
with every fault, and prints what noticed it. Fails if nothing did.

  -c  only print the faults that do not change exactly one line, or whose program
      does not exist
  -n  build without the fault: the same programs must pass
END
}

# fault DESCRIPTION KERNEL FILE SED-SCRIPT PROGRAM - the script changes one line
# of a file in drivers/bpfmap. The kernel is that of a use in scripts/kernels. A
# program is one of tools/tests, with variables in front of it if need be, or
# kunit:SUITE. Behind a "!" it has a machine for itself: for those that need the
# modules as init loads them, and for leaks, which are looked for when a machine
# ends.
faults()
{
	# Locks
	fault 'a missing unlock' debug hash.c \
		'/ htab_remove(/,/^}/ s/raw_spin_unlock_irqrestore/if (link)\n\t\t&/' \
		contract_elem
	fault 'the lock of another bucket' debug hash.c \
		'/ htab_remove(/,/^}/ s/htab_lock(h, hash & h->mask)/htab_lock(h, 0)/' \
		contract_elem
	# Values
	fault 'a torn copy: no look at the sequence count' stock hash_bucket.h \
		's/return READ_ONCE(e->seq) == seq;/return true;/' \
		'STRESS_KIND=HASH STRESS_SIZE=4000 STRESS_SECONDS=20 stress'
	fault 'a torn copy: arrays' stock array.c \
		'/^static void array_read/,/^}/ s/!read_seqcount_retry(&stripe->seq, seq)/1/' \
		'STRESS_KIND=ARRAY STRESS_SIZE=64 STRESS_SECONDS=12 stress'
	fault 'torn values of all CPUs' stock array.h \
		's/return way == ARRAY_CPU_WORDS ? ARRAY_STRIPED : ARRAY_LARGE;/return ARRAY_WORDS;/' \
		cpu_words
	fault 'a snapshot without the element that is removed' stock hash_bucket.h \
		'/u32 htab_cut(/,/^}/ s/htab_save(h, e, true);/;/' large_values
	fault 'padding that is not zeroed' stock value.h \
		'/bpfmap_slot_load(/,/^}/ s/memset(.*);/;/' contract_value
	fault 'the wrong stride of per-CPU values' stock value.h \
		's/src += bpfmap_value_stride(map);/src += map->value_size;/' \
		contract_value
	# Bounds, errnos, permissions
	fault 'an index one too large' stock array.h \
		's/unlikely(index >= map->max_entries)/unlikely(index > map->max_entries)/' \
		contract_elem
	fault 'a chain of any length' stock hash_bucket.h \
		'/int htab_upsert(/,/^}/ s/length >= HTAB_CHAIN_MAX/!~length/' \
		large_values
	fault 'a bucket of any size copied with a lock held' stock hash_alloc.c \
		's/h->walk_max = BPFMAP_ATOMIC_COPY/h->walk_max = SZ_16M/' \
		deaf
	fault 'the same hash function for all maps' stock keyed_hash.h \
		's/get_random_bytes(key, sizeof(key));/memset(key, 0, sizeof(key));/' \
		flood
	fault 'the wrong errno' stock hash_bucket.h \
		'/int htab_upsert(/,/^}/ s/return -EEXIST/return -EINVAL/' \
		contract_elem
	fault 'a type whose batch lacks its operation' debug types.c \
		's/return "a batch lacks its operation on one element";/return NULL;/' \
		'!kunit:bpfmap_types'
	fault 'a command that does not look whether the map is frozen' stock ioctl.c \
		's/READS | WRITES, .check = /READS, .check = /' \
		contract_elem
	fault 'a mapping that is counted for ever' stock freeze.c \
		'/^void bpfmap_vma_close/,/^}/ s/atomic_dec(&map->mmap_writers)/(void)map/' \
		contract_mmap
	fault 'a view that can be made writable' stock view.c \
		's/VM_MAYWRITE | VM_MAYEXEC/VM_MAYEXEC/' contract_view
	fault 'a view that shows nodes of LRU lists' stock hash_view.c \
		's/h->pool.apart = PAGE_ALIGN(nr \* elem_size);/h->pool.apart = elem_size - sizeof(struct bpfmap_lru_node);/' \
		contract_view
	fault 'a page that is frozen while somebody writes to it' stock freeze.c \
		's/return count - bpfmap_page_mapcount(page) > 1;/return !count;/' held
	fault 'a writer that FREEZE does not see' stock freeze.c \
		's/return begun != ended;/return begun < ended;/' suspend
	fault 'a pin that is good for more than its descriptor was' stock pinfs.c \
		's/return mask & MAY_WRITE ? -EACCES :/return mask < 0 ? -EACCES :/' \
		contract_access
	fault 'a pin that can be read although its descriptor could not' stock pinfs.c \
		's/return mask & MAY_READ ? -EACCES :/return mask < 0 ? -EACCES :/' \
		contract_access
	# Batches
	fault 'one off in the count of a batch' stock batch.c \
		'/^int batch_copy_out_count/,/^}/ s/run->done,/run->done + 1,/' \
		contract_batch
	fault 'a cursor that is not given back' stock batch.c \
		'/^static int bucket_batch_end/,/^}/ s/copy_to_user(out, &w->pos, sizeof(w->pos))/!out/' \
		contract_batch_hash
	fault 'a walk that misses the last element' stock array_iter.c \
		'/^int array_get_next_key/,/^}/ s/++index == map->max_entries/\+\+index == map->max_entries - 1/' \
		contract_value
	fault 'a walk that begins again at a deleted key' stock batch.c \
		's/attr->flags & BPFMAP_BATCH_F_RESUME ?/attr->flags \& 1 ?/' \
		contract_resume
	fault 'a walk that gets lost in a deep trie' stock lpm_iter.c \
		's/path->depth == path->lost && path->lost/path->depth > LPM_DATA_MAX * 9/' \
		contract_lpm
	fault 'a look-up that misses a key while the table grows' debug rhash.h \
		's/unlikely(rhash_moved(h, t))/rhash_moved(h, t) \&\& 0/' \
		'!kunit:bpfmap_rhash'
	fault 'BTF ids refused with an errno on which bcc gives up' stock ioctl.c \
		's/fd_file(f) ? -ENOTSUPP : -EBADF/fd_file(f) ? -EINVAL : -EBADF/' \
		contract_create
	# References and memory
	fault 'a lost put' stock ioctl.c \
		'/^static long cmd_get_fd_by_id/,/^}/ s/bpfmap_put(map);/;/' \
		'LIFECYCLE_ROUNDS=4 lifecycle'
	fault 'an element that is lost to the pool' stock hash.c \
		'/void htab_unlink/,/^}/ s/bpfmap_pool_free(&h->pool, htab_cut(h, e, link), &e->pool);/htab_cut(h, e, link);/' \
		hotplug
	fault 'elements of a batch that are lost to the pool' stock hash_run.c \
		's/bpfmap_pool_free_bundle(&h->pool, &free);/;/' contract_batch
	fault 'a table that nobody is charged for' stock rhash_table.c \
		's/bpfmap_charge_begin(&h->map)/set_active_memcg(NULL)/' \
		'HOSTILE_SHAPE=RHASH hostile_memory'
	fault 'a removed cgroup that each allocation pins' stock mem.c \
		'/^void bpfmap_charge_end/,/^}/ s/mem_cgroup_put(set_active_memcg(old))/set_active_memcg(old)/' \
		removed_group
	fault 'no grace period before a map is freed' debug map.c \
		's/queue_rcu_work(bpfmap_free_wq, &map->free_work);/queue_work(bpfmap_free_wq, \&map->free_work.work);/' \
		'!kunit:bpfmap_map_in_map'
	fault 'a leak when creation fails' debug hash_alloc.c \
		'/^struct bpfmap \*htab_create/,/^}/ s/htab_free(&h->map);/;/' \
		'!FAILNTH_TYPE=HASH FAILNTH_COMMAND=create failnth'
	fault 'a reference lost when there is no file' debug file.c \
		'/^int bpfmap_install_fd/,/^}/ s/bpfmap_put(map);/;/' \
		'FAILNTH_TYPE=ARRAY FAILNTH_COMMAND=create failnth'
	fault 'a descriptor lost when there is no file' debug file.c \
		'/^int bpfmap_install_fd/,/^}/ s/put_unused_fd(fd);/;/' \
		'FAILNTH_TYPE=ARRAY FAILNTH_COMMAND=create failnth'
	fault 'an element inserted although there is no memory for it' debug pool.c \
		'/^int bpfmap_pool_grow/,/^}/ s/return nr ? -ENOMEM : 0;/return nr ? -EBUSY : 0;/' \
		'FAILNTH_TYPE=prealloc FAILNTH_COMMAND=insert failnth'
	fault 'a file system left behind when loading fails' debug main.c \
		'/^err_pinfs:/,/^}/ s/bpfmap_pinfs_exit();/;/' '!reload'
	fault 'elements that go with their CPU' stock pool.c \
		's/if (cpu_possible(cpu)) {/if (cpu_online(cpu)) {/' hotplug
}

tree=$cache/mutations
check=
control=
only=
number=0
unnoticed=0
complaints=0

# A copy of what modules are built from; the tools are those of this tree
copy_tree()
{
	rm -rf "$tree"
	mkdir -p "$tree"
	tar -cf - --exclude='*.o' --exclude='*.ko' --exclude='.*.cmd' Kbuild \
		drivers include kunit scripts tools/examples/module \
		tools/tests/module tools/bench/module | tar -C "$tree" -xf -
}

wanted()
{
	[ "$only" ] || return 0
	while read -r name; do
		case $1 in *"$name"*) return 0 ;; esac
	done <<-END
		$only
	END
	return 1
}

# Build the module with the fault; it, its name and program become $tmp/N.*
fault()
{
	wanted "$1" || return 0
	number=$((number + 1))
	file=drivers/bpfmap/$3
	on=$(scripts/kernel.sh -l "$2") || die "$1: no kernel has the use $2"
	sed "$4" "$file" >"$tmp/mutated"
	lines=$(diff "$file" "$tmp/mutated" | grep -c '^<') || :
	if [ "$check" ]; then
		[ "$lines" = 1 ] || echo "$1: changes $lines lines of $3"
		case $5 in
		*kunit:*) program=kunit/${5##*:}_kunit.c ;;
		*) program=tools/tests/${5##*[ !]}.c ;;
		esac
		[ -e "$program" ] || echo "$1: there is no $program"
		return
	fi
	[ "$lines" = 1 ] || die "$1: changes $lines lines of $3, not one"
	[ "$control" ] || cp "$tmp/mutated" "$tree/$file"
	built=$("$tree/scripts/build.sh" "$on" 2>"$tmp/err") ||
		{ cat "$tmp/err"; die "$1: does not build"; }
	cp "$file" "$tree/$file"
	cp -L "$built/bpfmap.ko" "$tmp/$number.ko"
	printf '%s\n' "$1" >"$tmp/$number.name"
	printf '%s\n' "$5" >"$tmp/$number.program"
	case $5 in
	'!'*)
		cp -L "$built/bpfmap_kunit.ko" "$tmp/$number.kunit.ko"
		echo "$number $on" >>"$tmp/alone" ;;
	*)
		echo "$number $on" >>"$tmp/shared" ;;
	esac
	say "built: $1"
}

# What a kernel prints when something is wrong
reports='(WARNING|BUG): .{0,50}|KASAN: .{0,50}|unreferenced object.{0,30}|Kernel panic.{0,50}|possible .{0,40} detected|not finished after .*|cannot unload .*'

# judge NUMBER STATUS - by its results in $tmp/N.out, and the machine's status
judge()
{
	said=$(grep -m 1 '^not ok .*- ' "$tmp/$1.out" | cut -c1-60) || :
	[ "$said" ] || said=$(PYTHONPATH=scripts python3 -B -m testlib.tap "$tmp/$1.out" |
		grep -m 1 '^not ok' | cut -c1-60) || :
	if [ "$2" != 0 ] && ! grep -q '^not ok .*- ' "$tmp/$1.out"; then
		said=$(grep -m 1 -oE "$reports" "$tmp/err") ||
			said='the machine went wrong'
	fi
	read -r name <"$tmp/$1.name"
	read -r program <"$tmp/$1.program"
	if [ "$said" ]; then
		complaints=$((complaints + 1))
	else
		unnoticed=$((unnoticed + 1))
		said='nothing noticed'
	fi
	printf '%-56s %-26s %s\n' "$name" "${program##*[ !]}" "$said" >>"$tmp/table"
	say "$name: $said"
}

# in_machine KERNEL SECONDS RUN-OPTION... -- COMMAND
in_machine()
{
	kernel=$1
	seconds=$2
	shift 2
	status=0
	scripts/vm/run.sh -k "$(scripts/kernel.sh "$kernel")" -M 2048 \
		-t "$seconds" "$@" </dev/null >"$tmp/out" \
		2>"$tmp/err" || status=$?
}

alone()
{
	read -r line <"$tmp/$1.program"
	program=${line##*[ !]}
	variables=${line#!}
	cp "$tmp/$1.ko" "$tmp/bpfmap.ko"
	cp "$tmp/$1.kunit.ko" "$tmp/bpfmap_kunit.ko"
	case $program in
	kunit:*)
		in_machine "$2" 400 -m "$tmp/bpfmap.ko" \
			-m "$tmp/bpfmap_kunit.ko" -l "$tmp/log" \
			-a "kunit.filter_glob=${program#kunit:}" -- true
		sed -n '/init: loading .*kunit/,$p' "$tmp/log" >"$tmp/$1.out" ;;
	*)
		in_machine "$2" 400 -m "$tmp/bpfmap.ko" -f "tools/tests/$program" \
			-- "export ${variables% *}; tools/tests/$program 2>&1
			echo \"# status \$?\""
		cp "$tmp/out" "$tmp/$1.out" ;;
	esac
	judge "$1" "$status"
}

# Load one after the other into one machine. A module that kills it or cannot be
# unloaded is noticed by that; those after it get the next machine.
shared()
{
	kernel=$1
	shift
	options=''
	command=''
	count=0
	for n; do
		read -r line <"$tmp/$n.program"
		program=${line##* }
		options="$options -f $tmp/$n.ko:/root/$n.ko -f tools/tests/$program"
		command="$command
			echo '# fault $n'
			insmod $n.ko
			(export ${line% *}; timeout -s KILL 200 tools/tests/$program 2>&1
			echo \"# status \$?\")
			rmmod bpfmap || { sleep 2; rmmod bpfmap; } || exit 1
			echo '# end $n'"
		count=$((count + 1))
	done
	# shellcheck disable=SC2086
	in_machine "$kernel" $((60 + 100 * count)) $options -- "$command"
	rest=
	for n; do
		if grep -qx "# fault $n" "$tmp/out"; then
			sed -n "/^# fault $n\$/,/^# end $n\$/p" "$tmp/out" >"$tmp/$n.out"
			if grep -qx "# end $n" "$tmp/$n.out"; then
				judge "$n" 0
			else
				judge "$n" "$status"
			fi
		else
			rest="$rest $n"
		fi
	done
	[ "$rest" != " $*" ] || die "no module is loaded: $(tail -n 5 "$tmp/err")"
	# shellcheck disable=SC2086
	[ -z "$rest" ] || shared "$kernel" $rest
}

while getopts cnh option; do
	case $option in
	c) check=y ;;
	n) control=y ;;
	h) usage; exit ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 0 ] || only=$(printf '%s\n' "$@")

exec </dev/null
cd "$top"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP
if [ "$check" ]; then
	faults
	exit
fi
scripts/setup.sh test
make -s -C tools tests
copy_tree
: >"$tmp/table"
: >"$tmp/alone"
: >"$tmp/shared"
faults
[ "$number" -gt 0 ] || die 'there is no such fault'
cut -d' ' -f2 "$tmp/shared" | sort -ur >"$tmp/kernels"
while read -r kernel; do
	# shellcheck disable=SC2046
	shared "$kernel" $(sed -n "s/ $kernel\$//p" "$tmp/shared")
done <"$tmp/kernels"
while read -r n kernel; do
	alone "$n" "$kernel"
done <"$tmp/alone"
printf '\n%-56s %-26s %s\n' fault 'noticed by' 'what it said'
cat "$tmp/table"
if [ "$control" ]; then
	say "$number times no fault, $complaints complaints"
	[ "$complaints" = 0 ]
else
	say "$number faults, $unnoticed not noticed"
	[ "$unnoticed" = 0 ]
fi
