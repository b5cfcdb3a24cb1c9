/* SPDX-License-Identifier: Apache-2.0 */
#include <p11-kit/p11-kit.h>
#include <string.h>

#include "hsm/p11_private.h"

static struct p11 *
p11_new(void)
{
	return calloc(1, sizeof(struct p11));
}

/*
 * p11-kit only loads the module and finds its function list.  The module is
 * not managed: the calls go to it directly, and nobody else in this process
 * shares it.
 */
int
p11_open(const char *path, struct p11 **ret, struct diag *d)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	_cleanup_p11_ struct p11 *p = NULL;
	CK_RV rv;

	if (path == NULL || path[0] != '/')
		return diag_fail(d, CS_E_HSM_MODULE, "an absolute path",
		    "\"%s\"", path == NULL ? "" : path);
	p = p11_new();
	if (p == NULL)
		return diag_nomem(d);
	p->f = p11_kit_module_load(path, P11_KIT_MODULE_UNMANAGED);
	if (p->f == NULL)
		return diag_fail(d, CS_E_HSM_MODULE, "a PKCS#11 module",
		    "%s: %s", path, p11_kit_message());
	rv = p->f->C_Initialize(&args);
	if (rv != CKR_OK)
		return diag_fail(d, CS_E_HSM_MODULE, NULL,
		    "%s: C_Initialize: 0x%lx: %s", path, rv,
		    p11_kit_strerror(rv));
	p->initialised = true;
	*ret = take_ptr(p);
	return 0;
}

void
p11_close(struct p11 **pp)
{
	struct p11 *p = take_ptr(*pp);

	if (p == NULL)
		return;
	if (p->initialised)
		(void)p->f->C_Finalize(NULL);
	if (p->f != NULL)
		p11_kit_module_release(p->f);
	free(p);
}

/* PKCS#11 v2.40 4.5: blank-padded, not terminated */
static void
copy_padded(char *out, const unsigned char *in, size_t n)
{
	while (n > 0 && in[n - 1] == ' ')
		n--;
	memcpy(out, in, n);
	out[n] = '\0';
}

static unsigned
token_flags(CK_FLAGS f)
{
	static const struct {
		CK_FLAGS ck;
		unsigned ours;
	} map[] = {
		{ CKF_USER_PIN_COUNT_LOW, P11_F_COUNT_LOW },
		{ CKF_USER_PIN_FINAL_TRY, P11_F_FINAL_TRY },
		{ CKF_USER_PIN_LOCKED, P11_F_LOCKED },
		{ CKF_TOKEN_INITIALIZED, P11_F_INITIALISED },
		{ CKF_USER_PIN_INITIALIZED, P11_F_PIN_SET },
	};
	unsigned r = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(map); i++)
		if ((f & map[i].ck) != 0)
			r |= map[i].ours;
	return r;
}

static CK_RV
token_info(struct p11 *p, CK_SLOT_ID slot, struct p11_token *ret)
{
	CK_TOKEN_INFO i;
	CK_RV rv = p->f->C_GetTokenInfo(slot, &i);

	if (rv != CKR_OK)
		return rv;
	ret->slot = slot;
	ret->flags = token_flags(i.flags);
	copy_padded(ret->label, i.label, sizeof(i.label));
	copy_padded(ret->manufacturer, i.manufacturerID,
	    sizeof(i.manufacturerID));
	copy_padded(ret->model, i.model, sizeof(i.model));
	copy_padded(ret->serial, i.serialNumber, sizeof(i.serialNumber));
	return CKR_OK;
}

