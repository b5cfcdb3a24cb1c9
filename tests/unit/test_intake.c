/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "lib/ipc.h"
#include "lib/proto.h"
#include "lib/sha.h"
#include "usb-transfer/bundle.h"
#include "usb-transfer/fatvol.h"
#include "usb-transfer/media_host.h"

/*
 * coldseal-intake and coldseal-export as they are, each over a socket pair
 * and an image file; the test plays the core.  Programs: CS_BIN.
 */
extern char **environ;

#define MIB	 (UINT64_C(1) << 20)
#define WAIT_MS	 60000
#define REQ	 "COLDSEAL.REQ"
#define RSP	 "COLDSEAL.RSP"
#define AUD	 "COLDSEAL.AUD"
#define OUT_SIZE (40 * MIB)

static char dir[256];

static int
setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/cs-intake.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	return mkdtemp(dir) == NULL;
}

static const char *
at(const char *name)
{
	static char path[4][512];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, 512, "%s/%s", dir, name);
	return p;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(at("in.img"));
	(void)unlink(at("out.img"));
	return rmdir(dir);
}

/* --- a program under test ----------------------------------------------- */

struct child {
	pid_t pid;
	int sock;
	long rss; /* KiB, after child_end() */
};

/* Descriptor 3 is its socket, 4 the medium; nothing else is there. */
static void
child_start(struct child *c, const char *program, int medium, const char *arg)
{
	const char *bin = getenv("CS_BIN");
	const char *argv[] = { program, arg, NULL };
	posix_spawn_file_actions_t fa;
	char path[512];
	int sv[2], s, m;

	(void)snprintf(path, sizeof(path), "%s/%s",
	    bin != NULL ? bin : "build/bin", program);
	assert_int_equal(ipc_pair(sv), 0);
	/* above the numbers that they get */
	s = fcntl(sv[1], F_DUPFD_CLOEXEC, 20);
	m = fcntl(medium, F_DUPFD_CLOEXEC, 20);
	assert_true(s >= 0 && m >= 0);
	assert_int_equal(posix_spawn_file_actions_init(&fa), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, s, 3), 0);
	assert_int_equal(posix_spawn_file_actions_adddup2(&fa, m, 4), 0);
	if (posix_spawn(&c->pid, path, &fa, NULL,
		(char *const *)(uintptr_t)argv, environ) != 0)
		fail_msg("no %s", path);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)close(s);
	(void)close(m);
	(void)close(sv[1]);
	c->sock = sv[0];
}

static int
child_end(struct child *c)
{
	struct rusage u;
	int status;

	close_fdp(&c->sock);
	assert_int_equal(wait4(c->pid, &status, 0, &u), c->pid);
	c->rss = u.ru_maxrss;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The next message that is not progress. */
static void
next(struct child *c, uint16_t progress, struct ipc_msg *m)
{
	do
		assert_int_equal(ipc_recv(c->sock, m, WAIT_MS), 0);
	while (m->type == progress);
}

static void
expect_fail(struct child *c, uint16_t progress, uint16_t type, int code)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct diag d = { 0 };
	struct rd rd;

	next(c, progress, &m);
	assert_int_equal(m.type, type);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(ipc_get_diag(&rd, &d), 0);
	assert_int_equal(rd_end(&rd), 0);
	if (d.code != code)
		fail_msg("%s (%s), expected %s", err_id(d.code), d.found,
		    err_id(code));
	assert_int_equal(child_end(c), CS_EXIT_REFUSED);
}

/* --- requests ----------------------------------------------------------- */

static struct bundle_writer *
new_writer(enum bundle_type t)
{
	struct bundle_writer *w = NULL;

	assert_int_equal(bundle_writer_new(t, &w), 0);
	return w;
}

static void
add(struct bundle_writer *w, const char *name, const char *data)
{
	assert_int_equal(bundle_writer_add(w, name, data, strlen(data), NULL),
	    0);
}

static void
add_by_hash(struct bundle_writer *w, const char *prefix, const char *data)
{
	char name[101], hex[65];

	assert_int_equal(sha256_hex(data, strlen(data), hex), 0);
	(void)snprintf(name, sizeof(name), "%s%s", prefix, hex);
	add(w, name, data);
}

