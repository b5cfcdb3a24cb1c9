/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rig.h"

#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/json.h"
#include "lib/statement.h"
#include "tests/lib/rig_die.h"

#define FROM	 "2026-01-01T00:00:00Z"
#define UNTIL	 "2036-01-01T00:00:00Z"
#define MAX_ARGS 128

static const char *
field(json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	if (s == NULL)
		rig_die("coldseal-provision printed no %s", name);
	return s;
}

static void
read_key(const char *line, size_t len, struct rig_key *k)
{
	json_t *j = NULL;
	const char *cert;
	struct diag d = { 0 };

	if (json_load_strict(line, len, len, &j, &d) != 0)
		rig_die("coldseal-provision printed %.*s", (int)len, line);
	if (strcmp(field(j, "id"), k->id) != 0)
		rig_die("keys in another order");
	(void)snprintf(k->uri, sizeof(k->uri), "%s", field(j, "uri"));
	k->public_key = strdup(field(j, "public_key"));
	cert = json_string_value(json_object_get(j, "certificate"));
	k->certificate = cert == NULL ? NULL : strdup(cert);
	json_decref(j);
}

void
rig_keys_parse(const char *out, struct rig_key *keys, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const char *end = strchr(out, '\n');

		if (end == NULL)
			rig_die("coldseal-provision printed %zu keys", i);
		read_key(out, (size_t)(end - out), &keys[i]);
		out = end + 1;
	}
}

void
rig_provision_keys(const struct rig *r, const char *state, const char *origin,
    const char *const *ports, size_t nports, struct rig_key *keys, size_t n)
{
	_cleanup_output_ struct rig_output o = { 0 };
	const char *argv[MAX_ARGS] = { "coldseal-provision", "keys", "--state",
		state, "--origin", origin, "--module", r->module, "--tcti",
		r->tcti, "--image", r->image, "--hsm-conf", r->hsm_conf,
		"--rehearsal" };
	size_t argc = 15, i;
	char *specs[MAX_ARGS] = { NULL };

	for (i = 0; i < nports && argc < MAX_ARGS - 3; i++) {
		argv[argc++] = "--token";
		argv[argc++] = ports[i];
	}
	for (i = 0; i < n && argc < MAX_ARGS - 3; i++) {
		if (asprintf(&specs[i], "%s,%s,%s,%s", keys[i].id,
			keys[i].domain, keys[i].algorithm, keys[i].format) < 0)
			rig_die("out of memory");
		argv[argc++] = "--key";
		argv[argc++] = specs[i];
	}
	rig_run(r, argv, NULL, &o);
	for (i = 0; i < n; i++)
		free(specs[i]);
	if (o.status != 0)
		rig_die("coldseal-provision keys: %d\n%s", o.status, o.err);
	rig_keys_parse(o.out, keys, n);
}

void
rig_keys_done(struct rig_key *keys, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(keys[i].public_key);
		free(keys[i].certificate);
	}
}

static json_t *
principals(const struct rig_policy *p)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < p->npeople; i++) {
		const struct rig_person *w = p->people[i];
		char *spki = calloc(1, b64_enc_len(w->pub->spki_len) + 1);

		if (spki == NULL)
			rig_die("out of memory");
		b64_encode(w->pub->spki, w->pub->spki_len, spki);
		(void)json_array_append_new(a,
		    json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[{s:s}], s:s, "
			      "s:s}",
			"id", w->id, "kind", w->kind, "name", w->id,
			"organisation", w->organisation, "roles", w->role,
			"keys", "public_key", spki, "valid_from", FROM,
			"valid_until", UNTIL));
		free(spki);
	}
	return a;
}

static json_t *
domains(const struct rig_policy *p)
{
	json_t *a = json_array();
	char token[80];
	size_t i, j;

	for (i = 0; i < p->nkeys; i++) {
		for (j = 0; j < i; j++)
			if (strcmp(p->keys[i].domain, p->keys[j].domain) == 0)
				break;
		if (j < i)
			continue;
		(void)snprintf(token, sizeof(token), "%s%s",
		    p->token_prefix == NULL ? "coldseal-" : p->token_prefix,
		    p->keys[i].domain);
		(void)json_array_append_new(a,
		    json_pack("{s:s, s:s}", "id", p->keys[i].domain, "token",
			token));
	}
	return a;
}

