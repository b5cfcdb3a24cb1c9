/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>

#include "hsm/provision.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "tpm/attest.h"

/*
 * The appliance's half of enrolment: what the connected side is given of this
 * TPM's keys, and the answer that proves that they are in one TPM.
 */

static int
put(const struct prov_state *s, const char *path, const struct buf *b,
    struct diag *d)
{
	return file_write_atomic(s->fd, path, b->p, b->len, 0644, d);
}

static int
write_keys(const struct prov_state *s, struct tpm *tpm, struct buf *pub,
    struct buf *cert, struct diag *d)
{
	int r = tpm_ek_read(tpm, pub, cert, d);

	if (r == 0)
		r = put(s, "enrol/ek.pub", pub, d);
	if (r == 0 && cert->len > 0)
		r = put(s, "enrol/ek.crt", cert, d);
	if (r == 0)
		r = tpm_ak_read(tpm, pub, d);
	return r == 0 ? put(s, "enrol/ak.pub", pub, d) : r;
}

int
prov_write_attest(const struct prov_state *s, struct tpm *tpm,
    const struct tpm_image *img, struct diag *d)
{
	struct buf pub = BUF_INIT(ATTEST_MAX);
	struct buf cert = BUF_INIT(ATTEST_CERT_MAX);
	int r;

	r = write_keys(s, tpm, &pub, &cert, d);
	/* as it is after the first checkpoint, which nothing is without */
	if (r == 0)
		r = tpm_nv_public(TPM_NV_ANCHOR, img->key, &pub, d);
	if (r == 0)
		r = put(s, "enrol/anchor.pub", &pub, d);
	buf_done(&pub);
	buf_done(&cert);
	return r;
}

static int
activate(struct tpm *tpm, const uint8_t *credential, size_t len, struct diag *d)
{
	_cleanup_secret_ struct secret *s = NULL;
	uint8_t answer[CS_SHA256_LEN];
	char hex[CS_SHA256_HEX + 1];
	int r = tpm_activate(tpm, credential, len, &s, d);

	if (r != 0)
		return r;
	r = attest_activation_answer(secret_data(s), answer);
	if (r != 0)
		return diag_fail(d, r, NULL, "digest of the secret");
	hex_encode(answer, sizeof(answer), hex);
	if (printf("%s\n", hex) < 0 || fflush(stdout) != 0)
		return diag_errno(d, CS_E_IO, "standard output");
	return 0;
}

int
provision_enroll(const struct prov_opts *o, struct diag *d)
{
	_cleanup_free_ uint8_t *credential = NULL;
	_cleanup_tpm_ struct tpm *tpm = NULL;
	_cleanup_fd_ int fd = -1;
	struct prov_site site = { 0 };
	size_t len;
	int r;

	r = file_read(AT_FDCWD, o->credential, ATTEST_MAX, &credential, &len,
	    d);
	if (r == 0)
		r = dir_open(AT_FDCWD, o->state, &fd, d);
	if (r == 0)
		r = prov_site_load(fd, &site, d);
	if (r == 0)
		r = tpm_open(site.tcti, 0, &tpm, d);
	json_decref(site.doc);
	return r == 0 ? activate(tpm, credential, len, d) : r;
}
