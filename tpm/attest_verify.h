/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_ATTEST_VERIFY_H
#define CS_ATTEST_VERIFY_H

#include "lib/buf.h"
#include "lib/key.h"
#include "lib/request.h"

/*
 * What a TPM said, verified without a TPM: tss2-mu takes the structures
 * apart, OpenSSL does the cryptography.  Structures of TPM 2.0 Library Part 2
 * in their marshalled form; whatever is read must be the only encoding of
 * what it says, with nothing after it.  Errors in lib/errors/attest.def.
 *
 * A check returns 0 or one code of its own, so that each can be listed.
 */
#define ATTEST_NAME_LEN	34u	/* TPM2B_NAME content: algorithm, SHA-256 */
#define ATTEST_MAX	2048u	/* TPMS_ATTEST; also any public area */
#define ATTEST_SIG_MAX	512u	/* TPMT_SIGNATURE */
#define ATTEST_CERT_MAX	8192u	/* EK certificate, and what pads it */
#define ATTEST_AK_MAX	256u	/* its TPM2B_PUBLIC */
#define ATTEST_PCRS	24u
#define ATTEST_SECRET_LEN 32u

/* --- keys (attest_verify_key.c) --- */

/* TPM2B_PUBLIC of an ECDSA P-256/SHA-256 key */
struct attest_ak {
	uint8_t name[ATTEST_NAME_LEN];
	/* as a primary key of the endorsement hierarchy, Part 1, 26.5 */
	uint8_t qualified[ATTEST_NAME_LEN];
	uint32_t attributes;		/* TPMA_OBJECT */
	struct pubkey *key;
	uint8_t pub[ATTEST_AK_MAX];	/* as it was given */
	size_t pub_len;
};
void attest_ak_free(struct attest_ak **a);
static inline void
attest_ak_freep(struct attest_ak **a)
{
	attest_ak_free(a);
}
#define _cleanup_attest_ak_ _cleanup_(attest_ak_freep)

/* CS_E_ATTEST_AK_FORM; the attributes are not looked at */
int attest_ak_parse(const uint8_t *pub, size_t len, struct attest_ak **ret,
    struct diag *d) CS_WUR;
/*
 * restricted, sign, fixedTPM, fixedParent, sensitiveDataOrigin are set and
 * decrypt is not.  CS_E_ATTEST_AK_ATTR
 */
int attest_ak_check(const struct attest_ak *a, struct diag *d) CS_WUR;

/* --- attestations (attest_verify.c) --- */
enum attest_type {
	ATTEST_QUOTE,
	ATTEST_NV,
	ATTEST_OTHER,
};

struct attest {
	uint32_t magic;
	enum attest_type type;
	uint8_t signer[64];		/* qualifiedSigner */
	size_t signer_len;
	uint8_t extra[64];		/* qualifyingData */
	size_t extra_len;
	uint64_t clock_ms;
	uint32_t reset, restart;
	bool safe;
	uint64_t firmware;
	/* ATTEST_QUOTE */
	bool sha256_bank;		/* and no other bank */
	uint32_t mask;			/* PCRs of it */
	uint8_t pcr_digest[64];
	size_t pcr_digest_len;
	/* ATTEST_NV */
	uint8_t index_name[64];
	size_t index_name_len;
	uint32_t offset;
	uint8_t contents[64];		/* no more than that is ever ours */
	size_t contents_len;		/* as certified, may be more */
};

/* Values of some PCRs of the SHA-256 bank */
struct attest_pcrs {
	uint32_t mask;			/* which of them are known */
	uint8_t value[ATTEST_PCRS][CS_SHA256_LEN];
};

/* TPMS_ATTEST.  CS_E_ATTEST_FORM */
int attest_parse(const uint8_t *p, size_t len, struct attest *ret,
    struct diag *d) CS_WUR;

int attest_check_magic(const struct attest *a, struct diag *d) CS_WUR;
int attest_check_type(const struct attest *a, enum attest_type want,
    struct diag *d) CS_WUR;
int attest_check_nonce(const struct attest *a,
    const uint8_t qualifying[CS_SHA256_LEN], struct diag *d) CS_WUR;
/* qualifiedSigner is ak.  CS_E_ATTEST_AK_NAME */
int attest_check_signer(const struct attest *a, const struct attest_ak *ak,
    struct diag *d) CS_WUR;
