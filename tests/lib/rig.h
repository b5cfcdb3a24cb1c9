/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_RIG_H
#define CS_RIG_H

#include <sys/types.h>

#include "lib/key.h"

/*
 * What tests of the appliance stand on: a temporary folder with a real TPM
 * simulator (swtpm on a unix socket), SoftHSM configurations, people with
 * keys, and the programs under test run as a person would run them.  Every
 * function ends the process with a message if the rig itself fails; what is
 * under test is reported, never fatal.
 */
#define RIG_PATH	256
#define RIG_MAX_POLICY	65536u

struct rig {
	char dir[RIG_PATH];		/* absolute */
	char bin[RIG_PATH];		/* CS_BIN, or build/bin */
	char module[RIG_PATH];		/* SoftHSM */
	char hsm_conf[RIG_PATH];	/* of the HSM */
	char tcti[RIG_PATH];
	char image[RIG_PATH];		/* signed image policy, version 1000 */
	pid_t swtpm;
};

/* Folder, HSM configuration with no token in it, running TPM. */
void rig_init(struct rig *r);
/* Ends the TPM and removes the folder. */
void rig_done(struct rig *r);
/* The TPM goes away and comes back, its state kept (a power cut). */
void rig_swtpm_stop(struct rig *r);
void rig_swtpm_start(struct rig *r);
/* "dir/name" */
void rig_path(const struct rig *r, const char *name, char out[RIG_PATH]);

/*
 * A program and its arguments, NULL at the end.  argv[0] without a slash is
 * one of ours (CS_BIN) if it starts with "coldseal", else it is looked up in
 * PATH.  env: NULL, or NAME=VALUE to add.
 */
struct rig_output {
	int status;			/* exit status; 128 + signal */
	char *out, *err;		/* text, never NULL */
	size_t out_len;
};
void rig_run(const struct rig *r, const char *const argv[], const char *env,
    struct rig_output *ret);
void rig_output_done(struct rig_output *o);
#define _cleanup_output_ _cleanup_(rig_output_done)
/*
 * Starts one of ours with descriptors 3, 4.. and returns; fds are not taken.
 * The child dies with the test.
 */
pid_t rig_spawn(const struct rig *r, const char *const argv[],
    const char *env, const int *fds, size_t nfds);
/* exit status of a started program, 128 + signal */
int rig_wait(pid_t pid);

/* A new, empty SoftHSM configuration; the path of its file. */
void rig_softhsm(const struct rig *r, const char *name, char out[RIG_PATH]);

/* A person or system: an OpenSSL key, and a token with the same key. */
struct rig_person {
	const char *id, *organisation, *role;
	const char *kind;		/* "person" or "system" */
	EVP_PKEY *key;
	struct pubkey *pub;
	char conf[RIG_PATH];		/* of the token, "" if none */
};
/* type: "ed25519", "p256", "p384", "rsa2048" or "rsa3072" */
void rig_person(struct rig_person *p, const char *id, const char *kind,
    const char *organisation, const char *role, const char *type);
void rig_person_done(struct rig_person *p);
/*
 * Puts the key on a new SoftHSM token of its own configuration; the token's
 * label is the person's id.  The PIN is pin.
 */
void rig_person_token(const struct rig *r, struct rig_person *p,
    const char *pin);
/* The same into an existing configuration, as one more token. */
void rig_token_add(const struct rig *r, const char *conf, const char *label,
    EVP_PKEY *key, const char *pin);

/*
 * DSSE envelope over payload by these people, in order.  free() it.
 */
char *rig_dsse(const void *payload, size_t len,
    const struct rig_person *const *who, size_t n, size_t *ret_len);

/* What coldseal-provision printed for one key. */
struct rig_key {
	char id[64], domain[64], algorithm[64], format[16];
	char uri[256];
	char *public_key;		/* base64 of the SPKI */
	char *certificate;		/* base64 of the DER, or NULL */
};
struct rig_policy {
	const char *name, *appliance;
	uint64_t version, threshold;
	bool rehearsal;
	struct rig_person *const *people;
	size_t npeople;
	const struct rig_key *keys;
	size_t nkeys;
	const char *product;		/* of every key and rule */
	const char *token_prefix;	/* NULL: "coldseal-" */
	const char *rule_more;		/* JSON members for every rule, or NULL */
	const char *more;		/* for the policy itself; or NULL */
};

/*
 * Runs coldseal-provision keys with keys[].id, .domain, .algorithm, .format
 * and fills the rest.  ports: --token values or NULL.
 */
void rig_provision_keys(const struct rig *r, const char *state,
    const char *origin, const char *const *ports, size_t nports,
    struct rig_key *keys, size_t n);
/* From what coldseal-provision keys printed. */
void rig_keys_parse(const char *out, struct rig_key *keys, size_t n);
void rig_keys_done(struct rig_key *keys, size_t n);
/*
 * The policy payload (canonical JSON): all of people, who have their one
 * role; one rule per key, requesters are the people with the role
 * "requester", approvers those with "approver", administrators "admin".
 * free() it.
 */
char *rig_policy(const struct rig_policy *p, size_t *ret_len);
/* Genesis envelope signed by the administrators; free() it. */
char *rig_policy_envelope(const struct rig_policy *p, size_t *ret_len);
/* Writes the envelope to a file and runs coldseal-provision policy. */
void rig_provision_policy(const struct rig *r, const char *state,
    const char *envelope, size_t len);

/* Writes bytes to dir/name; the path in out. */
void rig_write(const struct rig *r, const char *name, const void *data,
    size_t len, char out[RIG_PATH]);

#endif
