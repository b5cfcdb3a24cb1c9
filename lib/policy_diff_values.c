/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/policy_diff_impl.h"

/*
 * How many values a field has, and each of them in words.  at is the field's
 * place in the struct.
 */
typedef size_t (*count_fn)(const struct diff_side *s, const void *at);
typedef void (*value_fn)(struct words *w, const struct diff_side *s,
    const void *at, size_t i);

static size_t
one(const struct diff_side *s, const void *at)
{
	(void)s;
	(void)at;
	return 1;
}

static size_t
str_count(const struct diff_side *s, const void *at)
{
	(void)s;
	return *(const char *const *)at != NULL;
}

static void
str_value(struct words *w, const struct diff_side *s, const void *at, size_t i)
{
	(void)s;
	(void)i;
	words_putf(w, "%s", *(const char *const *)at);
}

/* 0 is "none": no cap, any age */
static size_t
u64_count(const struct diff_side *s, const void *at)
{
	(void)s;
	return *(const uint64_t *)at != 0;
}

static void
u64_value(struct words *w, const struct diff_side *s, const void *at, size_t i)
{
	(void)s;
	(void)i;
	words_putf(w, "%" PRIu64, *(const uint64_t *)at);
}

static void
seconds_value(struct words *w, const struct diff_side *s, const void *at,
    size_t i)
{
	(void)s;
	(void)i;
	words_duration(w, *(const uint64_t *)at);
}

static size_t
bool_count(const struct diff_side *s, const void *at)
{
	(void)s;
	return *(const bool *)at;
}

static void
bool_value(struct words *w, const struct diff_side *s, const void *at, size_t i)
{
	(void)w;
	(void)s;
	(void)at;
	(void)i;
}

static size_t
time_count(const struct diff_side *s, const void *at)
{
	(void)s;
	return *(const int64_t *)at != 0;
}

static void
time_value(struct words *w, const struct diff_side *s, const void *at, size_t i)
{
	(void)s;
	(void)i;
	words_time(w, *(const int64_t *)at);
}

static void
alg_value(struct words *w, const struct diff_side *s, const void *at, size_t i)
{
	(void)s;
	(void)i;
	words_putf(w, "%s", key_alg_name(*(const enum key_alg *)at));
}

static void
put_digest(struct words *w, const uint8_t digest[32])
{
	char hex[CS_SHA256_HEX + 1];

	hex_encode(digest, CS_SHA256_LEN, hex);
	words_putf(w, "SHA-256 %s", hex);
}

static size_t
cert_count(const struct diff_side *s, const void *at)
{
	(void)at;
	return ((const struct policy_key *)s->base)->cert != NULL;
}

static void
cert_value(struct words *w, const struct diff_side *s, const void *at, size_t i)
{
	const struct policy_key *k = s->base;
	uint8_t digest[32];

	(void)at;
	(void)i;
	if (w->r == 0)
		w->r = sha256(k->cert, k->cert_len, digest);
	if (w->r == 0)
		put_digest(w, digest);
}

static void
pubkey_value(struct words *w, const struct diff_side *s, const void *at,
    size_t i)
{
	(void)s;
	(void)i;
	put_digest(w, (*(struct pubkey *const *)at)->id);
}

static void
threshold_value(struct words *w, const struct diff_side *s, const void *at,
    size_t i)
{
	const struct policy_rule *u = s->base;
	size_t k, n = 0;

	(void)at;
	(void)i;
	for (k = 0; k < s->p->nprincipals; k++)
		n += policy_may_approve(&s->p->principals[k], u);
	words_putf(w, "%" PRIu64 " of %zu %s", u->threshold, n,
	    n == 1 ? "person" : "people");
}

static size_t
list_count(const struct diff_side *s, const void *at)
{
	(void)s;
	return ((const struct policy_str_list *)at)->n;
}

