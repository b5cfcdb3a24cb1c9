/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/provision_shares.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/dsse.h"
#include "lib/file.h"

void
prov_shares_done(struct share_domain *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		recover_set_free(&v[i].set);
		secret_free(&v[i].pin);
	}
}

static int
check_signature(const struct dsse *env, const struct pubkey *record,
    const char *path, struct diag *d)
{
	bool hit = false;
	size_t bad = 0;
	int r = dsse_verify(env, &record, 1, &hit, &bad, d);

	if (r != 0)
		return r;
	if (!hit || bad != 0)
		return diag_fail(d, CS_E_SHARE_MANIFEST_SIGNATURE,
		    "one signature, by enrol/record.pem", "%s", path);
	return 0;
}

int
prov_shares_open(int state_fd, const struct pubkey *record, const char *origin,
    struct share_domain *ret, struct diag *d)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	struct share_manifest m;
	char path[100];
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "enrol/recovery/%.40s/shares.dsse",
	    ret->id);
	r = file_read(state_fd, path, (size_t)4 * SHARE_MANIFEST_MAX, &text,
	    &len, d);
	if (r == 0)
		r = dsse_parse(text, len, &env, d);
	if (r == 0)
		r = check_signature(env, record, path, d);
	if (r == 0)
		r = share_manifest_parse(env->payload, env->payload_len, &m, d);
	if (r != 0)
		return r;
	ret->count = m.head.count;
	return recover_set_new(&m, ret->id, origin, &ret->set, d);
}

static int
add_file(const struct recover_session *s, const char *path,
    struct share_domain *m, size_t *ret_index, struct diag *d)
{
	_cleanup_secret_ struct secret *record = NULL;
	_cleanup_free_ uint8_t *cms = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, SHARE_CMS_MAX, &cms, &len, d);
	if (r == 0)
		r = recover_session_open(s, cms, len, &record, d);
	return r == 0 ? recover_add(m->set, record, ret_index, d) : r;
}

/* Each file by itself: one that is refused does not keep others out. */
static void
take_file(const struct recover_session *s, const char *folder,
    struct share_domain *m, size_t i)
{
	char path[600], text[1024];
	struct diag d = { 0 };
	size_t index = 0;

	(void)snprintf(path, sizeof(path), "%.500s/%.40s/share-%zu.p7m", folder,
	    m->id, i);
	if (m->in[i] || !file_exists(AT_FDCWD, path))
		return;
	if (add_file(s, path, m, &index, &d) == 0) {
		m->in[i] = true;
		(void)printf("%s/share-%zu.p7m: accepted, %zu of %zu\n", m->id,
		    i, recover_have(m->set), recover_need(m->set));
		return;
	}
	diag_format(&d, text, sizeof(text));
	(void)printf("%s/share-%zu.p7m: %s", m->id, i, text);
}

/* How many domains still want shares */
static size_t
take_folder(const struct recover_session *s, const char *folder,
    struct share_domain *v, size_t n)
{
	size_t i, k, missing = 0;

	for (k = 0; k < n; k++) {
		for (i = 1; i <= v[k].count; i++)
			take_file(s, folder, &v[k], i);
		if (recover_have(v[k].set) >= recover_need(v[k].set))
			continue;
		missing++;
		(void)printf("%s: %zu of %zu shares; bring more, then type "
			     "go\n",
		    v[k].id, recover_have(v[k].set), recover_need(v[k].set));
	}
	(void)fflush(stdout);
	return missing;
}

static int
too_few(const struct share_domain *v, size_t n, struct diag *d)
{
	size_t k;

	for (k = 0; k < n; k++)
		if (recover_have(v[k].set) < recover_need(v[k].set))
			break;
	if (k == n)
		k = 0;
	return diag_fail(d, CS_E_RECOVER_FEW, "enough shares, then \"go\"",
	    "%zu of %zu for %s, and the end of the input",
	    recover_have(v[k].set), recover_need(v[k].set), v[k].id);
}

int
prov_shares_collect(const struct recover_session *s, const char *folder,
    struct share_domain *v, size_t n, struct diag *d)
{
	char line[80];
	size_t k;
	int r = 0;

	do {
		if (fgets(line, sizeof(line), stdin) == NULL)
			return too_few(v, n, d);
	} while (
	    strcmp(line, "go\n") != 0 || take_folder(s, folder, v, n) != 0);
	for (k = 0; r == 0 && k < n; k++)
		r = recover_combine(v[k].set, &v[k].pin, d);
	return r;
}
