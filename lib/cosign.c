/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/cosign.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/buf.h"
#include "lib/hex.h"
#include "lib/merkle.h"
#include "lib/note_impl.h"
#include "lib/sha.h"

#define TIME_MAX ((UINT64_C(1) << 53) - 1)

int
cosign_key_make(const char *name, const uint8_t pub[32], struct cosign_key *ret,
    struct diag *d)
{
	uint8_t in[NOTE_NAME_MAX + 2 + 32], h[32];
	struct cosign_key k = { .name = "" };
	size_t n = strlen(name);
	int r;

	if (!note_name_ok(name, n))
		return diag_fail(d, CS_E_COSIGN_KEY,
		    "a name without spaces and '+', up to 255 bytes",
		    "\"%.100s\"", name);
	memcpy(k.name, name, n);
	memcpy(k.pub, pub, 32);
	memcpy(in, name, n);
	in[n] = '\n';
	in[n + 1] = NOTE_TYPE_COSIGNATURE;
	memcpy(in + n + 2, pub, 32);
	if ((r = sha256(in, n + 2 + 32, h)) != 0)
		return diag_fail(d, r, NULL, "SHA-256");
	memcpy(k.id, h, 4);
	*ret = k;
	return 0;
}

void
cosign_key_format(const struct cosign_key *k, char out[NOTE_VKEY_TEXT_MAX])
{
	uint8_t raw[33] = { NOTE_TYPE_COSIGNATURE };
	char id[9], b64[44 + 1];

	memcpy(raw + 1, k->pub, 32);
	hex_encode(k->id, 4, id);
	b64_encode(raw, sizeof(raw), b64);
	(void)snprintf(out, NOTE_VKEY_TEXT_MAX, "%s+%s+%s", k->name, id, b64);
}

int
cosign_key_parse(const char *s, size_t len, struct cosign_key *ret,
    struct diag *d)
{
	static const char form[] = "name+8 hex digits+base64 of 0x04 and a key";
	char name[NOTE_NAME_MAX + 1], text[NOTE_VKEY_TEXT_MAX];
	const char *plus;
	uint8_t raw[33];
	struct cosign_key k;
	size_t n;
	int r;

	if (len > 0 && s[len - 1] == '\n')
		len--;
	plus = memchr(s, '+', len);
	if (plus == NULL || (n = (size_t)(plus - s)) > NOTE_NAME_MAX ||
	    len - n != 1 + 8 + 1 + 44 || memchr(s, '\0', n) != NULL ||
	    b64_decode_exact(plus + 10, 44, raw, sizeof(raw)) != 0 ||
	    raw[0] != NOTE_TYPE_COSIGNATURE)
		return diag_fail(d, CS_E_COSIGN_KEY, form, "%zu other bytes",
		    len);
	memcpy(name, s, n);
	name[n] = '\0';
	if ((r = cosign_key_make(name, raw + 1, &k, d)) != 0)
		return r;
	/* the ID and the separators are what we would write */
	cosign_key_format(&k, text);
	if (strlen(text) != len || memcmp(text, s, len) != 0)
		return diag_fail(d, CS_E_COSIGN_KEY, text,
		    "another key ID: the key is damaged");
	*ret = k;
	return 0;
}

int
cosign_message(const char *text, size_t len, uint64_t time,
    char out[COSIGN_MESSAGE_MAX], size_t *ret_len, struct diag *d)
{
	int n;

	if (time == 0 || time > TIME_MAX)
		return diag_fail(d, CS_E_COSIGN_TIME, "1 to 2^53-1", "%" PRIu64,
		    time);
	if (len >= CHECKPOINT_TEXT_MAX)
		return diag_fail(d, CS_E_NOTE_CHECKPOINT, "three lines",
		    "%zu bytes", len);
	n = snprintf(out, COSIGN_MESSAGE_MAX,
	    "cosignature/v1\ntime %" PRIu64 "\n%.*s", time, (int)len, text);
	*ret_len = (size_t)n;
	return 0;
}

static bool
signature_ok(const struct cosign_key *k, const char *message, size_t len,
    const uint8_t sig[64])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL,
	    k->pub, sizeof(k->pub));
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = false;

	if (pkey != NULL && c != NULL &&
	    EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, pkey, NULL) == 1)
		ok = EVP_DigestVerify(c, sig, 64, (const uint8_t *)message,
			 len) == 1;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(pkey);
	return ok;
}

