/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/rehearsal_vote.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "hsm/sign.h"
#include "lib/file.h"
#include "tests/lib/rig_die.h"

#define KEYS_MAX 64u

static void
must(int r, const struct diag *d, const char *what)
{
	if (r != 0)
		rig_die("%s: %s %s", what, err_id(r), d->found);
}

static struct secret *
read_pin(const char *rehearsal, const char *port)
{
	struct secret *pin = NULL;
	struct diag d = { 0 };
	uint8_t *text = NULL;
	char path[1024];
	size_t len = 0;

	(void)snprintf(path, sizeof(path), "%s/approvers/%s/pin", rehearsal,
	    port);
	must(file_read(AT_FDCWD, path, 64, &text, &len, &d), &d, path);
	must(secret_new(len - 1, &pin), &d, "PIN");
	memcpy(secret_data(pin), text, len - 1);
	free(text);
	return pin;
}

void
rehearsal_vote(const struct policy *policy, const struct site_port *port,
    const char *rehearsal, const struct buf *challenge, struct tpm_vote *ret)
{
	_cleanup_secret_ struct secret *pin = read_pin(rehearsal, port->port);
	const struct pubkey *keys[KEYS_MAX];
	struct p11_spki list[KEYS_MAX];
	struct p11_token *tokens = NULL;
	struct p11_session *s = NULL;
	struct p11_match match;
	struct p11_key *k = NULL;
	struct p11 *p = NULL;
	struct buf sig = BUF_INIT(HSM_SIG_MAX);
	struct diag d = { 0 };
	size_t i, n = 0, ntokens = 0;

	for (i = 0; i < policy->nprincipals && n < KEYS_MAX; i++) {
		if (policy->principals[i].nkeys == 0)
			continue;
		keys[n] = policy->principals[i].keys[0];
		list[n] = (struct p11_spki){ keys[n]->spki, keys[n]->spki_len };
		n++;
	}
	(void)setenv("SOFTHSM2_CONF", port->conf, 1);
	must(p11_open(port->module, &p, &d), &d, "module");
	must(p11_tokens(p, &tokens, &ntokens, &d), &d, "tokens");
	must(p11_session_open(p, &tokens[0], false, &s, &d), &d, "session");
	must(p11_find_by_spki(s, list, n, &match, &d), &d, "key");
	must(p11_login(s, pin, 0, &d), &d, "login");
	must(p11_find_key(s, match.id, match.id_len, NULL,
		 keys[match.index]->spki, keys[match.index]->spki_len, &k, &d),
	    &d, "key");
	must(hsm_sign_message(s, k, challenge->p, challenge->len, &sig, &d), &d,
	    "vote");
	*ret = (struct tpm_vote){ keys[match.index], sig.p, sig.len };
	p11_key_free(&k);
	p11_session_close(&s);
	p11_close(&p);
	free(tokens);
}
