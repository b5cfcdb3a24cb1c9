/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSONTestSuite's test_transform: texts that parsers read in different ways.
 * Ours read each in the one way that is written here, or not at all, in
 * documents (lib/json.h) and in leaves (lib/canon.h).
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h wants the above */
#include <cmocka.h>
#include <string.h>

#include "lib/canon.h"
#include "lib/file.h"
#include "lib/json.h"

#define MAX (1u << 16)

/*
 * What each says of {"a":TEXT}.  One text of the 22 is read by both; keys that
 * differ in their normal form alone are read, and have no canonical form.
 */
static const struct {
	const char *file;
	int document, leaf;
} texts[] = {
	{ "number_1000000000000000", 0, 0 },
	{ "number_-9223372036854775808", CS_E_JSON_NUMBER, CS_E_CANON_NUMBER },
	{ "number_-9223372036854775809", CS_E_JSON_NUMBER, CS_E_CANON_NUMBER },
	{ "number_1.0", CS_E_JSON_NUMBER, CS_E_CANON_NUMBER },
	{ "number_1.000000000000000005", CS_E_JSON_NUMBER, CS_E_CANON_NUMBER },
	{ "number_10000000000000000999", CS_E_JSON_NUMBER, CS_E_CANON_NUMBER },
	{ "number_1e-999", CS_E_JSON_NUMBER, CS_E_CANON_NUMBER },
	{ "number_1e6", CS_E_JSON_NUMBER, CS_E_CANON_NUMBER },
	{ "number_9223372036854775807", CS_E_JSON_NUMBER, CS_E_CANON_NUMBER },
	{ "number_9223372036854775808", CS_E_JSON_NUMBER, CS_E_CANON_NUMBER },
	{ "object_key_nfc_nfd", CS_E_JSON_VALUE, CS_E_CANON_KEY },
	{ "object_key_nfd_nfc", CS_E_JSON_VALUE, CS_E_CANON_KEY },
	{ "object_same_key_different_values", CS_E_JSON_DUPLICATE,
	    CS_E_CANON_KEY },
	{ "object_same_key_same_value", CS_E_JSON_DUPLICATE, CS_E_CANON_KEY },
	{ "object_same_key_unclear_values", CS_E_JSON_DUPLICATE,
	    CS_E_CANON_SYNTAX },
	{ "string_1_escaped_invalid_codepoint", CS_E_JSON_SYNTAX,
	    CS_E_CANON_STRING },
	{ "string_1_invalid_codepoint", CS_E_JSON_SYNTAX, CS_E_CANON_STRING },
	{ "string_2_escaped_invalid_codepoints", CS_E_JSON_SYNTAX,
	    CS_E_CANON_STRING },
	{ "string_2_invalid_codepoints", CS_E_JSON_SYNTAX, CS_E_CANON_STRING },
	{ "string_3_escaped_invalid_codepoints", CS_E_JSON_SYNTAX,
	    CS_E_CANON_STRING },
	{ "string_3_invalid_codepoints", CS_E_JSON_SYNTAX, CS_E_CANON_STRING },
	{ "string_with_escaped_NULL", CS_E_JSON_SYNTAX, CS_E_CANON_STRING },
};

static size_t
inside(const uint8_t *text, size_t len, const char *end, char **ret)
{
	size_t n = len;

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	assert_true(asprintf(ret, "{\"a\":%.*s}%s", (int)n, (const char *)text,
			end) > 0);
	return 5 + n + 1 + strlen(end);
}

static void
one(int dirfd, size_t i)
{
	_cleanup_free_ char *doc = NULL, *leaf = NULL, *back = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	_cleanup_json_ json_t *j = NULL;
	struct diag d = { 0 };
	char name[64];
	size_t len, n;
	int r;

	(void)snprintf(name, sizeof(name), "%s.json", texts[i].file);
	assert_int_equal(file_read(dirfd, name, MAX, &text, &len, NULL), 0);
	n = inside(text, len, "", &doc);
	r = json_load_strict(doc, n, MAX, &j, &d);
	if (r == 0)
		r = json_canonical(j, &back, &n);
	if (r != texts[i].document)
		fail_msg("%s as a document: %s", name, err_id(r));
	/* what is read is what is there */
	if (r == 0)
		assert_string_equal(back, doc);
	n = inside(text, len, "\n", &leaf);
	r = canon_check(leaf, n, NULL);
	if (r != texts[i].leaf)
		fail_msg("%s as a leaf: %s", name, err_id(r));
}

static void
test_transform(void **state)
{
	const char *shared = getenv("CS_SHARED");
	_cleanup_fd_ int fd = -1;
	char path[512];
	size_t i;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/vectors/json/test_transform",
	    shared == NULL ? "../shared" : shared);
	if (dir_open(AT_FDCWD, path, &fd, NULL) != 0) {
		print_message("no vectors in %s\n", path);
		return;
	}
	for (i = 0; i < ARRAY_LEN(texts); i++)
		one(fd, i);
	print_message("%zu texts of JSONTestSuite's test_transform\n", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transform),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
