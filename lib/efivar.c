/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/b64.h"
#include "lib/efivar.h"
#include "lib/hex.h"
#include "lib/ossl.h"
#include "lib/sha.h"
#include "lib/sigfmt.h"

#define LIST_HEAD 28u /* type, list size, header size, signature size */
#define LIST_MAX  (SIGFMT_TEXT_MAX / 4 * 3)
/* non-volatile, boot, runtime, time-based authentication */
#define ATTRIBUTES 0x27u
#define APPEND	   0x40u
#define CERT_HEAD  24u /* WIN_CERTIFICATE_UEFI_GUID before its data */

static const uint8_t image_security_guid[EFIVAR_GUID_LEN] = { 0xcb, 0xb2, 0x19,
	0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65,
	0x6f };
static const uint8_t global_guid[EFIVAR_GUID_LEN] = { 0x61, 0xdf, 0xe4, 0x8b,
	0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b,
	0x8c };
static const uint8_t pkcs7_guid[EFIVAR_GUID_LEN] = { 0x9d, 0xd2, 0xaf, 0x4a,
	0xdf, 0x68, 0xee, 0x49, 0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65,
	0xa7 };

static const struct {
	const char *name;
	const uint8_t *vendor;
} variables[] = {
	{ "PK", global_guid },
	{ "KEK", global_guid },
	{ "db", image_security_guid },
	{ "dbx", image_security_guid },
};

/* 32.4.1: of the kinds of signatures, those that firmware commonly has */
static const struct {
	const char *name;
	uint8_t guid[EFIVAR_GUID_LEN];
	size_t size; /* 0: one certificate of any size */
} types[] = {
	{ "sha256",
	    { 0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41,
		0xf9, 0x36, 0x93, 0x43, 0x28 },
	    CS_SHA256_LEN },
	{ "x509",
	    { 0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab,
		0x15, 0x5c, 0x2b, 0xf0, 0x72 },
	    0 },
};

static uint32_t
le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static void
put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

void
efivar_guid(const uint8_t g[EFIVAR_GUID_LEN], char out[37])
{
	(void)snprintf(out, 37,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10],
	    g[11], g[12], g[13], g[14], g[15]);
}

const char *
efivar_variable_at(size_t i)
{
	return i < ARRAY_LEN(variables) ? variables[i].name : NULL;
}

static const uint8_t *
vendor_of(const char *variable)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(variables); i++)
		if (strcmp(variables[i].name, variable) == 0)
			return variables[i].vendor;
	return NULL;
}

void
efivar_wish_done(struct efivar_wish *w)
{
	free(w->list);
	free((void *)(uintptr_t)w->variable);
	*w = (struct efivar_wish){ 0 };
}

static int
bad_list(struct diag *d, const char *expected, const char *found, size_t at)
{
	return diag_fail(d, CS_E_EFIVAR, expected, "%s at byte %zu", found, at);
}

static bool
is_certificate(const uint8_t *p, size_t len)
{
	const unsigned char *q = p;
	_cleanup_(x509_freep) X509 *x = d2i_X509(NULL, &q, (long)len);

	return x != NULL && q == p + len;
}

