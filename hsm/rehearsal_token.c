/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-rehearsal-token MODULE LABEL PIN-FILE: initialises one software
 * token with a P-256 key, for the approvers of a rehearsal, and prints
 *	{"public_key":"<base64 SPKI>","uri":"pkcs11:..."}
 * It refuses any token that is not SoftHSM's.
 */

#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hsm/p11.h"
#include "lib/b64.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/json.h"

#define ID_LEN 8u

static int
read_pin(const char *path, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *pin = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	size_t len = 0;
	int r;

	r = file_read(AT_FDCWD, path, 65, &text, &len, d);
	if (r != 0)
		return r;
	while (len > 0 && text[len - 1] == '\n')
		len--;
	if (len == 0)
		return diag_fail(d, CS_E_HSM_PIN, "a PIN", "an empty file");
	r = secret_new(64, &pin);
	if (r == 0) {
		memcpy(secret_data(pin), text, len);
		r = secret_set_len(pin, len);
	}
	explicit_bzero(text, len);
	if (r == 0)
		*ret = take_ptr(pin);
	return r;
}

static int
print_key(const char *label, const uint8_t *id, const struct pubkey *k)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_free_ char *b64 = b64_dup(k->spki, k->spki_len);
	_cleanup_free_ char *text = NULL;
	char uri[160], pct[3 * ID_LEN + 1] = "";
	size_t len, i;
	int r;

	if (b64 == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < ID_LEN; i++)
		(void)snprintf(pct + 3 * i, 4, "%%%02x", id[i]);
	(void)snprintf(uri, sizeof(uri),
	    "pkcs11:token=%s;id=%s;object=%s;type=private", label, pct, label);
	j = json_pack("{s:s, s:s}", "public_key", b64, "uri", uri);
	r = j == NULL ? CS_E_NOMEM : json_canonical(j, &text, &len);
	if (r == 0)
		(void)printf("%s\n", text);
	return r;
}

static int
make(struct p11 *p, const char *label, struct secret *pin, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *s = NULL;
	_cleanup_secret_ struct secret *so = NULL;
	_cleanup_pubkey_ struct pubkey *k = NULL;
	struct p11_token blank, token;
	uint8_t id[ID_LEN];
	bool restricted;
	int r;

	r = p11_find_token_blank(p, &blank, d);
	if (r == 0 && strncmp(blank.manufacturer, "SoftHSM", 7) != 0)
		r = diag_fail(d, CS_E_HSM_TOKEN_ABSENT, "a SoftHSM token", "%s",
		    blank.manufacturer);
	if (r == 0)
		r = secret_random_pin(24, &so);
	if (r == 0)
		r = p11_init_token(p, &blank, label, so, pin, &token, d);
	if (r == 0)
		r = p11_session_open(p, &token, true, &s, d);
	if (r == 0)
		r = p11_login(s, pin, 0, d);
	if (r == 0 && RAND_bytes(id, sizeof(id)) != 1)
		r = CS_E_CRYPTO;
	if (r == 0)
		r = p11_generate(s, KEY_P256, id, sizeof(id), label, &k,
		    &restricted, d);
	return r == 0 ? print_key(label, id, k) : r;
}

int
main(int argc, char **argv)
{
	_cleanup_p11_ struct p11 *p = NULL;
	_cleanup_secret_ struct secret *pin = NULL;
	struct diag d = { 0 };
	char text[800];
	int r;

	if (argc != 4) {
		(void)fputs("usage: coldseal-rehearsal-token MODULE LABEL "
			    "PIN-FILE\n",
		    stderr);
		return CS_EXIT_USAGE;
	}
	r = read_pin(argv[3], &pin, &d);
	if (r == 0)
		r = p11_open(argv[1], &p, &d);
	if (r == 0)
		r = make(p, argv[2], pin, &d);
	if (r == 0)
		return CS_EXIT_OK;
	if (d.code == 0)
		(void)diag_fail(&d, r, NULL, "%s", argv[2]);
	diag_format(&d, text, sizeof(text));
	(void)fprintf(stderr, "coldseal-rehearsal-token: %s", text);
	return err_exit(r);
}
