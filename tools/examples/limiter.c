// SPDX-License-Identifier: GPL-2.0-only
/*
 * A rate limiter for several processes, with a token bucket for each client
 *
 *	limiter serve DIR RATE BURST CLIENTS	make the maps, give them away
 *	limiter work DIR SECONDS CLIENT...	ask for tokens, as fast as it goes
 *	limiter watch DIR			print what was given
 *	limiter meddle DIR			try what a watcher must not do
 *
 * The server listens on two sockets of DIR and sends descriptors: clients of
 * "work" get maps to write, those of "watch" the same maps read only. From then
 * on nobody needs the server: taking a token is one atomic operation on memory
 * that all workers have mapped, with no system call.
 *
 * A bucket is one number, the time at which it will be full again. To take a
 * token moves that time by an interval, if it is not too far away then, and
 * nobody has moved it meanwhile. As it is one number, a compare-and-swap does
 * it: whatever processes do at the same time, or if one of them dies, no token
 * is given twice and none is lost.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <bpfmap.h>

#define NAME_LEN 16	/* of a client */
#define PIN "/sys/fs/bpfmap/limiter"

/**
 * struct bucket - a client's, in memory that processes share
 * @full: when it will be full; CLOCK_MONOTONIC in ns
 * @given: tokens
 * @refused: requests for which there was none
 */
struct bucket {
	_Atomic __u64 full;
	_Atomic __u64 given;
	_Atomic __u64 refused;
};

/**
 * struct limits - what the server says about all buckets
 * @interval: ns from one token to the next
 * @window: ns that @full may be away: burst intervals
 * @clients: how many there is room for
 */
struct limits {
	__u64 interval;
	__u64 window;
	__u32 clients;
};

/*
 * The maps, and the order in which descriptors are sent. Which bucket a client
 * has is in a HASH; the buckets are an ARRAY, which can be mapped, and a QUEUE
 * has the numbers of those that are nobody's.
 */
enum { CLIENTS, BUCKETS, FREE, MAPS };

static __u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(err < 0 ? -err : errno));
	return 1;
}

/* --- descriptors over a socket --- */

union control {
	char buf[CMSG_SPACE(MAPS * sizeof(int))];
	struct cmsghdr align;
};

static int send_maps(int sock, const int *maps, const struct limits *limits)
{
	struct iovec data = { (void *)limits, sizeof(*limits) };
	union control control = { 0 };
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(MAPS * sizeof(int));
	memcpy(CMSG_DATA(head), maps, MAPS * sizeof(int));
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == sizeof(*limits) ? 0 : -1;
}

static int receive_maps(int sock, int *maps, struct limits *limits)
{
	struct iovec data = { limits, sizeof(*limits) };
	union control control;
	struct msghdr msg = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

	if (n != sizeof(*limits) || !head || head->cmsg_type != SCM_RIGHTS ||
	    head->cmsg_len != CMSG_LEN(MAPS * sizeof(int))) {
		errno = n < 0 ? errno : EPROTO;
		return -1;
	}
	memcpy(maps, CMSG_DATA(head), MAPS * sizeof(int));
	return 0;
}

static int open_socket(const char *dir, const char *name, mode_t mode)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), err;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, name);
	if (!mode) {
		err = connect(sock, (struct sockaddr *)&addr, sizeof(addr));
	} else {
		unlink(addr.sun_path);
		/* Nobody can connect before the mode is right: no listen() yet */
		err = bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
		      chmod(addr.sun_path, mode) || listen(sock, 16);
	}
	if (!err)
		return sock;
	fail(addr.sun_path, 0);
	return -1;
}

/* --- server --- */

/*
 * The mode of a descriptor is fixed when it is opened, and a pin can be opened
 * in any: it has its name only for this moment, and nobody else may open it.
 */
static int read_only(int map)
{
	BPFMAP_OPTS(bpfmap_obj_get_opts, opts, .file_flags = BPFMAP_F_RDONLY);
	int fd = bpfmap_obj_pin(map, PIN);

	if (fd)
		return fd;
	fd = bpfmap_obj_get_opts(PIN, &opts);
	unlink(PIN);
	return fd;
}