/* The text of a note whose form note_open() has seen. */
static int
check_one(const struct cosign_key *k, const char *text, size_t len,
    const uint8_t blob[COSIGN_LEN], uint64_t *ret_time, struct diag *d)
{
	struct rd rd = RD_INIT(blob, COSIGN_LEN);
	char message[COSIGN_MESSAGE_MAX];
	uint64_t time = 0;
	size_t n = 0;
	int r;

	if ((r = rd_u64(&rd, &time)) != 0)
		return diag_fail(d, r, NULL, "a cosignature");
	if ((r = cosign_message(text, len, time, message, &n, d)) != 0)
		return r;
	if (!signature_ok(k, message, n, rd.p))
		return diag_fail(d, CS_E_COSIGN_SIGNATURE, k->name,
		    "a cosignature that does not verify");
	*ret_time = time;
	return 0;
}

int
cosign_add(const char *note, size_t len, const struct cosign_key *k,
    uint64_t time, const uint8_t sig[64], char **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(NOTE_MAX + 1);
	_cleanup_(buf_done) struct buf blob = BUF_INIT(4 + COSIGN_LEN);
	char b64[104 + 1];
	size_t text_len = 0;
	uint64_t again;
	int r;

	if ((r = note_text(note, len, &text_len, d)) != 0)
		return r;
	if ((r = buf_put(&blob, k->id, 4)) != 0 ||
	    (r = buf_put_u64(&blob, time)) != 0 ||
	    (r = buf_put(&blob, sig, 64)) != 0)
		return diag_fail(d, r, NULL, "a cosignature");
	if ((r = check_one(k, note, text_len, blob.p + 4, &again, d)) != 0)
		return r;
	b64_encode(blob.p, blob.len, b64);
	if ((r = buf_put(&b, note, len)) != 0 ||
	    (r = buf_putf(&b, NOTE_DASH "%s %s\n", k->name, b64)) != 0 ||
	    (r = buf_put_u8(&b, '\0')) != 0)
		return diag_fail(d, r == CS_E_TOO_LARGE ? CS_E_NOTE_SYNTAX : r,
		    "at most 512 KiB", "%zu bytes", len);
	*ret_len = b.len - 1;
	*ret = (char *)take_ptr(b.p);
	return 0;
}

struct finding {
	const struct cosign_key *k;
	const char *text;
	size_t text_len;
	uint64_t time;
	unsigned count;
};

static int
see_line(void *arg, const struct note_line *l, struct diag *d)
{
	struct finding *f = arg;

	if (strlen(f->k->name) != l->name_len ||
	    memcmp(f->k->name, l->name, l->name_len) != 0 ||
	    memcmp(f->k->id, l->id, 4) != 0)
		return 0;
	if (++f->count > 1)
		return diag_fail(d, CS_E_COSIGN_TWICE, "one cosignature by it",
		    "more by %s", f->k->name);
	if (l->sig_len != COSIGN_LEN)
		return diag_fail(d, CS_E_COSIGN_SIGNATURE,
		    "a time and 64 bytes", "%zu bytes by %s", l->sig_len,
		    f->k->name);
	return check_one(f->k, f->text, f->text_len, l->sig, &f->time, d);
}

int
receipt_verify(const char *note, size_t len, const struct note_vkeys *log,
    const struct cosign_key *k, struct checkpoint *ret, uint64_t *ret_time,
    struct diag *d)
{
	struct finding f = { .k = k, .text = note };
	struct checkpoint c;
	int r;

	if ((r = note_verify(note, len, log->v, log->n, &c, d)) != 0)
		return r;
	if ((r = note_text(note, len, &f.text_len, d)) != 0)
		return r;
	if ((r = note_lines(note, len, f.text_len, see_line, &f, d)) != 0)
		return r;
	if (f.count == 0)
		return diag_fail(d, CS_E_COSIGN_MISSING, k->name,
		    "no cosignature by it");
	*ret = c;
	*ret_time = f.time;
	return 0;
}

int
receipt_check(const struct checkpoint *receipt, uint64_t size,
    const uint8_t *root_at, struct diag *d)
{
	if (receipt->size > size)
		return diag_fail(d, CS_E_RECEIPT_BEHIND,
		    "at least as many leaves as the receipt",
		    "%" PRIu64 ", the receipt is of %" PRIu64, size,
		    receipt->size);
	if (root_at == NULL || memcmp(root_at, receipt->root, 32) != 0)
		return diag_fail(d, CS_E_RECEIPT_FORK,
		    "the log's own root at the receipt's size",
		    "another one at %" PRIu64 " leaves", receipt->size);
	return 0;
}
