/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/provision.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hsm/key_uri.h"
#include "hsm/seal_label.h"
#include "hsm/selfsign.h"
#include "hsm/sign_format.h"
#include "lib/file.h"
#include "lib/note.h"
#include "lib/policy.h"

/*
 * First act: tokens, keys, seals.
 *
 *	preflight (nothing touched) -> state folder beside its place
 *	  -> the TPM's storage key and indices
 *	  -> per domain: PIN sealed and proved, token initialised, keys made
 *	  -> everything written -> renamed into place
 *
 * A PIN exists sealed before the token that it opens is made: a failure never
 * leaves a token with a PIN that was once good and is now lost, except one
 * that is named as left to undo.
 */
#define CERT_YEARS 10
#define CN_FORMAT  "coldseal %s %s"

struct build {
	struct prov_opts *o;
	struct tpm *tpm;
	struct tpm_image *img;
	uint64_t generation;
	struct pubkey *log_pub; /* of the key that lives in the TPM */
	bool tpm_touched;
	struct p11 *p11;
	struct prov_state state;
	const char *domains[PROV_MAX_KEYS];
	size_t ndomains;
	/* tokens that exist now and did not before */
	char made[PROV_MAX_KEYS + 1][33];
	size_t nmade;
};

int
prov_is_software(const struct p11_token *t)
{
	return strncasecmp(t->manufacturer, "SoftHSM", 7) == 0;
}

/* What can be proved without people and without a later generation. */
static int
prove(struct tpm *tpm, const struct tpm_image *img, const struct buf *blob,
    const char *label, const struct tpm_guard *guard, struct secret *pin,
    struct diag *d)
{
	_cleanup_secret_ struct secret *out = NULL;
	uint64_t now = 0;
	int r = tpm_nv_counter(tpm, TPM_NV_GENERATION, &now, d);

	if (r != 0 || guard->quorum != NULL || now != guard->generation)
		return r;
	r = tpm_unseal(tpm, img, blob->p, blob->len, label, NULL, &out, d);
	if (r == 0 && !secret_equal(out, pin))
		r = diag_fail(d, CS_E_TPM_TAG, "the PIN that was sealed",
		    "another one came out");
	return r;
}

int
prov_seal(struct tpm *tpm, const struct tpm_image *img, int state_fd,
    const char *name, const char *label, const struct tpm_guard *guard,
    struct secret *pin, struct diag *d)
{
	struct buf blob = BUF_INIT(TPM_BLOB_MAX);
	char path[80];
	int r;

	(void)snprintf(path, sizeof(path), "sealed/%s", name);
	r = tpm_seal(tpm, guard, label, pin, &blob, d);
	if (r == 0)
		r = prove(tpm, img, &blob, label, guard, pin, d);
	if (r == 0)
		r = file_write_atomic(state_fd, path, blob.p, blob.len, 0600,
		    d);
	buf_done(&blob);
	return r;
}

int
prov_image(int dirfd, const char *path, struct tpm_image **ret, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t len;
	int r = file_read(dirfd, path, TPM_IMAGE_MAX, &data, &len, d);

	return r == 0 ? tpm_image_parse(data, len, ret, d) : r;
}

int
prov_image_write(int state_fd, const struct tpm_image *img, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = tpm_image_format(img->version, &img->pcrs, img->key, img->sig,
	    img->sig_len, &text, &len);

	if (r != 0)
		return diag_fail(d, r, NULL, PROV_IMAGE);
	return file_write_atomic(state_fd, PROV_IMAGE, text, len, 0600, d);
}

static void
collect_domains(struct build *b)
{
	size_t i, j;

	for (i = 0; i < b->o->nkeys; i++) {
		for (j = 0; j < b->ndomains; j++)
			if (strcmp(b->domains[j], b->o->keys[i].domain) == 0)
				break;
		if (j == b->ndomains)
			b->domains[b->ndomains++] = b->o->keys[i].domain;
	}
}

static bool
has_cert(const struct prov_key *k)
{
	const struct sigfmt *f = sigfmt_by_name(k->format);

	return f != NULL && (f->flags & SIGFMT_F_CERT) != 0;
}

