/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/documents.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"

#define MUST(x)                                                            \
	do {                                                               \
		if (!(x)) {                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
			    #x);                                           \
			abort();                                           \
		}                                                          \
	} while (0)

static const char policy_text[] =
    "{'name':'test','appliance':'" DOC_APPLIANCE "','version':1,"
    "'rehearsal':true,'review_by':'2029-01-01T00:00:00Z',"
    "'review_warning_days':30,"
    "'roles':['requester','officer','administrator','auditor'],"
    "'principals':["
    "{'id':'ci','kind':'system','name':'CI','organisation':'acme',"
    "'roles':['requester'],'keys':[{'public_key':'@K0'}],"
    "'valid_from':'2026-01-01T00:00:00Z','valid_until':'2027-01-01T00:00:00Z'},"
    "{'id':'dev','kind':'person','name':'Dev','organisation':'acme',"
    "'roles':['requester','officer'],'keys':[{'public_key':'@K1'}],"
    "'valid_from':'2026-01-01T00:00:00Z','valid_until':'2027-01-01T00:00:00Z'},"
    "{'id':'alice','kind':'person','name':'Alice','organisation':'acme',"
    "'roles':['officer','administrator'],"
    "'keys':[{'public_key':'@K2'},{'public_key':'@K3'}],"
    "'valid_from':'2026-01-01T00:00:00Z','valid_until':'2027-01-01T00:00:00Z'},"
    "{'id':'bob','kind':'person','name':'Bob','organisation':'acme',"
    "'roles':['officer','administrator'],'keys':[{'public_key':'@K4'}],"
    "'valid_from':'2026-01-01T00:00:00Z','valid_until':'2027-01-01T00:00:00Z'},"
    "{'id':'carol','kind':'person','name':'Carol','organisation':'zeta',"
    "'roles':['officer'],'keys':[{'public_key':'@K5'}],"
    "'valid_from':'2026-01-01T00:00:00Z','valid_until':'2027-01-01T00:00:00Z'},"
    "{'id':'olga','kind':'person','name':'Olga','organisation':'zeta',"
    "'roles':['auditor'],'keys':[{'public_key':'@K6'}],"
    "'valid_from':'2026-01-01T00:00:00Z','valid_until':'2027-01-01T00:00:00Z'}"
    "],"
    "'domains':[{'id':'release','token':'coldseal-release'}],"
    "'keys':["
    "{'id':'rel','domain':'release','uri':'pkcs11:token=coldseal-release;id=%"
    "01',"
    "'public_key':'@K7','algorithm':'ecdsa-p256-sha256','products':['firmware']"
    ","
    "'formats':['raw'],'state':'active',"
    "'valid_from':'2026-01-01T00:00:00Z','valid_until':'2027-01-01T00:00:00Z'},"
    "{'id':'rel384','domain':'release',"
    "'uri':'pkcs11:token=coldseal-release;id=%02',"
    "'public_key':'@K8','algorithm':'ecdsa-p384-sha384',"
    "'products':['firmware','spare'],'shared':'spare parts',"
    "'formats':['raw'],'state':'active',"
    "'valid_from':'2026-01-01T00:00:00Z','valid_until':'2027-01-01T00:00:00Z'},"
    "{'id':'relcms','domain':'release',"
    "'uri':'pkcs11:token=coldseal-release;id=%03',"
    "'public_key':'@K9','algorithm':'rsa3072-pkcs1-sha256','products':['boot'],"
    "'formats':['cms'],'state':'active','certificate':'@C9',"
    "'valid_from':'2026-01-01T00:00:00Z','valid_until':'2027-01-01T00:00:00Z'}"
    "],"
    "'rules':["
    "{'id':'fw','product':'firmware','requesters':['ci','dev'],"
    "'keys':['rel','rel384'],'formats':['raw'],"
    "'approvals':{'threshold':2,'roles':['officer'],"
    "'distinct_organisations':false,'requester_excluded':true}},"
    "{'id':'boot','product':'boot','requesters':['ci'],'keys':['relcms'],"
    "'formats':['cms'],'approvals':{'threshold':2,'roles':['officer'],"
    "'distinct_organisations':true,'requester_excluded':true}}],"
    "'administration':{'threshold':2,'roles':['administrator']}}";

