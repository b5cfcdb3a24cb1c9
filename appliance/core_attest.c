/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Attestation: the TPM states which image was booted and which checkpoints it
 * has seen, over the newest checkpoint and, if somebody wants to know that it
 * is of today, over a challenge that was typed in.
 */

#include <string.h>

#include "appliance/core_out.h"
#include "lib/hex.h"
#include "lib/qrframe.h"

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

/*
 * Where no medium may leave the room: one code after another, to be scanned
 * from the screen.  A code of version 5 is 45 columns and 23 lines of half
 * blocks: with the line above it and the question below, 80x25 is enough.
 */
static int
show_codes(struct core *c, const char *answer, size_t len, size_t part,
    struct diag *d)
{
	struct buf frame __attribute__((cleanup(buf_done))) = BUF_INIT(1024);
	bool stop = false;
	unsigned i, n = 0;
	int r;

	r = qrframe_count(len, part, &n, d);
	for (i = 1; r == 0 && i <= n && !stop; i++) {
		r = qrframe_make(answer, len, part, i, &frame, d);
		if (r == 0)
			r = say(c, "code %u of %u\n", i, n);
		if (r == 0)
			r = say_qr(c, (const char *)frame.p);
		if (r == 0 && i < n)
			r = page_wait(c, &stop);
	}
	return r;
}

/* How an answer leaves: bytes in a code, or 0 for the OUT medium */
static const struct {
	const char *word;
	size_t part;
} ways[] = {
	{ "qr", QRFRAME_V5 },
	{ "tallqr", QRFRAME_V13 },
};

/* [CHALLENGE] [qr|tallqr] */
static int
parse_words(char **argv, size_t argc, const char **ret_challenge,
    size_t *ret_part, struct diag *d)
{
	size_t i;

	*ret_challenge = NULL;
	*ret_part = 0;
	for (i = 0; argc > 0 && i < ARRAY_LEN(ways); i++)
		if (strcmp(argv[argc - 1], ways[i].word) == 0)
			*ret_part = ways[i].part;
	if (*ret_part != 0)
		argc--;
	if (argc > 1)
		return diag_fail(d, CS_E_USAGE, "qr or tallqr", "\"%.40s\"",
		    argv[argc - 1]);
	if (argc > 0)
		*ret_challenge = argv[0];
	return 0;
}

int
verb_attest(struct core *c, char **argv, size_t argc, struct diag *d)
{
	_cleanup_free_ char *answer = NULL;
	const char *typed = NULL;
	uint8_t challenge[CS_SHA256_LEN];
	char hex[CS_SHA256_HEX + 1];
	size_t len, part = 0;
	int r;

	r = parse_words(argv, argc, &typed, &part, d);
	if (r != 0)
		return r;
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
	if (r == 0 && part != 0)
		return show_codes(c, answer, len, part, d);
	if (r == 0)
		r = write_out(c, answer, len, d);
	return r != 0 ? r : say(c, "it is safe to remove the OUT medium\n");
}
