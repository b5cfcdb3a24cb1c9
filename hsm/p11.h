/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_P11_H
#define CS_P11_H

#include "lib/key.h"
#include "lib/secret.h"

/*
 * Tokens through PKCS#11 v2.40, one module at a time, loaded by p11-kit.
 *
 * Keys are found by CKA_ID (and label), and are the right ones only if their
 * public key is the expected one.  Nothing enumerates a token: an object of
 * an unknown type beside the key must not matter.  Two objects where one is
 * meant are an error, before any PIN is spent.
 *
 * A PIN is tried once.  Between processes: no fork after p11_login().
 *
 *	p11_open -> p11_find_token -> p11_session_open
 *	    -> p11_find_by_spki / p11_public_spki / p11_check_public
 *	    -> p11_login -> p11_find_key -> hsm_sign_digest (hsm/sign.h)
 *	    -> p11_session_close -> p11_close
 *
 * A key and a session die with what they were made from; free in reverse.
 * Errors are in lib/errors/hsm.def.
 */
struct p11;
struct p11_session;
struct p11_key;

/* The first three are TOKEN_F_* of lib/proto_signer.h */
#define P11_F_COUNT_LOW		0x01u	/* a wrong PIN was entered */
#define P11_F_FINAL_TRY		0x02u	/* one try is left */
#define P11_F_LOCKED		0x04u	/* no try is left */
#define P11_F_INITIALISED	0x08u
#define P11_F_PIN_SET		0x10u	/* the user PIN was initialised */

/* CK_TOKEN_INFO, trailing blanks removed, terminated */
struct p11_token {
	unsigned long slot;
	char label[33], manufacturer[33], model[17], serial[17];
	unsigned flags;			/* P11_F_* */
};

/* --- module --- */

/* path is absolute.  CS_E_HSM_MODULE */
int p11_open(const char *path, struct p11 **ret, struct diag *d) CS_WUR;
void p11_close(struct p11 **p);
static inline void
p11_closep(struct p11 **p)
{
	p11_close(p);
}
#define _cleanup_p11_ _cleanup_(p11_closep)

/* --- tokens --- */

#define P11_MAX_TOKENS	64u
#define P11_ID_MAX	64u
#define P11_LABEL_MAX	64u

/* All slots with a token in them; free(*ret) */
int p11_tokens(struct p11 *p, struct p11_token **ret, size_t *ret_n,
    struct diag *d) CS_WUR;

/* RFC 7512; an empty string or id_len 0 is an attribute that is not there. */
struct p11_uri {
	char token[33], manufacturer[33], model[17], serial[17];
	uint8_t id[P11_ID_MAX];
	size_t id_len;
	char object[P11_LABEL_MAX + 1];
};
/*
 * Refuses pin-value and pin-source, other unknown attributes, and an object
 * type that is not private or public.  CS_E_HSM_URI
 */
int p11_uri_parse(const char *uri, struct p11_uri *ret, struct diag *d) CS_WUR;

/*
 * The initialised token that has all the attributes that uri names (token,
 * manufacturer, model, serial; at least one).  CS_E_HSM_TOKEN_ABSENT, or
 * CS_E_HSM_TOKEN_AMBIGUOUS if there are several.
 */
int p11_find_token(struct p11 *p, const struct p11_uri *uri,
    struct p11_token *ret, struct diag *d) CS_WUR;
int p11_find_token_label(struct p11 *p, const char *label,
    struct p11_token *ret, struct diag *d) CS_WUR;
/* The one initialised token of a port.  The same errors. */
int p11_find_token_only(struct p11 *p, struct p11_token *ret, struct diag *d)
    CS_WUR;
/* A token that was never initialised, the first. CS_E_HSM_TOKEN_ABSENT */
int p11_find_token_blank(struct p11 *p, struct p11_token *ret,
    struct diag *d) CS_WUR;

/*
 * C_InitToken, C_Login as SO, C_InitPIN.  Refuses a token that is initialised
 * (CS_E_HSM_TOKEN_USED) and a label that another token has.  label has 1..32
 * bytes.  *ret is the token as found again afterwards: its slot may differ.
 */
int p11_init_token(struct p11 *p, const struct p11_token *blank,
    const char *label, struct secret *so_pin, struct secret *user_pin,
    struct p11_token *ret, struct diag *d) CS_WUR;

/* --- sessions --- */

/* writable: only for p11_generate() */
int p11_session_open(struct p11 *p, const struct p11_token *t, bool writable,
    struct p11_session **ret, struct diag *d) CS_WUR;
/* logs out if logged in */
void p11_session_close(struct p11_session **s);
static inline void
p11_session_closep(struct p11_session **s)
{
	p11_session_close(s);
}
#define _cleanup_p11_session_ _cleanup_(p11_session_closep)

/* signatures that the token made in this session */
uint32_t p11_signs(const struct p11_session *s);

/* P11_F_COUNT_LOW, P11_F_FINAL_TRY and P11_F_LOCKED as they are now */
int p11_pin_state(struct p11_session *s, unsigned *ret_flags, struct diag *d)
    CS_WUR;

/* A person was told that one try is left and said to spend it. */
#define P11_LOGIN_FINAL_AGREED	0x01u

