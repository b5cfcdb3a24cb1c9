/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PROTO_SIGNER_H
#define CS_PROTO_SIGNER_H

/*
 * core <-> coldseal-signer, and core <-> coldseal-token.  Bodies in the
 * order given; str is u32 length and bytes (lib/buf.h).  Every question has
 * one answer, SIGNER_SIGN many; SIGNER_FAIL {diag} may replace any answer, and
 * SIGNER_UNSEALED and SIGNER_TOKEN_LOG may come before it.
 */
enum proto_signer {
	SIGNER_CLOCK = 0x301,	/* {} */
	SIGNER_CLOCK_R,		/* u64 clock ms, u32 reset, u32 restart, u8 safe */
	/*
	 * u32 n, n times str key domain, u32 k, k times u32 handle of a
	 * session to keep (all other saved ones are flushed): starts a
	 * ceremony's policy sessions, one per domain, or one for its nonce
	 * alone.  The answer: str sessions (lib/sessions.h), u32 seconds that
	 * approvals hold from now.
	 */
	SIGNER_SESSION,
	SIGNER_SESSION_R,
	/*
	 * str text of a checkpoint (three lines).  The signer refuses
	 * another origin than its own and a size below one it has signed
	 * in this life.  Signed by the audit token's Ed25519 key, and by the
	 * P-256 key that lives in the TPM.
	 */
	SIGNER_CHECKPOINT,
	SIGNER_CHECKPOINT_R,	/* str 64 bytes, str DER */
	/*
	 * memfd: payload of a record or refusal statement, which the signer
	 * parses; its DSSE PAE is signed by the audit token's P-256 key.
	 */
	SIGNER_RECORD,
	SIGNER_RECORD_R,	/* str DER signature, str 32-byte SPKI id */
	/*
	 * memfd: struct job = str policy envelope, str request envelope,
	 * u64 now, str sessions, u32 n, n times {str approval envelope, str
	 * votes (lib/sessions.h) or nothing}, u32 n, n times str evidence, in
	 * the request's order (none if the rule asks for none).
	 * Verifies policy (its digest is the one sealed with the PIN),
	 * request and quorum by itself, finds token and key, spends no PIN.
	 */
	SIGNER_PREFLIGHT,
	SIGNER_PREFLIGHT_R,	/* u32 number of signatures to come */
	/* {}: unseal once, log in once, sign the preflighted job */
	SIGNER_SIGN,
	SIGNER_SIG,		/* one or more of {u32 subject, str signature} */
	SIGNER_SIGN_R,		/* u32 n: all were verified; logged out */
	/*
	 * {}: make the preflighted change, as SIGNER_SIGN makes signatures.
	 * policy.update: every PIN under the next policy and generation; the
	 * answer has the generation.  key.generate: str URI, str SPKI, str
	 * CSR (or nothing), str the token's attestation (or nothing), u8 1 if
	 * the token limits it to one mechanism.
	 */
	SIGNER_CHANGE,
	SIGNER_CHANGE_R,	/* u64, str * 4, u8; zero and empty else */
	SIGNER_BYE,		/* {}: exit, no answer */
	/*
	 * {}: str anchor (32), u64 boots and exports, u64 generation, u64
	 * lowest image version, u64 this image's version.  Another TPM, or a
	 * cleared one, is a SIGNER_FAIL of its own.
	 */
	SIGNER_STATE,
	SIGNER_STATE_R,
	SIGNER_COUNT,		/* {}: one more boot or export */
	SIGNER_COUNT_R,		/* u64 */
	/*
	 * str signed checkpoint: extends the TPM's anchor with its SHA-256.
	 * Only a note that the audit token has signed is taken.
	 */
	SIGNER_ANCHOR,
	SIGNER_ANCHOR_R,	/* {} */
	/*
	 * str signed checkpoint, str challenge (32 or empty: none), u64 policy
	 * version, str policy digest (32): the TPM quotes its PCRs and
	 * certifies its anchor over checkpoint and challenge.  Only a note
	 * that the audit token has signed is taken; the image is the one that
	 * the signer read itself, the policy is the core's claim.
	 */
	SIGNER_ATTEST,
	SIGNER_ATTEST_R,	/* str answer, tpm/PROTOCOL.attest 4 */
	SIGNER_FAIL,		/* diag */
	/*
	 * {}: the audit token is opened, if it is not yet; the answer is the
	 * attempt, as in SIGNER_UNSEALED.
	 */
	SIGNER_OPEN,
	SIGNER_OPEN_R,
	/*
	 * Before the answer to PREFLIGHT, SIGN, CHANGE, unasked: the TPM was
	 * asked for a PIN, or its preflight found that it would refuse.  str
	 * domain, u32 approvers, str nonce of the session (32, or nothing),
	 * u8 1 if the TPM told its lockout, u32 * 3 that counter before and
	 * after and its maximum, u8 1 and a diag if it was refused, else 0.
	 */
	SIGNER_UNSEALED,
	/*
	 * Before the answer to SIGN, CHANGE, unasked, for each HSM with a log:
	 * str domain, u32 ID of the key that was used (SIGNER_NO_KEY: not
	 * known), u32 signatures that were made, u8 1 and a diag if the log
	 * cannot be read, else 0, u16 starts and u16 logins that it left out,
	 * str entries (lib/token_log.h).  After a failure too.
	 */
	SIGNER_TOKEN_LOG,
	/* str domain, u16 number: our log has the entries up to this one */
	SIGNER_LOG_TAKEN,
	SIGNER_LOG_TAKEN_R,	/* {} */
	SIGNER_LOG_ROOM,	/* {} */
	SIGNER_LOG_ROOM_R,	/* u32 n, n times str domain, u32 total, u32 used */
};

#define SIGNER_NO_KEY	UINT32_MAX

enum proto_token {
	TOKEN_FIND = 0x401,	/* u32 n, n times str SPKI of who may approve */
	TOKEN_FOUND,		/* u32 index, u8 TOKEN_F_*, str token label */
	/*
	 * u8 1 if a person agreed to spend the last PIN try, u32 n, n times
	 * {u8 TOKEN_ITEM_*, str bytes}.  The PIN comes from fd 4 (bytes, then
	 * end of file), one login, all items signed in it.
	 */
	TOKEN_SIGN,
	TOKEN_SIGNED,		/* u32 n, n times str signature (DER for EC) */
	TOKEN_FAIL,		/* diag */
};

#define TOKEN_F_COUNT_LOW	0x01
#define TOKEN_F_FINAL_TRY	0x02
#define TOKEN_F_LOCKED		0x04

/* What a token signs in one PIN entry. */
#define TOKEN_ITEM_MESSAGE	0	/* hashed by key type, as in DSSE */
#define TOKEN_ITEM_TPM		1	/* TPM2_PolicySigned challenge */
#define TOKEN_MAX_ITEMS		17u	/* a statement, and each domain */

#endif