static const char *const key_types[DK_COUNT] = {
	[DK_CI] = "P-256",
	[DK_DEV] = "ED25519",
	[DK_ALICE] = "P-256",
	[DK_ALICE2] = "ED25519",
	[DK_BOB] = "P-384",
	[DK_CAROL] = "P-256",
	[DK_OLGA] = "P-256",
	[DK_REL] = "P-256",
	[DK_REL384] = "P-384",
	[DK_CMS] = "RSA",
	[DK_ED] = "ED25519",
	[DK_PSS] = "RSA",
	[DK_STRANGER] = "P-256",
};

EVP_PKEY *
doc_pkey(enum doc_key k)
{
	static EVP_PKEY *made[DK_COUNT];
	const char *t = key_types[k];

	if (made[k] != NULL)
		return made[k];
	if (strcmp(t, "RSA") == 0)
		made[k] = EVP_RSA_gen(3072);
	else if (strcmp(t, "ED25519") == 0)
		made[k] = EVP_PKEY_Q_keygen(NULL, NULL, t);
	else
		made[k] = EVP_EC_gen(t);
	MUST(made[k] != NULL);
	return made[k];
}

const struct pubkey *
doc_pubkey(enum doc_key k)
{
	static struct pubkey *made[DK_COUNT];
	unsigned char *der = NULL;
	int n;

	if (made[k] != NULL)
		return made[k];
	n = i2d_PUBKEY(doc_pkey(k), &der);
	MUST(n > 0);
	MUST(pubkey_from_spki(der, (size_t)n, &made[k], NULL) == 0);
	OPENSSL_free(der);
	return made[k];
}

char *
doc_spki_b64(enum doc_key k, bool compressed)
{
	const struct pubkey *p = doc_pubkey(k);
	uint8_t der[600];
	size_t n = p->spki_len;
	char *out;

	MUST(n <= sizeof(der));
	memcpy(der, p->spki, n);
	if (compressed) {
		MUST(n == 91); /* P-256: 26 bytes, then 04 X Y */
		der[1] = 0x39;
		der[24] = 0x22;
		der[26] = (uint8_t)(0x02 | (der[90] & 1));
		n = 59;
	}
	out = malloc(b64_enc_len(n) + 1);
	MUST(out != NULL);
	b64_encode(der, n, out);
	return out;
}

void
doc_cert(enum doc_key k, int64_t from, int64_t until, uint8_t **ret,
    size_t *ret_len)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_NAME_new();
	unsigned char *der = NULL;
	int n;

	MUST(x != NULL && name != NULL);
	MUST(X509_set_version(x, X509_VERSION_3) == 1);
	MUST(ASN1_INTEGER_set(X509_get_serialNumber(x),
		 (long)k * 1000 + (long)(until % 1000) + 1) == 1);
	MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		 (const unsigned char *)"coldseal test", -1, -1, 0) == 1);
	MUST(X509_set_subject_name(x, name) == 1);
	MUST(X509_set_issuer_name(x, name) == 1);
	MUST(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from) != NULL);
	MUST(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)until) != NULL);
	MUST(X509_set_pubkey(x, doc_pkey(k)) == 1);
	MUST(X509_sign(x, doc_pkey(k),
		 strcmp(key_types[k], "ED25519") == 0 ? NULL : EVP_sha256()) >
	    0);
	n = i2d_X509(x, &der);
	MUST(n > 0);
	*ret = malloc((size_t)n);
	MUST(*ret != NULL);
	memcpy(*ret, der, (size_t)n);
	*ret_len = (size_t)n;
	OPENSSL_free(der);
	X509_NAME_free(name);
	X509_free(x);
}