int
p11_tokens(struct p11 *p, struct p11_token **ret, size_t *ret_n, struct diag *d)
{
	_cleanup_free_ struct p11_token *list = NULL;
	CK_SLOT_ID slots[P11_MAX_TOKENS];
	CK_ULONG n = 0, i;
	size_t have = 0;
	CK_RV rv;

	/* v2.40 5.5: only a call without a list notices what was plugged in */
	rv = p->f->C_GetSlotList(CK_TRUE, NULL, &n);
	if (rv != CKR_OK)
		return p11_fail(rv, "C_GetSlotList", d);
	n = P11_MAX_TOKENS;
	rv = p->f->C_GetSlotList(CK_TRUE, slots, &n);
	if (rv == CKR_BUFFER_TOO_SMALL)
		return diag_fail(d, CS_E_HSM, "at most 64 tokens", "%lu", n);
	if (rv != CKR_OK)
		return p11_fail(rv, "C_GetSlotList", d);
	list = calloc(P11_MAX_TOKENS, sizeof(*list));
	if (list == NULL)
		return diag_nomem(d);
	for (i = 0; i < n; i++) {
		rv = token_info(p, slots[i], &list[have]);
		/* pulled just now, or a card that is no token */
		if (rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_DEVICE_REMOVED ||
		    rv == CKR_TOKEN_NOT_RECOGNIZED)
			continue;
		if (rv != CKR_OK)
			return p11_fail(rv, "C_GetTokenInfo", d);
		have++;
	}
	*ret = take_ptr(list);
	*ret_n = have;
	return 0;
}

/* An attribute that was not asked for matches everything. */
static int
matches(const struct p11_token *t, const struct p11_uri *u)
{
	const struct {
		const char *want, *have;
	} pairs[] = {
		{ u->token, t->label },
		{ u->manufacturer, t->manufacturer },
		{ u->model, t->model },
		{ u->serial, t->serial },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(pairs); i++)
		if (pairs[i].want[0] != '\0' &&
		    strcmp(pairs[i].want, pairs[i].have) != 0)
			return 0;
	return 1;
}

static int
find_token(struct p11 *p, const struct p11_uri *uri, struct p11_token *ret,
    struct diag *d)
{
	_cleanup_free_ struct p11_token *list = NULL;
	const struct p11_token *hit = NULL;
	size_t n = 0, i, hits = 0;
	int r;

	r = p11_tokens(p, &list, &n, d);
	if (r != 0)
		return r;
	for (i = 0; i < n; i++) {
		if ((list[i].flags & P11_F_INITIALISED) != 0 &&
		    matches(&list[i], uri)) {
			hit = &list[i];
			hits++;
		}
	}
	if (hits == 0)
		return diag_fail(d, CS_E_HSM_TOKEN_ABSENT, uri->token,
		    "%zu other tokens", n);
	if (hits > 1)
		return diag_fail(d, CS_E_HSM_TOKEN_AMBIGUOUS, "one token",
		    "%zu that match, one with serial %s", hits, hit->serial);
	*ret = *hit;
	return 0;
}

int
p11_find_token(struct p11 *p, const struct p11_uri *uri, struct p11_token *ret,
    struct diag *d)
{
	/* nothing asked for would match whatever is plugged in */
	if (uri->token[0] == '\0' && uri->manufacturer[0] == '\0' &&
	    uri->model[0] == '\0' && uri->serial[0] == '\0')
		return diag_fail(d, CS_E_HSM_URI,
		    "token, serial, manufacturer or model", "none of them");
	return find_token(p, uri, ret, d);
}

int
p11_find_token_label(struct p11 *p, const char *label, struct p11_token *ret,
    struct diag *d)
{
	struct p11_uri u = { 0 };
	size_t n = strlen(label);

	if (n == 0 || n >= sizeof(u.token))
		return diag_fail(d, CS_E_HSM_URI, "a label of 1 to 32 bytes",
		    "%zu bytes", n);
	memcpy(u.token, label, n + 1);
	return p11_find_token(p, &u, ret, d);
}

int
p11_find_token_only(struct p11 *p, struct p11_token *ret, struct diag *d)
{
	static const struct p11_uri any = { 0 };

	return find_token(p, &any, ret, d);
}

int
p11_find_token_blank(struct p11 *p, struct p11_token *ret, struct diag *d)
{
	_cleanup_free_ struct p11_token *list = NULL;
	size_t n = 0, i;
	int r;

	r = p11_tokens(p, &list, &n, d);
	if (r != 0)
		return r;
	for (i = 0; i < n; i++) {
		if ((list[i].flags & P11_F_INITIALISED) == 0) {
			*ret = list[i];
			return 0;
		}
	}
	return diag_fail(d, CS_E_HSM_TOKEN_ABSENT, "a blank token",
	    "%zu tokens, all initialised", n);
}
