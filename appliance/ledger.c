/* SPDX-License-Identifier: Apache-2.0 */
#include "appliance/ledger.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "appliance/index.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/note.h"
#include "lib/tiles.h"

#define MAX_NOTE 65536u

struct ledger {
	int log_fd, blobs_fd, checkpoints_fd;
	struct tlog *log;
	struct index *ix;
	struct index_head head;
	struct note_vkeys keys; /* [0] is Ed25519 */
	uint64_t checkpointed;	/* size of the last checkpoint; 0: none */
	uint64_t boot;
	/* durable, and not in the index yet */
	struct tlog_leaf *waiting;
	size_t nwaiting;
	uint64_t first_waiting;
};

static void
free_leaves(struct tlog_leaf *leaves, size_t n)
{
	size_t i;

	for (i = 0; leaves != NULL && i < n; i++)
		free((void *)(uintptr_t)leaves[i].bytes);
	free(leaves);
}

void
event_done(struct event *ev)
{
	json_decref(ev->data);
	ev->data = NULL;
	free(ev->leaf);
	ev->leaf = NULL;
}

void
ledger_close(struct ledger **lp)
{
	struct ledger *l = *lp;

	if (l == NULL)
		return;
	free_leaves(l->waiting, l->nwaiting);
	tlog_free(&l->log);
	index_close(&l->ix);
	close_fdp(&l->log_fd);
	close_fdp(&l->blobs_fd);
	close_fdp(&l->checkpoints_fd);
	free(l);
	*lp = NULL;
}

static void
ledger_closep(struct ledger **l)
{
	ledger_close(l);
}

static int
load_vkeys(int state_fd, const char *origin, struct note_vkeys *ret,
    struct diag *d)
{
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = file_read(state_fd, "enrol/log.vkey", NOTE_VKEYS_TEXT_MAX, &text,
	    &len, d);
	if (r == 0)
		r = note_vkeys_parse((const char *)text, len, ret, d);
	if (r != 0)
		return r;
	if (origin != NULL && strcmp(ret->v[0].name, origin) != 0)
		return diag_fail(d, CS_E_LEDGER_BEHIND, origin,
		    "a log key named %s", ret->v[0].name);
	if (ret->v[0].type != NOTE_TYPE_ED25519)
		return diag_fail(d, CS_E_NOTE_VKEY_TYPE,
		    "0x01 (Ed25519), alone or first", "type 0x%02x",
		    (unsigned)ret->v[0].type);
	return 0;
}

/*
 * The stored checkpoint against the tiles: the tiles may be ahead (a crash
 * before the signature), never behind, and never different.
 */
static int
check_checkpoint(struct ledger *l, struct diag *d)
{
	_cleanup_free_ uint8_t *note = NULL;
	struct checkpoint cp;
	uint8_t root[32];
	size_t len;
	int r;

	if (file_exists(l->log_fd, "checkpoint") == 0) {
		if (tlog_size(l->log) > 1 &&
		    file_exists(l->checkpoints_fd, "1") != 0)
			return diag_fail(d, CS_E_LEDGER_BEHIND,
			    "log/checkpoint", "it is missing");
		return 0;
	}
	r = file_read(l->log_fd, "checkpoint", MAX_NOTE, &note, &len, d);
	if (r == 0)
		r = note_verify((const char *)note, len, l->keys.v, l->keys.n,
		    &cp, d);
	if (r != 0)
		return r;
	if (cp.size > tlog_size(l->log))
		return diag_fail(d, CS_E_LEDGER_BEHIND,
		    "every leaf under the last checkpoint",
		    "%llu leaves, the checkpoint has %llu",
		    (unsigned long long)tlog_size(l->log),
		    (unsigned long long)cp.size);
	r = tlog_root_at(l->log, cp.size, root, d);
	if (r != 0)
		return r;
	if (memcmp(root, cp.root, 32) != 0)
		return diag_fail(d, CS_E_LEDGER_BEHIND, "the checkpoint's root",
		    "another one at %llu leaves", (unsigned long long)cp.size);
	l->checkpointed = cp.size;
	return 0;
}

