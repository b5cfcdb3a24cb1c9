/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-usb by hand, on the real bus of a machine (a guest in the tests):
 *
 *	usbask COLDSEAL-USB in|out|readers RULE... [-- PROGRAM [ARGUMENT...]]
 *
 * A RULE is a port, or for readers PORT=VENDOR:PRODUCT.  It says what was
 * seen, and with a PROGRAM opens it: the program has the node as descriptor 4,
 * and "usb=INTERFACE,IN,OUT" as its last argument.  Exit: that of the program;
 * 1 refused; 4 coldseal-usb ended.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "lib/ipc.h"
#include "lib/proto.h"

#define WAIT_MS	  10000u
#define ANSWER_MS 60000
#define MAX_ARGS  32

extern char **environ;

static int sock = -1;

static void
die(const char *what)
{
	(void)fprintf(stderr, "usbask: %s\n", what);
	exit(4);
}

static void
must(int r)
{
	if (r != 0)
		die(err_id(r));
}

static int
run(char **argv, int fd, int as)
{
	posix_spawn_file_actions_t fa;
	int status, high = fcntl(fd, F_DUPFD_CLOEXEC, 40);
	pid_t pid;

	(void)posix_spawn_file_actions_init(&fa);
	(void)posix_spawn_file_actions_adddup2(&fa, high, as);
	if (posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ) != 0)
		die(argv[0]);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)close(high);
	if (as == 3) /* coldseal-usb goes on */
		return 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Exits with 1 and its words if it is refused. */
static void
refused(struct rd *rd)
{
	struct diag d = { 0 };
	char text[800];

	must(ipc_get_diag(rd, &d));
	diag_format(&d, text, sizeof(text));
	(void)printf("%s", text);
	exit(1);
}

static void
ask(uint16_t type, const struct buf *b, uint16_t want, struct ipc_msg *m)
{
	struct rd rd;

	must(ipc_send_buf(sock, type, b, -1));
	if (ipc_recv(sock, m, ANSWER_MS) != 0)
		die("coldseal-usb ended");
	rd = (struct rd)RD_INIT(m->body.p, m->body.len);
	if (m->type == USB_FAIL)
		refused(&rd);
	if (m->type != want)
		die("another answer");
}

static enum usb_use
put_rules(struct buf *b, char **argv, int n)
{
	const char *use = argv[0];
	enum usb_use u = strcmp(use, "readers") == 0 ? USB_USE_READER :
	    strcmp(use, "out") == 0		     ? USB_USE_OUT :
						       USB_USE_IN;
	unsigned int vendor, product;
	char *at;
	int i;

	must(buf_put_u32(b, (uint32_t)(n - 1)));
	for (i = 1; i < n; i++) {
		vendor = product = 0;
		at = strchr(argv[i], '=');
		if (at != NULL &&
		    sscanf(at + 1, "%4x:%4x", &vendor, &product) != 2)
			die(argv[i]);
		must(buf_put_u8(b, (uint8_t)u));
		must(buf_put_str(b, argv[i],
		    at == NULL ? strlen(argv[i]) : (size_t)(at - argv[i])));
		must(buf_put_u16(b, (uint16_t)vendor));
		must(buf_put_u16(b, (uint16_t)product));
	}
	return u;
}

static void
look(enum usb_use use)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(64);
	char text[2000];
	uint8_t good;
	struct rd rd;

	must(buf_put_u8(&b, (uint8_t)use));
	must(buf_put_u32(&b, WAIT_MS));
	ask(USB_LOOK, &b, USB_SEEN, &m);
	buf_done(&b);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	must(rd_cstr_into(&rd, text, sizeof(text)));
	must(rd_u8(&rd, &good));
	(void)printf("%s\n", text);
	if (good == 0)
		refused(&rd);
	(void)printf("a plain stick\n");
	(void)fflush(stdout);
}

static int
use_it(char **argv, int n)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_msg_ struct ipc_msg off = IPC_MSG_INIT;
	struct buf none = BUF_INIT(16);
	char *args[MAX_ARGS] = { NULL }, arg[32];
	uint8_t iface, in, out;
	struct rd rd;
	int i, r;

	ask(USB_OPEN, &none, USB_OPENED, &m);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	must(rd_u8(&rd, &iface));
	must(rd_u8(&rd, &in));
	must(rd_u8(&rd, &out));
	(void)snprintf(arg, sizeof(arg), "usb=%x,%02x,%02x", iface, in, out);
	(void)printf("%s\n", arg);
	(void)fflush(stdout);
	for (i = 0; i < n && i < MAX_ARGS - 2; i++)
		args[i] = argv[i];
	args[i] = arg;
	r = run(args, m.fd, 4);
	ask(USB_CLOSE, &none, USB_READY, &off);
	return r;
}

int
main(int argc, char **argv)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(4096);
	char *broker[] = { NULL, NULL };
	enum usb_use use;
	int pair[2], n = 2;

	while (n < argc && strcmp(argv[n], "--") != 0)
		n++;
	if (n < 4)
		die("usbask COLDSEAL-USB in|out|readers RULE... [-- PROGRAM]");
	must(ipc_pair(pair));
	sock = pair[0];
	broker[0] = argv[1];
	(void)run(broker, pair[1], 3);
	(void)close(pair[1]);
	use = put_rules(&b, argv + 2, n - 2);
	ask(USB_RULES, &b, USB_READY, &m);
	buf_reset(&b);
	if (use == USB_USE_READER) {
		ask(USB_READERS, &b, USB_READY, &m);
		(void)printf("readers are on\n");
		return 0;
	}
	buf_done(&b);
	look(use);
	return n + 1 < argc ? use_it(argv + n + 1, argc - n - 1) : 0;
}
