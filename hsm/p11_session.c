/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hsm/p11_private.h"

int
p11_session_open(struct p11 *p, const struct p11_token *t, bool writable,
    struct p11_session **ret, struct diag *d)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | (writable ? CKF_RW_SESSION : 0);
	_cleanup_p11_session_ struct p11_session *s = NULL;
	CK_SESSION_HANDLE h = 0;
	CK_RV rv;

	rv = p->f->C_OpenSession(t->slot, flags, NULL, NULL, &h);
	if (rv != CKR_OK)
		return p11_fail(rv, "C_OpenSession", d);
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		(void)p->f->C_CloseSession(h);
		return diag_nomem(d);
	}
	s->p = p;
	s->f = p->f;
	s->h = h;
	s->slot = t->slot;
	*ret = take_ptr(s);
	return 0;
}

void
p11_session_close(struct p11_session **sp)
{
	struct p11_session *s = take_ptr(*sp);

	if (s == NULL)
		return;
	if (s->logged_in)
		(void)s->f->C_Logout(s->h);
	(void)s->f->C_CloseSession(s->h);
	free(s);
}

static int
token_flags_now(struct p11_session *s, CK_FLAGS *ret, struct diag *d)
{
	CK_TOKEN_INFO i;
	CK_RV rv = s->f->C_GetTokenInfo(s->slot, &i);

	if (rv != CKR_OK)
		return p11_fail(rv, "C_GetTokenInfo", d);
	*ret = i.flags;
	return 0;
}

int
p11_pin_state(struct p11_session *s, unsigned *ret_flags, struct diag *d)
{
	CK_FLAGS f = 0;
	int r = token_flags_now(s, &f, d);

	if (r != 0)
		return r;
	*ret_flags = ((f & CKF_USER_PIN_COUNT_LOW) != 0 ? P11_F_COUNT_LOW : 0) |
	    ((f & CKF_USER_PIN_FINAL_TRY) != 0 ? P11_F_FINAL_TRY : 0) |
	    ((f & CKF_USER_PIN_LOCKED) != 0 ? P11_F_LOCKED : 0);
	return 0;
}

/* All that can be refused before a try is spent. */
static int
login_check(struct p11_session *s, unsigned flags, struct diag *d)
{
	CK_FLAGS f = 0;
	size_t i;
	int r;

	if (s->tried)
		return diag_fail(d, CS_E_HSM_PIN_TWICE, "one login",
		    "a second one in this session");
	for (i = 0; i < s->p->nbad; i++)
		if (s->p->bad[i] == s->slot)
			return diag_fail(d, CS_E_HSM_PIN_TWICE, "one try",
			    "the PIN was wrong before");
	r = token_flags_now(s, &f, d);
	if (r != 0)
		return r;
	if ((f & CKF_USER_PIN_LOCKED) != 0)
		return diag_fail(d, CS_E_HSM_PIN_LOCKED, NULL,
		    "the token says so; no try was made");
	if ((f & CKF_USER_PIN_FINAL_TRY) != 0 &&
	    (flags & P11_LOGIN_FINAL_AGREED) == 0)
		return diag_fail(d, CS_E_HSM_PIN_FINAL, "a person's consent",
		    "the last try; it was not made");
	if ((f & CKF_USER_PIN_INITIALIZED) == 0)
		return diag_fail(d, CS_E_HSM_PIN_UNSET, NULL,
		    "the token says so; no try was made");
	return 0;
}

int
p11_login(struct p11_session *s, struct secret *pin, unsigned flags,
    struct diag *d)
{
	CK_RV rv;
	int r = login_check(s, flags, d);

	if (r != 0)
		return r;
	s->tried = true;
	rv = s->f->C_Login(s->h, CKU_USER, secret_data(pin), secret_len(pin));
	if (rv == CKR_OK) {
		s->logged_in = true;
		return 0;
	}
	/* a token that is pulled and put back is still the same person's */
	if (s->p->nbad < ARRAY_LEN(s->p->bad))
		s->p->bad[s->p->nbad++] = s->slot;
	return p11_fail(rv, "C_Login", d);
}

