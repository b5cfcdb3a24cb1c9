/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/show.h"

enum { O_JSON };

static const struct cli_opt options[] = {
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

/* What run() shows, both ways. */
struct view {
	struct dsse *env;
	struct policy *p;
	const struct policy_principal **who; /* by signature, or NULL */
	const struct pubkey **key;
};

static void
view_done(struct view *v)
{
	dsse_free(&v->env);
	policy_free(&v->p);
	free(v->who);
	free(v->key);
}

static bool
has_signed(const struct view *v, const struct policy_principal *who)
{
	size_t i;

	for (i = 0; i < v->env->nsigs; i++)
		if (v->who[i] == who)
			return true;
	return false;
}

static void
show_list(const char *label, const struct policy_str_list *l)
{
	size_t i;

	(void)printf("    %s:", label);
	for (i = 0; i < l->n; i++)
		(void)printf(" %s", l->v[i]);
	(void)putchar('\n');
}

static void
show_people(const struct policy *p)
{
	const struct policy_principal *w;
	char from[21], until[21];
	size_t i, k;

	for (i = 0; i < p->nprincipals; i++) {
		w = &p->principals[i];
		(void)printf("\n%s %s\n", w->kind, w->id);
		show_text("    name", w->name);
		show_text("    of", w->organisation);
		show_list("roles", &w->roles);
		time_format(w->valid_from, from);
		time_format(w->valid_until, until);
		(void)printf("    valid: %s to %s\n", from, until);
		for (k = 0; k < w->nkeys; k++)
			show_id("    key", w->keys[k]->id);
	}
}

static void
show_keys(const struct policy *p)
{
	const struct policy_key *k;
	size_t i;

	for (i = 0; i < p->nkeys; i++) {
		k = &p->keys[i];
		(void)printf("\nkey %s\n", k->id);
		show_text("    algorithm", key_alg_name(k->alg));
		show_text("    state", k->state);
		show_text("    object", k->uri);
		show_id("    public", k->key->id);
		show_list("products", &k->products);
		show_list("formats", &k->formats);
		if (k->namespace != NULL)
			show_text("    namespace", k->namespace);
		if (k->shared != NULL)
			show_text("    shared", k->shared);
		if (k->reason != NULL)
			show_text("    revoked", k->reason);
		if (k->max_signatures > 0)
			(void)printf("    at most: %" PRIu64 " signatures\n",
			    k->max_signatures);
	}
}

static void
show_optional(const char *label, const struct policy_str_list *l)
{
	if (l->n > 0)
		show_list(label, l);
}

static void
show_evidence(const struct policy_evidence *e)
{
	show_text("    evidence", evidence_type_name(e->type));
	show_list("  signed by", &e->signers);
	if (e->max_age > 0)
		(void)printf("      at most: %" PRIu64 " days old\n",
		    e->max_age / 86400);
	show_optional("  builders", &e->builders);
	show_optional("  sources", &e->sources);
	show_optional("  refs", &e->refs);
	show_optional("  scanners", &e->scanners);
	show_optional("  denied", &e->denied);
}

/* What the rule asks beyond product, requester, key, format and quorum. */
static void
show_conditions(const struct policy_rule *u)
{
	char from[21], until[21];
	size_t i;

	show_optional("versions", &u->versions);
	show_optional("pipelines", &u->pipelines);
	show_optional("branches", &u->branches);
	show_optional("commits", &u->commits);
	if (u->digest_only)
		show_text("    artifact", "may be absent: digests are signed");
	for (i = 0; i < u->nevidence; i++)
		show_evidence(&u->evidence[i]);
	for (i = 0; i < u->nwindows; i++) {
		time_format(u->windows[i].from, from);
		time_format(u->windows[i].until, until);
		(void)printf("    window: %s to %s", from, until);
		if (u->windows[i].max_signatures > 0)
			(void)printf(", at most %" PRIu64 " signatures",
			    u->windows[i].max_signatures);
		(void)putchar('\n');
	}
}

static void
show_quorum(const struct policy_rule *u)
{
	(void)printf("    approvals: %" PRIu64 "%s%s%s\n", u->threshold,
	    u->distinct_organisations ? ", of different organisations" : "",
	    u->requester_excluded ? ", not the requester" : "",
	    u->ahead ? ", also signed ahead" : "");
	show_list("approver roles", &u->roles);
}

static void
show_rules(const struct policy *p)
{
	const struct policy_rule *u;
	size_t i;

	for (i = 0; i < p->nrules; i++) {
		u = &p->rules[i];
		(void)printf("\nrule %s\n", u->id);
		show_text("    product", u->product);
		show_list("requesters", &u->requesters);
		show_list("keys", &u->keys);
		show_list("formats", &u->formats);
		show_conditions(u);
		show_quorum(u);
	}
	if (p->has_break_glass) {
		(void)printf("\nbreak-glass\n");
		show_quorum(&p->break_glass);
	}
}

static void
show_waivers(const struct policy *p)
{
	char until[21];
	size_t i;

	for (i = 0; i < p->nwaivers; i++) {
		(void)putchar('\n');
		show_text("waiver", p->waivers[i].vulnerability);
		show_list("products", &p->waivers[i].products);
		show_text("    reason", p->waivers[i].reason);
		time_format(p->waivers[i].until, until);
		(void)printf("    until: %s\n", until);
	}
}

static void
show_view(const struct view *v)
{
	const struct policy *p = v->p;
	size_t i;

	show_text("policy", p->name);
	(void)printf("%-13s%" PRIu64 "\n", "version", p->version);
	show_text("appliance", p->appliance);
	if (p->rehearsal)
		show_text("rehearsal", "yes: a software HSM is allowed");
	show_digest("digest", p->digest);
	if (p->has_previous)
		show_id("previous", p->previous);
	show_time("review by", p->review_by);
	(void)printf("%-13s%" PRIu64 " of", "changes need", p->admin.threshold);
	for (i = 0; i < p->admin.roles.n; i++)
		(void)printf(" %s", p->admin.roles.v[i]);
	(void)putchar('\n');
	for (i = 0; i < p->nprincipals; i++)
		if (policy_is_admin(p, &p->principals[i]))
			(void)printf("%-13s%s\n",
			    has_signed(v, &p->principals[i]) ? "signed by" :
							       "NOT signed",
			    p->principals[i].id);
	for (i = 0; i < v->env->nsigs; i++)
		if (v->who[i] == NULL || !policy_is_admin(p, v->who[i]))
			show_text(p->has_previous ? "other" : "BAD",
			    p->has_previous ?
				"a signature by no administrator of this "
				"version; the previous one's may sign" :
				"a signature by no administrator");
	show_people(p);
	show_keys(p);
	show_rules(p);
	show_waivers(p);
}

static json_t *
view_json(const struct view *v)
{
	_cleanup_json_ json_t *by = json_array();
	_cleanup_json_ json_t *missing = json_array();
	const struct policy *p = v->p;
	size_t i, bad = 0;

	for (i = 0; i < p->nprincipals; i++)
		if (policy_is_admin(p, &p->principals[i]) &&
		    json_array_append_new(has_signed(v, &p->principals[i]) ?
			    by :
			    missing,
			json_string(p->principals[i].id)) != 0)
			return NULL;
	for (i = 0; i < v->env->nsigs; i++)
		if (v->who[i] == NULL || !policy_is_admin(p, v->who[i]))
			bad++;
	return json_pack("{s:s, s:I, s:s, s:o, s:o, s:b, s:O, s:O, s:I, "
			 "s:O}",
	    "name", p->name, "version", (json_int_t)p->version, "appliance",
	    p->appliance, "digest", json_hex(p->digest, 32), "words",
	    json_words(p->digest), "rehearsal", p->rehearsal ? 1 : 0, "signed",
	    by, "missing", missing, "bad_signatures", (json_int_t)bad, "policy",
	    p->st->predicate);
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(view_done) struct view v = { 0 };
	int r;

	r = policy_file_parse(c->args[0], &v.env, &v.p, d);
	if (r != 0)
		return r;
	v.who = calloc(v.env->nsigs, sizeof(*v.who));
	v.key = calloc(v.env->nsigs, sizeof(*v.key));
	if (v.who == NULL || v.key == NULL)
		return diag_nomem(d);
	r = policy_signers(v.env, v.p, v.who, v.key, d);
	if (r != 0)
		return r;
	if (cli_has(c, O_JSON))
		return cli_print_json(view_json(&v), d);
	show_view(&v);
	return 0;
}

const struct cli_verb verb_policy_show = {
	.group = "policy",
	.name = "show",
	.operands = "ENVELOPE",
	.min_args = 1,
	.max_args = 1,
	.about = "Show a policy and who has signed it.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
