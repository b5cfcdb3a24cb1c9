/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CLI_H
#define CS_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "lib/err.h"

/*
 * The command line of coldseal: "coldseal GROUP VERB [options] operands".
 * Each verb is one const table row; --help is printed from it, and the man
 * pages are compared with it (tests/unit/check_man.sh).
 */
#define CLI_MAX_OPTS	24u

#define CLI_REQUIRED	0x01u
#define CLI_MANY	0x02u	/* may be given more than once */

struct cli_opt {
	const char *name;	/* long option without the dashes */
	const char *arg;	/* what follows it; NULL for a flag */
	unsigned flags;		/* CLI_* */
	const char *help;
};

struct cli;

struct cli_verb {
	const char *group, *name;	/* name "": the group is the verb */
	const char *operands;	/* for --help: "BUNDLE [ARTIFACT ...]" */
	size_t min_args, max_args;
	const char *about;	/* one line */
	const struct cli_opt *opts;
	size_t nopts;
	/* 0 or CS_E_*; prints results on stdout, never the error */
	int (*run)(const struct cli *c, struct diag *d);
};

struct cli_value {
	const char **v;
	size_t n;
};

struct cli {
	const struct cli_verb *verb;
	struct cli_value val[CLI_MAX_OPTS];	/* by index into verb->opts */
	char **args;		/* borrowed from argv */
	size_t nargs;
	bool help;
};

void cli_done(struct cli *c);
#define _cleanup_cli_ _cleanup_(cli_done)

/* argv[0] is the verb.  CS_E_USAGE */
int cli_parse(const struct cli_verb *v, int argc, char **argv,
    struct cli *ret, struct diag *d) CS_WUR;
/* NULL if it was not given; the last one if it was given many times */
const char *cli_get(const struct cli *c, size_t opt);
const char *cli_get_or(const struct cli *c, size_t opt, const char *absent);
bool cli_has(const struct cli *c, size_t opt);
void cli_help(const struct cli_verb *v, FILE *to);

/*
 * Machine output: one line of canonical JSON on stdout.  Takes j, which may
 * be NULL (out of memory).
 */
int cli_print_json(json_t *j, struct diag *d) CS_WUR;

/* The verbs, one file each. */
extern const struct cli_verb verb_request_create, verb_request_show,
    verb_request_check, verb_request_approve, verb_change_create,
    verb_certificate_request, verb_certificate_crl, verb_efivar_request,
    verb_media_write, verb_media_read,
    verb_response_verify, verb_response_extract, verb_audit_import,
    verb_audit_verify, verb_audit_status, verb_audit_rebuild,
    verb_audit_receipt, verb_policy_sign, verb_policy_show,
    verb_policy_simulate,
    verb_policy_lint, verb_policy_explain, verb_policy_diff,
    verb_policy_review, verb_policy_pubkey, verb_who_can_sign, verb_formats,
    verb_image_sign, verb_share_show, verb_share_reseal,
    verb_attest_enroll, verb_attest_challenge, verb_attest_verify;
extern const struct cli_verb verb_audit_trace, verb_audit_log, verb_audit_who,
    verb_audit_report, verb_audit_export;

#endif
