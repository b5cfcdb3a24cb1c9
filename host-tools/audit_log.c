/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/audit_view.h"
#include "host-tools/cli.h"
#include "lib/buf.h"
#include "lib/hex.h"
#include "lib/json.h"

#define VALUE_MAX 400u
#define SQL_LIMIT 1024u

enum {
	O_DB,
	O_TILES,
	O_PERSON,
	O_KEY,
	O_PRODUCT,
	O_TYPE,
	O_FROM,
	O_UNTIL,
	O_LIMIT,
	O_JSON
};

static const struct cli_opt options[] = {
	[O_DB] = AUDIT_OPT_DB,
	[O_TILES] = AUDIT_OPT_TILES,
	[O_PERSON] = { "person", "ID", 0, "only what this person did" },
	[O_KEY] = { "key", "ID", 0, "only requests for this key" },
	[O_PRODUCT] = { "product", "NAME", 0, "only this product" },
	[O_TYPE] = { "type", "EVENT", 0, "only these events: signature, boot" },
	[O_FROM] = { "from", "TIME", 0,
	    "not before: 2026-11-25T02:00:00Z, by the appliance's clock" },
	[O_UNTIL] = { "until", "TIME", 0, "not after" },
	[O_LIMIT] = { "limit", "N", 0, "the last N of these" },
	[O_JSON] = { "json", NULL, 0, "the leaves themselves, one a line" },
};

/* The option, and what it demands of v_events. */
static const struct {
	int opt;
	const char *where;
	bool time;
} filters[] = {
	{ O_PERSON, "person =", false },
	{ O_KEY, "signing_key =", false },
	{ O_PRODUCT, "product =", false },
	{ O_TYPE, "event =", false },
	{ O_FROM, "claimed >=", true },
	{ O_UNTIL, "claimed <=", true },
};

/* What is worth a word of an event, by the path in its leaf. */
static const char *const members[] = { "data.person", "data.decision",
	"data.product", "data.version", "data.key", "data.name", "data.rule",
	"data.action", "data.result", "data.check", "data.found", "data.reason",
	"data.break_glass", "data.domain", "data.appliance",
	"data.policy_version", "data.counter", "data.image_version",
	"data.clock", "data.floor", "data.count", "data.challenge",
	"data.seconds", "data.direction", "data.request" };

struct question {
	char sql[SQL_LIMIT];
	struct audit_arg args[ARRAY_LEN(filters) + 1];
	size_t n;
};

static int
number(const struct cli *c, int opt, uint64_t *ret, struct diag *d)
{
	const char *s = cli_get(c, (size_t)opt);

	if (note_size_parse(s, strlen(s), ret) != 0 || *ret == 0)
		return diag_fail(d, CS_E_USAGE, "a number of 1 and more",
		    "--%s %.40s", c->verb->opts[opt].name, s);
	return 0;
}

static int
add_filter(const struct cli *c, size_t i, struct question *q, struct diag *d)
{
	const char *v = cli_get(c, (size_t)filters[i].opt);
	size_t len = strlen(q->sql);
	int64_t t;

	if (v == NULL)
		return 0;
	if (filters[i].time && time_parse(v, &t) != 0)
		return diag_fail(d, CS_E_USAGE, "as 2026-11-25T02:00:00Z",
		    "--%s %.40s", c->verb->opts[filters[i].opt].name, v);
	if (filters[i].time)
		q->args[q->n].number = (uint64_t)t;
	else
		q->args[q->n].text = v;
	q->n++;
	(void)snprintf(q->sql + len, sizeof(q->sql) - len, "%s %s $%zu",
	    q->n == 1 ? " WHERE" : " AND", filters[i].where, q->n);
	return 0;
}

/* The last N are asked for backwards, and turned round. */
static int
make_question(const struct cli *c, struct question *q, struct diag *d)
{
	bool last = cli_has(c, O_LIMIT);
	size_t i, len;
	int r = 0;

	(void)snprintf(q->sql, sizeof(q->sql), "%sSELECT idx FROM v_events",
	    last ? "SELECT idx FROM (" : "");
	for (i = 0; r == 0 && i < ARRAY_LEN(filters); i++)
		r = add_filter(c, i, q, d);
	if (r == 0 && last)
		r = number(c, O_LIMIT, &q->args[q->n++].number, d);
	len = strlen(q->sql);
	if (r == 0 && last)
		(void)snprintf(q->sql + len, sizeof(q->sql) - len,
		    " ORDER BY idx DESC LIMIT $%zu) AS e", q->n);
	len = strlen(q->sql);
	(void)snprintf(q->sql + len, sizeof(q->sql) - len, " ORDER BY idx");
	return r;
}

static void
show_member(const json_t *leaf, const char *path)
{
	const json_t *v = leaf_get(leaf, path);
	const char *text = json_string_value(v);
	const char *name = strchr(path, '.') + 1;
	char clean[VALUE_MAX];

	if (json_is_integer(v)) {
		(void)printf(" %s=%" PRIu64, name, leaf_number(leaf, path));
		return;
	}
	if (text == NULL || *text == '\0')
		return;
	text_sanitise(text, strlen(text), clean, sizeof(clean));
	(void)printf(strpbrk(clean, " \"") != NULL ? " %s=\"%s\"" : " %s=%s",
	    name, clean);
}

static int
show_leaf(struct audit_view *a, uint64_t idx, struct diag *d)
{
	_cleanup_json_ json_t *leaf = NULL;
	char when[21], event[VALUE_MAX];
	const char *text;
	size_t i;
	int r;

	r = audit_view_leaf(a, idx, &leaf, d);
	if (r != 0)
		return r;
	time_format((int64_t)leaf_number(leaf, "time.claimed"), when);
	text = leaf_text(leaf, "event");
	text_sanitise(text, strlen(text), event, sizeof(event));
	(void)printf("%8" PRIu64 "  %s  %-16s", idx, when, event);
	for (i = 0; i < ARRAY_LEN(members); i++)
		show_member(leaf, members[i]);
	(void)putchar('\n');
	return 0;
}

/* The leaf as it is, with its number before it. */
static int
print_leaf(struct audit_view *a, uint64_t idx, struct diag *d)
{
	_cleanup_free_ char *line = NULL;
	size_t len;
	int r;

	r = audit_view_line(a, idx, &line, &len, d);
	if (r == 0)
		(void)printf("{\"idx\":%" PRIu64 ",\"leaf\":%.*s}\n", idx,
		    (int)len - 1, line);
	return r;
}

static int
run(const struct cli *c, struct diag *d)
{
	const struct audit_where where = audit_where(c, O_DB, O_TILES);
	_cleanup_audit_view_ struct audit_view a = AUDIT_VIEW_INIT;
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	int (*print)(struct audit_view *, uint64_t, struct diag *) =
	    cli_has(c, O_JSON) ? print_leaf : show_leaf;
	struct question ask = { 0 };
	bool any = true;
	int r;

	r = make_question(c, &ask, d);
	if (r == 0)
		r = audit_view_open(&where, &a, d);
	if (r == 0)
		r = audit_rows_open(a.db, ask.sql, ask.args, ask.n, &q, d);
	while (r == 0 && ferror(stdout) == 0) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		r = print(&a, audit_rows_number(q, 0), d);
	}
	audit_rows_free(&q);
	return r;
}

const struct cli_verb verb_audit_log = {
	.group = "audit",
	.name = "log",
	.operands = "",
	.about = "List events of a log, by person, key, product, type, time.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