/* sig: TPMT_SIGNATURE.  CS_E_ATTEST_SIG_FORM, CS_E_ATTEST_SIGNATURE */
int attest_check_signature(const struct attest_ak *ak, const uint8_t *p,
    size_t len, const uint8_t *sig, size_t sig_len, struct diag *d) CS_WUR;
/* exactly the PCRs of golden, and their values.  CS_E_ATTEST_SELECT, _PCR */
int attest_check_select(const struct attest *a,
    const struct attest_pcrs *golden, struct diag *d) CS_WUR;
int attest_check_pcrs(const struct attest *a,
    const struct attest_pcrs *golden, struct diag *d) CS_WUR;
int attest_check_nv_name(const struct attest *a,
    const uint8_t name[ATTEST_NAME_LEN], struct diag *d) CS_WUR;
int attest_check_nv_offset(const struct attest *a, struct diag *d) CS_WUR;
int attest_check_nv_size(const struct attest *a, struct diag *d) CS_WUR;
int attest_check_chain(const struct attest *a,
    const uint8_t value[CS_SHA256_LEN], struct diag *d) CS_WUR;

/*
 * TPM2B_NV_PUBLIC of a written extend index of 32 bytes that anyone may read
 * and that survives a reset.  CS_E_ATTEST_NV_FORM
 */
int attest_nv_parse(const uint8_t *p, size_t len, uint32_t *ret_index,
    uint8_t ret_name[ATTEST_NAME_LEN], struct diag *d) CS_WUR;

/* SHA-256(checkpoint || challenge); challenge may be NULL: none */
int attest_qualifying(const void *checkpoint, size_t len,
    const uint8_t *challenge, uint8_t ret[CS_SHA256_LEN]) CS_WUR;
/*
 * What one TPM2_NV_Extend of SHA-256(checkpoint) makes of value, which is 32
 * zero bytes before the first one.
 */
int attest_chain_step(uint8_t value[CS_SHA256_LEN], const void *checkpoint,
    size_t len) CS_WUR;

/* --- endorsement key and credential (attest_verify_ek.c, _cred.c) --- */

/*
 * TPM2B_PUBLIC of an EK of template L-1 (RSA 2048) or L-2 (ECC P-256) of the
 * TCG EK credential profile; *ret is its key.  CS_E_ATTEST_EK_FORM
 */
int attest_ek_parse(const uint8_t *pub, size_t len, struct pubkey **ret,
    struct diag *d) CS_WUR;
/*
 * The DER certificate is for ek, says that it is an EK certificate, and
 * leads to a self-signed certificate of the PEM file.  CS_E_ATTEST_EK_KEY,
 * _USE, _CERT
 */
int attest_ek_check_cert(const struct pubkey *ek, const uint8_t *cert,
    size_t cert_len, const char *ca_pem, size_t ca_len, struct diag *d)
    CS_WUR;

/*
 * MakeCredential, Part 1, 24: only the TPM that has the EK, and in it a key
 * of that name, brings secret out.  The form is that of tpm2-tools: magic,
 * version 1, TPM2B_ID_OBJECT, TPM2B_ENCRYPTED_SECRET.
 */
#define ATTEST_CRED_MAGIC	0xbadcc0deu
int attest_make_credential(const uint8_t *ek_pub, size_t ek_len,
    const uint8_t name[ATTEST_NAME_LEN],
    const uint8_t secret[ATTEST_SECRET_LEN], struct buf *ret, struct diag *d)
    CS_WUR;

/* --- firmware event log (attest_verify_log.c) --- */

#define ATTEST_LOG_MAX	(4u << 20)
/*
 * TCG PC Client Platform Firmware Profile, crypto-agile form; replays the
 * SHA-256 bank.  PCRs without an event have their value after a reset.
 * CS_E_ATTEST_LOG_FORM, CS_E_ATTEST_LOG_BANK
 */
int attest_log_replay(const uint8_t *log, size_t len, struct attest_pcrs *ret,
    size_t *ret_events, struct diag *d) CS_WUR;
/* The PCRs of golden.  CS_E_ATTEST_LOG_PCR names the first that differs. */
int attest_log_check(const struct attest_pcrs *replayed,
    const struct attest_pcrs *golden, struct diag *d) CS_WUR;

/* --- files (attest_verify_file.c) --- */

/* The image manifest, {"pcrs":{"11":hex,...},"version":N}.  CS_E_ATTEST_GOLDEN */
struct attest_golden {
	uint64_t version;
	struct attest_pcrs pcrs;
};
int attest_golden_parse(const void *p, size_t len, struct attest_golden *ret,
    struct diag *d) CS_WUR;

