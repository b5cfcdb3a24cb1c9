/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hsm/p11_private.h"

#define ATTR_MAX 8192u

int
p11_find(struct p11_session *s, CK_ATTRIBUTE *t, size_t nt,
    CK_OBJECT_HANDLE *ret, size_t max, size_t *ret_n, struct diag *d)
{
	CK_ULONG n = 0;
	size_t have = 0;
	CK_RV rv;

	rv = s->f->C_FindObjectsInit(s->h, t, nt);
	if (rv != CKR_OK)
		return p11_fail(rv, "C_FindObjectsInit", d);
	/* a module may give fewer at a time than it has */
	do {
		rv = s->f->C_FindObjects(s->h, ret + have, max - have, &n);
		have += rv == CKR_OK ? n : 0;
	} while (rv == CKR_OK && n > 0 && have < max);
	(void)s->f->C_FindObjectsFinal(s->h);
	if (rv != CKR_OK)
		return p11_fail(rv, "C_FindObjects", d);
	*ret_n = have;
	return 0;
}

int
p11_find_one(struct p11_session *s, CK_ATTRIBUTE *t, size_t nt,
    const char *what, CK_OBJECT_HANDLE *ret, struct diag *d)
{
	CK_OBJECT_HANDLE h[2];
	size_t n = 0;
	int r = p11_find(s, t, nt, h, 2, &n, d);

	if (r != 0)
		return r;
	if (n == 0)
		return diag_fail(d, CS_E_HSM_KEY_ABSENT,
		    "a key of this ID "
		    "and label",
		    "no such %s", what);
	if (n > 1)
		return diag_fail(d, CS_E_HSM_KEY_AMBIGUOUS,
		    "one key of this "
		    "ID and label",
		    "more than one %s", what);
	*ret = h[0];
	return 0;
}

int
p11_attr(struct p11_session *s, CK_OBJECT_HANDLE h, CK_ATTRIBUTE_TYPE type,
    uint8_t **ret, size_t *ret_len)
{
	CK_ATTRIBUTE a = { .type = type };
	_cleanup_free_ uint8_t *p = NULL;
	size_t len;

	if (s->f->C_GetAttributeValue(s->h, h, &a, 1) != CKR_OK ||
	    a.ulValueLen == 0 || a.ulValueLen > ATTR_MAX)
		return CS_E_HSM;
	len = a.ulValueLen;
	p = malloc(len);
	if (p == NULL)
		return CS_E_NOMEM;
	a.pValue = p;
	if (s->f->C_GetAttributeValue(s->h, h, &a, 1) != CKR_OK ||
	    a.ulValueLen > len)
		return CS_E_HSM;
	*ret_len = a.ulValueLen;
	*ret = take_ptr(p);
	return 0;
}

int
p11_attr_ulong(struct p11_session *s, CK_OBJECT_HANDLE h,
    CK_ATTRIBUTE_TYPE type, CK_ULONG *ret)
{
	CK_ULONG v = 0;
	CK_ATTRIBUTE a = { type, &v, sizeof(v) };

	if (s->f->C_GetAttributeValue(s->h, h, &a, 1) != CKR_OK ||
	    a.ulValueLen != sizeof(v))
		return CS_E_HSM;
	*ret = v;
	return 0;
}

int
p11_attr_bool(struct p11_session *s, CK_OBJECT_HANDLE h, CK_ATTRIBUTE_TYPE type,
    bool *ret)
{
	CK_BBOOL v = CK_FALSE;
	CK_ATTRIBUTE a = { type, &v, sizeof(v) };

	if (s->f->C_GetAttributeValue(s->h, h, &a, 1) != CKR_OK ||
	    a.ulValueLen != sizeof(v))
		return CS_E_HSM;
	*ret = v != CK_FALSE;
	return 0;
}

size_t
p11_key_template(CK_ATTRIBUTE t[3], CK_OBJECT_CLASS *class, const uint8_t *id,
    size_t id_len, const char *label)
{
	size_t n = 0;

	/* PKCS#11 has no const; a search template is only read */
	t[n++] = (CK_ATTRIBUTE){ CKA_CLASS, class, sizeof(*class) };
	t[n++] = (CK_ATTRIBUTE){ CKA_ID, (void *)(uintptr_t)id, id_len };
	if (label != NULL)
		t[n++] = (CK_ATTRIBUTE){ CKA_LABEL, (void *)(uintptr_t)label,
			strlen(label) };
	return n;
}

/* An empty CKA_ID in a template would match each key that has none. */
int
p11_id_ok(size_t id_len, const char *label, struct diag *d)
{
	if (id_len == 0 || id_len > P11_ID_MAX)
		return diag_fail(d, CS_E_HSM_URI, "a key ID of 1 to 64 bytes",
		    "%zu bytes", id_len);
	if (label != NULL &&
	    (label[0] == '\0' || strlen(label) > P11_LABEL_MAX))
		return diag_fail(d, CS_E_HSM_URI, "a label of 1 to 64 bytes",
		    "%zu bytes", strlen(label));
	return 0;
}
