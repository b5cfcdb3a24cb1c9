/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "host-tools/audit_view.h"
#include "host-tools/cli.h"
#include "host-tools/newfile.h"
#include "lib/json.h"

enum { O_DB, O_TILES, O_WHAT, O_CSV, O_JSONL, O_OUT };

static const struct cli_opt options[] = {
	[O_DB] = AUDIT_OPT_DB,
	[O_TILES] = AUDIT_OPT_TILES,
	[O_WHAT] = { "what", "NAME", 0,
	    "a table of coldseal-audit(1): signatures, approvals, ..." },
	[O_CSV] = { "csv", NULL, 0, "RFC 4180, for spreadsheets" },
	[O_JSONL] = { "jsonl", NULL, 0, "a line of JSON for each" },
	[O_OUT] = { "out", "FILE", 0, "write there, not to standard output" },
};

static const struct {
	const char *name, *sql;
} tables[] = {
	{ "signatures", "SELECT * FROM v_signatures ORDER BY idx" },
	{ "signature-approvals",
	    "SELECT * FROM v_signature_approvals ORDER BY idx, n" },
	{ "requests", "SELECT * FROM v_requests ORDER BY idx" },
	{ "evidence", "SELECT * FROM v_evidence ORDER BY idx, n" },
	{ "approvals", "SELECT * FROM v_approvals ORDER BY idx" },
	{ "refusals", "SELECT * FROM v_refusals ORDER BY idx" },
	{ "outcomes", "SELECT * FROM v_outcomes ORDER BY idx" },
	{ "boots", "SELECT * FROM v_boots ORDER BY idx" },
	{ "policies", "SELECT * FROM v_policies ORDER BY idx" },
	{ "exports", "SELECT * FROM v_exports ORDER BY idx, file" },
	{ "checkpoints", "SELECT * FROM v_checkpoints ORDER BY size" },
	{ "events", "SELECT * FROM v_events ORDER BY idx" },
};

static int
find_table(const char *name, const char **ret, struct diag *d)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(tables); i++)
		if (strcmp(tables[i].name, name) == 0) {
			*ret = tables[i].sql;
			return 0;
		}
	return diag_fail(d, CS_E_USAGE, "one that coldseal-audit(1) lists",
	    "--what %.40s", name);
}

/* A spreadsheet would run what begins so. */
static void
csv_field(FILE *f, const char *text, bool last)
{
	const char *p;

	(void)fputc('"', f);
	if (*text != '\0' && strchr("=+-@\t\r", *text) != NULL)
		(void)fputc('\'', f);
	for (p = text; *p != '\0'; p++) {
		if (*p == '"')
			(void)fputc('"', f);
		(void)fputc(*p, f);
	}
	(void)fputs(last ? "\"\r\n" : "\",", f);
}

static int
csv_head(FILE *f, struct audit_rows *q, struct diag *d)
{
	int i, n = audit_rows_columns(q);

	(void)d;
	for (i = 0; i < n; i++)
		csv_field(f, audit_rows_name(q, i), i == n - 1);
	return 0;
}

static int
csv_row(FILE *f, struct audit_rows *q, struct diag *d)
{
	int i, n = audit_rows_columns(q);

	(void)d;
	for (i = 0; i < n; i++)
		csv_field(f, audit_rows_text(q, i), i == n - 1);
	return 0;
}

static int
json_row(FILE *f, struct audit_rows *q, struct diag *d)
{
	_cleanup_json_ json_t *row = json_object();
	int i, n = audit_rows_columns(q);

	for (i = 0; i < n; i++)
		if (!audit_rows_null(q, i) &&
		    json_object_set_new(row, audit_rows_name(q, i),
			audit_rows_is_number(q, i) ?
			    json_integer((json_int_t)audit_rows_number(q, i)) :
			    json_string(audit_rows_text(q, i))) != 0)
			return diag_nomem(d);
	/* notes have newlines: canonical JSON would refuse them */
	if (json_dumpf(row, f, JSON_COMPACT | JSON_SORT_KEYS) != 0)
		return diag_errno(d, CS_E_IO, "writing");
	(void)fputc('\n', f);
	return 0;
}

static int
export_rows(struct audit_view *a, const char *sql, bool csv, FILE *f,
    struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = true;
	int r;

	r = audit_rows_open(a->db, sql, NULL, 0, &q, d);
	if (r == 0 && csv)
		r = csv_head(f, q, d);
	while (r == 0 && ferror(f) == 0) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		r = csv ? csv_row(f, q, d) : json_row(f, q, d);
	}
	return r;
}

static int
put_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	(void)index;
	return fwrite(leaf, 1, len, arg) == len ?
	    0 :
	    diag_errno(d, CS_E_IO, "writing");
}

/* Every leaf as it is; what was written is only good if the root is. */
static int
export_leaves(struct audit_view *a, FILE *f, struct diag *d)
{
	uint8_t root[32];
	int r;

	r = tlog_walk(a->dirfd, a->head.c.size, put_leaf, f, root, d);
	if (r == 0 && memcmp(root, a->head.c.root, sizeof(root)) != 0)
		r = diag_fail(d, CS_E_AUDIT_ROOT, "the signed root",
		    "another one over %" PRIu64 " leaves", a->head.c.size);
	return r;
}

static int
export_to(const struct cli *c, const char *sql, FILE *f, struct diag *d)
{
	const struct audit_where where = audit_where(c, O_DB, O_TILES);
	_cleanup_audit_view_ struct audit_view a = AUDIT_VIEW_INIT;
	int r;

	r = audit_view_open(&where, &a, d);
	if (r != 0)
		return r;
	r = sql != NULL ? export_rows(&a, sql, cli_has(c, O_CSV), f, d) :
			  export_leaves(&a, f, d);
	errno = 0;
	if (r == 0 && (fflush(f) != 0 || ferror(f) != 0))
		r = diag_errno(d, CS_E_IO, "writing");
	return r;
}

static int
export_file(const struct cli *c, const char *sql, struct diag *d)
{
	_cleanup_newfile_ struct newfile out = NEWFILE_INIT;
	FILE *f;
	int fd, r;

	r = newfile_open(cli_get(c, O_OUT), &out, d);
	if (r != 0)
		return r;
	fd = dup(out.fd);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f == NULL)
		return diag_errno(d, CS_E_IO, "%s", out.tmp);
	r = export_to(c, sql, f, d);
	if (fclose(f) != 0 && r == 0)
		r = diag_errno(d, CS_E_IO, "%s", out.tmp);
	return r == 0 ? newfile_commit(&out, d) : r;
}

static int
run(const struct cli *c, struct diag *d)
{
	const char *what = cli_get(c, O_WHAT), *sql = NULL;
	int r = 0;

	if (cli_has(c, O_CSV) == cli_has(c, O_JSONL))
		return diag_fail(d, CS_E_USAGE, "--csv or --jsonl",
		    cli_has(c, O_CSV) ? "both" : "neither");
	if (what == NULL && cli_has(c, O_CSV))
		return diag_fail(d, CS_E_USAGE, "--what NAME with it",
		    "--csv of everything");
	if (what != NULL)
		r = find_table(what, &sql, d);
	if (r != 0)
		return r;
	return cli_has(c, O_OUT) ? export_file(c, sql, d) :
				   export_to(c, sql, stdout, d);
}

const struct cli_verb verb_audit_export = {
	.group = "audit",
	.name = "export",
	.operands = "",
	.about = "Write rows or leaves of a log, for other programs.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
