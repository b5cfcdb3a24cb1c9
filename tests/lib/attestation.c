/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/attestation.h"

#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"

#define MUST(x)                                                            \
	do {                                                               \
		if (!(x)) {                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
			    #x);                                           \
			abort();                                           \
		}                                                          \
	} while (0)

static void
put_digest(struct buf *b, char which)
{
	struct artifact a[2];
	uint8_t other[32] = { 0xee };
	char hex[65];

	doc_artifacts(a);
	hex_encode(which == '0' ? other : a[which - '1'].sha256, 32, hex);
	MUST(buf_put(b, hex, 64) == 0);
}

char *
att_text(const char *t)
{
	struct buf b = BUF_INIT(DSSE_MAX);

	for (; *t != '\0'; t++) {
		if (t[0] == '@' && t[1] >= '0' && t[1] <= '2' &&
		    (t[2] == '\'' || t[2] == '"'))
			put_digest(&b, *++t);
		else
			MUST(buf_put_u8(&b, (uint8_t)(*t == '\'' ? '"' : *t)) ==
			    0);
	}
	MUST(buf_put_u8(&b, 0) == 0);
	return (char *)b.p;
}

char *
att_statement(const char *predicate_type, const char *subject,
    const char *predicate)
{
	struct buf b = BUF_INIT(DSSE_MAX);
	char *out;

	/* spaced and in an order of its own: nobody promises canonical JSON */
	MUST(buf_putf(&b,
		 "{ '_type': 'https://in-toto.io/Statement/v1',\n"
		 "  'subject': %s, 'predicateType': '%s',\n"
		 "  'predicate': %s, 'theirs': [1.5, null] }\n",
		 subject, predicate_type, predicate) == 0);
	MUST(buf_put_u8(&b, 0) == 0);
	out = att_text((const char *)b.p);
	buf_done(&b);
	return out;
}

static void
put_b64(struct buf *b, const void *data, size_t len)
{
	char *text = malloc(b64_enc_len(len) + 1);

	MUST(text != NULL);
	b64_encode(data, len, text);
	MUST(buf_put(b, text, strlen(text)) == 0);
	free(text);
}

char *
att_envelope(const char *payload, size_t len, const char *payload_type,
    const enum doc_key *k, size_t n, size_t *ret_len)
{
	struct buf b = BUF_INIT(DSSE_MAX), pae = BUF_INIT(DSSE_MAX);
	size_t i, m = 0;
	uint8_t *sig;

	MUST(dsse_pae_type(payload_type, payload, len, &pae) == 0);
	MUST(buf_putf(&b, "{\"payloadType\": \"%s\",\n \"payload\": \"",
		 payload_type) == 0);
	put_b64(&b, payload, len);
	MUST(buf_putf(&b, "\",\n \"signatures\": [") == 0);
	for (i = 0; i < n; i++) {
		MUST(buf_putf(&b, "%s{\"cert\": \"\", \"sig\": \"",
			 i > 0 ? ", " : "") == 0);
		sig = doc_sign(k[i], pae.p, pae.len, &m);
		put_b64(&b, sig, m);
		free(sig);
		MUST(buf_putf(&b, "\"}") == 0);
	}
	MUST(buf_putf(&b, "]}\n") == 0);
	*ret_len = b.len;
	buf_done(&pae);
	MUST(buf_put_u8(&b, 0) == 0);
	return (char *)b.p;
}

void
att_add_text(struct att_set *s, char *text, size_t len)
{
	static const char *const names[] = { "doc0", "doc1", "doc2", "doc3",
		"doc4", "doc5", "doc6", "doc7" };

	MUST(s->n < ARRAY_LEN(s->doc));
	s->text[s->n] = text;
	s->doc[s->n] =
	    (struct evidence_doc){ names[s->n], (const uint8_t *)text, len };
	s->n++;
}

void
att_add(struct att_set *s, const char *predicate_type, const char *subject,
    const char *predicate, enum doc_key by)
{
	char *payload = att_statement(predicate_type, subject, predicate);
	size_t len = 0;
	char *text = att_envelope(payload, strlen(payload), DSSE_PAYLOAD_TYPE,
	    &by, 1, &len);

	free(payload);
	att_add_text(s, text, len);
}

void
att_list(const struct att_set *s, struct request *r)
{
	size_t i;

	free(r->evidence);
	r->evidence = calloc(s->n + 1, sizeof(*r->evidence));
	MUST(r->evidence != NULL);
	r->nevidence = s->n;
	for (i = 0; i < s->n; i++) {
		r->evidence[i].name = s->doc[i].name;
		r->evidence[i].size = s->doc[i].len;
		MUST(sha256(s->doc[i].data, s->doc[i].len,
			 r->evidence[i].sha256) == 0);
	}
}

void
att_done(struct att_set *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->text[i]);
	s->n = 0;
}
