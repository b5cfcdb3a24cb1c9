/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_P11_PRIVATE_H
#define CS_P11_PRIVATE_H

#include <p11-kit/pkcs11.h>
/* a leftover of its compatibility names; ours is an enum */
#undef hash_alg

#include "hsm/p11.h"

/* Shared by the files p11*.c and sign.c. */
struct p11 {
	CK_FUNCTION_LIST *f;
	bool initialised;
	/* slots whose PIN was found wrong: never tried again */
	CK_SLOT_ID bad[P11_MAX_TOKENS];
	size_t nbad;
};

struct p11_session {
	struct p11 *p;
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE h;
	CK_SLOT_ID slot;
	bool tried, logged_in;
	uint32_t signs;		/* signatures that it made */
	struct secret *pin;	/* p11_pin_each(); NULL: not kept */
};

enum p11_type { P11_RSA, P11_P256, P11_P384, P11_ED25519, P11_TYPE_COUNT };

/* What PKCS#11 and OpenSSL call each type (p11_public.c) */
struct p11_type_info {
	const char *name;
	CK_KEY_TYPE ckk;
	CK_MECHANISM_TYPE generate;
	/* CKA_EC_PARAMS as we write it, and another form that tokens show */
	const uint8_t *params, *params_other;
	size_t params_len, params_other_len;
	size_t point_len;	/* bare; 0 for RSA */
	const char *group;	/* OSSL_PKEY_PARAM_GROUP_NAME of an EC curve */
};
extern const struct p11_type_info p11_types[P11_TYPE_COUNT];

struct p11_key {
	CK_OBJECT_HANDLE h;
	enum p11_type type;
	bool always_auth;		/* a PIN at each signature */
	size_t sig_len;			/* of what C_Sign makes */
	bool fits[KEY_ALG_COUNT];	/* pubkey_fits() */
};

/* --- errors (p11_err.c) --- */

/* The one converter of CK_RV; CKR_GENERAL_ERROR and the like are CS_E_HSM. */
int p11_fail(CK_RV rv, const char *function, struct diag *d) CS_WUR;

/* --- objects (p11_object.c) --- */

/* At most max handles; *ret_n == max may mean that there are more. */
int p11_find(struct p11_session *s, CK_ATTRIBUTE *t, size_t nt,
    CK_OBJECT_HANDLE *ret, size_t max, size_t *ret_n, struct diag *d) CS_WUR;
/* Exactly one.  what: "private key", for people. */
int p11_find_one(struct p11_session *s, CK_ATTRIBUTE *t, size_t nt,
    const char *what, CK_OBJECT_HANDLE *ret, struct diag *d) CS_WUR;
/* free(*ret).  Empty or unreadable is CS_E_HSM. */
int p11_attr(struct p11_session *s, CK_OBJECT_HANDLE h, CK_ATTRIBUTE_TYPE type,
    uint8_t **ret, size_t *ret_len) CS_WUR;
int p11_attr_ulong(struct p11_session *s, CK_OBJECT_HANDLE h,
    CK_ATTRIBUTE_TYPE type, CK_ULONG *ret) CS_WUR;
int p11_attr_bool(struct p11_session *s, CK_OBJECT_HANDLE h,
    CK_ATTRIBUTE_TYPE type, bool *ret) CS_WUR;
/* Fills t with class, CKA_ID and label (if not NULL); returns how many. */
size_t p11_key_template(CK_ATTRIBUTE t[3], CK_OBJECT_CLASS *class,
    const uint8_t *id, size_t id_len, const char *label);
int p11_id_ok(size_t id_len, const char *label, struct diag *d) CS_WUR;

/* --- sessions (p11_session.c) --- */

/* The PIN once more, for the operation that was begun */
int p11_login_again(struct p11_session *s, struct diag *d) CS_WUR;

/* --- making keys (p11_make.c) --- */

/* the one that a key of this algorithm is limited to */
CK_MECHANISM_TYPE p11_mechanism_of(enum key_alg alg);
/* A private key is as we make them: CS_E_HSM_KEY_UNSAFE */
int p11_check_made(struct p11_session *s, CK_OBJECT_HANDLE h, struct diag *d)
    CS_WUR;

/* --- public keys (p11_public.c) --- */

/* CS_E_KEY_TYPE if it is none of ours */
int p11_pubkey_type(const struct pubkey *k, enum p11_type *ret) CS_WUR;
/* Of an object of any class.  CS_E_KEY_TYPE, also if it does not show it */
int p11_object_type(struct p11_session *s, CK_OBJECT_HANDLE h,
    enum p11_type *ret) CS_WUR;
/*
 * The public key in an object of any class.  CS_E_KEY_TYPE if it is none of
 * ours, CS_E_HSM_KEY_ABSENT if the object does not show it.
 */
int p11_object_pubkey(struct p11_session *s, CK_OBJECT_HANDLE h,
    struct pubkey **ret) CS_WUR;
/*
 * CKA_EC_POINT is the DER of an OCTET STRING (PKCS#11 v2.40 2.3.3); some
 * tokens show the point bare.  The header of a point of len bytes.
 */
size_t p11_point_header(size_t len, uint8_t ret[3]);

#endif
