/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wishes that the format x509 signs: a certificate for a certification
 * request, or a list of revoked ones.  What is written is read again as the
 * appliance will.
 */
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host-tools/cli.h"
#include "lib/file.h"
#include "lib/ossl.h"
#include "lib/sigfmt.h"
#include "lib/x509.h"

#define DAY	INT64_C(86400)
#define CSR_MAX (16u << 10)

/* A whole number of at most 9 digits */
static int
number(const struct cli *c, size_t opt, const char *name, int64_t *ret,
    struct diag *d)
{
	const char *s = cli_get(c, opt);
	const size_t n = strlen(s);

	if (n == 0 || n > 9 || strspn(s, "0123456789") != n)
		return diag_fail(d, CS_E_USAGE, "a whole number", "--%s %.40s",
		    name, s);
	*ret = strtoll(s, NULL, 10);
	return 0;
}

static int
period(const struct cli *c, size_t from, size_t days, int64_t *ret_from,
    int64_t *ret_until, struct diag *d)
{
	int64_t n;
	int r = number(c, days, "days", &n, d);

	if (r != 0)
		return r;
	*ret_from = time(NULL);
	if (cli_has(c, from) && time_parse(cli_get(c, from), ret_from) != 0)
		return diag_fail(d, CS_E_USAGE,
		    "a time as 2026-11-25T02:00:00Z", "--from %.40s",
		    cli_get(c, from));
	*ret_until = *ret_from + n * DAY;
	return 0;
}

/* Read as the signer reads it; then it takes its name. */
static int
write_wish(const char *path, const char *text, size_t len, struct diag *d)
{
	struct x509_wish w;
	int r;

	if (len > SIGFMT_TEXT_MAX)
		return diag_fail(d, CS_E_X509_WISH, "at most 4096 bytes", "%zu",
		    len);
	r = x509_wish_read(text, len, &w, d);
	if (r != 0)
		return r;
	x509_wish_done(&w);
	return file_write_atomic(AT_FDCWD, path, text, len, 0644, d);
}

/* --- certificate request ----------------------------------------------- */

enum { R_CSR, R_PROFILE, R_DAYS, R_FROM, R_PATH, R_OUT };

static const struct cli_opt request_options[] = {
	[R_CSR] = { "csr", "FILE", CLI_REQUIRED,
	    "the certification request, PEM (openssl req -new)" },
	[R_PROFILE] = { "profile", "NAME", CLI_REQUIRED,
	    "root, intermediate, cross or code-signing" },
	[R_DAYS] = { "days", "N", CLI_REQUIRED, "how long it is valid" },
	[R_FROM] = { "from", "TIME", 0,
	    "when that begins, as 2026-11-25T02:00:00Z (default: now)" },
	[R_PATH] = { "path-length", "N", 0,
	    "how many CAs may stand below this one" },
	[R_OUT] = { "out", "FILE", CLI_REQUIRED, "the wish to write" },
};

static int
load_csr(const char *path, unsigned char **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_free_ uint8_t *pem = NULL;
	_cleanup_(bio_freep) BIO *bio = NULL;
	_cleanup_(req_freep) X509_REQ *q = NULL;
	size_t len;
	int n, r;

	r = file_read(AT_FDCWD, path, CSR_MAX, &pem, &len, d);
	if (r != 0)
		return r;
	bio = BIO_new_mem_buf(pem, (int)len);
	if (bio != NULL)
		q = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
	n = q == NULL ? -1 : i2d_X509_REQ(q, ret);
	ERR_clear_error();
	if (n <= 0)
		return diag_fail(d, CS_E_X509_CSR, "a PEM CERTIFICATE REQUEST",
		    "something else in %.200s", path);
	*ret_len = (size_t)n;
	return 0;
}

static int
make_request(const struct cli *c, struct x509_wish_new *n, struct diag *d)
{
	_cleanup_(openssl_freep) unsigned char *csr = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	r = load_csr(cli_get(c, R_CSR), &csr, &n->csr_len, d);
	if (r != 0)
		return r;
	n->csr = csr;
	if (RAND_bytes(n->nonce, sizeof(n->nonce)) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "random bytes");
	r = x509_wish_format(n, &text, &len);
	if (r != 0)
		return diag_fail(d, r, NULL, "the wish");
	return write_wish(cli_get(c, R_OUT), text, len, d);
}

static int
run_request(const struct cli *c, struct diag *d)
{
	struct x509_wish_new n = { .profile = cli_get(c, R_PROFILE),
		.path_length = -1 };
	int64_t path;
	int r;

	r = period(c, R_FROM, R_DAYS, &n.from, &n.until, d);
	if (r == 0 && cli_has(c, R_PATH)) {
		r = number(c, R_PATH, "path-length", &path, d);
		if (r == 0)
			n.path_length = (int)path;
	}
	return r != 0 ? r : make_request(c, &n, d);
}

