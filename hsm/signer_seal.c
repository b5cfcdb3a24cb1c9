/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/signer.h"

#include <stdio.h>
#include <string.h>

#include "lib/file.h"

/* magic and label open a sealed file, see tpm/README */
#define SEAL_MAGIC_LEN 8u

/*
 * The label in the file is only what the file says; that the PIN was really
 * sealed under it is proved by the tag when it is unsealed.  Reading it first
 * tells of a wrong policy before anything is logged as intended.
 */
static int
check_label(const uint8_t *blob, size_t len, const char *domain,
    const char *label, struct diag *d)
{
	struct rd rd = RD_INIT(blob, len);
	char found[TPM_LABEL_MAX + 1];
	const uint8_t *magic;

	if (rd_bytes(&rd, SEAL_MAGIC_LEN, &magic) != 0 ||
	    rd_cstr_into(&rd, found, sizeof(found)) != 0)
		return diag_fail(d, CS_E_SIGNER_SEALED, "a sealed PIN",
		    "sealed/%s.seal is something else", domain);
	if (strcmp(found, label) != 0)
		return diag_fail(d, CS_E_SIGNER_POLICY, label, "%s", found);
	return 0;
}

int
signer_read_seal(const struct signer *s, const char *domain, const char *label,
    uint8_t **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_free_ uint8_t *blob = NULL;
	char path[64];
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "%s.seal", domain);
	r = file_read(s->sealed_fd, path, TPM_BLOB_MAX, &blob, &len, d);
	if (r == 0)
		r = check_label(blob, len, domain, label, d);
	if (r != 0)
		return r;
	*ret = take_ptr(blob);
	*ret_len = len;
	return 0;
}

int
signer_image(struct signer *s, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t len;
	int r;

	if (s->img != NULL)
		return 0;
	r = file_read(s->sealed_fd, "image.json", TPM_IMAGE_MAX, &data, &len,
	    d);
	return r == 0 ? tpm_image_parse(data, len, &s->img, d) : r;
}

int
signer_login(struct signer *s, const struct signer_door *door,
    struct p11_session **ret, struct secret **ret_pin, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *session = NULL;
	_cleanup_free_ uint8_t *blob = NULL;
	_cleanup_secret_ struct secret *pin = NULL;
	struct p11_token t;
	size_t len;
	int r;

	r = signer_image(s, d);
	if (r == 0)
		r = signer_read_seal(s, door->domain, door->label, &blob, &len,
		    d);
	if (r == 0)
		r = p11_find_token_label(s->p11, door->token, &t, d);
	if (r == 0)
		r = p11_session_open(s->p11, &t, door->writable, &session, d);
	/* last, so that nothing but a wrong PIN can fail after it */
	if (r == 0)
		r = signer_unseal(s, door, blob, len, &pin, d);
	if (r == 0)
		r = p11_login(session, pin, 0, d);
	if (r == 0)
		r = signer_log_login(s, door->domain, pin, d);
	if (r != 0)
		return r;
	*ret = take_ptr(session);
	if (ret_pin != NULL)
		*ret_pin = take_ptr(pin);
	return 0;
}

int
signer_login_part(struct signer *s, const struct signer_part *x, bool writable,
    struct p11_session **ret, struct secret **ret_pin, struct diag *d)
{
	const struct signer_door door = { x->domain->id, x->label,
		x->domain->token, &x->ballot, writable, NULL };

	return signer_login(s, &door, ret, ret_pin, d);
}
