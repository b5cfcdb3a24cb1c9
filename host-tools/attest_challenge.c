/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <openssl/rand.h>
#include <unistd.h>

#include "host-tools/cli.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/json.h"
#include "lib/qrtext.h"

enum { O_OUT, O_QR, O_JSON };

static const struct cli_opt options[] = {
	[O_OUT] = { "out", "FILE", CLI_REQUIRED,
	    "where to keep it, for attest verify" },
	[O_QR] = { "qr", NULL, 0, "as a QR code, too" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static int
print_qr(const char *line, struct diag *d)
{
	struct buf b __attribute__((cleanup(buf_done))) = BUF_INIT(QRTEXT_MAX);
	int r = qrtext_draw(line, qrtext_style_of(STDOUT_FILENO), &b);

	if (r != 0)
		return diag_fail(d, r, NULL, "the challenge");
	(void)fwrite(b.p, 1, b.len, stdout);
	return 0;
}

static int
run(const struct cli *c, struct diag *d)
{
	char line[CS_SHA256_HEX + 2];
	uint8_t challenge[CS_SHA256_LEN];
	int r;

	if (cli_has(c, O_QR) && cli_has(c, O_JSON))
		return diag_fail(d, CS_E_USAGE, "one of them",
		    "--qr and --json");
	if (RAND_bytes(challenge, sizeof(challenge)) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "RAND_bytes");
	hex_encode(challenge, sizeof(challenge), line);
	line[CS_SHA256_HEX] = '\n';
	r = file_write_atomic(AT_FDCWD, cli_get(c, O_OUT), line,
	    CS_SHA256_HEX + 1, 0644, d);
	line[CS_SHA256_HEX] = '\0';
	if (r != 0)
		return r;
	if (cli_has(c, O_JSON))
		return cli_print_json(json_pack("{s:s}", "challenge", line), d);
	(void)puts(line);
	return cli_has(c, O_QR) ? print_qr(line, d) : 0;
}

const struct cli_verb verb_attest_challenge = {
	.group = "attest",
	.name = "challenge",
	.operands = "",
	.about = "Make a challenge that only a fresh answer can meet.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
