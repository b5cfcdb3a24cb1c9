/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/signer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hsm/policy_keys.h"
#include "hsm/seal_label.h"
#include "lib/file.h"
#include "lib/hex.h"

/*
 * A policy update: each PIN comes out under the quorum of the policy in force
 * and is sealed under the next one's, for the next generation.
 *
 *	<name>.seal.new of every domain, of audit last
 *	  -> the TPM's generation counter: what was sealed before is dead
 *	  -> <name>.seal.new renamed
 *
 * Stopped before the counter moved, nothing has changed; after it, the next
 * start renames what is of the TPM's generation (signer_promote()).
 */
#define NEW  ".seal.new"
#define SEAL ".seal"

static int
write_seal(struct signer *s, const char *name, const struct tpm_guard *guard,
    const char *label, struct secret *pin, struct diag *d)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "%.40s" NEW, name);
	r = tpm_seal(s->tpm, guard, label, pin, &blob, d);
	if (r == 0)
		r = file_write_atomic(s->sealed_fd, path, blob.p, blob.len,
		    0600, d);
	buf_done(&blob);
	return r;
}

static int
reseal_part(struct signer *s, const struct signer_part *x, uint64_t generation,
    struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *session = NULL;
	_cleanup_quorum_ struct quorum quorum = { 0 };
	_cleanup_secret_ struct secret *pin = NULL;
	const struct policy *next = s->job->next;
	const char *domain = x->domain->id;
	const struct tpm_guard guard = { s->img->key, generation, domain,
		&quorum };
	char label[TPM_LABEL_MAX + 1];
	int r;

	seal_label_domain(domain, next->digest, label);
	r = quorum_of_domain(next, domain, &quorum, d);
	if (r == 0)
		r = signer_login_part(s, x, false, &session, &pin, d);
	if (r == 0)
		r = policy_keys_there(next, domain, session, d);
	if (signer_log_drain(s, domain, NULL, session) != 0)
		return CS_E_IPC;
	return r == 0 ? write_seal(s, domain, &guard, label, pin, d) : r;
}

static int
reseal_audit(struct signer *s, uint64_t generation, struct diag *d)
{
	const struct tpm_guard guard = { s->img->key, generation, "audit",
		NULL };
	_cleanup_secret_ struct secret *pin = NULL;
	_cleanup_free_ uint8_t *blob = NULL;
	char label[TPM_LABEL_MAX + 1];
	const struct signer_door door = { .domain = "audit", .label = label };
	size_t len;
	int r;

	seal_label_audit(s->origin, label);
	r = signer_read_seal(s, "audit", label, &blob, &len, d);
	if (r == 0)
		r = signer_unseal(s, &door, blob, len, &pin, d);
	return r == 0 ? write_seal(s, "audit", &guard, label, pin, d) : r;
}

/* Calls for each <name>.seal.new; cb gets the file's name. */
static int
each_new(struct signer *s,
    int (*cb)(struct signer *, const char *, uint64_t, struct diag *),
    uint64_t generation, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	struct dirent *e;
	bool any = false;
	size_t n;
	DIR *dir;
	int r;

	r = dir_open(s->sealed_fd, ".", &fd, d);
	if (r != 0)
		return r;
	dir = fdopendir(fd);
	if (dir == NULL)
		return diag_errno(d, CS_E_IO, "the sealed folder");
	(void)take_fd(&fd);
	while (r == 0 && (e = readdir(dir)) != NULL) {
		n = strlen(e->d_name);
		if (n <= sizeof(NEW) - 1 || n >= 64 ||
		    strcmp(e->d_name + n - (sizeof(NEW) - 1), NEW) != 0)
			continue;
		any = true;
		r = cb(s, e->d_name, generation, d);
	}
	(void)closedir(dir);
	if (r == 0 && any && fsync(s->sealed_fd) != 0)
		r = diag_errno(d, CS_E_IO, "fsync of the sealed folder");
	return r;
}

static int
remove_new(struct signer *s, const char *name, uint64_t generation,
    struct diag *d)
{
	(void)generation;
	return unlinkat(s->sealed_fd, name, 0) == 0 ?
	    0 :
	    diag_errno(d, CS_E_IO, "remove %s", name);
}

/* One of the TPM's generation takes its place; another one stays aside. */
static int
promote_one(struct signer *s, const char *name, uint64_t generation,
    struct diag *d)
{
	_cleanup_free_ uint8_t *blob = NULL;
	uint64_t its = 0;
	char to[64];
	size_t len;
	int r;

	r = file_read(s->sealed_fd, name, TPM_BLOB_MAX, &blob, &len, d);
	if (r == 0)
		r = tpm_sealed_generation(blob, len, NULL, &its, d);
	if (r != 0 || its != generation)
		return r;
	(void)snprintf(to, sizeof(to), "%.*s" SEAL,
	    (int)(strlen(name) - (sizeof(NEW) - 1)), name);
	if (renameat(s->sealed_fd, name, s->sealed_fd, to) != 0)
		return diag_errno(d, CS_E_IO, "rename %s", name);
	return 0;
}

int
signer_promote(struct signer *s, struct diag *d)
{
	uint64_t generation = 0;
	int r = tpm_nv_counter(s->tpm, TPM_NV_GENERATION, &generation, d);

	return r == 0 ? each_new(s, promote_one, generation, d) : r;
}

int
signer_reseal(struct signer *s, uint64_t *ret_generation, struct diag *d)
{
	struct signer_job *j = s->job;
	uint64_t generation = 0;
	size_t i;
	int r;

	r = signer_image(s, d);
	if (r == 0)
		r = tpm_nv_counter(s->tpm, TPM_NV_GENERATION, &generation, d);
	/* what an earlier try left */
	if (r == 0)
		r = each_new(s, remove_new, 0, d);
	for (i = 0; r == 0 && i < j->nparts; i++)
		r = reseal_part(s, &j->parts[i], generation + 1, d);
	if (r == 0)
		r = reseal_audit(s, generation + 1, d);
	if (r == 0)
		r = tpm_nv_increment(s->tpm, s->img, TPM_NV_GENERATION, d);
	if (r == 0)
		r = signer_promote(s, d);
	if (r == 0)
		*ret_generation = generation + 1;
	return r;
}
