/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/install.h"

enum { O_JSON };

static const struct cli_opt options[] = {
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static void
show(const struct sigfmt *f)
{
	const char *label = "  algorithms";
	unsigned a;

	(void)printf("%s: %s\n", f->name, f->about);
	for (a = 0; a < KEY_ALG_COUNT; a++) {
		if ((f->algs & SIGFMT_ALG(a)) == 0)
			continue;
		(void)printf("%-14s %s\n", label,
		    key_alg_name((enum key_alg)a));
		label = "";
	}
	(void)printf("%-14s %s\n%-14s .%s\n", "  verifier", f->verifier,
	    "  file", f->suffix);
	(void)printf("%-14s %s\n", "  install", install_about(f->install));
	if ((f->flags & SIGFMT_F_CERT) != 0)
		(void)printf("%-14s %s\n", "  key needs", "a certificate");
	if ((f->flags & SIGFMT_F_NAMESPACE) != 0)
		(void)printf("%-14s %s\n", "  key needs", "a namespace");
	if ((f->flags & SIGFMT_F_TEXT) != 0)
		(void)printf("%-14s at most %u bytes, signed as they are\n",
		    "  artifact", SIGFMT_TEXT_MAX);
	else
		(void)printf("%-14s of any size, by its digest\n",
		    "  artifact");
}

static json_t *
algorithms(const struct sigfmt *f)
{
	json_t *list = json_array();
	unsigned a;

	for (a = 0; list != NULL && a < KEY_ALG_COUNT; a++)
		if ((f->algs & SIGFMT_ALG(a)) != 0)
			(void)json_array_append_new(list,
			    json_string(key_alg_name((enum key_alg)a)));
	return list;
}

static json_t *
table(void)
{
	const struct sigfmt *f;
	json_t *list = json_array();
	size_t i;

	for (i = 0; list != NULL && (f = sigfmt_at(i)) != NULL; i++)
		(void)json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:b, "
			      "s:s}",
			"name", f->name, "about", f->about, "suffix", f->suffix,
			"verifier", f->verifier, "algorithms", algorithms(f),
			"certificate", (f->flags & SIGFMT_F_CERT) != 0,
			"namespace", (f->flags & SIGFMT_F_NAMESPACE) != 0,
			"text", (f->flags & SIGFMT_F_TEXT) != 0, "install",
			install_about(f->install)));
	return json_pack("{s:o}", "formats", list);
}

static int
run(const struct cli *c, struct diag *d)
{
	size_t i;

	if (cli_has(c, O_JSON))
		return cli_print_json(table(), d);
	for (i = 0; sigfmt_at(i) != NULL; i++)
		show(sigfmt_at(i));
	return 0;
}

const struct cli_verb verb_formats = {
	.group = "formats",
	.name = "",
	.operands = "",
	.about = "List the formats of signatures and who verifies them.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