/*
 * C_Login as user, once per session and never again on a token whose PIN was
 * found wrong by this p11: CS_E_HSM_PIN_TWICE.  The token's state is looked
 * at first: CS_E_HSM_PIN_LOCKED, CS_E_HSM_PIN_FINAL, CS_E_HSM_PIN_UNSET spend
 * nothing.  A wrong PIN is CS_E_HSM_PIN.  The PIN may be wiped afterwards.
 */
int p11_login(struct p11_session *s, struct secret *pin, unsigned flags,
    struct diag *d) CS_WUR;

/*
 * For a person's token in one PIN entry: keys of this session may ask for the
 * PIN at each signature (CKA_ALWAYS_AUTHENTICATE, as the signature key of a
 * PIV card does), and get this one.  Borrowed until the session is closed;
 * after p11_login() with the same.
 */
void p11_pin_each(struct p11_session *s, struct secret *pin);

/* --- public keys, also before login --- */

/*
 * The public key with this CKA_ID and, if not NULL, label.  RSA, P-256, P-384,
 * Ed25519.  CS_E_HSM_KEY_ABSENT, CS_E_HSM_KEY_AMBIGUOUS, CS_E_KEY_TYPE
 */
int p11_public_spki(struct p11_session *s, const uint8_t *id, size_t id_len,
    const char *label, struct pubkey **ret, struct diag *d) CS_WUR;
/* The same, and it is this SPKI, or CS_E_HSM_KEY_MISMATCH */
int p11_check_public(struct p11_session *s, const uint8_t *id, size_t id_len,
    const char *label, const uint8_t *spki, size_t spki_len, struct diag *d)
    CS_WUR;

struct p11_spki {
	const uint8_t *der;	/* normalised, as in struct pubkey */
	size_t len;
};
struct p11_match {
	size_t index;		/* in the list that was given */
	uint8_t id[P11_ID_MAX];
	size_t id_len;
};
/*
 * Which one of these public keys is on the token.  None is
 * CS_E_HSM_KEY_ABSENT; two of them, or two objects with the same CKA_ID, are
 * CS_E_HSM_KEY_AMBIGUOUS.
 */
int p11_find_by_spki(struct p11_session *s, const struct p11_spki *list,
    size_t n, struct p11_match *ret, struct diag *d) CS_WUR;

/* --- private keys, after login --- */

/*
 * The private key with this CKA_ID (1..P11_ID_MAX bytes) and, if not NULL,
 * label; its type and public key must be those of spki.  It must be able to
 * sign, and not ask for a PIN at each signature (CS_E_HSM_KEY_ALWAYS_AUTH)
 * unless p11_pin_each() has it.
 * CS_E_HSM_KEY_ABSENT, CS_E_HSM_KEY_AMBIGUOUS, CS_E_HSM_KEY_MISMATCH
 */
int p11_find_key(struct p11_session *s, const uint8_t *id, size_t id_len,
    const char *label, const uint8_t *spki, size_t spki_len,
    struct p11_key **ret, struct diag *d) CS_WUR;
void p11_key_free(struct p11_key **k);
static inline void
p11_key_freep(struct p11_key **k)
{
	p11_key_free(k);
}
#define _cleanup_p11_key_ _cleanup_(p11_key_freep)

/*
 * A key pair for one algorithm, on the token, private, sensitive, never
 * extractable, with CKA_ALLOWED_MECHANISMS of that algorithm only.  The
 * session is writable and logged in.  The attributes are read back and
 * compared: CS_E_HSM_KEY_UNSAFE.  An id or label in use is
 * CS_E_HSM_KEY_AMBIGUOUS.  A token that does not know CKA_ALLOWED_MECHANISMS
 * gets the key without, and *ret_restricted is false.
 */
int p11_generate(struct p11_session *s, enum key_alg alg, const uint8_t *id,
    size_t id_len, const char *label, struct pubkey **ret,
    bool *ret_restricted, struct diag *d) CS_WUR;
/*
 * The key of this label that p11_generate() made before, with its ID (at most
 * P11_ID_MAX bytes).  CS_E_HSM_KEY_ABSENT, CS_E_HSM_KEY_MISMATCH (of another
 * type), CS_E_HSM_KEY_UNSAFE
 */
int p11_find_made(struct p11_session *s, enum key_alg alg, const char *label,
    uint8_t id[P11_ID_MAX], size_t *ret_id_len, struct pubkey **ret,
    bool *ret_restricted, struct diag *d) CS_WUR;
/*
 * A certificate that the token itself made for a key of its own, as some do
 * when they generate one (YubiKeys, for example): DER, for this public key,
 * issued by another name than its subject's.  free(*ret).
 * CS_E_HSM_KEY_ABSENT: none
 */
int p11_attestation(struct p11_session *s, const struct pubkey *k,
    uint8_t **ret, size_t *ret_len, struct diag *d) CS_WUR;
/*
 * Public keys of a label that has no private key: half of a pair, which a
 * process left that was killed in between.  With a private key it is
 * CS_E_HSM_KEY_AMBIGUOUS.
 */
int p11_sweep(struct p11_session *s, const char *label, struct diag *d) CS_WUR;
/*
 * Private key, public key and certificate of this ID, for ever.  Those that
 * are gone already are no error; another public key is, and nothing is done.
 */
int p11_destroy(struct p11_session *s, const uint8_t *id, size_t id_len,
    const uint8_t *spki, size_t spki_len, struct diag *d) CS_WUR;

#endif
