/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A FAKE libyubihsm: no HSM is behind it.  It exists to provoke what no real
 * one can be made to do: a broken chain, missing entries, uses of a key that
 * nobody asked for, a full log.  The connector is the path of its state, a
 * text file of "name number" lines, and "e HEX" for each entry; tests write it
 * and read what became of it:
 *
 *	total N, next N, last HEX	size; the next number; the last digest
 *	signs N, key N			at the next read: so many uses of key
 *	foreign N			and so many of key 666 after them
 *	skip N				numbers that are left out before those
 *	spoil 1				the last digest is another
 *	boots N, logins N		what it says that it left out
 *	refuse RC			what reading answers
 *	index N				the last index that was set
 */

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/token_log.h"

enum {
	TOTAL,
	NEXT,
	SIGNS,
	KEY,
	FOREIGN,
	SKIP,
	SPOIL,
	BOOTS,
	LOGINS,
	REFUSE,
	INDEX,
	SESSION,
	NUMBERS
};
static const char *const names[NUMBERS] = { "total", "next", "signs", "key",
	"foreign", "skip", "spoil", "boots", "logins", "refuse", "index",
	"session" };

struct entry {
	uint16_t number;
	uint8_t command;
	uint16_t length, session_key, target_key, second_key;
	uint8_t result;
	uint32_t tick;
	uint8_t digest[16];
} __attribute__((packed));

struct state {
	const char *path;
	long v[NUMBERS];
	uint8_t last[16];
	uint8_t raw[256][TOKEN_LOG_ENTRY_LEN];
	size_t n;
};

int yh_init(void);
int yh_init_connector(const char *url, char **ret);
int yh_connect(char *c, int timeout);
int yh_disconnect(char *c);
int yh_util_get_device_info(char *c, uint8_t *major, uint8_t *minor,
    uint8_t *patch, uint32_t *serial, uint8_t *total, uint8_t *used,
    void *algorithms, size_t *n);
int yh_create_session_derived(char *c, uint16_t key, const uint8_t *password,
    size_t len, bool recreate, char **ret);
int yh_authenticate_session(char *s);
int yh_util_get_log_entries(char *s, uint16_t *boots, uint16_t *logins,
    struct entry *out, size_t *n);
int yh_util_set_log_index(char *s, uint16_t number);
int yh_util_close_session(char *s);
int yh_destroy_session(char **s);
const char *yh_strerror(int rc);

static int
load(const char *path, struct state *s)
{
	char name[16], value[80];
	FILE *f = fopen(path, "re");
	size_t i;

	memset(s, 0, sizeof(*s));
	s->path = path;
	s->v[TOTAL] = 62;
	s->v[NEXT] = 1;
	if (f == NULL)
		return -3;
	while (fscanf(f, "%15s %79s", name, value) == 2) {
		if (strcmp(name, "e") == 0 && s->n < 256)
			(void)!hex_decode(value, s->raw[s->n++],
			    TOKEN_LOG_ENTRY_LEN);
		if (strcmp(name, "last") == 0)
			(void)!hex_decode(value, s->last, 16);
		for (i = 0; i < NUMBERS; i++)
			if (strcmp(name, names[i]) == 0)
				s->v[i] = strtol(value, NULL, 10);
	}
	(void)fclose(f);
	return 0;
}

static void
save(const struct state *s)
{
	char hex[2 * TOKEN_LOG_ENTRY_LEN + 1];
	FILE *f = fopen(s->path, "we");
	size_t i;

	if (f == NULL)
		abort();
	for (i = 0; i < NUMBERS; i++)
		(void)fprintf(f, "%s %ld\n", names[i], s->v[i]);
	hex_encode(s->last, 16, hex);
	(void)fprintf(f, "last %s\n", hex);
	for (i = 0; i < s->n; i++) {
		hex_encode(s->raw[i], TOKEN_LOG_ENTRY_LEN, hex);
		(void)fprintf(f, "e %s\n", hex);
	}
	(void)fclose(f);
}

