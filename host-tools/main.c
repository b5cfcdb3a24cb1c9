/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coldseal: what people on the connected side run.  One file per verb; this
 * one finds the verb, prints its error and turns it into an exit status.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "host-tools/cli.h"
#include "lib/sandbox.h"

#define COLDSEAL_VERSION "0.1.0"
#define VERB_WIDTH	 20 /* of "policy access-review", in the help */

static const struct cli_verb *const subcommands[] = {
	&verb_request_create,
	&verb_request_show,
	&verb_request_check,
	&verb_request_approve,
	&verb_change_create,
	&verb_certificate_request,
	&verb_certificate_crl,
	&verb_efivar_request,
	&verb_media_write,
	&verb_media_read,
	&verb_response_verify,
	&verb_response_extract,
	&verb_audit_import,
	&verb_audit_verify,
	&verb_audit_status,
	&verb_audit_rebuild,
	&verb_audit_receipt,
	&verb_audit_trace,
	&verb_audit_log,
	&verb_audit_who,
	&verb_audit_report,
	&verb_audit_export,
	&verb_policy_sign,
	&verb_policy_show,
	&verb_policy_simulate,
	&verb_policy_lint,
	&verb_policy_explain,
	&verb_policy_diff,
	&verb_policy_review,
	&verb_policy_pubkey,
	&verb_who_can_sign,
	&verb_formats,
	&verb_image_sign,
	&verb_share_show,
	&verb_share_reseal,
	&verb_attest_enroll,
	&verb_attest_challenge,
	&verb_attest_verify,
};

static void
usage(FILE *to)
{
	size_t i;

	(void)fputs("usage: coldseal GROUP COMMAND [options] ...\n\n"
		    "commands:\n",
	    to);
	for (i = 0; i < ARRAY_LEN(subcommands); i++)
		(void)fprintf(to, "  %s %-*s  %s\n", subcommands[i]->group,
		    VERB_WIDTH - (int)strlen(subcommands[i]->group),
		    subcommands[i]->name, subcommands[i]->about);
	(void)fputs(
	    "\n\"coldseal GROUP COMMAND --help\" lists the options; "
	    "see also coldseal(1).\n"
	    "exit status: 0 done, 1 refused or not verified, 2 wrong command "
	    "line,\n3 malformed input, 4 file, device or token trouble, "
	    "5 a bug,\n6 looked for, and not there\n",
	    to);
}

static int
print_diag(const struct diag *d)
{
	char text[1024];

	diag_format(d, text, sizeof(text));
	(void)fputs(text, stderr);
	return err_exit(d->code);
}

/* *ret_used: how many of the n words name the verb */
static const struct cli_verb *
find(int n, char **words, int *ret_used)
{
	const struct cli_verb *v;
	size_t i;

	for (i = 0; i < ARRAY_LEN(subcommands); i++) {
		v = subcommands[i];
		*ret_used = *v->name == '\0' ? 1 : 2;
		if (n >= *ret_used && strcmp(v->group, words[0]) == 0 &&
		    (*ret_used == 1 || strcmp(v->name, words[1]) == 0))
			return v;
	}
	return NULL;
}

/* help, --help, --version and their kin; -1 if it is none of them */
static int
without_verb(int argc, char **argv)
{
	const struct cli_verb *v;
	int used;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)puts("coldseal " COLDSEAL_VERSION);
		return CS_EXIT_OK;
	}
	if (argc >= 2 &&
	    (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)) {
		v = find(argc - 2, argv + 2, &used);
		if (v != NULL && argc == used + 2)
			cli_help(v, stdout);
		else
			usage(stdout);
		return CS_EXIT_OK;
	}
	if (find(argc - 1, argv + 1, &used) == NULL && argc < 3) {
		usage(stderr);
		return CS_EXIT_USAGE;
	}
	return -1;
}

static int
run(const struct cli_verb *v, int argc, char **argv)
{
	_cleanup_cli_ struct cli c = { 0 };
	struct diag d = { 0 };
	int r;

	r = cli_parse(v, argc, argv, &c, &d);
	if (r == 0 && c.help)
		cli_help(v, stdout);
	else if (r == 0)
		r = v->run(&c, &d);
	if ((fflush(stdout) != 0 || ferror(stdout)) && r == 0)
		r = diag_errno(&d, CS_E_IO, "standard output");
	if (r == 0)
		return CS_EXIT_OK;
	if (d.code != r)
		(void)diag_fail(&d, r, NULL, "%s", "");
	return print_diag(&d);
}

/* "coldseal approve": people who only ever do that need no group. */
static void
expand(int *argc, char ***argv)
{
	static char group[] = "request";
	static char *v[64];

	if (*argc < 2 || *argc >= (int)ARRAY_LEN(v) - 1 ||
	    strcmp((*argv)[1], verb_request_approve.name) != 0)
		return;
	v[0] = (*argv)[0];
	v[1] = group;
	memcpy(v + 2, *argv + 1, (size_t)*argc * sizeof(*v)); /* and NULL */
	*argv = v;
	(*argc)++;
}

int
main(int argc, char **argv)
{
	const struct cli_verb *v;
	struct diag d = { 0 };
	int r, used = 0;

	sandbox_harden();
	(void)signal(SIGPIPE, SIG_IGN);
	expand(&argc, &argv);
	r = without_verb(argc, argv);
	if (r >= 0)
		return fflush(stdout) == 0 ? r : CS_EXIT_SYSTEM;
	v = find(argc - 1, argv + 1, &used);
	if (v == NULL) {
		(void)diag_fail(&d, CS_E_USAGE,
		    "one of those that coldseal "
		    "help lists",
		    "%s %s", argv[1], argv[2]);
		return print_diag(&d);
	}
	return run(v, argc - used, argv + used);
}
