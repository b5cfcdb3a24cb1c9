/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/sessions.h"
#include "lib/sha.h"

static void
fill(struct sessions *s, size_t n)
{
	size_t i;

	*s = (struct sessions){ .n = n };
	for (i = 0; i < n; i++) {
		s->v[i].domain[0] = (char)('a' + i);
		memset(s->v[i].nonce, (int)i + 1, QUORUM_NONCE_LEN);
		s->v[i].handle = 0x02000000u + (uint32_t)i;
		s->v[i].context = (const uint8_t *)"context";
		s->v[i].context_len = 7;
	}
}

static struct buf
encode(const struct sessions *s)
{
	struct buf b = BUF_INIT(65536);

	assert_int_equal(sessions_put(&b, s), 0);
	return b;
}

static void
refused(const struct sessions *s)
{
	struct buf b = encode(s);
	struct sessions out;
	struct diag d = { 0 };

	assert_int_equal(sessions_get(b.p, b.len, &out, &d), CS_E_SESSIONS);
	buf_done(&b);
}

static void
round_trip(void **state)
{
	struct sessions s, out;
	struct buf b;
	size_t i, n;

	(void)state;
	for (n = 1; n <= SESSIONS_MAX; n++) {
		fill(&s, n);
		b = encode(&s);
		assert_int_equal(sessions_get(b.p, b.len, &out, NULL), 0);
		assert_int_equal(out.n, n);
		for (i = 0; i < n; i++) {
			assert_string_equal(out.v[i].domain, s.v[i].domain);
			assert_memory_equal(out.v[i].nonce, s.v[i].nonce, 32);
			assert_int_equal(out.v[i].handle, s.v[i].handle);
			assert_int_equal(out.v[i].context_len, 7);
		}
		/* neither less nor more */
		for (i = 0; i < b.len; i++)
			assert_int_equal(sessions_get(b.p, i, &out, NULL),
			    CS_E_SESSIONS);
		assert_int_equal(buf_put_u8(&b, 0), 0);
		assert_int_equal(sessions_get(b.p, b.len, &out, NULL),
		    CS_E_SESSIONS);
		buf_done(&b);
	}
}

static void
malformed(void **state)
{
	struct sessions s, out;
	struct buf b = BUF_INIT(65536);

	(void)state;
	fill(&s, 0);
	refused(&s);
	/* a domain twice, and one without a domain beside another */
	fill(&s, 3);
	s.v[2].domain[0] = 'a';
	refused(&s);
	fill(&s, 2);
	s.v[1].domain[0] = '\0';
	refused(&s);
	/* alone, it has none */
	fill(&s, 1);
	s.v[0].domain[0] = '\0';
	assert_int_equal(sessions_put(&b, &s), 0);
	assert_int_equal(sessions_get(b.p, b.len, &out, NULL), 0);
	/* one more than there may be */
	b.p[3] = SESSIONS_MAX + 1;
	assert_int_equal(sessions_get(b.p, b.len, &out, NULL), CS_E_SESSIONS);
	buf_done(&b);
	/* a nonce of another length */
	b = (struct buf)BUF_INIT(65536);
	assert_int_equal(buf_put_u32(&b, 1), 0);
	assert_int_equal(buf_put_cstr(&b, "a"), 0);
	assert_int_equal(buf_put_str(&b, s.v[0].nonce, 31), 0);
	assert_int_equal(buf_put_u32(&b, 1), 0);
	assert_int_equal(buf_put_str(&b, "c", 1), 0);
	assert_int_equal(sessions_get(b.p, b.len, &out, NULL), CS_E_SESSIONS);
	buf_done(&b);
}

/* One: its own; several: the SHA-256 over all of them in order. */
static void
nonce(void **state)
{
	uint8_t all[96], want[32], got[32];
	struct sessions s;

	(void)state;
	fill(&s, 1);
	assert_int_equal(sessions_nonce(&s, got), 0);
	assert_memory_equal(got, s.v[0].nonce, 32);
	fill(&s, 3);
	memset(all, 1, 32);
	memset(all + 32, 2, 32);
	memset(all + 64, 3, 32);
	assert_int_equal(sha256(all, sizeof(all), want), 0);
	assert_int_equal(sessions_nonce(&s, got), 0);
	assert_memory_equal(got, want, 32);
}

static void
votes(void **state)
{
	const uint8_t *const sig[3] = { (const uint8_t *)"one", NULL,
		(const uint8_t *)"three" };
	const size_t len[3] = { 3, 0, 5 };
	static char text[SESSION_VOTES_MAX + 1];
	uint8_t out[SESSION_VOTE_MAX];
	struct sessions s;
	size_t n = 9;

	(void)state;
	fill(&s, 3);
	sessions_votes_format(&s, sig, len, text);
	assert_string_equal(text, "b25l,-,dGhyZWU=");
	assert_int_equal(sessions_vote(&s, text, 0, out, &n), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(out, "one", 3);
	assert_int_equal(sessions_vote(&s, text, 1, out, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(sessions_vote(&s, text, 2, out, &n), 0);
	assert_int_equal(n, 5);
	/* made ahead: none for anybody */
	assert_int_equal(sessions_vote(&s, "", 2, out, &n), 0);
	assert_int_equal(n, 0);
	/* fewer, more, no base64, no such session */
	assert_int_equal(sessions_vote(&s, "-,-", 0, out, &n), CS_E_SESSIONS);
	assert_int_equal(sessions_vote(&s, "-,-,-,-", 0, out, &n),
	    CS_E_SESSIONS);
	assert_int_not_equal(sessions_vote(&s, "*,-,-", 0, out, &n), 0);
	assert_int_not_equal(sessions_vote(&s, ",-,-", 0, out, &n), 0);
	assert_int_equal(sessions_vote(&s, "-,-,-", 3, out, &n), CS_E_SESSIONS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(malformed),
		cmocka_unit_test(nonce),
		cmocka_unit_test(votes),
	};

	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
