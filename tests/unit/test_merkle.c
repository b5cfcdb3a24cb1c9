/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "lib/b64.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/merkle.h"

static void
check_hex(const uint8_t h[32], const char *want)
{
	char text[65];

	hex_encode(h, 32, text);
	assert_string_equal(text, want);
}

/* transparency-dev/merkle rfc6962/rfc6962_test.go */
static void
test_constants(void **state)
{
	struct merkle_range m = { .size = 0 };
	uint8_t h[32];

	(void)state;
	assert_int_equal(merkle_range_root(&m, h), 0);
	check_hex(h,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
	    "7852b855");
	assert_memory_equal(h, merkle_empty, 32);
	assert_int_equal(merkle_leaf_hash("", 0, h), 0);
	check_hex(h,
	    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a306"
	    "17afa01d");
	assert_int_equal(merkle_leaf_hash("L123456", 7, h), 0);
	check_hex(h,
	    "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639"
	    "252b4d56");
}

/* RFC 6962 2.1.1's recursion, to compare with */
static void
slow_root(const uint8_t (*leaf)[32], size_t n, uint8_t ret[32])
{
	uint8_t l[32], r[32];
	size_t k = 1;

	if (n == 1) {
		memcpy(ret, leaf[0], 32);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	slow_root(leaf, k, l);
	slow_root(leaf + k, n - k, r);
	assert_int_equal(merkle_node_hash(l, r, ret), 0);
}

#define LEAVES 70u

static void
test_range(void **state)
{
	struct merkle_range m = { .size = 0 }, copy;
	uint8_t data[LEAVES], leaf[LEAVES][32], want[32], got[32];
	unsigned i;

	(void)state;
	for (i = 0; i < LEAVES; i++) {
		data[i] = (uint8_t)i;
		assert_int_equal(merkle_leaf_hash(&data[i], 1, leaf[i]), 0);
		assert_int_equal(merkle_range_append(&m, leaf[i]), 0);
		slow_root((const uint8_t(*)[32])leaf, i + 1, want);
		assert_int_equal(merkle_range_root(&m, got), 0);
		assert_memory_equal(got, want, 32);
		assert_int_equal(merkle_root_of(data, 1, i + 1, got), 0);
		assert_memory_equal(got, want, 32);
	}
	/* a subtree may be appended only where one begins */
	slow_root((const uint8_t(*)[32])leaf, 64, want);
	m.size = 0;
	assert_int_equal(merkle_range_append_node(&m, 6, want), 0);
	assert_int_equal(m.size, 64);
	for (i = 64; i < LEAVES; i++)
		assert_int_equal(merkle_range_append(&m, leaf[i]), 0);
	slow_root((const uint8_t(*)[32])leaf, LEAVES, want);
	assert_int_equal(merkle_range_root(&m, got), 0);
	assert_memory_equal(got, want, 32);
	copy = m;
	assert_int_equal(merkle_range_append_node(&m, 2, want), CS_E_LOG_SIZE);
	assert_int_equal(merkle_range_append_node(&m, 54, want), CS_E_LOG_SIZE);
	assert_memory_equal(&copy, &m, sizeof(m));
	m.size = MERKLE_MAX_SIZE;
	assert_int_equal(merkle_range_append(&m, want), CS_E_LOG_SIZE);
	m.size = 0;
	assert_int_equal(merkle_range_append_node(&m, 53, want), 0);
	assert_int_equal(m.size, MERKLE_MAX_SIZE);
	assert_int_equal(merkle_range_root(&m, got), 0);
	assert_memory_equal(got, want, 32);
}

/* Every change of an argument of a good proof is noticed. */
static void
test_binding(void **state)
{
	uint8_t leaf[3][32], n01[32], root3[32], proof[2][32];
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(merkle_leaf_hash(&i, 1, leaf[i]), 0);
	assert_int_equal(merkle_node_hash(leaf[0], leaf[1], n01), 0);
	assert_int_equal(merkle_node_hash(n01, leaf[2], root3), 0);
	memcpy(proof[0], leaf[1], 32);
	memcpy(proof[1], leaf[2], 32);
#define INC(i, n, l, p) \
	merkle_verify_inclusion(i, n, l, (const uint8_t(*)[32])proof, p, root3)
	assert_int_equal(INC(0, 3, leaf[0], 2), 0);
	assert_int_equal(INC(1, 3, leaf[0], 2), CS_E_LOG_INCLUSION);
	assert_int_equal(INC(2, 3, leaf[0], 2), CS_E_LOG_INCLUSION);
	assert_int_equal(INC(3, 3, leaf[0], 2), CS_E_LOG_INCLUSION);
	assert_int_equal(INC(0, 2, leaf[0], 2), CS_E_LOG_INCLUSION);
	assert_int_equal(INC(0, 5, leaf[0], 2), CS_E_LOG_INCLUSION);
	assert_int_equal(INC(0, 3, leaf[1], 2), CS_E_LOG_INCLUSION);
	assert_int_equal(INC(0, 3, leaf[0], 1), CS_E_LOG_INCLUSION);
	assert_int_equal(INC(0, 0, leaf[0], 0), CS_E_LOG_INCLUSION);
	assert_int_equal(INC(0, MERKLE_MAX_SIZE + 1, leaf[0], 2),
	    CS_E_LOG_INCLUSION);
	/* RFC 9162 2.1.3.2 step 4, "if sn is 0, fail" */
	assert_int_equal(merkle_verify_inclusion(0, 1, n01,
			     (const uint8_t(*)[32])proof[1], 1, root3),
	    CS_E_LOG_INCLUSION);
#undef INC
#define CON(a, b, ra, rb, p, n) \
	merkle_verify_consistency(a, b, ra, rb, (const uint8_t(*)[32])p, n)
	assert_int_equal(CON(2, 3, n01, root3, leaf[2], 1), 0);
	assert_int_equal(CON(2, 3, leaf[0], root3, leaf[2], 1),
	    CS_E_LOG_CONSISTENCY);
	assert_int_equal(CON(2, 3, n01, n01, leaf[2], 1), CS_E_LOG_CONSISTENCY);
	assert_int_equal(CON(2, 3, n01, root3, leaf[2], 0),
	    CS_E_LOG_CONSISTENCY);
	assert_int_equal(CON(3, 2, root3, n01, leaf[2], 1),
	    CS_E_LOG_CONSISTENCY);
	assert_int_equal(CON(3, 3, root3, root3, leaf[2], 0), 0);
	assert_int_equal(CON(3, 3, root3, root3, leaf[2], 1),
	    CS_E_LOG_CONSISTENCY);
	assert_int_equal(CON(3, 3, root3, n01, leaf[2], 0),
	    CS_E_LOG_CONSISTENCY);
	/* tlog-witness: the empty tree has one root and takes no proof */
	assert_int_equal(CON(0, 3, merkle_empty, root3, leaf[2], 0), 0);
	assert_int_equal(CON(0, 3, n01, root3, leaf[2], 0),
	    CS_E_LOG_CONSISTENCY);
	assert_int_equal(CON(0, 3, merkle_empty, root3, leaf[2], 1),
	    CS_E_LOG_CONSISTENCY);
	assert_int_equal(CON(0, 0, merkle_empty, merkle_empty, leaf[2], 0), 0);
	assert_int_equal(CON(0, 0, root3, root3, leaf[2], 0),
	    CS_E_LOG_CONSISTENCY);
	assert_int_equal(CON(1, MERKLE_MAX_SIZE + 1, leaf[0], root3, proof, 2),
	    CS_E_LOG_CONSISTENCY);
#undef CON
}

/*
 * Public vectors.  Three are outside our input domain: a leaf index that no
 * int64 holds (jansson refuses it, so does note_size_parse) in two inclusion
 * files, and 12-byte "roots" in one consistency file.
 */
static unsigned ran, outside;

static bool
get_hash(const json_t *j, const char *name, uint8_t ret[32])
{
	const char *s = json_string_value(json_object_get(j, name));

	return s != NULL && b64_decode_exact(s, strlen(s), ret, 32) == 0;
}

static bool
get_proof(const json_t *j, uint8_t (*ret)[32], size_t *n)
{
	const json_t *a = json_object_get(j, "proof");
	const char *s;
	size_t i;

	*n = json_array_size(a);
	assert_true(*n < MERKLE_MAX_PROOF);
	for (i = 0; i < *n; i++) {
		s = json_string_value(json_array_get(a, i));
		if (b64_decode_exact(s, strlen(s), ret[i], 32) != 0)
			return false;
	}
	return true;
}

static uint64_t
get_u64(const json_t *j, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(j, name));
}

