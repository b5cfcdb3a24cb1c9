/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/token_log.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/sha.h"

#define DONE 0x80u /* in the result of a command that was done */

/* Commands that use a private key: sign, and decrypt, which can be as much. */
static const uint8_t uses[] = {
	0x47, /* sign, RSA PKCS#1 v1.5 */
	0x49, /* decrypt, RSA PKCS#1 v1.5 */
	0x55, /* sign, RSA-PSS */
	0x56, /* sign, ECDSA */
	0x57, /* ECDH */
	0x59, /* decrypt, RSA-OAEP */
	0x5d, /* sign an SSH certificate */
	0x6a, /* sign, EdDSA */
};

static uint8_t *
put16(uint8_t *p, uint16_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

void
token_log_encode(const struct token_log_entry *e,
    uint8_t ret[TOKEN_LOG_ENTRY_LEN])
{
	uint8_t *p = put16(ret, e->number);

	*p++ = e->command;
	p = put16(p, e->length);
	p = put16(p, e->session_key);
	p = put16(p, e->target_key);
	p = put16(p, e->second_key);
	*p++ = e->result;
	p = put16(p, (uint16_t)(e->tick >> 16));
	p = put16(p, (uint16_t)e->tick);
	memcpy(p, e->digest, TOKEN_LOG_DIGEST_LEN);
}

static int
read_entry(struct rd *rd, struct token_log_entry *e)
{
	const uint8_t *digest;

	if (rd_u16(rd, &e->number) != 0 || rd_u8(rd, &e->command) != 0 ||
	    rd_u16(rd, &e->length) != 0 || rd_u16(rd, &e->session_key) != 0 ||
	    rd_u16(rd, &e->target_key) != 0 ||
	    rd_u16(rd, &e->second_key) != 0 || rd_u8(rd, &e->result) != 0 ||
	    rd_u32(rd, &e->tick) != 0 ||
	    rd_bytes(rd, TOKEN_LOG_DIGEST_LEN, &digest) != 0)
		return CS_E_HSM_LOG_FORMAT;
	memcpy(e->digest, digest, TOKEN_LOG_DIGEST_LEN);
	return 0;
}

int
token_log_decode(const uint8_t *p, size_t len,
    struct token_log_entry ret[TOKEN_LOG_MAX], size_t *ret_n, struct diag *d)
{
	struct rd rd = RD_INIT(p, len);
	const size_t n = len / TOKEN_LOG_ENTRY_LEN;
	size_t i;

	if (len % TOKEN_LOG_ENTRY_LEN != 0 || n > TOKEN_LOG_MAX)
		return diag_fail(d, CS_E_HSM_LOG_FORMAT,
		    "up to 64 entries of 32 bytes", "%zu bytes", len);
	for (i = 0; i < n; i++)
		if (read_entry(&rd, &ret[i]) != 0)
			return diag_fail(d, CS_E_HSM_LOG_FORMAT, "an entry",
			    "half of one");
	*ret_n = n;
	return 0;
}

int
token_log_digest(const struct token_log_entry *e,
    const uint8_t before[TOKEN_LOG_DIGEST_LEN],
    uint8_t ret[TOKEN_LOG_DIGEST_LEN])
{
	uint8_t in[TOKEN_LOG_ENTRY_LEN], full[CS_SHA256_LEN];
	int r;

	token_log_encode(e, in);
	memcpy(in + TOKEN_LOG_BODY_LEN, before, TOKEN_LOG_DIGEST_LEN);
	r = sha256(in, sizeof(in), full);
	if (r == 0)
		memcpy(ret, full, TOKEN_LOG_DIGEST_LEN);
	return r;
}

bool
token_log_is_use(const struct token_log_entry *e)
{
	size_t i;

	if (e->result != (e->command | DONE))
		return false;
	for (i = 0; i < sizeof(uses); i++)
		if (e->command == uses[i])
			return true;
	return false;
}

/* Each check once, with what it found first. */
static struct diag *
failed(struct token_log_verdict *v, int code)
{
	size_t i;

	for (i = 0; i < v->nchecks; i++)
		if (v->checks[i].code == code)
			return NULL;
	return &v->checks[v->nchecks++];
}

/* One entry after another; the first entry after nothing is taken as it is. */
static int
check_step(const struct token_log_entry *e, const struct token_log_pin *before,
    struct token_log_verdict *v)
{
	uint8_t want[TOKEN_LOG_DIGEST_LEN];
	const uint16_t next = (uint16_t)(before->number + 1u);
	struct diag *d;
	int r;

	if (!before->known)
		return 0;
	if (e->number != next) {
		d = failed(v, CS_E_HSM_LOG_GAP);
		if (d != NULL)
			cs_ignore(diag_fail(d, CS_E_HSM_LOG_GAP,
			    "each entry once, in order", "%u after %u",
			    e->number, before->number));
		return 0;
	}
	r = token_log_digest(e, before->digest, want);
	if (r != 0 || memcmp(want, e->digest, sizeof(want)) == 0)
		return r;
	d = failed(v, CS_E_HSM_LOG_CHAIN);
	if (d != NULL)
		cs_ignore(diag_fail(d, CS_E_HSM_LOG_CHAIN,
		    "the digest that follows from the entry before",
		    "another in entry %u", e->number));
	return 0;
}

/* What was drained before and is still there comes again. */
static size_t
after_pin(const struct token_log *log, const struct token_log_pin *pin)
{
	size_t i;

	for (i = 0; pin->known && i < log->n; i++)
		if (log->v[i].number == pin->number &&
		    memcmp(log->v[i].digest, pin->digest,
			TOKEN_LOG_DIGEST_LEN) == 0)
			return i + 1;
	return 0;
}

static int
check_chain(const struct token_log *log, const struct token_log_pin *pin,
    struct token_log_verdict *v)
{
	struct token_log_pin before = *pin;
	size_t i;
	int r = 0;

	v->first = after_pin(log, pin);
	for (i = v->first; r == 0 && i < log->n; i++) {
		r = check_step(&log->v[i], &before, v);
		before.known = true;
		before.number = log->v[i].number;
		memcpy(before.digest, log->v[i].digest, sizeof(before.digest));
	}
	return r;
}

static void
check_uses(const struct token_log *log, const struct token_log_asked *asked,
    struct token_log_verdict *v)
{
	uint32_t other = 0;
	size_t i;

	for (i = v->first; i < log->n; i++) {
		if (!token_log_is_use(&log->v[i]))
			continue;
		v->used++;
		if (asked->has_key && log->v[i].target_key != asked->key)
			other++;
	}
	if (v->used > asked->uses || other != 0)
		cs_ignore(diag_fail(failed(v, CS_E_HSM_LOG_FOREIGN),
		    CS_E_HSM_LOG_FOREIGN, "the uses that were asked for",
		    "%u, %u of them of other keys, where %u were asked for",
		    v->used, other, asked->uses));
	if (v->used - other < asked->uses)
		cs_ignore(diag_fail(failed(v, CS_E_HSM_LOG_MISSING),
		    CS_E_HSM_LOG_MISSING, "the uses that were asked for",
		    "%u where %u were asked for", v->used - other,
		    asked->uses));
}

int
token_log_judge(const struct token_log *log, const struct token_log_pin *pin,
    const struct token_log_asked *asked, struct token_log_verdict *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = check_chain(log, pin, ret);
	if (r != 0)
		return r;
	if (log->unlogged_boots != 0 || log->unlogged_logins != 0)
		cs_ignore(diag_fail(failed(ret, CS_E_HSM_LOG_UNLOGGED),
		    CS_E_HSM_LOG_UNLOGGED, "none", "%u starts, %u logins",
		    log->unlogged_boots, log->unlogged_logins));
	check_uses(log, asked, ret);
	return 0;
}
