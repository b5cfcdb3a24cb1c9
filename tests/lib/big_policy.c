/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/big_policy.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "tests/lib/rig_die.h"

#define TEAM  25u
#define FROM  "2026-01-01T00:00:00Z"
#define UNTIL "2028-01-01T00:00:00Z"

static json_t *
must(json_t *j)
{
	if (j == NULL)
		rig_die("big policy");
	return j;
}

static json_t *
name(const char *what, size_t n)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s-%zu", what, n);
	return must(json_string(text));
}

/* A new P-256 key, in base64. */
static json_t *
new_key(void)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(k, &der);
	char text[256];

	if (n <= 0 || b64_enc_len((size_t)n) >= sizeof(text))
		rig_die("key");
	b64_encode(der, (size_t)n, text);
	text[b64_enc_len((size_t)n)] = '\0';
	OPENSSL_free(der);
	EVP_PKEY_free(k);
	return must(json_string(text));
}

static json_t *
principal(json_t *id, bool person, json_t *role, json_t *key)
{
	return must(json_pack("{s:o, s:s, s:s, s:s, s:[o], s:[{s:o}], s:s, "
			      "s:s}",
	    "id", id, "kind", person ? "person" : "system", "name", "Somebody",
	    "organisation", "example", "roles", role, "keys", "public_key", key,
	    "valid_from", FROM, "valid_until", UNTIL));
}

static json_t *
principals(const struct big_policy *b)
{
	json_t *a = json_array();
	size_t i;

	(void)json_array_append_new(a,
	    principal(json_string("ci"), false, json_string("requester"),
		json_string("@K0")));
	(void)json_array_append_new(a,
	    principal(json_string("alice"), true, json_string("administrator"),
		json_string("@K2")));
	(void)json_array_append_new(a,
	    principal(json_string("bob"), true, json_string("administrator"),
		json_string("@K4")));
	for (i = 3; i < b->principals; i++)
		(void)json_array_append_new(a,
		    i % 2 == 0 ? principal(name("person", i), true,
				     name("team", i / 2 / TEAM), new_key()) :
				 principal(name("system", i), false,
				     json_string("requester"), new_key()));
	return a;
}

static json_t *
keys(const struct big_policy *b)
{
	json_t *a = json_array();
	char uri[80];
	size_t i;

	for (i = 0; i < b->keys; i++) {
		(void)snprintf(uri, sizeof(uri),
		    "pkcs11:token=coldseal-release;id=%%%02zx%%%02zx", i >> 8,
		    i & 255);
		(void)json_array_append_new(a,
		    must(json_pack("{s:o, s:s, s:s, s:o, s:s, s:[o], s:[s], "
				   "s:s, s:s, s:s}",
			"id", name("key", i), "domain", "release", "uri", uri,
			"public_key", new_key(), "algorithm",
			"ecdsa-p256-sha256", "products", name("product", i),
			"formats", "raw", "state", "active", "valid_from", FROM,
			"valid_until", UNTIL)));
	}
	return a;
}

static json_t *
rules(const struct big_policy *b)
{
	size_t i, systems = b->principals / 2 - 1;
	size_t teams = (b->principals - 1) / 2 / TEAM;
	json_t *a = json_array();

	for (i = 0; i < b->rules; i++)
		(void)json_array_append_new(a,
		    must(json_pack("{s:o, s:o, s:[o], s:[o], s:[s], s:[s, s], "
				   "s:{s:I, s:[o], s:b, s:b}}",
			"id", name("rule", i), "product",
			name("product", i % b->keys), "requesters",
			i == 0 ? json_string("ci") :
				 name("system", 3 + 2 * (i % (systems - 1))),
			"keys", name("key", i % b->keys), "formats", "raw",
			"versions", "1.*", "2.*", "approvals", "threshold",
			(json_int_t)3, "roles", name("team", i % teams),
			"distinct_organisations", 0, "requester_excluded", 1)));
	return a;
}

static json_t *
roles(const struct big_policy *b)
{
	json_t *a = json_array();
	size_t i, teams = (b->principals - 1) / 2 / TEAM + 1;

	(void)json_array_append_new(a, json_string("requester"));
	(void)json_array_append_new(a, json_string("administrator"));
	for (i = 0; i < teams; i++)
		(void)json_array_append_new(a, name("team", i));
	return a;
}

char *
big_policy_payload(const struct big_policy *b, size_t *ret_len)
{
	return doc_policy_payload(
	    must(json_pack("{s:s, s:s, s:i, s:b, s:s, s:i, s:o, s:o, s:[{s:s, "
			   "s:s}], s:o, s:o, s:{s:i, s:[s]}}",
		"name", "big", "appliance", DOC_APPLIANCE, "version", 1,
		"rehearsal", 0, "review_by", UNTIL, "review_warning_days", 30,
		"roles", roles(b), "principals", principals(b), "domains", "id",
		"release", "token", "coldseal-release", "keys", keys(b),
		"rules", rules(b), "administration", "threshold", 2, "roles",
		"administrator")),
	    ret_len);
}

char *
big_policy_envelope(const struct big_policy *b, size_t *ret_len)
{
	static const enum doc_key admins[] = { DK_ALICE, DK_BOB };
	_cleanup_free_ char *payload = NULL;
	size_t len = 0;

	payload = big_policy_payload(b, &len);
	return doc_envelope(payload, len, admins, ARRAY_LEN(admins), ret_len);
}
