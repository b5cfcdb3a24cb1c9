/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/provision.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/b64.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/json.h"
#include "lib/note.h"
#include "lib/policy.h"

#define SITE_MAX 65536u

static const char *const folders[] = { "sealed", "blobs", "log/checkpoints",
	"enrol/keys", "enrol/certs" };

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

int
prov_remove(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
prov_state_done(struct prov_state *s)
{
	close_fdp(&s->fd);
	if (s->tmp[0] != '\0' && prov_remove(s->tmp) != 0)
		(void)fprintf(stderr, "left to undo: remove the folder %s\n",
		    s->tmp);
	s->tmp[0] = '\0';
}

int
prov_state_create(const char *path, struct prov_state *ret, struct diag *d)
{
	size_t n = strlen(path), i;
	struct stat st;
	int r;

	*ret = (struct prov_state){ .path = path, .fd = -1 };
	if (n == 0 || path[n - 1] == '/' || n + 8 > sizeof(ret->tmp))
		return diag_fail(d, CS_E_USAGE,
		    "a state folder without a slash at its end", "\"%.150s\"",
		    path);
	if (lstat(path, &st) == 0)
		return diag_fail(d, CS_E_PROV_STATE,
		    "a folder that does not exist yet", "%s exists", path);
	if (errno != ENOENT)
		return diag_errno(d, CS_E_PROV_STATE, "%s", path);
	(void)snprintf(ret->tmp, sizeof(ret->tmp), "%s.XXXXXX", path);
	if (mkdtemp(ret->tmp) == NULL) {
		r = diag_errno(d, CS_E_PROV_STATE, "%s", ret->tmp);
		ret->tmp[0] = '\0';
		return r;
	}
	r = dir_open(AT_FDCWD, ret->tmp, &ret->fd, d);
	for (i = 0; r == 0 && i < ARRAY_LEN(folders); i++)
		r = dir_make(ret->fd, folders[i], d);
	return r;
}

/* The parent folder's entry must survive a power cut too. */
static int
sync_parent(const char *path, struct diag *d)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_fd_ int fd = -1;
	char *slash;
	int r;

	if (copy == NULL)
		return diag_nomem(d);
	slash = strrchr(copy, '/');
	if (slash != NULL)
		slash[slash == copy ? 1 : 0] = '\0';
	r = dir_open(AT_FDCWD, slash == NULL ? "." : copy, &fd, d);
	if (r == 0 && fsync(fd) != 0)
		r = diag_errno(d, CS_E_IO, "fsync of the parent folder");
	return r;
}

int
prov_state_commit(struct prov_state *s, struct diag *d)
{
	if (fsync(s->fd) != 0)
		return diag_errno(d, CS_E_IO, "fsync %s", s->tmp);
	if (renameat2(AT_FDCWD, s->tmp, AT_FDCWD, s->path, RENAME_NOREPLACE) !=
	    0)
		return diag_errno(d, CS_E_PROV_STATE, "rename to %s", s->path);
	s->tmp[0] = '\0';
	return sync_parent(s->path, d);
}

static int
write_json(int fd, const char *path, json_t *j, mode_t mode, struct diag *d)
{
	_cleanup_json_ json_t *mine = j;
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (mine == NULL)
		return diag_nomem(d);
	if (json_canonical(mine, &text, &len) != 0)
		return diag_fail(d, CS_E_INTERNAL, "JSON", "%s", path);
	return file_write_atomic(fd, path, text, len, mode, d);
}

int
prov_write_site(const struct prov_state *s, const struct prov_opts *o,
    struct diag *d)
{
	json_t *ports = json_array();
	size_t i;

	for (i = 0; i < o->nports; i++)
		(void)json_array_append_new(ports,
		    json_pack("{s:s, s:s, s:s}", "port", o->ports[i].port,
			"module", o->ports[i].module, "conf",
			o->ports[i].conf));
	return write_json(s->fd, "site.json",
	    json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "origin", o->origin,
		"module", o->module, "hsm_conf", o->hsm_conf, "tcti", o->tcti,
		"rehearsal", o->rehearsal ? 1 : 0, "tokens", ports),
	    0600, d);
}

int
prov_site_load(int state_fd, struct prov_site *ret, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	json_t *ports = NULL;
	/* the appliance's alone */
	const char *word = NULL;
	uint64_t seconds = 0;
	const struct json_field f[] = {
		{ "origin", JK_STR, true, &ret->origin, NULL },
		{ "module", JK_STR, true, &ret->module, NULL },
		{ "hsm_conf", JK_TEXT, true, &ret->hsm_conf, NULL },
		{ "tcti", JK_STR, true, &ret->tcti, NULL },
		{ "rehearsal", JK_BOOL, true, &ret->rehearsal, NULL },
		{ "tokens", JK_ARR, true, &ports, NULL },
		/* the supervisor's */
		{ "media_in", JK_STR, false, &word, NULL },
		{ "media_out", JK_STR, false, &word, NULL },
		{ "readers", JK_ARR, false, &ports, NULL },
		{ "token_logs", JK_ARR, false, &ports, NULL },
		{ "link", JK_STR, false, &word, NULL },
		{ "link_wait", JK_U64, false, &seconds, NULL },
	};
	size_t len;
	int r;

	r = file_read(state_fd, "site.json", SITE_MAX, &data, &len, d);
	if (r == 0)
		r = json_load_strict(data, len, SITE_MAX, &ret->doc, d);
	return r == 0 ? json_fields(ret->doc, "", f, ARRAY_LEN(f), d) : r;
}