/* The bundle as a memory file. */
static int
finish(struct bundle_writer **w)
{
	int fd = memfd_create("bundle", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(bundle_writer_finish(*w, NULL), 0);
	assert_int_equal(bundle_writer_to_fd(*w, fd, NULL, NULL, NULL), 0);
	bundle_writer_free(w);
	return fd;
}

/* SHA-256: 3e23.. of "b", 3f79.. of "e" */
static int
request(bool artifacts)
{
	struct bundle_writer *w = new_writer(BUNDLE_REQUEST);

	add(w, "request.dsse", "{}");
	add_by_hash(w, "evidence/", "b");
	add_by_hash(w, "evidence/", "e");
	if (artifacts) {
		add_by_hash(w, "artifacts/", "b");
		add_by_hash(w, "artifacts/", "e");
	}
	return finish(&w);
}

/* An image with the bundle under that name, opened read-only. */
static int
image_of(int bundle, const char *name)
{
	int fd;

	(void)unlink(at("in.img"));
	assert_int_equal(media_write(at("in.img"), name, bundle, 0, NULL, NULL,
			     NULL),
	    0);
	fd = open(at("in.img"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void
start_intake(struct child *c, int bundle)
{
	_cleanup_fd_ int fd = image_of(bundle, REQ);

	child_start(c, "coldseal-intake", fd, NULL);
}

static void
expect_doc(struct child *c, const char *name, const char *data)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_free_ uint8_t *p = NULL;
	char got[101];
	struct rd rd;
	size_t n;

	next(c, INTAKE_PROGRESS, &m);
	assert_int_equal(m.type, INTAKE_DOC);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_cstr_into(&rd, got, sizeof(got)), 0);
	assert_int_equal(rd_end(&rd), 0);
	assert_string_equal(got, name);
	/* sealed: the core may read it twice */
	assert_int_equal(memfd_read_sealed(m.fd, MIB, &p, &n, NULL), 0);
	assert_int_equal(n, strlen(data));
	assert_memory_equal(p, data, n);
}

static void
expect_docs(struct child *c)
{
	char name[101], hex[65];

	expect_doc(c, "type", "coldseal-bundle v1 request\n");
	expect_doc(c, "request.dsse", "{}");
	assert_int_equal(sha256_hex("b", 1, hex), 0);
	(void)snprintf(name, sizeof(name), "evidence/%s", hex);
	expect_doc(c, name, "b");
	assert_int_equal(sha256_hex("e", 1, hex), 0);
	(void)snprintf(name, sizeof(name), "evidence/%s", hex);
	expect_doc(c, name, "e");
}

static void
expect_ready(struct child *c)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	uint32_t n;

	next(c, INTAKE_PROGRESS, &m);
	assert_int_equal(m.type, INTAKE_HASH);
	assert_int_equal(m.fd, -1);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_u32(&rd, &n), 0);
	assert_int_equal(rd_end(&rd), 0);
}

static void
answer(struct child *c, uint32_t mask)
{
	struct buf b = BUF_INIT(16);

	assert_int_equal(buf_put_u32(&b, mask), 0);
	assert_int_equal(ipc_send_buf(c->sock, INTAKE_HASH, &b, -1), 0);
	buf_done(&b);
}

/* The digest of some bytes by one algorithm. */
static void
digest_of(enum hash_alg a, const char *data, uint8_t out[HASH_MAX_LEN])
{
	struct hasher *h = NULL;

	assert_int_equal(hasher_new(a, &h), 0);
	assert_int_equal(hasher_update(h, data, strlen(data)), 0);
	assert_int_equal(hasher_final(h, out, hash_len(a)), 0);
	hasher_free(&h);
}

static void
expect_artifact(struct child *c, const char *data, uint32_t mask)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	uint8_t want[HASH_MAX_LEN];
	char hex[65], name[65];
	const uint8_t *p;
	uint32_t n, i, alg, seen = 0;
	uint64_t size;
	size_t len;
	struct rd rd;

	next(c, INTAKE_PROGRESS, &m);
	assert_int_equal(m.type, INTAKE_ARTIFACT);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_cstr_into(&rd, name, sizeof(name)), 0);
	assert_int_equal(sha256_hex(data, strlen(data), hex), 0);
	assert_string_equal(name, hex);
	assert_int_equal(rd_u64(&rd, &size), 0);
	assert_int_equal(size, strlen(data));
	assert_int_equal(rd_u32(&rd, &n), 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(rd_u32(&rd, &alg), 0);
		assert_true(alg < HASH_COUNT && (seen & HASH_BIT(alg)) == 0);
		seen |= HASH_BIT(alg);
		assert_int_equal(rd_str(&rd, HASH_MAX_LEN, &p, &len), 0);
		assert_int_equal(len, hash_len((enum hash_alg)alg));
		digest_of((enum hash_alg)alg, data, want);
		assert_memory_equal(p, want, len);
	}
	assert_int_equal(rd_end(&rd), 0);
	assert_int_equal(seen, mask | HASH_BIT(HASH_SHA256));
}

/* SHA-256 of the first member's content. */
static void
manifest_hash(int bundle, char hex[65])
{
	uint8_t p[4096];
	size_t len = 0, i;

	assert_int_equal(fd_pread_all(bundle, p, 512, 0), 0);
	for (i = 124; i < 135; i++)
		len = len * 8 + (size_t)(p[i] - '0');
	assert_true(len <= sizeof(p));
	assert_int_equal(fd_pread_all(bundle, p, len, 512), 0);
	assert_int_equal(sha256_hex(p, len, hex), 0);
}

