/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/filehash.h"

#include <string.h>

#include "lib/filehash_impl.h"

/*
 * HEAD: the file's first bytes are collected until its type knows the plan
 *   -> BODY: bytes are hashed, or not, by where they are
 *   -> final: the whole file was seen, then the suffix
 */
struct filehash {
	const struct filehash_type *type;
	enum hash_alg alg;
	struct hasher *hasher;
	size_t suffix_len;
	uint8_t suffix[FILEHASH_SUFFIX_MAX];
	struct filehash_head head; /* head.p is buf */
	uint8_t *buf;
	size_t want; /* of the head; 0: in BODY */
	uint64_t at; /* of the next byte in BODY */
	struct filehash_plan plan;
	uint8_t keep[FILEHASH_KEEP];
	int error; /* and why */
	struct diag why;
};

static int
all_plan(const struct filehash_head *h, struct filehash_plan *plan,
    size_t *ret_want, struct diag *d)
{
	(void)ret_want;
	(void)d;
	plan->to = h->size;
	return 0;
}

static const struct filehash_type all = { 0, all_plan, NULL };

static const struct filehash_type *const types[FILEHASH_HOWS] = {
	[FILEHASH_ALL] = &all,
	[FILEHASH_PE] = &filehash_pe,
	[FILEHASH_RPM] = &filehash_rpm,
};

int
filehash_new(enum filehash_how how, enum hash_alg alg, const void *suffix,
    size_t len, struct filehash **ret)
{
	_cleanup_filehash_ struct filehash *h = NULL;
	int r;

	if ((size_t)how >= FILEHASH_HOWS || types[how] == NULL)
		return CS_E_HASH;
	if (len > sizeof(h->suffix))
		return CS_E_TOO_LARGE;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return CS_E_NOMEM;
	h->buf = malloc(FILEHASH_HEAD_MAX);
	if (h->buf == NULL)
		return CS_E_NOMEM;
	h->type = types[how];
	h->alg = alg;
	h->suffix_len = len;
	if (len > 0)
		memcpy(h->suffix, suffix, len);
	r = hasher_new(alg, &h->hasher);
	if (r == 0)
		*ret = take_ptr(h);
	return r;
}

void
filehash_free(struct filehash **h)
{
	if (*h == NULL)
		return;
	hasher_free(&(*h)->hasher);
	free((*h)->buf);
	free(*h);
	*h = NULL;
}

/* Hashes those of these bytes, which are at a, that lie in from..to. */
static int
hash_range(struct filehash *h, const uint8_t *p, uint64_t a, size_t n,
    uint64_t from, uint64_t to)
{
	const uint64_t b = a + n;

	from = from > a ? from : a;
	to = to < b ? to : b;
	return from >= to ?
	    0 :
	    hasher_update(h->hasher, p + (from - a), (size_t)(to - from));
}

static void
keep_bytes(struct filehash *h, const uint8_t *p, uint64_t a, size_t n)
{
	const uint64_t k = h->plan.keep;
	size_t i;

	for (i = 0; k != 0 && i < FILEHASH_KEEP; i++)
		if (k + i >= a && k + i - a < n)
			h->keep[i] = p[k + i - a];
}

static int
body(struct filehash *h, const uint8_t *p, size_t n)
{
	const struct filehash_plan *plan = &h->plan;
	uint64_t from = plan->from;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < FILEHASH_SKIPS; i++) {
		if (plan->skip[i].len == 0)
			continue;
		r = hash_range(h, p, h->at, n, from, plan->skip[i].at);
		from = plan->skip[i].at + plan->skip[i].len;
	}
	if (r == 0)
		r = hash_range(h, p, h->at, n, from, plan->to);
	keep_bytes(h, p, h->at, n);
	h->at += n;
	return r;
}

static void
refuse(struct filehash *h, int r)
{
	h->error = r;
	if (h->why.code != r)
		(void)diag_fail(&h->why, r, NULL, "the file");
}

/* The type looks at what there is of the head, and wants more, or no more. */
static int
look(struct filehash *h)
{
	int r;

	while (h->want != 0 && h->head.len == h->want) {
		size_t more = 0;

		r = h->type->plan(&h->head, &h->plan, &more, &h->why);
		if (r == 0 && more != 0 &&
		    (more <= h->want || more > FILEHASH_HEAD_MAX))
			r = CS_E_INTERNAL;
		if (r != 0) {
			refuse(h, r);
			return 0;
		}
		h->want = more;
		if (more == 0)
			return body(h, h->buf, h->head.len);
	}
	return 0;
}

int
filehash_start(struct filehash *h, uint64_t size)
{
	size_t want = 0;
	int r;

	h->head = (struct filehash_head){ h->buf, 0, size };
	h->plan = (struct filehash_plan){ 0 };
	h->at = 0;
	h->error = 0;
	h->why = (struct diag){ 0 };
	memset(h->keep, 0, sizeof(h->keep));
	r = hasher_reset(h->hasher);
	if (r != 0)
		return r;
	h->want = h->type->first;
	if (h->want != 0)
		return 0;
	r = h->type->plan(&h->head, &h->plan, &want, &h->why);
	return r == 0 && want != 0 ? CS_E_INTERNAL : r;
}

int
filehash_update(struct filehash *h, const void *data, size_t len)
{
	const uint8_t *p = data;
	int r = 0;

	while (r == 0 && len > 0 && h->error == 0) {
		size_t n = len;

		if (h->want == 0)
			return body(h, p, n);
		if (n > h->want - h->head.len)
			n = h->want - h->head.len;
		memcpy(h->buf + h->head.len, p, n);
		h->head.len += n;
		p += n;
		len -= n;
		r = look(h);
	}
	return r;
}

int
filehash_final(struct filehash *h, uint8_t ret[HASH_MAX_LEN], size_t *ret_len,
    struct diag *d)
{
	uint8_t md[HASH_MAX_LEN];
	int r;

	if (h->error == 0 && h->want != 0)
		refuse(h,
		    diag_fail(&h->why, CS_E_FORMAT_FILE,
			"a file of the format's type", "it ends too early"));
	if (h->error == 0 && h->at != h->head.size)
		refuse(h, CS_E_INTERNAL);
	if (h->error == 0 && h->type->end != NULL) {
		r = h->type->end(&h->head, h->keep, &h->why);
		if (r != 0)
			refuse(h, r);
	}
	if (h->error != 0)
		return diag_fail(d, h->error, h->why.expected, "%s",
		    h->why.found);
	r = hasher_update(h->hasher, h->suffix, h->suffix_len);
	if (r == 0)
		r = hasher_final(h->hasher, md, hash_len(h->alg));
	if (r != 0)
		return diag_fail(d, r, NULL, "hashing");
	memcpy(ret, md, hash_len(h->alg));
	*ret_len = hash_len(h->alg);
	return 0;
}
