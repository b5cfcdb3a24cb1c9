/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PROVISION_H
#define CS_PROVISION_H

#include <jansson.h>

#include "hsm/p11.h"
#include "lib/sigfmt.h"
#include "tpm/tpm.h"

/*
 * The first ceremony, in two acts: "keys" initialises tokens, makes keys and
 * seals PINs; people then write and sign the genesis policy over those keys;
 * "policy" accepts it and seals the PINs again under its digest.
 */
#define PROV_MAX_KEYS		64u
#define PROV_MAX_TOKENS		16u
#define PROV_ID_LEN		8u	/* CKA_ID, random */
#define PROV_PIN_LEN		24u
#define PROV_AUDIT		"audit"
#define PROV_OWNER		"tpm"	/* the set of its authorisations */
#define PROV_MAX_CUSTODIANS	16u

/* What a domain's PIN is sealed for (hsm/seal_label.h) before a policy is */
#define PROV_LABEL_NONE		"domain %s policy none"

struct prov_key {
	char id[41], domain[41];
	char format[SIGFMT_NAME_MAX + 1];
	enum key_alg alg;
	/* made: */
	uint8_t cka_id[PROV_ID_LEN];
	char uri[160];
	struct pubkey *pub;
	uint8_t *cert;			/* DER; NULL unless cms */
	size_t cert_len;
};

struct prov_port {
	const char *port, *module, *conf;
};

struct prov_opts {
	const char *state, *origin, *module, *tcti;
	const char *hsm_conf;		/* "" if none */
	const char *policy;
	const char *credential;		/* of "coldseal attest enroll" */
	const char *image;		/* the signed image policy, a file */
	bool rehearsal, shut_out;
	struct prov_port ports[PROV_MAX_TOKENS];
	size_t nports;
	struct prov_key keys[PROV_MAX_KEYS];
	size_t nkeys;
	const char *custodians[PROV_MAX_CUSTODIANS];	/* files, PEM */
	size_t ncustodians, threshold;
	const char *in, *out;		/* of a recovery */
};

/* The audit token, logged in once with its PIN; *ret starts as zeros. */
struct prov_audit {
	char token[33];
	uint8_t checkpoint_id[PROV_ID_LEN], record_id[PROV_ID_LEN];
	struct p11_session *session;
	struct pubkey *checkpoint, *record;
	struct p11_key *key;		/* the record key */
};
int prov_audit_login(int state_fd, struct p11 *p11, struct secret *pin,
    struct prov_audit *ret, struct diag *d) CS_WUR;
/* a DSSE envelope; free(*ret) */
int prov_audit_sign(struct prov_audit *a, const char *payload, size_t len,
    char **ret, size_t *ret_len, struct diag *d) CS_WUR;
void prov_audit_done(struct prov_audit *a);

/* PKCS#11 token label of a domain: "coldseal-<domain>" */
void prov_token_label(const char *domain, char out[33]);
/* 1 if this token is software: a rehearsal only */
int prov_is_software(const struct p11_token *t);

/*
 * Seals a PIN for the images of a release key and a generation.  Without a
 * quorum, and if the generation is the TPM's current one, it is taken out
 * again once and compared.  Then sealed/<name> is written.
 */
int prov_seal(struct tpm *tpm, const struct tpm_image *img, int state_fd,
    const char *name, const char *label, const struct tpm_guard *guard,
    struct secret *pin, struct diag *d) CS_WUR;
/* The machine runs the image, or nothing would ever open. */
int prov_check_image(struct tpm *tpm, const struct tpm_image *img,
    struct diag *d) CS_WUR;
/* sealed/image.json, which every start of the signer reads too */
#define PROV_IMAGE "sealed/image.json"
int prov_image(int dirfd, const char *path, struct tpm_image **ret,
    struct diag *d) CS_WUR;
/* what was parsed and checked is written; its file is not read again */
int prov_image_write(int state_fd, const struct tpm_image *img,
    struct diag *d) CS_WUR;

/*
 * The state folder under construction (provision_state.c): a folder beside
 * the final one, renamed when it is complete, removed if it never is.
 */
struct prov_state {
	const char *path;		/* final */
	char tmp[512];			/* "" when renamed */
	int fd;
};
int prov_state_create(const char *path, struct prov_state *ret,
    struct diag *d) CS_WUR;
int prov_state_commit(struct prov_state *s, struct diag *d) CS_WUR;
void prov_state_done(struct prov_state *s);
/* a folder with all that is in it; errno */
int prov_remove(const char *path) CS_WUR;
/* site.json; audit.json and the audit keys' public forms; keys/, certs/ */
/* sealed/tpm.json: the Names of storage key and chip */
int prov_write_tpm(const struct prov_state *s,
    const uint8_t storage[TPM_NAME_LEN], const uint8_t chip[TPM_NAME_LEN],
    struct diag *d) CS_WUR;
int prov_write_site(const struct prov_state *s, const struct prov_opts *o,
    struct diag *d) CS_WUR;
int prov_write_audit(const struct prov_state *s, const char *origin,
    const char *token, const uint8_t *checkpoint_id,
    const struct pubkey *checkpoint, const struct pubkey *tpm_log,
    const uint8_t *record_id,
    const struct pubkey *record, struct diag *d) CS_WUR;
int prov_write_key(const struct prov_state *s, const struct prov_key *k,
    struct diag *d) CS_WUR;
/* one line of JSON on standard output */
int prov_print_key(const struct prov_key *k) CS_WUR;

/*
 * The TPM's part of the first act, for a recovery: what makes it this
 * appliance's, and what sealed/ and enrol/ say of it.  pubkey_free(*ret_log)
 */
int prov_make_tpm(struct tpm *tpm, struct tpm_image *img,
    const struct prov_state *s, uint64_t *ret_generation,
    struct pubkey **ret_log, struct diag *d) CS_WUR;

/*
 * enrol/: ek.pub, ek.crt if there is one, ak.pub, anchor.pub, which
 * "coldseal attest enroll" reads (provision_enroll.c)
 */
int prov_write_attest(const struct prov_state *s, struct tpm *tpm,
    const struct tpm_image *img, struct diag *d) CS_WUR;

/* site.json as it was written; the strings are doc's */
struct prov_site {
	json_t *doc;
	const char *origin, *module, *hsm_conf, *tcti;
	bool rehearsal;
};
int prov_site_load(int state_fd, struct prov_site *ret, struct diag *d) CS_WUR;

/* On failure *d says what is wrong; what is left to undo is printed. */
int provision_keys(struct prov_opts *o, struct diag *d) CS_WUR;
int provision_image(const struct prov_opts *o, struct diag *d) CS_WUR;
int provision_policy(const struct prov_opts *o, struct diag *d) CS_WUR;
int provision_recover(const struct prov_opts *o, struct diag *d) CS_WUR;
/* Opens the credential and prints the answer */
int provision_enroll(const struct prov_opts *o, struct diag *d) CS_WUR;

#endif
