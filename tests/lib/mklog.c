/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/mklog.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
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

/* The seed as the private scalar; the public point follows from it. */
static EVP_PKEY *
p256(const uint8_t seed[32])
{
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BIGNUM *priv = BN_bin2bn(seed, 32, NULL);
	EC_POINT *pub = g != NULL ? EC_POINT_new(g) : NULL;
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *k = NULL;
	uint8_t point[65];

	if (priv == NULL || pub == NULL || b == NULL || c == NULL ||
	    EC_POINT_mul(g, pub, priv, NULL, NULL, NULL) != 1 ||
	    EC_POINT_point2oct(g, pub, POINT_CONVERSION_UNCOMPRESSED, point,
		sizeof(point), NULL) != sizeof(point) ||
	    OSSL_PARAM_BLD_push_utf8_string(b, "group", "P-256", 0) != 1 ||
	    OSSL_PARAM_BLD_push_BN(b, "priv", priv) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(b, "pub", point, sizeof(point)) !=
		1 ||
	    (params = OSSL_PARAM_BLD_to_param(b)) == NULL ||
	    EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &k, EVP_PKEY_KEYPAIR, params) != 1)
		mklog_die("P-256 key", CS_E_CRYPTO, NULL);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_BLD_free(b);
	EC_POINT_free(pub);
	BN_free(priv);
	EC_GROUP_free(g);
	return k;
}

static size_t
sign(EVP_PKEY *k, const char *md, const char *text, uint8_t *sig, size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = size;

	if (ctx == NULL || k == NULL ||
	    EVP_DigestSignInit_ex(ctx, NULL, md, NULL, NULL, k, NULL) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, (const uint8_t *)text, strlen(text)) !=
		1)
		mklog_die("sign", CS_E_CRYPTO, NULL);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(k);
	return n;
}

void
mklog_init(struct mklog *l, const char *origin)
{
	const char *tmp = getenv("TMPDIR");
	struct diag d = { 0 };
	EVP_PKEY *k;
	uint8_t pub[32], *spki = NULL;
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
	must("vkey", note_vkey_make(origin, pub, &l->keys.v[0], &d), &d);
	k = p256(l->seed);
	if ((n = (size_t)i2d_PUBKEY(k, &spki)) > NOTE_PUB_MAX)
		mklog_die("key", CS_E_CRYPTO, NULL);
	must("vkey", note_vkey_make_ecdsa(origin, spki, n, &l->keys.v[1], &d),
	    &d);
	OPENSSL_free(spki);
	EVP_PKEY_free(k);
	l->keys.n = 2;
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
	struct diag d = { 0 };

	(void)snprintf(c.origin, sizeof(c.origin), "%s", l->keys.v[0].name);
	must("root", tlog_root(l->log, c.root, &d), &d);
	c.root[0] ^= wrong_root ? 1 : 0;
	mklog_sign_as(l, &c);
}

void
mklog_sign_as(struct mklog *l, const struct checkpoint *c)
{
	char text[CHECKPOINT_TEXT_MAX];
	struct diag d = { 0 };
	uint8_t sig[NOTE_ECDSA_MAX];
	char *one;
	size_t n;

	must("checkpoint", checkpoint_format(c, text, &d), &d);
	(void)sign(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, l->seed,
		       32),
	    NULL, text, sig, sizeof(sig));
	free(l->note);
	l->note = NULL;
	must("note",
	    note_assemble(text, strlen(text), &l->keys.v[0], sig, &l->note,
		&l->note_len, &d),
	    &d);
	if (l->two) {
		one = l->note;
		n = sign(p256(l->seed), "SHA256", text, sig, sizeof(sig));
		must("note",
		    note_add(one, l->note_len, &l->keys.v[1], sig, n, &l->note,
			&l->note_len, &d),
		    &d);
		free(one);
	}
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

bool
mklog_has(const struct tile_id *t, uint64_t from)
{
	/* as the appliance exports it */
	return tile_end(t) > from;
}

static int
add_tile(void *arg, const struct tile_id *t)
{
	struct items *x = arg;
	char path[TILE_PATH_MAX];
	struct diag d = { 0 };
	uint8_t *data;
	size_t len;

	if (!mklog_has(t, x->l->from))
		return 0;
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
