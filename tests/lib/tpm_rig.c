/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/tpm_rig.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/rig_die.h"

uint8_t *
tpm_rig_sign(struct rig_person *p, const void *msg, size_t len, size_t *ret_len)
{
	const char *md =
	    EVP_PKEY_is_a(p->key, "EC") && EVP_PKEY_get_bits(p->key) == 384 ?
	    "SHA384" :
	    "SHA256";
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *sig = malloc(1024);
	size_t n = 1024;

	if (ctx == NULL || sig == NULL ||
	    EVP_DigestSignInit_ex(ctx, NULL, md, NULL, NULL, p->key, NULL) !=
		1 ||
	    EVP_DigestSign(ctx, sig, &n, msg, len) != 1)
		rig_die("cannot sign as %s", p->id);
	EVP_MD_CTX_free(ctx);
	*ret_len = n;
	return sig;
}

uint8_t *
tpm_rig_vote(struct rig_person *p, const uint8_t nonce[32], const char *domain,
    size_t *ret_len)
{
	struct buf b = BUF_INIT(256);
	char ref[QUORUM_REF_MAX];
	uint8_t *sig;

	quorum_ref(domain, ref);
	if (quorum_challenge(nonce, ref, &b) != 0)
		rig_die("challenge");
	sig = tpm_rig_sign(p, b.p, b.len, ret_len);
	buf_done(&b);
	return sig;
}

struct tpm_image *
tpm_rig_image(struct tpm_rig *r, struct rig_person *release, uint32_t mask,
    uint64_t version)
{
	struct tpm_pcr_values v = { .mask = mask };
	_cleanup_free_ uint8_t *sig = NULL;
	_cleanup_free_ char *json = NULL;
	struct buf b = BUF_INIT(256);
	struct tpm_image *img = NULL;
	struct diag d = { 0 };
	size_t len, sig_len;
	unsigned i;

	for (i = 0; i < TPM_PCR_COUNT; i++)
		if ((mask >> i & 1) != 0 &&
		    tpm_pcr_read(r->t, i, v.value[i], &d) != 0)
			rig_die("PCR %u: %s", i, d.found);
	if (tpm_image_tbs(version, &v, release->pub, &b, &d) != 0)
		rig_die("image: %s", d.found);
	sig = tpm_rig_sign(release, b.p, b.len, &sig_len);
	buf_done(&b);
	if (tpm_image_format(version, &v, release->pub, sig, sig_len, &json,
		&len) != 0 ||
	    tpm_image_parse(json, len, &img, &d) != 0)
		rig_die("image: %s: %s", err_id(d.code), d.found);
	return img;
}

void
tpm_rig_people(struct tpm_rig *r, const char *const *types, size_t n)
{
	for (r->npeople = 0; r->npeople < n; r->npeople++) {
		char *name = r->names[r->npeople];

		(void)snprintf(name, sizeof(r->names[0]), "person-%zu",
		    r->npeople);
		rig_person(&r->people[r->npeople], name, "person", "acme",
		    "approver", types[r->npeople]);
	}
}

void
tpm_rig_quorum(struct tpm_rig *r, size_t n, uint32_t m, struct quorum *ret)
{
	struct diag d = { 0 };
	size_t i;

	memset(ret, 0, sizeof(*ret));
	ret->threshold = m;
	for (i = 0; i < n; i++)
		if (quorum_add(ret, r->names[i], r->people[i].pub->spki,
			r->people[i].pub->spki_len, &d) != 0)
			rig_die("quorum: %s", d.found);
}

void
tpm_rig_init(struct tpm_rig *r, uint32_t mask, bool setup)
{
	const char *tmp = getenv("TMPDIR");
	struct diag d = { 0 };
	char dir[RIG_PATH];

	memset(r, 0, sizeof(*r));
	(void)snprintf(dir, sizeof(dir), "%s/cs-tpm-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		rig_die("no folder");
	swtpm_make(&r->sw, dir);
	if (tpm_open(r->sw.tcti, 0, &r->t, &d) != 0)
		rig_die("TPM: %s", d.found);
	rig_person(&r->release, "release", "system", "acme", "image", "p256");
	r->img = tpm_rig_image(r, &r->release, mask, 1);
	if (setup && tpm_setup(r->t, r->img, &d) != 0)
		rig_die("setup: %s: %s", err_id(d.code), d.found);
}

void
tpm_rig_done(struct tpm_rig *r)
{
	while (r->npeople > 0)
		rig_person_done(&r->people[--r->npeople]);
	tpm_image_free(&r->img);
	rig_person_done(&r->release);
	tpm_close(&r->t);
	swtpm_done(&r->sw);
}
