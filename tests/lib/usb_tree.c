/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/usb_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "tests/lib/rig_die.h"
#include "tests/lib/usb_shapes.h"

#define WAIT_MS	 60000
#define TELL_FD	 30
#define PATH_LEN 640
#define BYTES	 4096

static void
path_of(const struct usb_tree *t, char out[PATH_LEN], const char *path)
{
	(void)snprintf(out, PATH_LEN, "%s/%s", t->dir, path);
}

static void
folder(struct usb_tree *t, const char *path)
{
	char p[PATH_LEN];

	path_of(t, p, path);
	if (mkdir(p, 0700) != 0 && errno != EEXIST)
		rig_die("mkdir %s", p);
}

void
usb_tree_put(struct usb_tree *t, const char *path, const void *p, size_t n)
{
	_cleanup_fd_ int fd = -1;
	char name[PATH_LEN];

	path_of(t, name, path);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, p, n) != 0)
		rig_die("write %s", name);
}

void
usb_tree_puts(struct usb_tree *t, const char *path, const char *text)
{
	usb_tree_put(t, path, text, strlen(text));
}

const char *
usb_tree_get(struct usb_tree *t, const char *path)
{
	static char line[256];
	char name[PATH_LEN];
	FILE *f;

	path_of(t, name, path);
	f = fopen(name, "r");
	if (f == NULL || fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	if (f != NULL)
		(void)fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

void
usb_tree_make(struct usb_tree *t)
{
	static const char *const roots[] = { "usb1", "usb2" };
	const char *tmp = getenv("TMPDIR");
	char p[PATH_LEN];
	size_t i;

	*t = (struct usb_tree){ .sock = -1, .tell = -1 };
	(void)snprintf(t->dir, sizeof(t->dir), "%s/cs-usb.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(t->dir) == NULL)
		rig_die("mkdtemp");
	folder(t, "sys");
	folder(t, "dev");
	folder(t, "made");
	folder(t, "dev/gone");
	for (i = 0; i < ARRAY_LEN(roots); i++) {
		(void)snprintf(p, sizeof(p), "sys/%s", roots[i]);
		folder(t, p);
		(void)snprintf(p, sizeof(p), "sys/%s/authorized_default",
		    roots[i]);
		usb_tree_puts(t, p, "1\n");
		(void)snprintf(p, sizeof(p),
		    "sys/%s/interface_authorized_default", roots[i]);
		usb_tree_puts(t, p, "1\n");
	}
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
usb_tree_remove(struct usb_tree *t)
{
	if (nftw(t->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		rig_die("remove %s", t->dir);
}

/* The kernel has made it: name is a file of the device's folder. */
static void
put_file(struct usb_tree *t, const char *name, const char *text)
{
	char p[2 * PATH_LEN];

	if (text == NULL)
		return;
	(void)snprintf(p, sizeof(p), "made/d/%s", name);
	usb_tree_puts(t, p, text);
}

static void
put_interfaces(struct usb_tree *t, const char *port)
{
	char p[64];
	unsigned int config, i;

	for (config = 1; config <= 2; config++)
		for (i = 0; i < 3; i++) {
			(void)snprintf(p, sizeof(p), "made/d/%s:%u.%u", port,
			    config, i);
			folder(t, p);
			(void)snprintf(p, sizeof(p), "%s:%u.%u/authorized",
			    port, config, i);
			put_file(t, p, "0\n");
		}
}

void
usb_tree_plug(struct usb_tree *t, const struct usb_device *v)
{
	char p[PATH_LEN], to[PATH_LEN], line[64];
	uint8_t bytes[BYTES];
	size_t n = usb_bytes(v->hex, bytes, sizeof(bytes));

	folder(t, "made/d");
	usb_tree_put(t, "made/d/descriptors", bytes, n);
	(void)snprintf(line, sizeof(line), "%u\n", v->bus);
	put_file(t, "busnum", line);
	(void)snprintf(line, sizeof(line), "%u\n", v->device);
	put_file(t, "devnum", line);
	(void)snprintf(line, sizeof(line), "%s\n", strchr(v->port, '-') + 1);
	put_file(t, "devpath", line);
	(void)snprintf(line, sizeof(line), "%s\n", v->speed);
	put_file(t, "speed", line);
	(void)snprintf(line, sizeof(line), "189:%u\n",
	    (v->bus - 1) * 128 + v->device - 1);
	put_file(t, "dev", line);
	put_file(t, "authorized", "0\n");
	put_file(t, "manufacturer", v->maker);
	put_file(t, "product", v->product);
	put_file(t, "serial", v->serial);
	put_interfaces(t, v->port);
	(void)snprintf(p, sizeof(p), "dev/%03u", v->bus);
	folder(t, p);
	(void)snprintf(p, sizeof(p), "%s/dev/%03u/%03u", t->dir, v->bus,
	    v->device);
	(void)unlink(p);
	(void)snprintf(p, sizeof(p), "dev/%03u/%03u", v->bus, v->device);
	usb_tree_put(t, p, bytes, n);
	path_of(t, p, "made/d");
	(void)snprintf(to, sizeof(to), "%s/sys/%s", t->dir, v->port);
	if (rename(p, to) != 0)
		rig_die("rename %s", to);
}

void
usb_tree_pull(struct usb_tree *t, const char *port)
{
	static unsigned int count;
	char from[PATH_LEN], to[PATH_LEN];

	(void)snprintf(from, sizeof(from), "%s/sys/%s", t->dir, port);
	(void)snprintf(to, sizeof(to), "%s/dev/gone/%u", t->dir, count++);
	if (rename(from, to) != 0)
		rig_die("rename %s", from);
}

void
usb_broker_start(struct usb_tree *t)
{
	const char *bin = getenv("CS_BIN"), *lib = getenv("CS_TESTS");
	char path[PATH_LEN], preload[PATH_LEN];
	char *argv[] = { path, NULL };
	char asan[] = "ASAN_OPTIONS=verify_asan_link_order=0";
	char where[] = "CS_USB_TELL=30";
	char tree[PATH_LEN];
	char *env[] = { preload, asan, where, tree, NULL };
	posix_spawn_file_actions_t fa;
	int sv[2], tv[2], want[2], i;

	(void)snprintf(path, sizeof(path), "%s/coldseal-usb",
	    bin != NULL ? bin : "build/bin");
	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/fake_usbfs.so",
	    lib != NULL ? lib : "build/tests");
	(void)snprintf(tree, sizeof(tree), "CS_USB_TREE=%s", t->dir);
	if (ipc_pair(sv) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, tv) != 0)
		rig_die("sockets");
	want[0] = sv[1];
	want[1] = tv[1];
	(void)posix_spawn_file_actions_init(&fa);
	for (i = 0; i < 2; i++) {
		/* above the numbers that they get */
		want[i] = fcntl(want[i], F_DUPFD_CLOEXEC, 40);
		(void)posix_spawn_file_actions_adddup2(&fa, want[i],
		    i == 1 ? TELL_FD : 3);
	}
	if (posix_spawn(&t->pid, path, &fa, NULL, argv, env) != 0)
		rig_die("no %s", path);
	(void)posix_spawn_file_actions_destroy(&fa);
	for (i = 0; i < 2; i++)
		(void)close(want[i]);
	(void)close(sv[1]);
	(void)close(tv[1]);
	t->sock = sv[0];
	t->tell = tv[0];
	t->said[0] = '\0';
}

/* One letter: remembered, acted on, answered.  False at the end. */
static bool
listen_once(struct usb_tree *t)
{
	size_t n = strlen(t->said);
	char c;

	if (read(t->tell, &c, 1) != 1)
		return false;
	if (n + 1 < sizeof(t->said)) {
		t->said[n] = c;
		t->said[n + 1] = '\0';
	}
	if (t->at != NULL)
		t->at(t, c);
	if (write(t->tell, &c, 1) != 1)
		return false;
	return true;
}

int
usb_broker_end(struct usb_tree *t)
{
	int status;

	close_fdp(&t->sock);
	while (listen_once(t))
		;
	close_fdp(&t->tell);
	if (waitpid(t->pid, &status, 0) != t->pid)
		rig_die("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
usb_broker_send(struct usb_tree *t, uint16_t type, const struct buf *body)
{
	int r = body == NULL ? ipc_send(t->sock, type, NULL, 0, -1) :
			       ipc_send_buf(t->sock, type, body, -1);

	if (r != 0)
		rig_die("send %#x", type);
}

int
usb_broker_recv(struct usb_tree *t, struct ipc_msg *ret)
{
	struct pollfd p[2] = {
		{ .fd = t->sock, .events = POLLIN },
		{ .fd = t->tell, .events = POLLIN },
	};

	for (;;) {
		if (poll(p, 2, WAIT_MS) <= 0)
			rig_die("no answer in a minute");
		/* at its end it has said all that it will */
		if ((p[1].revents & POLLIN) != 0 && listen_once(t))
			continue;
		if ((p[0].revents & (POLLIN | POLLHUP)) != 0)
			return ipc_recv(t->sock, ret, 0) == 0 ? 0 : -1;
	}
}

void
usb_broker_ask(struct usb_tree *t, uint16_t type, const struct buf *body,
    struct ipc_msg *ret)
{
	usb_broker_send(t, type, body);
	if (usb_broker_recv(t, ret) != 0)
		rig_die("coldseal-usb ended at %#x", type);
}