static json_t *
keys(const struct rig_policy *p)
{
	json_t *a = json_array(), *k;
	size_t i;

	for (i = 0; i < p->nkeys; i++) {
		const struct rig_key *r = &p->keys[i];

		k = json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s], s:[s], s:s, "
			      "s:s, s:s}",
		    "id", r->id, "domain", r->domain, "uri", r->uri,
		    "public_key", r->public_key, "algorithm", r->algorithm,
		    "products", p->product, "formats", r->format, "state",
		    "active", "valid_from", FROM, "valid_until", UNTIL);
		if (r->certificate != NULL)
			(void)json_object_set_new(k, "certificate",
			    json_string(r->certificate));
		(void)json_array_append_new(a, k);
	}
	return a;
}

static json_t *
with_role(const struct rig_policy *p, const char *role)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < p->npeople; i++)
		if (strcmp(p->people[i]->role, role) == 0)
			(void)json_array_append_new(a,
			    json_string(p->people[i]->id));
	return a;
}

/* members of a JSON object, which may replace others */
static void
update(json_t *to, const char *more)
{
	_cleanup_json_ json_t *j = NULL;

	if (more == NULL)
		return;
	if (json_load_strict(more, strlen(more), strlen(more), &j, NULL) != 0 ||
	    json_object_update(to, j) != 0)
		rig_die("%s", more);
}

static json_t *
rules(const struct rig_policy *p)
{
	json_t *a = json_array();
	char id[80];
	size_t i;

	for (i = 0; i < p->nkeys; i++) {
		(void)snprintf(id, sizeof(id), "r-%.30s", p->keys[i].id);
		(void)json_array_append_new(a,
		    json_pack("{s:s, s:s, s:o, s:[s], s:[s], s:{s:I, s:[s], "
			      "s:b, s:b}}",
			"id", id, "product", p->product, "requesters",
			with_role(p, "requester"), "keys", p->keys[i].id,
			"formats", p->keys[i].format, "approvals", "threshold",
			(json_int_t)p->threshold, "roles", "approver",
			"distinct_organisations", 0, "requester_excluded", 1));
		update(json_array_get(a, i), p->rule_more);
	}
	return a;
}

char *
rig_policy(const struct rig_policy *p, size_t *ret_len)
{
	struct subject s = { .name = NULL };
	_cleanup_free_ char *text = NULL;
	char *out = NULL, name[] = "policy";
	size_t len;
	json_t *j;

	j = json_pack("{s:s, s:s, s:I, s:b, s:s, s:I, s:[s,s,s], s:o, s:o, "
		      "s:o, s:o, "
		      "s:{s:I, s:[s]}}",
	    "name", p->name, "appliance", p->appliance, "version",
	    (json_int_t)p->version, "rehearsal", p->rehearsal ? 1 : 0,
	    "review_by", UNTIL, "review_warning_days", (json_int_t)30, "roles",
	    "requester", "approver", "admin", "principals", principals(p),
	    "domains", domains(p), "keys", keys(p), "rules", rules(p),
	    "administration", "threshold", (json_int_t)1, "roles", "admin");
	update(j, p->more);
	if (j == NULL || json_canonical(j, &text, &len) != 0 ||
	    sha256(text, len, s.digest[HASH_SHA256]) != 0)
		rig_die("policy");
	s.name = name;
	s.has[HASH_SHA256] = true;
	if (statement_format(&s, 1, PRED_POLICY, j, &out, ret_len) != 0)
		rig_die("policy statement");
	return out;
}

char *
rig_policy_envelope(const struct rig_policy *p, size_t *ret_len)
{
	const struct rig_person *admins[16];
	_cleanup_free_ char *payload = NULL;
	size_t n = 0, i, len;

	payload = rig_policy(p, &len);
	for (i = 0; i < p->npeople && n < ARRAY_LEN(admins); i++)
		if (strcmp(p->people[i]->role, "admin") == 0)
			admins[n++] = p->people[i];
	return rig_dsse(payload, len, admins, n, ret_len);
}

void
rig_provision_policy(const struct rig *r, const char *state,
    const char *envelope, size_t len)
{
	_cleanup_output_ struct rig_output o = { 0 };
	char path[RIG_PATH];
	const char *argv[] = { "coldseal-provision", "policy", "--state", state,
		"--policy", path, NULL };

	rig_write(r, "policy.dsse", envelope, len, path);
	rig_run(r, argv, NULL, &o);
	if (o.status != 0)
		rig_die("coldseal-provision policy: %d\n%s", o.status, o.err);
}
