/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Plays the supervisor and the core for the three programs that handle a
 * stick, as they are: the broker decides and opens, intake or export works,
 * the broker switches off.  One line for each thing that they say.
 * usage: use_stick PORTS look
 *	  use_stick PORTS intake
 *	  use_stick PORTS export FILE	FILE becomes a member of COLDSEAL.RSP
 * PORTS as in the site file: 1-1,2-1.  Exit status: 0, or 1 if refused.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "lib/file.h"
#include "lib/filehash.h"
#include "lib/ipc.h"
#include "lib/proto.h"
#include "lib/sha.h"

#define LOOK_MS	  10000
#define ANSWER_MS 180000
#define DOC_MAX	  (1u << 20)

extern char **environ;

static void
die(const char *what)
{
	(void)printf("error: %s: %m\n", what);
	exit(2);
}

static void
must(int r, const char *what)
{
	if (r != 0) {
		(void)printf("error: %s: %s\n", what, err_id(r));
		exit(2);
	}
}

/* --- a program with its descriptors from 3 on --------------------------- */
struct child {
	pid_t pid;
	int sock;
};

static struct child
start(const char *name, const char *arg, const int *fds, size_t n)
{
	const char *dir = getenv("CS_BIN"), *argv[] = { name, arg, NULL };
	posix_spawn_file_actions_t fa;
	struct child c;
	char path[512];
	int pair[2], copies[4];
	size_t i;

	(void)snprintf(path, sizeof(path), "%s/%s",
	    dir != NULL ? dir : "/usr/bin", name);
	must(ipc_pair(pair), "socket");
	must(posix_spawn_file_actions_init(&fa), "spawn");
	for (i = 0; i <= n; i++) {
		copies[i] =
		    fcntl(i == 0 ? pair[1] : fds[i - 1], F_DUPFD_CLOEXEC, 20);
		if (copies[i] < 0 ||
		    posix_spawn_file_actions_adddup2(&fa, copies[i],
			3 + (int)i) != 0)
			die("descriptors");
	}
	errno = posix_spawn(&c.pid, path, &fa, NULL,
	    (char *const *)(uintptr_t)argv, environ);
	if (errno != 0)
		die(path);
	for (i = 0; i <= n; i++)
		(void)close(copies[i]);
	(void)close(pair[1]);
	c.sock = pair[0];
	return c;
}

static int
finish(struct child *c)
{
	int status;

	(void)close(c->sock);
	if (waitpid(c->pid, &status, 0) != c->pid)
		die("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
say_diag(struct rd *rd)
{
	struct diag d = { 0 };

	must(ipc_get_diag(rd, &d), "diag");
	(void)printf("refused: %s: %s\n", err_id(d.code), d.found);
}

/* The body of the next message of a kind; a refusal ends all of it. */
static struct rd
next(struct child *c, struct ipc_msg *m, uint16_t want, uint16_t fail)
{
	struct rd rd;

	must(ipc_recv(c->sock, m, ANSWER_MS), "no answer");
	rd = (struct rd)RD_INIT(m->body.p, m->body.len);
	if (m->type == fail) {
		say_diag(&rd);
		(void)finish(c);
		exit(1);
	}
	if (m->type != want && want != 0)
		die("another answer");
	return rd;
}

/* --- the broker --------------------------------------------------------- */
static void
put_rules(struct child *c, char *ports, enum usb_use use)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(1024);
	char *port, *rest = ports;
	uint32_t n = 1;

	for (port = ports; *port != '\0'; port++)
		n += *port == ',';
	must(buf_put_u32(&b, n), "rules");
	while ((port = strsep(&rest, ",")) != NULL)
		if (buf_put_u8(&b, (uint8_t)use) != 0 ||
		    buf_put_cstr(&b, port) != 0 || buf_put_u16(&b, 0) != 0 ||
		    buf_put_u16(&b, 0) != 0)
			die("rules");
	must(ipc_send_buf(c->sock, USB_RULES, &b, -1), "rules");
	buf_done(&b);
	(void)next(c, &m, USB_READY, USB_FAIL);
}

static bool
look(struct child *c, enum usb_use use)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(16);
	char text[1024];
	uint8_t good;
	struct rd rd;

	if (buf_put_u8(&b, (uint8_t)use) != 0 || buf_put_u32(&b, LOOK_MS) != 0)
		die("look");
	must(ipc_send_buf(c->sock, USB_LOOK, &b, -1), "look");
	buf_done(&b);
	rd = next(c, &m, USB_SEEN, USB_FAIL);
	must(rd_cstr_into(&rd, text, sizeof(text)), "text");
	must(rd_u8(&rd, &good), "verdict");
	(void)printf("seen: %s\n", text);
	if (good == 0)
		say_diag(&rd);
	return good != 0;
}

