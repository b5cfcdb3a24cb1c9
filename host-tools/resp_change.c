/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a change: what was done, under which policy, and the key that
 * was made.  It has no signatures, so the checkpoint stands for the log.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "host-tools/change_show.h"
#include "host-tools/resp_check.h"
#include "host-tools/show.h"
#include "lib/file.h"
#include "lib/hex.h"

#define NAME_MAX_LEN 48u /* an ID of 40 and ".pem" */

static void
req_freep(X509_REQ **p)
{
	X509_REQ_free(*p);
}

static void
x509_freep(X509 **x)
{
	X509_free(*x);
}

static void
bio_freep(BIO **p)
{
	BIO_free_all(*p);
}

/* One DER certificate request, nothing after it; NULL if it is not */
static X509_REQ *
parse_csr(const struct change_made *m)
{
	const unsigned char *p = m->csr;
	X509_REQ *q = d2i_X509_REQ(NULL, &p, (long)m->csr_len);

	ERR_clear_error();
	if (q != NULL && p == m->csr + m->csr_len)
		return q;
	X509_REQ_free(q);
	return NULL;
}

/* It is for the very key that was made, and that key signed it. */
static bool
csr_good(const struct change_made *m)
{
	_cleanup_(req_freep) X509_REQ *q = parse_csr(m);
	EVP_PKEY *k = q == NULL ? NULL : X509_REQ_get0_pubkey(q);
	_cleanup_pubkey_ struct pubkey *in = NULL;
	unsigned char *der = NULL;
	bool good;
	int n;

	if (k == NULL)
		return false;
	n = i2d_PUBKEY(k, &der);
	good = n > 0 && pubkey_from_spki(der, (size_t)n, &in, NULL) == 0 &&
	    in->spki_len == m->spki_len &&
	    memcmp(in->spki, m->spki, m->spki_len) == 0 &&
	    X509_REQ_verify(q, k) == 1;
	OPENSSL_free(der);
	ERR_clear_error();
	return good;
}

/* The key is where the policy says that such keys are. */
static int
check_made(struct resp_check *x)
{
	const struct change_record *r = x->f.change;
	int e;

	if (r->action != CHANGE_KEY_GENERATE)
		return 0;
	e = checks_add(&x->checks, CS_E_CHANGE_DOMAIN,
	    policy_domain_by_id(x->policy, r->domain) != NULL,
	    "a domain that the policy has", "%s", r->domain);
	if (e == 0 && r->made.csr != NULL)
		e = checks_add(&x->checks, CS_E_CHANGE_RECORD,
		    csr_good(&r->made), "a request by the key that was made",
		    "the certificate request for %s", r->key);
	return e;
}

int
resp_check_change(struct resp_check *x, struct diag *d)
{
	const struct change_record *r = x->f.change;
	const uint64_t need = x->policy->admin.threshold;
	char want[64];
	int e;

	if (x->log != NULL)
		return diag_fail(d, CS_E_USAGE,
		    "no --audit: a change's record names no log entry",
		    "--audit with the record of a change");
	(void)snprintf(want, sizeof(want), "at least %" PRIu64, need);
	e = resp_check_policy(x, r->policy_version, r->policy_digest,
	    r->origin);
	if (e == 0)
		e = checks_add(&x->checks, CS_E_RESPONSE_APPROVALS,
		    r->napprovals >= need, want, "%zu approvals, rule %s",
		    r->napprovals, x->policy->admin.id);
	if (e == 0)
		e = check_made(x);
	if (e != 0)
		return diag_fail(d, e, NULL, "checking the record");
	return resp_check_checkpoint(x, d);
}

void
resp_change_show(const struct resp_check *x, bool good)
{
	const struct change_record *r = x->f.change;
	char words[CHANGE_WORDS_MAX];

	change_words(r->action, &r->change, words);
	show_text("verdict", good ? "verified" : "NOT VERIFIED");
	show_text("request", r->request_id);
	show_text("action", change_action_name(r->action));
	show_text("it was to", words);
	if (r->action == CHANGE_POLICY)
		show_digest("policy", r->change.policy);
	show_text("reason", r->reason);
	show_time("done at", r->time);
	show_text("by", r->origin);
	(void)printf("%-13s%zu\n", "approvals", r->napprovals);
	if (r->action == CHANGE_KEY_GENERATE)
		show_text("the token",
		    r->made.restricted ?
			"limits the key to its mechanism" :
			"does not limit the key to one mechanism");
	if (x->policy->rehearsal)
		show_text("REHEARSAL", "made with a software HSM");
	show_checks(&x->checks);
}

