/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/show.h"

#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/json.h"

#define TEXT_MAX    820u /* 200 bytes, each as \xNN */
#define WORDS_MAX   400u /* 32 words of at most 11 letters */
#define LABEL_WIDTH 13

void
show_text(const char *label, const char *text)
{
	char clean[TEXT_MAX];

	text_sanitise(text, strlen(text), clean, sizeof(clean));
	(void)printf("%-*s%s\n", LABEL_WIDTH, label, clean);
}

void
show_digest(const char *label, const uint8_t digest[32])
{
	char text[WORDS_MAX];

	if (hex_groups(digest, 32, text, sizeof(text)) == 0)
		(void)printf("%-*s%s\n", LABEL_WIDTH, label, text);
	if (pgp_words(digest, 32, text, sizeof(text)) == 0)
		(void)printf("%-*s%s\n", LABEL_WIDTH, "", text);
}

void
show_id(const char *label, const uint8_t id[32])
{
	char hex[CS_SHA256_HEX + 1];

	hex_encode(id, CS_SHA256_LEN, hex);
	(void)printf("%-*s%s\n", LABEL_WIDTH, label, hex);
}

void
show_time(const char *label, int64_t t)
{
	char text[21];

	time_format(t, text);
	(void)printf("%-*s%s\n", LABEL_WIDTH, label, text);
}

void
show_checks(const struct checks *c)
{
	const struct check *v;
	size_t i;

	for (i = 0; i < c->n; i++) {
		v = &c->v[i];
		(void)printf("%s  %s\n", v->pass ? "pass" : "FAIL",
		    err_id(v->code));
		if (!v->pass)
			(void)printf("      %s\n", err_text(v->code));
		if (v->found[0] != '\0')
			(void)printf("      found: %s\n", v->found);
		if (v->expected[0] != '\0')
			(void)printf("      expected: %s\n", v->expected);
		if (!v->pass)
			(void)printf("      what to do: %s\n",
			    err_advice(v->code));
	}
}

json_t *
json_hex(const uint8_t *p, size_t len)
{
	_cleanup_free_ char *hex = malloc(2 * len + 1);

	if (hex == NULL)
		return NULL;
	hex_encode(p, len, hex);
	return json_string(hex);
}

json_t *
json_words(const uint8_t digest[32])
{
	char text[WORDS_MAX];

	if (pgp_words(digest, 32, text, sizeof(text)) != 0)
		return NULL;
	return json_string(text);
}

json_t *
json_checks(const struct checks *c)
{
	_cleanup_json_ json_t *a = json_array();
	const struct check *v;
	size_t i;

	for (i = 0; a != NULL && i < c->n; i++) {
		v = &c->v[i];
		if (json_array_append_new(a,
			json_pack("{s:s, s:b, s:s, s:s, s:s}", "id",
			    err_id(v->code), "pass", v->pass ? 1 : 0, "text",
			    err_text(v->code), "found", v->found, "expected",
			    v->expected)) != 0)
			return NULL;
	}
	return take_ptr(a);
}
