/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The appliance's half of attestation for tests with stock tools:
 *	mkattest TCTI enrol FOLDER [INDEX]
 *	mkattest TCTI activate CREDENTIAL		answer, then secret
 *	mkattest TCTI quote MASK QUALIFYING MESSAGE SIGNATURE
 *	mkattest TCTI certify INDEX QUALIFYING MESSAGE SIGNATURE
 *	mkattest TCTI answer OUT IMAGE CHECKPOINT MASK INDEX [CHALLENGE]
 *	mkattest TCTI golden IMAGE MASK			manifest
 *	mkattest - credential EK.PUB NAME SECRET OUT
 *	mkattest - eventlog OUT [PCR TEXT]...
 *	mkattest - replay EVENTLOG			lines PCR VALUE
 * Numbers as strtoul(3) reads them; bytes in hexadecimal.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "tests/lib/eventlog.h"
#include "tpm/attest.h"

static void
must(const char *what, int r, const struct diag *d)
{
	char text[1024];

	if (r == 0)
		return;
	diag_format(d, text, sizeof(text));
	(void)fprintf(stderr, "mkattest: %s: %s\n%s", what, err_id(r), text);
	exit(err_exit(r));
}

static void
put(const char *dir, const char *name, const void *p, size_t len)
{
	struct diag d = { 0 };
	char *path = NULL;

	if (asprintf(&path, "%s%s%s", dir, *dir != '\0' ? "/" : "", name) < 0)
		abort();
	must(path, file_write_atomic(AT_FDCWD, path, p, len, 0644, &d), &d);
	free(path);
}

static uint8_t *
get(const char *path, size_t *ret_len)
{
	struct diag d = { 0 };
	uint8_t *p;

	must(path, file_read(AT_FDCWD, path, ATTEST_LOG_MAX, &p, ret_len, &d),
	    &d);
	return p;
}

static void
bytes(const char *hex, uint8_t *out, size_t len)
{
	if (hex_decode(hex, out, len) != 0) {
		(void)fprintf(stderr, "mkattest: not hex: %s\n", hex);
		exit(CS_EXIT_USAGE);
	}
}

static uint32_t
number(const char *s)
{
	return (uint32_t)strtoul(s, NULL, 0);
}

static void
print(const uint8_t *p, size_t len)
{
	char hex[2 * ATTEST_MAX + 1];

	hex_encode(p, len, hex);
	(void)puts(hex);
}

static void
enrol(struct tpm *t, int argc, char **argv)
{
	struct buf b = BUF_INIT(ATTEST_MAX), cert = BUF_INIT(ATTEST_CERT_MAX);
	struct diag d = { 0 };

	must("EK", tpm_ek_read(t, &b, &cert, &d), &d);
	put(argv[0], "ek.pub", b.p, b.len);
	if (cert.len > 0)
		put(argv[0], "ek.crt", cert.p, cert.len);
	must("AK", tpm_ak_read(t, &b, &d), &d);
	put(argv[0], "ak.pub", b.p, b.len);
	if (argc > 1) {
		must("index", tpm_nv_public_read(t, number(argv[1]), &b, &d),
		    &d);
		put(argv[0], "anchor.pub", b.p, b.len);
	}
	buf_done(&b);
	buf_done(&cert);
}

static void
activate(struct tpm *t, int argc, char **argv)
{
	_cleanup_secret_ struct secret *s = NULL;
	_cleanup_free_ uint8_t *p = NULL;
	uint8_t answer[CS_SHA256_LEN];
	struct diag d = { 0 };
	size_t len;

	(void)argc;
	p = get(argv[0], &len);
	must("activate", tpm_activate(t, p, len, &s, &d), &d);
	must("answer", attest_activation_answer(secret_data(s), answer), &d);
	print(answer, sizeof(answer));
	print(secret_data(s), secret_len(s));
}

static void
evidence(const struct attest_evidence *e, char **argv)
{
	put("", argv[0], e->attest, e->attest_len);
	put("", argv[1], e->signature, e->signature_len);
}

static void
quote(struct tpm *t, int argc, char **argv)
{
	uint8_t qualifying[CS_SHA256_LEN];
	struct attest_evidence e;
	struct diag d = { 0 };

	(void)argc;
	bytes(argv[1], qualifying, sizeof(qualifying));
	must("quote", tpm_quote(t, number(argv[0]), qualifying, &e, &d), &d);
	evidence(&e, argv + 2);
}

