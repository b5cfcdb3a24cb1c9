/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-link without an appliance: over a cable as in a site file, with
 * this for its core and its intake.  usage: linkrun ADDRESS
 *
 * Asks for one bundle; prints "bytes sha256" of it, and tells the host that it
 * was taken in.  Ends with coldseal-link, or by a signal, which ends that.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "appliance/linkport.h"
#include "lib/hex.h"
#include "lib/ipc.h"
#include "lib/proto_link.h"
#include "lib/sha.h"

#define HEAD 9u /* what coldseal-link says of the bundle first */
#define ENDS 10000

extern char **environ;

static void
must(int r, const struct diag *d, const char *what)
{
	if (r == 0)
		return;
	(void)fprintf(stderr, "linkrun: %s: %s %s\n", what, err_id(r),
	    d->found);
	exit(1);
}

/* Descriptor 3 is its socket, those of the cable follow. */
static int
start(const char *address)
{
	const char *bin = getenv("CS_BIN");
	const char *argv[] = { "coldseal-link", "linkrun", "600", NULL };
	posix_spawn_file_actions_t fa;
	int fds[LINKPORT_FDS], sv[2], i;
	struct diag d = { 0 };
	char path[512];
	size_t n = 0;
	pid_t pid;

	must(linkport_open(address, fds, &n, &d), &d, address);
	must(ipc_pair(sv), &d, "socket");
	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawn_file_actions_adddup2(&fa,
	    fcntl(sv[1], F_DUPFD_CLOEXEC, 20), 3);
	for (i = 0; i < (int)n; i++)
		(void)posix_spawn_file_actions_adddup2(&fa,
		    fcntl(fds[i], F_DUPFD_CLOEXEC, 20), 4 + i);
	(void)snprintf(path, sizeof(path), "%s/coldseal-link",
	    bin != NULL ? bin : "/usr/bin");
	if (posix_spawn(&pid, path, &fa, NULL, (char *const *)(uintptr_t)argv,
		environ) != 0)
		exit(1);
	(void)close_range(20, ~0u, 0);
	for (i = 0; i < (int)n; i++)
		(void)close(fds[i]);
	(void)close(sv[1]);
	(void)printf("started %d\n", (int)pid);
	return sv[0];
}

static void
read_bundle(int pipe)
{
	uint8_t buf[65536], sha[32];
	struct hasher *h = NULL;
	struct diag d = { 0 };
	unsigned long long total = 0;
	size_t skip = HEAD, k;
	char hex[65];
	ssize_t n;

	must(hasher_new(HASH_SHA256, &h), &d, "sha256");
	while ((n = read(pipe, buf, sizeof(buf))) > 0) {
		k = skip < (size_t)n ? skip : (size_t)n;
		skip -= k;
		must(hasher_update(h, buf + k, (size_t)n - k), &d, "sha256");
		total += (size_t)n - k;
	}
	must(hasher_final(h, sha, sizeof(sha)), &d, "sha256");
	hasher_free(&h);
	hex_encode(sha, sizeof(sha), hex);
	(void)printf("%llu %s\n", total, hex);
}

static bool
one(int sock)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT, end = IPC_MSG_INIT;
	struct buf b = BUF_INIT(256);
	int p[2], r;

	if (pipe2(p, O_CLOEXEC) != 0 ||
	    ipc_send(sock, LINK_TAKE, NULL, 0, p[1]) != 0)
		return false;
	(void)close(p[1]);
	read_bundle(p[0]);
	(void)close(p[0]);
	if (ipc_recv(sock, &m, ENDS) != 0 || m.type != LINK_TAKEN_ALL)
		return false;
	r = buf_put_u8(&b, 1);
	if (r == 0)
		r = buf_put_cstr(&b, "by linkrun");
	if (r == 0)
		r = ipc_send_buf(sock, LINK_RESULT, &b, -1);
	buf_done(&b);
	return r == 0 && ipc_recv(sock, &end, IPC_NO_TIMEOUT) == 0;
}

int
main(int argc, char **argv)
{
	int sock;

	if (argc != 2)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	sock = start(argv[1]);
	return one(sock) ? 0 : 1;
}
