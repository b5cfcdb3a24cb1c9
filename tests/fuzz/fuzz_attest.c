/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/attest_verify_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte chooses what the rest is, or is applied to:
 *	q n	triples (place / 256, place % 256, value) that change a good
 *		quote or a good certified index; r, the rest is a TPMS_ATTEST
 *	a e E v	the same of an AK, an ECC EK, an RSA EK, an anchor
 *	s	a TPMT_SIGNATURE; S, triples that change one
 *	j g k K	an answer, a manifest, a pinned key, an enrolment file
 */
#define PART_MAX 2048u

struct part {
	uint8_t p[PART_MAX];
	size_t len;
};

static void
must(TSS2_RC rc)
{
	if (rc != TSS2_RC_SUCCESS)
		abort();
}

static void
good_attest(struct part *out, TPMI_ST_ATTEST type)
{
	TPMS_ATTEST t = { .magic = TPM2_GENERATED_VALUE, .type = type };
	TPMS_QUOTE_INFO *q = &t.attested.quote;
	TPMS_NV_CERTIFY_INFO *nv = &t.attested.nv;

	t.qualifiedSigner.size = ATTEST_NAME_LEN;
	t.extraData.size = CS_SHA256_LEN;
	if (type == TPM2_ST_ATTEST_QUOTE) {
		q->pcrSelect.count = 1;
		q->pcrSelect.pcrSelections[0].hash = TPM2_ALG_SHA256;
		q->pcrSelect.pcrSelections[0].sizeofSelect = 3;
		q->pcrDigest.size = CS_SHA256_LEN;
	} else {
		nv->indexName.size = ATTEST_NAME_LEN;
		nv->nvContents.size = CS_SHA256_LEN;
	}
	must(
	    Tss2_MU_TPMS_ATTEST_Marshal(&t, out->p, sizeof(out->p), &out->len));
}

/* The generator of P-256, SEC 2, 2.4.2: some point that is on the curve */
static const uint8_t gx[] = { 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47,
	0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81,
	0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
	0x96 };
static const uint8_t gy[] = { 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b,
	0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57,
	0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51,
	0xf5 };

static void
good_key(struct part *out, char kind)
{
	struct buf b = BUF_INIT(PART_MAX);
	TPM2B_PUBLIC p;
	TPMS_ECC_PARMS *e = &p.publicArea.parameters.eccDetail;

	attest_ek_template(kind == 'E' ? ATTEST_EK_RSA : ATTEST_EK_ECC, &p);
	if (kind == 'E') {
		memset(p.publicArea.unique.rsa.buffer, 0xc5, 256);
	} else {
		memcpy(p.publicArea.unique.ecc.x.buffer, gx, sizeof(gx));
		memcpy(p.publicArea.unique.ecc.y.buffer, gy, sizeof(gy));
	}
	if (kind == 'a') {
		p.publicArea.authPolicy.size = 0;
		p.publicArea.objectAttributes = 0x00050472;
		e->symmetric.algorithm = TPM2_ALG_NULL;
		e->scheme.scheme = TPM2_ALG_ECDSA;
		e->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	}
	if (attest_marshal_public(&p, &b) != 0)
		abort();
	memcpy(out->p, b.p, b.len);
	out->len = b.len;
	buf_done(&b);
}

static void
good_anchor(struct part *out)
{
	TPM2B_NV_PUBLIC nv = { .nvPublic = {
				   .nvIndex = 0x01500013,
				   .nameAlg = TPM2_ALG_SHA256,
				   .attributes = TPMA_NV_AUTHREAD |
				       TPMA_NV_WRITTEN |
				       (uint32_t)TPM2_NT_EXTEND
					   << TPMA_NV_TPM2_NT_SHIFT,
				   .dataSize = CS_SHA256_LEN,
			       } };

	must(Tss2_MU_TPM2B_NV_PUBLIC_Marshal(&nv, out->p, sizeof(out->p),
	    &out->len));
}

static void
good_signature(struct part *out)
{
	TPMT_SIGNATURE s = { .sigAlg = TPM2_ALG_ECDSA };

	s.signature.ecdsa.hash = TPM2_ALG_SHA256;
	s.signature.ecdsa.signatureR.size = CS_SHA256_LEN;
	s.signature.ecdsa.signatureS.size = CS_SHA256_LEN;
	memset(s.signature.ecdsa.signatureR.buffer, 1, CS_SHA256_LEN);
	memset(s.signature.ecdsa.signatureS.buffer, 2, CS_SHA256_LEN);
	must(Tss2_MU_TPMT_SIGNATURE_Marshal(&s, out->p, sizeof(out->p),
	    &out->len));
}

static void
good(char kind, struct part *out)
{
	switch (kind) {
	case 'q':
		good_attest(out, TPM2_ST_ATTEST_QUOTE);
		break;
	case 'n':
		good_attest(out, TPM2_ST_ATTEST_NV);
		break;
	case 'v':
		good_anchor(out);
		break;
	case 'S':
		good_signature(out);
		break;
	default:
		good_key(out, kind);
		break;
	}
}