/* Names that would only fail when a certificate or vkey is made. */
static int
check_names(const struct build *b, struct diag *d)
{
	static const uint8_t any[32];
	struct note_vkey v;
	char cn[512];
	size_t i, len;
	int r;

	r = note_vkey_make(b->o->origin, any, &v, d);
	if (r == 0 && policy_log_number(b->o->origin, &len) != 1)
		r = diag_fail(d, CS_E_USAGE,
		    "a name without /r and a number, which recoveries add",
		    "%s", b->o->origin);
	for (i = 0; r == 0 && i < b->o->nkeys; i++) {
		int n = snprintf(cn, sizeof(cn), CN_FORMAT, b->o->origin,
		    b->o->keys[i].id);

		if (!has_cert(&b->o->keys[i]))
			continue;
		if (n < 0 || (size_t)n > SELFSIGN_CN_MAX)
			r = diag_fail(d, CS_E_USAGE,
			    "origin and key ID of at most 54 bytes together",
			    "%s", b->o->keys[i].id);
	}
	return r;
}

static int
check_label(const struct build *b, const struct p11_token *t, struct diag *d)
{
	char label[33];
	size_t i;

	for (i = 0; i <= b->ndomains; i++) {
		prov_token_label(i < b->ndomains ? b->domains[i] : PROV_AUDIT,
		    label);
		if (strcmp(label, t->label) == 0)
			return diag_fail(d, CS_E_PROV_TOKEN,
			    "no token of that label", "\"%s\"", label);
	}
	return 0;
}

static int
check_tokens(const struct build *b, struct diag *d)
{
	_cleanup_free_ struct p11_token *list = NULL;
	size_t n, i, blank = 0, want = b->ndomains + 1;
	int r;

	r = p11_tokens(b->p11, &list, &n, d);
	for (i = 0; r == 0 && i < n; i++) {
		if (prov_is_software(&list[i])) {
			if (!b->o->rehearsal)
				return diag_fail(d, CS_E_PROV_SOFTHSM,
				    "--rehearsal, or hardware", "%s",
				    list[i].manufacturer);
			want = 1; /* it makes another when one is used */
		}
		if ((list[i].flags & P11_F_INITIALISED) == 0)
			blank++;
		else
			r = check_label(b, &list[i], d);
	}
	if (r == 0 && blank < want)
		r = diag_fail(d, CS_E_PROV_SLOTS,
		    "a blank token per domain "
		    "and one for audit",
		    "%zu for %zu", blank, want);
	return r;
}

int
prov_check_image(struct tpm *tpm, const struct tpm_image *img, struct diag *d)
{
	const struct tpm_pcr_values *v = &img->pcrs;
	uint8_t now[CS_SHA256_LEN];
	unsigned i;
	int r = 0;

	for (i = 0; r == 0 && i < TPM_PCR_COUNT; i++) {
		if ((v->mask >> i & 1) == 0)
			continue;
		r = tpm_pcr_read(tpm, i, now, d);
		if (r == 0 && memcmp(now, v->value[i], sizeof(now)) != 0)
			r = diag_fail(d, CS_E_TPM_PCR,
			    "the PCR values of the image policy",
			    "another value in PCR %u", i);
	}
	return r;
}

static int
preflight(struct build *b, struct diag *d)
{
	struct tpm_clock clock;
	uint8_t random[32];
	int r;

	collect_domains(b);
	r = check_names(b, d);
	if (r != 0)
		return r;
	if (b->o->hsm_conf[0] != '\0' &&
	    setenv("SOFTHSM2_CONF", b->o->hsm_conf, 1) != 0)
		return diag_errno(d, CS_E_USAGE, "--hsm-conf");
	r = prov_image(AT_FDCWD, b->o->image, &b->img, d);
	if (r == 0)
		r = tpm_open(b->o->tcti, 0, &b->tpm, d);
	if (r == 0)
		r = tpm_clock(b->tpm, &clock, d);
	if (r == 0)
		r = prov_check_image(b->tpm, b->img, d);
	if (r == 0)
		r = tpm_random(b->tpm, random, sizeof(random), d);
	if (r == 0)
		r = p11_open(b->o->module, &b->p11, d);
	if (r == 0)
		r = check_tokens(b, d);
	p11_close(&b->p11);
	return r;
}

/*
 * PIN, seal, token; a writable session that is logged in.  The module is
 * loaded anew for each: only then do all of them show the next blank token.
 */
