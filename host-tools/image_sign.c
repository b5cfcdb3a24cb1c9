/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/hostkey.h"
#include "host-tools/show.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/note.h"
#include "tpm/image.h"

enum { O_VERSION, O_PCR, O_KEY, O_MODULE, O_PIN, O_OUT };

static const struct cli_opt options[] = {
	[O_VERSION] = { "version", "N", CLI_REQUIRED,
	    "the image's version, 1 or more" },
	[O_PCR] = { "pcr", "N=HEX", CLI_REQUIRED | CLI_MANY,
	    "a PCR of the SHA-256 bank and its value in that image" },
	[O_KEY] = { "key", "KEY", CLI_REQUIRED,
	    "the image release key: a PEM file or a pkcs11: URI" },
	[O_MODULE] = { "module", "FILE", 0, "PKCS#11 module of the token" },
	[O_PIN] = { "pin-file", "FILE", 0,
	    "the token's PIN, or the PEM file's pass phrase" },
	[O_OUT] = { "out", "FILE", CLI_REQUIRED, "the image policy to write" },
};

static int
parse_pcr(const char *arg, struct tpm_pcr_values *v, struct diag *d)
{
	const char *eq = strchr(arg, '=');
	uint64_t n = 0;

	if (eq == NULL || note_size_parse(arg, (size_t)(eq - arg), &n) != 0 ||
	    n >= TPM_PCR_COUNT || (v->mask >> n & 1) != 0 ||
	    hex_decode(eq + 1, v->value[n], CS_SHA256_LEN) != 0)
		return diag_fail(d, CS_E_USAGE,
		    "PCR 0 to 23, once each, = and 64 lower-case digits",
		    "\"%s\"", arg);
	v->mask |= 1u << n;
	return 0;
}

static int
parse(const struct cli *c, uint64_t *version, struct tpm_pcr_values *v,
    struct diag *d)
{
	const char *text = cli_get(c, O_VERSION);
	size_t i;
	int r = 0;

	if (note_size_parse(text, strlen(text), version) != 0 || *version == 0)
		return diag_fail(d, CS_E_USAGE, "a version of 1 or more",
		    "\"%s\"", text);
	for (i = 0; r == 0 && i < c->val[O_PCR].n; i++)
		r = parse_pcr(c->val[O_PCR].v[i], v, d);
	return r;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_hostkey_ struct hostkey *key = NULL;
	_cleanup_tpm_image_ struct tpm_image *img = NULL;
	_cleanup_free_ uint8_t *sig = NULL;
	_cleanup_free_ char *out = NULL;
	struct tpm_pcr_values v = { .mask = 0 };
	struct buf tbs = BUF_INIT(256);
	uint64_t version = 0;
	size_t len, sig_len;
	int r;

	r = parse(c, &version, &v, d);
	if (r == 0)
		r = hostkey_open(cli_get(c, O_KEY), cli_get(c, O_MODULE),
		    cli_get(c, O_PIN), &key, d);
	if (r == 0)
		r = tpm_image_tbs(version, &v, hostkey_public(key), &tbs, d);
	if (r == 0)
		r = hostkey_sign(key, tbs.p, tbs.len, &sig, &sig_len, d);
	buf_done(&tbs);
	if (r == 0)
		r = tpm_image_format(version, &v, hostkey_public(key), sig,
		    sig_len, &out, &len);
	/* what the appliance will say of it */
	if (r == 0)
		r = tpm_image_parse(out, len, &img, d);
	if (r == 0)
		r = file_write_atomic(AT_FDCWD, cli_get(c, O_OUT), out, len,
		    0644, d);
	if (r != 0)
		return r;
	(void)printf("%-13s%llu\n", "version", (unsigned long long)version);
	show_digest("policy", img->approved);
	return 0;
}

const struct cli_verb verb_image_sign = {
	.group = "image",
	.name = "sign",
	.operands = "",
	.about = "Sign the PCR values of a released image.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
