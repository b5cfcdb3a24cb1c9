/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Attestation: the TPM states which image was booted and which checkpoints it
 * has seen, over the newest checkpoint and, if somebody wants to know that it
 * is of today, over a challenge that was typed in.
 */

#include <string.h>

#include "appliance/core_out.h"
#include "lib/hex.h"

int
core_attest(struct core *c, const uint8_t *challenge, char **ret,
    size_t *ret_len, struct diag *d)
{
	_cleanup_free_ char *note = NULL;
	uint64_t size = 0;
	size_t len;
	int r;

	r = ledger_checkpoint_last(c->ledger, &note, &len, &size, d);
	return r == 0 ?
	    signer_attest(c, note, len, challenge, ret, ret_len, d) :
	    r;
}

/* In the log before it leaves, and in blobs/ whatever becomes of the medium */
static int
keep(struct core *c, const char *challenge, const char *answer, size_t len,
    char hex[CS_SHA256_HEX + 1], struct diag *d)
{
	json_t *data;
	int r;

	r = ledger_blob_put(c->ledger, answer, len, hex, d);
	if (r != 0)
		return r;
	data = json_pack("{s:s}", "answer", hex);
	if (data == NULL ||
	    (challenge != NULL &&
		json_object_set_new(data, "challenge",
		    json_string(challenge)) != 0)) {
		json_decref(data);
		return diag_nomem(d);
	}
	return core_log_one(c, "attest", data, d);
}

static int
say_digest(struct core *c, const char *hex)
{
	struct buf text = BUF_INIT(4096);
	uint8_t digest[CS_SHA256_LEN];
	int r = hex_decode(hex, digest, sizeof(digest));

	if (r == 0)
		r = case_digest(&text, digest);
	if (r == 0)
		r = say(c, "the answer:\n%.*s", (int)text.len, (char *)text.p);
	buf_done(&text);
	return r;
}

static int
feed(struct out *o, const char *answer, size_t len, struct diag *d)
{
	int r = out_file(o, "COLDSEAL.ATT", "attest");

	if (r == 0)
		r = out_add(o, "answer.json", answer, len);
	return r == 0 ? out_flush(o, d) : r;
}

static int
write_out(struct core *c, const char *answer, size_t len, struct diag *d)
{
	_cleanup_out_ struct out o;
	_cleanup_json_ json_t *files = NULL;
	int r;

	out_init(c, &o);
	r = out_open(&o, d);
	if (r == 0)
		r = out_reason(&o, feed(&o, answer, len, d), d);
	return r == 0 ? out_commit(&o, &files, d) : r;
}

int
verb_attest(struct core *c, char **argv, size_t argc, struct diag *d)
{
	_cleanup_free_ char *answer = NULL;
	const char *typed = argc > 0 ? argv[0] : NULL;
	uint8_t challenge[CS_SHA256_LEN];
	char hex[CS_SHA256_HEX + 1];
	size_t len;
	int r;

	if (typed != NULL &&
	    hex_decode(typed, challenge, sizeof(challenge)) != 0)
		return diag_fail(d, CS_E_HEX,
		    "the challenge, 64 lower-case digits", "%zu characters",
		    strlen(typed));
	r = core_attest(c, typed != NULL ? challenge : NULL, &answer, &len, d);
	if (r == 0)
		r = keep(c, typed, answer, len, hex, d);
	if (r == 0)
		r = say_digest(c, hex);
	if (r == 0)
		r = write_out(c, answer, len, d);
	return r != 0 ? r : say(c, "it is safe to remove the OUT medium\n");
}
