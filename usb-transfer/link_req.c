/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/link_req.h"

#include <string.h>

#include "lib/ipc.h"
#include "usb-transfer/bundle.h"

static int
malformed(struct diag *d, const char *what)
{
	return diag_fail(d, CS_E_LINK_REQUEST, "its one form", "%s", what);
}

int
link_bundle_put(struct buf *b, const struct link_bundle *v)
{
	int r = buf_put_u8(b, v->type);

	if (r == 0)
		r = buf_put_u64(b, v->size);
	return r == 0 ? buf_put(b, v->sha256, sizeof(v->sha256)) : r;
}

static int
bundle_fields(struct rd *r, struct link_bundle *v)
{
	const uint8_t *sha = NULL;

	if (rd_u8(r, &v->type) != 0 || rd_u64(r, &v->size) != 0 ||
	    rd_bytes(r, sizeof(v->sha256), &sha) != 0)
		return CS_E_LINK_REQUEST;
	memcpy(v->sha256, sha, sizeof(v->sha256));
	return 0;
}

int
link_bundle_get(struct rd *r, struct link_bundle *ret, struct diag *d)
{
	struct link_bundle v = { 0 };

	if (bundle_fields(r, &v) != 0 || rd_end(r) != 0 || v.size == 0 ||
	    v.size > INT64_MAX ||
	    (v.type != BUNDLE_REQUEST && v.type != BUNDLE_APPROVAL &&
		v.type != BUNDLE_RECEIPT))
		return malformed(d, "a bundle's type, size and digest");
	*ret = v;
	return 0;
}

int
link_have_put(struct buf *b, const struct link_have *v)
{
	int r = buf_put_u8(b, v->intake);

	if (r == 0)
		r = buf_put_u64(b, v->have);
	return r == 0 ? buf_put_u32(b, v->room) : r;
}

int
link_have_get(struct rd *r, struct link_have *ret, struct diag *d)
{
	struct link_have v = { 0 };

	if (rd_u8(r, &v.intake) != 0 || rd_u64(r, &v.have) != 0 ||
	    rd_u32(r, &v.room) != 0 || rd_end(r) != 0 ||
	    v.intake >= LINK_INTAKE_COUNT || v.room > LINK_PART_MAX ||
	    (v.room != 0 && v.intake != LINK_TAKING))
		return malformed(d, "how much of a bundle is there");
	*ret = v;
	return 0;
}

/* A name that a file of ours may have: A-Z, one dot, 8.3. */
static int
name_get(struct rd *r, char name[LINK_NAME_MAX + 1])
{
	size_t stem, ext;

	if (rd_cstr_into(r, name, LINK_NAME_MAX + 1) != 0)
		return CS_E_LINK_REQUEST;
	stem = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (stem == 0 || stem > 8 || name[stem] != '.')
		return CS_E_LINK_REQUEST;
	ext = strspn(name + stem + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
	return ext == 3 && name[stem + 4] == '\0' ? 0 : CS_E_LINK_REQUEST;
}

int
link_part_put(struct buf *b, const struct link_part *v, bool named)
{
	int r = named ? buf_put_cstr(b, v->name) : 0;

	if (r == 0)
		r = buf_put_u64(b, v->offset);
	return r == 0 ? buf_put_u32(b, v->len) : r;
}

int
link_part_get(struct rd *r, struct link_part *ret, bool named, struct diag *d)
{
	struct link_part v = { 0 };

	if ((named && name_get(r, v.name) != 0) || rd_u64(r, &v.offset) != 0 ||
	    rd_u32(r, &v.len) != 0 || rd_end(r) != 0 || v.len == 0 ||
	    v.len > LINK_PART_MAX || v.offset > INT64_MAX)
		return malformed(d, "which part of a bundle");
	*ret = v;
	return 0;
}

int
link_file_put(struct buf *b, const struct link_file *v)
{
	int r = buf_put_cstr(b, v->name);

	if (r == 0)
		r = buf_put_u64(b, v->size);
	return r == 0 ? buf_put(b, v->sha256, sizeof(v->sha256)) : r;
}

static int
file_fields(struct rd *r, struct link_file *v)
{
	const uint8_t *sha = NULL;

	if (name_get(r, v->name) != 0 || rd_u64(r, &v->size) != 0 ||
	    rd_bytes(r, sizeof(v->sha256), &sha) != 0 || v->size > INT64_MAX)
		return CS_E_LINK_REQUEST;
	memcpy(v->sha256, sha, sizeof(v->sha256));
	return 0;
}

int
link_file_get(struct rd *r, struct link_file *ret, struct diag *d)
{
	struct link_file v = { 0 };

	if (file_fields(r, &v) != 0 || rd_end(r) != 0)
		return malformed(d, "a file's name, size and digest");
	*ret = v;
	return 0;
}

int
link_status_put(struct buf *b, const struct link_status *v)
{
	size_t i;
	int r;

	r = buf_put_cstr(b, v->appliance);
	if (r == 0)
		r = buf_put_u8(b, v->intake);
	if (r == 0)
		r = link_bundle_put(b, &v->bundle);
	if (r == 0)
		r = buf_put_u64(b, v->have);
	if (r == 0 && v->intake == LINK_REFUSED)
		r = ipc_put_diag(b, &v->why);
	if (r == 0 && v->intake == LINK_TAKEN)
		r = buf_put_cstr(b, v->text);
	if (r == 0)
		r = buf_put_u8(b, v->out);
	if (r == 0)
		r = buf_put_u8(b, (uint8_t)v->nfiles);
	for (i = 0; r == 0 && i < v->nfiles; i++)
		r = link_file_put(b, &v->files[i]);
	return r;
}

/* Printable ASCII: people read it. */
static int
text_get(struct rd *r, char *out, size_t size)
{
	const char *p;

	if (rd_cstr_into(r, out, size) != 0)
		return CS_E_LINK_REQUEST;
	for (p = out; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			return CS_E_LINK_REQUEST;
	return 0;
}

static int
intake_fields(struct rd *r, struct link_status *v)
{
	if (text_get(r, v->appliance, sizeof(v->appliance)) != 0 ||
	    rd_u8(r, &v->intake) != 0 || v->intake >= LINK_INTAKE_COUNT ||
	    bundle_fields(r, &v->bundle) != 0 || rd_u64(r, &v->have) != 0 ||
	    v->have > v->bundle.size)
		return CS_E_LINK_REQUEST;
	if (v->intake == LINK_REFUSED)
		return ipc_get_diag(r, &v->why);
	return v->intake == LINK_TAKEN ? text_get(r, v->text, sizeof(v->text)) :
					 0;
}

static bool
named_before(const struct link_status *v, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (strcmp(v->files[k].name, v->files[i].name) == 0)
			return true;
	return false;
}

static int
out_fields(struct rd *r, struct link_status *v)
{
	uint8_t n = 0, i;

	if (rd_u8(r, &v->out) != 0 || v->out >= LINK_OUT_COUNT ||
	    rd_u8(r, &n) != 0 || n > LINK_FILES_MAX ||
	    (n != 0) != (v->out == LINK_OUT_READY))
		return CS_E_LINK_REQUEST;
	for (i = 0; i < n; i++)
		if (file_fields(r, &v->files[i]) != 0 || named_before(v, i))
			return CS_E_LINK_REQUEST;
	v->nfiles = n;
	return rd_end(r);
}

int
link_status_get(struct rd *r, struct link_status *ret, struct diag *d)
{
	struct link_status v = { 0 };

	if (intake_fields(r, &v) != 0 || out_fields(r, &v) != 0)
		return malformed(d, "a status");
	*ret = v;
	return 0;
}
