/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/b64.h"
#include "lib/sessions.h"
#include "lib/sha.h"

int
sessions_put(struct buf *b, const struct sessions *s)
{
	size_t i;
	int r = buf_put_u32(b, (uint32_t)s->n);

	for (i = 0; r == 0 && i < s->n; i++) {
		const struct session *x = &s->v[i];

		r = buf_put_cstr(b, x->domain);
		if (r == 0)
			r = buf_put_str(b, x->nonce, sizeof(x->nonce));
		if (r == 0)
			r = buf_put_u32(b, x->handle);
		if (r == 0)
			r = buf_put_str(b, x->context, x->context_len);
	}
	return r;
}

static int
get_one(struct rd *rd, struct session *x)
{
	const uint8_t *nonce;
	size_t len;
	int r;

	r = rd_cstr_into(rd, x->domain, sizeof(x->domain));
	if (r == 0)
		r = rd_str(rd, sizeof(x->nonce), &nonce, &len);
	if (r == 0 && len != sizeof(x->nonce))
		r = CS_E_SESSIONS;
	if (r == 0)
		r = rd_u32(rd, &x->handle);
	if (r == 0)
		r = rd_str(rd, SESSION_CONTEXT_MAX, &x->context,
		    &x->context_len);
	if (r == 0)
		memcpy(x->nonce, nonce, sizeof(x->nonce));
	return r;
}

/* One without a domain stands alone; no domain has two. */
static int
check(const struct sessions *s)
{
	size_t i, j;

	for (i = 0; i < s->n; i++) {
		if (s->v[i].domain[0] == '\0' && s->n != 1)
			return CS_E_SESSIONS;
		for (j = 0; j < i; j++)
			if (strcmp(s->v[i].domain, s->v[j].domain) == 0)
				return CS_E_SESSIONS;
	}
	return 0;
}

int
sessions_get(const uint8_t *bytes, size_t len, struct sessions *ret,
    struct diag *d)
{
	struct rd rd = RD_INIT(bytes, len);
	uint32_t n = 0;
	int r = rd_u32(&rd, &n);

	memset(ret, 0, sizeof(*ret));
	if (r == 0 && (n == 0 || n > SESSIONS_MAX))
		r = CS_E_SESSIONS;
	for (; r == 0 && ret->n < n; ret->n++)
		r = get_one(&rd, &ret->v[ret->n]);
	if (r == 0)
		r = rd_end(&rd);
	if (r == 0)
		r = check(ret);
	return r == 0 ? 0 :
			diag_fail(d, CS_E_SESSIONS,
			    "one session for each key domain", "%s", err_id(r));
}

int
sessions_nonce(const struct sessions *s, uint8_t ret[QUORUM_NONCE_LEN])
{
	struct buf all = BUF_INIT(SESSIONS_MAX * QUORUM_NONCE_LEN);
	size_t i;
	int r = 0;

	if (s->n == 1) {
		memcpy(ret, s->v[0].nonce, QUORUM_NONCE_LEN);
		return 0;
	}
	for (i = 0; r == 0 && i < s->n; i++)
		r = buf_put(&all, s->v[i].nonce, QUORUM_NONCE_LEN);
	if (r == 0)
		r = sha256(all.p, all.len, ret);
	buf_done(&all);
	return r;
}

void
sessions_votes_format(const struct sessions *s, const uint8_t *const *sig,
    const size_t *len, char *text)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (i > 0)
			*text++ = ',';
		if (len[i] == 0) {
			*text++ = '-';
			continue;
		}
		b64_encode(sig[i], len[i], text);
		text += strlen(text);
	}
	*text = '\0';
}

int
sessions_vote(const struct sessions *s, const char *text, size_t i,
    uint8_t ret[SESSION_VOTE_MAX], size_t *ret_len)
{
	const char *p = text, *mine = NULL;
	size_t k, n, mine_len = 0;

	*ret_len = 0;
	/* made ahead, or a rejection */
	if (text[0] == '\0')
		return 0;
	for (k = 0; k < s->n; k++) {
		n = strcspn(p, ",");
		if ((p[n] == ',') != (k + 1 < s->n))
			return CS_E_SESSIONS;
		if (k == i) {
			mine = p;
			mine_len = n;
		}
		p += n + 1;
	}
	if (mine == NULL || mine_len == 0)
		return CS_E_SESSIONS;
	if (mine_len == 1 && mine[0] == '-')
		return 0;
	return b64_decode(mine, mine_len, ret, SESSION_VOTE_MAX, ret_len);
}
