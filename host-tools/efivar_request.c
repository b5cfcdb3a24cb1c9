/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wish that the format efivar signs: which Secure Boot variable is to
 * hold what, from when.  What is written is read again as the appliance will.
 */
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "host-tools/cli.h"
#include "lib/efivar.h"
#include "lib/file.h"
#include "lib/sigfmt.h"

enum { V_VARIABLE, V_LIST, V_APPEND, V_TIME, V_OUT };

static const struct cli_opt options[] = {
	[V_VARIABLE] = { "variable", "NAME", CLI_REQUIRED,
	    "PK, KEK, db or dbx" },
	[V_LIST] = { "list", "FILE", CLI_REQUIRED,
	    "EFI signature lists; an empty file takes the variable away" },
	[V_APPEND] = { "append", NULL, 0, "keep what is there" },
	[V_TIME] = { "time", "TIME", 0,
	    "as 2026-11-25T02:00:00Z, after the one before (default: now)" },
	[V_OUT] = { "out", "FILE", CLI_REQUIRED, "the wish to write" },
};

static int
write_wish(const char *path, const struct efivar_wish *n, struct diag *d)
{
	_cleanup_free_ char *text = NULL;
	struct efivar_wish w;
	size_t len;
	int r;

	r = efivar_wish_format(n, &text, &len);
	if (r != 0)
		return diag_fail(d, r, NULL, "the wish");
	if (len > SIGFMT_TEXT_MAX)
		return diag_fail(d, CS_E_EFIVAR, "lists of about 3000 bytes",
		    "%zu", n->list_len);
	r = efivar_wish_read(text, len, &w, d);
	if (r != 0)
		return r;
	efivar_wish_done(&w);
	return file_write_atomic(AT_FDCWD, path, text, len, 0644, d);
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_free_ uint8_t *list = NULL;
	struct efivar_wish w = { .variable = cli_get(c, V_VARIABLE),
		.append = cli_has(c, V_APPEND),
		.time = time(NULL) };
	int r;

	if (cli_has(c, V_TIME) && time_parse(cli_get(c, V_TIME), &w.time) != 0)
		return diag_fail(d, CS_E_USAGE,
		    "a time as 2026-11-25T02:00:00Z", "--time %.40s",
		    cli_get(c, V_TIME));
	r = file_read(AT_FDCWD, cli_get(c, V_LIST), SIGFMT_TEXT_MAX, &list,
	    &w.list_len, d);
	if (r != 0)
		return r;
	w.list = list;
	return write_wish(cli_get(c, V_OUT), &w, d);
}

const struct cli_verb verb_efivar_request = {
	.group = "efivar",
	.name = "request",
	.operands = "",
	.about = "Write the wish for a Secure Boot variable.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
