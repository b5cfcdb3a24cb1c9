/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The floors that make bench compares with, each printed as JSON:
 *	bench sign STATE KEY N	 bare C_Sign, and C_Sign + software verify,
 *				 with the rehearsal's own key on its token
 *	bench hash FILE		 one pass of read + SHA-256
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hsm/sign.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/policy.h"
#include "tests/lib/rehearsal_vote.h"
#include "tpm/tpm.h"

#define CHUNK (1u << 20)

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
must(int r, const struct diag *d, const char *what)
{
	if (r == 0)
		return;
	(void)fprintf(stderr, "bench: %s: %s %s\n", what, err_id(r), d->found);
	exit(1);
}

struct bench {
	struct site *site;
	struct policy *policy;
	const struct policy_key *key;
	struct p11 *p;
	struct p11_session *s;
	struct p11_key *k;
};

#define APPROVERS 2u

/* The sealed PIN, as the signer takes it: with the votes of two people. */
static struct secret *
unseal(const struct bench *b, int state, const char *rehearsal, struct diag *d)
{
	struct buf challenge = BUF_INIT(256);
	struct tpm_vote votes[APPROVERS];
	struct tpm_saved saved;
	const struct tpm_ballot ballot = { &saved, votes, APPROVERS };
	struct tpm_image *img = NULL;
	struct secret *pin = NULL;
	struct tpm *t = NULL;
	uint8_t *blob = NULL, *json = NULL;
	char path[64], label[200], hex[65], ref[QUORUM_REF_MAX];
	size_t len = 0, i;

	hex_encode(b->policy->digest, 32, hex);
	(void)snprintf(path, sizeof(path), "sealed/%s.seal", b->key->domain);
	(void)snprintf(label, sizeof(label), "domain %s policy %s",
	    b->key->domain, hex);
	must(file_read(state, "sealed/image.json", TPM_IMAGE_MAX, &json, &len,
		 d),
	    d, "image");
	must(tpm_image_parse(json, len, &img, d), d, "image");
	must(file_read(state, path, TPM_BLOB_MAX, &blob, &len, d), d, path);
	must(tpm_open(b->site->tcti, 0, &t, d), d, "TPM");
	must(tpm_session_save(t, &saved, d), d, "session");
	quorum_ref(b->key->domain, ref);
	must(quorum_challenge(saved.nonce, ref, &challenge), d, "challenge");
	for (i = 0; i < APPROVERS; i++)
		rehearsal_vote(b->policy, &b->site->ports[i], rehearsal,
		    &challenge, &votes[i]);
	must(tpm_unseal(t, img, blob, len, label, &ballot, &pin, d), d,
	    "unseal");
	tpm_close(&t);
	tpm_image_free(&img);
	free(blob);
	free(json);
	return pin;
}

static void
open_key(struct bench *b, const char *path, const char *id, struct diag *d)
{
	struct p11_token token;
	struct secret *pin;
	struct p11_uri uri;
	uint8_t *env = NULL;
	size_t len = 0;
	char rehearsal[512];
	int state = -1;

	must(dir_open(AT_FDCWD, path, &state, d), d, path);
	must(site_load(state, &b->site, d), d, "site.json");
	must(file_read(state, "policy.dsse", DSSE_MAX, &env, &len, d), d,
	    "policy.dsse");
	must(policy_load_genesis(env, len, &b->policy, d), d, "policy");
	b->key = policy_key_by_id(b->policy, id);
	if (b->key == NULL)
		exit(1);
	(void)snprintf(rehearsal, sizeof(rehearsal), "%s/..", path);
	pin = unseal(b, state, rehearsal, d);
	(void)setenv("SOFTHSM2_CONF", b->site->hsm_conf, 1);
	must(p11_uri_parse(b->key->uri, &uri, d), d, "uri");
	must(p11_open(b->site->module, &b->p, d), d, "module");
	must(p11_find_token(b->p, &uri, &token, d), d, "token");
	must(p11_session_open(b->p, &token, false, &b->s, d), d, "session");
	must(p11_login(b->s, pin, 0, d), d, "login");
	must(p11_find_key(b->s, uri.id, uri.id_len, NULL, b->key->key->spki,
		 b->key->key->spki_len, &b->k, d),
	    d, "key");
	secret_free(&pin);
	free(env);
	(void)close(state);
}

static double
loop(struct bench *b, unsigned int n, bool verify, struct diag *d)
{
	const enum hash_alg h = key_alg_hash(b->key->alg);
	struct buf sig = BUF_INIT(HSM_SIG_MAX);
	uint8_t digest[HASH_MAX_LEN] = { 0 };
	double start = now();
	unsigned int i;

	for (i = 0; i < n; i++) {
		memcpy(digest, &i, sizeof(i));
		must(hsm_sign_digest(b->s, b->k, b->key->alg, digest,
			 hash_len(h), &sig, d),
		    d, "sign");
		if (verify)
			must(pubkey_verify_digest(b->key->key, b->key->alg,
				 digest, hash_len(h), sig.p, sig.len),
			    d, "verify");
	}
	buf_done(&sig);
	return n / (now() - start);
}

static int
bench_sign(const char *state, const char *key, unsigned int n)
{
	struct bench b = { 0 };
	struct diag d = { 0 };
	double bare = 0, both = 0, v;
	int i;

	open_key(&b, state, key, &d);
	for (i = 0; i < 3; i++) {
		v = loop(&b, n, false, &d);
		bare = v > bare ? v : bare;
		v = loop(&b, n, true, &d);
		both = v > both ? v : both;
	}
	(void)printf("{\"csign\":%.1f,\"both\":%.1f}\n", bare, both);
	p11_key_free(&b.k);
	p11_session_close(&b.s);
	p11_close(&b.p);
	policy_free(&b.policy);
	site_free(&b.site);
	return 0;
}

static int
bench_hash(const char *path)
{
	struct hasher *h = NULL;
	uint8_t *buf = malloc(CHUNK), digest[32];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	double start = now();
	uint64_t total = 0;
	ssize_t n;

	if (fd < 0 || buf == NULL || hasher_new(HASH_SHA256, &h) != 0)
		return 1;
	while ((n = read(fd, buf, CHUNK)) > 0) {
		if (hasher_update(h, buf, (size_t)n) != 0)
			return 1;
		total += (uint64_t)n;
	}
	if (hasher_final(h, digest, sizeof(digest)) != 0)
		return 1;
	(void)printf("{\"bytes\":%llu,\"rate\":%.0f}\n",
	    (unsigned long long)total, (double)total / (now() - start));
	hasher_free(&h);
	free(buf);
	(void)close(fd);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "sign") == 0)
		return bench_sign(argv[2], argv[3],
		    (unsigned int)strtoul(argv[4], NULL, 10));
	if (argc == 3 && strcmp(argv[1], "hash") == 0)
		return bench_hash(argv[2]);
	(void)fputs("usage: bench sign STATE KEY N | bench hash FILE\n",
	    stderr);
	return 2;
}
