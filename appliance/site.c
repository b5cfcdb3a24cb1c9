/* SPDX-License-Identifier: Apache-2.0 */
#include "appliance/site.h"

#include <string.h>

#include "lib/file.h"
#include "lib/hex.h"

#define SITE_MAX 65536u

void
site_free(struct site **s)
{
	if (*s == NULL)
		return;
	json_decref((*s)->root);
	free(*s);
	*s = NULL;
}

static int
read_ports(struct site *s, json_t *list, struct diag *d)
{
	json_t *e;
	size_t i;
	char path[32];
	int r;

	if (json_array_size(list) > SITE_MAX_PORTS)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 16 token ports",
		    "%zu", json_array_size(list));
	json_array_foreach (list, i, e) {
		struct site_port *p = &s->ports[i];
		const struct json_field f[] = {
			{ "port", JK_STR, true, &p->port, NULL },
			{ "module", JK_STR, true, &p->module, NULL },
			{ "conf", JK_TEXT, true, &p->conf, NULL },
		};

		(void)snprintf(path, sizeof(path), "/tokens/%zu", i);
		r = json_fields(e, path, f, ARRAY_LEN(f), d);
		if (r != 0)
			return r;
		if (site_port(s, p->port) != NULL)
			return diag_fail(d, CS_E_JSON_FIELD,
			    "distinct port names", "%s twice", p->port);
		s->nports++;
	}
	return 0;
}

/* "20a0:4211", as lsusb has it */
static int
read_product(const char *s, struct site_reader *ret, const char *path,
    struct diag *d)
{
	char digits[9] = "";
	uint8_t v[4];

	if (strlen(s) == 9 && s[4] == ':') {
		memcpy(digits, s, 4);
		memcpy(digits + 4, s + 5, 4);
	}
	if (hex_decode(digits, v, sizeof(v)) != 0 || (v[0] | v[1]) == 0)
		return diag_fail(d, CS_E_JSON_FIELD,
		    "vendor:product, as in 20a0:4211", "%s/product: \"%s\"",
		    path, s);
	ret->vendor = (uint16_t)(v[0] << 8 | v[1]);
	ret->product = (uint16_t)(v[2] << 8 | v[3]);
	return 0;
}

static int
read_readers(struct site *s, json_t *list, struct diag *d)
{
	json_t *e;
	size_t i;
	char path[32];
	int r;

	if (json_array_size(list) > SITE_MAX_PORTS)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 16 readers", "%zu",
		    json_array_size(list));
	json_array_foreach (list, i, e) {
		struct site_reader *v = &s->readers[i];
		const char *product = NULL;
		const struct json_field f[] = {
			{ "port", JK_STR, true, &v->port, NULL },
			{ "product", JK_STR, true, &product, NULL },
		};

		(void)snprintf(path, sizeof(path), "/readers/%zu", i);
		r = json_fields(e, path, f, ARRAY_LEN(f), d);
		if (r == 0)
			r = read_product(product, v, path, d);
		if (r != 0)
			return r;
		s->nreaders++;
	}
	return 0;
}

int
site_load(int state_fd, struct site **ret, struct diag *d)
{
	_cleanup_free_ uint8_t *data = NULL;
	_cleanup_site_ struct site *s = NULL;
	json_t *tokens = NULL, *readers = NULL;
	size_t len;
	int r;

	r = file_read(state_fd, "site.json", SITE_MAX, &data, &len, d);
	if (r != 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return diag_nomem(d);
	r = json_load_strict(data, len, SITE_MAX, &s->root, d);
	if (r != 0)
		return r;

	const struct json_field f[] = {
		{ "origin", JK_STR, true, &s->origin, NULL },
		{ "module", JK_STR, true, &s->module, NULL },
		{ "hsm_conf", JK_TEXT, true, &s->hsm_conf, NULL },
		{ "tcti", JK_STR, true, &s->tcti, NULL },
		{ "rehearsal", JK_BOOL, true, &s->rehearsal, NULL },
		{ "tokens", JK_ARR, true, &tokens, NULL },
		{ "media_in", JK_STR, false, &s->media_in, NULL },
		{ "media_out", JK_STR, false, &s->media_out, NULL },
		{ "readers", JK_ARR, false, &readers, NULL },
	};

	r = json_fields(s->root, "", f, ARRAY_LEN(f), d);
	if (r == 0)
		r = read_ports(s, tokens, d);
	if (r == 0 && readers != NULL)
		r = read_readers(s, readers, d);
	if (r != 0)
		return r;
	*ret = take_ptr(s);
	return 0;
}

const struct site_port *
site_port(const struct site *s, const char *port)
{
	size_t i;

	for (i = 0; i < s->nports; i++)
		if (strcmp(s->ports[i].port, port) == 0)
			return &s->ports[i];
	return NULL;
}
