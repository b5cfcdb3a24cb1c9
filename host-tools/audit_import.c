/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An auditor's import: audit_accept.c says what becomes of a bundle.  When one
 * closes a gap, those that were kept behind it follow.
 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/audit_accept.h"
#include "host-tools/cli.h"
#include "host-tools/show.h"

enum { O_DB, O_TILES, O_LOG_KEY, O_RECEIPT, O_AK, O_GOLDEN, O_JSON };

static const struct cli_opt options[] = {
	[O_DB] = AUDIT_OPT_DB,
	[O_TILES] = AUDIT_OPT_TILES,
	[O_LOG_KEY] = { "log-key", "FILE", CLI_REQUIRED,
	    "verifier keys of the log, log.vkey" },
	[O_RECEIPT] = { "receipt", "FILE", CLI_MANY,
	    "a receipt or checkpoint: as much must still be there" },
	[O_AK] = { "ak", "FILE", 0,
	    "pinned attestation key: verify what the TPM says" },
	[O_GOLDEN] = { "golden", "FILE", 0,
	    "with --ak: manifest of the image, or its policy" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

struct import {
	struct note_vkeys keys;
	struct logsource src;
	struct audit_attest tpm;
	struct audit_db *db;
	struct audit_store store;
	struct audit_anchor anchor[AUDIT_ANCHORS_MAX];
	size_t nanchors;
	uint64_t followed; /* kept bundles that were accepted, too */
};

static void
import_done(struct import *im)
{
	size_t i;

	logsource_done(&im->src);
	audit_attest_done(&im->tpm);
	audit_db_close(&im->db);
	audit_store_close(&im->store);
	for (i = 0; i < im->nanchors; i++)
		free(im->anchor[i].note);
}

static int
report(const struct cli *c, const struct import *im,
    const struct audit_accept *a, struct diag *d)
{
	if (cli_has(c, O_JSON))
		return cli_print_json(
		    json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:I, s:o}",
			"verdict", a->verdict, "origin", im->src.c.origin,
			"bundle_first", (json_int_t)a->first, "bundle_size",
			(json_int_t)im->src.c.size, "accepted_size",
			(json_int_t)a->has, "new_leaves",
			(json_int_t)(a->has - a->had), "kept", (int)a->kept,
			"followed", (json_int_t)im->followed, "tpm",
			audit_attest_json(&im->tpm)),
		    d);
	show_text("verdict", a->verdict);
	show_text("log", im->src.c.origin);
	(void)printf("%-13s%" PRIu64 " leaves, %" PRIu64 " of them new\n",
	    "accepted", a->has, a->has - a->had);
	if (im->followed > 0)
		(void)printf("%-13s%" PRIu64 " that had waited\n", "bundles",
		    im->followed);
	if (a->kept)
		show_text("note",
		    "this bundle is kept, and taken when the missing medium "
		    "comes");
	if (strcmp(a->verdict, "STALE") == 0)
		show_text("note",
		    "older than what was accepted before; if "
		    "the appliance calls it its newest, it was rolled back");
	audit_attest_show(&im->tpm);
	return 0;
}

/* Says why, and nothing is imported: without --ak it still can be. */
static int
not_attested(const struct cli *c, const struct import *im, struct diag *d)
{
	int r = 0;

	if (checks_failed(&im->tpm.checks) == 0)
		return 0;
	if (cli_has(c, O_JSON))
		r = cli_print_json(json_pack("{s:s, s:s, s:o}", "verdict",
				       "NOT ATTESTED", "origin",
				       im->src.c.origin, "tpm",
				       audit_attest_json(&im->tpm)),
		    d);
	else
		audit_attest_show(&im->tpm);
	return r == 0 ? audit_attest_verdict(&im->tpm, d) : r;
}

static int
load(const struct cli *c, struct import *im, struct diag *d)
{
	const struct audit_where w = audit_where(c, O_DB, O_TILES);
	const struct cli_value *receipts = &c->val[O_RECEIPT];
	_cleanup_free_ char *dir = NULL;
	int r;

	if (receipts->n > AUDIT_ANCHORS_MAX)
		return diag_fail(d, CS_E_USAGE, "at most 16 receipts", "%zu",
		    receipts->n);
	r = vkeys_file_load(cli_get(c, O_LOG_KEY), &im->keys, d);
	for (; r == 0 && im->nanchors < receipts->n; im->nanchors++) {
		r = audit_anchor_load(receipts->v[im->nanchors], &im->keys,
		    &im->anchor[im->nanchors], d);
		if (r != 0)
			return r;
	}
	if (r == 0)
		r = logsource_open(c->args[0], &im->keys, &im->src, d);
	if (r == 0)
		r = audit_attest_load(cli_get(c, O_AK), cli_get(c, O_GOLDEN),
		    &im->src, &im->tpm, d);
	if (r == 0)
		r = not_attested(c, im, d);
	if (r == 0)
		r = audit_db_open(w.db, &im->keys, &im->db, d);
	if (r == 0)
		r = audit_where_tiles(&w, &dir, d);
	return r == 0 ? audit_store_open(dir, &im->keys, &im->store, d) : r;
}

/* Bundles that waited for what a has just added. */
static int
follow(struct import *im, struct audit_accept *a, struct diag *d)
{
	int r;

	for (;;) {
		_cleanup_logsource_ struct logsource src = { .dirfd = -1 };
		struct audit_accept next = {
			.db = im->db,
			.store = &im->store,
			.src = &src,
		};
		_cleanup_free_ char *path = NULL;

		r = audit_kept_next(&im->store, a->has, &path, d);
		if (r != 0 || path == NULL)
			return r;
		r = logsource_open(path, &im->keys, &src, d);
		if (r == 0)
			r = audit_accept(&next, d);
		if (r != 0) {
			a->verdict = next.verdict;
			if (next.verdict != NULL)
				cs_ignore(audit_kept_bad(path, NULL));
			return r;
		}
		a->has = next.has;
		im->followed++;
	}
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(import_done) struct import im = { .src.dirfd = -1,
		.store.dirfd = -1,
		.store.lock = -1 };
	struct audit_accept a = {
		.store = &im.store,
		.src = &im.src,
		.tpm = &im.tpm,
		.anchor = im.anchor,
	};
	struct diag other = { 0 };
	int r, e;

	audit_memory();
	r = load(c, &im, d);
	if (r != 0)
		return r;
	a.db = im.db;
	a.nanchors = im.nanchors;
	if (im.src.bundle != NULL)
		a.file = c->args[0];
	r = audit_accept(&a, d);
	if (r == 0 && strcmp(a.verdict, "OK") == 0)
		r = follow(&im, &a, d);
	if (a.verdict == NULL)
		return r;
	e = report(c, &im, &a, &other);
	return r != 0 ? r : e == 0 ? 0 : diag_fail(d, e, NULL, "output");
}

const struct cli_verb verb_audit_import = {
	.group = "audit",
	.name = "import",
	.operands = "BUNDLE|FOLDER",
	.min_args = 1,
	.max_args = 1,
	.about = "Verify a log and add it to an auditor's database.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
