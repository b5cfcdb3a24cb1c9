/* SPDX-License-Identifier: Apache-2.0 */
#include <libgfshare.h>
#include <openssl/crypto.h>
#include <string.h>

#include "hsm/recover_impl.h"

/* have: 1 << (index - 1) of each share that is in. */
struct recover_set {
	struct share_manifest m;
	uint32_t have;
	size_t n;
	size_t value_len;      /* of every share; 0 before the first */
	struct secret *values; /* n of them, in the order they came */
	uint8_t nr[SHARE_MAX]; /* their indexes */
};

static void
gfshare_freep(gfshare_ctx **c)
{
	if (*c != NULL)
		gfshare_ctx_free(*c);
}

void
recover_set_free(struct recover_set **sp)
{
	struct recover_set *s = *sp;

	if (s == NULL)
		return;
	secret_free(&s->values);
	free(s);
	*sp = NULL;
}

static int
check_names(const struct share_head *h, const char *domain, const char *origin,
    struct diag *d)
{
	if (strcmp(h->domain, domain) != 0)
		return diag_fail(d, CS_E_RECOVER_DOMAIN, domain, "%s",
		    h->domain);
	if (strcmp(h->origin, origin) != 0)
		return diag_fail(d, CS_E_RECOVER_ORIGIN, origin, "%s",
		    h->origin);
	return 0;
}

int
recover_set_new(const struct share_manifest *m, const char *domain,
    const char *origin, struct recover_set **ret, struct diag *d)
{
	_cleanup_recover_set_ struct recover_set *s = NULL;
	int r;

	if ((r = check_names(&m->head, domain, origin, d)) != 0)
		return r;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return diag_nomem(d);
	s->m = *m;
	r = secret_new(SHARE_MAX * SHARE_VALUE_MAX, &s->values);
	if (r != 0)
		return diag_fail(d, r, NULL, "memory for the shares");
	*ret = take_ptr(s);
	return 0;
}

int
recover_add(struct recover_set *s, struct secret *record, size_t *ret_index,
    struct diag *d)
{
	_cleanup_share_ struct share x = { 0 };
	size_t len;
	int r;

	if ((r = share_decode(record, &x, d)) != 0 ||
	    (r = share_check_head(&s->m, &x, d)) != 0)
		return r;
	if ((s->have & 1u << (x.index - 1)) != 0)
		return diag_fail(d, CS_E_RECOVER_TWICE, "another share",
		    "number %u again", x.index);
	if ((r = share_check_digest(&s->m, &x, record, d)) != 0)
		return r;
	len = secret_len(x.value);
	if (s->n > 0 && len != s->value_len)
		return diag_fail(d, CS_E_RECOVER_TERMS,
		    "as many bytes as in the others", "%zu bytes", len);
	memcpy(secret_data(s->values) + s->n * len, secret_data(x.value), len);
	s->value_len = len;
	s->nr[s->n++] = x.index;
	s->have |= 1u << (x.index - 1);
	*ret_index = x.index;
	return 0;
}

size_t
recover_have(const struct recover_set *s)
{
	return s->n;
}

size_t
recover_need(const struct recover_set *s)
{
	return s->m.head.threshold;
}

/* All that are in: more than M lie on the same polynomial or fail. */
static int
interpolate(struct recover_set *s, struct secret *value, struct diag *d)
{
	_cleanup_(gfshare_freep) gfshare_ctx *gf = NULL;
	size_t i;

	recover_gf_init();
	gf =
	    gfshare_ctx_init_dec(s->nr, (unsigned)s->n, (unsigned)s->value_len);
	if (gf == NULL)
		return diag_nomem(d);
	for (i = 0; i < s->n; i++)
		gfshare_ctx_dec_giveshare(gf, (unsigned char)i,
		    secret_data(s->values) + i * s->value_len);
	gfshare_ctx_dec_extract(gf, secret_data(value));
	return 0;
}

int
recover_combine(struct recover_set *s, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *value = NULL;
	uint8_t check[CS_SHA256_LEN];
	int r;

	if (s->n < s->m.head.threshold)
		return diag_fail(d, CS_E_RECOVER_FEW,
		    "as many as the threshold", "%zu of %u", s->n,
		    s->m.head.threshold);
	if ((r = secret_new(s->value_len, &value)) != 0)
		return diag_fail(d, r, NULL, "memory for the secret");
	if ((r = interpolate(s, value, d)) != 0 ||
	    (r = recover_check_value(&s->m.head, value, check, d)) != 0)
		return r;
	if (CRYPTO_memcmp(check, s->m.head.check, sizeof(check)) != 0)
		return diag_fail(d, CS_E_RECOVER_CHECK,
		    "the check value in the list", "another one");
	/* the salt goes */
	r = secret_set_len(value, s->value_len - SHARE_SALT_LEN);
	if (r != 0)
		return diag_fail(d, r, NULL, "an empty secret");
	*ret = take_ptr(value);
	return 0;
}