static void
certify(struct tpm *t, int argc, char **argv)
{
	uint8_t qualifying[CS_SHA256_LEN];
	struct attest_evidence e;
	struct diag d = { 0 };

	(void)argc;
	bytes(argv[1], qualifying, sizeof(qualifying));
	must("certify", tpm_nv_certify(t, number(argv[0]), qualifying, &e, &d),
	    &d);
	evidence(&e, argv + 2);
}

static void
answer(struct tpm *t, int argc, char **argv)
{
	_cleanup_free_ uint8_t *note = NULL;
	_cleanup_free_ char *text = NULL;
	uint8_t challenge[CS_SHA256_LEN];
	struct diag d = { 0 };
	struct attest_facts f;
	size_t len;

	note = get(argv[2], &len);
	if (argc > 5)
		bytes(argv[5], challenge, sizeof(challenge));
	f = (struct attest_facts){
		.image_version = number(argv[1]),
		.policy_version = 1,
		.checkpoint = (const char *)note,
		.challenge = argc > 5 ? challenge : NULL,
		.pcrs = number(argv[3]),
		.anchor = number(argv[4]),
	};
	must("answer", attest_answer(t, &f, &text, &len, &d), &d);
	put("", argv[0], text, len);
}

static void
golden(struct tpm *t, int argc, char **argv)
{
	uint8_t value[CS_SHA256_LEN];
	char hex[CS_SHA256_HEX + 1];
	struct diag d = { 0 };
	const char *comma = "";
	unsigned i;

	(void)argc;
	(void)printf("{\"pcrs\":{");
	for (i = 0; i < ATTEST_PCRS; i++) {
		if ((number(argv[1]) & 1u << i) == 0)
			continue;
		must("PCR", tpm_pcr_read(t, i, value, &d), &d);
		hex_encode(value, sizeof(value), hex);
		(void)printf("%s\"%u\":\"%s\"", comma, i, hex);
		comma = ",";
	}
	(void)printf("},\"version\":%u}\n", number(argv[0]));
}

static void
credential(struct tpm *t, int argc, char **argv)
{
	uint8_t name[ATTEST_NAME_LEN], secret[ATTEST_SECRET_LEN];
	struct buf out = BUF_INIT(ATTEST_MAX);
	_cleanup_free_ uint8_t *ek = NULL;
	struct diag d = { 0 };
	size_t len;

	(void)t;
	(void)argc;
	ek = get(argv[0], &len);
	bytes(argv[1], name, sizeof(name));
	bytes(argv[2], secret, sizeof(secret));
	must("credential",
	    attest_make_credential(ek, len, name, secret, &out, &d), &d);
	put("", argv[3], out.p, out.len);
	buf_done(&out);
}

static void
make_log(struct tpm *t, int argc, char **argv)
{
	struct buf out = BUF_INIT(65536);
	int i;

	(void)t;
	eventlog_begin(&out);
	for (i = 1; i + 1 < argc; i += 2)
		eventlog_action(&out, number(argv[i]), argv[i + 1]);
	put("", argv[0], out.p, out.len);
	buf_done(&out);
}

static void
replay(struct tpm *t, int argc, char **argv)
{
	_cleanup_free_ uint8_t *log = NULL;
	struct attest_pcrs pcrs;
	struct diag d = { 0 };
	size_t len, n;
	unsigned i;

	(void)t;
	(void)argc;
	log = get(argv[0], &len);
	must("replay", attest_log_replay(log, len, &pcrs, &n, &d), &d);
	for (i = 0; i < ATTEST_PCRS; i++) {
		(void)printf("%u ", i);
		print(pcrs.value[i], CS_SHA256_LEN);
	}
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int min;
		void (*run)(struct tpm *, int, char **);
	} commands[] = {
		{ "enrol", 1, enrol },
		{ "activate", 1, activate },
		{ "quote", 4, quote },
		{ "certify", 4, certify },
		{ "answer", 5, answer },
		{ "golden", 2, golden },
		{ "credential", 4, credential },
		{ "eventlog", 1, make_log },
		{ "replay", 1, replay },
	};
	_cleanup_tpm_ struct tpm *t = NULL;
	struct diag d = { 0 };
	size_t i;

	(void)setenv("TSS2_LOG", "all+NONE", 0);
	for (i = 0; argc > 2 && i < ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i].name, argv[2]) != 0 ||
		    argc - 3 < commands[i].min)
			continue;
		if (strcmp(argv[1], "-") != 0)
			must(argv[1], tpm_open(argv[1], 0, &t, &d), &d);
		commands[i].run(t, argc - 3, argv + 3);
		return 0;
	}
	(void)fputs("usage: see tests/lib/mkattest.c\n", stderr);
	return CS_EXIT_USAGE;
}