/* The signatures of one list whose head has been checked. */
static int
read_entries(size_t type, const uint8_t *p, size_t len, size_t size, size_t at,
    efivar_each *each, void *arg, struct diag *d)
{
	struct efivar_entry e = { .type = types[type].name };
	int r;

	for (; len > 0; p += size, len -= size, at += size) {
		memcpy(e.owner, p, EFIVAR_GUID_LEN);
		e.data = p + EFIVAR_GUID_LEN;
		e.len = size - EFIVAR_GUID_LEN;
		if (types[type].size == 0 && !is_certificate(e.data, e.len))
			return bad_list(d, "one DER certificate",
			    "something else", at);
		r = each == NULL ? 0 : each(arg, &e);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
read_list(const uint8_t *p, size_t left, size_t at, size_t *ret_len,
    efivar_each *each, void *arg, struct diag *d)
{
	size_t len, size, i;

	if (left < LIST_HEAD)
		return bad_list(d, "a signature list", "fewer bytes", at);
	len = le32(p + 16);
	size = le32(p + 24);
	for (i = 0; i < ARRAY_LEN(types); i++)
		if (memcmp(types[i].guid, p, EFIVAR_GUID_LEN) == 0)
			break;
	if (i == ARRAY_LEN(types))
		return bad_list(d, "lists of X.509 certificates or SHA-256",
		    "another type", at);
	if (le32(p + 20) != 0)
		return bad_list(d, "a list without a header of its own", "one",
		    at);
	if (len > left || len <= LIST_HEAD)
		return bad_list(d, "the length of the list", "another", at);
	if (size <= EFIVAR_GUID_LEN || (len - LIST_HEAD) % size != 0 ||
	    (types[i].size != 0 && size != EFIVAR_GUID_LEN + types[i].size) ||
	    (types[i].size == 0 && len != LIST_HEAD + size))
		return bad_list(d, "the size of its signatures", "another", at);
	*ret_len = len;
	return read_entries(i, p + LIST_HEAD, len - LIST_HEAD, size,
	    at + LIST_HEAD, each, arg, d);
}

int
efivar_list_read(const uint8_t *list, size_t len, efivar_each *each, void *arg,
    struct diag *d)
{
	size_t at = 0, n = 0;
	int r = 0;

	for (; r == 0 && at < len; at += n)
		r = read_list(list + at, len - at, at, &n, each, arg, d);
	return r;
}

static int
read_fields(json_t *root, struct efivar_wish *w, struct diag *d)
{
	const char *list = NULL, *type = NULL, *variable = NULL;
	const struct json_field f[] = {
		{ "append", JK_BOOL, true, &w->append, NULL },
		{ "list", JK_TEXT, true, &list, NULL },
		{ "time", JK_TIME, true, &w->time, NULL },
		{ "type", JK_LABEL, true, &type, NULL },
		{ "variable", JK_LABEL, true, &variable, NULL },
	};
	int r = json_fields(root, "", f, ARRAY_LEN(f), d);

	if (r != 0)
		return r;
	if (strcmp(type, "efivar") != 0 || vendor_of(variable) == NULL)
		return diag_fail(d, CS_E_EFIVAR,
		    "the type efivar and PK, KEK, db or dbx", "%.40s, %.40s",
		    type, variable);
	/* Year is 16 bits, and firmware refuses what is before 1998 */
	if (w->time < INT64_C(883612800) || w->time > INT64_C(253402300799))
		return diag_fail(d, CS_E_EFIVAR, "a time from 1998 to 9999",
		    "another");
	w->variable = strdup(variable);
	w->list = malloc(LIST_MAX);
	if (w->variable == NULL || w->list == NULL)
		return diag_nomem(d);
	if (list[0] != '\0' &&
	    b64_decode(list, strlen(list), w->list, LIST_MAX, &w->list_len) !=
		0)
		return diag_fail(d, CS_E_EFIVAR, "base64 of signature lists",
		    "something else");
	/* nothing appended to nothing: an empty list takes a variable away */
	if (w->append && w->list_len == 0)
		return diag_fail(d, CS_E_EFIVAR, "something to append",
		    "nothing");
	return efivar_list_read(w->list, w->list_len, NULL, NULL, d);
}

int
efivar_wish_read(const void *text, size_t len, struct efivar_wish *ret,
    struct diag *d)
{
	_cleanup_json_ json_t *root = NULL;
	struct efivar_wish w = { 0 };
	int r;

	r = json_load_strict(text, len, SIGFMT_TEXT_MAX, &root, d);
	if (r == 0 && !json_is_canonical(root, text, len))
		r = diag_fail(d, CS_E_EFIVAR,
		    "canonical JSON, as coldseal efivar makes it",
		    "another form");
	if (r == 0)
		r = read_fields(root, &w, d);
	if (r != 0)
		efivar_wish_done(&w);
	else
		*ret = w;
	return r;
}

int
efivar_wish_format(const struct efivar_wish *w, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *list = b64_dup(w->list, w->list_len);
	_cleanup_json_ json_t *root = NULL;

	root = json_pack("{s:b, s:s*, s:o*, s:s, s:s}", "append", w->append,
	    "list", list, "time", json_time(w->time), "type", "efivar",
	    "variable", w->variable);
	return root == NULL ? CS_E_NOMEM : json_canonical(root, ret, ret_len);
}

/* EFI_TIME: UTC, no nanoseconds (8.3.1 and 8.2.2) */
static void
put_time(int64_t t, uint8_t out[EFIVAR_TIME_LEN])
{
	const time_t when = (time_t)t;
	struct tm tm = { 0 };
	unsigned year;

	(void)gmtime_r(&when, &tm);
	year = (unsigned)(tm.tm_year + 1900);
	memset(out, 0, EFIVAR_TIME_LEN);
	out[0] = (uint8_t)year;
	out[1] = (uint8_t)(year >> 8);
	out[2] = (uint8_t)(tm.tm_mon + 1);
	out[3] = (uint8_t)tm.tm_mday;
	out[4] = (uint8_t)tm.tm_hour;
	out[5] = (uint8_t)tm.tm_min;
	out[6] = (uint8_t)tm.tm_sec;
}

static int
get_time(const uint8_t p[EFIVAR_TIME_LEN], int64_t *ret)
{
	uint8_t again[EFIVAR_TIME_LEN];
	struct tm tm = { .tm_year = (p[0] | p[1] << 8) - 1900,
		.tm_mon = p[2] - 1,
		.tm_mday = p[3],
		.tm_hour = p[4],
		.tm_min = p[5],
		.tm_sec = p[6] };

	*ret = timegm(&tm);
	put_time(*ret, again);
	return memcmp(p, again, sizeof(again)) == 0 ? 0 : CS_E_FORMAT;
}

int
efivar_tbs(const struct efivar_wish *w, struct buf *out)
{
	const uint8_t *vendor = vendor_of(w->variable);
	uint8_t attributes[4], when[EFIVAR_TIME_LEN];
	const char *p;
	int r = 0;

	put_le32(attributes, ATTRIBUTES | (w->append ? APPEND : 0));
	put_time(w->time, when);
	for (p = w->variable; r == 0 && *p != '\0'; p++) {
		r = buf_put_u8(out, (uint8_t)*p); /* UTF-16, little-endian */
		if (r == 0)
			r = buf_put_u8(out, 0);
	}
	if (r == 0)
		r = buf_put(out, vendor, EFIVAR_GUID_LEN);
	if (r == 0)
		r = buf_put(out, attributes, sizeof(attributes));
	if (r == 0)
		r = buf_put(out, when, sizeof(when));
	return r != 0 ? r : buf_put(out, w->list, w->list_len);
}

/* WIN_CERTIFICATE: length, revision 2.0, type EFI_GUID; then the GUID */
static void
cert_head(size_t len, uint8_t out[CERT_HEAD])
{
	put_le32(out, (uint32_t)(CERT_HEAD + len));
	out[4] = 0x00;
	out[5] = 0x02;
	out[6] = 0xf1;
	out[7] = 0x0e;
	memcpy(out + 8, pkcs7_guid, EFIVAR_GUID_LEN);
}

int
efivar_auth(const struct efivar_wish *w, const uint8_t *signed_data, size_t len,
    struct buf *out)
{
	uint8_t when[EFIVAR_TIME_LEN], head[CERT_HEAD];
	int r;

	put_time(w->time, when);
	cert_head(len, head);
	r = buf_put(out, when, sizeof(when));
	if (r == 0)
		r = buf_put(out, head, sizeof(head));
	if (r == 0)
		r = buf_put(out, signed_data, len);
	return r != 0 ? r : buf_put(out, w->list, w->list_len);
}

int
efivar_auth_read(const uint8_t *p, size_t len, int64_t *ret_time,
    const uint8_t **ret_signed, size_t *ret_signed_len,
    const uint8_t **ret_list, size_t *ret_list_len)
{
	uint8_t head[CERT_HEAD];
	size_t n;

	if (len < EFIVAR_TIME_LEN + CERT_HEAD || get_time(p, ret_time) != 0)
		return CS_E_FORMAT;
	p += EFIVAR_TIME_LEN;
	len -= EFIVAR_TIME_LEN;
	n = le32(p);
	if (n <= CERT_HEAD || n > len)
		return CS_E_FORMAT;
	cert_head(n - CERT_HEAD, head);
	if (memcmp(head, p, sizeof(head)) != 0)
		return CS_E_FORMAT;
	*ret_signed = p + CERT_HEAD;
	*ret_signed_len = n - CERT_HEAD;
	*ret_list = p + n;
	*ret_list_len = len - n;
	return 0;
}
