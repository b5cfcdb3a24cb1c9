/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TPM_H
#define CS_TPM_H

#include "lib/buf.h"
#include "lib/secret.h"
#include "tpm/image.h"

/*
 * The TPM's part: time that cannot be set, random bytes, and one secret per
 * key domain that comes out only on the machine and under the boot state it
 * was sealed on.  ESAPI of tpm2-tss; errors in lib/errors/tpm.def.  Any call
 * may end with CS_E_TPM_BUSY, after ten seconds.
 *
 * An answer that was altered on the way (its HMAC is wrong) is CS_E_TPM_FAIL,
 * and the connection is then of no more use: close it.
 *
 * Every object here has noDA set, so that neither a refused unseal nor a
 * power cut ever counts against the dictionary-attack lockout.  Every handle
 * but one session (tpm_release()) is flushed before a function returns:
 * without a resource manager a TPM has three transient slots.
 *
 * tpm2-tss logs to standard error by itself; a program that wants silence
 * calls setenv("TSS2_LOG", "all+NONE", 0) before tpm_open().  tpm2-tss also
 * frees its buffers without wiping them; tpm_unseal() and tpm_seal() overwrite
 * what they can reach, and a program adds mallopt(M_PERTURB, 0x5a) as its
 * first call, so that all freed memory is overwritten.
 */
struct tpm;

/* tpm_close() sends TPM2_Shutdown(CLEAR): the machine is about to power off */
#define TPM_SHUTDOWN	0x01u

/*
 * tcti is a TCTI loader string, as in "device:/dev/tpmrm0" or
 * "swtpm:path=/run/swtpm.sock".  TPM2_Startup(CLEAR) is sent, and a TPM that
 * is started already is fine.  CS_E_TPM_CONNECT.
 */
int tpm_open(const char *tcti, unsigned flags, struct tpm **ret,
    struct diag *d) CS_WUR;
/*
 * Flushes the one session that is kept between calls: before an orderly
 * tpm_close(), which by itself says nothing to the TPM, for it may be gone.
 * What was not released is flushed by the next tpm_open().
 */
void tpm_release(struct tpm *t);
void tpm_close(struct tpm **t);		/* *t may be NULL; sets it to NULL */
static inline void
tpm_closep(struct tpm **t)
{
	tpm_close(t);
}
#define _cleanup_tpm_ _cleanup_(tpm_closep)

/*
 * len (1..1024) bytes of TPM2_GetRandom, XORed with as many of getrandom(2),
 * so that neither a bad TPM nor someone on its bus chooses them.  They were
 * on the bus in clear: for nonces, never for keys.
 */
int tpm_random(struct tpm *t, uint8_t *out, size_t len, struct diag *d) CS_WUR;

/*
 * TPMS_TIME_INFO.  After an unclean power cut the clock may have gone back
 * by up to 70 minutes, and safe is false until it has caught up.
 */
struct tpm_clock {
	uint64_t clock_ms;	/* powered time, survives reboots */
	uint32_t reset;		/* TPM resets */
	uint32_t restart;	/* TPM restarts since the last reset */
	bool safe;
};
int tpm_clock(struct tpm *t, struct tpm_clock *ret, struct diag *d) CS_WUR;

struct tpm_lockout {
	uint32_t counter;	/* failures counted so far */
	uint32_t max;		/* lockout at this many */
	uint32_t interval_s;	/* one failure is forgotten after this long */
	uint32_t recovery_s;	/* lockoutAuth is usable again after this */
	bool locked;		/* TPMA_PERMANENT inLockout */
};
int tpm_lockout_info(struct tpm *t, struct tpm_lockout *ret, struct diag *d)
    CS_WUR;

/* --- PCRs, SHA-256 bank --- */

/* CS_E_TPM_BANK: the bank is not active */
int tpm_pcr_read(struct tpm *t, unsigned pcr, uint8_t ret[CS_SHA256_LEN],
    struct diag *d) CS_WUR;
int tpm_pcr_extend(struct tpm *t, unsigned pcr,
    const uint8_t digest[CS_SHA256_LEN], struct diag *d) CS_WUR;

/*
 * --- what makes a TPM this appliance's (tpm_setup.c) ---
 * A persistent storage key and the four indices of tpm/image.h.  Needs the
 * owner's authorisation, which is empty until tpm_take_ownership().  Indices
 * of a former setup are removed first; their counters go on above what they
 * were.  Each counter is incremented once.
 */
int tpm_setup(struct tpm *t, const struct tpm_image *img, struct diag *d)
    CS_WUR;
/*
 * Owner and lockout authorisation, 1..32 bytes each, from empty; NULL leaves
 * one as it is.
 */
int tpm_take_ownership(struct tpm *t, struct secret *owner,
    struct secret *lockout, struct diag *d) CS_WUR;
/* Which of them are not empty */
int tpm_owned(struct tpm *t, bool *ret_owner, bool *ret_lockout,
    struct diag *d) CS_WUR;
/* Name of the storage key: another one is another TPM, or a cleared one */
int tpm_storage_name(struct tpm *t, uint8_t ret[TPM_NAME_LEN], struct diag *d)
    CS_WUR;
/*
 * Name of a key that comes from the endorsement seed, which TPM2_Clear keeps:
 * it tells another TPM from a cleared one.
 */
int tpm_chip_name(struct tpm *t, uint8_t ret[TPM_NAME_LEN], struct diag *d)
    CS_WUR;

/*
 * --- NV (tpm_nv.c) ---
 * Reading needs nothing, writing this image.  An index that is not there, or
 * of another kind, is CS_E_TPM_NV.
 */