/* A crash between the two copies of a checkpoint: the first one counts. */
static int
adopt_checkpoint(struct ledger *l, struct diag *d)
{
	_cleanup_free_ uint8_t *note = NULL;
	const uint64_t size = tlog_size(l->log);
	char name[24];
	size_t len;
	int r;

	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)size);
	if (l->checkpointed == size ||
	    file_exists(l->checkpoints_fd, name) == 0)
		return 0;
	r = file_read(l->checkpoints_fd, name, MAX_NOTE, &note, &len, d);
	if (r == 0)
		r = file_write_atomic(l->log_fd, "checkpoint", note, len, 0600,
		    d);
	return r == 0 ? check_checkpoint(l, d) : r;
}

/* Applies the leaves that a crash kept from the index. */
static int
catch_up(struct ledger *l, struct diag *d)
{
	uint64_t i;
	int r;

	r = index_head(l->ix, &l->head, d);
	if (r != 0)
		return r;
	if (l->head.size > tlog_size(l->log))
		return diag_fail(d, CS_E_LEDGER_BEHIND,
		    "every leaf that the index has seen",
		    "%llu leaves, the index has %llu",
		    (unsigned long long)tlog_size(l->log),
		    (unsigned long long)l->head.size);
	if (l->head.size == tlog_size(l->log))
		return 0;
	r = index_begin(l->ix, d);
	for (i = l->head.size; r == 0 && i < tlog_size(l->log); i++) {
		_cleanup_free_ uint8_t *leaf = NULL;
		size_t len;

		r = tlog_read_leaf(l->log, i, &leaf, &len, d);
		if (r == 0)
			r = index_apply(l->ix, i, (const char *)leaf, len, d);
	}
	if (r == 0)
		r = index_commit(l->ix, d);
	else
		index_rollback(l->ix);
	return r == 0 ? index_head(l->ix, &l->head, d) : r;
}

static int
open_folders(struct ledger *l, int state_fd, struct diag *d)
{
	int r;

	r = dir_make(state_fd, "log/checkpoints", d);
	if (r == 0)
		r = dir_make(state_fd, "blobs", d);
	if (r == 0)
		r = dir_open(state_fd, "log", &l->log_fd, d);
	if (r == 0)
		r = dir_open(state_fd, "log/checkpoints", &l->checkpoints_fd,
		    d);
	return r == 0 ? dir_open(state_fd, "blobs", &l->blobs_fd, d) : r;
}

int
ledger_open(int state_fd, const char *origin, struct ledger **ret,
    struct diag *d)
{
	_cleanup_(ledger_closep) struct ledger *l = NULL;
	int r;

	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return diag_nomem(d);
	l->log_fd = l->blobs_fd = l->checkpoints_fd = -1;
	r = load_vkeys(state_fd, origin, &l->keys, d);
	if (r == 0)
		r = open_folders(l, state_fd, d);
	if (r == 0)
		r = tlog_open(l->log_fd, &l->log, d);
	if (r == 0)
		r = check_checkpoint(l, d);
	if (r == 0)
		r = adopt_checkpoint(l, d);
	if (r == 0)
		r = index_open(&l->ix, d);
	if (r == 0)
		r = catch_up(l, d);
	if (r != 0)
		return r;
	l->boot = l->head.boot;
	*ret = take_ptr(l);
	return 0;
}

int
ledger_rebuild(int state_fd, const char *origin, struct diag *d)
{
	static const char *const files[] = { "index.db", "index.db-wal",
		"index.db-shm" };
	_cleanup_(ledger_closep) struct ledger *l = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(files); i++)
		if (unlinkat(state_fd, files[i], 0) != 0 &&
		    file_exists(state_fd, files[i]) != 0)
			return diag_errno(d, CS_E_IO, "%s", files[i]);
	return ledger_open(state_fd, origin, &l, d);
}

