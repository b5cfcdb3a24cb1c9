/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_trace.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "host-tools/cli.h"
#include "host-tools/show.h"
#include "lib/hex.h"
#include "lib/json.h"
#include "lib/sha.h"

#define PIECE	       (1u << 20)
#define SIGNATURES_MAX 1000u /* of one file */

enum { O_DB, O_TILES, O_JSON };

static const struct cli_opt options[] = {
	[O_DB] = AUDIT_OPT_DB,
	[O_TILES] = AUDIT_OPT_TILES,
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static int
hash_fd(int fd, char ret[CS_SHA256_HEX + 1])
{
	_cleanup_free_ uint8_t *piece = malloc(PIECE);
	struct hasher *h = NULL;
	uint8_t digest[32];
	ssize_t n = 1;
	int r;

	if (piece == NULL)
		return CS_E_NOMEM;
	r = hasher_new(HASH_SHA256, &h);
	while (r == 0 && n > 0) {
		n = read(fd, piece, PIECE);
		if (n > 0)
			r = hasher_update(h, piece, (size_t)n);
	}
	if (r == 0)
		r = n < 0 ? CS_E_IO : hasher_final(h, digest, sizeof(digest));
	hasher_free(&h);
	if (r == 0)
		hex_encode(digest, sizeof(digest), ret);
	return r;
}

/* A file's digest, or the digest itself. */
static int
digest_of(const char *what, char ret[CS_SHA256_HEX + 1], struct diag *d)
{
	_cleanup_fd_ int fd = open(what, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0 && hex_is(what, CS_SHA256_HEX)) {
		memcpy(ret, what, CS_SHA256_HEX + 1);
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "%.80s", what);
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, CS_E_HOST_NOT_FILE,
		    "a file, or 64 hexadecimal digits", "%.80s", what);
	r = hash_fd(fd, ret);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "reading %.80s", what);
}

static int
collect(struct audit_view *a, const char *digest, json_t *all, uint64_t *ret_n,
    struct diag *d)
{
	const struct audit_arg args[] = { AUDIT_TEXT(digest) };
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = true;
	int r;

	*ret_n = 0;
	r = audit_rows_open(a->db,
	    "SELECT idx FROM signature WHERE artifact = $1"
	    " UNION SELECT idx FROM signature WHERE signature_sha256 = $1"
	    " ORDER BY 1",
	    args, 1, &q, d);
	while (r == 0) {
		json_t *trace = NULL;

		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		if ((*ret_n)++ >= SIGNATURES_MAX)
			continue;
		r = audit_trace_of(a, audit_rows_number(q, 0), &trace, d);
		if (r == 0 && json_array_append_new(all, trace) != 0)
			r = diag_nomem(d);
	}
	return r;
}

/* The index led here by the digest: the leaf must have it. */
static int
check_found(const char *digest, const json_t *all, struct diag *d)
{
	const json_t *t, *sig;
	size_t i;

	json_array_foreach (all, i, t) {
		sig = json_object_get(t, "signature");
		if (strcmp(leaf_text(sig, "data.artifact"), digest) != 0 &&
		    strcmp(leaf_text(sig, "data.signature_sha256"), digest) !=
			0)
			return diag_fail(d, CS_E_AUDIT_INDEX, digest,
			    "leaf %" PRIu64, leaf_number(sig, "leaf"));
	}
	return 0;
}

static void
show(const json_t *all, uint64_t n)
{
	const json_t *t;
	size_t i;

	json_array_foreach (all, i, t) {
		if (i > 0)
			(void)putchar('\n');
		audit_trace_show(t);
	}
	if (n > SIGNATURES_MAX)
		(void)printf("\nand %" PRIu64 " more signatures\n",
		    n - SIGNATURES_MAX);
}

static int
run(const struct cli *c, struct diag *d)
{
	const struct audit_where where = audit_where(c, O_DB, O_TILES);
	_cleanup_audit_view_ struct audit_view a = AUDIT_VIEW_INIT;
	_cleanup_json_ json_t *all = json_array();
	char digest[CS_SHA256_HEX + 1];
	uint64_t n;
	int r;

	if (all == NULL)
		return diag_nomem(d);
	r = digest_of(c->args[0], digest, d);
	if (r == 0)
		r = audit_view_open(&where, &a, d);
	if (r == 0)
		r = collect(&a, digest, all, &n, d);
	if (r == 0)
		r = check_found(digest, all, d);
	if (r != 0)
		return r;
	if (cli_has(c, O_JSON))
		r = cli_print_json(json_pack("{s:s, s:s, s:I, s:I, s:O}",
				       "sha256", digest, "origin",
				       a.head.c.origin, "leaves",
				       (json_int_t)a.head.c.size, "found",
				       (json_int_t)n, "signatures", all),
		    d);
	else
		show(all, n);
	if (r == 0 && n == 0)
		r = diag_fail(d, CS_E_AUDIT_NOT_FOUND, NULL,
		    "sha256 %s is in none of %" PRIu64 " leaves", digest,
		    a.head.c.size);
	return r;
}

const struct cli_verb verb_audit_trace = {
	.group = "audit",
	.name = "trace",
	.operands = "FILE|DIGEST",
	.min_args = 1,
	.max_args = 1,
	.about = "Tell where a signature comes from, from a file on disk.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