static void
list_value(struct words *w, const struct diff_side *s, const void *at, size_t i)
{
	(void)s;
	words_putf(w, "%s", ((const struct policy_str_list *)at)->v[i]);
}

static size_t
pubkeys_count(const struct diff_side *s, const void *at)
{
	(void)at;
	return ((const struct policy_principal *)s->base)->nkeys;
}

static void
pubkeys_value(struct words *w, const struct diff_side *s, const void *at,
    size_t i)
{
	put_digest(w, (*(struct pubkey * *const *)at)[i]->id);
	(void)s;
}

static size_t
evidence_count(const struct diff_side *s, const void *at)
{
	(void)at;
	return ((const struct policy_rule *)s->base)->nevidence;
}

static void
evidence_value(struct words *w, const struct diff_side *s, const void *at,
    size_t i)
{
	(void)s;
	words_evidence(w, &(*(struct policy_evidence *const *)at)[i]);
}

static size_t
windows_count(const struct diff_side *s, const void *at)
{
	(void)at;
	return ((const struct policy_rule *)s->base)->nwindows;
}

static void
windows_value(struct words *w, const struct diff_side *s, const void *at,
    size_t i)
{
	(void)s;
	words_window(w, &(*(struct policy_window *const *)at)[i]);
}

static size_t
waivers_count(const struct diff_side *s, const void *at)
{
	(void)at;
	return s->p->nwaivers;
}

static void
waivers_value(struct words *w, const struct diff_side *s, const void *at,
    size_t i)
{
	(void)s;
	words_waiver(w, &(*(struct policy_waiver *const *)at)[i]);
}

static const struct {
	count_fn count;
	value_fn value;
} kinds[KIND_COUNT] = {
	[KIND_STR] = { str_count, str_value },
	[KIND_STATE] = { str_count, str_value },
	[KIND_U64] = { u64_count, u64_value },
	[KIND_SECONDS] = { u64_count, seconds_value },
	[KIND_BOOL] = { bool_count, bool_value },
	[KIND_TIME] = { time_count, time_value },
	[KIND_ALG] = { one, alg_value },
	[KIND_CERT] = { cert_count, cert_value },
	[KIND_PUBKEY] = { one, pubkey_value },
	[KIND_THRESHOLD] = { one, threshold_value },
	[KIND_LIST] = { list_count, list_value },
	[KIND_PUBKEYS] = { pubkeys_count, pubkeys_value },
	[KIND_EVIDENCE] = { evidence_count, evidence_value },
	[KIND_WINDOWS] = { windows_count, windows_value },
	[KIND_WAIVERS] = { waivers_count, waivers_value },
};

static const void *
place(const struct diff_field *f, const struct diff_side *s)
{
	return (const uint8_t *)s->base + f->off;
}

size_t
diff_values(const struct diff_field *f, const struct diff_side *s)
{
	return s->base == NULL ? 0 : kinds[f->kind].count(s, place(f, s));
}

void
diff_value(struct words *w, const struct diff_field *f,
    const struct diff_side *s, size_t i)
{
	kinds[f->kind].value(w, s, place(f, s), i);
}

static int64_t
state_power(const char *state)
{
	static const char *const rising[] = { "revoked", "retired", "pending",
		"active" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(rising); i++)
		if (strcmp(state, rising[i]) == 0)
			return (int64_t)i;
	return -1;
}

int64_t
diff_power(const struct diff_field *f, const struct diff_side *s)
{
	const void *at;

	if (s->base == NULL)
		return INT64_MIN;
	at = place(f, s);
	switch (f->kind) {
	case KIND_BOOL:
		return *(const bool *)at;
	case KIND_U64:
	case KIND_SECONDS:
	case KIND_THRESHOLD:
		return (int64_t) * (const uint64_t *)at;
	case KIND_TIME:
		return *(const int64_t *)at;
	case KIND_STATE:
		return state_power(*(const char *const *)at);
	default:
		return 0;
	}
}