static int make_maps(__u32 clients, int *maps)
{
	BPFMAP_OPTS(bpfmap_create_opts, mapped, .map_flags = BPFMAP_F_MMAPABLE);
	int err = 0;

	maps[CLIENTS] = bpfmap_create(BPFMAP_TYPE_HASH, "clients", NAME_LEN,
				      sizeof(__u32), clients, NULL);
	maps[BUCKETS] = bpfmap_create(BPFMAP_TYPE_ARRAY, "buckets",
				      sizeof(__u32), sizeof(struct bucket),
				      clients, &mapped);
	maps[FREE] = bpfmap_create(BPFMAP_TYPE_QUEUE, "free_buckets", 0,
				   sizeof(__u32), clients, NULL);
	for (int i = 0; i < MAPS; i++)
		if (maps[i] < 0)
			return maps[i];
	for (__u32 i = 0; i < clients && !err; i++)
		err = bpfmap_update_elem(maps[FREE], NULL, &i, 0);
	return err;
}

static int give_away(const struct pollfd *socks, int maps[2][MAPS],
		     const struct limits *limits)
{
	int sock;

	for (int i = 0; i < 2; i++) {
		if (!socks[i].revents)
			continue;
		sock = accept(socks[i].fd, NULL, NULL);
		/* A client that has left already is no error */
		if (sock < 0)
			continue;
		if (send_maps(sock, maps[i], limits))
			fail("send", 0);
		close(sock);
	}
	return 0;
}