/* {"boot","data","event","time","tpm","v"} in canonical form and "\n" */
static int
make_leaf(const struct ledger *l, struct event *ev,
    const struct ledger_clock *clock, int64_t now, char **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_json_ json_t *root = NULL;
	_cleanup_free_ char *text = NULL;
	char *line;
	size_t len;
	int r;

	root = json_pack("{s:I, s:o, s:s, s:{s:I, s:s}, s:{s:I, s:I, s:I, "
			 "s:b}, s:i}",
	    "boot", (json_int_t)l->boot, "data", take_ptr(ev->data), "event",
	    ev->type, "time", "claimed", (json_int_t)now, "source", "rtc",
	    "tpm", "clock", (json_int_t)clock->clock, "reset",
	    (json_int_t)clock->reset, "restart", (json_int_t)clock->restart,
	    "safe", clock->safe, "v", 1);
	if (root == NULL)
		return diag_nomem(d);
	r = json_canonical(root, &text, &len);
	if (r != 0)
		return diag_fail(d, r, "a leaf in canonical form", "%s",
		    ev->type);
	line = realloc(text, len + 2);
	if (line == NULL)
		return diag_nomem(d);
	text = line;
	text[len] = '\n';
	text[len + 1] = '\0';
	*ret = take_ptr(text);
	*ret_len = len + 1;
	return 0;
}

/* Rows for leaves that are durable already. */
static int
index_leaves(struct ledger *l, uint64_t first, const struct tlog_leaf *leaves,
    size_t n, struct diag *d)
{
	size_t i;
	int r;

	r = index_begin(l->ix, d);
	for (i = 0; r == 0 && i < n; i++)
		r = index_apply(l->ix, first + i, leaves[i].bytes,
		    leaves[i].len, d);
	if (r == 0)
		r = index_commit(l->ix, d);
	if (r != 0) {
		index_rollback(l->ix);
		return CS_E_LEDGER;
	}
	return index_head(l->ix, &l->head, d);
}

int
ledger_render(const struct ledger *l, struct event *ev,
    const struct ledger_clock *clock, int64_t now, struct diag *d)
{
	if (ev->leaf != NULL)
		return 0;
	return make_leaf(l, ev, clock, now, &ev->leaf, &ev->leaf_len, d);
}

int
ledger_store(struct ledger *l, struct event *ev, size_t n,
    const struct ledger_clock *clock, int64_t now, struct diag *d)
{
	struct tlog_leaf *leaves = NULL;
	uint64_t first = tlog_size(l->log);
	size_t i;
	int r = 0;

	if (l->waiting != NULL)
		r = diag_fail(d, CS_E_INTERNAL, "an index that is up to date",
		    "leaves wait for it");
	if (r == 0 && (leaves = calloc(n + 1, sizeof(*leaves))) == NULL)
		r = diag_nomem(d);
	for (i = 0; i < n; i++) {
		if (r == 0)
			r = ledger_render(l, &ev[i], clock, now, d);
		if (r == 0) {
			leaves[i].len = ev[i].leaf_len;
			leaves[i].bytes = take_ptr(ev[i].leaf);
		}
		event_done(&ev[i]);
	}
	if (r == 0)
		r = tlog_append(l->log, leaves, n, d);
	if (r != 0) {
		free_leaves(leaves, n);
		return r;
	}
	l->waiting = leaves;
	l->nwaiting = n;
	l->first_waiting = first;
	return 0;
}

int
ledger_index(struct ledger *l, struct diag *d)
{
	struct tlog_leaf *leaves = take_ptr(l->waiting);
	int r;

	if (leaves == NULL)
		return 0;
	r = index_leaves(l, l->first_waiting, leaves, l->nwaiting, d);
	free_leaves(leaves, l->nwaiting);
	return r;
}

int
ledger_append(struct ledger *l, struct event *ev, size_t n,
    const struct ledger_clock *clock, int64_t now, struct diag *d)
{
	int r = ledger_store(l, ev, n, clock, now, d);

	return r == 0 ? ledger_index(l, d) : r;
}

uint64_t
ledger_size(const struct ledger *l)
{
	return tlog_size(l->log);
}

uint64_t
ledger_boot(const struct ledger *l)
{
	return l->boot;
}

void
ledger_next_boot(struct ledger *l)
{
	l->boot = l->head.boot + 1;
}

int64_t
ledger_floor(const struct ledger *l)
{
	return l->head.floor;
}

