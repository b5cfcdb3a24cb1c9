/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change by ceremony: the same bundle as a signing request.  With the policy
 * in force at hand what must fail is refused here, by the code that the
 * appliance decides with.
 */
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/hostkey.h"
#include "host-tools/reqnew.h"
#include "host-tools/show.h"
#include "host-tools/verdict.h"
#include "lib/change.h"
#include "lib/file.h"

enum {
	O_REASON,
	O_KEY,
	O_MODULE,
	O_PIN,
	O_POLICY,
	O_CURRENT,
	O_ID,
	O_DOMAIN,
	O_ALGORITHM,
	O_SECONDS,
	O_USER,
	O_SYSTEM,
	O_OUT
};

static const struct cli_opt options[] = {
	[O_REASON] = { "reason", "TEXT", CLI_REQUIRED,
	    "why; everybody sees it, and it stays in the log" },
	[O_KEY] = { "key", "KEY", CLI_REQUIRED,
	    "key that signs the change: a PEM file or a pkcs11: URI" },
	[O_MODULE] = { "module", "FILE", 0, "PKCS#11 module of that key" },
	[O_PIN] = { "pin-file", "FILE", 0,
	    "the token's PIN, or the PEM file's pass phrase" },
	[O_POLICY] = { "policy", "FILE", 0,
	    "policy.update: the new policy, signed" },
	[O_CURRENT] = { "current", "FILE", 0,
	    "the policy in force; policy.update needs it" },
	[O_ID] = { "id", "ID", 0, "key.generate, key.destroy: the key" },
	[O_DOMAIN] = { "domain", "ID", 0, "key.generate: its key domain" },
	[O_ALGORITHM] = { "algorithm", "NAME", 0,
	    "key.generate: as the policy names algorithms" },
	[O_SECONDS] = { "seconds", "N", 0,
	    "clock.set: to add, or with a minus to take away" },
	[O_USER] = { "user", "NAME", 0, "who asks (default: you)" },
	[O_SYSTEM] = { "system", "NAME", 0,
	    "where (default: this machine's name)" },
	[O_OUT] = { "out", "BUNDLE", CLI_REQUIRED, "the bundle to write" },
};

#define BIT(o) (1u << (o))

/* Of the options that not every action takes, those that this one needs. */
static const unsigned needs[REQUEST_ACTIONS] = {
	[CHANGE_POLICY] = BIT(O_POLICY) | BIT(O_CURRENT),
	[CHANGE_KEY_GENERATE] = BIT(O_ID) | BIT(O_DOMAIN) | BIT(O_ALGORITHM),
	[CHANGE_KEY_DESTROY] = BIT(O_ID),
	[CHANGE_CLOCK] = BIT(O_SECONDS),
};

struct draft {
	struct change_new n;
	struct request_evidence document;
	struct dsse *new; /* the new policy's envelope, or NULL */
	struct hostkey *key;
	struct reqfile f;
	struct evfiles docs; /* one or none: the new policy */
	char *payload, *envelope;
	size_t len, envelope_len;
	char id[REQNEW_ID_LEN], host[REQNEW_HOST_MAX];
};

static void
draft_done(struct draft *x)
{
	dsse_free(&x->new);
	hostkey_free(&x->key);
	reqfile_done(&x->f);
	evfiles_done(&x->docs);
	free(x->payload);
	free(x->envelope);
}

static int
check_options(const struct cli *c, enum request_action a, struct diag *d)
{
	size_t o;

	for (o = O_POLICY; o <= O_SECONDS; o++) {
		bool need = (needs[a] & BIT(o)) != 0;

		/* any change may be tried on the policy in force */
		if (need == cli_has(c, o) || (o == O_CURRENT && !need))
			continue;
		return diag_fail(d, CS_E_USAGE,
		    need ? "all that the action needs" :
			   "only what the action takes",
		    "%s %s --%s", change_action_name(a),
		    need ? "without" : "with", options[o].name);
	}
	return 0;
}

static int
parse_seconds(const char *s, int64_t *ret, struct diag *d)
{
	const size_t sign = *s == '-' || *s == '+';
	const size_t n = strlen(s + sign);

	if (n == 0 || n > 9 || strspn(s + sign, "0123456789") != n)
		return diag_fail(d, CS_E_USAGE,
		    "seconds, a whole number, at most ten years",
		    "--seconds %.40s", s);
	*ret = strtoll(s, NULL, 10);
	return 0;
}

/* The new policy's bytes are the document, its payload is what is named. */
static int
load_policy(struct draft *x, const char *path, struct diag *d)
{
	struct evidence_doc *v;
	uint8_t *text = NULL;
	size_t len = 0;
	int r;

	v = x->docs.v = calloc(1, sizeof(*v));
	if (v == NULL)
		return diag_nomem(d);
	r = file_read(AT_FDCWD, path, DSSE_MAX, &text, &len, d);
	if (r != 0)
		return r;
	*v = (struct evidence_doc){ CHANGE_POLICY_DOC, text, len };
	x->docs.n = 1;
	x->document.name = CHANGE_POLICY_DOC;
	x->document.size = len;
	r = dsse_parse(text, len, &x->new, d);
	if (r == 0 && sha256(text, len, x->document.sha256) != 0)
		r = diag_fail(d, CS_E_CRYPTO, NULL, "hashing");
	return r;
}

