/* SPDX-License-Identifier: Apache-2.0 */
#include <libgfshare.h>
#include <openssl/rand.h>
#include <string.h>

#include "hsm/recover_impl.h"
#include "lib/sha.h"

/* N values one after the other: one page of locked memory holds them all. */
struct split {
	struct share_manifest m;
	struct secret *values;
	size_t value_len;
};

static void
split_done(struct split *x)
{
	secret_free(&x->values);
}

static void
gfshare_freep(gfshare_ctx **c)
{
	if (*c != NULL)
		gfshare_ctx_free(*c);
}

void
recover_shares_free(struct recover_shares **sp)
{
	struct recover_shares *s = *sp;
	size_t i;

	if (s == NULL)
		return;
	for (i = 0; i < SHARE_MAX; i++)
		buf_done(&s->file[i]);
	free(s->manifest);
	free(s);
	*sp = NULL;
}

/* Each certificate can be encrypted to, and no two have the same key. */
static int
check_custodians(const struct recover_wish *w, struct split *x, struct diag *d)
{
	uint8_t id[SHARE_MAX][CS_SHA256_LEN];
	const struct recover_cert *c;
	size_t i, k;
	int r;

	for (i = 0; i < w->count; i++) {
		c = &w->custodians[i];
		r = share_cert_check(c->der, c->len, id[i], d);
		if (r == 0)
			r = sha256(c->der, c->len, x->m.entry[i].cert);
		if (r != 0)
			return r;
		for (k = 0; k < i; k++)
			if (memcmp(id[k], id[i], CS_SHA256_LEN) == 0)
				return diag_fail(d, CS_E_RECOVER_CUSTODIAN,
				    "a key of their own for each",
				    "custodians %zu and %zu with one key",
				    k + 1, i + 1);
	}
	return 0;
}

/* secret || salt */
static int
make_value(struct secret *secret, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *v = NULL;
	const size_t n = secret_len(secret);
	int r;

	if (n > SHARE_SECRET_MAX)
		return diag_fail(d, CS_E_RECOVER_SECRET, "1 to 96 bytes",
		    "%zu bytes", n);
	if ((r = secret_new(n + SHARE_SALT_LEN, &v)) != 0)
		return diag_fail(d, r, NULL, "memory for the secret");
	memcpy(secret_data(v), secret_data(secret), n);
	if (RAND_priv_bytes(secret_data(v) + n, SHARE_SALT_LEN) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "random numbers");
	*ret = take_ptr(v);
	return 0;
}

/* The x coordinates are 1 .. N: at 0 lies the secret itself. */
static int
split_value(struct split *x, struct secret *value, struct diag *d)
{
	_cleanup_(gfshare_freep) gfshare_ctx *gf = NULL;
	const unsigned n = x->m.head.count;
	unsigned char nr[SHARE_MAX];
	unsigned i;
	int r;

	x->value_len = secret_len(value);
	if ((r = secret_new(n * x->value_len, &x->values)) != 0)
		return diag_fail(d, r, NULL, "memory for the shares");
	for (i = 0; i < n; i++)
		nr[i] = (unsigned char)(i + 1);
	recover_gf_init();
	gf = gfshare_ctx_init_enc(nr, n, x->m.head.threshold,
	    (unsigned)x->value_len);
	if (gf == NULL)
		return diag_nomem(d);
	gfshare_ctx_enc_setsecret(gf, secret_data(value));
	if ((r = recover_gf_check(d)) != 0)
		return r;
	for (i = 0; i < n; i++)
		gfshare_ctx_enc_getshare(gf, (unsigned char)i,
		    secret_data(x->values) + i * x->value_len);
	return 0;
}

/* The same bytes each time it is called. */
static int
record_of(const struct split *x, size_t i, struct secret **ret, struct diag *d)
{
	_cleanup_share_ struct share s = { .head = x->m.head,
		.index = (uint8_t)(i + 1) };
	int r;

	if ((r = secret_new(x->value_len, &s.value)) != 0)
		return diag_fail(d, r, NULL, "memory for a share");
	memcpy(secret_data(s.value), secret_data(x->values) + i * x->value_len,
	    x->value_len);
	return share_encode(&s, ret, d);
}

