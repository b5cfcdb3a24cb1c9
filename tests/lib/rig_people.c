/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rig.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/dsse.h"
#include "tests/lib/rig_die.h"

#define MAX_SIGNERS 16

static EVP_PKEY *
new_key(const char *type)
{
	EVP_PKEY *k = NULL;

	if (strcmp(type, "ed25519") == 0)
		k = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else if (strcmp(type, "p256") == 0)
		k = EVP_EC_gen("P-256");
	else if (strcmp(type, "p384") == 0)
		k = EVP_EC_gen("P-384");
	else if (strcmp(type, "rsa2048") == 0)
		k = EVP_RSA_gen(2048);
	else if (strcmp(type, "rsa3072") == 0)
		k = EVP_RSA_gen(3072);
	if (k == NULL)
		rig_die("cannot make a key of type %s", type);
	return k;
}

void
rig_person(struct rig_person *p, const char *id, const char *kind,
    const char *organisation, const char *role, const char *type)
{
	unsigned char *der = NULL;
	struct diag d = { 0 };
	int len;

	memset(p, 0, sizeof(*p));
	p->id = id;
	p->kind = kind;
	p->organisation = organisation;
	p->role = role;
	p->key = new_key(type);
	len = i2d_PUBKEY(p->key, &der);
	if (len <= 0 || pubkey_from_spki(der, (size_t)len, &p->pub, &d) != 0)
		rig_die("public key of %s: %s", id, d.found);
	OPENSSL_free(der);
}

void
rig_person_done(struct rig_person *p)
{
	EVP_PKEY_free(p->key);
	p->key = NULL;
	pubkey_free(&p->pub);
}

static void
must_run(const struct rig *r, const char *const argv[], const char *env)
{
	_cleanup_output_ struct rig_output o = { 0 };

	rig_run(r, argv, env, &o);
	if (o.status != 0)
		rig_die("%s %s: status %d: %s%s", argv[0], argv[1], o.status,
		    o.out, o.err);
}

/* PKCS#8 on disk, inside the rig's folder only, as softhsm2-util wants it. */
static void
write_pkcs8(const struct rig *r, EVP_PKEY *key, char out[RIG_PATH])
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long n;

	if (b == NULL ||
	    PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) !=
		1)
		rig_die("cannot write a PKCS#8 key");
	n = BIO_get_mem_data(b, &p);
	rig_write(r, "import.pem", p, (size_t)n, out);
	BIO_free(b);
}

void
rig_token_add(const struct rig *r, const char *conf, const char *label,
    EVP_PKEY *key, const char *pin)
{
	char pem[RIG_PATH], env[RIG_PATH + 32];
	const char *init[] = { "softhsm2-util", "--init-token", "--free",
		"--label", label, "--pin", pin, "--so-pin", "so-12345678",
		NULL };
	const char *import[] = { "softhsm2-util", "--import", pem, "--token",
		label, "--label", label, "--id", "01", "--pin", pin, NULL };

	(void)snprintf(env, sizeof(env), "SOFTHSM2_CONF=%s", conf);
	must_run(r, init, env);
	write_pkcs8(r, key, pem);
	must_run(r, import, env);
	(void)remove(pem);
}

void
rig_person_token(const struct rig *r, struct rig_person *p, const char *pin)
{
	rig_softhsm(r, p->id, p->conf);
	rig_token_add(r, p->conf, p->id, p->key, pin);
}

/* Algorithm by key type, as in pubkey_verify_message(). */
static const EVP_MD *
digest_of(EVP_PKEY *k)
{
	if (EVP_PKEY_is_a(k, "ED25519"))
		return NULL;
	if (EVP_PKEY_is_a(k, "EC") && EVP_PKEY_get_bits(k) == 384)
		return EVP_sha384();
	return EVP_sha256();
}

static void
sign(EVP_PKEY *k, const void *msg, size_t len, uint8_t **ret, size_t *ret_len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	*ret_len = 1024;
	*ret = malloc(*ret_len);
	if (c == NULL || *ret == NULL ||
	    EVP_DigestSignInit(c, NULL, digest_of(k), NULL, k) != 1 ||
	    EVP_DigestSign(c, *ret, ret_len, msg, len) != 1)
		rig_die("cannot sign");
	EVP_MD_CTX_free(c);
}

char *
rig_dsse(const void *payload, size_t len, const struct rig_person *const *who,
    size_t n, size_t *ret_len)
{
	struct dsse_new_sig sigs[MAX_SIGNERS];
	uint8_t *bytes[MAX_SIGNERS] = { NULL };
	struct buf pae = BUF_INIT(DSSE_MAX + 128);
	char *out = NULL;
	size_t i;

	if (n > MAX_SIGNERS || dsse_pae(payload, len, &pae) != 0)
		rig_die("PAE");
	for (i = 0; i < n; i++) {
		sign(who[i]->key, pae.p, pae.len, &bytes[i], &sigs[i].sig_len);
		sigs[i].keyid = who[i]->pub->id;
		sigs[i].sig = bytes[i];
	}
	if (dsse_format(payload, len, sigs, n, &out, ret_len) != 0)
		rig_die("DSSE");
	for (i = 0; i < n; i++)
		free(bytes[i]);
	buf_done(&pae);
	return out;
}
