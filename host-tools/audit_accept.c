/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a bundle whose checkpoint is signed, as a witness does it
 * (C2SP tlog-witness), but with the leaves at hand:
 *
 *	size <= accepted:  its root is that of our first leaves?
 *		no -> FORK (both notes kept)
 *		a leaf of it is not what was signed -> TAMPER
 *		an anchor says more, or the TPM says it later -> ROLLBACK
 *		same size -> DUPLICATE, else STALE
 *	size > accepted:
 *		an anchor says more than it -> ROLLBACK
 *		it begins after our last leaf -> verified; kept; GAP
 *		every leaf that it carries is hashed -> not the root: TAMPER
 *		its first leaves are not ours -> FORK
 *		an anchor's root is not in it -> FORK
 *		tiles, blobs -> disk; rows and checkpoint -> one commit: OK
 *
 * A consistency proof would show less: it says nothing of the leaves.
 */
#include "host-tools/audit_accept.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/canon.h"
#include "lib/file.h"
#include "lib/hex.h"

/* What accept() and its callbacks share. */
struct accepting {
	struct audit_accept *a;
	struct audit_head head;
	struct tile_source kept; /* the accepted tiles */
	bool no_edge;		 /* a tile of the right edge is in neither */
	struct tlog_walked walked;
	struct merkle_range old; /* the accepted leaves, out of the bundle */
};

static void
accepting_done(struct accepting *x)
{
	free(x->head.note);
}

void
audit_memory(void)
{
	/* a bundle's memory serves the next one, without the kernel */
	(void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 32 << 20);
}

int
audit_check_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	const struct tile_id t = { TILE_ENTRIES, index / TILE_WIDTH,
		TILE_WIDTH };
	char path[TILE_PATH_MAX];
	struct diag why = { 0 };
	int r = canon_check((const char *)leaf, len, &why);

	(void)arg;
	if (r == 0)
		return 0;
	tile_path(&t, path);
	return diag_fail(d, CS_E_AUDIT_LEAF, why.expected,
	    "leaf %" PRIu64 " in %s: %s, %s", index, path, err_id(r),
	    why.found);
}

/* The leaf after the accepted ones, or one of them again. */
static int
take_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	struct accepting *x = arg;
	struct diag why = { 0 };
	uint8_t hash[32];
	int r;

	if (index == x->a->first)
		x->old = x->walked.before;
	if (index < x->head.c.size) {
		r = merkle_leaf_hash(leaf, len, hash);
		if (r == 0)
			r = merkle_range_append(&x->old, hash);
		return r == 0 ? 0 :
				diag_fail(d, r, NULL, "leaf %" PRIu64, index);
	}
	r = audit_db_add_leaf(x->a->db, index, (const char *)leaf, len, &why);
	return r == 0 ? 0 :
			diag_fail(d, r, why.expected, "leaf %" PRIu64 ": %s",
			    index, why.found);
}

static int
take_tile(void *arg, const struct tile_id *t, const uint8_t *p, size_t len,
    struct diag *d)
{
	struct accepting *x = arg;

	return audit_store_put_tile(x->a->store, t, p, len, d);
}

/*
 * The bundle's tiles.  An incremental one need not have those hash tiles that
 * did not change; they are among the accepted ones, and the root covers them.
 */
static int
read_tile(void *arg, const char *path, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	struct accepting *x = arg;
	const struct tile_source *src = &x->a->src->tiles;
	struct tile_id t;
	int r = src->read(src->arg, path, ret, ret_len, d);

	if (r != CS_E_LOG_MISSING || x->a->first == 0 ||
	    tile_path_parse(path, &t) != 0 || t.level <= 0)
		return r;
	r = x->kept.read(x->kept.arg, path, ret, ret_len, d);
	x->no_edge = x->no_edge || r == CS_E_LOG_MISSING;
	return r;
}

