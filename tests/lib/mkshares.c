/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mkshares split DIR DOMAIN ORIGIN M RECORD.pem CERT...
 *	splits the line on stdin; DIR/share-<i>.p7m and DIR/shares.dsse
 * mkshares join SHARES.dsse RECORD.pub DOMAIN ORIGIN CERT
 *	writes the certificate of a recovery session, then reads names of
 *	resealed files, one a line, and says "N" or the check ID for each; at
 *	the end the secret or the check ID.
 * What an appliance does, for tests without one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host-tools/hostkey.h"
#include "host-tools/share_inputs.h"
#include "hsm/recover.h"
#include "lib/file.h"
#include "tests/lib/mklog.h"

static void
must(const char *what, int r, const struct diag *d)
{
	if (r != 0)
		mklog_die(what, r, d);
}

/* One line without its newline */
static struct secret *
read_secret(void)
{
	struct secret *s = NULL;
	char line[SHARE_SECRET_MAX + 2];
	size_t n;

	if (fgets(line, sizeof(line), stdin) == NULL)
		mklog_die("stdin", CS_E_IO, NULL);
	n = strcspn(line, "\n");
	must("secret", secret_new(n, &s), NULL);
	memcpy(secret_data(s), line, n);
	return s;
}

static void
write_all(const char *dir, const struct recover_shares *s, const char *record)
{
	struct hostkey *k = NULL;
	struct diag d = { 0 };
	char name[32], *env = NULL;
	int fd = -1;
	size_t i, n = 0;

	must(dir, dir_open(AT_FDCWD, dir, &fd, &d), &d);
	for (i = 0; i < s->count; i++) {
		(void)snprintf(name, sizeof(name), "share-%zu.p7m", i + 1);
		must(name,
		    file_write_atomic(fd, name, s->file[i].p, s->file[i].len,
			0600, &d),
		    &d);
	}
	must(record, hostkey_open(record, NULL, NULL, &k, &d), &d);
	must("sign",
	    hostkey_dsse(k, s->manifest, s->manifest_len, NULL, 0, &env, &n,
		&d),
	    &d);
	must("shares.dsse",
	    file_write_atomic(fd, "shares.dsse", env, n, 0600, &d), &d);
	hostkey_free(&k);
	free(env);
	(void)close(fd);
}

static int
split(int n, char **v)
{
	struct certfile files[SHARE_MAX] = { 0 };
	struct recover_cert certs[SHARE_MAX];
	struct recover_wish w = { v[1], v[2], (size_t)atoi(v[3]), certs, 0 };
	struct secret *secret = read_secret();
	struct recover_shares *s = NULL;
	struct diag d = { 0 };
	size_t i;

	for (i = 0; i < SHARE_MAX && (int)i + 5 < n; i++) {
		must(v[i + 5], certfile_load(v[i + 5], &files[i], &d), &d);
		certs[i] = (struct recover_cert){ files[i].der, files[i].len };
	}
	w.count = i;
	must("split", recover_split(&w, secret, &s, &d), &d);
	write_all(v[0], s, v[4]);
	recover_shares_free(&s);
	secret_free(&secret);
	for (i = 0; i < SHARE_MAX; i++)
		certfile_done(&files[i]);
	return 0;
}

static int
enter(const struct recover_session *se, struct recover_set *set,
    const char *path, size_t *index)
{
	_cleanup_secret_ struct secret *record = NULL;
	_cleanup_free_ uint8_t *cms = NULL;
	size_t len;
	int r;

	r = share_file_load(path, &cms, &len, NULL);
	if (r == 0)
		r = recover_session_open(se, cms, len, &record, NULL);
	return r != 0 ? r : recover_add(set, record, index, NULL);
}

static int
join(char **v)
{
	struct recover_session *se = NULL;
	struct recover_set *set = NULL;
	struct secret *secret = NULL;
	struct share_manifest m;
	struct diag d = { 0 };
	char line[512];
	const uint8_t *cert;
	size_t n, index;
	int r;

	must(v[0], share_list_load(v[0], v[1], &m, &d), &d);
	must("set", recover_set_new(&m, v[2], v[3], &set, &d), &d);
	must("session", recover_session_new(time(NULL), &se, &d), &d);
	cert = recover_session_cert(se, &n);
	must(v[4], file_write_atomic(AT_FDCWD, v[4], cert, n, 0644, &d), &d);
	(void)fputs("session\n", stderr); /* whoever waits for it reads that */
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		r = enter(se, set, line, &index);
		if (r == 0)
			(void)printf("%zu\n", index);
		else
			(void)printf("%s\n", err_id(r));
	}
	r = recover_combine(set, &secret, &d);
	if (r == 0)
		(void)printf("%.*s\n", (int)secret_len(secret),
		    (const char *)secret_data(secret));
	else
		(void)printf("%s\n", err_id(r));
	secret_free(&secret);
	recover_set_free(&set);
	recover_session_free(&se);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc > 7 && strcmp(argv[1], "split") == 0)
		return split(argc - 2, argv + 2);
	if (argc == 7 && strcmp(argv[1], "join") == 0)
		return join(argv + 2);
	mklog_die("usage: mkshares split|join ...", CS_E_USAGE, NULL);
}