static void
expect_end_of(struct child *c, int bundle, const char *want_type)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT, after = IPC_MSG_INIT;
	char type[16], got[65], want[65];
	struct rd rd;

	next(c, INTAKE_PROGRESS, &m);
	assert_int_equal(m.type, INTAKE_END);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_cstr_into(&rd, type, sizeof(type)), 0);
	assert_int_equal(rd_cstr_into(&rd, got, sizeof(got)), 0);
	assert_int_equal(rd_end(&rd), 0);
	assert_string_equal(type, want_type);
	manifest_hash(bundle, want);
	assert_string_equal(got, want);
	/* and nothing after it */
	assert_int_not_equal(ipc_recv(c->sock, &after, WAIT_MS), 0);
	assert_int_equal(child_end(c), CS_EXIT_OK);
}

static void
expect_end(struct child *c, int bundle)
{
	expect_end_of(c, bundle, "request");
}

/* --- intake ------------------------------------------------------------- */

static void
test_intake(void **state)
{
	static const uint32_t masks[] = { HASH_BIT(HASH_SHA256),
		HASH_BIT(HASH_SHA256) | HASH_BIT(HASH_SHA512),
		HASH_BIT(HASH_SHA384), 0,
		HASH_BIT(HASH_SHA256) | HASH_BIT(HASH_SHA384) |
		    HASH_BIT(HASH_SHA512) };
	_cleanup_fd_ int b = request(true);
	struct child c;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(masks); i++) {
		start_intake(&c, b);
		expect_docs(&c);
		expect_ready(&c);
		answer(&c, masks[i]);
		expect_artifact(&c, "b", masks[i]);
		expect_artifact(&c, "e", masks[i]);
		expect_end(&c, b);
	}
}

static void
test_intake_no_artifacts(void **state)
{
	_cleanup_fd_ int b = request(false);
	struct child c;

	(void)state;
	start_intake(&c, b);
	expect_docs(&c);
	expect_ready(&c);
	answer(&c, HASH_BIT(HASH_SHA256));
	expect_end(&c, b);
}

static void
test_intake_stop(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_fd_ int b = request(true);
	struct child c;

	(void)state;
	start_intake(&c, b);
	expect_docs(&c);
	expect_ready(&c);
	assert_int_equal(ipc_send(c.sock, INTAKE_STOP, NULL, 0, -1), 0);
	assert_int_not_equal(ipc_recv(c.sock, &m, WAIT_MS), 0);
	assert_int_equal(child_end(&c), CS_EXIT_OK);
}

/* What the core may not say. */
static void
test_intake_nonsense(void **state)
{
	_cleanup_fd_ int b = request(true);
	struct child c;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		start_intake(&c, b);
		expect_docs(&c);
		expect_ready(&c);
		if (i == 0)
			answer(&c, HASH_BIT(HASH_COUNT));
		else if (i == 1)
			answer(&c, 1u << 31);
		else
			assert_int_equal(ipc_send(c.sock,
					     i == 2 ? INTAKE_HASH : INTAKE_END,
					     "x", 1, -1),
			    0);
		expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_IPC);
	}
	/* the core is gone */
	start_intake(&c, b);
	expect_docs(&c);
	expect_ready(&c);
	assert_int_equal(child_end(&c), CS_EXIT_REFUSED);
}

static void
test_intake_refuses_media(void **state)
{
	_cleanup_fd_ int b = request(false), fd = -1, rw = -1;
	uint8_t gpt[512] = { 0 };
	struct child c;

	(void)state;
	fd = image_of(b, "COLDSEAL.RSP");
	child_start(&c, "coldseal-intake", fd, NULL);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_MEDIA_NO_FILE);
	rw = open(at("in.img"), O_RDWR | O_CLOEXEC);
	memcpy(gpt, "EFI PART", 8);
	assert_int_equal(fd_pwrite_all(rw, gpt, sizeof(gpt), 512), 0);
	child_start(&c, "coldseal-intake", fd, NULL);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_MEDIA_GPT);
	assert_int_equal(ftruncate(rw, 0), 0);
	child_start(&c, "coldseal-intake", fd, NULL);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_MEDIA_EMPTY);
	/* no medium at all, but a socket */
	close_fdp(&rw);
	rw = open("/dev/null", O_RDONLY | O_CLOEXEC);
	child_start(&c, "coldseal-intake", rw, NULL);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_MEDIA_IO);
}