/* Every leaf that the bundle carries, against the signed root. */
static int
walk(struct accepting *x, const struct tlog_walk *w, struct diag *d)
{
	const struct checkpoint *c = &x->a->src->c;
	const struct tile_source src = { read_tile, x };
	int r = tlog_walk_with(&src, c->size, w, &x->walked, d);

	if (r == 0 && memcmp(x->walked.root, c->root, 32) != 0)
		r = diag_fail(d, CS_E_AUDIT_ROOT, "the signed root",
		    "another one over %" PRIu64 " leaves", c->size);
	return r;
}

/* Whether x says that more existed than size leaves. */
static int
check_anchor_sizes(const struct audit_accept *a, uint64_t size, struct diag *d)
{
	size_t i;

	for (i = 0; i < a->nanchors; i++)
		if (a->anchor[i].c.size > size)
			return diag_fail(d, CS_E_AUDIT_ROLLBACK,
			    "at least as many leaves as the receipt has",
			    "%" PRIu64 " leaves; the receipt is of %" PRIu64,
			    size, a->anchor[i].c.size);
	return 0;
}

/* The anchors' roots in the tree of head, whose tiles are in the folder. */
static int
check_anchor_roots(struct audit_accept *a, const struct checkpoint *head,
    const char *note, struct diag *d)
{
	uint8_t root[32];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < a->nanchors; i++) {
		r = audit_store_root(a->store->dirfd, head, a->anchor[i].c.size,
		    root, d);
		if (r == 0 && memcmp(root, a->anchor[i].c.root, 32) != 0)
			r = audit_keep_fork(a, a->anchor[i].note, note, d);
	}
	return r;
}

/* The TPM's clock in an answer: resets first, then milliseconds. */
static int
read_clock(const struct attest_answer *a, struct attest *ret)
{
	return attest_parse(a->quote.attest, a->quote.attest_len, ret, NULL);
}

/*
 * The appliance's TPM signed an older checkpoint later than a newer one: it
 * was set back.  Only what was verified is compared.
 */
static int
check_later(struct accepting *x, struct diag *d)
{
	_cleanup_attest_answer_ struct attest_answer was = { 0 };
	_cleanup_free_ uint8_t *text = NULL;
	struct attest then, now;
	char path[64];
	size_t len = 0;

	(void)snprintf(path, sizeof(path), "attest/%" PRIu64 ".json",
	    x->head.c.size);
	if (x->a->tpm == NULL || !x->a->tpm->done ||
	    !file_exists(x->a->store->dirfd, path))
		return 0;
	if (file_read(x->a->store->dirfd, path, ATTEST_ANSWER_MAX, &text, &len,
		d) != 0 ||
	    attest_answer_parse(text, len, &was, d) != 0 ||
	    read_clock(&was, &then) != 0 ||
	    read_clock(&x->a->tpm->answer, &now) != 0)
		return diag_fail(d, CS_E_AUDIT_STORE, "what the TPM said",
		    "%s is something else", path);
	if (now.reset < then.reset ||
	    (now.reset == then.reset && now.clock_ms <= then.clock_ms))
		return 0;
	return diag_fail(d, CS_E_AUDIT_ROLLBACK,
	    "the newest checkpoint, by the TPM's clock",
	    "%" PRIu64 " leaves, after it had shown %" PRIu64,
	    x->a->src->c.size, x->head.c.size);
}

/* Sizes at or below the accepted one: what is stored decides. */
static int
compare_old(struct accepting *x, struct diag *d)
{
	const struct checkpoint *c = &x->a->src->c;
	const struct tlog_walk w = {
		.first = x->a->first,
		.threads = AUDIT_THREADS,
		.check = audit_check_leaf,
	};
	uint8_t root[32];
	int r = 0;

	if (c->size == x->head.c.size)
		memcpy(root, x->head.c.root, 32);
	else
		r = audit_store_root(x->a->store->dirfd, &x->head.c, c->size,
		    root, d);
	if (r != 0)
		return r;
	if (memcmp(root, c->root, 32) != 0)
		return audit_keep_fork(x->a, x->head.note, x->a->src->note, d);
	r = walk(x, &w, d);
	if (r == 0)
		r = check_anchor_sizes(x->a, x->head.c.size, d);
	if (r == 0)
		r = check_anchor_roots(x->a, &x->head.c, x->head.note, d);
	if (r == 0 && c->size < x->head.c.size)
		r = check_anchor_sizes(x->a, c->size, d);
	if (r == 0 && c->size < x->head.c.size)
		r = check_later(x, d);
	if (r == 0)
		x->a->verdict =
		    c->size == x->head.c.size ? "DUPLICATE" : "STALE";
	return r;
}