static int serve(const char *dir, double rate, __u64 burst, __u32 clients)
{
	const struct limits limits = {
		.interval = 1e9 / rate,
		.window = (__u64)(1e9 / rate) * burst,
		.clients = clients,
	};
	struct pollfd socks[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int maps[2][MAPS], err;

	err = make_maps(clients, maps[0]);
	if (err)
		return fail("/dev/bpfmap", err);
	for (int i = 0; i < MAPS; i++) {
		maps[1][i] = read_only(maps[0][i]);
		if (maps[1][i] < 0)
			return fail(PIN, maps[1][i]);
	}
	socks[0].fd = open_socket(dir, "work", 0600);
	socks[1].fd = open_socket(dir, "watch", 0666);
	if (socks[0].fd < 0 || socks[1].fd < 0)
		return 1;
	while (poll(socks, 2, -1) >= 0 || errno == EINTR)
		give_away(socks, maps, &limits);
	return fail("poll", 0);
}

/* --- worker --- */

/*
 * Number of a client's bucket. A new client gets one from the queue, where no
 * two processes get the same. If another one has registered the same client at
 * the same moment, BPFMAP_F_NOEXIST lets only one of them succeed.
 */
static int bucket_of(const int *maps, const char *name, __u32 *number)
{
	char key[NAME_LEN] = "";
	__u32 mine;
	int err;

	memcpy(key, name, strnlen(name, NAME_LEN));
	err = bpfmap_lookup_elem(maps[CLIENTS], key, number);
	if (err != -ENOENT)
		return err;
	err = bpfmap_lookup_and_delete_elem(maps[FREE], NULL, &mine);
	if (err)
		return err;	/* -ENOENT: too many clients */
	err = bpfmap_update_elem(maps[CLIENTS], key, &mine, BPFMAP_F_NOEXIST);
	if (!err) {
		*number = mine;
		return 0;
	}
	bpfmap_update_elem(maps[FREE], NULL, &mine, 0);
	return err == -EEXIST ?
	       bpfmap_lookup_elem(maps[CLIENTS], key, number) : err;
}

/* True if there was a token */
static int take_token(struct bucket *bucket, const struct limits *limits)
{
	__u64 full = atomic_load_explicit(&bucket->full, memory_order_relaxed);
	__u64 time, next;

	do {
		time = now();
		/* A full bucket does not become fuller */
		next = (full > time ? full : time) + limits->interval;
		if (next > time + limits->window) {
			atomic_fetch_add_explicit(&bucket->refused, 1,
						  memory_order_relaxed);
			return 0;
		}
		/* If it fails, full is what another process has made of it */
	} while (!atomic_compare_exchange_weak_explicit(&bucket->full, &full,
				next, memory_order_relaxed, memory_order_relaxed));
	atomic_fetch_add_explicit(&bucket->given, 1, memory_order_relaxed);
	return 1;
}

static struct bucket *map_buckets(const int *maps, const struct limits *limits)
{
	return mmap(NULL, limits->clients * sizeof(struct bucket),
		    PROT_READ | PROT_WRITE, MAP_SHARED, maps[BUCKETS], 0);
}

static int work(const int *maps, const struct limits *limits, double seconds,
		int n, char **names)
{
	struct bucket *buckets = map_buckets(maps, limits);
	__u32 *numbers = calloc(n, sizeof(*numbers));
	unsigned long *got = calloc(n, sizeof(*got)), asked = 0;
	__u64 began = now(), end = began + seconds * 1e9;
	int err;

	if (buckets == MAP_FAILED || !numbers || !got)
		return fail("buckets", 0);
	for (int i = 0; i < n; i++) {
		err = bucket_of(maps, names[i], &numbers[i]);
		if (err) {
			fprintf(stderr, "%s: %s\n", names[i], err == -ENOENT ?
				"there is no bucket left" : strerror(-err));
			return 1;
		}
	}
	for (; now() < end; asked++)
		for (int i = 0; i < n; i++)
			got[i] += take_token(&buckets[numbers[i]], limits);
	for (int i = 0; i < n; i++)
		printf("%s: %lu of %lu requests in %.3f s\n", names[i], got[i],
		       asked, (now() - began) / 1e9);
	return 0;
}

/* --- watcher --- */

/* By system calls: what is open read only cannot be mapped, as with bpf(2) */
static int watch(const int *maps)
{
	char key[NAME_LEN], *from = NULL;
	struct bucket bucket;
	__u32 number;

	while (!bpfmap_get_next_key(maps[CLIENTS], from, key)) {
		from = key;
		if (bpfmap_lookup_elem(maps[CLIENTS], key, &number) ||
		    bpfmap_lookup_elem(maps[BUCKETS], &number, &bucket))
			continue;
		printf("%.16s: %llu given, %llu refused\n", key,
		       (unsigned long long)bucket.given,
		       (unsigned long long)bucket.refused);
	}
	return 0;
}

/* What the kernel answers to writes through read-only descriptors */
static int meddle(const int *maps, const struct limits *limits)
{
	char key[NAME_LEN] = "meddler";
	struct bucket bucket = { 0 };
	__u32 number = 0;
	int err;

	if (map_buckets(maps, limits) == MAP_FAILED)
		printf("mapping to write: %s\n", strerror(errno));
	err = bpfmap_update_elem(maps[BUCKETS], &number, &bucket, 0);
	printf("filling a bucket: %s\n", strerror(-err));
	err = bpfmap_update_elem(maps[CLIENTS], key, &number, 0);
	printf("a client with a bucket of another: %s\n", strerror(-err));
	err = bpfmap_lookup_and_delete_elem(maps[FREE], NULL, &number);
	printf("taking a bucket: %s\n", strerror(-err));
	return 0;
}

static int usage(void)
{
	fputs("usage: limiter serve DIR RATE BURST CLIENTS\n"
	      "       limiter work DIR SECONDS CLIENT...\n"
	      "       limiter watch|meddle DIR\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";
	int maps[MAPS], sock, working = !strcmp(verb, "work");
	struct limits limits;

	if (!strcmp(verb, "serve") && argc == 6 && atof(argv[3]) >= 0.001 &&
	    atof(argv[3]) <= 1e9 && atoi(argv[4]) > 0 && atoi(argv[5]) > 0)
		return serve(argv[2], atof(argv[3]), atoi(argv[4]),
			     atoi(argv[5]));
	if (working ? argc < 5 : argc != 3 || (strcmp(verb, "watch") &&
					       strcmp(verb, "meddle")))
		return usage();
	sock = open_socket(argv[2], working ? "work" : "watch", 0);
	if (sock < 0)
		return 1;
	if (receive_maps(sock, maps, &limits))
		return fail("receive", 0);
	close(sock);
	if (working)
		return work(maps, &limits, atof(argv[3]), argc - 4, argv + 4);
	return strcmp(verb, "watch") ? meddle(maps, &limits) :
				       watch(maps);
}