/* An approval that was made ahead, under its own name */
static void
test_intake_approval(void **state)
{
	struct bundle_writer *w = new_writer(BUNDLE_APPROVAL);
	_cleanup_fd_ int b = -1, fd = -1, r = -1, img = -1;
	char cmd[1024];
	struct child c;

	(void)state;
	add(w, "approval.dsse", "{}");
	b = finish(&w);
	fd = image_of(b, "COLDSEAL.APR");
	child_start(&c, "coldseal-intake", fd, NULL);
	expect_doc(&c, "type", "coldseal-bundle v1 approval\n");
	expect_doc(&c, "approval.dsse", "{}");
	expect_ready(&c);
	answer(&c, HASH_BIT(HASH_SHA256));
	expect_end_of(&c, b, "approval");
	/* a request beside it: nobody guesses which is meant */
	(void)snprintf(cmd, sizeof(cmd),
	    "mcopy -i %s/in.img ::COLDSEAL.APR ::COLDSEAL.REQ", dir);
	assert_int_equal(system(cmd), 0);
	child_start(&c, "coldseal-intake", fd, NULL);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_MEDIA_TWO_FILES);
	/* each name has its one type */
	close_fdp(&fd);
	fd = image_of(b, REQ);
	child_start(&c, "coldseal-intake", fd, NULL);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_BUNDLE_TYPE);
	r = request(false);
	img = image_of(r, "COLDSEAL.APR");
	child_start(&c, "coldseal-intake", img, NULL);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_BUNDLE_TYPE);
}

static void
test_intake_refuses_type(void **state)
{
	struct bundle_writer *w = new_writer(BUNDLE_RESPONSE);
	_cleanup_fd_ int b = -1;
	struct child c;

	(void)state;
	add(w, "record.dsse", "{}");
	b = finish(&w);
	start_intake(&c, b);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_BUNDLE_TYPE);
}

/* One byte of the last artifact is another one: everything, but no END. */
static void
test_intake_refuses_content(void **state)
{
	_cleanup_fd_ int b = request(true);
	off_t size = lseek(b, 0, SEEK_END);
	struct child c;

	(void)state;
	assert_int_equal(fd_pwrite_all(b, "x", 1, size - 3 * 512), 0);
	start_intake(&c, b);
	expect_docs(&c);
	expect_ready(&c);
	answer(&c, HASH_BIT(HASH_SHA256));
	expect_artifact(&c, "b", 0);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_BUNDLE_HASH);
}

static void
test_intake_refuses_trailing(void **state)
{
	_cleanup_fd_ int b = request(true);
	struct child c;

	(void)state;
	assert_int_equal(fd_pwrite_all(b, "x", 1, lseek(b, 0, SEEK_END)), 0);
	start_intake(&c, b);
	expect_docs(&c);
	expect_ready(&c);
	answer(&c, HASH_BIT(HASH_SHA256));
	expect_artifact(&c, "b", 0);
	expect_artifact(&c, "e", 0);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_BUNDLE_TRAILING);
}

/* 100 MiB of artifact; the reader's own memory does not grow with it. */
static void
test_intake_memory(void **state)
{
	struct bundle_writer *w = new_writer(BUNDLE_REQUEST);
	_cleanup_fd_ int big = memfd_create("artifact", MFD_CLOEXEC);
	_cleanup_fd_ int b = -1;
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct hasher *h = NULL;
	static uint8_t zero[65536];
	uint8_t sha[32];
	char name[101] = "artifacts/";
	uint64_t done = 0, total = 0;
	size_t i, told = 0;
	struct child c;
	struct rd rd;

	(void)state;
	assert_int_equal(ftruncate(big, 100 * MIB), 0);
	assert_int_equal(hasher_new(HASH_SHA256, &h), 0);
	for (i = 0; i < 100 * MIB / sizeof(zero); i++)
		assert_int_equal(hasher_update(h, zero, sizeof(zero)), 0);
	assert_int_equal(hasher_final(h, sha, 32), 0);
	hasher_free(&h);
	hex_encode(sha, 32, name + 10);
	add(w, "request.dsse", "{}");
	assert_int_equal(bundle_writer_add_fd(w, name, big, 0, 100 * MIB, NULL,
			     NULL),
	    0);
	b = finish(&w);
	start_intake(&c, b);
	expect_doc(&c, "type", "coldseal-bundle v1 request\n");
	expect_doc(&c, "request.dsse", "{}");
	expect_ready(&c);
	answer(&c, HASH_BIT(HASH_SHA512));
	do {
		assert_int_equal(ipc_recv(c.sock, &m, WAIT_MS), 0);
		if (m.type != INTAKE_PROGRESS)
			continue;
		rd = (struct rd)RD_INIT(m.body.p, m.body.len);
		assert_int_equal(rd_u64(&rd, &done), 0);
		assert_int_equal(rd_u64(&rd, &total), 0);
		assert_true(done <= total && total > 100 * MIB);
		told++;
	} while (m.type == INTAKE_PROGRESS);
	assert_int_equal(m.type, INTAKE_ARTIFACT);
	/* about ten a second, not one a block */
	assert_true(told < 100);
	expect_end(&c, b);
#ifndef CS_SANITIZE
	assert_true(c.rss <= 32 * 1024);
#endif
}

