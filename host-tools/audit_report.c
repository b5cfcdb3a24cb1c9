/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "host-tools/cli.h"
#include "host-tools/newfile.h"
#include "host-tools/report.h"

#define ROWS_DEFAULT 10000u

enum { O_DB, O_TILES, O_OUT, O_ROWS };

static const struct cli_opt options[] = {
	[O_DB] = AUDIT_OPT_DB,
	[O_TILES] = AUDIT_OPT_TILES,
	[O_OUT] = { "out", "FILE", CLI_REQUIRED, "the HTML file to write" },
	[O_ROWS] = { "rows", "N", 0,
	    "at most the newest N rows of each table (10000)" },
};

static int (*const sections[])(struct report *p, struct diag *d) = {
	report_verify,
	report_count_findings,
	report_head,
	report_identity,
	report_findings,
	report_timeline,
	report_tables,
	report_changes,
	report_authority,
	report_policies,
	report_end,
};

static int
write_report(struct report *p, struct newfile *out, struct diag *d)
{
	int fd = dup(out->fd), r = 0;
	size_t i;

	p->h.f = fd < 0 ? NULL : fdopen(fd, "w");
	if (p->h.f == NULL)
		return diag_errno(d, CS_E_IO, "%s", out->tmp);
	for (i = 0; r == 0 && i < ARRAY_LEN(sections); i++)
		r = sections[i](p, d);
	if (r == 0)
		r = html_end(&p->h, d);
	if (fclose(p->h.f) != 0 && r == 0)
		r = diag_errno(d, CS_E_IO, "%s", out->tmp);
	return r;
}

static int
run(const struct cli *c, struct diag *d)
{
	const struct audit_where where = audit_where(c, O_DB, O_TILES);
	_cleanup_newfile_ struct newfile out = NEWFILE_INIT;
	struct report p = { .a = AUDIT_VIEW_INIT,
		.rows = ROWS_DEFAULT,
		.now = (int64_t)time(NULL) };
	const char *rows = cli_get(c, O_ROWS);
	int r = 0;

	if (rows != NULL &&
	    (note_size_parse(rows, strlen(rows), &p.rows) != 0 || p.rows == 0))
		return diag_fail(d, CS_E_USAGE, "a number of 1 and more",
		    "--rows %.40s", rows);
	r = audit_view_open(&where, &p.a, d);
	if (r == 0)
		r = newfile_open(cli_get(c, O_OUT), &out, d);
	if (r == 0)
		r = write_report(&p, &out, d);
	if (r == 0)
		r = newfile_commit(&out, d);
	audit_view_done(&p.a);
	/* the report is written all the same, and says so in red */
	if (r == 0 && p.verdict != 0)
		*d = p.why;
	return r == 0 ? p.verdict : r;
}

const struct cli_verb verb_audit_report = {
	.group = "audit",
	.name = "report",
	.operands = "",
	.about = "Write what a log says as one HTML page, for auditors.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