static int
make_token(struct build *b, const char *domain, const char *seal_label,
    struct p11_session **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *pin = NULL, *so_pin = NULL;
	const struct tpm_guard guard = { b->img->key, b->generation, domain,
		NULL };
	struct p11_token blank, made;
	char label[33], name[48];
	int r;

	prov_token_label(domain, label);
	(void)snprintf(name, sizeof(name), "%s.seal", domain);
	r = p11_open(b->o->module, &b->p11, d);
	if (r == 0)
		r = p11_find_token_blank(b->p11, &blank, d);
	if (r == 0)
		r = secret_random_pin(PROV_PIN_LEN, &pin);
	if (r == 0)
		r = secret_random_pin(PROV_PIN_LEN, &so_pin);
	if (r == 0)
		r = prov_seal(b->tpm, b->img, b->state.fd, name, seal_label,
		    &guard, pin, d);
	if (r != 0)
		return r;
	/* from here on there may be something to undo */
	memcpy(b->made[b->nmade++], label, sizeof(label));
	r = p11_init_token(b->p11, &blank, label, so_pin, pin, &made, d);
	if (r == 0)
		r = p11_session_open(b->p11, &made, true, ret, d);
	if (r == 0)
		r = p11_login(*ret, pin, 0, d);
	return r;
}

static int
new_key(struct p11_session *s, enum key_alg alg, const char *label,
    uint8_t id[PROV_ID_LEN], struct pubkey **ret, struct diag *d)
{
	bool restricted = false;
	int r;

	if (RAND_bytes(id, PROV_ID_LEN) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "random bytes");
	r = p11_generate(s, alg, id, PROV_ID_LEN, label, ret, &restricted, d);
	if (r == 0 && !restricted)
		(void)fprintf(stderr,
		    "note: the token cannot limit key %s "
		    "to one mechanism\n",
		    label);
	return r;
}

static int
make_audit(struct build *b, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *s = NULL;
	_cleanup_pubkey_ struct pubkey *ck = NULL, *rec = NULL;
	uint8_t ck_id[PROV_ID_LEN], rec_id[PROV_ID_LEN];
	char label[TPM_LABEL_MAX + 1], token[33];
	int r;

	seal_label_audit(b->o->origin, label);
	prov_token_label(PROV_AUDIT, token);
	r = make_token(b, PROV_AUDIT, label, &s, d);
	if (r == 0)
		r = new_key(s, KEY_ED25519, "checkpoint", ck_id, &ck, d);
	if (r == 0)
		r = new_key(s, KEY_P256, "record", rec_id, &rec, d);
	if (r == 0)
		r = prov_write_audit(&b->state, b->o->origin, token, ck_id, ck,
		    b->log_pub, rec_id, rec, d);
	return r;
}

/* One in the format's own way, for the name. */
static int
make_own_cert(const struct sigfmt *f, const struct hsm_token_signer *ts,
    char *name, struct prov_key *k, struct diag *d)
{
	const struct policy_key pk = { .id = k->id,
		.key = k->pub,
		.alg = k->alg };
	const struct subject s = { .name = name };
	const struct sigfmt_job j = { .key = &pk,
		.subject = &s,
		.time = time(NULL) };
	struct buf out = BUF_INIT(SIGFMT_MAX);
	int r;

	r = hsm_sign_rounds(f, &j, ts, &out, d);
	if (r == 0)
		r = f->verify(&j, out.p, out.len, d);
	if (r == 0) {
		k->cert_len = out.len;
		k->cert = take_ptr(out.p);
	}
	buf_done(&out);
	return r;
}

static int
make_cert(struct build *b, struct p11_session *s, struct prov_key *k,
    struct diag *d)
{
	_cleanup_p11_key_ struct p11_key *key = NULL;
	struct hsm_token_signer ts = { s, NULL, k->alg };
	const struct hsm_signer signer = { k->alg, hsm_signer_token, &ts };
	struct selfsign c = { .pub = k->pub, .not_before = time(NULL) };
	char cn[SELFSIGN_CN_MAX + 1];
	const struct sigfmt *f;
	int r;

	(void)snprintf(cn, sizeof(cn), CN_FORMAT, b->o->origin, k->id);
	c.cn = cn;
	c.ca = strcmp(k->format, "x509") == 0; /* it issues others */
	c.not_after = c.not_before + CERT_YEARS * INT64_C(31557600);
	r = p11_find_key(s, k->cka_id, PROV_ID_LEN, k->id, k->pub->spki,
	    k->pub->spki_len, &key, d);
	if (r != 0)
		return r;
	ts.key = key;
	f = sigfmt_by_name(k->format);
	return f != NULL && f->cert != NULL ?
	    make_own_cert(f->cert, &ts, cn, k, d) :
	    selfsign_make(&c, &signer, &k->cert, &k->cert_len, d);
}

static int
make_key(struct build *b, struct p11_session *s, struct prov_key *k,
    struct diag *d)
{
	char token[33];
	int r;

