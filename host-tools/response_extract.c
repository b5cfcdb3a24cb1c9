/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/resp_check.h"
#include "host-tools/show.h"
#include "lib/file.h"
#include "lib/tlogproof.h"

#define SIG_MAX	      (1u << 20)
#define FILE_NAME_MAX 255u

enum { O_OUT };

static const struct cli_opt options[] = {
	[O_OUT] = { "out", "FOLDER", CLI_REQUIRED,
	    "where to; made if it is not there" },
};

struct name {
	char base[FILE_NAME_MAX + 1]; /* <artifact name>.<suffix> */
	size_t i;
};

/* [A-Za-z0-9._-] stays, anything else is '_', a leading dot too. */
static int
set_name(struct name *n, const struct respfile *f, size_t i, struct diag *d)
{
	const char *name = f->record->st->subjects[i].name;
	char *p;
	int len;

	len = snprintf(n->base, sizeof(n->base), "%s.%s", name,
	    sigfmt_suffix(f->record->format));
	if (len < 0 || (size_t)len >= sizeof(n->base))
		return diag_fail(d, CS_E_TOO_LARGE, "a name of a file", "%s",
		    name);
	for (p = n->base; *p != '\0'; p++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy"
			   "z"
			   "0123456789._-",
			*p) == NULL)
			*p = '_';
	if (n->base[0] == '.')
		n->base[0] = '_';
	n->i = i;
	return 0;
}

static int
by_base(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->base,
	    ((const struct name *)b)->base);
}

static int
make_names(const struct respfile *f, struct name **ret, struct diag *d)
{
	_cleanup_free_ struct name *v = NULL;
	size_t i, n = f->record->nsigs;
	int r = 0;

	v = calloc(n + 1, sizeof(*v));
	if (v == NULL)
		return diag_nomem(d);
	for (i = 0; r == 0 && i < n; i++)
		r = set_name(&v[i], f, i, d);
	if (r != 0)
		return r;
	qsort(v, n, sizeof(*v), by_base);
	for (i = 1; i < n; i++)
		if (by_base(&v[i - 1], &v[i]) == 0)
			return diag_fail(d, CS_E_HOST_EXISTS,
			    "names that stay different",
			    "two artifacts would be %s", v[i].base);
	*ret = take_ptr(v);
	return 0;
}

static int
put(const struct respfile *f, const char *member, size_t max, int dirfd,
    const char *name, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t len;
	int r;

	if (file_exists(dirfd, name))
		return diag_fail(d, CS_E_HOST_EXISTS, "no such file yet", "%s",
		    name);
	r = package_read(f->bundle, member, max, &data, &len, d);
	return r != 0 ? r : file_write_atomic(dirfd, name, data, len, 0644, d);
}

static int
put_signature(const struct respfile *f, const struct name *n, int dirfd,
    struct diag *d)
{
	char member[RESP_NAME_MAX], name[FILE_NAME_MAX + 16];
	int r;

	respfile_sig_name(f, n->i, member);
	r = put(f, member, SIG_MAX, dirfd, n->base, d);
	if (r != 0)
		return r;
	respfile_proof_name(f, n->i, member);
	(void)snprintf(name, sizeof(name), "%s.tlog-proof", n->base);
	return put(f, member, TLOGPROOF_MAX, dirfd, name, d);
}

/* Nothing is begun if one of the names is taken. */
static int
check_free(const struct name *v, size_t n, int dirfd, struct diag *d)
{
	char name[FILE_NAME_MAX + 16];
	size_t i;

	for (i = 0; i < n; i++) {
		(void)snprintf(name, sizeof(name), "%s.tlog-proof", v[i].base);
		if (file_exists(dirfd, v[i].base) || file_exists(dirfd, name))
			return diag_fail(d, CS_E_HOST_EXISTS,
			    "no such file yet", "%s", v[i].base);
	}
	return 0;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_respfile_ struct respfile f = { 0 };
	_cleanup_free_ struct name *names = NULL;
	_cleanup_fd_ int dirfd = -1;
	size_t i, n = 0;
	int r;

	r = respfile_open(c->args[0], &f, d);
	if (r == 0 && f.record != NULL) {
		r = make_names(&f, &names, d);
		n = f.record->nsigs;
	}
	if (r == 0)
		r = dir_make(AT_FDCWD, cli_get(c, O_OUT), d);
	if (r == 0)
		r = dir_open(AT_FDCWD, cli_get(c, O_OUT), &dirfd, d);
	if (r == 0)
		r = check_free(names, n, dirfd, d);
	if (r == 0)
		r = put(&f, "record.dsse", DSSE_MAX, dirfd, "record.dsse", d);
	for (i = 0; r == 0 && i < n; i++)
		r = put_signature(&f, &names[i], dirfd, d);
	if (r == 0 && f.change != NULL)
		r = resp_change_extract(f.change, dirfd, d);
	if (r != 0)
		return r;
	if (f.refusal != NULL)
		return diag_fail(d, CS_E_RESPONSE_REFUSAL, "signatures",
		    "a refusal; coldseal response verify shows it");
	if (f.change != NULL)
		show_text("change", change_action_name(f.change->action));
	else
		(void)printf("%-13s%zu\n", "signatures", n);
	show_text("not verified", "run coldseal response verify");
	return 0;
}

const struct cli_verb verb_response_extract = {
	.group = "response",
	.name = "extract",
	.operands = "BUNDLE",
	.min_args = 1,
	.max_args = 1,
	.about = "Write a response's signatures and proofs as files.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
