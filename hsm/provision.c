/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-provision: run once per appliance, by an administrator, on the
 * machine itself, and again when its TPM is lost.  It reads no network; the
 * documents it reads are the signed genesis policy, custodians' certificates
 * and, for a recovery, their shares and the log's leaves.
 */

#include "hsm/provision.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "lib/sandbox.h"

#define LABEL_MAX 32u /* CK_TOKEN_INFO.label, PKCS#11 v2.40 4.5 */

enum opt {
	OPT_STATE = 256,
	OPT_ORIGIN,
	OPT_MODULE,
	OPT_TCTI,
	OPT_HSM_CONF,
	OPT_TOKEN,
	OPT_REHEARSAL,
	OPT_KEY,
	OPT_POLICY,
	OPT_CREDENTIAL,
	OPT_IMAGE,
	OPT_CUSTODIAN,
	OPT_THRESHOLD,
	OPT_IN,
	OPT_OUT,
	OPT_SHUT_OUT,
	OPT_HELP,
};

static const struct option options[] = {
	{ "state", required_argument, NULL, OPT_STATE },
	{ "origin", required_argument, NULL, OPT_ORIGIN },
	{ "module", required_argument, NULL, OPT_MODULE },
	{ "tcti", required_argument, NULL, OPT_TCTI },
	{ "hsm-conf", required_argument, NULL, OPT_HSM_CONF },
	{ "token", required_argument, NULL, OPT_TOKEN },
	{ "rehearsal", no_argument, NULL, OPT_REHEARSAL },
	{ "key", required_argument, NULL, OPT_KEY },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "credential", required_argument, NULL, OPT_CREDENTIAL },
	{ "image", required_argument, NULL, OPT_IMAGE },
	{ "custodian", required_argument, NULL, OPT_CUSTODIAN },
	{ "custodian-threshold", required_argument, NULL, OPT_THRESHOLD },
	{ "in", required_argument, NULL, OPT_IN },
	{ "out", required_argument, NULL, OPT_OUT },
	{ "shut-out", no_argument, NULL, OPT_SHUT_OUT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char usage_text[] =
    "usage: coldseal-provision keys --state DIR --origin NAME --module FILE\n"
    "           --tcti TCTI --image FILE [--hsm-conf FILE]\n"
    "           [--token PORT,MODULE,CONF]... [--rehearsal]\n"
    "           --key ID,DOMAIN,ALGORITHM,FORMAT...\n"
    "       coldseal-provision policy --state DIR --policy ENVELOPE\n"
    "           [--custodian CERT]... [--custodian-threshold M]\n"
    "       coldseal-provision enroll --state DIR --credential FILE\n"
    "       coldseal-provision image --state DIR --image FILE [--shut-out]\n"
    "       coldseal-provision recover --state DIR --image FILE\n"
    "           --out CERT --in FOLDER\n"
    "           [--custodian CERT]... [--custodian-threshold M]\n"
    "See coldseal-provision(8).\n";

void
prov_token_label(const char *domain, char out[33])
{
	(void)snprintf(out, 33, "coldseal-%.23s", domain);
}

/* [a-z0-9-]{1,max} */
static int
name_ok(const char *s, size_t max)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && n <= max && s[n] == '\0';
}

/* Cuts text at commas into exactly n parts; the last may not hold one. */
static int
split(char *text, char **part, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		part[i] = strsep(&text, ",");
		if (part[i] == NULL)
			return CS_E_USAGE;
	}
	return text == NULL ? 0 : CS_E_USAGE;
}

static int
add_key(struct prov_opts *o, char *arg, struct diag *d)
{
	struct prov_key *k = &o->keys[o->nkeys];
	const struct sigfmt *f;
	char *part[4];
	size_t i;
	int r;

	if (o->nkeys == PROV_MAX_KEYS)
		return diag_fail(d, CS_E_USAGE, "at most 64 keys", "more");
	if (split(arg, part, ARRAY_LEN(part)) != 0)
		return diag_fail(d, CS_E_USAGE,
		    "--key ID,DOMAIN,ALGORITHM,FORMAT", "\"%s\"", arg);
	if (!name_ok(part[0], sizeof(k->id) - 1))
		return diag_fail(d, CS_E_USAGE, "a key ID of a-z, 0-9 and -",
		    "\"%s\"", part[0]);
	if (!name_ok(part[1], LABEL_MAX - strlen("coldseal-")) ||
	    strcmp(part[1], PROV_AUDIT) == 0 ||
	    strcmp(part[1], PROV_OWNER) == 0)
		return diag_fail(d, CS_E_USAGE,
		    "a domain of a-z, 0-9 and -, at most 23, not \"audit\" "
		    "or \"tpm\"",
		    "\"%s\"", part[1]);
	r = key_alg_from_name(part[2], &k->alg);
	if (r != 0)
		return diag_fail(d, r == CS_E_KEY_ML_DSA ? r : CS_E_USAGE,
		    "a known key algorithm", "\"%s\"", part[2]);
	f = sigfmt_by_name(part[3]);
	if (f == NULL || strlen(part[3]) >= sizeof(k->format))
		return diag_fail(d, CS_E_USAGE, sigfmt_names(), "\"%s\"",
		    part[3]);
	if ((f->algs & SIGFMT_ALG(k->alg)) == 0)
		return diag_fail(d, CS_E_USAGE,
		    "an algorithm of the format (coldseal formats)",
		    "%s for %s", part[2], part[3]);
	for (i = 0; i < o->nkeys; i++)
		if (strcmp(o->keys[i].id, part[0]) == 0)
			return diag_fail(d, CS_E_USAGE, "distinct key IDs",
			    "\"%s\" twice", part[0]);
	(void)snprintf(k->id, sizeof(k->id), "%s", part[0]);
	(void)snprintf(k->domain, sizeof(k->domain), "%s", part[1]);
	(void)snprintf(k->format, sizeof(k->format), "%s", part[3]);
	o->nkeys++;
	return 0;
}

