/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Enrolment in two steps, since what lies between them crosses the gap twice:
 *
 *	folder of the appliance -> credential, enrolment file
 *	    (the appliance's TPM opens the credential, if it has both keys)
 *	answer, enrolment file -> file of the pinned attestation key
 */
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "host-tools/attest_inputs.h"
#include "host-tools/cli.h"
#include "host-tools/show.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/json.h"

#define CA_MAX (1u << 20)

enum { O_STATE, O_EK_CA, O_PIN_EK, O_CREDENTIAL, O_ANSWER, O_OUT, O_JSON };

static const struct cli_opt options[] = {
	[O_STATE] = { "state", "FILE", CLI_REQUIRED,
	    "enrolment file: written in the first step, read in the second" },
	[O_EK_CA] = { "ek-ca", "FILE", 0,
	    "CA certificates of the TPM's maker, PEM" },
	[O_PIN_EK] = { "pin-ek", "SHA256", 0,
	    "or the digest of the endorsement key's SPKI" },
	[O_CREDENTIAL] = { "credential", "FILE", 0,
	    "first step: what to carry to the appliance" },
	[O_ANSWER] = { "answer", "HEX|FILE", 0,
	    "second step: what the appliance answered" },
	[O_OUT] = { "out", "FILE", 0,
	    "second step: the pinned attestation key" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

struct folder {
	uint8_t *ek, *cert, *ak, *anchor; /* cert, anchor: NULL if absent */
	size_t ek_len, cert_len, ak_len, anchor_len;
};

static void
folder_done(struct folder *f)
{
	free(f->ek);
	free(f->cert);
	free(f->ak);
	free(f->anchor);
}

static int
load_folder(const char *path, struct folder *f, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	int r;

	r = dir_open(AT_FDCWD, path, &fd, d);
	if (r == 0)
		r = file_read(fd, "ek.pub", ATTEST_MAX, &f->ek, &f->ek_len, d);
	if (r == 0)
		r = file_read(fd, "ak.pub", ATTEST_MAX, &f->ak, &f->ak_len, d);
	if (r == 0 && file_exists(fd, "ek.crt"))
		r = file_read(fd, "ek.crt", ATTEST_CERT_MAX, &f->cert,
		    &f->cert_len, d);
	if (r == 0 && file_exists(fd, "anchor.pub"))
		r = file_read(fd, "anchor.pub", ATTEST_MAX, &f->anchor,
		    &f->anchor_len, d);
	return r;
}

static int
check_ca(const char *path, const struct folder *f, const struct pubkey *ek,
    struct diag *d)
{
	_cleanup_free_ uint8_t *pem = NULL;
	size_t len;
	int r;

	if (f->cert == NULL)
		return diag_fail(d, CS_E_ATTEST_EK_CERT,
		    "ek.crt, or --pin-ek instead of --ek-ca",
		    "no certificate in the enrolment folder");
	r = file_read(AT_FDCWD, path, CA_MAX, &pem, &len, d);
	return r != 0 ? r :
			attest_ek_check_cert(ek, f->cert, f->cert_len,
			    (const char *)pem, len, d);
}

static int
check_pin(const char *arg, const struct pubkey *ek, struct diag *d)
{
	uint8_t want[CS_SHA256_LEN];
	char got[CS_SHA256_HEX + 1];

	if (hex_decode(arg, want, sizeof(want)) != 0)
		return diag_fail(d, CS_E_USAGE, "64 lower-case digits",
		    "--pin-ek %s", arg);
	hex_encode(ek->id, CS_SHA256_LEN, got);
	if (memcmp(want, ek->id, sizeof(want)) != 0)
		return diag_fail(d, CS_E_ATTEST_EK_PIN, arg, "%s", got);
	return 0;
}

/* All that is known of the appliance, judged */
static int
judge(const struct cli *c, const struct folder *f, struct attest_pinned *p,
    struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *ek = NULL;
	int r;

	r = attest_ek_parse(f->ek, f->ek_len, &ek, d);
	if (r != 0)
		return r;
	p->by_certificate = cli_has(c, O_EK_CA);
	r = p->by_certificate ? check_ca(cli_get(c, O_EK_CA), f, ek, d) :
				check_pin(cli_get(c, O_PIN_EK), ek, d);
	if (r == 0)
		r = attest_ak_parse(f->ak, f->ak_len, &p->ak, d);
	if (r == 0)
		r = attest_ak_check(p->ak, d);
	if (r == 0 && f->anchor != NULL)
		r = attest_nv_parse(f->anchor, f->anchor_len, &p->index,
		    p->anchor, d);
	p->has_anchor = f->anchor != NULL;
	memcpy(p->ek, ek->id, sizeof(p->ek));
	return r;
}

/* The secret itself is nowhere kept: the file has a digest of its digest. */
static int
make_credential(const struct folder *f, struct attest_pinned *p,
    struct buf *cred, struct diag *d)
{
	uint8_t secret[ATTEST_SECRET_LEN], answer[CS_SHA256_LEN];
	int r;

	if (RAND_priv_bytes(secret, sizeof(secret)) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "RAND_priv_bytes");
	r = attest_make_credential(f->ek, f->ek_len, p->ak->name, secret, cred,
	    d);
	if (r == 0 &&
	    (attest_activation_answer(secret, answer) != 0 ||
		sha256(answer, sizeof(answer), p->expect) != 0))
		r = diag_fail(d, CS_E_CRYPTO, NULL, "digest of the answer");
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(answer, sizeof(answer));
	p->pending = true;
	return r;
}

static int
write_pinned(const char *path, const struct attest_pinned *p, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	r = attest_pinned_format(p, &text, &len, d);
	return r != 0 ? r :
			file_write_atomic(AT_FDCWD, path, text, len, 0644, d);
}

static int
report(const struct cli *c, const struct attest_pinned *p, const char *verdict,
    struct diag *d)
{
	char name[2 * ATTEST_NAME_LEN + 1];

	hex_encode(p->ak->name, ATTEST_NAME_LEN, name);
	if (cli_has(c, O_JSON))
		return cli_print_json(json_pack("{s:s, s:s, s:o, s:s, s:b}",
					  "verdict", verdict, "ak_name", name,
					  "ek_sha256", json_hex(p->ek, 32),
					  "ek_trust",
					  p->by_certificate ? "certificate" :
							      "pinned",
					  "anchor", p->has_anchor ? 1 : 0),
		    d);
	show_text("verdict", verdict);
	show_text("AK name", name);
	show_digest("EK", p->ek);
	show_text("EK trusted",
	    p->by_certificate ? "by its certificate" : "as pinned by hand");
	show_text("anchor", p->has_anchor ? "enrolled" : "none enrolled");
	return 0;
}

static int
begin(const struct cli *c, struct diag *d)
{
	_cleanup_attest_pinned_ struct attest_pinned p = { 0 };
	_cleanup_(folder_done) struct folder f = { 0 };
	struct buf cred __attribute__((cleanup(buf_done))) =
	    BUF_INIT(ATTEST_MAX);
	int r;

	if (cli_has(c, O_EK_CA) == cli_has(c, O_PIN_EK))
		return diag_fail(d, CS_E_USAGE, "one of them",
		    "--ek-ca and --pin-ek: both or none");
	if (c->nargs != 1 || !cli_has(c, O_CREDENTIAL) || cli_has(c, O_OUT))
		return diag_fail(d, CS_E_USAGE,
		    "--credential FILE FOLDER; --out only with --answer",
		    "other options");
	r = load_folder(c->args[0], &f, d);
	if (r == 0)
		r = judge(c, &f, &p, d);
	if (r == 0)
		r = make_credential(&f, &p, &cred, d);
	if (r == 0)
		r = write_pinned(cli_get(c, O_STATE), &p, d);
	if (r == 0)
		r = file_write_atomic(AT_FDCWD, cli_get(c, O_CREDENTIAL),
		    cred.p, cred.len, 0644, d);
	return r != 0 ? r : report(c, &p, "credential made", d);
}

static int
finish(const struct cli *c, struct diag *d)
{
	_cleanup_attest_pinned_ struct attest_pinned p = { 0 };
	_cleanup_free_ uint8_t *text = NULL;
	uint8_t answer[CS_SHA256_LEN];
	size_t len;
	int r;

	if (c->nargs != 0 || !cli_has(c, O_OUT) || cli_has(c, O_CREDENTIAL) ||
	    cli_has(c, O_EK_CA) || cli_has(c, O_PIN_EK))
		return diag_fail(d, CS_E_USAGE,
		    "--state, --answer and --out alone", "other options");
	if (file_exists(AT_FDCWD, cli_get(c, O_OUT)))
		return diag_fail(d, CS_E_HOST_EXISTS, NULL, "%s",
		    cli_get(c, O_OUT));
	r = file_read(AT_FDCWD, cli_get(c, O_STATE), ATTEST_FILE_MAX, &text,
	    &len, d);
	if (r == 0)
		r = attest_pinned_parse(text, len, true, &p, d);
	if (r == 0)
		r = attest_hex_arg(cli_get(c, O_ANSWER), answer, d);
	if (r == 0)
		r = attest_check_activation(&p, answer, d);
	if (r != 0)
		return r;
	p.pending = false;
	r = write_pinned(cli_get(c, O_OUT), &p, d);
	return r != 0 ? r : report(c, &p, "enrolled", d);
}

static int
run(const struct cli *c, struct diag *d)
{
	attest_quiet();
	return cli_has(c, O_ANSWER) ? finish(c, d) : begin(c, d);
}

const struct cli_verb verb_attest_enroll = {
	.group = "attest",
	.name = "enroll",
	.operands = "[FOLDER]",
	.min_args = 0,
	.max_args = 1,
	.about = "Pin an appliance's attestation key, in two steps.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