json_t *
resp_change_json(const struct resp_check *x, bool good)
{
	const struct change_record *r = x->f.change;
	_cleanup_json_ json_t *j = NULL;
	char words[CHANGE_WORDS_MAX];

	change_words(r->action, &r->change, words);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}",
	    "verdict", good ? "verified" : "not verified", "request",
	    r->request_id, "action", change_action_name(r->action), "what",
	    words, "reason", r->reason, "origin", r->origin, "request_digest",
	    json_hex(r->request_digest, 32), "time", json_time(r->time),
	    "checks", json_checks(&x->checks));
	if (j == NULL)
		return NULL;
	if (r->action == CHANGE_POLICY &&
	    json_object_set_new(j, "policy", json_hex(r->change.policy, 32)) !=
		0)
		return NULL;
	if (r->action != CHANGE_KEY_GENERATE)
		return take_ptr(j);
	if (json_object_set_new(j, "restricted",
		json_boolean(r->made.restricted)) != 0 ||
	    (good &&
		json_object_set_new(j, "policy_entry",
		    change_record_entry(r)) != 0))
		return NULL;
	return take_ptr(j);
}

static int
put(int dirfd, const char *id, const char *suffix, const void *text, size_t len,
    struct diag *d)
{
	char name[NAME_MAX_LEN];

	(void)snprintf(name, sizeof(name), "%s.%s", id, suffix);
	if (file_exists(dirfd, name))
		return diag_fail(d, CS_E_HOST_EXISTS, "no such file yet", "%s",
		    name);
	return file_write_atomic(dirfd, name, text, len, 0644, d);
}

static int
put_csr(const struct change_record *r, int dirfd, struct diag *d)
{
	_cleanup_(req_freep) X509_REQ *q = parse_csr(&r->made);
	_cleanup_(bio_freep) BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	if (q == NULL)
		return diag_fail(d, CS_E_CHANGE_RECORD,
		    "one DER certificate request", "something else");
	if (b == NULL || PEM_write_bio_X509_REQ(b, q) != 1)
		return diag_nomem(d);
	n = BIO_get_mem_data(b, &text);
	return put(dirfd, r->key, "csr", text, (size_t)n, d);
}

/* As the token said it; whether its maker is to be believed, people know. */
static int
put_attestation(const struct change_record *r, int dirfd, struct diag *d)
{
	const unsigned char *p = r->made.attestation;
	_cleanup_(x509_freep) X509 *x =
	    d2i_X509(NULL, &p, (long)r->made.attestation_len);
	_cleanup_(bio_freep) BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n;

	if (x == NULL || p != r->made.attestation + r->made.attestation_len)
		return diag_fail(d, CS_E_CHANGE_RECORD, "one DER certificate",
		    "something else");
	if (b == NULL || PEM_write_bio_X509(b, x) != 1)
		return diag_nomem(d);
	n = BIO_get_mem_data(b, &text);
	return put(dirfd, r->key, "attestation.pem", text, (size_t)n, d);
}

int
resp_change_extract(const struct change_record *r, int dirfd, struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	_cleanup_free_ char *pem = NULL;
	int e;

	if (r->made.spki == NULL)
		return 0;
	e = pubkey_from_spki(r->made.spki, r->made.spki_len, &k, d);
	if (e == 0 && pubkey_to_pem(k, &pem) != 0)
		e = diag_nomem(d);
	if (e == 0)
		e = put(dirfd, r->key, "pem", pem, strlen(pem), d);
	if (e == 0 && r->made.csr != NULL)
		e = put_csr(r, dirfd, d);
	return e == 0 && r->made.attestation != NULL ?
	    put_attestation(r, dirfd, d) :
	    e;
}