int tpm_nv_counter(struct tpm *t, enum tpm_nv n, uint64_t *ret,
    struct diag *d) CS_WUR;
int tpm_nv_increment(struct tpm *t, const struct tpm_image *img, enum tpm_nv n,
    struct diag *d) CS_WUR;
/* 32 zero bytes before the first extension */
int tpm_nv_anchor(struct tpm *t, uint8_t ret[CS_SHA256_LEN], struct diag *d)
    CS_WUR;
/* anchor = SHA-256(anchor || digest) */
int tpm_nv_extend(struct tpm *t, const struct tpm_image *img,
    const uint8_t digest[CS_SHA256_LEN], struct diag *d) CS_WUR;

/*
 * --- the log's second key (tpm_logkey.c) ---
 * ECDSA P-256, used under the image policy.  ret_blob: TPM_LOGKEY_MAX bytes
 * at most, no secret.  The signature is DER over SHA-256 of msg, verified
 * before it is returned.
 */
#define TPM_LOGKEY_MAX	1024u
int tpm_logkey_create(struct tpm *t, const struct tpm_image *img,
    struct buf *ret_blob, struct pubkey **ret, struct diag *d) CS_WUR;
int tpm_logkey_sign(struct tpm *t, const struct tpm_image *img,
    const uint8_t *blob, size_t len, const void *msg, size_t msg_len,
    struct buf *ret_der, struct diag *d) CS_WUR;

/*
 * --- a ceremony's session (tpm_session.c) ---
 * A policy session that waits, saved outside of the TPM, until the quorum is
 * there.  It ends with the power, and when it is used: a saved session can be
 * loaded once.
 */
#define TPM_CONTEXT_MAX	8192u
struct tpm_saved {
	uint8_t nonce[QUORUM_NONCE_LEN];	/* nonceTPM, what approvers sign */
	uint32_t handle;		/* the TPM's, for tpm_session_prune() */
	struct buf context;		/* TPMS_CONTEXT; buf_done() */
};
int tpm_session_save(struct tpm *t, struct tpm_saved *ret, struct diag *d)
    CS_WUR;
/* Flushes every saved session that is not in keep. */
int tpm_session_prune(struct tpm *t, const uint32_t *keep, size_t n,
    struct diag *d) CS_WUR;

/* --- sealing --- */

/* 128 bytes fit in a sealed object, 32 of them are the key of the tag */
#define TPM_SEAL_MAX	96u
#define TPM_LABEL_MAX	200u	/* printable ASCII, no terminator counted */
#define TPM_BLOB_MAX	8192u

/* What must hold before the secret comes out. */
struct tpm_guard {
	const struct pubkey *image_key;	/* any image that it released */
	uint64_t generation;		/* TPM_NV_GENERATION equals this */
	const char *domain;		/* [a-z0-9-]{1,40} */
	const struct quorum *quorum;	/* NULL: no people needed */
};

/*
 * Seals plain (1..TPM_SEAL_MAX bytes) under the guard.  label says what the
 * secret is for and must be given again at unseal.  ret_blob is reset, then
 * holds at most TPM_BLOB_MAX bytes; it is no secret.
 *
 * CS_E_TPM_LABEL, CS_E_QUORUM_*, CS_E_TPM_LOCKOUT, CS_E_TPM_FAIL.
 */
int tpm_seal(struct tpm *t, const struct tpm_guard *guard, const char *label,
    struct secret *plain, struct buf *ret_blob, struct diag *d) CS_WUR;

/* The generation a blob of this label (NULL: any) was sealed for; no TPM */
int tpm_sealed_generation(const uint8_t *blob, size_t len, const char *label,
    uint64_t *ret, struct diag *d) CS_WUR;

/* One person's signature over quorum_challenge(); borrowed. */
struct tpm_vote {
	const struct pubkey *key;
	const uint8_t *sig;
	size_t len;
};
struct tpm_ballot {
	const struct tpm_saved *session;
	const struct tpm_vote *votes;
	size_t n;
};

/*
 * Everything about a blob and a ballot that needs no unseal: decodes, compares
 * label, storage key and generation, verifies each vote and counts people.
 * The codes of tpm_unseal().
 */
int tpm_unseal_check(struct tpm *t, const uint8_t *blob, size_t len,
    const char *label, const struct tpm_ballot *ballot, struct diag *d) CS_WUR;

/*
 * One attempt, repeated at most twice if the TPM itself says that a PCR
 * changed in between (TPM_RC_PCR_CHANGED).  The tag is checked before
 * anything is returned.  ballot is NULL for a secret without a quorum.
 *
 * CS_E_TPM_BLOB: malformed.  CS_E_TPM_LABEL: for another purpose.
 * CS_E_TPM_OTHER: another TPM, or altered.  CS_E_TPM_GENERATION: an old blob.
 * CS_E_TPM_IMAGE: another release key.  CS_E_TPM_PCR: this is not the boot
 * state of the image policy.  CS_E_TPM_IMAGE_OLD.  CS_E_TPM_SESSION: the
 * ballot's session is gone.  CS_E_TPM_QUORUM, CS_E_TPM_EXPIRED: the votes.
 * CS_E_TPM_PCR_CHANGED: whenever the session was ready, a PCR changed.
 * CS_E_TPM_TAG: what came out is not what went in.
 * CS_E_TPM_LOCKOUT: with the time to wait.  CS_E_TPM_FAIL: all else.
 */
int tpm_unseal(struct tpm *t, const struct tpm_image *img, const uint8_t *blob,
    size_t len, const char *label, const struct tpm_ballot *ballot,
    struct secret **ret, struct diag *d) CS_WUR;

#endif