static int
open_stick(struct child *c, char *arg, size_t size)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	uint8_t iface, in, out;
	struct rd rd;

	must(ipc_send(c->sock, USB_OPEN, NULL, 0, -1), "open");
	rd = next(c, &m, USB_OPENED, USB_FAIL);
	if (rd_u8(&rd, &iface) != 0 || rd_u8(&rd, &in) != 0 ||
	    rd_u8(&rd, &out) != 0 || m.fd < 0)
		die("opened");
	(void)snprintf(arg, size, "usb=%x,%02x,%02x", iface, in, out);
	(void)printf("opened: %s\n", arg);
	return take_fd(&m.fd);
}

/* --- intake ------------------------------------------------------------- */
static void
say_doc(struct ipc_msg *m, struct rd *rd)
{
	_cleanup_free_ uint8_t *p = NULL;
	char name[128], hex[65];
	size_t n;

	must(rd_cstr_into(rd, name, sizeof(name)), "name");
	must(memfd_read_sealed(m->fd, DOC_MAX, &p, &n, NULL), "doc");
	must(sha256_hex(p, n, hex), "sha256");
	(void)printf("doc: %s %s\n", name, hex);
}

static void
say_artifact(struct rd *rd)
{
	char hex[65];
	uint64_t size;

	must(rd_cstr_into(rd, hex, sizeof(hex)), "artifact");
	must(rd_u64(rd, &size), "size");
	(void)printf("artifact: %s %llu\n", hex, (unsigned long long)size);
}

static void
answer_hash(struct child *c)
{
	struct buf b = BUF_INIT(32);

	/* and no digest of a format's own */
	if (buf_put_u32(&b, HASH_BIT(HASH_SHA256)) != 0 ||
	    buf_put_u32(&b, FILEHASH_NONE) != 0 || buf_put_u32(&b, 0) != 0 ||
	    buf_put_cstr(&b, "") != 0)
		die("hash");
	must(ipc_send_buf(c->sock, INTAKE_HASH, &b, -1), "hash");
	buf_done(&b);
}

static void
intake(struct child *c)
{
	bool more = true;

	while (more) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
		struct rd rd = next(c, &m, 0, INTAKE_FAIL);
		char type[16], hex[65];

		switch (m.type) {
		case INTAKE_DOC:
			say_doc(&m, &rd);
			break;
		case INTAKE_HASH:
			answer_hash(c);
			break;
		case INTAKE_ARTIFACT:
			say_artifact(&rd);
			break;
		case INTAKE_PROGRESS:
			break;
		case INTAKE_END:
			must(rd_cstr_into(&rd, type, sizeof(type)), "type");
			must(rd_cstr_into(&rd, hex, sizeof(hex)), "hex");
			(void)printf("end: %s %s\n", type, hex);
			more = false;
			break;
		default:
			die("another message");
		}
	}
}

/* --- export ------------------------------------------------------------- */
static void
hand_out(struct child *c, const char *file)
{
	_cleanup_fd_ int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct buf b = BUF_INIT(256);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (size < 0)
		die(file);
	must(buf_put_cstr(&b, "COLDSEAL.RSP"), "name");
	must(buf_put_cstr(&b, "response"), "type");
	must(ipc_send_buf(c->sock, EXPORT_FILE, &b, -1), "file");
	must(ipc_send(c->sock, EXPORT_PACK, NULL, 0, fd), "pack");
	b.len = 0;
	must(buf_put_cstr(&b, "record.dsse"), "name");
	must(buf_put_u64(&b, 0), "offset");
	must(buf_put_u64(&b, (uint64_t)size), "size");
	must(ipc_send_buf(c->sock, EXPORT_MEMBER, &b, -1), "member");
	must(ipc_send(c->sock, EXPORT_COMMIT, NULL, 0, -1), "commit");
	buf_done(&b);
}

