/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/change_show.h"

#include <string.h>

#include "host-tools/evfiles.h"
#include "host-tools/govern.h"
#include "host-tools/show.h"
#include "lib/policy_diff.h"

void
change_words(enum request_action a, const struct change *c,
    char out[CHANGE_WORDS_MAX])
{
	static const char *const verbs[REQUEST_ACTIONS] = {
		[CHANGE_POLICY] = "put in force: ",
		[CHANGE_KEY_GENERATE] = "generate: ",
		[CHANGE_KEY_DESTROY] = "destroy for ever: ",
		[CHANGE_NOTE] = "put on record, an exception: ",
	};

	if (a == CHANGE_CLOCK)
		(void)snprintf(out, CHANGE_WORDS_MAX,
		    "set the clock %s by %lld seconds",
		    c->seconds < 0 ? "back" : "forward",
		    (long long)(c->seconds < 0 ? -c->seconds : c->seconds));
	else
		(void)snprintf(out, CHANGE_WORDS_MAX, "%s%s", verbs[a],
		    c->text);
}

void
change_show(const struct reqfile *f)
{
	const struct request *r = f->req;
	char words[CHANGE_WORDS_MAX];

	change_words(r->action, &r->change, words);
	show_text("request", r->id);
	show_text("action", r->format);
	show_text("it is to", words);
	if (r->action == CHANGE_POLICY)
		show_digest("policy", r->change.policy);
	show_text("reason", r->change.reason);
	show_text("user", r->user);
	show_text("system", r->system);
	show_time("created", r->created);
	show_digest("digest", r->digest);
}

/* Only what the action has */
static int
add_params(const struct request *r, json_t *root)
{
	const struct change *c = &r->change;
	const struct {
		const char *name;
		json_t *value; /* NULL: it has none */
	} all[] = {
		{ "key", c->key == NULL ? NULL : json_string(c->key) },
		{ "domain", c->domain == NULL ? NULL : json_string(c->domain) },
		{ "algorithm",
		    r->action == CHANGE_KEY_GENERATE ?
			json_string(key_alg_name(c->alg)) :
			NULL },
		{ "seconds",
		    r->action == CHANGE_CLOCK ? json_integer(c->seconds) :
						NULL },
		{ "policy",
		    r->action == CHANGE_POLICY ? json_hex(c->policy, 32) :
						 NULL },
		{ "policy_version",
		    r->action == CHANGE_POLICY ?
			json_integer((json_int_t)c->policy_version) :
			NULL },
	};
	size_t i;
	int e = 0;

	for (i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].value != NULL &&
		    json_object_set_new(root, all[i].name, all[i].value) != 0)
			e = CS_E_NOMEM;
	return e;
}

int
change_json(const struct reqfile *f, json_t *root)
{
	const struct request *r = f->req;
	_cleanup_json_ json_t *j = NULL;
	char words[CHANGE_WORDS_MAX];

	change_words(r->action, &r->change, words);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}",
	    "request", r->id, "action", r->format, "what", words, "reason",
	    r->change.reason, "user", r->user, "system", r->system, "created",
	    json_time(r->created), "digest", json_hex(r->digest, 32), "words",
	    json_words(r->digest));
	if (j == NULL || json_object_update(root, j) != 0)
		return CS_E_NOMEM;
	return add_params(r, root);
}

int
change_new_policy(const struct reqfile *f, struct policy **ret, struct diag *d)
{
	_cleanup_evfiles_ struct evfiles e = { 0 };
	_cleanup_dsse_ struct dsse *env = NULL;
	int r;

	if (f->req->action != CHANGE_POLICY)
		return diag_fail(d, CS_E_USAGE,
		    "a policy.update, which a policy is compared with",
		    "another request");
	r = evfiles_read(f, &e, d);
	if (r != 0)
		return r;
	if (e.n != 1)
		return diag_fail(d, CS_E_CHANGE_EVIDENCE, "one document", "%zu",
		    e.n);
	r = dsse_parse(e.v[0].data, e.v[0].len, &env, d);
	if (r == 0 && memcmp(env->digest, f->req->change.policy, 32) != 0)
		r = diag_fail(d, CS_E_CHANGE_NAMED,
		    "the policy that the change names", "another one");
	return r != 0 ? r :
			policy_parse(env->payload, env->payload_len, ret, d);
}

int
change_show_diff(const struct policy *old, const struct policy *new,
    struct diag *d)
{
	_cleanup_govern_ struct buf out = BUF_INIT(GOVERN_TEXT_MAX);

	(void)puts("\nwhat the new policy changes:");
	return govern_print(policy_diff(old, new, &out), &out, d);
}

json_t *
change_diff_json(const struct policy *old, const struct policy *new)
{
	_cleanup_govern_ struct buf out = BUF_INIT(GOVERN_TEXT_MAX);

	return policy_diff(old, new, &out) == 0 ? govern_lines(&out) : NULL;
}
