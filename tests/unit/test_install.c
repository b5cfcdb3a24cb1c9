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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