static int
seal_one(struct split *x, const struct recover_cert *c, size_t i,
    struct buf *out, struct diag *d)
{
	_cleanup_secret_ struct secret *record = NULL;
	struct share_entry *e = &x->m.entry[i];
	int r;

	if ((r = record_of(x, i, &record, d)) != 0 ||
	    (r = sha256(secret_data(record), secret_len(record), e->record)) !=
		0 ||
	    (r = share_seal(c->der, c->len, record, out, d)) != 0 ||
	    (r = sha256(out->p, out->len, e->file)) != 0)
		return r;
	e->size = out->len;
	return 0;
}

/* Joins the M shares from the first on, as a ceremony would. */
static int
prove_subset(const struct split *x, const struct share_manifest *m,
    size_t first, struct secret *secret, struct diag *d)
{
	_cleanup_recover_set_ struct recover_set *set = NULL;
	_cleanup_secret_ struct secret *back = NULL;
	size_t i, index;
	int r;

	r = recover_set_new(m, x->m.head.domain, x->m.head.origin, &set, d);
	for (i = first; r == 0 && i < first + m->head.threshold; i++) {
		_cleanup_secret_ struct secret *record = NULL;

		r = record_of(x, i, &record, d);
		if (r == 0)
			r = recover_add(set, record, &index, d);
	}
	if (r == 0)
		r = recover_combine(set, &back, d);
	if (r != 0)
		return r;
	return secret_equal(back, secret) ?
	    0 :
	    diag_fail(d, CS_E_RECOVER_PROOF, "the secret", "another one");
}

/* Whatever goes wrong here is a failed proof. */
static int
prove(const struct split *x, const struct recover_shares *s,
    struct secret *secret, struct diag *d)
{
	struct share_manifest m;
	size_t first = 0, last = x->m.head.count - x->m.head.threshold;
	struct diag why = { 0 };
	int r;

	r = share_manifest_parse(s->manifest, s->manifest_len, &m, &why);
	while (r == 0) {
		r = prove_subset(x, &m, first, secret, &why);
		if (first == last)
			break;
		first += m.head.threshold;
		if (first > last)
			first = last;
	}
	return r == 0 ? 0 :
			diag_fail(d, CS_E_RECOVER_PROOF, NULL, "%s: %.100s",
			    err_id(r), why.found);
}

static int
make_files(const struct recover_wish *w, struct split *x,
    struct recover_shares *s, struct diag *d)
{
	size_t i;
	int r;

	for (i = 0; i < w->count; i++) {
		s->file[i].max = SHARE_CMS_MAX;
		r = seal_one(x, &w->custodians[i], i, &s->file[i], d);
		if (r != 0)
			return r;
	}
	s->count = w->count;
	return share_manifest_format(&x->m, &s->manifest, &s->manifest_len, d);
}

int
recover_split(const struct recover_wish *w, struct secret *secret,
    struct recover_shares **ret, struct diag *d)
{
	_cleanup_recover_shares_ struct recover_shares *s = NULL;
	_cleanup_secret_ struct secret *value = NULL;
	_cleanup_(split_done) struct split x = { 0 };
	int r;

	r = share_head_set(&x.m.head, w->domain, w->origin, w->threshold,
	    w->count, d);
	if (r == 0)
		r = check_custodians(w, &x, d);
	if (r == 0)
		r = make_value(secret, &value, d);
	if (r != 0)
		return r;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return diag_nomem(d);
	if (RAND_bytes(x.m.head.set, SHARE_SET_LEN) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "random numbers");
	if ((r = recover_check_value(&x.m.head, value, x.m.head.check, d)) !=
		0 ||
	    (r = split_value(&x, value, d)) != 0 ||
	    (r = make_files(w, &x, s, d)) != 0 ||
	    (r = prove(&x, s, secret, d)) != 0)
		return r;
	*ret = take_ptr(s);
	return 0;
}
