/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An auditor's receipt for what was accepted: the newest checkpoint with the
 * auditor's cosignature (lib/PROTOCOL.receipt), as a bundle to carry in.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "host-tools/audit_db.h"
#include "host-tools/audit_where.h"
#include "host-tools/cli.h"
#include "host-tools/hostkey.h"
#include "host-tools/package.h"
#include "host-tools/show.h"
#include "lib/cosign.h"
#include "lib/file.h"

enum { O_DB, O_KEY, O_MODULE, O_PIN, O_NAME, O_OUT, O_VKEY };

static const struct cli_opt options[] = {
	[O_DB] = AUDIT_OPT_DB,
	[O_KEY] = { "key", "KEY", CLI_REQUIRED,
	    "the auditor's Ed25519 key: a PEM file or a pkcs11: URI" },
	[O_MODULE] = { "module", "FILE", 0, "PKCS#11 module of the token" },
	[O_PIN] = { "pin-file", "FILE", 0,
	    "the token's PIN, or the PEM file's pass phrase" },
	[O_NAME] = { "name", "NAME", CLI_REQUIRED,
	    "the auditor's name: a host name and a path, no spaces, no '+'" },
	[O_OUT] = { "out", "FILE", 0, "the receipt to write, COLDSEAL.RCP" },
	[O_VKEY] = { "vkey", "FILE", 0,
	    "write the verifier key that receipts are checked with" },
};

/* RFC 8410 section 4: all that stands before the 32 bytes of a key */
static const uint8_t ed25519_spki[12] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
	0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

static int
cosigner(const char *name, const struct hostkey *key, struct cosign_key *ret,
    struct diag *d)
{
	const struct pubkey *p = hostkey_public(key);

	if (p->spki_len != sizeof(ed25519_spki) + 32 ||
	    memcmp(p->spki, ed25519_spki, sizeof(ed25519_spki)) != 0)
		return diag_fail(d, CS_E_COSIGN_KEY, "an Ed25519 key",
		    "a key of another type");
	return cosign_key_make(name, p->spki + sizeof(ed25519_spki), ret, d);
}

static int
write_vkey(const char *path, const struct cosign_key *k, struct diag *d)
{
	char text[NOTE_VKEY_TEXT_MAX + 1];
	size_t n;

	cosign_key_format(k, text);
	n = strlen(text);
	text[n++] = '\n';
	return file_write_atomic(AT_FDCWD, path, text, n, 0644, d);
}

/* The signed text ends where the checkpoint's three lines do. */
static int
cosign(struct hostkey *key, const struct cosign_key *k,
    const struct audit_head *head, uint64_t at, char **ret, size_t *ret_len,
    struct diag *d)
{
	char text[CHECKPOINT_TEXT_MAX], message[COSIGN_MESSAGE_MAX];
	_cleanup_free_ uint8_t *sig = NULL;
	size_t len = 0, sig_len = 0;
	int r;

	r = checkpoint_format(&head->c, text, d);
	if (r == 0)
		r = cosign_message(text, strlen(text), at, message, &len, d);
	if (r == 0)
		r = hostkey_sign(key, message, len, &sig, &sig_len, d);
	if (r == 0 && sig_len != 64)
		r = diag_fail(d, CS_E_COSIGN_KEY, "64 bytes of Ed25519",
		    "%zu bytes", sig_len);
	if (r != 0)
		return r;
	return cosign_add(head->note, strlen(head->note), k, at, sig, ret,
	    ret_len, d);
}

static int
write_receipt(const char *path, struct hostkey *key, const struct cosign_key *k,
    const struct audit_head *head, const struct note_vkeys *log, struct diag *d)
{
	struct package_item item = { .name = "receipt" };
	_cleanup_free_ char *note = NULL;
	struct checkpoint c;
	uint64_t at = 0;
	size_t len = 0;
	int r;

	r = cosign(key, k, head, (uint64_t)time(NULL), &note, &len, d);
	/* what the appliance will say of it */
	if (r == 0)
		r = receipt_verify(note, len, log, k, &c, &at, d);
	if (r == 0 && (r = sha256(note, len, item.sha256)) != 0)
		r = diag_fail(d, r, NULL, "SHA-256");
	item.data = note;
	item.size = len;
	if (r == 0)
		r = package_write(path, "receipt", &item, 1, d);
	if (r != 0)
		return r;
	show_text("log", c.origin);
	(void)printf("%-13s%" PRIu64 "\n", "leaves", c.size);
	show_digest("root", c.root);
	show_time("cosigned", (int64_t)at);
	show_text("written", path);
	return 0;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_audit_db_ struct audit_db *db = NULL;
	_cleanup_hostkey_ struct hostkey *key = NULL;
	struct audit_head head = { .note = NULL };
	struct note_vkeys log;
	struct cosign_key k;
	int r;

	if (!cli_has(c, O_OUT) && !cli_has(c, O_VKEY))
		return diag_fail(d, CS_E_USAGE, "--out, --vkey or both",
		    "none of them");
	r = hostkey_open(cli_get(c, O_KEY), cli_get(c, O_MODULE),
	    cli_get(c, O_PIN), &key, d);
	if (r == 0)
		r = cosigner(cli_get(c, O_NAME), key, &k, d);
	if (r == 0)
		r = audit_db_open_read(cli_get(c, O_DB), &log, &db, d);
	if (r == 0)
		r = audit_db_head(db, &head, d);
	if (r == 0 && !head.any)
		r = diag_fail(d, CS_E_AUDIT_DB_FORMAT, "an imported log",
		    "nothing has been imported");
	if (r == 0 && cli_has(c, O_VKEY))
		r = write_vkey(cli_get(c, O_VKEY), &k, d);
	if (r == 0 && cli_has(c, O_OUT))
		r = write_receipt(cli_get(c, O_OUT), key, &k, &head, &log, d);
	free(head.note);
	return r;
}

const struct cli_verb verb_audit_receipt = {
	.group = "audit",
	.name = "receipt",
	.operands = "",
	.about = "Cosign the newest accepted checkpoint, for the appliance.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
