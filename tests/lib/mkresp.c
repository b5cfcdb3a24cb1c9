/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkresp REQUEST POLICY ORIGIN KEY.pem RECORD.pem RESPONSE AUDIT [VARIANT]:
 * a response and the audit bundle that goes with it, for tests without an
 * appliance.  KEY.pem is P-256.  Everything is right but what VARIANT says.
 * To a change the answer is its record; KEY.pem is the key that was made.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host-tools/docs.h"
#include "host-tools/hostkey.h"
#include "host-tools/package.h"
#include "host-tools/reqfile.h"
#include "lib/change.h"
#include "lib/hex.h"
#include "lib/tlogproof.h"
#include "tests/lib/mklog.h"

#define SIG_MAX 160u

struct made {
	uint8_t sig[SIG_MAX];
	size_t len;
};

struct resp {
	struct reqfile req;
	struct policy *policy;
	struct dsse *policy_env;
	struct mklog log;
	EVP_PKEY *key;
	struct hostkey *record;
	const char *variant;
	struct made *sigs;
	struct record_signature *rows;
	char *doc;
	size_t doc_len;
	size_t nsigs; /* of a change: none */
};

static bool
is(const struct resp *x, const char *variant)
{
	return strcmp(x->variant, variant) == 0;
}

static void
must(const char *what, int r, const struct diag *d)
{
	if (r != 0)
		mklog_die(what, r, d);
}

static void
load(struct resp *x, char **argv)
{
	struct diag d = { 0 };
	FILE *f;

	must(argv[1], reqfile_open(argv[1], &x->req, &d), &d);
	must(argv[2],
	    policy_file_parse(argv[2], &x->policy_env, &x->policy, &d), &d);
	mklog_init(&x->log, argv[3]);
	x->log.two = is(x, "two");
	if (x->req.req->action == REQUEST_SIGN)
		x->nsigs = x->req.req->st->nsubjects;
	f = fopen(argv[4], "re");
	x->key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (x->key == NULL)
		mklog_die(argv[4], CS_E_HOST_KEY, NULL);
	(void)fclose(f);
	must(argv[5], hostkey_open(argv[5], NULL, NULL, &x->record, &d), &d);
}

static void
sign(struct resp *x, const uint8_t digest[32], struct made *m)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(x->key, NULL);

	m->len = sizeof(m->sig);
	if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, m->sig, &m->len, digest, 32) != 1)
		mklog_die("sign", CS_E_CRYPTO, NULL);
	EVP_PKEY_CTX_free(ctx);
}

static void
add_leaf(struct resp *x, const char *event, const char *data)
{
	char leaf[1024];
	int n;

	n = snprintf(leaf, sizeof(leaf),
	    "{\"boot\":1,\"data\":{%s},"
	    "\"event\":\"%s\",\"time\":{\"claimed\":%" PRIu64
	    ",\"source\":\"rtc\"},\"tpm\":{\"clock\":1,\"reset\":1,"
	    "\"restart\":0,\"safe\":true},\"v\":1}\n",
	    data, event, (uint64_t)time(NULL));
	mklog_append(&x->log, &(struct tlog_leaf){ leaf, (size_t)n }, 1);
}

static void
make_signatures(struct resp *x)
{
	const struct statement *st = x->req.req->st;
	char artifact[65], sig[65], data[400];
	uint8_t digest[32];
	size_t i;

	x->sigs = calloc(x->nsigs + 1, sizeof(*x->sigs));
	x->rows = calloc(x->nsigs + 1, sizeof(*x->rows));
	if (x->sigs == NULL || x->rows == NULL)
		mklog_die("memory", CS_E_NOMEM, NULL);
	add_leaf(x, "log.start", "\"appliance\":\"test\"");
	for (i = 0; i < x->nsigs; i++) {
		memcpy(digest, st->subjects[i].digest[HASH_SHA256], 32);
		memcpy(x->rows[i].artifact, digest, 32);
		hex_encode(digest, 32, artifact);
		if (is(x, "signature"))
			digest[0] ^= 1;
		sign(x, digest, &x->sigs[i]);
		must("sha256",
		    sha256(x->sigs[i].sig, x->sigs[i].len,
			x->rows[i].signature),
		    NULL);
		hex_encode(x->rows[i].signature, 32, sig);
		x->rows[i].leaf =
		    tlog_size(x->log.log) + (is(x, "index") ? 1 : 0);
		(void)snprintf(data, sizeof(data),
		    "\"artifact\":\"%s\","
		    "\"signature_sha256\":\"%s\"",
		    is(x, "leaf") ? sig : artifact, sig);
		add_leaf(x, is(x, "event") ? "approval" : "signature", data);
		/* as good a signature, but not the one in the record */
		if (is(x, "bytes"))
			sign(x, digest, &x->sigs[i]);
	}
	add_leaf(x, "sign.outcome", "\"result\":\"signed\"");
	mklog_sign(&x->log, false);
}

