/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#include "host-tools/install.h"
#include "lib/file.h"

/* What a file becomes with its signature; stock tools: formats.t. */
#define ARTIFACT "the artifact"
#define SIG	 "signature"

struct one {
	struct subject subject;
	struct install x;
};

static void
make(struct one *o)
{
	memset(o, 0, sizeof(*o));
	o->x = (struct install){ .subject = &o->subject,
		.in = memfd_create("in", MFD_CLOEXEC),
		.out = memfd_create("out", MFD_CLOEXEC),
		.size = strlen(ARTIFACT),
		.sig = (const uint8_t *)SIG,
		.len = strlen(SIG) };
	assert_int_equal(sha256(ARTIFACT, strlen(ARTIFACT),
			     o->subject.digest[HASH_SHA256]),
	    0);
	assert_int_equal(fd_write_all(o->x.in, ARTIFACT, strlen(ARTIFACT)), 0);
	assert_int_equal(lseek(o->x.in, 0, SEEK_SET), 0);
}

static void
done(struct one *o)
{
	close_fdp(&o->x.in);
	close_fdp(&o->x.out);
}

static void
becomes(enum sigfmt_install how, const char *want)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct one o;
	size_t len;

	make(&o);
	assert_int_equal(install_write(how, &o.x, NULL), 0);
	assert_int_equal(fd_read_file(o.x.out, 1000, &data, &len, NULL), 0);
	assert_string_equal((const char *)data, want);
	done(&o);
}

static void
test_ways(void **state)
{
	(void)state;
	becomes(SIGFMT_DETACHED, SIG);
	becomes(SIGFMT_WHOLE, SIG);
	becomes(SIGFMT_APPEND, ARTIFACT SIG);
}

/* Between the hashing, which found the signature, and the copying. */
static void
test_changed(void **state)
{
	struct one o;

	(void)state;
	make(&o);
	o.subject.digest[HASH_SHA256][0] ^= 1;
	assert_int_equal(install_write(SIGFMT_APPEND, &o.x, NULL),
	    CS_E_HOST_CHANGED);
	done(&o);
}

/* --- RPM: lead, a signature header of one tag and its region, the rest ----- */
#define AT	96u
#define DATA	(AT + 16 + 32)
#define RPM_LEN 256u

struct package {
	uint8_t p[RPM_LEN];
};

static void
be32(struct package *k, size_t at, uint32_t v)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		k->p[at + i] = (uint8_t)(v >> (24 - 8 * i));
}

static void
make_package(struct package *k, uint32_t type, uint32_t offset, uint32_t count)
{
	memset(k, 0, sizeof(*k));
	memcpy(k->p + DATA, "a string", 9);
	be32(k, AT, 0x8eade801);
	be32(k, AT + 8, 2);
	be32(k, AT + 12, 12 + 16);
	be32(k, AT + 32, 1000);
	be32(k, AT + 36, type);
	be32(k, AT + 40, offset);
	be32(k, AT + 44, count);
	memset(k->p + RPM_LEN - 10, 'x', 10);
}

static int
sign_package(const struct package *k, uint8_t **ret, size_t *ret_len)
{
	struct one o;
	int r;

	make(&o);
	o.x.size = RPM_LEN;
	assert_int_equal(ftruncate(o.x.in, 0), 0);
	assert_int_equal(fd_write_all(o.x.in, k->p, RPM_LEN), 0);
	assert_int_equal(lseek(o.x.in, 0, SEEK_SET), 0);
	assert_int_equal(sha256(k->p, RPM_LEN, o.subject.digest[HASH_SHA256]),
	    0);
	r = install_write(SIGFMT_RPM, &o.x, NULL);
	if (r == 0)
		assert_int_equal(fd_read_file(o.x.out, 1 << 20, ret, ret_len,
				     NULL),
		    0);
	done(&o);
	return r;
}

/* Our tag's number comes first: "signature" before what was there, aligned */
static void
test_package(void **state)
{
	static const uint8_t want[] = { 0, 0, 3, 0xe8, 0, 0, 0, 4, 0, 0, 0, 12,
		0, 0, 0, 2, 's', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', 0, 0,
		0, 'a', ' ', 's', 't', 'r', 'i', 'n', 'g', 0, 0, 0, 62 };
	_cleanup_free_ uint8_t *data = NULL;
	struct package k;
	size_t len = 0;

	(void)state;
	make_package(&k, 4, 0, 2);
	assert_int_equal(sign_package(&k, &data, &len), 0);
	assert_memory_equal(data + AT + 48, want, sizeof(want));
	assert_memory_equal(data + len - 10, k.p + RPM_LEN - 10, 10);
}

static const struct {
	uint32_t type, offset, count;
	int want;
} tags[] = {
	{ 6, 0, 1, 0 },
	{ 8, 0, 2, 0 },	 /* "a string", "" */
	{ 9, 11, 1, 0 }, /* the last byte */
	{ 7, 0, 12, 0 },
	{ 5, 0, 1, 0 },
	{ 7, 0, 13, CS_E_FORMAT },
	{ 5, 0, 2, CS_E_FORMAT },
	{ 4, 0, 0xffffffff, CS_E_FORMAT },
	{ 7, 12, 1, CS_E_FORMAT },
	{ 7, 13, 1, CS_E_FORMAT },
	{ 7, 28, 1, CS_E_FORMAT },
	{ 7, 0, 0, CS_E_FORMAT },
	{ 0, 0, 1, CS_E_FORMAT },
	{ 8, 0, 4, 0 },
	{ 8, 0, 5, CS_E_FORMAT },
	{ 10, 0, 1, CS_E_FORMAT },
};

static void
test_tags(void **state)
{
	struct package k;
	size_t i, len;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(tags); i++) {
		_cleanup_free_ uint8_t *data = NULL;

		make_package(&k, tags[i].type, tags[i].offset, tags[i].count);
		r = sign_package(&k, &data, &len);
		if (r != tags[i].want)
			fail_msg("case %zu: %s", i, err_id(r));
	}
}

/* Sizes that are none any more; what is there was signed, the caller knows */
static void
test_no_package(void **state)
{
	static const size_t at[] = { AT + 8, AT + 12 };
	static const uint32_t v[] = { 0, 0x10000000, 0xffffffff };
	_cleanup_free_ uint8_t *data = NULL;
	struct package k;
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_LEN(at) * ARRAY_LEN(v); i++) {
		make_package(&k, 4, 0, 2);
		be32(&k, at[i % 2], v[i / 2]);
		assert_int_equal(sign_package(&k, &data, &len),
		    CS_E_HOST_CHANGED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_package),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_no_package),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
