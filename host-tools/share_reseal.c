/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/share_inputs.h"
#include "host-tools/show.h"
#include "lib/file.h"
#include "lib/hex.h"

enum {
	O_KEY,
	O_CERT,
	O_TO,
	O_OUT,
	O_TO_DIGEST,
	O_MANIFEST,
	O_RECORD_KEY,
	O_PIN_FILE
};

static const struct cli_opt options[] = {
	[O_KEY] = { "key", "FILE", CLI_REQUIRED,
	    "the custodian's private key, PEM" },
	[O_CERT] = { "cert", "FILE", CLI_REQUIRED,
	    "the custodian's certificate, PEM or DER" },
	[O_TO] = { "to", "FILE", CLI_REQUIRED,
	    "the new appliance's certificate for this recovery" },
	[O_OUT] = { "out", "FILE", CLI_REQUIRED,
	    "the file to write; must not exist" },
	[O_TO_DIGEST] = { "to-digest", "HEX", 0,
	    "SHA-256 of that certificate, from the appliance's screen" },
	[O_MANIFEST] = { "manifest", "FILE", 0,
	    "list of shares, to check the opened share with" },
	[O_RECORD_KEY] = { "record-key", "FILE", 0,
	    "public key that signed the list, record.pem" },
	[O_PIN_FILE] = { "pin-file", "FILE", 0,
	    "one line: the pass phrase of the private key" },
};

static void
buf_donep(struct buf *b)
{
	buf_done(b);
}

static void
pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static int
load_target(const struct cli *c, struct certfile *ret, struct diag *d)
{
	const char *want = cli_get(c, O_TO_DIGEST);
	uint8_t digest[CS_SHA256_LEN];
	int r;

	r = certfile_load(cli_get(c, O_TO), ret, d);
	if (r != 0 || want == NULL)
		return r;
	if (hex_decode(want, digest, sizeof(digest)) != 0)
		return diag_fail(d, CS_E_HEX, "64 lower-case digits",
		    "--to-digest %.70s", want);
	if (memcmp(digest, ret->digest, sizeof(digest)) != 0)
		return diag_fail(d, CS_E_SHARE_TARGET, want,
		    "another certificate in %s", cli_get(c, O_TO));
	return 0;
}

/* By the list, if there is one: it is the share that its custodian got. */
static int
check_share(const struct cli *c, const struct share *s, struct secret *record,
    struct diag *d)
{
	struct share_manifest m;
	int r;

	if (!cli_has(c, O_MANIFEST))
		return 0;
	r = share_list_load(cli_get(c, O_MANIFEST), cli_get(c, O_RECORD_KEY),
	    &m, d);
	if (r == 0)
		r = share_check_head(&m, s, d);
	return r != 0 ? r : share_check_digest(&m, s, record, d);
}

static int
open_share(const struct cli *c, struct secret **ret, struct share *share,
    struct diag *d)
{
	_cleanup_secret_ struct secret *record = NULL;
	_cleanup_certfile_ struct certfile cert = { 0 };
	_cleanup_(pkey_freep) EVP_PKEY *key = NULL;
	_cleanup_free_ uint8_t *cms = NULL;
	size_t len;
	int r;

	r = certfile_load(cli_get(c, O_CERT), &cert, d);
	if (r == 0)
		r = share_file_load(c->args[0], &cms, &len, d);
	if (r == 0)
		r = share_key_load(cli_get(c, O_KEY), cli_get(c, O_PIN_FILE),
		    &key, d);
	if (r == 0)
		r = share_open(cms, len, key, cert.der, cert.len, &record, d);
	if (r == 0)
		r = share_decode(record, share, d);
	if (r == 0)
		r = check_share(c, share, record, d);
	if (r != 0)
		return r;
	*ret = take_ptr(record);
	return 0;
}

static void
show_done(const struct cli *c, const struct share *s, const struct certfile *to)
{
	(void)printf("%-13s%u of %u; any %u recover the domain\n", "share",
	    s->index, s->head.count, s->head.threshold);
	show_text("domain", s->head.domain);
	show_text("appliance", s->head.origin);
	show_digest("sealed to", to->digest);
	if (!cli_has(c, O_TO_DIGEST))
		(void)puts("Compare these words with the appliance's screen "
			   "before you hand the file over.");
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(buf_donep) struct buf again = BUF_INIT(SHARE_CMS_MAX);
	_cleanup_secret_ struct secret *record = NULL;
	_cleanup_certfile_ struct certfile to = { 0 };
	_cleanup_share_ struct share share = { 0 };
	const char *out = cli_get(c, O_OUT);
	int r;

	if (cli_has(c, O_RECORD_KEY) && !cli_has(c, O_MANIFEST))
		return diag_fail(d, CS_E_USAGE, "--manifest with it",
		    "--record-key alone");
	if (file_exists(AT_FDCWD, out))
		return diag_fail(d, CS_E_HOST_EXISTS, NULL, "%s", out);
	r = load_target(c, &to, d);
	if (r == 0)
		r = open_share(c, &record, &share, d);
	if (r == 0)
		r = share_seal(to.der, to.len, record, &again, d);
	if (r == 0)
		r = file_write_atomic(AT_FDCWD, out, again.p, again.len, 0600,
		    d);
	if (r != 0)
		return r;
	show_done(c, &share, &to);
	return 0;
}

const struct cli_verb verb_share_reseal = {
	.group = "share",
	.name = "reseal",
	.operands = "SHARE",
	.min_args = 1,
	.max_args = 1,
	.about = "Encrypt a recovery share again, to the new appliance.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