/* The key and its CSR, which some variants spoil */
static void
make_key(const struct resp *x, struct change_made *m, char uri[80])
{
	EVP_PKEY *other = is(x, "csrkey") ? EVP_EC_gen("P-256") : x->key;
	X509_REQ *q = X509_REQ_new();
	unsigned char *spki = NULL, *csr = NULL;
	int n, k;

	if (q == NULL || X509_REQ_set_pubkey(q, other) != 1 ||
	    X509_REQ_sign(q, other, EVP_sha256()) <= 0)
		mklog_die("csr", CS_E_CRYPTO, NULL);
	n = i2d_PUBKEY(x->key, &spki);
	k = i2d_X509_REQ(q, &csr);
	if (n <= 0 || k <= 0)
		mklog_die("csr", CS_E_CRYPTO, NULL);
	if (is(x, "csr"))
		csr[k - 1] ^= 1;
	(void)snprintf(uri, 80, "pkcs11:token=%s;id=%%09",
	    x->policy->domains[0].token);
	*m = (struct change_made){ .uri = uri,
		.spki = spki,
		.spki_len = (size_t)n,
		.csr = csr,
		.csr_len = (size_t)k,
		.restricted = true };
	if (is(x, "nocsr")) {
		OPENSSL_free(csr);
		m->csr = NULL;
	}
	if (is(x, "csrtail") && (csr = realloc(csr, (size_t)k + 1)) != NULL) {
		csr[k] = 0;
		m->csr = csr;
		m->csr_len++;
	}
	if (other != x->key)
		EVP_PKEY_free(other);
	X509_REQ_free(q);
}

static char *
change_payload(const struct resp *x, const char *origin, size_t *ret_len)
{
	uint8_t approvals[2][32] = { { 1 }, { 2 } };
	struct change_record_new n = {
		.req = x->req.req,
		.policy = x->policy,
		.approvals = (const uint8_t(*)[32])approvals,
		.napprovals = is(x, "approvals") ? 1 : 2,
		.origin = is(x, "origin") ? "other.example/log" : origin,
		.time = (int64_t)time(NULL),
	};
	char *payload = NULL, uri[80];

	if (n.req->action == CHANGE_KEY_GENERATE)
		make_key(x, &n.made, uri);
	must("record", change_record_format(&n, &payload, ret_len), NULL);
	OPENSSL_free((void *)(uintptr_t)n.made.spki);
	OPENSSL_free((void *)(uintptr_t)n.made.csr);
	return payload;
}

static char *
make_payload(const struct resp *x, const char *origin, size_t *ret_len)
{
	uint8_t approvals[2][32] = { { 1 }, { 2 } };
	const struct record_new n = {
		.req = x->req.req,
		.policy = x->policy,
		.rule = &x->policy->rules[0],
		.approvals = (const uint8_t(*)[32])approvals,
		.napprovals = is(x, "approvals") ? 1 : 2,
		.sigs = x->rows,
		.nsigs = x->nsigs,
		.origin = is(x, "origin") ? "other.example/log" : origin,
		.time = (int64_t)time(NULL),
	};
	struct checks c = { 0 };
	char *payload = NULL;
	int r;

	if (x->req.req->action != REQUEST_SIGN)
		return change_payload(x, origin, ret_len);
	if (!is(x, "refusal")) {
		must("record", record_format(&n, &payload, ret_len), NULL);
		return payload;
	}
	r = checks_add(&c, CS_E_POLICY_PRODUCT, false, "router", "toaster");
	if (r == 0)
		r = refusal_format(x->req.req->id, x->req.req->digest, &c,
		    origin, n.time, &payload, ret_len);
	must("refusal", r, NULL);
	checks_done(&c);
	return payload;
}