/* --- export ------------------------------------------------------------- */

static int
out_image(uint64_t size)
{
	int fd;

	fd = open(at("out.img"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	/* something to see whether it was touched */
	assert_int_equal(fd_pwrite_all(fd, "old stick", 9, 0), 0);
	return fd;
}

static void
start_export(struct child *c, uint64_t size)
{
	_cleanup_fd_ int fd = out_image(size);

	child_start(c, "coldseal-export", fd, NULL);
}

static bool
untouched(void)
{
	_cleanup_fd_ int fd = open(at("out.img"), O_RDONLY | O_CLOEXEC);
	char head[9];

	assert_int_equal(fd_pread_all(fd, head, sizeof(head), 0), 0);
	return memcmp(head, "old stick", 9) == 0;
}

static void
send_file(struct child *c, const char *name, const char *type)
{
	struct buf b = BUF_INIT(256);

	assert_int_equal(buf_put_cstr(&b, name), 0);
	assert_int_equal(buf_put_cstr(&b, type), 0);
	assert_int_equal(ipc_send_buf(c->sock, EXPORT_FILE, &b, -1), 0);
	buf_done(&b);
}

static void
send_pack(struct child *c, const void *data, size_t n)
{
	_cleanup_fd_ int fd = -1;

	assert_int_equal(memfd_sealed("pack", data, n, &fd, NULL), 0);
	assert_int_equal(ipc_send(c->sock, EXPORT_PACK, NULL, 0, fd), 0);
}

static void
send_member(struct child *c, const char *name, uint64_t off, uint64_t len)
{
	struct buf b = BUF_INIT(256);

	assert_int_equal(buf_put_cstr(&b, name), 0);
	assert_int_equal(buf_put_u64(&b, off), 0);
	assert_int_equal(buf_put_u64(&b, len), 0);
	assert_int_equal(ipc_send_buf(c->sock, EXPORT_MEMBER, &b, -1), 0);
	buf_done(&b);
}

static void
send_commit(struct child *c)
{
	assert_int_equal(ipc_send(c->sock, EXPORT_COMMIT, NULL, 0, -1), 0);
}

/* What it says of its medium, before anything is written. */
static void
expect_target(struct child *c, bool must_ask, const char *seems)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	char model[64], text[96];
	uint64_t bytes = 0;
	uint8_t ask = 9;
	struct rd rd;

	next(c, EXPORT_PROGRESS, &m);
	if (m.type == EXPORT_FAIL)
		fail_msg("%.*s", (int)m.body.len, (const char *)m.body.p);
	assert_int_equal(m.type, EXPORT_TARGET);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_u8(&rd, &ask), 0);
	assert_int_equal(rd_cstr_into(&rd, model, sizeof(model)), 0);
	assert_int_equal(rd_cstr_into(&rd, text, sizeof(text)), 0);
	assert_int_equal(rd_u64(&rd, &bytes), 0);
	assert_int_equal(rd_end(&rd), 0);
	assert_string_equal(model, "an image file");
	/* what is in brackets is fat_probe.c's, and tested there */
	text[strcspn(text, "(") + (strchr(text, '(') != NULL)] = '\0';
	assert_string_equal(text, seems);
	assert_int_equal(ask, must_ask);
}

static void
send_go(struct child *c)
{
	assert_int_equal(ipc_send(c->sock, EXPORT_GO, NULL, 0, -1), 0);
}

static int
fd_read(void *arg, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
	ssize_t got = read(*(int *)arg, buf, n);

	(void)d;
	*ret_n = got > 0 ? (size_t)got : 0;
	return got < 0 ? CS_E_IO : 0;
}

static int
count_member(void *arg, const struct bundle_member *m, struct diag *d)
{
	(void)m;
	(void)d;
	++*(size_t *)arg;
	return 0;
}

static int
ignore_data(void *arg, const void *p, size_t n, struct diag *d)
{
	(void)arg;
	(void)p;
	(void)n;
	(void)d;
	return 0;
}

static int
ignore_end(void *arg, const struct bundle_member *m, struct diag *d)
{
	(void)arg;
	(void)m;
	(void)d;
	return 0;
}

/* The file on the medium: its hash, size, type and number of members. */
static void
check_exported(const char *name, const char *hex, uint64_t size,
    enum bundle_type type, size_t members)
{
	_cleanup_fd_ int fd = memfd_create("back", MFD_CLOEXEC);
	size_t n, count = 0;
	const struct bundle_sink sink = { count_member, ignore_data, ignore_end,
		&count };
	char is[65];
	uint8_t *p;