uint8_t *
doc_sign(enum doc_key k, const void *msg, size_t len, size_t *ret_len)
{
	static const struct {
		const char *type, *md;
	} mds[] = { { "P-256", "SHA256" }, { "P-384", "SHA384" },
		{ "RSA", "SHA256" }, { "ED25519", NULL } };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t i, n = 1024;
	uint8_t *sig = malloc(n);

	MUST(ctx != NULL && sig != NULL);
	for (i = 0; strcmp(mds[i].type, key_types[k]) != 0; i++)
		continue;
	MUST(EVP_DigestSignInit_ex(ctx, NULL, mds[i].md, NULL, NULL,
		 doc_pkey(k), NULL) == 1);
	MUST(EVP_DigestSign(ctx, sig, &n, msg, len) == 1);
	EVP_MD_CTX_free(ctx);
	*ret_len = n;
	return sig;
}

uint8_t *
doc_sign_digest(enum doc_key k, enum key_alg a, const uint8_t *digest,
    size_t len, size_t *ret_len)
{
	EVP_PKEY_CTX *ctx;
	size_t n = 1024;
	uint8_t *sig;

	if (a == KEY_ED25519)
		return doc_sign(k, digest, len, ret_len);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, doc_pkey(k), NULL);
	sig = malloc(n);
	MUST(ctx != NULL && sig != NULL);
	MUST(EVP_PKEY_sign_init(ctx) == 1);
	if (a == KEY_RSA3072_PSS) {
		MUST(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) ==
		    1);
		MUST(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32) == 1);
	}
	MUST(EVP_PKEY_CTX_set_signature_md(ctx,
		 a == KEY_P384 ? EVP_sha384() : EVP_sha256()) == 1);
	MUST(EVP_PKEY_sign(ctx, sig, &n, digest, len) == 1);
	EVP_PKEY_CTX_free(ctx);
	*ret_len = n;
	return sig;
}

char *
doc_envelope(const char *payload, size_t len, const enum doc_key *k, size_t n,
    size_t *ret_len)
{
	struct dsse_new_sig s[DSSE_MAX_SIGS];
	uint8_t *sig[DSSE_MAX_SIGS];
	struct buf pae = BUF_INIT(DSSE_MAX);
	char *out = NULL;
	size_t i;

	MUST(n <= DSSE_MAX_SIGS && dsse_pae(payload, len, &pae) == 0);
	for (i = 0; i < n; i++) {
		sig[i] = doc_sign(k[i], pae.p, pae.len, &s[i].sig_len);
		s[i].sig = sig[i];
		s[i].keyid = doc_pubkey(k[i])->id;
	}
	MUST(dsse_format(payload, len, s, n, &out, ret_len) == 0);
	for (i = 0; i < n; i++)
		free(sig[i]);
	buf_done(&pae);
	return out;
}

/* "@K3" and the like; NULL if s is an ordinary string. */
static char *
stand_in(const char *s)
{
	uint8_t *der = NULL;
	size_t n = 0;
	char *out;
	long k;

	if (s[0] != '@' || s[1] == '\0')
		return NULL;
	k = strtol(s + 2, NULL, 10);
	MUST(k >= 0 && k < DK_COUNT);
	if (s[1] != 'C' && s[1] != 'T')
		return doc_spki_b64((enum doc_key)k, s[1] == 'Z');
	doc_cert((enum doc_key)k, DOC_NOW - 30000000, DOC_NOW + 30000000, &der,
	    &n);
	if (s[1] == 'T') {
		der = realloc(der, ++n);
		MUST(der != NULL);
		der[n - 1] = 0;
	}
	out = malloc(b64_enc_len(n) + 1);
	MUST(out != NULL);
	b64_encode(der, n, out);
	free(der);
	return out;
}