/* all checks, whatever they say */
static int
attest(const uint8_t *p, size_t len)
{
	const uint8_t zero[ATTEST_NAME_LEN] = { 0 };
	const struct attest_pcrs golden = { .mask = 0x880 };
	struct diag d = { 0 };
	struct attest a;
	int r = attest_parse(p, len, &a, &d);

	if (r != 0) {
		if (d.code != r)
			abort();
		return r;
	}
	if (a.extra_len > sizeof(a.extra) || a.signer_len > sizeof(a.signer) ||
	    a.contents_len > len || a.mask > 0xffffff)
		abort();
	cs_ignore(attest_check_magic(&a, &d));
	cs_ignore(attest_check_type(&a, ATTEST_QUOTE, &d));
	cs_ignore(attest_check_nonce(&a, zero, &d));
	cs_ignore(attest_check_select(&a, &golden, &d));
	cs_ignore(attest_check_pcrs(&a, &golden, &d));
	cs_ignore(attest_check_nv_name(&a, zero, &d));
	cs_ignore(attest_check_nv_offset(&a, &d));
	cs_ignore(attest_check_nv_size(&a, &d));
	cs_ignore(attest_check_chain(&a, zero, &d));
	return 0;
}

static int
ak(const uint8_t *p, size_t len)
{
	_cleanup_attest_ak_ struct attest_ak *a = NULL;
	int r = attest_ak_parse(p, len, &a, NULL);

	if (r != 0)
		return r;
	if (a->pub_len != len || memcmp(a->pub, p, len) != 0)
		abort();
	return attest_ak_check(a, NULL);
}

static int
ek(const uint8_t *p, size_t len)
{
	_cleanup_pubkey_ struct pubkey *key = NULL;
	int r = attest_ek_parse(p, len, &key, NULL);

	if (r == 0)
		cs_ignore(attest_ek_check_cert(key, p, len, "", 0, NULL));
	return r;
}

static void
signature(const uint8_t *p, size_t len)
{
	static struct attest_ak *key;
	struct part pub;

	if (key == NULL) {
		good_key(&pub, 'a');
		if (attest_ak_parse(pub.p, pub.len, &key, NULL) != 0)
			abort();
	}
	if (attest_check_signature(key, gx, sizeof(gx), p, len, NULL) == 0)
		abort();
}

static int
anchor(const uint8_t *p, size_t len)
{
	uint8_t name[ATTEST_NAME_LEN];
	uint32_t index;

	return attest_nv_parse(p, len, &index, name, NULL);
}

static void
answer(const uint8_t *p, size_t len)
{
	_cleanup_attest_answer_ struct attest_answer a = { 0 };
	_cleanup_free_ char *again = NULL;
	size_t n;

	if (attest_answer_parse(p, len, &a, NULL) != 0)
		return;
	if (attest_answer_format(&a, &again, &n, NULL) != 0 || n > len ||
	    memcmp(again, p, n) != 0 || len - n > 1)
		abort();
	cs_ignore(attest(a.quote.attest, a.quote.attest_len));
}

static void
pinned(const uint8_t *p, size_t len, bool pending)
{
	_cleanup_attest_pinned_ struct attest_pinned a = { 0 };
	_cleanup_attest_pinned_ struct attest_pinned b = { 0 };
	_cleanup_free_ char *again = NULL;
	size_t n;

	if (attest_pinned_parse(p, len, pending, &a, NULL) != 0)
		return;
	if (attest_pinned_format(&a, &again, &n, NULL) != 0 ||
	    attest_pinned_parse(again, n, pending, &b, NULL) != 0 ||
	    memcmp(a.ak->name, b.ak->name, ATTEST_NAME_LEN) != 0)
		abort();
}

static void
text(char kind, const uint8_t *p, size_t len)
{
	struct attest_golden g;

	switch (kind) {
	case 's':
		signature(p, len);
		break;
	case 'j':
		answer(p, len);
		break;
	case 'g':
		if (attest_golden_parse(p, len, &g, NULL) == 0 &&
		    (g.pcrs.mask == 0 || g.pcrs.mask > 0xffffff))
			abort();
		break;
	case 'k':
	case 'K':
		pinned(p, len, kind == 'K');
		break;
	default:
		cs_ignore(attest(p, len));
		break;
	}
}

static int
structure(char kind, const uint8_t *p, size_t len)
{
	switch (kind) {
	case 'a':
		return ak(p, len);
	case 'e':
	case 'E':
		return ek(p, len);
	case 'v':
		return anchor(p, len);
	case 'S':
		signature(p, len);
		return 0;
	default:
		return attest(p, len);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct part x = { .len = 0 };
	size_t i;
	int r;

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	if (size == 0)
		return 0;
	if (memchr("qnaeEvS", data[0], 7) == NULL) {
		text((char)data[0], data + 1, size - 1);
		return 0;
	}
	good((char)data[0], &x);
	for (i = 1; i + 2 < size; i += 3)
		x.p[(data[i] * 256u + data[i + 1]) % x.len] = data[i + 2];
	r = structure((char)data[0], x.p, x.len);
	if (size == 1 && r != 0)
		abort(); /* the good one */
	return 0;
}