/*
 * Verified as far as it goes, so that nothing false waits; if the root needs a
 * hash tile that only the missing media have, when they have come.
 */
static int
gap(struct accepting *x, struct diag *d)
{
	const struct tlog_walk w = {
		.first = x->a->first,
		.threads = AUDIT_THREADS,
		.check = audit_check_leaf,
	};
	int r = walk(x, &w, d);

	if (r == 0 || (r == CS_E_LOG_MISSING && x->no_edge))
		r = audit_keep(x->a, d);
	return r != 0 ? r :
			diag_fail(d, CS_E_AUDIT_GAP,
			    "a bundle that begins where the last one ended",
			    "leaves %" PRIu64 " to %" PRIu64 " are missing",
			    x->head.c.size, x->a->first - 1);
}

/* A document of the bundle; its name is its digest. */
static int
take_blob(void *arg, const char *sha256, struct diag *d)
{
	struct accepting *x = arg;
	_cleanup_free_ uint8_t *p = NULL;
	char path[80], have[CS_SHA256_HEX + 1];
	size_t len = 0;
	int r;

	(void)snprintf(path, sizeof(path), "blobs/%s", sha256);
	if (file_exists(x->a->store->dirfd, path))
		return 0;
	r = logsource_read(x->a->src, path, AUDIT_BLOB_MAX, &p, &len, d);
	if (r == 0 && sha256_hex(p, len, have) != 0)
		r = diag_fail(d, CS_E_CRYPTO, NULL, "SHA-256");
	if (r == 0 && strcmp(have, sha256) != 0)
		r = diag_fail(d, CS_E_AUDIT_BLOB, path,
		    "another document of that name");
	return r == 0 ? audit_store_put(x->a->store, path, p, len, d) : r;
}

/* What stands beside the tiles for this checkpoint. */
static int
put_import(struct accepting *x, const struct audit_accepted *e, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t len = 0;
	int r;

	r = logsource_blobs(x->a->src, take_blob, x, d);
	if (r == 0 && x->a->tpm != NULL && x->a->tpm->done) {
		(void)snprintf(path, sizeof(path), "attest/%" PRIu64 ".json",
		    e->c.size);
		r = attest_answer_format(&x->a->tpm->answer, &text, &len, d);
		if (r == 0)
			r = audit_store_put(x->a->store, path, text, len, d);
		free(take_ptr(text));
	}
	if (r != 0)
		return r;
	(void)snprintf(path, sizeof(path), "checkpoints/%" PRIu64, e->c.size);
	r = audit_store_put(x->a->store, path, e->note, e->note_len, d);
	if (r != 0)
		return r;
	len = (size_t)asprintf(&text,
	    "{\"bundle\":\"%s\",\"imported\":%" PRId64 "}\n",
	    e->bundle != NULL ? e->bundle : "", e->imported);
	if (text == NULL)
		return diag_nomem(d);
	(void)snprintf(path, sizeof(path), "imports/%" PRIu64 ".json",
	    e->c.size);
	return audit_store_put(x->a->store, path, text, len, d);
}

/* All of it is verified: on disk, then in the database. */
static int
commit(struct accepting *x, struct diag *d)
{
	const struct logsource *s = x->a->src;
	char bundle[CS_SHA256_HEX + 1];
	struct audit_accepted e = {
		.c = s->c,
		.note = s->note,
		.note_len = s->note_len,
		.edge = &x->walked.after,
		.imported = (int64_t)time(NULL),
	};
	int r;

	if (s->bundle != NULL) {
		hex_encode(s->bundle->manifest, 32, bundle);
		e.bundle = bundle;
	}
	r = put_import(x, &e, d);
	if (r == 0)
		r = audit_store_sync(x->a->store, d);
	if (r == 0)
		r = audit_db_add_checkpoint(x->a->db, &e, d);
	if (r == 0)
		r = audit_db_commit(x->a->db, d);
	if (r != 0)
		return r;
	x->a->has = s->c.size;
	x->a->verdict = "OK";
	return audit_store_settle(x->a->store, s->note, s->c.size, d);
}