	assert_int_equal(media_read(at("out.img"), name, fd, NULL, NULL, NULL),
	    0);
	assert_int_equal(fd_read_file(fd, 64 * MIB, &p, &n, NULL), 0);
	assert_int_equal(n, size);
	assert_int_equal(sha256_hex(p, n, is), 0);
	assert_string_equal(is, hex);
	free(p);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(bundle_read(fd_read, &fd, type, &sink, NULL, NULL), 0);
	assert_int_equal(count, members);
}

struct done {
	char name[16], hex[65];
	uint64_t size;
};

static void
expect_done(struct child *c, struct done *v, uint32_t want)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	uint32_t n, i;
	struct rd rd;

	next(c, EXPORT_PROGRESS, &m);
	if (m.type == EXPORT_FAIL)
		fail_msg("%.*s", (int)m.body.len, (char *)m.body.p);
	assert_int_equal(m.type, EXPORT_DONE);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_u32(&rd, &n), 0);
	assert_int_equal(n, want);
	for (i = 0; i < n; i++) {
		assert_int_equal(rd_cstr_into(&rd, v[i].name, 16), 0);
		assert_int_equal(rd_cstr_into(&rd, v[i].hex, 65), 0);
		assert_int_equal(rd_u64(&rd, &v[i].size), 0);
	}
	assert_int_equal(rd_end(&rd), 0);
	assert_int_equal(child_end(c), CS_EXIT_OK);
}

static void
test_export(void **state)
{
	struct done v[2];
	struct child c;

	(void)state;
	start_export(&c, OUT_SIZE);
	send_file(&c, RSP, "response");
	send_pack(&c, "record", 6);
	send_member(&c, "record.dsse", 0, 6);
	send_file(&c, AUD, "audit");
	send_pack(&c, "checkpointpolicytile", 20);
	send_member(&c, "checkpoint", 0, 10);
	send_member(&c, "policy.dsse", 10, 6);
	send_pack(&c, "tile", 4);
	send_member(&c, "tile/0/000.p/1", 0, 4);
	send_commit(&c);
	expect_target(&c, true, "bytes of no known kind");
	send_go(&c);
	expect_done(&c, v, 2);
	assert_string_equal(v[0].name, RSP);
	assert_string_equal(v[1].name, AUD);
	check_exported(RSP, v[0].hex, v[0].size, BUNDLE_RESPONSE, 2);
	check_exported(AUD, v[1].hex, v[1].size, BUNDLE_AUDIT, 4);
}

/* A batch of 5000: members of one pack, and files of their own. */
static void
test_export_many(void **state)
{
	struct done v[1];
	struct child c;
	char name[101];
	size_t i;

	(void)state;
	start_export(&c, OUT_SIZE);
	send_file(&c, RSP, "response");
	send_pack(&c, "rsp", 3);
	send_member(&c, "record.dsse", 0, 1);
	for (i = 0; i < 5000; i++) {
		if (i % 50 == 0)
			send_pack(&c, "rspc", 4);
		(void)snprintf(name, sizeof(name), "signatures/%064zx.p7s", i);
		send_member(&c, name, 1, 1);
		(void)snprintf(name, sizeof(name), "proofs/%064zx.tlog-proof",
		    i);
		send_member(&c, name, 2, 1);
	}
	send_member(&c, "checkpoint", 3, 1);
	send_commit(&c);
	expect_target(&c, true, "bytes of no known kind");
	send_go(&c);
	expect_done(&c, v, 1);
	check_exported(RSP, v[0].hex, v[0].size, BUNDLE_RESPONSE, 10003);
}

/* The same members give the same medium, byte for byte. */
static void
test_export_again(void **state)
{
	char sha[2][65];
	struct done v[1];
	struct child c;
	uint8_t *p;
	size_t n;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		start_export(&c, OUT_SIZE);
		send_file(&c, RSP, "response");
		send_pack(&c, "record", 6);
		send_member(&c, "record.dsse", 0, 6);
		send_commit(&c);
		expect_target(&c, true, "bytes of no known kind");
		send_go(&c);
		expect_done(&c, v, 1);
		assert_int_equal(file_read(AT_FDCWD, at("out.img"), 64 * MIB,
				     &p, &n, NULL),
		    0);
		assert_int_equal(sha256_hex(p, n, sha[i]), 0);
		free(p);
	}
	assert_string_equal(sha[0], sha[1]);
}

