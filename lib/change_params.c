/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/change.h"
#include "lib/request_impl.h"

/* What each action is about: its one object, read, written and in words. */
bool
change_clock_ok(int64_t seconds)
{
	return seconds != 0 && seconds <= CHANGE_CLOCK_MAX_S &&
	    seconds >= -CHANGE_CLOCK_MAX_S;
}

static int
check_name(const char *s, const char *what, struct diag *d)
{
	if (!policy_name_ok(s))
		return diag_fail(d, CS_E_CHANGE_NAME,
		    "1 to 40 of a-z, 0-9 and dashes", "the %s %.60s", what, s);
	return 0;
}

static int
parse_policy(json_t *j, struct change *c, struct diag *d)
{
	const struct json_field f[] = {
		{ "sha256", JK_HEX32, true, c->policy, NULL },
		{ "version", JK_U64, true, &c->policy_version, NULL },
	};
	int r = json_fields(j, "/policy", f, ARRAY_LEN(f), d);

	if (r != 0)
		return r;
	(void)snprintf(c->text, sizeof(c->text), "policy %llu",
	    (unsigned long long)c->policy_version);
	return 0;
}

static int
parse_generate(json_t *j, struct change *c, struct diag *d)
{
	const char *alg = NULL;
	const struct json_field f[] = {
		{ "algorithm", JK_LABEL, true, &alg, NULL },
		{ "domain", JK_LABEL, true, &c->domain, NULL },
		{ "id", JK_LABEL, true, &c->key, NULL },
	};
	int r = json_fields(j, "/key", f, ARRAY_LEN(f), d);

	if (r == 0)
		r = check_name(c->key, "key", d);
	if (r == 0)
		r = check_name(c->domain, "domain", d);
	if (r != 0)
		return r;
	if (key_alg_from_name(alg, &c->alg) != 0)
		return diag_fail(d, CS_E_CHANGE_ALGORITHM,
		    "an algorithm that lib/PROTOCOL.policy lists", "%.60s",
		    alg);
	(void)snprintf(c->text, sizeof(c->text), "key %s in %s (%s)", c->key,
	    c->domain, key_alg_name(c->alg));
	return 0;
}

static int
parse_destroy(json_t *j, struct change *c, struct diag *d)
{
	const struct json_field f[] = {
		{ "id", JK_LABEL, true, &c->key, NULL },
	};
	int r = json_fields(j, "/key", f, ARRAY_LEN(f), d);

	if (r == 0)
		r = check_name(c->key, "key", d);
	if (r != 0)
		return r;
	(void)snprintf(c->text, sizeof(c->text), "key %s", c->key);
	return 0;
}

static int
parse_clock(json_t *j, struct change *c, struct diag *d)
{
	const struct json_field f[] = {
		{ "seconds", JK_I64, true, &c->seconds, NULL },
	};
	int r = json_fields(j, "/clock", f, ARRAY_LEN(f), d);

	if (r != 0)
		return r;
	if (!change_clock_ok(c->seconds))
		return diag_fail(d, CS_E_CHANGE_CLOCK,
		    "seconds to add or take away, at most ten years, not 0",
		    "%lld", (long long)c->seconds);
	(void)snprintf(c->text, sizeof(c->text), "%+lld s",
	    (long long)c->seconds);
	return 0;
}

static int
parse_note(json_t *j, struct change *c, struct diag *d)
{
	(void)j;
	(void)d;
	(void)snprintf(c->text, sizeof(c->text), "note");
	return 0;
}

static json_t *
policy_json(const struct change *c)
{
	return json_pack("{s:{s:o, s:I}}", "policy", "sha256",
	    json_hex32(c->policy), "version", (json_int_t)c->policy_version);
}

static json_t *
generate_json(const struct change *c)
{
	return json_pack("{s:{s:s, s:s, s:s}}", "key", "algorithm",
	    key_alg_name(c->alg), "domain", c->domain, "id", c->key);
}

static json_t *
destroy_json(const struct change *c)
{
	return json_pack("{s:{s:s}}", "key", "id", c->key);
}

static json_t *
clock_json(const struct change *c)
{
	return json_pack("{s:{s:I}}", "clock", "seconds",
	    (json_int_t)c->seconds);
}

static json_t *
note_json(const struct change *c)
{
	(void)c;
	return json_object();
}

static const struct {
	const char *name, *param; /* param NULL: it has none */
	int (*parse)(json_t *j, struct change *c, struct diag *d);
	json_t *(*format)(const struct change *c);
} actions[REQUEST_ACTIONS] = {
	[CHANGE_POLICY] = { "policy.update", "policy", parse_policy,
	    policy_json },
	[CHANGE_KEY_GENERATE] = { "key.generate", "key", parse_generate,
	    generate_json },
	[CHANGE_KEY_DESTROY] = { "key.destroy", "key", parse_destroy,
	    destroy_json },
	[CHANGE_CLOCK] = { "clock.set", "clock", parse_clock, clock_json },
	[CHANGE_NOTE] = { "exception.note", NULL, parse_note, note_json },
};

const char *
change_action_name(enum request_action a)
{
	return (size_t)a < REQUEST_ACTIONS ? actions[a].name : NULL;
}

int
change_action_from_name(const char *s)
{
	int a;

	for (a = REQUEST_SIGN + 1; a < REQUEST_ACTIONS; a++)
		if (strcmp(actions[a].name, s) == 0)
			return a;
	return -1;
}

int
change_parse_params(enum request_action a, const struct change_params *v,
    struct change *c, struct diag *d)
{
	const struct {
		const char *name;
		json_t *j;
	} all[] = {
		{ "clock", v->clock },
		{ "key", v->key },
		{ "policy", v->policy },
	};
	const char *want = actions[a].param;
	json_t *found = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++) {
		bool wanted = want != NULL && strcmp(all[i].name, want) == 0;

		if (wanted != (all[i].j != NULL))
			return diag_fail(d, CS_E_CHANGE_PARAMS,
			    want == NULL ? "none of clock, key and policy" :
					   want,
			    "%s with %s%s", actions[a].name,
			    wanted ? "no " : "a ", all[i].name);
		if (wanted)
			found = all[i].j;
	}
	return actions[a].parse(found, c, d);
}

json_t *
change_params_json(enum request_action a, const struct change *c)
{
	return change_action_name(a) == NULL ? NULL : actions[a].format(c);
}