/* The version that the new policy has; all else evaluate_change() looks at. */
static int
read_policy(struct draft *x, struct diag *d)
{
	_cleanup_policy_ struct policy *p = NULL;
	int r;

	r = policy_parse(x->new->payload, x->new->payload_len, &p, d);
	if (r != 0)
		return r;
	x->n.policy = x->new->digest;
	x->n.policy_version = p->version;
	x->n.evidence = &x->document;
	x->n.nevidence = 1;
	return 0;
}

static int
fill(const struct cli *c, struct draft *x, struct diag *d)
{
	struct change_new *n = &x->n;
	int r;

	n->id = x->id;
	n->reason = cli_get(c, O_REASON);
	n->user = reqnew_user(c, O_USER);
	n->system = reqnew_system(c, O_SYSTEM, x->host);
	n->created = (int64_t)time(NULL);
	n->key = cli_get(c, O_ID);
	n->domain = cli_get(c, O_DOMAIN);
	r = reqnew_id(x->id, d);
	if (r == 0 && cli_has(c, O_SECONDS))
		r = parse_seconds(cli_get(c, O_SECONDS), &n->seconds, d);
	if (r == 0 && cli_has(c, O_ALGORITHM) &&
	    key_alg_from_name(cli_get(c, O_ALGORITHM), &n->alg) != 0)
		r = diag_fail(d, CS_E_CHANGE_ALGORITHM,
		    "an algorithm that lib/PROTOCOL.policy lists", "%.60s",
		    cli_get(c, O_ALGORITHM));
	if (r == 0 && cli_has(c, O_POLICY))
		r = load_policy(x, cli_get(c, O_POLICY), d);
	return r == 0 && cli_has(c, O_POLICY) ? read_policy(x, d) : r;
}

static int
sign(struct draft *x, struct diag *d)
{
	int r;

	r = change_format(&x->n, &x->payload, &x->len);
	if (r != 0)
		return diag_fail(d, r,
		    "texts of 1 to 200 bytes of UTF-8 without control "
		    "characters",
		    "a change that cannot be written");
	r = change_parse(x->payload, x->len, &x->f.req, d);
	if (r == 0)
		r = hostkey_dsse(x->key, x->payload, x->len, NULL, 0,
		    &x->envelope, &x->envelope_len, d);
	return r == 0 ? dsse_parse(x->envelope, x->envelope_len, &x->f.env, d) :
			r;
}

/* What the appliance would refuse is not worth a walk. */
static int
check(const struct cli *c, const struct draft *x, struct diag *d)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_verdict_ struct verdict v = { 0 };
	bool genesis = false;
	int r;

	if (!cli_has(c, O_CURRENT))
		return 0;
	r = policy_file_load(cli_get(c, O_CURRENT), &p, &genesis, d);
	if (r == 0)
		r = verdict_decide(&x->f, &x->docs, p, x->n.created, &v, d);
	return r == 0 ? checks_verdict(&v.checks, d) : r;
}

static int
write_bundle(const char *out, const struct draft *x, struct diag *d)
{
	struct package_item v[2] = { 0 };
	int r;

	r = reqnew_envelope(x->envelope, x->envelope_len, &v[0], d);
	if (r != 0)
		return r;
	if (x->docs.n > 0) {
		reqnew_name("evidence", x->document.sha256, x->document.size,
		    &v[1]);
		v[1].data = x->docs.v[0].data;
	}
	return package_write(out, "request", v, 1 + x->docs.n, d);
}

static int
run(const struct cli *c, struct diag *d)
{
	const int a = change_action_from_name(c->args[0]);
	_cleanup_(draft_done) struct draft x = { 0 };
	int r;

	if (a < 0)
		return diag_fail(d, CS_E_USAGE,
		    "policy.update, key.generate, key.destroy, clock.set or "
		    "exception.note",
		    "%.60s", c->args[0]);
	x.n.action = (enum request_action)a;
	r = check_options(c, x.n.action, d);
	if (r == 0)
		r = hostkey_open(cli_get(c, O_KEY), cli_get(c, O_MODULE),
		    cli_get(c, O_PIN), &x.key, d);
	if (r == 0)
		r = fill(c, &x, d);
	if (r == 0)
		r = sign(&x, d);
	if (r == 0)
		r = check(c, &x, d);
	if (r == 0)
		r = write_bundle(cli_get(c, O_OUT), &x, d);
	if (r != 0)
		return r;
	show_text("request", x.id);
	show_text("action", x.f.req->format);
	show_text("of", x.f.req->version);
	show_digest("digest", x.f.req->digest);
	if (!cli_has(c, O_CURRENT))
		show_text("note",
		    "not compared with a policy: --current does that");
	return 0;
}

const struct cli_verb verb_change_create = {
	.group = "change",
	.name = "create",
	.operands = "ACTION",
	.min_args = 1,
	.max_args = 1,
	.about = "Make a request to change the appliance.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
