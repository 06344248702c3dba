// SPDX-License-Identifier: GPL-2.0-only
/*
 * send_from SOURCE SOURCES COUNT SIZE TO - UDP packets that arrive
 *
 * COUNT packets with SIZE bytes of data to TO, which is an address of this
 * machine, from each of SOURCES addresses that begin with SOURCE; without end if
 * COUNT is 0. Each is received before the next one is sent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>

union addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void parse(const char *text, union addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, text, &addr->v4.sin_addr) == 1)
		addr->any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &addr->v6.sin6_addr) == 1)
		addr->any.sa_family = AF_INET6;
	else
		die(text);
}

static void next_address(union addr *addr)
{
	unsigned char *byte = addr->any.sa_family == AF_INET ?
			      (unsigned char *)&addr->v4.sin_addr + 3 :
			      &addr->v6.sin6_addr.s6_addr[15];

	while (!++*byte)
		byte--;
}

static int open_at(const union addr *addr)
{
	int sock = socket(addr->any.sa_family, SOCK_DGRAM, 0);

	if (sock < 0 || bind(sock, &addr->any, sizeof(*addr)))
		die("bind");
	return sock;
}

int main(int argc, char **argv)
{
	socklen_t len = sizeof(union addr);
	union addr from, to;
	char data[65536] = "";
	long sources, count, size;
	int sock, receiver;

	if (argc != 6)
		return 2;
	parse(argv[1], &from);
	sources = atol(argv[2]);
	count = atol(argv[3]);
	size = atol(argv[4]);
	parse(argv[5], &to);
	receiver = open_at(&to);
	if (size < 0 || size > 60000 || getsockname(receiver, &to.any, &len))
		die("size, port");
	for (; sources-- > 0; next_address(&from)) {
		sock = open_at(&from);
		for (long i = 0; !count || i < count; i++) {
			if (sendto(sock, data, size, 0, &to.any, sizeof(to)) != size)
				die("sendto");
			if (recv(receiver, data, sizeof(data), 0) != size)
				die("recv");
		}
		close(sock);
	}
	return 0;
}
