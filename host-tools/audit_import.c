/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An auditor's import.  In this order: the checkpoint's signature; whether
 * it contradicts what was accepted before (FORK), which needs no leaf; every
 * leaf, against the root (TAMPER); and that the accepted leaves are the first
 * of the new ones.  Only then one transaction is committed.  A consistency
 * proof would show less: it says nothing of the leaves themselves.
 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/attest_inputs.h"
#include "host-tools/audit_db.h"
#include "host-tools/cli.h"
#include "host-tools/show.h"
#include "lib/canon.h"

enum { O_DB, O_LOG_KEY, O_AK, O_GOLDEN, O_JSON };

static const struct cli_opt options[] = {
	[O_DB] = { "db", "FILE", CLI_REQUIRED,
	    "the auditor's database; made if it is not there" },
	[O_LOG_KEY] = { "log-key", "FILE", CLI_REQUIRED,
	    "verifier keys of the log, log.vkey" },
	[O_AK] = { "ak", "FILE", 0,
	    "pinned attestation key: verify what the TPM says" },
	[O_GOLDEN] = { "golden", "FILE", 0,
	    "with --ak: manifest of the image, or its policy" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

struct import {
	struct logsource src;
	struct audit_attest tpm;
	struct audit_db *db;
	struct audit_head head;
	struct merkle_range old; /* leaves below head.c.size, again */
};

static void
import_done(struct import *im)
{
	logsource_done(&im->src);
	audit_attest_done(&im->tpm);
	audit_db_close(&im->db);
	free(im->head.note);
}

/* One leaf that agreed with its hash tile. */
static int
take_leaf(void *arg, uint64_t index, const uint8_t *leaf, size_t len,
    struct diag *d)
{
	struct import *im = arg;
	struct diag why = { 0 };
	uint8_t hash[32];
	int r;

	r = merkle_leaf_hash(leaf, len, hash);
	if (r != 0)
		return diag_fail(d, r, NULL, "leaf %" PRIu64, index);
	if (im->head.any && index < im->head.c.size) {
		r = merkle_range_append(&im->old, hash);
		return r == 0 ? 0 :
				diag_fail(d, r, NULL, "leaf %" PRIu64, index);
	}
	r = canon_check((const char *)leaf, len, &why);
	if (r != 0)
		return diag_fail(d, CS_E_AUDIT_LEAF, why.expected,
		    "leaf %" PRIu64 ": %s, %s", index, err_id(r), why.found);
	r = audit_db_add_leaf(im->db, index, (const char *)leaf, len, hash,
	    &why);
	if (r != 0)
		return diag_fail(d, r, why.expected, "leaf %" PRIu64 ": %s",
		    index, why.found);
	return 0;
}

static int
read_leaves(struct import *im, struct diag *d)
{
	uint8_t root[32];
	int r;

	r = tlog_walk_source(&im->src.tiles, im->src.c.size, take_leaf, im,
	    root, d);
	if (r != 0)
		return r;
	if (memcmp(root, im->src.c.root, sizeof(root)) != 0)
		return diag_fail(d, CS_E_AUDIT_ROOT, "the signed root",
		    "another one over %" PRIu64 " leaves", im->src.c.size);
	return 0;
}

/* The two notes stay, nothing else changes. */
static int
keep_fork(struct import *im, struct diag *d)
{
	int r;

	audit_db_rollback(im->db);
	r = audit_db_begin(im->db, d);
	if (r == 0)
		r = audit_db_add_fork(im->db, im->head.note,
		    strlen(im->head.note), im->src.note, im->src.note_len, d);
	if (r == 0)
		r = audit_db_commit(im->db, d);
	if (r != 0)
		return r;
	return diag_fail(d, CS_E_AUDIT_FORK, "one log that only grows",
	    "checkpoints of %" PRIu64 " and %" PRIu64 " leaves that contradict"
	    " each other",
	    im->head.c.size, im->src.c.size);
}

/* A damaged database must not look like an appliance that lied. */
static int
check_stored(struct import *im, struct diag *d)
{
	uint8_t root[32];
	int r;

	r = audit_db_root(im->db, im->head.c.size, root, d);
	if (r == 0 && memcmp(root, im->head.c.root, sizeof(root)) != 0)
		r = diag_fail(d, CS_E_AUDIT_DB_FORMAT,
		    "leaves that add up to "
		    "the accepted root",
		    "%" PRIu64 " leaves that do not", im->head.c.size);
	return r;
}

/* Sizes at or below the accepted one: what is stored decides. */
static int
compare_old(struct import *im, const char **ret_verdict, struct diag *d)
{
	uint8_t root[32];
	int r;

	r = audit_db_root(im->db, im->src.c.size, root, d);
	if (r != 0)
		return r;
	if (memcmp(root, im->src.c.root, sizeof(root)) != 0)
		return keep_fork(im, d);
	*ret_verdict =
	    im->src.c.size == im->head.c.size ? "DUPLICATE" : "STALE";
	return 0;
}

static int
extend(struct import *im, struct diag *d)
{
	uint8_t root[32];
	int r;

	if (im->head.any) {
		r = merkle_range_root(&im->old, root);
		if (r != 0)
			return diag_fail(d, r, NULL, "the older leaves");
		if (memcmp(root, im->head.c.root, sizeof(root)) != 0)
			return keep_fork(im, d);
	}
	r = audit_db_add_checkpoint(im->db, &im->src.c, im->src.note,
	    im->src.note_len, d);
	return r != 0 ? r : audit_db_commit(im->db, d);
}

static int
import(struct import *im, const char **ret_verdict, struct diag *d)
{
	int r;

	r = audit_db_begin(im->db, d);
	if (r == 0)
		r = audit_db_head(im->db, &im->head, d);
	if (r == 0 && im->head.any)
		r = check_stored(im, d);
	if (r == 0 && im->head.any && im->src.c.size <= im->head.c.size)
		r = compare_old(im, ret_verdict, d);
	if (r == 0)
		r = read_leaves(im, d);
	if (r != 0 || *ret_verdict != NULL)
		return r;
	r = extend(im, d);
	if (r == 0)
		*ret_verdict = "OK";
	return r;
}

/* What a person reads first. */
static const char *
verdict_of(int r)
{
	switch (r) {
	case CS_E_AUDIT_FORK:
		return "FORK";
	case CS_E_LOG_TAMPER:
	case CS_E_LOG_MISSING:
	case CS_E_LOG_FORMAT:
	case CS_E_AUDIT_ROOT:
	case CS_E_AUDIT_LEAF:
	case CS_E_CANON_FIELD:
		return "TAMPER";
	default:
		return NULL;
	}
}

static int
report(const struct cli *c, const struct import *im, const char *verdict,
    struct diag *d)
{
	uint64_t had = im->head.any ? im->head.c.size : 0;
	uint64_t now = strcmp(verdict, "OK") == 0 ? im->src.c.size : had;

	if (cli_has(c, O_JSON))
		return cli_print_json(json_pack("{s:s, s:s, s:I, s:I, s:I, "
						"s:o}",
					  "verdict", verdict, "origin",
					  im->src.c.origin, "bundle_size",
					  (json_int_t)im->src.c.size,
					  "accepted_size", (json_int_t)now,
					  "new_leaves", (json_int_t)(now - had),
					  "tpm", audit_attest_json(&im->tpm)),
		    d);
	show_text("verdict", verdict);
	show_text("log", im->src.c.origin);
	(void)printf("%-13s%" PRIu64 " leaves, %" PRIu64 " of them new\n",
	    "accepted", now, now - had);
	if (strcmp(verdict, "STALE") == 0)
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
run(const struct cli *c, struct diag *d)
{
	_cleanup_(import_done) struct import im = { .src.dirfd = -1 };
	const char *verdict = NULL;
	struct note_vkeys keys;
	struct diag other = { 0 };
	int r, e;

	r = vkeys_file_load(cli_get(c, O_LOG_KEY), &keys, d);
	if (r == 0)
		r = logsource_open(c->args[0], &keys, &im.src, d);
	if (r == 0)
		r = audit_attest_load(cli_get(c, O_AK), cli_get(c, O_GOLDEN),
		    &im.src, &im.tpm, d);
	if (r == 0)
		r = not_attested(c, &im, d);
	if (r == 0)
		r = audit_db_open(cli_get(c, O_DB), &keys, &im.db, d);
	if (r != 0)
		return r;
	r = import(&im, &verdict, d);
	if (r != 0)
		verdict = verdict_of(r);
	if (verdict == NULL)
		return r;
	e = report(c, &im, verdict, &other);
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