int
ledger_root_at(struct ledger *l, uint64_t size, uint8_t ret[32], struct diag *d)
{
	return tlog_root_at(l->log, size, ret, d);
}

int
ledger_root(struct ledger *l, uint8_t ret[32])
{
	return tlog_root(l->log, ret, NULL);
}

int
ledger_checkpointed(const struct ledger *l)
{
	return l->checkpointed == tlog_size(l->log);
}

int
ledger_checkpoint_text(struct ledger *l, char **ret, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	struct checkpoint cp = { .size = tlog_size(l->log) };
	int r;

	(void)snprintf(cp.origin, sizeof(cp.origin), "%s", l->keys.v[0].name);
	text = malloc(CHECKPOINT_TEXT_MAX);
	if (text == NULL)
		return diag_nomem(d);
	r = tlog_root(l->log, cp.root, d);
	if (r == 0)
		r = checkpoint_format(&cp, text, d);
	if (r == 0)
		*ret = take_ptr(text);
	return r;
}

/* Only what this log's own keys verify is stored. */
static int
make_note(const struct ledger *l, const char *text, const uint8_t sig[64],
    const uint8_t *ecdsa, size_t ecdsa_len, char **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_free_ char *one = NULL, *two = NULL;
	struct checkpoint cp;
	size_t len;
	int r;

	r = note_assemble(text, strlen(text), &l->keys.v[0], sig, &one, &len,
	    d);
	if (r == 0 && ecdsa_len > 0) {
		if (l->keys.n < 2)
			return diag_fail(d, CS_E_NOTE_KEY,
			    "an ECDSA key in enrol/log.vkey", "none");
		r = note_add(one, len, &l->keys.v[1], ecdsa, ecdsa_len, &two,
		    ret_len, d);
	} else if (r == 0) {
		two = take_ptr(one);
		*ret_len = len;
	}
	if (r == 0)
		r = note_verify(two, *ret_len, l->keys.v, l->keys.n, &cp, d);
	if (r == 0)
		*ret = take_ptr(two);
	return r;
}

int
ledger_checkpoint_store(struct ledger *l, const char *text,
    const uint8_t sig[64], const uint8_t *ecdsa, size_t ecdsa_len,
    struct diag *d)
{
	_cleanup_free_ char *note = NULL;
	struct checkpoint cp;
	char name[24];
	size_t len;
	int r;

	r = checkpoint_parse(text, strlen(text), &cp, d);
	if (r == 0)
		r = make_note(l, text, sig, ecdsa, ecdsa_len, &note, &len, d);
	if (r != 0)
		return r;
	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)cp.size);
	r = file_write_atomic(l->checkpoints_fd, name, note, len, 0600, d);
	if (r == 0)
		r = file_write_atomic(l->log_fd, "checkpoint", note, len, 0600,
		    d);
	if (r == 0)
		l->checkpointed = cp.size;
	return r;
}

int
ledger_checkpoint_at(struct ledger *l, uint64_t min, char **ret,
    size_t *ret_len, uint64_t *ret_size, struct diag *d)
{
	uint8_t *note = NULL;
	char name[24];
	uint64_t n;
	int r;

	for (n = min; n <= l->checkpointed; n++) {
		(void)snprintf(name, sizeof(name), "%llu",
		    (unsigned long long)n);
		if (file_exists(l->checkpoints_fd, name) == 0)
			continue;
		r = file_read(l->checkpoints_fd, name, MAX_NOTE, &note, ret_len,
		    d);
		if (r != 0)
			return r;
		*ret = (char *)note;
		*ret_size = n;
		return 0;
	}
	return diag_fail(d, CS_E_LEDGER_BEHIND, "a checkpoint",
	    "none covers leaf %llu", (unsigned long long)min);
}

int
ledger_checkpoint_last(struct ledger *l, char **ret, size_t *ret_len,
    uint64_t *ret_size, struct diag *d)
{
	return ledger_checkpoint_at(l, l->checkpointed, ret, ret_len, ret_size,
	    d);
}

