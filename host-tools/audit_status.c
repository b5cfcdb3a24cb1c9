/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/audit_accept.h"
#include "host-tools/cli.h"
#include "host-tools/logsource.h"
#include "host-tools/show.h"

enum { O_DB, O_TILES, O_JSON };

static const struct cli_opt options[] = {
	[O_DB] = AUDIT_OPT_DB,
	[O_TILES] = AUDIT_OPT_TILES,
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

struct status {
	struct note_vkeys keys;
	struct audit_head head;
	struct audit_counts n;
	json_t *events; /* {"event": count} */
	json_t *gaps;	/* [[first missing, first kept], ...] */
	bool sound;	/* the leaves still add up to the head */
};

static void
status_done(struct status *s)
{
	free(s->head.note);
	json_decref(s->events);
	json_decref(s->gaps);
}

static int
add_event(void *arg, const char *event, uint64_t count)
{
	struct status *s = arg;

	return json_object_set_new(s->events, event,
		   json_integer((json_int_t)count)) == 0 ?
	    0 :
	    CS_E_NOMEM;
}

static int
add_kept(void *arg, uint64_t first, uint64_t size)
{
	struct status *s = arg;

	if (!s->head.any || size > s->head.c.size)
		return json_array_append_new(s->gaps,
			   json_pack("[I, I, I]", (json_int_t)s->head.c.size,
			       (json_int_t)first, (json_int_t)size)) == 0 ?
		    0 :
		    CS_E_NOMEM;
	return 0;
}

/* The tiles, every leaf of them. */
static int
walk(int dirfd, const struct checkpoint *c, bool *ret_sound, struct diag *d)
{
	struct tile_source src = tile_source_dir(&dirfd);
	const struct tlog_walk w = {
		.threads = AUDIT_THREADS,
		.check = audit_check_leaf,
	};
	struct tlog_walked got;
	int r = tlog_walk_with(&src, c->size, &w, &got, d);

	*ret_sound = r == 0 && memcmp(got.root, c->root, 32) == 0;
	return r;
}

static int
collect(const struct audit_where *w, struct status *s, struct diag *d)
{
	_cleanup_audit_db_ struct audit_db *db = NULL;
	_cleanup_fd_ int fd = -1;
	bool sound = true;
	int r;

	audit_memory();
	s->events = json_object();
	s->gaps = json_array();
	if (s->events == NULL || s->gaps == NULL)
		return diag_nomem(d);
	r = audit_db_open_read(w->db, &s->keys, &db, d);
	if (r == 0)
		r = audit_db_head(db, &s->head, d);
	if (r == 0)
		r = audit_db_counts(db, &s->n, d);
	if (r == 0)
		r = audit_db_each_event(db, add_event, s, d);
	if (r == 0)
		r = audit_store_open_read(w, &fd, d);
	if (r == 0)
		r = audit_kept_each(fd, add_kept, s, d);
	if (r == 0 && s->head.any)
		r = walk(fd, &s->head.c, &sound, d);
	if (r != 0)
		return r;
	s->sound = sound && s->n.leaves == s->head.c.size;
	return 0;
}

static void
show(const struct status *s)
{
	const char *event;
	json_t *v;
	size_t i;

	show_text("log", s->keys.v[0].name);
	vkeys_show(&s->keys);
	if (s->head.any) {
		(void)printf("%-13s%" PRIu64 "\n", "leaves", s->head.c.size);
		show_digest("root", s->head.c.root);
	} else {
		show_text("leaves", "nothing has been imported");
	}
	(void)printf("%-13s%" PRIu64 "\n%-13s%" PRIu64 "\n", "imports",
	    s->n.checkpoints, "forks", s->n.forks);
	json_array_foreach (s->gaps, i, v)
		(void)printf("%-13sleaves %" PRIdMAX " to %" PRIdMAX
			     " are missing; kept from %" PRIdMAX "\n",
		    "gap", (intmax_t)json_integer_value(json_array_get(v, 0)),
		    (intmax_t)json_integer_value(json_array_get(v, 1)) - 1,
		    (intmax_t)json_integer_value(json_array_get(v, 1)));
	json_object_foreach (s->events, event, v)
		(void)printf("%-13s%" PRIdMAX "  %s\n", "event",
		    (intmax_t)json_integer_value(v), event);
}

static json_t *
to_json(struct status *s)
{
	json_t *j = json_pack("{s:s, s:I, s:I, s:I, s:O, s:O, s:b, s:o}",
	    "origin", s->keys.v[0].name, "leaves", (json_int_t)s->n.leaves,
	    "imports", (json_int_t)s->n.checkpoints, "forks",
	    (json_int_t)s->n.forks, "gaps", s->gaps, "events", s->events,
	    "sound", s->sound, "keys", json_vkeys(&s->keys));

	if (j != NULL && s->head.any &&
	    json_object_set_new(j, "root", json_hex(s->head.c.root, 32)) != 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(status_done) struct status s = { 0 };
	const struct audit_where where = audit_where(c, O_DB, O_TILES);
	int r = collect(&where, &s, d);

	if (r != 0)
		return r;
	if (cli_has(c, O_JSON))
		r = cli_print_json(to_json(&s), d);
	else
		show(&s);
	if (r != 0)
		return r;
	if (!s.sound)
		return diag_fail(d, CS_E_AUDIT_DB_FORMAT,
		    "leaves that add up "
		    "to the accepted root",
		    "%" PRIu64 " leaves that do not", s.n.leaves);
	if (s.n.forks > 0)
		return diag_fail(d, CS_E_AUDIT_FORK, "one log that only grows",
		    "%" PRIu64 " contradictions", s.n.forks);
	return 0;
}

const struct cli_verb verb_audit_status = {
	.group = "audit",
	.name = "status",
	.operands = "",
	.about = "Say what an auditor's database holds, and check it.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