/* Messages out of turn: one row is what is sent, the last one is wrong. */
static void
test_export_protocol(void **state)
{
	struct child c;
	int i;

	(void)state;
	for (i = 0; i < 13; i++) {
		start_export(&c, OUT_SIZE);
		if (i >= 5)
			send_file(&c, RSP, "response");
		if (i >= 8)
			send_pack(&c, "record", 6);
		switch (i) {
		case 0:
			send_commit(&c); /* of nothing */
			break;
		case 1:
			send_file(&c, "AUTOEXEC.BAT", "response");
			break;
		case 2:
			send_file(&c, RSP, "firmware");
			break;
		case 3:
			send_member(&c, "record.dsse", 0, 0);
			break;
		case 4:
			assert_int_equal(ipc_send(c.sock, 0x299, NULL, 0, -1),
			    0);
			break;
		case 5:
			send_file(&c, RSP, "response"); /* twice */
			break;
		case 6:
			send_member(&c, "record.dsse", 0, 0); /* no pack */
			break;
		case 7: /* a pack that is none */
			assert_int_equal(ipc_send(c.sock, EXPORT_PACK, NULL, 0,
					     c.sock),
			    0);
			break;
		case 8: /* out of the pack */
			send_member(&c, "record.dsse", 0, 7);
			break;
		case 9:
			send_member(&c, "record.dsse", 7, 0);
			break;
		case 10:
			send_member(&c, "record.dsse", UINT64_MAX, 2);
			break;
		case 11: /* no descriptor */
			assert_int_equal(ipc_send(c.sock, EXPORT_PACK, NULL, 0,
					     -1),
			    0);
			break;
		default: /* half a message */
			assert_int_equal(ipc_send(c.sock, EXPORT_MEMBER, "x", 1,
					     -1),
			    0);
			break;
		}
		expect_fail(&c, EXPORT_PROGRESS, EXPORT_FAIL, CS_E_IPC);
		assert_true(untouched());
	}
}

/* Members that this kind of bundle does not have there. */
static void
test_export_rules(void **state)
{
	struct child c;

	(void)state;
	start_export(&c, OUT_SIZE);
	send_file(&c, RSP, "response");
	send_pack(&c, "x", 1);
	send_member(&c, "checkpoint", 0, 1);
	send_commit(&c);
	expect_fail(&c, EXPORT_PROGRESS, EXPORT_FAIL, CS_E_BUNDLE_MISSING);
	assert_true(untouched());
	start_export(&c, OUT_SIZE);
	send_file(&c, RSP, "response");
	send_pack(&c, "x", 1);
	send_member(&c, "record.dsse", 0, 1);
	send_member(&c, "key.pem", 0, 1);
	send_commit(&c);
	expect_fail(&c, EXPORT_PROGRESS, EXPORT_FAIL, CS_E_BUNDLE_NAME);
	assert_true(untouched());
}

static void
test_export_small_medium(void **state)
{
	struct child c;

	(void)state;
	start_export(&c, 20 * MIB);
	send_file(&c, RSP, "response");
	send_pack(&c, "record", 6);
	send_member(&c, "record.dsse", 0, 6);
	send_commit(&c);
	expect_fail(&c, EXPORT_PROGRESS, EXPORT_FAIL, CS_E_MEDIA_SPACE);
	assert_true(untouched());
}

/* The core goes away before it said COMMIT: the medium stays as it was. */
static void
test_export_core_gone(void **state)
{
	struct child c;

	(void)state;
	start_export(&c, OUT_SIZE);
	send_file(&c, RSP, "response");
	send_pack(&c, "record", 6);
	send_member(&c, "record.dsse", 0, 6);
	assert_int_equal(child_end(&c), CS_EXIT_REFUSED);
	assert_true(untouched());
}

static void
test_arguments(void **state)
{
	_cleanup_fd_ int fd = memfd_create("medium", MFD_CLOEXEC);
	_cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct child c;

	(void)state;
	child_start(&c, "coldseal-intake", fd, "x");
	assert_int_equal(child_end(&c), CS_EXIT_USAGE);
	child_start(&c, "coldseal-export", fd, "x");
	assert_int_equal(child_end(&c), CS_EXIT_USAGE);
	/* a file is no stick, whatever they are told */
	child_start(&c, "coldseal-intake", fd, "usb=0,81,02");
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_STICK_ARGUMENT);
	child_start(&c, "coldseal-export", fd, "usb=0,81,02");
	send_file(&c, RSP, "response");
	send_pack(&c, "record", 6);
	send_member(&c, "record.dsse", 0, 6);
	send_commit(&c);
	expect_fail(&c, EXPORT_PROGRESS, EXPORT_FAIL, CS_E_STICK_ARGUMENT);
	/* nor is any other device */
	child_start(&c, "coldseal-intake", null, "usb=0,81,02");
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_STICK_ARGUMENT);
	child_start(&c, "coldseal-intake", null, NULL);
	expect_fail(&c, INTAKE_PROGRESS, INTAKE_FAIL, CS_E_MEDIA_IO);
}

