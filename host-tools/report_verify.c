/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before anything is written: every leaf leads to the signed root, and the
 * database, out of which the tables are, says what the leaves say.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "host-tools/report.h"
#include "lib/canon.h"

#define TEXT_MAX 1024u

/* A question in the order of leaves, and what each row must agree with. */
struct follower {
	const char *event; /* only leaves of this event; NULL: all */
	const char *sql;   /* idx, then the members' values */
	const char *paths[6];
};

static const struct follower followers[] = {
	{ NULL, "SELECT idx, event, boot, claimed FROM v_events ORDER BY idx",
	    { "event", "boot", "time.claimed" } },
	{ "signature",
	    "SELECT idx, artifact, signature_sha256, product, version,"
	    " signing_key, requester FROM v_signatures ORDER BY idx",
	    { "data.artifact", "data.signature_sha256", "data.product",
		"data.version", "data.key", "data.trace.requester" } },
	{ "approval",
	    "SELECT idx, person, decision, statement FROM v_approvals"
	    " ORDER BY idx",
	    { "data.person", "data.decision", "data.statement" } },
};

#define FOLLOWERS ARRAY_LEN(followers)

struct walk {
	struct audit_rows *q[FOLLOWERS];
	int index; /* the first row that disagrees, told if the root holds */
	struct diag why;
};

static void
walk_done(struct walk *w)
{
	size_t i;

	for (i = 0; i < FOLLOWERS; i++)
		audit_rows_free(&w->q[i]);
}

/* A text, or a number in decimal, as the database gives it. */
static int
member(const uint8_t *leaf, size_t len, const char *path, char out[TEXT_MAX])
{
	enum canon_kind kind;
	const char *v;
	size_t n;

	out[0] = '\0';
	if (canon_get((const char *)leaf, len, path, &kind, &v, &n) != 0)
		return 0;
	if (kind == CANON_STR)
		return canon_unescape(v, n, out, TEXT_MAX);
	if (kind != CANON_NUM || n >= TEXT_MAX)
		return CS_E_AUDIT_INDEX;
	memcpy(out, v, n);
	out[n] = '\0';
	return 0;
}

static int
compare(const struct follower *f, struct audit_rows *q, uint64_t index,
    const uint8_t *leaf, size_t len, struct diag *d)
{
	char text[TEXT_MAX];
	bool any = false;
	size_t i;
	int r;

	r = audit_rows_next(q, &any, d);
	if (r != 0)
		return r;
	if (!any || audit_rows_number(q, 0) != index)
		return diag_fail(d, CS_E_AUDIT_INDEX, "a row for each leaf",
		    "no row for leaf %" PRIu64, index);
	for (i = 0; i < ARRAY_LEN(f->paths) && f->paths[i] != NULL; i++) {
		if (member(leaf, len, f->paths[i], text) != 0 ||
		    strcmp(text, audit_rows_text(q, (int)i + 1)) != 0)
			return diag_fail(d, CS_E_AUDIT_INDEX, text,
			    "leaf %" PRIu64 ", %s: %.80s", index, f->paths[i],
			    audit_rows_text(q, (int)i + 1));
	}
	return 0;
}

static int
check_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	struct walk *w = arg;
	char event[TEXT_MAX];
	size_t i;

	if (w->index != 0)
		return 0;
	if (canon_get_str((const char *)leaf, len, "event", event,
		sizeof(event), NULL) != 0)
		return diag_fail(d, CS_E_AUDIT_LEAF, NULL,
		    "leaf %" PRIu64 " has no event", index);
	for (i = 0; w->index == 0 && i < FOLLOWERS; i++)
		if (followers[i].event == NULL ||
		    strcmp(followers[i].event, event) == 0)
			w->index = compare(&followers[i], w->q[i], index, leaf,
			    len, &w->why);
	return 0;
}

/* Rows that no leaf stands for. */
static int
check_ends(struct walk *w, struct diag *d)
{
	bool any = false;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < FOLLOWERS; i++) {
		r = audit_rows_next(w->q[i], &any, d);
		if (r == 0 && any)
			r = diag_fail(d, CS_E_AUDIT_INDEX,
			    "a leaf for each row", "none for row %" PRIu64,
			    audit_rows_number(w->q[i], 0));
	}
	return r;
}

static int
verify(struct report *p, struct diag *d)
{
	_cleanup_(walk_done) struct walk w = { 0 };
	uint8_t root[32];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < FOLLOWERS; i++)
		r = audit_rows_open(p->a.db, followers[i].sql, NULL, 0, &w.q[i],
		    d);
	if (r == 0)
		r = tlog_walk(p->a.dirfd, p->a.head.c.size, check_leaf, &w,
		    root, d);
	if (r == 0 && memcmp(root, p->a.head.c.root, sizeof(root)) != 0)
		r = diag_fail(d, CS_E_AUDIT_ROOT, "the signed root",
		    "another one over %" PRIu64 " leaves", p->a.head.c.size);
	if (r != 0)
		return r;
	if (w.index != 0) {
		*d = w.why;
		return w.index;
	}
	return check_ends(&w, d);
}

/* Bundles that came without the ones before them. */
static int
count_waiting(struct report *p, struct diag *d)
{
	const struct dirent *e;
	DIR *dir;
	int fd;

	fd = openat(p->a.dirfd, "pending",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ?
		    0 :
		    diag_errno(d, CS_E_IO, "bundles that wait");
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return diag_nomem(d);
	}
	while ((e = readdir(dir)) != NULL)
		p->waiting += e->d_name[0] != '.';
	(void)closedir(dir);
	return 0;
}

int
report_verify(struct report *p, struct diag *d)
{
	int r;

	p->verdict = verify(p, &p->why);
	r = audit_ask_number(p->a.db, "SELECT count(*) FROM fork", NULL, 0,
	    &p->forks, d);
	if (r == 0)
		r = count_waiting(p, d);
	if (r == 0 && p->verdict == 0 && p->forks > 0)
		p->verdict = diag_fail(&p->why, CS_E_AUDIT_FORK,
		    "one log that only grows", "%" PRIu64 " contradictions",
		    p->forks);
	return r;
}
