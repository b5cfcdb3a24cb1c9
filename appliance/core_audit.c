/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The audit bundle: checkpoint, policy, what the TPM says, and of the log all
 * of it, or what an auditor has not acknowledged yet: the tiles that reach
 * beyond those leaves, the documents that later leaves name, and a consistency
 * proof from there.
 */

#include <stdio.h>
#include <string.h>

#include "appliance/core_out.h"
#include "lib/b64.h"
#include "lib/dirlist.h"
#include "lib/hex.h"
#include "lib/tiles.h"

struct tile_list {
	char (*path)[TILE_PATH_MAX];
	size_t n, cap;
	uint64_t from;
};

static int
collect_tile(void *arg, const struct tile_id *t)
{
	struct tile_list *l = arg;

	if (tile_end(t) <= l->from)
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : l->cap * 2;
		void *v = reallocarray(l->path, cap, TILE_PATH_MAX);

		if (v == NULL)
			return CS_E_NOMEM;
		l->path = v;
		l->cap = cap;
	}
	tile_path(t, l->path[l->n++]);
	return 0;
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
send_tiles(struct out *o, uint64_t from, struct diag *d)
{
	struct ledger *ledger = o->c->ledger;
	struct tile_list l = { .from = from };
	size_t i;
	int r;

	r = tile_each(ledger_size(ledger), collect_tile, &l);
	if (r == 0 && l.n > 0)
		qsort(l.path, l.n, TILE_PATH_MAX, compare_paths);
	for (i = 0; r == 0 && i < l.n; i++)
		r = out_state_file(o, ledger_log_fd(ledger), l.path[i],
		    l.path[i], d);
	free(l.path);
	return r;
}

struct blob {
	char name[CS_SHA256_HEX + 1];
	bool wanted;
};

static int
compare_blobs(const void *a, const void *b)
{
	const struct blob *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* Every digest in a leaf that names a document marks it. */
static void
mark(struct blob *v, size_t n, const char *leaf, size_t len)
{
	struct blob key = { .wanted = false }, *found;
	size_t i, run = 0;

	for (i = 0; i < len; i++) {
		const char c = leaf[i];

		run = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ?
		    run + 1 :
		    0;
		if (run != CS_SHA256_HEX)
			continue;
		memcpy(key.name, leaf + i + 1 - run, run);
		found = bsearch(&key, v, n, sizeof(*v), compare_blobs);
		if (found != NULL)
			found->wanted = true;
	}
}

static int
mark_since(struct core *c, uint64_t from, struct blob *v, size_t n,
    struct diag *d)
{
	uint64_t i;
	size_t len;
	int r = 0;

	for (i = from; r == 0 && i < ledger_size(c->ledger); i++) {
		_cleanup_free_ char *leaf = NULL;

		r = ledger_leaf(c->ledger, i, &leaf, &len, d);
		if (r == 0)
			mark(v, n, leaf, len);
	}
	return r;
}

static int
send_blobs(struct out *o, uint64_t from, struct diag *d)
{
	const int fd = ledger_blobs_fd(o->c->ledger);
	char(*names)[CS_SHA256_HEX + 1] = NULL;
	_cleanup_free_ struct blob *v = NULL;
	char member[OUT_NAME_LEN];
	size_t n = 0, i;
	int r;

	r = dir_list_blobs(fd, &names, &n, d);
	if (r != 0)
		return r;
	v = calloc(n + 1, sizeof(*v));
	for (i = 0; v != NULL && i < n; i++) {
		memcpy(v[i].name, names[i], sizeof(v[i].name));
		v[i].wanted = from == 0;
	}
	free(names);
	if (v == NULL)
		return diag_nomem(d);
	qsort(v, n, sizeof(*v), compare_blobs);
	if (from != 0)
		r = mark_since(o->c, from, v, n, d);
	for (i = 0; r == 0 && i < n; i++) {
		if (!v[i].wanted)
			continue;
		(void)snprintf(member, sizeof(member), "blobs/%s", v[i].name);
		r = out_state_file(o, fd, v[i].name, member, d);
	}
	return r;
}

/* c2sp.org/tlog-witness, what a witness is asked with: old, proof, note */
static int
add_consistency(struct out *o, uint64_t from, struct diag *d)
{
	struct ledger *ledger = o->c->ledger;
	uint8_t path[MERKLE_MAX_PROOF][CS_SHA256_LEN];
	_cleanup_free_ char *note = NULL;
	struct buf b = BUF_INIT(1u << 20);
	char b64[48];
	uint64_t size = 0;
	size_t n = 0, i, len = 0;
	int r;

	r = ledger_checkpoint_last(ledger, &note, &len, &size, d);
	if (r == 0)
		r = ledger_consistency(ledger, from, size, path, &n, d);
	if (r == 0)
		r = buf_putf(&b, "old %llu\n", (unsigned long long)from);
	for (i = 0; r == 0 && i < n; i++) {
		b64_encode(path[i], CS_SHA256_LEN, b64);
		r = buf_putf(&b, "%s\n", b64);
	}
	if (r == 0)
		r = buf_putf(&b, "\n");
	if (r == 0)
		r = buf_put(&b, note, len);
	if (r == 0)
		r = out_add(o, "consistency", b.p, b.len);
	buf_done(&b);
	return r;
}

int
audit_pack(struct out *o, uint64_t from, const char *answer, size_t len,
    struct diag *d)
{
	int r;

	r = out_file(o, "COLDSEAL.AUD", "audit");
	if (r == 0)
		r = out_state_file(o, ledger_log_fd(o->c->ledger), "checkpoint",
		    "checkpoint", d);
	if (r == 0 && from != 0)
		r = add_consistency(o, from, d);
	if (r == 0)
		r = out_flush(o, d);
	if (r == 0)
		r = out_state_file(o, CORE_STATE, "policy.dsse", "policy.dsse",
		    d);
	if (r == 0)
		r = out_add(o, "attest/answer.json", answer, len);
	if (r == 0)
		r = out_flush(o, d);
	if (r == 0)
		r = send_tiles(o, from, d);
	return r == 0 ? send_blobs(o, from, d) : r;
}
