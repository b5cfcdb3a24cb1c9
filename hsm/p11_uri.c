/* SPDX-License-Identifier: Apache-2.0 */
#include <p11-kit/uri.h>
#include <string.h>

#include "hsm/p11_private.h"

/*
 * RFC 7512 by p11-kit, and then only what names a token and a key on it.  An
 * attribute that would be ignored is refused: its writer meant something.
 */
static void
uri_freep(P11KitUri **u)
{
	p11_kit_uri_free(*u);
}

/* p11-kit pads with blanks; a first byte of 0 is an attribute not given. */
static int
copy_field(char *out, const unsigned char *in, size_t n)
{
	if (in[0] == '\0')
		return 0;
	while (n > 0 && in[n - 1] == ' ')
		n--;
	if (n == 0 || memchr(in, '\0', n) != NULL)
		return CS_E_HSM_URI;
	memcpy(out, in, n);
	out[n] = '\0';
	return 0;
}

static int
all_zero(const void *p, size_t n)
{
	const unsigned char *c = p;
	size_t i;

	for (i = 0; i < n; i++)
		if (c[i] != 0)
			return 0;
	return 1;
}

static int
take_token(P11KitUri *u, struct p11_uri *ret)
{
	const CK_TOKEN_INFO *t = p11_kit_uri_get_token_info(u);

	if (copy_field(ret->token, t->label, sizeof(t->label)) != 0 ||
	    copy_field(ret->manufacturer, t->manufacturerID,
		sizeof(t->manufacturerID)) != 0 ||
	    copy_field(ret->model, t->model, sizeof(t->model)) != 0 ||
	    copy_field(ret->serial, t->serialNumber, sizeof(t->serialNumber)) !=
		0)
		return CS_E_HSM_URI;
	return 0;
}

static int
take_object(P11KitUri *u, struct p11_uri *ret)
{
	const CK_ATTRIBUTE *a = p11_kit_uri_get_attribute(u, CKA_ID);
	CK_OBJECT_CLASS class;

	if (a != NULL) {
		if (a->ulValueLen == 0 || a->ulValueLen > sizeof(ret->id))
			return CS_E_HSM_URI;
		memcpy(ret->id, a->pValue, a->ulValueLen);
		ret->id_len = a->ulValueLen;
	}
	a = p11_kit_uri_get_attribute(u, CKA_LABEL);
	if (a != NULL) {
		if (a->ulValueLen == 0 ||
		    a->ulValueLen >= sizeof(ret->object) ||
		    memchr(a->pValue, '\0', a->ulValueLen) != NULL)
			return CS_E_HSM_URI;
		memcpy(ret->object, a->pValue, a->ulValueLen);
	}
	a = p11_kit_uri_get_attribute(u, CKA_CLASS);
	if (a != NULL) {
		memcpy(&class, a->pValue, sizeof(class));
		if (class != CKO_PRIVATE_KEY && class != CKO_PUBLIC_KEY)
			return CS_E_HSM_URI;
	}
	return 0;
}

int
p11_uri_parse(const char *uri, struct p11_uri *ret, struct diag *d)
{
	_cleanup_(uri_freep) P11KitUri *u = p11_kit_uri_new();
	struct p11_uri out = { 0 };
	int e;

	if (u == NULL)
		return diag_nomem(d);
	e = p11_kit_uri_parse(uri, P11_KIT_URI_FOR_ANY, u);
	if (e != P11_KIT_URI_OK)
		return diag_fail(d, CS_E_HSM_URI, "a PKCS#11 URI", "%s",
		    p11_kit_uri_message(e));
	/* the text may hold the PIN: it is not repeated */
	if (p11_kit_uri_get_pin_value(u) != NULL ||
	    p11_kit_uri_get_pin_source(u) != NULL)
		return diag_fail(d, CS_E_HSM_URI, "no PIN in a URI",
		    "pin-value or pin-source");
	if (p11_kit_uri_any_unrecognized(u) ||
	    p11_kit_uri_get_module_path(u) != NULL ||
	    p11_kit_uri_get_module_name(u) != NULL ||
	    p11_kit_uri_get_slot_id(u) != (CK_SLOT_ID)-1 ||
	    !all_zero(p11_kit_uri_get_slot_info(u)->slotDescription, 64) ||
	    !all_zero(p11_kit_uri_get_slot_info(u)->manufacturerID, 32) ||
	    !all_zero(p11_kit_uri_get_module_info(u)->manufacturerID, 32) ||
	    !all_zero(p11_kit_uri_get_module_info(u)->libraryDescription, 32))
		return diag_fail(d, CS_E_HSM_URI,
		    "token, manufacturer, model, "
		    "serial, id, object and type only",
		    "another attribute");
	if (take_token(u, &out) != 0 || take_object(u, &out) != 0)
		return diag_fail(d, CS_E_HSM_URI,
		    "values that PKCS#11 allows, "
		    "type private or public",
		    "another value");
	*ret = out;
	return 0;
}