void
p11_pin_each(struct p11_session *s, struct secret *pin)
{
	s->pin = pin;
}

/* It was right a moment ago: if it is not now, nothing tries it again. */
int
p11_login_again(struct p11_session *s, struct diag *d)
{
	CK_RV rv;

	if (s->pin == NULL || !s->logged_in)
		return diag_fail(d, CS_E_HSM_KEY_ALWAYS_AUTH,
		    "the PIN of this session", "none is kept");
	rv = s->f->C_Login(s->h, CKU_CONTEXT_SPECIFIC, secret_data(s->pin),
	    secret_len(s->pin));
	if (rv == CKR_OK)
		return 0;
	s->pin = NULL;
	if (s->p->nbad < ARRAY_LEN(s->p->bad))
		s->p->bad[s->p->nbad++] = s->slot;
	return p11_fail(rv, "C_Login for one signature", d);
}

/* Security officer's session: sets the user's PIN. */
static int
set_pin(struct p11_session *s, struct secret *so_pin, struct secret *user_pin,
    struct diag *d)
{
	CK_RV rv;

	rv = s->f->C_Login(s->h, CKU_SO, secret_data(so_pin),
	    secret_len(so_pin));
	if (rv != CKR_OK)
		return p11_fail(rv, "C_Login as security officer", d);
	s->logged_in = true;
	rv = s->f->C_InitPIN(s->h, secret_data(user_pin), secret_len(user_pin));
	if (rv != CKR_OK)
		return p11_fail(rv, "C_InitPIN", d);
	return 0;
}

/* No token has this label, and the slot still holds a blank one. */
static int
init_check(struct p11 *p, const struct p11_token *blank, const char *label,
    struct diag *d)
{
	_cleanup_free_ struct p11_token *list = NULL;
	bool found = false;
	size_t n = 0, i;
	int r = p11_tokens(p, &list, &n, d);

	if (r != 0)
		return r;
	for (i = 0; i < n; i++) {
		if (list[i].slot == blank->slot) {
			found = true;
			if ((list[i].flags & P11_F_INITIALISED) != 0)
				return diag_fail(d, CS_E_HSM_TOKEN_USED,
				    "a blank token", "\"%s\"", list[i].label);
		} else if ((list[i].flags & P11_F_INITIALISED) != 0 &&
		    strcmp(list[i].label, label) == 0) {
			return diag_fail(d, CS_E_HSM_TOKEN_USED,
			    "a name of its own", "another \"%s\"", label);
		}
	}
	if (!found)
		return diag_fail(d, CS_E_HSM_TOKEN_ABSENT, "the blank token",
		    "none in slot %lu", blank->slot);
	return 0;
}

int
p11_init_token(struct p11 *p, const struct p11_token *blank, const char *label,
    struct secret *so_pin, struct secret *user_pin, struct p11_token *ret,
    struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *s = NULL;
	unsigned char padded[32];
	struct p11_token t;
	CK_RV rv;
	int r;

	if (label[0] == '\0' || strlen(label) > sizeof(padded))
		return diag_fail(d, CS_E_HSM_URI, "a label of 1 to 32 bytes",
		    "%zu bytes", strlen(label));
	r = init_check(p, blank, label, d);
	if (r != 0)
		return r;
	memset(padded, ' ', sizeof(padded));
	memcpy(padded, label, strlen(label));
	rv = p->f->C_InitToken(blank->slot, secret_data(so_pin),
	    secret_len(so_pin), padded);
	if (rv != CKR_OK)
		return p11_fail(rv, "C_InitToken", d);
	r = p11_find_token_label(p, label, &t, d);
	if (r == 0)
		r = p11_session_open(p, &t, true, &s, d);
	if (r == 0)
		r = set_pin(s, so_pin, user_pin, d);
	if (r != 0)
		return r;
	p11_session_close(&s);
	return p11_find_token_label(p, label, ret, d);
}
