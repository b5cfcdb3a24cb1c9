/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/softhsm.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

static char dir[256];

static void
die(const char *what, const struct diag *d)
{
	(void)fprintf(stderr, "softhsm.c: %s: %s: %s (%s)\n", what,
	    err_id(d->code), d->found, d->expected);
	abort();
}

static void
must(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

const char *
softhsm_module(void)
{
	static const char *const usual[] = {
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib64/softhsm/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so",
	};
	const char *s = getenv("CS_SOFTHSM");
	size_t i;

	if (s != NULL)
		return s;
	for (i = 0; i < ARRAY_LEN(usual); i++)
		if (access(usual[i], R_OK) == 0)
			return usual[i];
	must(false, "SoftHSM");
	return NULL;
}

const char *
softhsm_fake(void)
{
	static char path[512];
	const char *tests = getenv("CS_TESTS");
	char *full;

	(void)snprintf(path, sizeof(path), "%s/fake_final_try_token.so",
	    tests != NULL ? tests : "build/tests");
	full = realpath(path, NULL);
	must(full != NULL, path);
	(void)snprintf(path, sizeof(path), "%s", full);
	free(full);
	must(setenv("CS_FAKE_REAL", softhsm_module(), 1) == 0, "setenv");
	return path;
}

void
softhsm_make(void)
{
	const char *tmp = getenv("TMPDIR");
	char path[300];
	FILE *f;

	(void)snprintf(dir, sizeof(dir), "%s/cs-hsm-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	must(mkdtemp(dir) != NULL, dir);
	(void)snprintf(path, sizeof(path), "%s/tokens", dir);
	must(mkdir(path, 0700) == 0, path);
	(void)snprintf(path, sizeof(path), "%s/softhsm2.conf", dir);
	f = fopen(path, "we");
	must(f != NULL, path);
	(void)fprintf(f,
	    "directories.tokendir = %s/tokens\n"
	    "objectstore.backend = file\nlog.level = ERROR\n",
	    dir);
	must(fclose(f) == 0, path);
	must(setenv("SOFTHSM2_CONF", path, 1) == 0, "setenv");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

void
softhsm_remove(void)
{
	must(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0, dir);
}

const char *
softhsm_dir(void)
{
	return dir;
}

struct secret *
softhsm_secret(const char *s)
{
	struct secret *r = NULL;

	must(secret_new(strlen(s), &r) == 0, "secret_new");
	memcpy(secret_data(r), s, strlen(s));
	return r;
}

void
softhsm_token(struct p11 *p, const char *label)
{
	_cleanup_secret_ struct secret *so = softhsm_secret(SOFTHSM_SO);
	_cleanup_secret_ struct secret *pin = softhsm_secret(SOFTHSM_PIN);
	struct p11_token blank, made;
	struct diag d = { 0 };

	if (p11_find_token_blank(p, &blank, &d) != 0 ||
	    p11_init_token(p, &blank, label, so, pin, &made, &d) != 0)
		die(label, &d);
	must(strcmp(made.label, label) == 0, "label");
}

struct p11_session *
softhsm_session(struct p11 *p, const char *label, bool login)
{
	_cleanup_secret_ struct secret *pin = softhsm_secret(SOFTHSM_PIN);
	struct p11_session *s = NULL;
	struct diag d = { 0 };
	struct p11_token t;

	if (p11_find_token_label(p, label, &t, &d) != 0 ||
	    p11_session_open(p, &t, true, &s, &d) != 0 ||
	    (login && p11_login(s, pin, 0, &d) != 0))
		die(label, &d);
	return s;
}

void
softhsm_leaks(bool on)
{
#ifdef __SANITIZE_ADDRESS__
	if (on)
		__lsan_disable();
	else
		__lsan_enable();
#else
	(void)on;
#endif
}

struct pubkey *
softhsm_generate(struct p11_session *s, enum key_alg alg, uint8_t id,
    const char *label)
{
	struct pubkey *k = NULL;
	struct diag d = { 0 };
	bool restricted = false;

	int r;

	softhsm_leaks(true);
	r = p11_generate(s, alg, &id, 1, label, &k, &restricted, &d);
	softhsm_leaks(false);
	if (r != 0)
		die(label, &d);
	must(restricted, "CKA_ALLOWED_MECHANISMS");
	return k;
}

struct p11_key *
softhsm_key(struct p11_session *s, uint8_t id, const struct pubkey *pub)
{
	struct p11_key *k = NULL;
	struct diag d = { 0 };

	if (p11_find_key(s, &id, 1, NULL, pub->spki, pub->spki_len, &k, &d) !=
	    0)
		die("p11_find_key", &d);
	return k;
}
