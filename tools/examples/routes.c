// SPDX-License-Identifier: GPL-2.0-only
/*
 * A route table in an LPM_TRIE, loaded from a file and replaced as a whole
 *
 *	routes load FILE	make FILE the table; nothing changes if it is bad
 *	routes serve FILE	the same, and again for each SIGHUP
 *	routes get ADDRESS...	where to: the longest prefix that covers it
 *
 * A line of FILE is a prefix and a next hop, "10.0.0.0/8 192.0.2.1" or
 * "2001:db8::/32 fe80::1"; "#" begins a comment. The table is pinned.
 *
 * What is pinned is an array of maps with one element, the table in force. A new
 * table is filled where nobody sees it and then put in: one write. Readers have
 * either the old table or the new one, all of it; the old one is freed when the
 * last of them has closed it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <bpfmap.h>

#include "routes.h"

static const char *pin = ROUTES_PIN;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* --- text --- */

/* 4 or 6, or 0 if it is no address */
static __u8 parse_address(const char *text, __u8 addr[16])
{
	memset(addr, 0, 16);
	if (inet_pton(AF_INET, text, addr) == 1)
		return 4;
	return inet_pton(AF_INET6, text, addr) == 1 ? 6 : 0;
}

static const char *print_address(__u8 family, const __u8 addr[16])
{
	static char text[2][INET6_ADDRSTRLEN];
	static int turn;

	turn = !turn;
	return inet_ntop(family == 4 ? AF_INET : AF_INET6, addr, text[turn],
			 sizeof(text[turn]));
}

/* Bits beyond the prefix mean nothing to the trie; we take them for a mistake */
static int has_host_bits(const __u8 addr[16], unsigned int len)
{
	for (unsigned int bit = len; bit < 128; bit++)
		if (addr[bit / 8] & 0x80 >> bit % 8)
			return 1;
	return 0;
}

/* "PREFIX/LENGTH HOP" becomes a key and a value: NULL, or what is wrong */
static const char *parse_route(char *line, struct route_key *key,
			       struct route *route)
{
	char *prefix = strtok(line, " \t\n"), *hop = strtok(NULL, " \t\n");
	char *slash = prefix ? strchr(prefix, '/') : NULL, *end;
	unsigned long len;

	if (!slash || !hop || strtok(NULL, " \t\n"))
		return "not a prefix with its length, and a next hop";
	*slash = '\0';
	key->family = parse_address(prefix, key->addr);
	if (!key->family)
		return "no address before the /";
	len = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || slash[1] == '-' ||
	    len > (key->family == 4 ? 32 : 128))
		return "no prefix length after the /";
	if (has_host_bits(key->addr, len))
		return "the address has bits beyond the prefix";
	key->prefixlen = ROUTE_FAMILY_BITS + len;
	route->len = len;
	route->hop_family = parse_address(hop, route->hop);
	return route->hop_family ? NULL : "the next hop is no address";
}

/* --- a file --- */

struct table {
	struct route_key *keys;
	struct route *routes;
	__u32 count, room;
};

static int add_route(struct table *t, const struct route_key *key,
		     const struct route *route)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 1024;
		t->keys = realloc(t->keys, t->room * sizeof(*t->keys));
		t->routes = realloc(t->routes, t->room * sizeof(*t->routes));
		if (!t->keys || !t->routes)
			return -ENOMEM;
	}
	t->keys[t->count] = *key;
	t->routes[t->count++] = *route;
	return 0;
}

static int read_table(const char *path, __u32 version, struct table *t)
{
	struct route route = { .version = version };
	FILE *file = fopen(path, "re");
	unsigned long number = 0;
	struct route_key key;
	const char *wrong;
	char line[256];
	int err = 0;

	if (!file) {
		perror(path);
		return -errno;
	}
	while (!err && fgets(line, sizeof(line), file)) {
		number++;
		line[strcspn(line, "#")] = '\0';
		if (!line[strspn(line, " \t\n")])
			continue;
		wrong = parse_route(line, &key, &route);
		if (wrong)
			fprintf(stderr, "%s:%lu: %s\n", path, number, wrong);
		err = wrong ? -EINVAL : add_route(t, &key, &route);
	}
	if (!err && ferror(file))
		err = -EIO;
	fclose(file);
	return err;
}

/* --- maps --- */

/* Tries of any size are alike for a map of maps, but not of other flags */
static int new_trie(__u32 max_entries)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = BPFMAP_F_NO_PREALLOC);

	return bpfmap_create(BPFMAP_TYPE_LPM_TRIE, "routes",
			     sizeof(struct route_key), sizeof(struct route),
			     max_entries ? max_entries : 1, &opts);
}

