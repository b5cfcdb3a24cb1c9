/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "hsm/policy_keys.h"

/* One that is retired or revoked may have been destroyed. */
static bool
must_be_there(const struct policy_key *k)
{
	return strcmp(k->state, "retired") != 0 &&
	    strcmp(k->state, "revoked") != 0;
}

int
policy_keys_there(const struct policy *p, const char *domain,
    struct p11_session *s, struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < p->nkeys; i++) {
		const struct policy_key *k = &p->keys[i];
		_cleanup_p11_key_ struct p11_key *key = NULL;
		struct p11_uri u;

		if (strcmp(k->domain, domain) != 0 || !must_be_there(k))
			continue;
		r = p11_uri_parse(k->uri, &u, d);
		if (r == 0)
			r = p11_find_key(s, u.id, u.id_len,
			    u.object[0] == '\0' ? NULL : u.object, k->key->spki,
			    k->key->spki_len, &key, d);
	}
	return r;
}