int
ledger_blob_put(struct ledger *l, const void *data, size_t len,
    char ret_hex[65], struct diag *d)
{
	int r;

	r = sha256_hex(data, len, ret_hex);
	if (r != 0)
		return r;
	if (file_exists(l->blobs_fd, ret_hex) != 0)
		return 0;
	return file_write_atomic(l->blobs_fd, ret_hex, data, len, 0600, d);
}

int
ledger_blob_get(struct ledger *l, const char *hex, size_t max, uint8_t **ret,
    size_t *ret_len, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	char is[65];
	int r;

	if (hex_is(hex, 64) == 0)
		return diag_fail(d, CS_E_BLOB, "a SHA-256", "\"%s\"", hex);
	if (file_exists(l->blobs_fd, hex) == 0)
		return diag_fail(d, CS_E_BLOB, hex, "no such document");
	r = file_read(l->blobs_fd, hex, max, &data, ret_len, d);
	if (r == 0)
		r = sha256_hex(data, *ret_len, is);
	if (r != 0)
		return r;
	if (strcmp(is, hex) != 0)
		return diag_fail(d, CS_E_BLOB, hex, "%s", is);
	*ret = take_ptr(data);
	return 0;
}

int
ledger_request_by_n(struct ledger *l, uint64_t n, struct ledger_request *ret,
    struct diag *d)
{
	return index_request(l->ix, n, NULL, ret, d);
}

int
ledger_request_by_id(struct ledger *l, const char *id,
    struct ledger_request *ret, struct diag *d)
{
	return index_request(l->ix, 0, id, ret, d);
}

int
ledger_requests(struct ledger *l,
    int (*cb)(void *arg, const struct ledger_request *r), void *arg,
    struct diag *d)
{
	return index_requests(l->ix, cb, arg, d);
}

int
ledger_approvals(struct ledger *l, uint64_t n, struct ledger_approval **ret,
    size_t *ret_n, struct diag *d)
{
	return index_approvals(l->ix, n, ret, ret_n, d);
}

int
ledger_signatures(struct ledger *l, const char *rule, const char *key,
    int64_t from, int64_t until, uint64_t *ret, struct diag *d)
{
	return index_signatures(l->ix, rule, key, from, until, ret, d);
}

int
ledger_signed_before(struct ledger *l, const char *artifact, const char *key,
    bool *ret, struct diag *d)
{
	return index_signed_before(l->ix, artifact, key, ret, d);
}

int
ledger_leaf(struct ledger *l, uint64_t index, char **ret, size_t *ret_len,
    struct diag *d)
{
	uint8_t *p = NULL;
	int r;

	r = tlog_read_leaf(l->log, index, &p, ret_len, d);
	if (r == 0)
		*ret = (char *)p;
	return r;
}

int
ledger_inclusion(struct ledger *l, uint64_t index, uint64_t size,
    uint8_t (*ret)[32], size_t *ret_n, struct diag *d)
{
	return tlog_inclusion(l->log, index, size, ret, ret_n, d);
}

int
ledger_consistency(struct ledger *l, uint64_t old_size, uint64_t new_size,
    uint8_t (*ret)[32], size_t *ret_n, struct diag *d)
{
	return tlog_consistency(l->log, old_size, new_size, ret, ret_n, d);
}

const char *
ledger_policy(const struct ledger *l)
{
	return l->head.policy;
}

const char *
ledger_policy_envelope(const struct ledger *l)
{
	return l->head.envelope;
}

uint64_t
ledger_policy_leaf(const struct ledger *l)
{
	return l->head.policy_leaf;
}

int64_t
ledger_clock_offset(const struct ledger *l)
{
	return l->head.clock;
}

int
ledger_last_leaf(struct ledger *l, const char *event, const char *request,
    uint64_t *ret, struct diag *d)
{
	return index_last_leaf(l->ix, event, request, ret, d);
}

const struct note_vkeys *
ledger_log_keys(const struct ledger *l)
{
	return &l->keys;
}

int
ledger_log_fd(const struct ledger *l)
{
	return l->log_fd;
}

int
ledger_blobs_fd(const struct ledger *l)
{
	return l->blobs_fd;
}

int
ledger_checkpoints_fd(const struct ledger *l)
{
	return l->checkpoints_fd;
}
