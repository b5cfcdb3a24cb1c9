/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "usb-transfer/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte chooses the type, the second how the rest is meant: 'r', an
 * archive; 'm', changes of three bytes (place, value) to a good request; else
 * lines "name content", made into an archive with right headers and hashes,
 * so that the rules for names are reached.  A '#' at the end of a name stands
 * for the content's SHA-256, a ';' at the end of a content for a newline.
 */
#define BLOCK 512u
#define MAX   (4u << 20)

struct source {
	const uint8_t *p;
	size_t left, step;
};

static int
source_read(void *arg, void *buf, size_t n, size_t *ret_n, struct diag *d)
{
	struct source *s = arg;

	(void)d;
	if (n > s->step)
		n = s->step;
	if (n > s->left)
		n = s->left;
	if (n > 0)
		memcpy(buf, s->p, n);
	s->p += n;
	s->left -= n;
	*ret_n = n;
	return 0;
}

/* What was read goes into a writer: there is one form only. */
struct copy {
	struct bundle_writer *w;
	struct buf data;
	uint64_t want;
};

static int
copy_begin(void *arg, const struct bundle_member *m, struct diag *d)
{
	struct copy *c = arg;

	(void)d;
	buf_reset(&c->data);
	c->want = m->size;
	return 0;
}

static int
copy_data(void *arg, const void *p, size_t n, struct diag *d)
{
	struct copy *c = arg;

	(void)d;
	if (n == 0)
		abort();
	return buf_put(&c->data, p, n);
}

static int
copy_end(void *arg, const struct bundle_member *m, struct diag *d)
{
	struct copy *c = arg;
	uint8_t sha[32];

	if (c->data.len != c->want || m->sha256 == NULL ||
	    sha256(c->data.p, c->data.len, sha) != 0 ||
	    memcmp(sha, m->sha256, 32) != 0)
		abort();
	if (strcmp(m->name, "type") == 0)
		return 0;
	return bundle_writer_add(c->w, m->name, c->data.p, c->data.len, d);
}

static void
compare(struct bundle_writer *w, const uint8_t *p, size_t n)
{
	uint8_t *again = malloc(n);

	if (again == NULL || bundle_writer_finish(w, NULL) != 0 ||
	    bundle_writer_size(w) != n ||
	    bundle_writer_read(w, 0, again, n, NULL) != 0 ||
	    memcmp(again, p, n) != 0)
		abort();
	free(again);
}

static void
try(const uint8_t *p, size_t n, enum bundle_type t, size_t step)
{
	struct source s = { p, n, step };
	struct copy c = { .data = BUF_INIT(MAX) };
	const struct bundle_sink sink = { copy_begin, copy_data, copy_end, &c };
	struct diag d = { 0 };
	int r;

	if (bundle_writer_new(t, &c.w) != 0)
		abort();
	r = bundle_read(source_read, &s, t, &sink, NULL, &d);
	if (r == 0)
		compare(c.w, p, n);
	else if (d.code != r)
		abort(); /* a refusal gives its reason */
	bundle_writer_free(&c.w);
	buf_done(&c.data);
}

static void
must(int r)
{
	if (r != 0)
		abort();
}

static void
put_member(struct buf *b, const char *name, const void *p, size_t n)
{
	static const uint8_t zero[BLOCK];
	uint8_t h[BLOCK];

	/* a name that cannot be in a header: the manifest refuses it */
	if (bundle_header(name, n, h, NULL) != 0)
		memset(h, 'x', sizeof(h));
	must(buf_put(b, h, sizeof(h)));
	must(buf_put(b, p, n));
	must(buf_put(b, zero, -n % BLOCK));
}

/* "name content\n": cut apart in place */
static char *
cut(char *line, char name[256], char **ret_content)
{
	char *end = strchr(line, '\n'), *gap, hex[65];
	size_t n;

	if (end != NULL)
		*end = '\0';
	gap = strchr(line, ' ');
	*ret_content = gap == NULL ? line + strlen(line) : gap + 1;
	n = strlen(*ret_content);
	if (n > 0 && (*ret_content)[n - 1] == ';')
		(*ret_content)[n - 1] = '\n';
	n = gap == NULL ? strlen(line) : (size_t)(gap - line);
	if (n > 150)
		n = 150;
	memcpy(name, line, n);
	name[n] = '\0';
	if (n > 0 && name[n - 1] == '#') {
		must(sha256_hex(*ret_content, strlen(*ret_content), hex));
		memcpy(name + n - 1, hex, sizeof(hex));
	}
	return end == NULL ? NULL : end + 1;
}

static void
put_lines(struct buf *b, struct buf *manifest, char *p)
{
	char name[256], hex[65], *content;

	while (p != NULL && *p != '\0') {
		p = cut(p, name, &content);
		must(sha256_hex(content, strlen(content), hex));
		must(buf_putf(manifest, "%s  %s\n", hex, name));
		put_member(b, name, content, strlen(content));
	}
}

static void
from_lines(const uint8_t *data, size_t size, enum bundle_type t)
{
	static const uint8_t zero[2 * BLOCK];
	struct buf members = BUF_INIT(MAX), m = BUF_INIT(MAX);
	struct buf whole = BUF_INIT(2 * MAX);
	char *text;

	if (size > 2048)
		size = 2048;
	text = calloc(1, size + 1);
	if (text == NULL)
		abort();
	memcpy(text, data, size);
	put_lines(&members, &m, text);
	put_member(&whole, "manifest", m.p, m.len);
	must(buf_put(&whole, members.p, members.len));
	must(buf_put(&whole, zero, sizeof(zero)));
	try(whole.p, whole.len, t, whole.len);
	buf_done(&whole);
	buf_done(&members);
	buf_done(&m);
	free(text);
}

static void
with_changes(const uint8_t *data, size_t size)
{
	static uint8_t good[64 * BLOCK], copy[64 * BLOCK];
	static size_t len;
	struct bundle_writer *w = NULL;
	char name[101] = "artifacts/";
	size_t i;

	if (len == 0) {
		must(bundle_writer_new(BUNDLE_REQUEST, &w));
		must(bundle_writer_add(w, "request.dsse", "{}", 2, NULL));
		must(sha256_hex("x", 1, name + 10));
		must(bundle_writer_add(w, name, "x", 1, NULL));
		must(bundle_writer_finish(w, NULL));
		len = (size_t)bundle_writer_size(w);
		must(bundle_writer_read(w, 0, good, len, NULL));
		bundle_writer_free(&w);
	}
	memcpy(copy, good, len);
	for (i = 0; i + 3 <= size; i += 3)
		copy[(size_t)(data[i] | data[i + 1] << 8) % len] = data[i + 2];
	try(copy, len, BUNDLE_REQUEST, 700);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum bundle_type t;

	if (size < 2)
		return 0;
	t = (enum bundle_type)(data[0] % BUNDLE_TYPE_COUNT);
	if (data[1] == 'r')
		try(data + 2, size - 2, t, 1 + data[0]);
	else if (data[1] == 'm')
		with_changes(data + 2, size - 2);
	else
		from_lines(data + 2, size - 2, t);
	return 0;
}