/* cosigned: the signing key signs the record too. */
static void
make_document(struct resp *x, const char *origin, const char *key)
{
	struct buf pae = BUF_INIT(DSSE_MAX);
	struct dsse_new_sig more = { 0 };
	struct hostkey *k = NULL;
	uint8_t *sig = NULL;
	struct diag d = { 0 };
	char *payload;
	size_t len = 0, n = 0;

	payload = make_payload(x, origin, &len);
	if (is(x, "cosigned")) {
		must(key, hostkey_open(key, NULL, NULL, &k, &d), &d);
		must("pae", dsse_pae(payload, len, &pae), NULL);
		must(key, hostkey_sign(k, pae.p, pae.len, &sig, &n, &d), &d);
		more = (struct dsse_new_sig){ hostkey_public(k)->id, sig, n };
	}
	must("record",
	    hostkey_dsse(x->record, payload, len, &more, n > 0, &x->doc,
		&x->doc_len, &d),
	    &d);
	hostkey_free(&k);
	buf_done(&pae);
	free(sig);
	free(payload);
}

static void
add(struct package_item *it, const char *folder, const uint8_t *sha,
    const char *suffix, const void *data, size_t len)
{
	char hex[65] = "";

	if (sha != NULL)
		hex_encode(sha, 32, hex);
	(void)snprintf(it->name, sizeof(it->name), "%s%s%s", folder, hex,
	    suffix);
	it->data = data;
	it->size = len;
	must("sha256", sha256(data, len, it->sha256), NULL);
}

static void
add_proof(struct resp *x, size_t i, struct package_item *it)
{
	uint64_t index = x->rows[i].leaf - (is(x, "index") ? 1 : 0);
	uint8_t path[MERKLE_MAX_PROOF][32];
	struct diag d = { 0 };
	char *text;
	size_t n, len;

	if (is(x, "inclusion"))
		memset(path, 0, sizeof(path));
	must("proof",
	    tlog_inclusion(x->log.log, index, tlog_size(x->log.log), path, &n,
		&d),
	    &d);
	if (is(x, "inclusion"))
		path[0][0] ^= 1;
	must("proof",
	    tlogproof_format(index, (const uint8_t(*)[32])path, n, x->log.note,
		x->log.note_len, &text, &len, &d),
	    &d);
	add(it, "proofs/", x->rows[i].artifact, ".tlog-proof", text, len);
}

static void
write_response(struct resp *x, const char *out)
{
	size_t i, n = x->nsigs, at = 1;
	struct package_item *v = calloc(2 + 2 * n, sizeof(*v));
	struct diag d = { 0 };

	if (v == NULL)
		mklog_die("memory", CS_E_NOMEM, NULL);
	add(&v[0], "record.dsse", NULL, "", x->doc, x->doc_len);
	for (i = 0; i < n && !is(x, "refusal"); i++) {
		add(&v[at++], "signatures/", x->rows[i].artifact, ".sig",
		    x->sigs[i].sig, x->sigs[i].len);
		add_proof(x, i, &v[at++]);
	}
	if (!is(x, "refusal") && !is(x, "members"))
		add(&v[at++], "checkpoint", NULL, "", x->log.note,
		    x->log.note_len);
	must(out, package_write(out, "response", v, at, &d), &d);
	for (i = 2; i < at; i += 2)
		if (strncmp(v[i].name, "proofs/", 7) == 0)
			free((void *)(uintptr_t)v[i].data);
	free(v);
}

int
main(int argc, char **argv)
{
	struct resp x = { .variant = argc == 9 ? argv[8] : "" };

	if (argc != 8 && argc != 9)
		mklog_die("usage: mkresp REQUEST POLICY ORIGIN KEY RECORD "
			  "RESPONSE AUDIT [VARIANT]",
		    CS_E_USAGE, NULL);
	load(&x, argv);
	make_signatures(&x);
	make_document(&x, argv[3], argv[4]);
	write_response(&x, argv[6]);
	mklog_bundle(&x.log, argv[2], argv[7]);
	mklog_done(&x.log);
	reqfile_done(&x.req);
	policy_free(&x.policy);
	dsse_free(&x.policy_env);
	hostkey_free(&x.record);
	EVP_PKEY_free(x.key);
	free(x.sigs);
	free(x.rows);
	free(x.doc);
	return 0;
}
