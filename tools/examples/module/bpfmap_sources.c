// SPDX-License-Identifier: GPL-2.0-only
/*
 * Example: a module that counts packets by where they come from
 *
 * A netfilter hook in each network namespace sees every IPv4 and IPv6 packet
 * that arrives. Two maps take down what it sees:
 *
 * sources	packets and bytes of each source, a PERCPU_HASH: a CPU adds to
 *		values of its own, where no other CPU writes
 * recent	when each of the last sources was seen, an LRU_HASH, which is
 *		never full: the source quiet for longest makes room
 *
 * There is no interface of our own. User space finds the maps by these names,
 * as in "bpfmapctl map top name sources offset 8", and can pin them; a map that
 * is pinned outlives this module.
 */
#include <linux/atomic.h>
#include <linux/bpfmap.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rcupdate.h>
#include <linux/timekeeping.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>

#include "sources.h"

static unsigned int max_sources = 16384;
module_param(max_sources, uint, 0444);
MODULE_PARM_DESC(max_sources, "Sources to count (16384)");

static unsigned int max_recent = 1024;
module_param(max_recent, uint, 0444);
MODULE_PARM_DESC(max_recent, "Most recent sources to keep (1024)");

static struct bpfmap *sources, *recent;

/* All that finds no room is counted under this key, so that sums are right */
static const struct sources_key other_sources;

/*
 * Packets arrive with softirqs off, and nothing else counts: what is added to
 * this CPU's value is safe as long as we stay on the CPU. False if there is no
 * such source yet.
 */
static bool add_to(const struct sources_key *key, u32 bytes)
{
	struct sources_count *count;

	preempt_disable();
	rcu_read_lock();
	count = bpfmap_lookup_elem(sources, key);
	if (count) {
		/* Concurrent readers may see one without the other */
		WRITE_ONCE(count->packets, count->packets + 1);
		WRITE_ONCE(count->bytes, count->bytes + bytes);
	}
	rcu_read_unlock();
	preempt_enable();
	return count;
}

/*
 * The map is preallocated: an insertion takes no memory, so it can only fail
 * for want of room, or because another CPU was faster.
 */
static bool count_packet(const struct sources_key *key, u32 bytes)
{
	const struct sources_count first = { .packets = 1, .bytes = bytes };
	int err;

	do {
		if (add_to(key, bytes))
			return true;
		err = bpfmap_update_elem(sources, key, &first, BPFMAP_F_NOEXIST);
	} while (err == -EEXIST);
	return !err;
}

/* In an LRU map the look-up is what makes the source a recent one */
static void note_recent(const struct sources_key *key)
{
	u64 now = ktime_get_boottime_ns(), *seen;

	rcu_read_lock();
	seen = bpfmap_lookup_elem(recent, key);
	if (seen)
		WRITE_ONCE(*seen, now);
	rcu_read_unlock();
	if (!seen)
		bpfmap_update_elem(recent, key, &now, BPFMAP_F_ANY);
}

/*
 * Called for IPv4 and for IPv6, in softirq context, once the header was found to
 * be whole. What the network card or GRO has put together is one packet.
 */
static unsigned int sources_hook(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct sources_key key = { .netns = state->net->ns.inum };

	if (state->pf == NFPROTO_IPV6)
		key.addr = ipv6_hdr(skb)->saddr;
	else
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, &key.addr);
	if (!count_packet(&key, skb->len))
		count_packet(&other_sources, skb->len);
	note_recent(&key);
	return NF_ACCEPT;
}

/* NFPROTO_INET is both; before all other hooks, which may drop packets */
static const struct nf_hook_ops sources_ops = {
	.hook = sources_hook,
	.pf = NFPROTO_INET,
	.hooknum = NF_INET_PRE_ROUTING,
	.priority = NF_IP_PRI_FIRST,
};

/* --- network namespaces --- */

static int __net_init sources_net_init(struct net *net)
{
	return nf_register_net_hook(net, &sources_ops);
}

static void __net_exit sources_net_pre_exit(struct net *net)
{
	nf_unregister_net_hook(net, &sources_ops);
}

static long forget_source(struct bpfmap *map, const void *key, void *value,
			  void *ctx)
{
	const struct sources_key *source = key;
	const struct net *net = ctx;

	if (source->netns == net->ns.inum)
		bpfmap_delete_elem(map, source);
	return 0;
}

/*
 * A grace period after sources_net_pre_exit(): no hook runs any more. The number
 * of the namespace will be another's, which must not inherit the counts. When it
 * is the module that goes, the counts stay, for users of the pinned map.
 */
static void __net_exit sources_net_exit(struct net *net)
{
	if (check_net(net))
		return;
	bpfmap_for_each_elem(sources, forget_source, net, 0);
	bpfmap_for_each_elem(recent, forget_source, net, 0);
}

static struct pernet_operations sources_net_ops = {
	.init = sources_net_init,
	.pre_exit = sources_net_pre_exit,
	.exit = sources_net_exit,
};

/* --- module --- */

static int __init create_maps(void)
{
	const struct bpfmap_create_attr sources_attr = {
		.map_type = BPFMAP_TYPE_PERCPU_HASH,
		.key_size = sizeof(struct sources_key),
		.value_size = sizeof(struct sources_count),
		.max_entries = max_sources,
		.map_name = SOURCES_MAP,
	};
	const struct bpfmap_create_attr recent_attr = {
		.map_type = BPFMAP_TYPE_LRU_HASH,
		.key_size = sizeof(struct sources_key),
		.value_size = sizeof(u64),
		.max_entries = max_recent,
		.map_name = SOURCES_RECENT,
	};
	const struct sources_count none = {};
	int err;

	sources = bpfmap_create(&sources_attr);
	if (IS_ERR(sources))
		return PTR_ERR(sources);
	recent = bpfmap_create(&recent_attr);
	if (IS_ERR(recent)) {
		err = PTR_ERR(recent);
		goto put_sources;
	}
	/* Now there is room for it */
	err = bpfmap_update_elem(sources, &other_sources, &none,
				 BPFMAP_F_NOEXIST);
	if (!err)
		return 0;
	bpfmap_put(recent);
put_sources:
	bpfmap_put(sources);
	return err;
}

static void put_maps(void)
{
	bpfmap_put(recent);
	bpfmap_put(sources);
}

static int __init sources_init(void)
{
	int err = create_maps();

	if (err)
		return err;
	err = register_pernet_subsys(&sources_net_ops);
	if (err)
		put_maps();
	return err;
}

/* Unregisters the hooks and waits for those that run, in all namespaces */
static void __exit sources_exit(void)
{
	unregister_pernet_subsys(&sources_net_ops);
	put_maps();
}

module_init(sources_init);
module_exit(sources_exit);

MODULE_DESCRIPTION("Example: a module that counts packets by source");
MODULE_LICENSE("GPL");
