/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkevents ORIGIN LEAVES FOLDER [FROM]: a log of any size for tests and
 * benches, with the events that an appliance writes, about 400 bytes each.
 * FOLDER gets checkpoint and tile/; with FROM only the tiles from that leaf
 * on, as an incremental export has them.  The keys are mklog's.  Leaves follow
 * from their numbers alone, so that a larger log continues a smaller one.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "lib/sha.h"
#include "lib/tlog_impl.h"
#include "tests/lib/mklog.h"

#define CLAIMED	 UINT64_C(1795000000)
#define LEAF_MAX 2048u
#define CYCLE	 10u   /* leaves of a request */
#define BOOT	 5000u /* requests of a boot */

struct out {
	int dirfd;
	uint64_t from;
	struct tlog_tree tree;
	uint8_t *entries;
	size_t len;
};

/* A digest that follows from a number and a letter. */
static const char *
digest(uint64_t n, char what, char out[65])
{
	struct {
		uint64_t n, what;
	} in = { n, (uint64_t)what };

	if (sha256_hex(&in, sizeof(in), out) != 0)
		mklog_die("sha256", CS_E_CRYPTO, NULL);
	return out;
}

static const char *const people[] = { "alice", "bob", "carol", "dave" };
static const char *const products[] = { "router", "switch", "sensor" };

static int
put_intake(char *out, uint64_t q, const char *id, const char *sha)
{
	char a[65];

	if (q % 50 == 49)
		return sprintf(out,
		    "{\"check\":\"EVAL-RULE\",\"checks\":[\"EVAL-RULE\"],"
		    "\"found\":\"no rule\",\"person\":\"ci\","
		    "\"product\":\"%s\",\"request\":\"%s\","
		    "\"request_sha256\":\"%s\",\"version\":\"1.%" PRIu64 "\"}",
		    products[q % 3], id, sha, q / 100);
	return sprintf(out,
	    "{\"artifacts\":3,\"branch\":\"main\",\"commit\":\"%.40s\","
	    "\"evidence\":[{\"name\":\"sbom\",\"sha256\":\"%s\"}],"
	    "\"format\":\"raw\",\"key\":\"fw-p256\",\"person\":\"ci\","
	    "\"pipeline\":\"release\",\"product\":\"%s\",\"request\":\"%s\","
	    "\"request_sha256\":\"%s\",\"rule\":\"firmware\","
	    "\"run\":\"%" PRIu64 "\",\"system\":\"ci.example\","
	    "\"threshold\":2,\"user\":\"runner\",\"version\":\"1.%" PRIu64
	    "\"}",
	    sha, digest(q, 'e', a), products[q % 3], id, sha, q, q / 100);
}

static int
put_approval(char *out, uint64_t q, uint64_t k, const char *id, const char *sha)
{
	char a[65];

	return sprintf(out,
	    "{\"decision\":\"approve\",\"person\":\"%s\",\"reason\":\"\","
	    "\"request\":\"%s\",\"request_sha256\":\"%s\","
	    "\"statement\":\"%s\"}",
	    people[(q + k) % 4], id, sha, digest(q * 2 + k, 's', a));
}

static int
put_signature(char *out, uint64_t q, uint64_t k, const char *id)
{
	char a[65], s[65];

	return sprintf(out,
	    "{\"artifact\":\"%s\",\"format\":\"raw\",\"key\":\"fw-p256\","
	    "\"name\":\"fw-%" PRIu64 ".bin\",\"product\":\"%s\","
	    "\"request\":\"%s\",\"signature_sha256\":\"%s\","
	    "\"trace\":{\"requester\":\"ci\",\"run\":\"%" PRIu64
	    "\",\"system\":\"ci.example\"},\"version\":\"1.%" PRIu64 "\"}",
	    digest(q * 3 + k, 'a', a), k, products[q % 3], id,
	    digest(q * 3 + k, 'g', s), q, q / 100);
}

/* The members of a leaf, and its event. */
static const char *
put_data(char *out, uint64_t q, uint64_t k)
{
	char id[65], sha[65], a[65];

	(void)digest(q, 'q', id);
	id[32] = '\0';
	(void)digest(q, 'p', sha);
	if (k == 0) {
		(void)put_intake(out, q, id, sha);
		return q % 50 == 49 ? "intake.refused" : "intake.accepted";
	}
	if (k == 2 || k == 3) {
		(void)put_approval(out, q, k - 2, id, sha);
		return "approval";
	}
	if (k >= 5 && k <= 7) {
		(void)put_signature(out, q, k - 5, id);
		return "signature";
	}
	if (k == 9 && q % BOOT == BOOT - 1) {
		(void)sprintf(out,
		    "{\"counter\":%" PRIu64 ",\"image_version\":1,"
		    "\"policy\":\"%s\",\"policy_version\":1}",
		    q / BOOT, digest(0, 'y', a));
		return "boot";
	}
	(void)sprintf(out,
	    k == 1 ?
		"{\"domains\":[\"firmware\"],\"nonce\":\"%s\","
		"\"request\":\"%s\",\"request_sha256\":\"%s\","
		"\"seconds\":3600}" :
		k == 4 ?
		"{\"approvals\":[\"%s\"],\"artifacts\":3,"
		"\"format\":\"raw\",\"key\":\"fw-p256\",\"request\":\"%s\","
		"\"request_sha256\":\"%s\",\"rule\":\"firmware\"}" :
		k == 8 ?
		"{\"count\":3,\"record\":\"%s\",\"request\":\"%s\","
		"\"request_sha256\":\"%s\",\"result\":\"signed\"}" :
		"{\"files\":[{\"name\":\"COLDSEAL.RSP\",\"sha256\":\"%s\","
		"\"size\":4096}],\"request\":\"%s\","
		"\"request_sha256\":\"%s\"}",
	    digest(q * 10 + k, 'x', a), id, sha);
	return k == 1 ? "session" :
	    k == 4    ? "sign.intent" :
	    k == 8    ? "sign.outcome" :
			"export";
}

