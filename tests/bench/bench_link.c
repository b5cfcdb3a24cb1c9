/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The link against bare transfers of as many bytes over the same link_ops:
 * parts of 256 KiB, each announced and answered, against runs of 16 cells.
 *
 *	bench_link [MIB]			both ends here, over a socket
 *	bench_link host DEVICE [MIB]		usb or unix:/PATH
 *	bench_link appliance ADDRESS		as "link" in a site file
 *
 * Prints {"link": bytes/s, "raw": bytes/s}.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "appliance/linkport.h"
#include "host-tools/cable.h"
#include "usb-transfer/link_ffs.h"

#define MIB	   (1u << 20)
#define RUN	   ((size_t)LINK_RUN * LINK_CELL)
#define DEFAULT	   "256"
#define RAW_END_MS 10000

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
must(int r, const struct diag *d, const char *what)
{
	if (r == 0)
		return;
	(void)fprintf(stderr, "bench_link: %s: %s %s\n", what, err_id(r),
	    d->found);
	exit(1);
}

/* PART: u32 bytes follow in cells; GET: u32 runs follow, bare */
static uint32_t
announced(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static void
announce(struct link *l, enum link_type type, uint32_t n)
{
	const uint8_t p[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16),
		(uint8_t)(n >> 8), (uint8_t)n };
	struct diag d = { 0 };

	must(link_send(l, type, p, sizeof(p), &d), &d, "announce");
}

static void
answer(struct link *l, uint8_t *buf)
{
	struct diag d = { 0 };
	uint8_t type;
	size_t n;

	must(link_recv(l, RAW_END_MS, &type, buf, &n, &d), &d, "answer");
}

/* Until an END */
static void
serve(struct link *l)
{
	uint8_t *buf = malloc(LINK_PART_MAX), head[LINK_DATA], type = 0;
	struct diag d = { 0 };
	uint32_t n;
	size_t len;

	while (type != LINK_END) {
		must(link_recv(l, RAW_END_MS, &type, head, &len, &d), &d,
		    "request");
		n = announced(head);
		if (type == LINK_PART)
			must(link_recv_bytes(l, buf, n, &d), &d, "bytes");
		for (; type == LINK_GET && n > 0; n--)
			must(l->ops->recv(l->arg, buf, LINK_RUN, RAW_END_MS,
				 &d),
			    &d, "run");
		must(link_send(l, (enum link_type)type, NULL, 0, &d), &d,
		    "answer");
	}
	free(buf);
}

static void
measure(struct link *l, size_t bytes)
{
	uint8_t *buf = calloc(1, LINK_PART_MAX), in[LINK_DATA];
	struct diag d = { 0 };
	double t, by_link, raw;
	size_t i;

	t = now();
	for (i = 0; i < bytes; i += LINK_PART_MAX) {
		announce(l, LINK_PART, LINK_PART_MAX);
		must(link_send_bytes(l, buf, LINK_PART_MAX, &d), &d, "bytes");
		answer(l, in);
	}
	by_link = now() - t;
	t = now();
	announce(l, LINK_GET, (uint32_t)(bytes / RUN));
	for (i = 0; i < bytes; i += RUN)
		must(l->ops->send(l->arg, buf, LINK_RUN, RAW_END_MS, &d), &d,
		    "run");
	answer(l, in);
	raw = now() - t;
	announce(l, LINK_END, 0);
	answer(l, in);
	(void)printf("{\"link\": %.0f, \"raw\": %.0f}\n",
	    (double)bytes / by_link, (double)bytes / raw);
	free(buf);
}

static void
appliance(const struct link_port *port)
{
	struct pollfd p[LINK_PORT_FDS];
	uint8_t cell[LINK_CELL], nonce[LINK_NONCE];
	bool is_cell = false, lost;
	struct diag d = { 0 };
	struct link l;

	must(link_init(&l, LINK_APPLIANCE, port->ops, port->cable, &d), &d,
	    "memory");
	while (!l.open) {
		port->fds(port->arg, p);
		(void)poll(p, LINK_PORT_FDS, -1);
		must(port->event(port->arg, p, &is_cell, &lost, &d), &d,
		    "cable");
		if (!is_cell)
			continue;
		must(port->ops->recv(port->cable, cell, 1, LINK_CELL_MS, &d),
		    &d, "cell");
		if (link_cell_is_hello(cell, nonce))
			must(link_accept(&l, nonce, &d), &d, "hello");
	}
	serve(&l);
	link_done(&l);
}

static void
open_appliance(const char *address)
{
	static struct link_listener listener;
	static struct link_ffs ffs;
	struct link_port port;
	struct diag d = { 0 };
	int fds[LINKPORT_FDS];
	size_t n = 0;

	must(linkport_open(address, fds, &n, &d), &d, address);
	if (n == 1)
		link_listener_port(&listener, fds[0], &port);
	else
		must(link_ffs_port(&ffs, fds[0], fds[1], fds[2], &port, &d), &d,
		    address);
	appliance(&port);
}

static void
both(size_t bytes)
{
	struct link_stream end[2];
	struct diag d = { 0 };
	struct link l;
	uint8_t cell[LINK_CELL], nonce[LINK_NONCE];
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) != 0)
		exit(1);
	end[0].fd = sv[0];
	end[1].fd = sv[1];
	if (fork() == 0) {
		(void)close(sv[0]);
		must(link_init(&l, LINK_APPLIANCE, &link_stream_ops, &end[1],
			 &d),
		    &d, "memory");
		must(link_stream_ops.recv(&end[1], cell, 1, LINK_CELL_MS, &d),
		    &d, "hello");
		if (!link_cell_is_hello(cell, nonce))
			exit(1);
		must(link_accept(&l, nonce, &d), &d, "hello");
		serve(&l);
		exit(0);
	}
	(void)close(sv[1]);
	must(link_init(&l, LINK_HOST, &link_stream_ops, &end[0], &d), &d,
	    "memory");
	must(link_connect(&l, &d), &d, "hello");
	measure(&l, bytes);
	link_done(&l);
	(void)wait(NULL);
}

static size_t
mib(const char *s)
{
	return (size_t)strtoul(s, NULL, 10) * MIB;
}

int
main(int argc, char **argv)
{
	struct cable c = { .stream.fd = -1 };
	struct diag d = { 0 };

	if (argc >= 3 && strcmp(argv[1], "appliance") == 0) {
		open_appliance(argv[2]);
	} else if (argc >= 3 && strcmp(argv[1], "host") == 0) {
		must(cable_open(argv[2], true, &c, &d), &d, argv[2]);
		measure(&c.l, mib(argc > 3 ? argv[3] : DEFAULT));
		cable_done(&c);
	} else {
		both(mib(argc > 1 ? argv[1] : DEFAULT));
	}
	return 0;
}
