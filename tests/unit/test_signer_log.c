/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/token_log.h"
#include "tests/lib/rig_signer.h"

/* The signer and an HSM's own log, which a fake keeps (fake_yubihsm.c). */
static struct rs rs;
static char library[RIG_PATH], connector[RIG_PATH];

/* Its state, from nothing */
static void
fake(const char *text)
{
	rig_write(&rs.rig, "hsm.log", text, strlen(text), connector);
}

static long
fake_has(const char *name)
{
	char word[16], value[80];
	FILE *f = fopen(connector, "re");
	long n = -1;

	assert_non_null(f);
	while (fscanf(f, "%15s %79s", word, value) == 2)
		if (strcmp(word, name) == 0)
			n = strtol(value, NULL, 10);
	(void)fclose(f);
	return n;
}

struct told {
	char domain[48];
	uint32_t key, signs;
	struct diag why;
	struct token_log log;
};

static void
read_told(const struct ipc_msg *m, struct told *ret)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	const uint8_t *p = NULL;
	uint8_t failed = 0;
	size_t len = 0;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(rd_cstr_into(&rd, ret->domain, sizeof(ret->domain)),
	    0);
	assert_int_equal(rd_u32(&rd, &ret->key), 0);
	assert_int_equal(rd_u32(&rd, &ret->signs), 0);
	assert_int_equal(rd_u8(&rd, &failed), 0);
	if (failed == 1) {
		assert_int_equal(ipc_get_diag(&rd, &ret->why), 0);
		assert_int_equal(rd_end(&rd), 0);
		return;
	}
	assert_int_equal(rd_u16(&rd, &ret->log.unlogged_boots), 0);
	assert_int_equal(rd_u16(&rd, &ret->log.unlogged_logins), 0);
	assert_int_equal(rd_str(&rd, 2048, &p, &len), 0);
	assert_int_equal(rd_end(&rd), 0);
	assert_int_equal(token_log_decode(p, len, ret->log.v, &ret->log.n,
			     NULL),
	    0);
}

static void
begin(size_t n, struct rs_request *q, struct rs_job *j, struct rs_signer *g)
{
	static const char *argv[] = { "release", library, connector, NULL };

	*q = (struct rs_request){ .req = NULL };
	rs_request(&rs, &rs.keys[2], n, HASH_BIT(HASH_SHA256), RS_CI, q);
	rs.signer_more = NULL;
	rs_job(&rs, q, j);
	rs.signer_more = argv;
	rs_start(&rs, NULL, NULL, g);
}

static void
end(struct rs_request *q, struct rs_job *j, struct rs_signer *g)
{
	(void)rs_end(g);
	rs_job_done(j);
	rs_request_done(q);
}

static int
taken(struct rs_signer *g, const char *domain, uint16_t number, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(128);
	int r;

	assert_int_equal(buf_put_cstr(&b, domain), 0);
	assert_int_equal(buf_put_u16(&b, number), 0);
	r = rs_ask(g, SIGNER_LOG_TAKEN, &b, -1, SIGNER_LOG_TAKEN_R, &m, d);
	buf_done(&b);
	return r;
}