/* A file that is looked at, and exported to unless it is to be kept. */
static void
look(int fd, bool must_ask, const char *seems, bool keep)
{
	struct done v[1];
	struct child c;

	child_start(&c, "coldseal-export", fd, NULL);
	send_file(&c, RSP, "response");
	send_pack(&c, "record", 6);
	send_member(&c, "record.dsse", 0, 6);
	send_commit(&c);
	expect_target(&c, must_ask, seems);
	if (keep) {
		assert_int_equal(child_end(&c), CS_EXIT_REFUSED);
		return;
	}
	send_go(&c);
	expect_done(&c, v, 1);
}

/* Nothing is erased without GO, and people are asked where it may matter. */
static void
test_export_target(void **state)
{
	static const struct {
		size_t off;
		const char *magic;
		size_t n;
		const char *seems;
	} other[] = {
		{ 0, "old stick", 9, "bytes of no known kind" },
		{ 3, "EXFAT   ", 8, "exFAT" },
		{ 3, "NTFS    ", 8, "NTFS" },
		{ 3, "-FVE-FS-", 8, "BitLocker" },
		{ 0, "LUKS\xba\xbe", 6, "LUKS" },
		{ 512, "EFI PART", 8, "a GPT partition table" },
		{ 1080, "\x53\xef", 2, "ext2, ext3 or ext4" },
		{ 32769, "CD001", 5, "ISO 9660" },
		{ 69631, "x", 1, "bytes of no known kind" },
		{ 3, "COLDSEAL", 8, "bytes of no known kind" },
	};
	_cleanup_fd_ int fd = out_image(OUT_SIZE);
	static const uint8_t zero[68 << 10];
	uint8_t boot[512];
	struct child c;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(other); i++) {
		assert_int_equal(fd_pwrite_all(fd, zero, sizeof(zero), 0), 0);
		assert_int_equal(fd_pwrite_all(fd, other[i].magic, other[i].n,
				     (off_t)other[i].off),
		    0);
		look(fd, true, other[i].seems, true);
	}
	assert_int_equal(fd_pwrite_all(fd, zero, sizeof(zero), 0), 0);
	look(fd, false, "nothing", false);
	look(fd, false, "an earlier export", true);
	assert_int_equal(fd_pread_all(fd, boot, sizeof(boot), 0), 0);
	/* the last step was not reached */
	assert_int_equal(fd_pwrite_all(fd, zero, 512, 0), 0);
	look(fd, false, "an export that was cut short", false);
	/* one byte of it is another's */
	boot[71] ^= 1;
	assert_int_equal(fd_pwrite_all(fd, boot, 512, 0), 0);
	look(fd, true, "a FAT volume", true);
	/* two partitions of an MBR, of Linux's type, and then one of FAT's */
	assert_int_equal(fd_pwrite_all(fd, zero, sizeof(zero), 0), 0);
	assert_int_equal(fd_pwrite_all(fd, "\x55\xaa", 2, 510), 0);
	assert_int_equal(fd_pwrite_all(fd, "\x83\0\0\0\x40\0\0\0\x40", 9, 450),
	    0);
	assert_int_equal(fd_pwrite_all(fd, "\x83\0\0\0\x80\0\0\0\x40", 9, 466),
	    0);
	look(fd, true, "an MBR partition table (", true);
	assert_int_equal(fd_pwrite_all(fd, zero, 16, 462), 0);
	assert_int_equal(fd_pwrite_all(fd, "\x0c", 1, 450), 0);
	look(fd, true, "a partition that is not FAT", true);
	boot[71] ^= 1;
	assert_int_equal(fd_pwrite_all(fd, boot, 512, 64 * 512), 0);
	look(fd, true, "one FAT partition", true);
	assert_int_equal(fd_pwrite_all(fd, zero, sizeof(zero), 0), 0);
	boot[71] ^= 1;
	assert_int_equal(fd_pwrite_all(fd, boot, 512, 0), 0);
	/* an answer that is not GO */
	child_start(&c, "coldseal-export", fd, NULL);
	send_file(&c, RSP, "response");
	send_pack(&c, "record", 6);
	send_member(&c, "record.dsse", 0, 6);
	send_commit(&c);
	expect_target(&c, true, "a FAT volume");
	send_commit(&c);
	expect_fail(&c, EXPORT_PROGRESS, EXPORT_FAIL, CS_E_IPC);
	look(fd, true, "a FAT volume", true);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_intake),
		TEST(test_intake_no_artifacts),
		TEST(test_intake_stop),
		TEST(test_intake_nonsense),
		TEST(test_intake_refuses_media),
		TEST(test_intake_approval),
		TEST(test_intake_refuses_type),
		TEST(test_intake_refuses_content),
		TEST(test_intake_refuses_trailing),
		TEST(test_arguments),
		TEST(test_intake_memory),
		TEST(test_export),
		TEST(test_export_many),
		TEST(test_export_again),
		TEST(test_export_protocol),
		TEST(test_export_rules),
		TEST(test_export_small_medium),
		TEST(test_export_core_gone),
		TEST(test_export_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