int
prov_write_tpm(const struct prov_state *s, const uint8_t storage[TPM_NAME_LEN],
    const uint8_t chip[TPM_NAME_LEN], struct diag *d)
{
	/* the digest of each Name; the algorithm before it is SHA-256 */
	return write_json(s->fd, "sealed/tpm.json",
	    json_pack("{s:o, s:o}", "storage", json_hex32(storage + 2), "chip",
		json_hex32(chip + 2)),
	    0600, d);
}

static int
write_pem(const struct prov_state *s, const char *path, const struct pubkey *k,
    struct diag *d)
{
	_cleanup_free_ char *pem = NULL;
	int r = pubkey_to_pem(k, &pem);

	if (r != 0)
		return diag_fail(d, r, NULL, "PEM of %s", path);
	return file_write_atomic(s->fd, path, pem, strlen(pem), 0644, d);
}

/* The two keys that sign every checkpoint: the audit token's, the TPM's. */
static int
write_vkeys(const struct prov_state *s, const char *origin,
    const struct pubkey *k, const struct pubkey *tpm_log, struct diag *d)
{
	char text[NOTE_VKEYS_TEXT_MAX];
	struct note_vkeys v = { .n = 2 };
	uint8_t raw[32];
	size_t len = sizeof(raw);
	int r;

	if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &len) != 1 || len != 32)
		return diag_fail(d, CS_E_CRYPTO, "an Ed25519 key", "another");
	r = note_vkey_make(origin, raw, &v.v[0], d);
	if (r == 0)
		r = note_vkey_make_ecdsa(origin, tpm_log->spki,
		    tpm_log->spki_len, &v.v[1], d);
	if (r != 0)
		return r;
	note_vkeys_format(&v, text);
	return file_write_atomic(s->fd, "enrol/log.vkey", text, strlen(text),
	    0644, d);
}

int
prov_write_audit(const struct prov_state *s, const char *origin,
    const char *token, const uint8_t *checkpoint_id,
    const struct pubkey *checkpoint, const struct pubkey *tpm_log,
    const uint8_t *record_id, const struct pubkey *record, struct diag *d)
{
	char ck[2 * PROV_ID_LEN + 1], rec[2 * PROV_ID_LEN + 1];
	int r;

	hex_encode(checkpoint_id, PROV_ID_LEN, ck);
	hex_encode(record_id, PROV_ID_LEN, rec);
	r = write_json(s->fd, "sealed/audit.json",
	    json_pack("{s:s, s:s, s:s}", "token", token, "checkpoint_id", ck,
		"record_id", rec),
	    0600, d);
	if (r == 0)
		r = write_vkeys(s, origin, checkpoint, tpm_log, d);
	return r == 0 ? write_pem(s, "enrol/record.pem", record, d) : r;
}

/* As the format's verifier reads it. */
static int
write_cert(const struct prov_state *s, const struct prov_key *k,
    const struct sigfmt *f, struct diag *d)
{
	const struct policy_key pk = { .id = k->id,
		.key = k->pub,
		.alg = k->alg,
		.cert = k->cert,
		.cert_len = k->cert_len };
	struct buf text = BUF_INIT(SIGFMT_MAX);
	char path[80];
	int r;

	(void)snprintf(path, sizeof(path), "enrol/certs/%s.%s", k->id,
	    f->cert == NULL ? "pem" : f->cert->suffix);
	r = f->public_key(&pk, &text, d);
	if (r == 0)
		r = file_write_atomic(s->fd, path, text.p, text.len, 0644, d);
	buf_done(&text);
	return r;
}

int
prov_write_key(const struct prov_state *s, const struct prov_key *k,
    struct diag *d)
{
	const struct sigfmt *f;
	char path[80];
	int r;

	(void)snprintf(path, sizeof(path), "enrol/keys/%s.pem", k->id);
	r = write_pem(s, path, k->pub, d);
	f = sigfmt_by_name(k->format);
	if (r != 0 || k->cert == NULL || f == NULL)
		return r;
	return write_cert(s, k, f, d);
}

int
prov_print_key(const struct prov_key *k)
{
	_cleanup_free_ char *cert = NULL, *text = NULL;
	_cleanup_json_ json_t *j = NULL;
	size_t len;
	int r;

	j = policy_key_entry(k->id, k->domain, k->uri, k->alg, k->pub->spki,
	    k->pub->spki_len);
	if (j == NULL)
		return CS_E_NOMEM;
	if (k->cert != NULL) {
		cert = b64_dup(k->cert, k->cert_len);
		if (cert == NULL ||
		    json_object_set_new(j, "certificate", json_string(cert)) !=
			0)
			return CS_E_NOMEM;
	}
	r = json_canonical(j, &text, &len);
	if (r != 0)
		return r;
	return printf("%.*s\n", (int)len, text) < 0 || fflush(stdout) != 0 ?
	    CS_E_IO :
	    0;
}
