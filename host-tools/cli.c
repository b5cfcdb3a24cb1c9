/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/cli.h"

#include <getopt.h>
#include <string.h>

#include "lib/json.h"

#define HELP_INDENT 26

void
cli_done(struct cli *c)
{
	size_t i;

	for (i = 0; i < CLI_MAX_OPTS; i++)
		free(c->val[i].v);
	memset(c, 0, sizeof(*c));
}

static int
add_value(struct cli *c, size_t i, const char *v, struct diag *d)
{
	const struct cli_opt *o = &c->verb->opts[i];
	struct cli_value *val = &c->val[i];
	const char **more;

	if (val->n > 0 && (o->flags & CLI_MANY) == 0)
		return diag_fail(d, CS_E_USAGE, "once", "--%s more than once",
		    o->name);
	if (v != NULL && *v == '\0')
		return diag_fail(d, CS_E_USAGE, o->arg, "--%s with nothing",
		    o->name);
	more = reallocarray(val->v, val->n + 1, sizeof(*more));
	if (more == NULL)
		return diag_nomem(d);
	val->v = more;
	val->v[val->n++] = v != NULL ? v : "";
	return 0;
}

static int
check(const struct cli *c, struct diag *d)
{
	const struct cli_verb *v = c->verb;
	size_t i;

	for (i = 0; i < v->nopts; i++)
		if ((v->opts[i].flags & CLI_REQUIRED) != 0 && c->val[i].n == 0)
			return diag_fail(d, CS_E_USAGE, "it is required",
			    "no --%s", v->opts[i].name);
	if (c->nargs < v->min_args || c->nargs > v->max_args)
		return diag_fail(d, CS_E_USAGE, v->operands, "%zu operands",
		    c->nargs);
	return 0;
}

/* opts of the verb, then --help, as getopt_long() wants them */
static void
fill_longs(const struct cli_verb *v, struct option *longs)
{
	size_t i;

	for (i = 0; i < v->nopts; i++) {
		longs[i].name = v->opts[i].name;
		longs[i].has_arg = v->opts[i].arg != NULL;
		longs[i].val = (int)i + 1;
	}
	longs[i].name = "help";
	longs[i].val = (int)i + 1;
}

int
cli_parse(const struct cli_verb *v, int argc, char **argv, struct cli *ret,
    struct diag *d)
{
	struct option longs[CLI_MAX_OPTS + 2] = { 0 };
	_cleanup_cli_ struct cli c = { .verb = v };
	int o, r;

	if (v->nopts > CLI_MAX_OPTS)
		return diag_fail(d, CS_E_INTERNAL, NULL, "too many options");
	fill_longs(v, longs);
	opterr = 0;
	optind = 1;
	while ((o = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (o == '?' || o == ':')
			return diag_fail(d, CS_E_USAGE,
			    o == ':' ? "a value after it" :
				       "an option of this command",
			    "%s", argv[optind - 1]);
		if ((size_t)o == v->nopts + 1) {
			c.help = true;
			continue;
		}
		r = add_value(&c, (size_t)o - 1, optarg, d);
		if (r != 0)
			return r;
	}
	c.args = argv + optind;
	c.nargs = (size_t)(argc - optind);
	if (!c.help && (r = check(&c, d)) != 0)
		return r;
	*ret = c;
	memset(&c, 0, sizeof(c));
	return 0;
}

const char *
cli_get(const struct cli *c, size_t opt)
{
	const struct cli_value *v = &c->val[opt];

	return v->n > 0 ? v->v[v->n - 1] : NULL;
}

const char *
cli_get_or(const struct cli *c, size_t opt, const char *absent)
{
	const char *v = cli_get(c, opt);

	return v != NULL ? v : absent;
}

bool
cli_has(const struct cli *c, size_t opt)
{
	return c->val[opt].n > 0;
}

static void
help_opt(const struct cli_opt *o, FILE *to)
{
	int n;

	n = fprintf(to, "  --%s%s%s", o->name, o->arg != NULL ? " " : "",
	    o->arg != NULL ? o->arg : "");
	if (n > HELP_INDENT - 2) {
		(void)fputc('\n', to);
		n = 0;
	}
	(void)fprintf(to, "%*s%s%s%s\n", HELP_INDENT - (n < 0 ? 0 : n), "",
	    o->help, (o->flags & CLI_REQUIRED) != 0 ? " (required)" : "",
	    (o->flags & CLI_MANY) != 0 ? " (may be repeated)" : "");
}

void
cli_help(const struct cli_verb *v, FILE *to)
{
	const struct cli_opt help = { "help", NULL, 0, "print this text" };
	size_t i;

	(void)fprintf(to,
	    "usage: coldseal %s%s%s [options]%s%s\n\n%s\n\n"
	    "options:\n",
	    v->group, *v->name != '\0' ? " " : "", v->name,
	    *v->operands != '\0' ? " " : "", v->operands, v->about);
	for (i = 0; i < v->nopts; i++)
		help_opt(&v->opts[i], to);
	help_opt(&help, to);
}

int
cli_print_json(json_t *j, struct diag *d)
{
	_cleanup_json_ json_t *owned = j;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (owned == NULL)
		return diag_nomem(d);
	r = json_canonical(owned, &text, &len);
	if (r != 0)
		return diag_fail(d, r, NULL, "the output as JSON");
	(void)puts(text);
	return 0;
}
