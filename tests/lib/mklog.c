/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/mklog.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/package.h"
#include "lib/file.h"
#include "lib/sha.h"

#define FILE_MAX (32u << 20)

void
mklog_die(const char *what, int r, const struct diag *d)
{
	char text[1024] = "";

	if (d != NULL && d->code != 0)
		diag_format(d, text, sizeof(text));
	(void)fprintf(stderr, "mklog: %s: %s\n%s", what, err_id(r), text);
	exit(99);
}

static void
must(const char *what, int r, const struct diag *d)
{
	if (r != 0)
		mklog_die(what, r, d);
}

void
mklog_init(struct mklog *l, const char *origin)
{
	const char *tmp = getenv("TMPDIR");
	struct diag d = { 0 };
	EVP_PKEY *k;
	uint8_t pub[32];
	size_t n = sizeof(pub);

	memset(l, 0, sizeof(*l));
	(void)snprintf(l->dir, sizeof(l->dir), "%s/mklog.XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	if (mkdtemp(l->dir) == NULL)
		mklog_die("mkdtemp", CS_E_IO, NULL);
	must("folder", dir_open(AT_FDCWD, l->dir, &l->dirfd, &d), &d);
	must("seed", sha256(origin, strlen(origin), l->seed), NULL);
	k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, l->seed, 32);
	if (k == NULL || EVP_PKEY_get_raw_public_key(k, pub, &n) != 1)
		mklog_die("key", CS_E_CRYPTO, NULL);
	EVP_PKEY_free(k);
	must("vkey", note_vkey_make(origin, pub, &l->vkey, &d), &d);
	must("log", tlog_open(l->dirfd, &l->log, &d), &d);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
mklog_done(struct mklog *l)
{
	tlog_free(&l->log);
	close_fdp(&l->dirfd);
	free(l->note);
	(void)nftw(l->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
mklog_append(struct mklog *l, const struct tlog_leaf *leaves, size_t n)
{
	struct diag d = { 0 };

	must("append", tlog_append(l->log, leaves, n, &d), &d);
}

void
mklog_sign(struct mklog *l, bool wrong_root)
{
	struct checkpoint c = { .size = tlog_size(l->log) };
	char text[CHECKPOINT_TEXT_MAX];
	struct diag d = { 0 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *k;
	uint8_t sig[64];
	size_t n = sizeof(sig);

	(void)snprintf(c.origin, sizeof(c.origin), "%s", l->vkey.name);
	must("root", tlog_root(l->log, c.root, &d), &d);
	c.root[0] ^= wrong_root ? 1 : 0;
	must("checkpoint", checkpoint_format(&c, text, &d), &d);
	k = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, l->seed, 32);
	if (ctx == NULL || k == NULL ||
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, k) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, (const uint8_t *)text, strlen(text)) !=
		1)
		mklog_die("sign", CS_E_CRYPTO, NULL);
	EVP_PKEY_free(k);
	EVP_MD_CTX_free(ctx);
	free(l->note);
	l->note = NULL;
	must("note",
	    note_assemble(text, strlen(text), &l->vkey, sig, &l->note,
		&l->note_len, &d),
	    &d);
	must("checkpoint",
	    file_write_atomic(l->dirfd, "checkpoint", l->note, l->note_len,
		0644, &d),
	    &d);
}

struct items {
	struct mklog *l;
	struct package_item *v;
	size_t n;
};

static void
add(struct items *x, const char *name, const void *data, size_t len)
{
	struct package_item *i;

	x->v = reallocarray(x->v, x->n + 1, sizeof(*x->v));
	if (x->v == NULL)
		mklog_die("memory", CS_E_NOMEM, NULL);
	i = &x->v[x->n++];
	memset(i, 0, sizeof(*i));
	(void)snprintf(i->name, sizeof(i->name), "%s", name);
	i->data = data;
	i->size = len;
	must("sha256", sha256(data, len, i->sha256), NULL);
}

static int
add_tile(void *arg, const struct tile_id *t)
{
	struct items *x = arg;
	char path[TILE_PATH_MAX];
	struct diag d = { 0 };
	uint8_t *data;
	size_t len;

	tile_path(t, path);
	must(path, file_read(x->l->dirfd, path, FILE_MAX, &data, &len, &d), &d);
	add(x, path, data, len);
	return 0;
}

void
mklog_bundle(struct mklog *l, const char *policy, const char *out)
{
	struct items x = { .l = l };
	struct diag d = { 0 };
	uint8_t *text = NULL;
	size_t len, i;

	add(&x, "checkpoint", l->note, l->note_len);
	if (policy != NULL)
		must(policy,
		    file_read(AT_FDCWD, policy, FILE_MAX, &text, &len, &d), &d);
	else if ((text = (uint8_t *)strdup("{}\n")) != NULL)
		len = 3;
	else
		mklog_die("memory", CS_E_NOMEM, NULL);
	add(&x, "policy.dsse", text, len);
	must("tiles", tile_each(tlog_size(l->log), add_tile, &x), NULL);
	must(out, package_write(out, "audit", x.v, x.n, &d), &d);
	for (i = 1; i < x.n; i++)
		free((void *)(uintptr_t)x.v[i].data);
	free(x.v);
}