	r = new_key(s, k->alg, k->id, k->cka_id, &k->pub, d);
	if (r != 0)
		return r;
	prov_token_label(k->domain, token);
	r = key_uri(token, k->id, k->cka_id, PROV_ID_LEN, k->uri,
	    sizeof(k->uri), d);
	if (r != 0)
		return r;
	if (has_cert(k))
		r = make_cert(b, s, k, d);
	return r == 0 ? prov_write_key(&b->state, k, d) : r;
}

static int
make_domain(struct build *b, const char *domain, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *s = NULL;
	char label[TPM_LABEL_MAX + 1];
	size_t i;
	int r;

	(void)snprintf(label, sizeof(label), PROV_LABEL_NONE, domain);
	r = make_token(b, domain, label, &s, d);
	for (i = 0; r == 0 && i < b->o->nkeys; i++)
		if (strcmp(b->o->keys[i].domain, domain) == 0)
			r = make_key(b, s, &b->o->keys[i], d);
	return r;
}

static int
make_log_key(struct build *b, struct diag *d)
{
	struct buf blob = BUF_INIT(TPM_LOGKEY_MAX);
	int r;

	r = tpm_logkey_create(b->tpm, b->img, &blob, &b->log_pub, d);
	if (r == 0)
		r = file_write_atomic(b->state.fd, "sealed/log.key", blob.p,
		    blob.len, 0600, d);
	buf_done(&blob);
	return r;
}

/* Storage key, indices, and what this TPM is known by later. */
static int
make_tpm(struct build *b, struct diag *d)
{
	uint8_t storage[TPM_NAME_LEN], chip[TPM_NAME_LEN];
	int r;

	b->tpm_touched = true;
	r = tpm_setup(b->tpm, b->img, d);
	if (r == 0)
		r = tpm_nv_counter(b->tpm, TPM_NV_GENERATION, &b->generation,
		    d);
	if (r == 0)
		r = tpm_storage_name(b->tpm, storage, d);
	if (r == 0)
		r = tpm_chip_name(b->tpm, chip, d);
	if (r == 0)
		r = prov_write_tpm(&b->state, storage, chip, d);
	if (r == 0)
		r = make_log_key(b, d);
	return r == 0 ? prov_image_write(b->state.fd, b->img, d) : r;
}

int
prov_make_tpm(struct tpm *tpm, struct tpm_image *img,
    const struct prov_state *s, uint64_t *ret_generation,
    struct pubkey **ret_log, struct diag *d)
{
	struct build b = { .tpm = tpm, .img = img, .state = *s };
	int r = make_tpm(&b, d);

	if (r == 0)
		r = prov_write_attest(s, tpm, img, d);
	*ret_generation = b.generation;
	*ret_log = b.log_pub;
	return r;
}

static int
make_all(struct build *b, struct diag *d)
{
	size_t i;
	int r;

	r = make_tpm(b, d);
	if (r == 0)
		r = prov_write_attest(&b->state, b->tpm, b->img, d);
	if (r == 0)
		r = make_audit(b, d);
	p11_close(&b->p11);
	for (i = 0; r == 0 && i < b->ndomains; i++) {
		r = make_domain(b, b->domains[i], d);
		p11_close(&b->p11);
	}
	if (r == 0)
		r = prov_write_site(&b->state, b->o, d);
	return r == 0 ? prov_state_commit(&b->state, d) : r;
}

static void
say_undo(const struct build *b)
{
	size_t i;

	for (i = 0; i < b->nmade; i++)
		(void)fprintf(stderr,
		    "left to undo: the token \"%s\" was "
		    "initialised and is of no use; erase it\n",
		    b->made[i]);
	if (b->tpm_touched)
		(void)fprintf(stderr,
		    "left to undo: the TPM's indices 0x%x to 0x%x were made; "
		    "the next try replaces them\n",
		    tpm_nv_handle(TPM_NV_IMAGE), tpm_nv_handle(TPM_NV_ANCHOR));
	else if (b->nmade == 0)
		(void)fprintf(stderr, "nothing is left to undo\n");
}

int
provision_keys(struct prov_opts *o, struct diag *d)
{
	static struct build b;
	size_t i;
	int r;

	b.o = o;
	b.state.fd = -1;
	r = preflight(&b, d);
	if (r == 0)
		r = prov_state_create(o->state, &b.state, d);
	if (r == 0) {
		r = make_all(&b, d);
		if (r != 0)
			say_undo(&b);
	}
	prov_state_done(&b.state);
	tpm_image_free(&b.img);
	pubkey_free(&b.log_pub);
	tpm_close(&b.tpm);
	for (i = 0; r == 0 && i < o->nkeys; i++)
		r = prov_print_key(&o->keys[i]);
	return r;
}