/* Whether our verifier accepts; false also for roots of a wrong length. */
static bool
accepts(const json_t *j)
{
	uint8_t a[32], b[32], proof[MERKLE_MAX_PROOF][32];
	size_t n;

	if (!get_proof(j, proof, &n))
		return false;
	if (json_object_get(j, "leafIdx") != NULL)
		return get_hash(j, "leafHash", a) && get_hash(j, "root", b) &&
		    merkle_verify_inclusion(get_u64(j, "leafIdx"),
			get_u64(j, "treeSize"), a, (const uint8_t(*)[32])proof,
			n, b) == 0;
	if (!get_hash(j, "root1", a) || !get_hash(j, "root2", b)) {
		if (json_is_true(json_object_get(j, "wantErr")))
			return false;
		outside++;
		return true;
	}
	return merkle_verify_consistency(get_u64(j, "size1"),
		   get_u64(j, "size2"), a, b, (const uint8_t(*)[32])proof,
		   n) == 0;
}

static int
run_vector(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	_cleanup_free_ uint8_t *p = NULL;
	size_t len;
	json_t *j;

	(void)st;
	(void)ftw;
	if (type != FTW_F || strstr(path, ".json") == NULL)
		return 0;
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &p, &len, NULL), 0);
	ran++;
	j = json_loadb((const char *)p, len, 0, NULL);
	if (j == NULL) {
		assert_non_null(strstr((char *)p, "18446744073709551615"));
		assert_non_null(strstr((char *)p, "\"wantErr\": true"));
		outside++;
		return 0;
	}
	if (accepts(j) == json_is_true(json_object_get(j, "wantErr")))
		fail_msg("%s", path);
	json_decref(j);
	return 0;
}

static void
test_vectors(void **state)
{
	static const char *const dirs[] = { "inclusion", "consistency" };
	const char *shared = getenv("CS_SHARED");
	char path[512];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(dirs); i++) {
		(void)snprintf(path, sizeof(path),
		    "%s/vectors/merkle/testdata/%s",
		    shared == NULL ? "../shared" : shared, dirs[i]);
		if (nftw(path, run_vector, 8, FTW_PHYS) != 0) {
			print_message("no vectors in %s\n", path);
			skip();
		}
	}
	print_message("%u vectors, %u outside our input domain\n", ran,
	    outside);
	assert_int_equal(ran, 98 + 98);
	assert_int_equal(outside, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