static void
say_target(struct rd *rd)
{
	char model[64], seems[96];
	uint64_t bytes;
	uint8_t ask;

	if (rd_u8(rd, &ask) != 0 ||
	    rd_cstr_into(rd, model, sizeof(model)) != 0 ||
	    rd_cstr_into(rd, seems, sizeof(seems)) != 0 ||
	    rd_u64(rd, &bytes) != 0)
		die("target");
	(void)printf("target: %u, %s, %s, %llu bytes\n", ask, model, seems,
	    (unsigned long long)bytes);
}

static void
say_done(struct rd *rd)
{
	char name[16], hex[65];
	uint64_t size;
	uint32_t n;

	for (must(rd_u32(rd, &n), "done"); n > 0; n--) {
		must(rd_cstr_into(rd, name, sizeof(name)), "name");
		must(rd_cstr_into(rd, hex, sizeof(hex)), "hex");
		must(rd_u64(rd, &size), "size");
		(void)printf("done: %s %s %llu\n", name, hex,
		    (unsigned long long)size);
	}
}

static void export(struct child *c, const char *file)
{
	bool more = true;

	hand_out(c, file);
	while (more) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
		struct rd rd = next(c, &m, 0, EXPORT_FAIL);

		switch (m.type) {
		case EXPORT_TARGET:
			say_target(&rd);
			must(ipc_send(c->sock, EXPORT_GO, NULL, 0, -1), "go");
			break;
		case EXPORT_PROGRESS:
			break;
		case EXPORT_DONE:
			say_done(&rd);
			more = false;
			break;
		default:
			die("another message");
		}
	}
}

static void
say_time(const char *what, const struct timespec *a)
{
	struct timespec b;

	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	(void)printf("%s: %lld ms\n", what,
	    (long long)(b.tv_sec - a->tv_sec) * 1000 +
		(b.tv_nsec - a->tv_nsec) / 1000000);
}

static struct child
start_broker(void)
{
	int dirs[2];

	dirs[0] = open("/sys/bus/usb/devices", O_DIRECTORY | O_CLOEXEC);
	dirs[1] = open("/dev/bus/usb", O_DIRECTORY | O_CLOEXEC);
	if (dirs[0] < 0 || dirs[1] < 0)
		die("USB");
	return start("coldseal-usb", NULL, dirs, 2);
}

int
main(int argc, char **argv)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct child broker, worker;
	struct timespec begin;
	enum usb_use use;
	char arg[32];
	int fd, status;
	bool out;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3)
		return 2;
	out = strcmp(argv[2], "export") == 0;
	if (argc != (out ? 4 : 3))
		return 2;
	use = out ? USB_USE_OUT : USB_USE_IN;
	broker = start_broker();
	put_rules(&broker, argv[1], use);
	if (!look(&broker, use)) {
		(void)finish(&broker);
		return 1;
	}
	if (strcmp(argv[2], "look") != 0) {
		fd = open_stick(&broker, arg, sizeof(arg));
		(void)clock_gettime(CLOCK_MONOTONIC, &begin);
		worker = start(out ? "coldseal-export" : "coldseal-intake", arg,
		    &fd, 1);
		(void)close(fd);
		if (out)
			export(&worker, argv[3]);
		else
			intake(&worker);
		status = finish(&worker);
		say_time(argv[2], &begin);
		(void)printf("exit: %d\n", status);
		must(ipc_send(broker.sock, USB_CLOSE, NULL, 0, -1), "close");
		(void)next(&broker, &m, USB_READY, USB_FAIL);
	}
	return finish(&broker);
}