const struct cli_verb verb_certificate_request = {
	.group = "certificate",
	.name = "request",
	.operands = "",
	.about = "Write the wish for a certificate, to be signed as x509.",
	.opts = request_options,
	.nopts = ARRAY_LEN(request_options),
	.run = run_request,
};

/* --- certificate crl --------------------------------------------------- */

enum { C_NUMBER, C_DAYS, C_FROM, C_REVOKE, C_OUT };

static const struct cli_opt crl_options[] = {
	[C_NUMBER] = { "number", "N", CLI_REQUIRED,
	    "the list's number: more than that of the one before" },
	[C_DAYS] = { "days", "N", CLI_REQUIRED, "until the next list" },
	[C_FROM] = { "from", "TIME", 0,
	    "when the list is from, as 2026-11-25T02:00:00Z (default: now)" },
	[C_REVOKE] = { "revoke", "SERIAL,REASON,TIME", CLI_MANY,
	    "a revoked certificate: hexadecimal, RFC 5280's reason, when" },
	[C_OUT] = { "out", "FILE", CLI_REQUIRED, "the wish to write" },
};

struct entry {
	char serial[2 * X509_SERIAL_LEN + 1], reason[32], time[21];
};

static int
split(const char *s, struct entry *ret, struct diag *d)
{
	const char *a = strchr(s, ','), *b = a == NULL ? a : strchr(a + 1, ',');
	size_t i, n = 0;

	if (b == NULL || (size_t)(b - a) > sizeof(ret->reason) ||
	    strlen(b + 1) >= sizeof(ret->time))
		return diag_fail(d, CS_E_USAGE, "SERIAL,REASON,TIME",
		    "--revoke %.100s", s);
	/* as openssl prints them: upper case, with zeros before */
	for (i = 0; s + i < a; i++)
		if (s[i] != ':' && n < sizeof(ret->serial) - 1)
			ret->serial[n++] = (char)(s[i] >= 'A' && s[i] <= 'F' ?
				s[i] - 'A' + 'a' :
				s[i]);
	ret->serial[n] = '\0';
	while (n > 2 && n % 2 == 0 && strncmp(ret->serial, "00", 2) == 0) {
		n -= 2;
		memmove(ret->serial, ret->serial + 2, n + 1);
	}
	(void)snprintf(ret->reason, sizeof(ret->reason), "%.*s",
	    (int)(b - a - 1), a + 1);
	(void)snprintf(ret->time, sizeof(ret->time), "%s", b + 1);
	return 0;
}

static int
by_serial(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const size_t n = strlen(x->serial), m = strlen(y->serial);

	return n != m ? (n < m ? -1 : 1) : strcmp(x->serial, y->serial);
}

static json_t *
revoked(const struct entry *e, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; list != NULL && i < n; i++)
		if (json_array_append_new(list,
			json_pack("{s:s, s:s, s:s}", "reason", e[i].reason,
			    "serial", e[i].serial, "time", e[i].time)) != 0) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static int
entries(const struct cli *c, struct entry **ret, size_t *ret_n, struct diag *d)
{
	const struct cli_value *v = &c->val[C_REVOKE];
	_cleanup_free_ struct entry *e = calloc(v->n + 1, sizeof(*e));
	size_t i;
	int r = 0;

	if (e == NULL)
		return diag_nomem(d);
	for (i = 0; r == 0 && i < v->n; i++)
		r = split(v->v[i], &e[i], d);
	if (r != 0)
		return r;
	qsort(e, v->n, sizeof(*e), by_serial);
	*ret_n = v->n;
	*ret = take_ptr(e);
	return 0;
}

static int
run_crl(const struct cli *c, struct diag *d)
{
	_cleanup_free_ struct entry *e = NULL;
	_cleanup_json_ json_t *root = NULL;
	_cleanup_free_ char *text = NULL;
	int64_t from, until, n;
	size_t count = 0, len;
	int r;

	r = period(c, C_FROM, C_DAYS, &from, &until, d);
	if (r == 0)
		r = number(c, C_NUMBER, "number", &n, d);
	if (r == 0)
		r = entries(c, &e, &count, d);
	if (r != 0)
		return r;
	root = json_pack("{s:o*, s:I, s:o*, s:o*, s:s}", "nextUpdate",
	    json_time(until), "number", (json_int_t)n, "revoked",
	    revoked(e, count), "thisUpdate", json_time(from), "type", "crl");
	if (root == NULL || json_canonical(root, &text, &len) != 0)
		return diag_nomem(d);
	return write_wish(cli_get(c, C_OUT), text, len, d);
}

const struct cli_verb verb_certificate_crl = {
	.group = "certificate",
	.name = "crl",
	.operands = "",
	.about = "Write the wish for a list of revoked certificates.",
	.opts = crl_options,
	.nopts = ARRAY_LEN(crl_options),
	.run = run_crl,
};
