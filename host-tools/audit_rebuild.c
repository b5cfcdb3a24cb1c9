/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database again, from the folder of tiles alone: every leaf is verified
 * as when it was imported, and becomes the same rows.  They take the old ones'
 * place when they are complete.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host-tools/audit_accept.h"
#include "host-tools/cli.h"
#include "host-tools/show.h"
#include "lib/b64.h"
#include "lib/dirlist.h"
#include "lib/file.h"
#include "lib/json.h"

enum { O_DB, O_TILES, O_JSON };

static const struct cli_opt options[] = {
	[O_DB] = AUDIT_OPT_DB,
	[O_TILES] = AUDIT_OPT_TILES,
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

struct rebuild {
	int dirfd;
	struct note_vkeys keys;
	struct logsource src;
	struct audit_anew anew;
	uint64_t *sizes; /* of the imports, ascending */
	size_t n, at;
	struct merkle_range edge;
};

static void
rebuild_done(struct rebuild *b)
{
	logsource_done(&b->src);
	audit_anew_done(&b->anew);
	free(b->sizes);
}

static int
damaged(struct diag *d, const char *path)
{
	return diag_fail(d, CS_E_AUDIT_STORE, NULL, "%s is not in its form",
	    path);
}

/* One accepted checkpoint, as it was. */
static int
add_checkpoint(struct rebuild *b, uint64_t size, struct diag *d)
{
	struct audit_accepted e = { .edge = &b->edge };
	_cleanup_free_ uint8_t *text = NULL, *note = NULL;
	_cleanup_json_ json_t *j = NULL;
	const char *bundle = "";
	uint64_t imported = 0;
	const struct json_field f[] = {
		{ "bundle", JK_TEXT, true, &bundle, NULL },
		{ "imported", JK_U64, true, &imported, NULL },
	};
	uint8_t root[32];
	char path[64];
	size_t len = 0;
	int r;

	(void)snprintf(path, sizeof(path), "imports/%" PRIu64 ".json", size);
	r = file_read(b->dirfd, path, 1024, &text, &len, d);
	if (r == 0)
		r = json_load_strict(text, len, 1024, &j, d);
	if (r == 0)
		r = json_fields(j, "", f, ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	(void)snprintf(path, sizeof(path), "checkpoints/%" PRIu64, size);
	r = file_read(b->dirfd, path, NOTE_MAX, &note, &e.note_len, d);
	if (r == 0)
		r = note_verify((const char *)note, e.note_len, b->keys.v,
		    b->keys.n, &e.c, d);
	if (r == 0)
		r = merkle_range_root(&b->edge, root);
	if (r != 0)
		return r;
	if (e.c.size != size || memcmp(root, e.c.root, 32) != 0)
		return damaged(d, path);
	e.note = (const char *)note;
	e.imported = (int64_t)imported;
	e.bundle = *bundle != '\0' ? bundle : NULL;
	return audit_db_add_checkpoint(b->anew.db, &e, d);
}

static int
take_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	struct rebuild *b = arg;
	uint8_t hash[32];
	int r;

	r = audit_db_add_leaf(b->anew.db, index, (const char *)leaf, len, d);
	if (r == 0)
		r = merkle_leaf_hash(leaf, len, hash);
	if (r == 0)
		r = merkle_range_append(&b->edge, hash);
	if (r == 0 && b->at < b->n && b->sizes[b->at] == index + 1)
		r = add_checkpoint(b, b->sizes[b->at++], d);
	return r;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
see_import(void *arg, const char *name, struct diag *d)
{
	struct rebuild *b = arg;
	size_t n = strlen(name);
	uint64_t size;
	void *v;

	/* one above the checkpoint is of an import that did not end */
	if (n < 6 || strcmp(name + n - 5, ".json") != 0 ||
	    note_size_parse(name, n - 5, &size) != 0 || size > b->src.c.size)
		return 0;
	v = reallocarray(b->sizes, b->n + 1, sizeof(*b->sizes));
	if (v == NULL)
		return diag_nomem(d);
	b->sizes = v;
	b->sizes[b->n++] = size;
	return 0;
}

/* A note out of base64; *ret is terminated. */
static int
read_note(const char *b64, char **ret)
{
	_cleanup_free_ char *p = malloc(b64_dec_max(strlen(b64)) + 1);
	size_t n = 0;
	int r;

	if (p == NULL)
		return CS_E_NOMEM;
	r = b64_decode(b64, strlen(b64), (uint8_t *)p, b64_dec_max(strlen(b64)),
	    &n);
	if (r != 0)
		return r;
	p[n] = '\0';
	*ret = take_ptr(p);
	return 0;
}

static int
see_fork(void *arg, const char *name, struct diag *d)
{
	_cleanup_free_ char *stored = NULL, *other = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	_cleanup_json_ json_t *j = NULL;
	struct rebuild *b = arg;
	struct audit_fork f = { .found = 0 };
	const char *s64 = "", *o64 = "";
	uint64_t found = 0;
	const struct json_field fields[] = {
		{ "found", JK_U64, true, &found, NULL },
		{ "other", JK_STR, true, &o64, NULL },
		{ "stored", JK_STR, true, &s64, NULL },
	};
	char path[96];
	size_t len = 0;
	int r;

	if (strlen(name) != CS_SHA256_HEX + 5)
		return 0;
	(void)snprintf(path, sizeof(path), "forks/%s", name);
	r = file_read(b->dirfd, path, 4 * NOTE_MAX, &text, &len, d);
	if (r == 0)
		r = json_load_strict(text, len, 4 * NOTE_MAX, &j, d);
	if (r == 0)
		r = json_fields(j, "", fields, ARRAY_LEN(fields), d);
	if (r != 0)
		return r;
	if (read_note(s64, &stored) != 0 || read_note(o64, &other) != 0)
		return damaged(d, path);
	memcpy(f.sha256, name, CS_SHA256_HEX);
	f.stored = stored;
	f.other = other;
	f.found = (int64_t)found;
	return audit_db_add_fork(b->anew.db, &f, d);
}

static int
fill(struct rebuild *b, struct diag *d)
{
	const struct tlog_walk w = {
		.threads = AUDIT_THREADS,
		.check = audit_check_leaf,
		.leaf = take_leaf,
		.arg = b,
	};
	struct tlog_walked got;
	int r;

	r = audit_each_name(b->dirfd, "imports", see_import, b, d);
	if (r != 0)
		return r;
	if (b->n > 0)
		qsort(b->sizes, b->n, sizeof(*b->sizes), compare);
	if (b->n == 0 || b->sizes[b->n - 1] != b->src.c.size)
		return damaged(d, "imports/");
	r = tlog_walk_with(&b->src.tiles, b->src.c.size, &w, &got, d);
	if (r == 0 && memcmp(got.root, b->src.c.root, 32) != 0)
		r = diag_fail(d, CS_E_AUDIT_ROOT, "the signed root",
		    "another one over %" PRIu64 " leaves", b->src.c.size);
	if (r == 0 && b->sizes[0] == 0)
		r = damaged(d, "imports/0.json");
	if (r == 0)
		r = audit_each_name(b->dirfd, "forks", see_fork, b, d);
	return r == 0 ? audit_anew_commit(&b->anew, d) : r;
}

static int
report(const struct cli *c, const struct rebuild *b, struct diag *d)
{
	if (cli_has(c, O_JSON))
		return cli_print_json(json_pack("{s:s, s:I, s:I}", "origin",
					  b->src.c.origin, "leaves",
					  (json_int_t)b->src.c.size, "imports",
					  (json_int_t)b->n),
		    d);
	show_text("log", b->src.c.origin);
	(void)printf("%-13s%" PRIu64 " leaves, %zu imports\n", "rebuilt",
	    b->src.c.size, b->n);
	return 0;
}

static int
run(const struct cli *c, struct diag *d)
{
	const struct audit_where w = audit_where(c, O_DB, O_TILES);
	_cleanup_(rebuild_done) struct rebuild b = { .src.dirfd = -1 };
	_cleanup_free_ char *dir = NULL, *vkey = NULL;
	_cleanup_fd_ int fd = -1, lock = -1;
	int r;

	audit_memory();
	r = audit_where_tiles(&w, &dir, d);
	if (r == 0)
		r = audit_store_open_read(&w, &fd, d);
	if (r == 0)
		r = audit_store_lock(fd, false, &lock, d);
	if (r != 0)
		return r;
	b.dirfd = fd;
	if (asprintf(&vkey, "%s/log.vkey", dir) < 0) {
		vkey = NULL;
		return diag_nomem(d);
	}
	r = vkeys_file_load(vkey, &b.keys, d);
	if (r == 0)
		r = logsource_open(dir, &b.keys, &b.src, d);
	if (r == 0)
		r = audit_db_open_anew(w.db, &b.keys, &b.anew, d);
	if (r == 0)
		r = fill(&b, d);
	return r == 0 ? report(c, &b, d) : r;
}

const struct cli_verb verb_audit_rebuild = {
	.group = "audit",
	.name = "rebuild",
	.operands = "",
	.about = "Make an auditor's database again from its tiles.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