/* The array of maps: where it is pinned, or a new one */
static int open_tables(void)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = 0);
	int like, outer = bpfmap_obj_get(pin), err;

	if (outer != -ENOENT)
		return outer;
	like = new_trie(1);
	if (like < 0)
		return like;
	opts.inner_map_fd = like;
	outer = bpfmap_create(BPFMAP_TYPE_ARRAY_OF_MAPS, "route_tables",
			      sizeof(__u32), sizeof(__u32), 1, &opts);
	close(like);
	err = outer < 0 ? outer : bpfmap_obj_pin(outer, pin);
	if (err && outer >= 0)
		close(outer);
	return err ? err : outer;
}

/* All of them in few calls. A prefix that is there twice: the last one counts */
static int fill(int trie, const struct table *t)
{
	__u32 done = 0, count;
	int err = 0;

	while (!err && done < t->count) {
		count = t->count - done;
		err = bpfmap_update_batch(trie, t->keys + done, t->routes + done,
					  &count, NULL);
		done += count;
	}
	return err;
}

static int load(int outer, const char *path)
{
	double began = now(), parsed, filled;
	struct table t = { 0 };
	const __u32 slot = 0;
	int trie = -1, err;

	/* No two tables have the same one: milliseconds */
	err = read_table(path, (__u64)(began * 1e3), &t);
	if (err)
		goto out;
	parsed = now();
	trie = new_trie(t.count);
	err = trie < 0 ? trie : fill(trie, &t);
	filled = now();
	/* Now the new table is whole: from here on it is the one */
	if (!err)
		err = bpfmap_update_elem(outer, &slot, &trie, 0);
	if (!err)
		printf("%u routes: read in %.0f ms, stored in %.0f ms, in force after %.1f ms more\n",
		       t.count, (parsed - began) * 1e3, (filled - parsed) * 1e3,
		       (now() - filled) * 1e3);
	fflush(stdout);
out:
	if (err)
		fprintf(stderr, "%s: the table stays as it was: %s\n", path,
			strerror(-err));
	if (trie >= 0)
		close(trie);
	free(t.keys);
	free(t.routes);
	return err;
}

/* --- what it is called for --- */

static int serve(int outer, const char *path)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (load(outer, path))
		return 1;
	while (!sigwait(&set, &signal) && signal == SIGHUP)
		load(outer, path);
	return 0;
}

static int get(int trie, const char *text)
{
	struct route_key key = { 0 };
	struct route route;
	int err;

	key.family = parse_address(text, key.addr);
	if (!key.family) {
		fprintf(stderr, "%s is no address\n", text);
		return 2;
	}
	key.prefixlen = ROUTE_FAMILY_BITS + (key.family == 4 ? 32 : 128);
	err = bpfmap_lookup_elem(trie, &key, &route);
	if (err) {
		printf("%s: %s\n", text, err == -ENOENT ? "no route" :
		       strerror(-err));
		return 1;
	}
	for (unsigned int bit = route.len; bit < 128; bit++)
		key.addr[bit / 8] &= ~(0x80 >> bit % 8);
	printf("%s via %s by %s/%u\n", text,
	       print_address(route.hop_family, route.hop),
	       print_address(key.family, key.addr), route.len);
	return 0;
}

static int get_all(char **addresses)
{
	BPFMAP_OPTS(bpfmap_obj_get_opts, opts, .file_flags = BPFMAP_F_RDONLY);
	int outer = bpfmap_obj_get_opts(pin, &opts), status = 0, trie, one;

	/* One table for all of the answers */
	trie = outer < 0 ? outer : route_table(outer);
	if (trie < 0) {
		fprintf(stderr, "%s: %s\n", pin, strerror(-trie));
		return 2;
	}
	while (*addresses) {
		one = get(trie, *addresses++);
		status = one > status ? one : status;
	}
	return status;
}

int main(int argc, char **argv)
{
	int outer;

	if (getenv("ROUTES_PIN"))
		pin = getenv("ROUTES_PIN");
	if (argc > 2 && !strcmp(argv[1], "get"))
		return get_all(argv + 2);
	if (argc != 3 || (strcmp(argv[1], "load") && strcmp(argv[1], "serve"))) {
		fputs("usage: routes load|serve FILE\n"
		      "       routes get ADDRESS...\n", stderr);
		return 2;
	}
	outer = open_tables();
	if (outer < 0) {
		fprintf(stderr, "%s: %s\n", pin, strerror(-outer));
		return 2;
	}
	if (!strcmp(argv[1], "serve"))
		return serve(outer, argv[2]);
	return load(outer, argv[2]) ? 1 : 0;
}
