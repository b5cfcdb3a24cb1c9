/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/docs.h"

#include <fcntl.h>

#include "lib/file.h"

static void
buf_donep(struct buf *b)
{
	buf_done(b);
}

int
policy_file_parse(const char *path, struct dsse **ret_env, struct policy **ret,
    struct diag *d)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, DSSE_MAX, &text, &len, d);
	if (r == 0)
		r = dsse_parse(text, len, &env, d);
	if (r == 0)
		r = policy_parse(env->payload, env->payload_len, ret, d);
	if (r != 0)
		return r;
	*ret_env = take_ptr(env);
	return 0;
}

int
policy_file_load(const char *path, struct policy **ret, bool *ret_genesis,
    struct diag *d)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	_cleanup_dsse_ struct dsse *env = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, DSSE_MAX, &text, &len, d);
	if (r == 0)
		r = dsse_parse(text, len, &env, d);
	if (r == 0)
		r = policy_parse(env->payload, env->payload_len, &p, d);
	if (r != 0)
		return r;
	*ret_genesis = !p->has_previous;
	if (*ret_genesis) {
		policy_free(&p);
		r = policy_load_genesis(text, len, &p, d);
		if (r != 0)
			return r;
	}
	*ret = take_ptr(p);
	return 0;
}

static void
signer_of(const struct dsse_sig *s, const struct buf *pae,
    const struct policy *p, const struct policy_principal **who,
    const struct pubkey **key)
{
	const struct policy_principal *w;
	size_t i, k;

	for (i = 0; i < p->nprincipals; i++) {
		w = &p->principals[i];
		for (k = 0; k < w->nkeys; k++) {
			if (pubkey_verify_message(w->keys[k], pae->p, pae->len,
				s->sig, s->sig_len) != 0)
				continue;
			*who = w;
			*key = w->keys[k];
			return;
		}
	}
}

int
policy_signers(const struct dsse *env, const struct policy *p,
    const struct policy_principal **who, const struct pubkey **key,
    struct diag *d)
{
	_cleanup_(buf_donep) struct buf pae = BUF_INIT(DSSE_MAX + 128);
	size_t i;
	int r;

	r = dsse_pae(env->payload, env->payload_len, &pae);
	if (r != 0)
		return diag_fail(d, r, NULL, "the policy's payload");
	for (i = 0; i < env->nsigs; i++) {
		who[i] = NULL;
		key[i] = NULL;
		signer_of(&env->sigs[i], &pae, p, &who[i], &key[i]);
	}
	return 0;
}