static size_t
put_leaf(uint64_t i, char out[LEAF_MAX])
{
	char data[LEAF_MAX];
	uint64_t q = i / CYCLE;
	const char *event = put_data(data, q, i % CYCLE);

	return (size_t)snprintf(out, LEAF_MAX,
	    "{\"boot\":%" PRIu64 ",\"data\":%s,\"event\":\"%s\","
	    "\"time\":{\"claimed\":%" PRIu64 ",\"source\":\"rtc\"},"
	    "\"tpm\":{\"clock\":%" PRIu64 ",\"reset\":1,\"restart\":0,"
	    "\"safe\":true},\"v\":1}\n",
	    q / BOOT + 1, data, event, CLAIMED + i, i);
}

static void
put_file(const struct out *o, const struct tile_id *t, const void *p,
    size_t len)
{
	_cleanup_fd_ int fd = -1;
	char path[TILE_PATH_MAX];
	struct diag d = { 0 };
	char *slash;

	if (!mklog_has(t, o->from))
		return;
	tile_path(t, path);
	fd = openat(o->dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0644);
	if (fd < 0) {
		slash = strrchr(path, '/');
		*slash = '\0';
		if (dir_make(o->dirfd, path, &d) != 0)
			mklog_die(path, d.code, &d);
		*slash = '/';
		fd = openat(o->dirfd, path,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	}
	if (fd < 0 || fd_write_all(fd, p, len) != 0)
		mklog_die(path, CS_E_IO, NULL);
}

static int
see_tile(void *arg, const struct tile_id *t, const uint8_t (*hash)[32],
    struct diag *d)
{
	(void)d;
	put_file(arg, t, hash, (size_t)t->width * 32);
	return 0;
}

static void
put_entries(struct out *o, uint64_t size)
{
	struct tile_id t = { TILE_ENTRIES, (size - 1) / TILE_WIDTH,
		(unsigned)((size - 1) % TILE_WIDTH) + 1 };

	put_file(o, &t, o->entries, o->len);
	o->len = 0;
}

static void
add(struct out *o, uint64_t i)
{
	char leaf[LEAF_MAX];
	size_t len = put_leaf(i, leaf);
	uint8_t hash[32];
	struct diag d = { 0 };

	o->entries[o->len] = (uint8_t)(len >> 8);
	o->entries[o->len + 1] = (uint8_t)len;
	memcpy(o->entries + o->len + 2, leaf, len);
	o->len += 2 + len;
	if (merkle_leaf_hash(leaf, len, hash) != 0 ||
	    tlog_tree_add(&o->tree, hash, &d) != 0)
		mklog_die("leaf", CS_E_CRYPTO, &d);
}

int
main(int argc, char **argv)
{
	struct out *o = calloc(1, sizeof(*o));
	struct checkpoint c = { .size = 0 };
	struct diag d = { 0 };
	struct mklog l;
	uint64_t i;

	if (argc < 4 || argc > 5 || o == NULL)
		mklog_die("usage: mkevents ORIGIN LEAVES FOLDER [FROM]",
		    CS_E_USAGE, NULL);
	c.size = strtoull(argv[2], NULL, 10);
	o->from = argc == 5 ? strtoull(argv[4], NULL, 10) : 0;
	o->tree.tile = see_tile;
	o->tree.arg = o;
	o->entries = malloc((size_t)TILE_WIDTH * (LEAF_MAX + 2));
	if (o->entries == NULL || mkdir(argv[3], 0755) != 0 ||
	    dir_open(AT_FDCWD, argv[3], &o->dirfd, &d) != 0)
		mklog_die(argv[3], CS_E_IO, &d);
	for (i = 0; i < c.size; i++) {
		add(o, i);
		if ((i + 1) % TILE_WIDTH == 0 || i + 1 == c.size)
			put_entries(o, i + 1);
	}
	if (tlog_tree_partials(&o->tree, &d) != 0 ||
	    tlog_tree_root(&o->tree, c.root) != 0)
		mklog_die("root", CS_E_CRYPTO, &d);
	mklog_init(&l, argv[1]);
	(void)snprintf(c.origin, sizeof(c.origin), "%s", argv[1]);
	mklog_sign_as(&l, &c);
	if (file_write_atomic(o->dirfd, "checkpoint", l.note, l.note_len, 0644,
		&d) != 0)
		mklog_die("checkpoint", d.code, &d);
	mklog_done(&l);
	free(o->entries);
	(void)close(o->dirfd);
	free(o);
	return 0;
}