static int
add_port(struct prov_opts *o, char *arg, struct diag *d)
{
	struct prov_port *p = &o->ports[o->nports];
	char *part[3];
	size_t i;

	if (o->nports == PROV_MAX_TOKENS)
		return diag_fail(d, CS_E_USAGE, "at most 16 token ports",
		    "more");
	if (split(arg, part, ARRAY_LEN(part)) != 0)
		return diag_fail(d, CS_E_USAGE, "--token PORT,MODULE,CONF",
		    "\"%s\"", arg);
	if (!name_ok(part[0], 32) || part[1][0] != '/')
		return diag_fail(d, CS_E_USAGE,
		    "a port of a-z, 0-9 and -, an absolute module path",
		    "\"%s\", \"%s\"", part[0], part[1]);
	for (i = 0; i < o->nports; i++)
		if (strcmp(o->ports[i].port, part[0]) == 0)
			return diag_fail(d, CS_E_USAGE, "distinct ports",
			    "\"%s\" twice", part[0]);
	*p = (struct prov_port){ part[0], part[1], part[2] };
	o->nports++;
	return 0;
}

static int
add_custodian(struct prov_opts *o, char *arg, struct diag *d)
{
	if (o->ncustodians == PROV_MAX_CUSTODIANS)
		return diag_fail(d, CS_E_USAGE, "at most 16 custodians",
		    "more");
	o->custodians[o->ncustodians++] = arg;
	return 0;
}

static int
set_threshold(struct prov_opts *o, const char *arg, struct diag *d)
{
	char *end = NULL;
	long n = strtol(arg, &end, 10);

	if (*arg == '\0' || *end != '\0' || n < 2 ||
	    n > (long)PROV_MAX_CUSTODIANS)
		return diag_fail(d, CS_E_USAGE,
		    "--custodian-threshold of 2 to 16", "\"%s\"", arg);
	o->threshold = (size_t)n;
	return 0;
}

static int
take_option(struct prov_opts *o, int c, char *arg, struct diag *d)
{
	switch (c) {
	case OPT_STATE:
		o->state = arg;
		return 0;
	case OPT_ORIGIN:
		o->origin = arg;
		return 0;
	case OPT_MODULE:
		o->module = arg;
		return 0;
	case OPT_TCTI:
		o->tcti = arg;
		return 0;
	case OPT_HSM_CONF:
		o->hsm_conf = arg;
		return 0;
	case OPT_POLICY:
		o->policy = arg;
		return 0;
	case OPT_CREDENTIAL:
		o->credential = arg;
		return 0;
	case OPT_IMAGE:
		o->image = arg;
		return 0;
	case OPT_CUSTODIAN:
		return add_custodian(o, arg, d);
	case OPT_THRESHOLD:
		return set_threshold(o, arg, d);
	case OPT_IN:
		o->in = arg;
		return 0;
	case OPT_OUT:
		o->out = arg;
		return 0;
	case OPT_SHUT_OUT:
		o->shut_out = true;
		return 0;
	case OPT_REHEARSAL:
		o->rehearsal = true;
		return 0;
	case OPT_TOKEN:
		return add_port(o, arg, d);
	case OPT_KEY:
		return add_key(o, arg, d);
	default:
		return diag_fail(d, CS_E_USAGE, NULL, "an unknown option");
	}
}

static bool
has_custody(const struct prov_opts *o)
{
	return o->ncustodians != 0 || o->threshold != 0;
}

static bool
has_recovery(const struct prov_opts *o)
{
	return o->in != NULL || o->out != NULL;
}