static void
substitute(json_t *j)
{
	const char *key;
	json_t *v;
	size_t i;
	void *tmp;
	char *s;

	json_object_foreach_safe(j, tmp, key, v)
	{
		s = json_is_string(v) ? stand_in(json_string_value(v)) : NULL;
		if (s != NULL)
			MUST(json_object_set_new(j, key, json_string(s)) == 0);
		else
			substitute(v);
		free(s);
	}
	json_array_foreach (j, i, v)
		substitute(v);
}

void
doc_change(json_t *root, const struct doc_change *c)
{
	char path[200], *p = path, *slash;
	json_t *at = root, *v = NULL;
	size_t i;

	(void)snprintf(path, sizeof(path), "%s", c->pointer + 1);
	while ((slash = strchr(p, '/')) != NULL) {
		*slash = '\0';
		at = json_is_array(at) ?
		    json_array_get(at, strtoul(p, NULL, 10)) :
		    json_object_get(at, p);
		MUST(at != NULL);
		p = slash + 1;
	}
	if (c->value != NULL) {
		char text[8192];

		(void)snprintf(text, sizeof(text), "%s", c->value);
		for (i = 0; text[i] != '\0'; i++)
			if (text[i] == '\'')
				text[i] = '"';
		v = json_loads(text, JSON_DECODE_ANY, NULL);
		MUST(v != NULL);
	}
	if (json_is_object(at))
		MUST((v != NULL ? json_object_set_new(at, p, v) :
				  json_object_del(at, p)) == 0);
	else if (strcmp(p, "-") == 0)
		MUST(json_array_append_new(at, v) == 0);
	else
		MUST((v != NULL ?
			     json_array_set_new(at, strtoul(p, NULL, 10), v) :
			     json_array_remove(at, strtoul(p, NULL, 10))) == 0);
}

json_t *
doc_policy_predicate(void)
{
	char text[sizeof(policy_text)];
	json_t *j;
	size_t i;

	memcpy(text, policy_text, sizeof(text));
	for (i = 0; i < sizeof(text); i++)
		if (text[i] == '\'')
			text[i] = '"';
	j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	MUST(j != NULL);
	return j;
}

/* A statement about its own predicate; steals that. */
static char *
about_itself(const char *name, const char *type, json_t *predicate,
    size_t *ret_len)
{
	char *text = NULL, *out = NULL;
	uint8_t digest[32];
	size_t n = 0;

	MUST(json_canonical(predicate, &text, &n) == 0);
	MUST(sha256(text, n, digest) == 0);
	free(text);
	MUST(statement_format_about(name, digest, type, predicate, &out,
		 ret_len) == 0);
	return out;
}

char *
doc_policy_payload(json_t *predicate, size_t *ret_len)
{
	substitute(predicate);
	return about_itself("policy", PRED_POLICY, predicate, ret_len);
}

char *
doc_predicate_changed(const char *payload, size_t len, const char *name,
    const struct doc_change *c, size_t n, size_t *ret_len)
{
	json_t *j = json_loadb(payload, len, 0, NULL), *p;
	char *out;
	size_t i;

	p = json_object_get(j, "predicate");
	MUST(p != NULL);
	for (i = 0; i < n; i++)
		doc_change(p, &c[i]);
	out = about_itself(name,
	    json_string_value(json_object_get(j, "predicateType")),
	    json_incref(p), ret_len);
	json_decref(j);
	return out;
}