/*
 * The pinned attestation key, canonical JSON:
 * {"ak_name":hex,"ak_public":base64,"anchor":{"index":"0x01500013",
 * "name":hex},"ek_sha256":hex,"ek_trust":"certificate"|"pinned",
 * "type":"coldseal-ak-v1"}; anchor may be absent.  While enrolment is under
 * way type is "coldseal-enrolment-v1" and "expect" is the SHA-256 of the
 * answer that is awaited, which tells nothing about that answer.
 */
struct attest_pinned {
	struct attest_ak *ak;
	bool by_certificate;	/* else the EK's digest was given by hand */
	uint8_t ek[CS_SHA256_LEN];	/* SHA-256 of its SPKI */
	bool has_anchor;
	uint32_t index;
	uint8_t anchor[ATTEST_NAME_LEN];
	bool pending;		/* not enrolled yet */
	uint8_t expect[CS_SHA256_LEN];
};
void attest_pinned_done(struct attest_pinned *p);
#define _cleanup_attest_pinned_ _cleanup_(attest_pinned_done)

#define ATTEST_FILE_MAX	8192u
/* CS_E_ATTEST_PINNED, CS_E_ATTEST_ENROLMENT (of the other type, too) */
int attest_pinned_parse(const void *p, size_t len, bool pending,
    struct attest_pinned *ret, struct diag *d) CS_WUR;
/* free(*ret) */
int attest_pinned_format(const struct attest_pinned *p, char **ret,
    size_t *ret_len, struct diag *d) CS_WUR;

/* The answer to a credential: SHA-256 of the secret that came out of it */
int attest_activation_answer(const uint8_t secret[ATTEST_SECRET_LEN],
    uint8_t ret[CS_SHA256_LEN]) CS_WUR;
/* CS_E_ATTEST_ACTIVATE */
int attest_check_activation(const struct attest_pinned *p,
    const uint8_t answer[CS_SHA256_LEN], struct diag *d) CS_WUR;

/* --- the answer (attest_verify_answer.c) --- */

#define ATTEST_ANSWER_MAX (64u << 10)
#define ATTEST_CHECKPOINT_MAX (16u << 10)
#define ATTEST_ANSWER_TYPE "coldseal-attest-v1"

struct attest_evidence {
	uint8_t attest[ATTEST_MAX];
	size_t attest_len;
	uint8_t signature[ATTEST_SIG_MAX];
	size_t signature_len;
};

struct attest_answer {
	uint64_t image_version, policy_version;	/* claims, not attested */
	uint8_t policy[CS_SHA256_LEN];
	char *checkpoint;		/* the signed note */
	bool has_challenge;
	uint8_t challenge[CS_SHA256_LEN];
	struct attest_evidence quote;
	bool has_anchor;
	uint32_t index;
	struct attest_evidence anchor;
};
void attest_answer_done(struct attest_answer *a);
#define _cleanup_attest_answer_ _cleanup_(attest_answer_done)
/*
 * Canonical JSON, a newline may follow:
 * {"anchor":{"attest":b64,"index":"0x01500013","signature":b64},
 * "challenge":hex,"checkpoint":b64,"image_version":N,"policy_sha256":hex,
 * "policy_version":N,"quote":{"attest":b64,"signature":b64},
 * "type":"coldseal-attest-v1"}; anchor and challenge may be absent.
 * CS_E_ATTEST_ANSWER
 */
int attest_answer_parse(const void *p, size_t len, struct attest_answer *ret,
    struct diag *d) CS_WUR;
/* free(*ret) */
int attest_answer_format(const struct attest_answer *a, char **ret,
    size_t *ret_len, struct diag *d) CS_WUR;

/* --- all checks (attest_verify_checks.c) --- */

struct attest_expected {
	const struct attest_pinned *pinned;
	const struct attest_golden *golden;
	const uint8_t *challenge;	/* 32 bytes; NULL: the answer has none */
	const uint8_t *log;		/* firmware event log; NULL: no check */
	size_t log_len;
	/* the anchor's value, and the last checkpoint; NULL: no check */
	const uint8_t *chain;
	const char *last;
};
/*
 * Runs every check and lists it.  A failed check is not an error: the
 * appliance is attested if 0 is returned and checks_failed() is 0.
 */
int attest_answer_check(const struct attest_answer *a,
    const struct attest_expected *x, struct checks *c) CS_WUR;

#endif
