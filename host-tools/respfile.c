/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/respfile.h"

#include <stdio.h>
#include <string.h>

#include "lib/hex.h"

#define FIXED_MEMBERS	3u /* type, record.dsse, checkpoint */
#define REFUSAL_MEMBERS 2u /* type, record.dsse */

void
respfile_done(struct respfile *f)
{
	package_free(&f->bundle);
	dsse_free(&f->env);
	record_free(&f->record);
	change_record_free(&f->change);
	refusal_free(&f->refusal);
}

void
respfile_sig_name(const struct respfile *f, size_t i, char out[RESP_NAME_MAX])
{
	char hex[CS_SHA256_HEX + 1];

	hex_encode(f->record->sigs[i].artifact, 32, hex);
	(void)snprintf(out, RESP_NAME_MAX, "signatures/%s.%s", hex,
	    sigfmt_suffix(f->record->format));
}

void
respfile_proof_name(const struct respfile *f, size_t i, char out[RESP_NAME_MAX])
{
	char hex[CS_SHA256_HEX + 1];

	hex_encode(f->record->sigs[i].artifact, 32, hex);
	(void)snprintf(out, RESP_NAME_MAX, "proofs/%s.tlog-proof", hex);
}

const struct policy_key *
respfile_key(const struct respfile *f, const struct policy *p)
{
	const struct record *rec = f->record;
	const struct policy_key *k = policy_key_by_id(p, rec->key);

	return k != NULL && policy_list_has(&k->formats, rec->format) &&
		policy_list_has(&k->products, rec->product) ?
	    k :
	    NULL;
}

static int
need(const struct respfile *f, const char *name, struct diag *d)
{
	if (package_find(f->bundle, name) != NULL)
		return 0;
	return diag_fail(d, CS_E_RESPONSE_MEMBERS, name, "none");
}

/* Every part that the record names, and no other. */
static int
check_members(const struct respfile *f, struct diag *d)
{
	char name[RESP_NAME_MAX];
	size_t i, want;
	int r = 0;

	want = f->refusal != NULL ? REFUSAL_MEMBERS :
	    f->change != NULL	  ? FIXED_MEMBERS :
				    FIXED_MEMBERS + 2 * f->record->nsigs;
	if (f->bundle->n != want)
		return diag_fail(d, CS_E_RESPONSE_MEMBERS,
		    "as many as its record needs",
		    "%zu members instead of "
		    "%zu",
		    f->bundle->n, want);
	if (f->refusal != NULL)
		return 0;
	if (f->change != NULL)
		return need(f, "checkpoint", d);
	if (sigfmt_known(f->record->format) == 0)
		return diag_fail(d, CS_E_FORMAT, "raw or cms", "%s",
		    f->record->format);
	for (i = 0; r == 0 && i < f->record->nsigs; i++) {
		respfile_sig_name(f, i, name);
		r = need(f, name, d);
		respfile_proof_name(f, i, name);
		if (r == 0)
			r = need(f, name, d);
	}
	return r != 0 ? r : need(f, "checkpoint", d);
}

int
respfile_open(const char *path, struct respfile *ret, struct diag *d)
{
	_cleanup_respfile_ struct respfile f = { 0 };
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = package_open(path, "response", &f.bundle, d);
	if (r == 0)
		r = package_read(f.bundle, "record.dsse", DSSE_MAX, &text, &len,
		    d);
	if (r == 0)
		r = dsse_parse(text, len, &f.env, d);
	if (r != 0)
		return r;
	r = record_parse(f.env->payload, f.env->payload_len, &f.record, d);
	if (r == CS_E_STATEMENT_PREDICATE)
		r = change_record_parse(f.env->payload, f.env->payload_len,
		    &f.change, d);
	if (r == CS_E_STATEMENT_PREDICATE)
		r = refusal_parse(f.env->payload, f.env->payload_len,
		    &f.refusal, d);
	if (r == 0)
		r = check_members(&f, d);
	if (r != 0)
		return r;
	*ret = f;
	memset(&f, 0, sizeof(f));
	return 0;
}