static void
drained(void **state)
{
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct told t;
	struct diag d = { 0 };
	uint32_t n;

	(void)state;
	fake("signs 3 key 258 boots 1 logins 2");
	begin(3, &q, &j, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	/* nothing was read before there was a PIN */
	assert_int_equal(fake_has("next"), -1);
	if (rs_sign(&rs, &g, &n, &d) != 0)
		fail_msg("%s: %s", err_id(d.code), d.found);
	assert_int_equal(g.token_logs, 1);
	read_told(&g.token_log, &t);
	assert_string_equal(t.domain, "release");
	assert_int_equal(t.key, SIGNER_NO_KEY); /* an ID of eight bytes */
	assert_int_equal(t.signs, 3);
	assert_int_equal(t.why.code, 0);
	assert_int_equal(t.log.unlogged_boots, 1);
	assert_int_equal(t.log.unlogged_logins, 2);
	/* a session was made, and three signatures */
	assert_int_equal(t.log.n, 5);
	assert_int_equal(t.log.v[0].command, 0x03);
	assert_int_equal(t.log.v[1].command, 0x04);
	assert_int_equal(t.log.v[4].command, 0x56);
	assert_int_equal(t.log.v[4].number, 5);
	assert_int_equal(t.log.v[4].target_key, 258);
	/* nothing is forgotten before it is said */
	assert_int_equal(fake_has("index"), 0);
	assert_int_equal(taken(&g, "release", 5, &d), 0);
	assert_int_equal(fake_has("index"), 5);
	/* its session is closed then */
	assert_int_equal(taken(&g, "release", 6, &d), CS_E_HSM_LOG_READ);
	assert_int_equal(fake_has("index"), 5);
	assert_int_equal(taken(&g, "boot", 5, &d), CS_E_IPC);
	end(&q, &j, &g);
}

static void
unreadable(void **state)
{
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct told t;
	struct diag d = { 0 };
	uint32_t n;

	(void)state;
	fake("refuse -20");
	begin(1, &q, &j, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	assert_int_equal(rs_sign(&rs, &g, &n, &d), 0);
	assert_int_equal(g.token_logs, 1);
	read_told(&g.token_log, &t);
	assert_int_equal(t.why.code, CS_E_HSM_LOG_READ);
	assert_non_null(strstr(t.why.found, "-20"));
	end(&q, &j, &g);
}

static void
no_room(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rs_request q;
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	char domain[48];
	uint32_t n = 0, total = 0, used = 1;
	struct rd rd;

	(void)state;
	fake("total 10");
	begin(3, &q, &j, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), CS_E_HSM_LOG_FULL);
	assert_non_null(strstr(d.found, "10 of 10 entries free for 3"));
	assert_int_equal(rs_ask(&g, SIGNER_LOG_ROOM, NULL, -1,
			     SIGNER_LOG_ROOM_R, &m, &d),
	    0);
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_u32(&rd, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rd_cstr_into(&rd, domain, sizeof(domain)), 0);
	assert_string_equal(domain, "release");
	assert_int_equal(rd_u32(&rd, &total), 0);
	assert_int_equal(rd_u32(&rd, &used), 0);
	assert_int_equal(rd_end(&rd), 0);
	assert_int_equal(total, 10);
	assert_int_equal(used, 0);
	end(&q, &j, &g);
	/* just enough */
	fake("total 11");
	begin(3, &q, &j, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	end(&q, &j, &g);
}

/* The first question is answered by what is wrong with it. */
static void
bad_start(const char *a, const char *b, const char *c, int code)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	const char *argv[] = { a, b, c, NULL };
	struct rs_signer g;
	struct diag d = { 0 };

	rs.signer_more = argv;
	rs_start(&rs, NULL, NULL, &g);
	rs.signer_more = NULL;
	assert_int_equal(rs_ask(&g, SIGNER_CLOCK, NULL, -1, SIGNER_CLOCK_R, &m,
			     &d),
	    code);
	assert_int_not_equal(rs_end(&g), 0);
}

static void
not_loaded(void **state)
{
	(void)state;
	fake("total 62");
	bad_start("release", "/none.so", connector, CS_E_HSM_LOG_LIBRARY);
	bad_start("release", "fake_yubihsm.so", connector,
	    CS_E_HSM_LOG_LIBRARY);
	/* a library, but of something else */
	bad_start("release", rs.rig.module, connector, CS_E_HSM_LOG_LIBRARY);
	bad_start("release", library, "/no/such/device", CS_E_HSM_LOG_LIBRARY);
	bad_start("release", library, NULL, CS_E_USAGE);
}

/* Another domain's ceremonies have nothing to do with it. */
static void
other_domain(void **state)
{
	static const char *argv[] = { "boot", library, connector, NULL };
	struct rs_request q = { .req = NULL };
	struct rs_signer g;
	struct rs_job j;
	struct diag d = { 0 };
	uint32_t n;

	(void)state;
	fake("total 1");
	rs_request(&rs, &rs.keys[2], 1, HASH_BIT(HASH_SHA256), RS_CI, &q);
	rs.signer_more = NULL;
	rs_job(&rs, &q, &j);
	rs.signer_more = argv;
	rs_start(&rs, NULL, NULL, &g);
	assert_int_equal(rs_preflight(&g, &j, &n, &d), 0);
	assert_int_equal(rs_sign(&rs, &g, &n, &d), 0);
	assert_int_equal(g.token_logs, 0);
	end(&q, &j, &g);
}

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(library, sizeof(library), "%s/fake_yubihsm.so",
	    getenv("CS_TEST_BIN"));
	rs_init(&rs, true);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rs_done(&rs);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drained),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(no_room),
		cmocka_unit_test(not_loaded),
		cmocka_unit_test(other_domain),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