static void
add(struct state *s, uint8_t command, uint16_t key)
{
	struct token_log_entry e = {
		.number = (uint16_t)s->v[NEXT]++,
		.command = command,
		.length = 34,
		.session_key = 1,
		.target_key = key,
		.second_key = 0xffff,
		.result = command | 0x80u,
		.tick = (uint32_t)s->v[NEXT] * 100u,
	};
	uint8_t in[TOKEN_LOG_ENTRY_LEN], full[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (s->n == 256)
		abort();
	token_log_encode(&e, in);
	memcpy(in + 16, s->last, 16);
	if (EVP_Digest(in, sizeof(in), full, &len, EVP_sha256(), NULL) != 1)
		abort();
	memcpy(s->last, full, 16);
	memcpy(in + 16, full, 16);
	memcpy(s->raw[s->n++], in, sizeof(in));
}

int
yh_init(void)
{
	return 0;
}

int
yh_init_connector(const char *url, char **ret)
{
	*ret = strdup(url);
	return *ret == NULL ? -1 : 0;
}

int
yh_connect(char *c, int timeout)
{
	struct state s;

	(void)timeout;
	return load(c, &s);
}

int
yh_disconnect(char *c)
{
	free(c);
	return 0;
}

int
yh_util_get_device_info(char *c, uint8_t *major, uint8_t *minor, uint8_t *patch,
    uint32_t *serial, uint8_t *total, uint8_t *used, void *algorithms,
    size_t *n)
{
	struct state s;
	int rc = load(c, &s);

	(void)algorithms;
	(void)n;
	*major = 2;
	*minor = 4;
	*patch = 0;
	*serial = 12345678;
	*total = (uint8_t)s.v[TOTAL];
	*used = (uint8_t)s.n;
	return rc;
}

int
yh_create_session_derived(char *c, uint16_t key, const uint8_t *password,
    size_t len, bool recreate, char **ret)
{
	struct state s;
	int rc = load(c, &s);

	if (rc != 0 || recreate || len == 0 || password[0] == 0)
		return rc != 0 ? rc : -5;
	s.v[SESSION] = key;
	add(&s, 0x03, key);
	save(&s);
	*ret = strdup(c);
	return *ret == NULL ? -1 : 0;
}

int
yh_authenticate_session(char *session)
{
	struct state s;
	int rc = load(session, &s);

	if (rc == 0) {
		add(&s, 0x04, (uint16_t)s.v[SESSION]);
		save(&s);
	}
	return rc;
}

int
yh_util_get_log_entries(char *session, uint16_t *boots, uint16_t *logins,
    struct entry *out, size_t *n)
{
	struct token_log_entry e[TOKEN_LOG_MAX];
	struct state s;
	size_t i, all = 0;
	int rc = load(session, &s);

	if (rc != 0 || s.v[REFUSE] != 0)
		return rc != 0 ? rc : (int)s.v[REFUSE];
	for (; s.v[SIGNS] > 0; s.v[SIGNS]--)
		add(&s, 0x56, (uint16_t)s.v[KEY]);
	s.v[NEXT] += s.v[SKIP];
	s.v[SKIP] = 0;
	for (; s.v[FOREIGN] > 0; s.v[FOREIGN]--)
		add(&s, 0x47, 666);
	if (s.v[SPOIL] != 0)
		s.raw[s.n - 1][31] ^= 1;
	s.v[SPOIL] = 0;
	save(&s);
	if (s.n > *n || s.n > TOKEN_LOG_MAX)
		return -7;
	if (token_log_decode(s.raw[0], s.n * TOKEN_LOG_ENTRY_LEN, e, &all,
		NULL) != 0)
		abort();
	for (i = 0; i < all; i++) {
		out[i] = (struct entry){ e[i].number, e[i].command, e[i].length,
			e[i].session_key, e[i].target_key, e[i].second_key,
			e[i].result, e[i].tick, { 0 } };
		memcpy(out[i].digest, e[i].digest, 16);
	}
	*n = all;
	*boots = (uint16_t)s.v[BOOTS];
	*logins = (uint16_t)s.v[LOGINS];
	return 0;
}

int
yh_util_set_log_index(char *session, uint16_t number)
{
	struct state s;
	int rc = load(session, &s);
	size_t k = 0;

	if (rc != 0)
		return rc;
	while (k < s.n && (s.raw[k][0] << 8 | s.raw[k][1]) <= number)
		k++;
	memmove(s.raw[0], s.raw[k], (s.n - k) * TOKEN_LOG_ENTRY_LEN);
	s.n -= k;
	s.v[INDEX] = number;
	add(&s, 0x67, 0xffff);
	save(&s);
	return 0;
}

int
yh_util_close_session(char *session)
{
	(void)session;
	return 0;
}

int
yh_destroy_session(char **session)
{
	free(*session);
	*session = NULL;
	return 0;
}

const char *
yh_strerror(int rc)
{
	return rc == -7 ? "Buffer too small" : "some error";
}