static int
run_keys(struct prov_opts *o, struct diag *d)
{
	if (o->origin == NULL || o->module == NULL || o->tcti == NULL ||
	    o->image == NULL || o->nkeys == 0 || o->policy != NULL ||
	    o->credential != NULL || has_custody(o) || has_recovery(o))
		return diag_fail(d, CS_E_USAGE,
		    "--origin, --module, --tcti, --image and --key",
		    "one is missing, or others are there");
	return provision_keys(o, d);
}

/* What the later acts may not be told: it stands in site.json. */
static int
check_later(const struct prov_opts *o, struct diag *d)
{
	if (o->origin != NULL || o->module != NULL || o->tcti != NULL ||
	    o->nkeys != 0 || o->nports != 0 || o->rehearsal)
		return diag_fail(d, CS_E_USAGE, "what the usage names",
		    "options of keys");
	if ((o->ncustodians == 0) != (o->threshold == 0))
		return diag_fail(d, CS_E_USAGE,
		    "--custodian and --custodian-threshold together",
		    "one of them");
	return 0;
}

static int
run_policy(struct prov_opts *o, struct diag *d)
{
	if (check_later(o, d) != 0)
		return CS_E_USAGE;
	if (o->policy == NULL || o->credential != NULL || o->image != NULL ||
	    has_recovery(o))
		return diag_fail(d, CS_E_USAGE, "--state and --policy",
		    "other options");
	return provision_policy(o, d);
}

static int
run_enroll(struct prov_opts *o, struct diag *d)
{
	if (check_later(o, d) != 0)
		return CS_E_USAGE;
	if (o->credential == NULL || o->policy != NULL || o->image != NULL ||
	    has_custody(o) || has_recovery(o))
		return diag_fail(d, CS_E_USAGE, "--state and --credential only",
		    "other options");
	return provision_enroll(o, d);
}

static int
run_image(struct prov_opts *o, struct diag *d)
{
	if (check_later(o, d) != 0)
		return CS_E_USAGE;
	if (o->image == NULL || o->policy != NULL || o->credential != NULL ||
	    has_custody(o) || has_recovery(o))
		return diag_fail(d, CS_E_USAGE, "--state and --image",
		    "other options");
	return provision_image(o, d);
}

static int
run_recover(struct prov_opts *o, struct diag *d)
{
	if (check_later(o, d) != 0)
		return CS_E_USAGE;
	if (o->policy != NULL || o->credential != NULL || o->image == NULL ||
	    o->in == NULL || o->out == NULL)
		return diag_fail(d, CS_E_USAGE,
		    "--state, --image, --out and --in", "other options");
	return provision_recover(o, d);
}

static int
run(const char *verb, struct prov_opts *o, struct diag *d)
{
	static const struct {
		const char *name;
		int (*run)(struct prov_opts *, struct diag *);
	} acts[] = {
		{ "keys", run_keys },
		{ "policy", run_policy },
		{ "enroll", run_enroll },
		{ "image", run_image },
		{ "recover", run_recover },
	};
	size_t i;

	if (o->state == NULL)
		return diag_fail(d, CS_E_USAGE, "--state DIR", "none");
	if (o->shut_out && strcmp(verb, "image") != 0)
		return diag_fail(d, CS_E_USAGE, "--shut-out with image", "%s",
		    verb);
	for (i = 0; i < ARRAY_LEN(acts); i++)
		if (strcmp(verb, acts[i].name) == 0)
			return acts[i].run(o, d);
	return diag_fail(d, CS_E_USAGE,
	    "keys, policy, enroll, image or recover", "\"%s\"", verb);
}

int
main(int argc, char **argv)
{
	static struct prov_opts o = { .hsm_conf = "" };
	struct diag d = { 0 };
	char text[1024];
	size_t i;
	int c, r = 0;

	/* what libraries free is overwritten, see tpm/tpm.h */
	(void)mallopt(M_PERTURB, 0x5a);
	(void)setenv("TSS2_LOG", "all+NONE", 0);
	sandbox_harden();
	while (
	    r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == OPT_HELP) {
			(void)fputs(usage_text, stdout);
			return CS_EXIT_OK;
		}
		r = take_option(&o, c, optarg, &d);
	}
	if (r == 0 && optind + 1 != argc)
		r = diag_fail(&d, CS_E_USAGE,
		    "one of keys, policy, enroll and recover", "%d words",
		    argc - optind);
	if (r == 0)
		r = run(argv[optind], &o, &d);
	for (i = 0; i < o.nkeys; i++) {
		pubkey_free(&o.keys[i].pub);
		free(o.keys[i].cert);
	}
	if (r == 0)
		return CS_EXIT_OK;
	diag_format(&d, text, sizeof(text));
	(void)fprintf(stderr, "coldseal-provision: %s", text);
	if (r == CS_E_USAGE)
		(void)fputs(usage_text, stderr);
	return err_exit(r);
}
