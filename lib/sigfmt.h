/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SIGFMT_H
#define CS_SIGFMT_H

#include "lib/buf.h"
#include "lib/policy.h"

/*
 * The formats of exported signatures, one file each (sigfmt_NAME.c), in one
 * table.  The signer builds what is signed from the request's artifact and
 * the policy's key, and puts the result together itself; whoever checks one
 * reads it strictly: what is known is constructed and compared.
 *
 *	check -> build -> token signs -> (build -> token signs) -> assemble
 *	  |                                                          |
 *	  +-> describe, before anybody approves           verify <---+
 */
#define SIGFMT_MAX	(64u << 10)	/* bytes of any exported signature */
#define SIGFMT_ROUNDS	2u		/* token signatures in one of them */
#define SIGFMT_TOKEN_MAX 512u		/* bytes of one of those */
#define SIGFMT_NAME_MAX	20u		/* bytes of a format's name */
#define SIGFMT_NAMESPACE_MAX 64u
#define SIGFMT_ENDS	64u
#define SIGFMT_TEXT_MAX	4096u		/* bytes of an artifact that is signed
					   as a text */

/* One signature: by which key, about what, when. */
struct sigfmt_job {
	const struct policy_key *key;
	const struct subject *subject;
	int64_t time;		/* seconds since 1970 UTC; verify ignores it */
	/* the key's X.509 certificate, borrowed; NULL: parsed when needed */
	struct x509_st *cert;
};

/*
 * For many jobs of one key, on any thread: its certificate parsed once, NULL
 * if it has none or another kind.  X509_free()
 */
struct x509_st *sigfmt_parse_cert(const struct policy_key *k) CS_WUR;

/* What the token made so far, as hsm_sign_tbs() encodes it. */
struct sigfmt_sigs {
	size_t n;
	struct {
		size_t len;
		uint8_t p[SIGFMT_TOKEN_MAX];
	} v[SIGFMT_ROUNDS];
};

#define SIGFMT_F_CERT		0x01u	/* the key needs a certificate */
#define SIGFMT_F_NAMESPACE	0x02u	/* the key needs a namespace */
#define SIGFMT_F_TEXT		0x04u	/* the request carries the artifact */
/* build() gives the artifact's digest, which is signed as it is */
#define SIGFMT_F_DIGEST		0x08u
/* one key's signature means whatever its digest does: nothing is bound */
#define SIGFMT_F_OPAQUE		0x10u
/* a certificate may come later: the key can sign its own */
#define SIGFMT_F_CERT_LATER	0x20u
/* one artifact is signed once by a key: CS_E_X509_SERIAL */
#define SIGFMT_F_ONCE		0x40u

struct sigfmt {
	const char *name;
	const char *suffix;	/* of the file that extract writes */
	const char *about;	/* for people, one line */
	const char *verifier;	/* the stock program */
	unsigned algs;		/* SIGFMT_ALG() of each it can be made with */
	unsigned flags;		/* SIGFMT_F_* */
	unsigned rounds;	/* 1 to SIGFMT_ROUNDS */
	/*
	 * How the certificate of the policy's key is made and verified, and the
	 * time that it is good from; NULL: it is an X.509 one.
	 */
	const struct sigfmt *cert;
	int (*cert_from)(const struct policy_key *k, int64_t *ret);
	/* What only this format asks of the artifact; NULL: nothing. */
	int (*check)(const struct sigfmt_job *j, struct diag *d);
	/*
	 * What the first and last SIGFMT_ENDS bytes of a file show, where the
	 * request is made; the appliance has digests.  NULL: nothing.
	 */
	int (*check_file)(const uint8_t *head, const uint8_t *tail, size_t len,
	    struct diag *d);
	/* Lines "  label  value" that every one of a request has in common. */
	int (*describe)(const struct sigfmt_job *j, struct buf *out);
	/* Lines of one artifact, besides its text; NULL: none */
	int (*describe_one)(const struct sigfmt_job *j, struct buf *out);
	/* The bytes to be signed in round done->n; out is empty. */
	int (*build)(const struct sigfmt_job *j,
	    const struct sigfmt_sigs *done, struct buf *out,
	    struct diag *d);
	/* The exported signature from all rounds; out is empty. */
	int (*assemble)(const struct sigfmt_job *j,
	    const struct sigfmt_sigs *done, struct buf *out,
	    struct diag *d);
	int (*verify)(const struct sigfmt_job *j, const uint8_t *sig,
	    size_t len, struct diag *d);
	/* The public key as the stock verifier wants it; out is empty. */
	int (*public_key)(const struct policy_key *k, struct buf *out,
	    struct diag *d);
};
#define SIGFMT_ALG(a)	(1u << (a))

/* Row i of the table, NULL after the last */
const struct sigfmt *sigfmt_at(size_t i);
const struct sigfmt *sigfmt_by_name(const char *name);	/* NULL: none such */
int sigfmt_known(const char *format);
const char *sigfmt_suffix(const char *format);	/* "sig", "p7s"; NULL */
/* HASH_BIT() of every digest that one of its algorithms needs, and sha256 */
uint32_t sigfmt_hashes(const struct sigfmt *f);
/* "raw, cms, ...", for messages */
const char *sigfmt_names(void);

/*
 * What a policy's key must have for its one format, and must not have:
 * algorithm, certificate, namespace.  CS_E_POLICY_FORMAT, _CERT, _NAMESPACE.
 * What the certificate says is policy_check()'s.
 */
int sigfmt_check_key(const struct policy_key *k, struct diag *d) CS_WUR;
/*
 * All that can be refused before a token is touched: key, digest, text, name.
 * CS_E_FORMAT: the format is not the key's.
 */
int sigfmt_check(const char *format, const struct sigfmt_job *j,
    struct diag *d) CS_WUR;
/*
 * What a signature attests, for people: lines "  label     value", safe for a
 * terminal.  With a subject: the lines of that artifact alone; without: those
 * of all.  The key is the request's; a format that is none is CS_E_FORMAT.
 */
int sigfmt_describe(const char *format, const struct sigfmt_job *j,
    struct buf *out) CS_WUR;
/*
 * 0, CS_E_SIG, CS_E_FORMAT (malformed, or another format), CS_E_REQ_DIGEST
 * (the subject lacks the one that is needed).
 */
int sigfmt_verify(const char *format, const struct sigfmt_job *j,
    const uint8_t *sig, size_t len, struct diag *d) CS_WUR;

#endif