static int
extend(struct accepting *x, struct diag *d)
{
	const struct checkpoint *c = &x->a->src->c;
	const struct tlog_walk w = {
		.first = x->a->first,
		.threads = AUDIT_THREADS,
		.check = audit_check_leaf,
		.leaf = take_leaf,
		.file = take_tile,
		.arg = x,
	};
	uint8_t root[32];
	int r;

	r = audit_store_begin(x->a->store, x->head.c.size, c->size, d);
	if (r == 0)
		r = walk(x, &w, d);
	if (r == 0 && x->head.any) {
		r = merkle_range_root(&x->old, root);
		if (r != 0)
			r = diag_fail(d, r, NULL, "the older leaves");
		else if (memcmp(root, x->head.c.root, 32) != 0)
			r = audit_keep_fork(x->a, x->head.note, x->a->src->note,
			    d);
	}
	if (r == 0)
		r = check_anchor_roots(x->a, c, x->a->src->note, d);
	return r == 0 ? commit(x, d) : r;
}

static int
decide(struct accepting *x, struct diag *d)
{
	struct audit_accept *a = x->a;
	int r;

	r = logsource_first(a->src, &a->first, d);
	if (r == 0 && x->head.any && a->src->c.size <= x->head.c.size) {
		if (a->first == a->src->c.size)
			a->first = 0;
		return compare_old(x, d);
	}
	if (r == 0)
		r = check_anchor_sizes(a, a->src->c.size, d);
	if (r != 0)
		return r;
	/* what it has of the first leaf's tile is seen when it is read */
	if (a->first > x->head.c.size && a->first < a->src->c.size)
		return gap(x, d);
	if (a->first > x->head.c.size)
		a->first = x->head.c.size / TILE_WIDTH * TILE_WIDTH;
	return extend(x, d);
}

/* What a person reads first. */
static const char *
verdict_of(int r)
{
	switch (r) {
	case CS_E_AUDIT_FORK:
		return "FORK";
	case CS_E_AUDIT_GAP:
		return "GAP";
	case CS_E_AUDIT_ROLLBACK:
		return "ROLLBACK";
	case CS_E_LOG_TAMPER:
	case CS_E_LOG_MISSING:
	case CS_E_LOG_FORMAT:
	case CS_E_AUDIT_ROOT:
	case CS_E_AUDIT_LEAF:
	case CS_E_AUDIT_BLOB:
	case CS_E_CANON_FIELD:
		return "TAMPER";
	default:
		return NULL;
	}
}

int
audit_accept(struct audit_accept *a, struct diag *d)
{
	_cleanup_(accepting_done) struct accepting x = { .a = a };
	struct diag other = { 0 };
	int r;

	a->verdict = NULL;
	x.kept = tile_source_dir(&a->store->dirfd);
	r = audit_db_begin(a->db, d);
	if (r == 0)
		r = audit_db_head(a->db, &x.head, d);
	a->had = a->has = x.head.any ? x.head.c.size : 0;
	if (r == 0)
		r = audit_store_settle(a->store, x.head.note, a->had, d);
	if (r != 0)
		return r;
	r = decide(&x, d);
	if (r != 0)
		a->verdict = verdict_of(r);
	audit_db_rollback(a->db);
	/*
	 * An error of its own is found again by the next import; so is all
	 * that came after the commit, and a server that went away, which may
	 * have committed.
	 */
	if (r != 0 && r != CS_E_AUDIT_DB_SERVER && a->has == a->had &&
	    a->store->size != 0)
		cs_ignore(
		    audit_store_settle(a->store, x.head.note, a->had, &other));
	return r;
}