char *
doc_next_policy(const struct policy *old, const struct doc_change *c, size_t n,
    const enum doc_key *by, size_t nby, size_t *ret_len)
{
	json_t *j = doc_policy_predicate();
	char hex[65], previous[70], version[24];
	const struct doc_change chain[] = { { "/version", version },
		{ "/previous", previous } };
	_cleanup_free_ char *text = NULL;
	size_t i, len = 0;

	hex_encode(old->digest, 32, hex);
	(void)snprintf(previous, sizeof(previous), "'%s'", hex);
	(void)snprintf(version, sizeof(version), "%llu",
	    (unsigned long long)old->version + 1);
	for (i = 0; i < ARRAY_LEN(chain); i++)
		doc_change(j, &chain[i]);
	for (i = 0; i < n; i++)
		doc_change(j, &c[i]);
	text = doc_policy_payload(j, &len);
	return doc_envelope(text, len, by, nby, ret_len);
}

struct policy *
doc_policy(const struct doc_change *c, size_t n)
{
	json_t *j = doc_policy_predicate();
	struct policy *p = NULL;
	struct diag d = { 0 };
	char *text;
	size_t i, len = 0;

	for (i = 0; i < n; i++)
		doc_change(j, &c[i]);
	text = doc_policy_payload(j, &len);
	if (policy_parse(text, len, &p, &d) != 0) {
		char why[600];

		diag_format(&d, why, sizeof(why));
		fprintf(stderr, "%s", why);
		abort();
	}
	free(text);
	return p;
}

char *
doc_changed(const char *payload, size_t len, const struct doc_change *c,
    size_t n, size_t *ret_len)
{
	json_t *j = json_loadb(payload, len, 0, NULL);
	char *out = NULL;
	size_t i;

	MUST(j != NULL);
	for (i = 0; i < n; i++)
		doc_change(j, &c[i]);
	MUST(json_canonical(j, &out, ret_len) == 0);
	json_decref(j);
	return out;
}

void
doc_artifacts(struct artifact a[2])
{
	static const struct {
		const char *md;
		enum hash_alg h;
	} all[] = { { "SHA256", HASH_SHA256 }, { "SHA384", HASH_SHA384 },
		{ "SHA512", HASH_SHA512 } };
	static const char *const content[] = { "content one", "content two!" };
	size_t i, k;

	memset(a, 0, 2 * sizeof(*a));
	for (i = 0; i < 2; i++) {
		a[i].size = strlen(content[i]);
		for (k = 0; k < ARRAY_LEN(all); k++) {
			MUST(EVP_Q_digest(NULL, all[k].md, NULL, content[i],
				 strlen(content[i]), a[i].digest[all[k].h],
				 NULL) == 1);
			a[i].has[all[k].h] = true;
		}
		memcpy(a[i].sha256, a[i].digest[HASH_SHA256], 32);
	}
}

char *
doc_request_payload(const char *product, const char *key, const char *format,
    size_t *ret_len)
{
	static char one[] = "one", two[] = "two";
	struct request_evidence ev = { "sbom", { 1, 2, 3 }, 77 };
	struct subject s[2] = { { .name = one }, { .name = two } };
	struct request_new n = {
		.id = "00112233445566778899aabbccddeeff",
		.product = product,
		.version = "1.2.3",
		.key = key,
		.format = format,
		.user = "dev",
		.system = "ci.example",
		.pipeline = "release",
		.run = "42",
		.commit = "abc123",
		.created = DOC_NOW - 3600,
		.subjects = s,
		.nsubjects = 2,
		.evidence = &ev,
		.nevidence = 1,
	};
	struct artifact a[2];
	char *out = NULL;
	size_t i;

	doc_artifacts(a);
	for (i = 0; i < 2; i++) {
		s[i].size = a[i].size;
		memcpy(s[i].has, a[i].has, sizeof(s[i].has));
		memcpy(s[i].digest, a[i].digest, sizeof(s[i].digest));
	}
	MUST(request_format(&n, &out, ret_len) == 0);
	return out;
}

struct request *
doc_request(const char *product, const char *key, const char *format)
{
	struct request *r = NULL;
	size_t len = 0;
	char *text = doc_request_payload(product, key, format, &len);

	MUST(request_parse(text, len, &r, NULL) == 0);
	free(text);
	return r;
}
