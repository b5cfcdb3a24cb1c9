/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/attest_inputs.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "lib/json.h"
#include "lib/note.h"
#include "lib/qrframe.h"
#include "tpm/image.h"

#define LINE_MAX_LEN	256u
#define CHECKPOINTS_MAX (1u << 20)
#define SCANNED_MAX	(1u << 20) /* lines of codes, with repeated ones */

void
attest_quiet(void)
{
	(void)setenv("TSS2_LOG", "all+NONE", 0);
}

int
attest_hex_arg(const char *arg, uint8_t ret[CS_SHA256_LEN], struct diag *d)
{
	_cleanup_free_ uint8_t *line = NULL;
	size_t len;
	int r;

	if (hex_is(arg, CS_SHA256_HEX))
		return hex_decode(arg, ret, CS_SHA256_LEN);
	r = file_read(AT_FDCWD, arg, LINE_MAX_LEN, &line, &len, d);
	if (r != 0)
		return r;
	if (len == CS_SHA256_HEX + 1 && line[len - 1] == '\n')
		line[--len] = '\0';
	if (len != CS_SHA256_HEX ||
	    hex_decode((const char *)line, ret, CS_SHA256_LEN) != 0)
		return diag_fail(d, CS_E_HEX, "one line of 64 digits",
		    "%s: %zu bytes", arg, len);
	return 0;
}

int
attest_pinned_load(const char *path, struct attest_pinned *ret, struct diag *d)
{
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r = file_read(AT_FDCWD, path, ATTEST_FILE_MAX, &text, &len, d);

	return r != 0 ? r : attest_pinned_parse(text, len, false, ret, d);
}

static int
from_image(const uint8_t *text, size_t len, struct attest_golden *ret,
    struct diag *d)
{
	_cleanup_tpm_image_ struct tpm_image *img = NULL;
	int r = tpm_image_parse(text, len, &img, d);
	size_t i;

	if (r != 0)
		return r;
	ret->version = img->version;
	ret->pcrs.mask = img->pcrs.mask;
	for (i = 0; i < ATTEST_PCRS; i++)
		memcpy(ret->pcrs.value[i], img->pcrs.value[i], CS_SHA256_LEN);
	return 0;
}

int
attest_golden_load(const char *path, struct attest_golden *ret, struct diag *d)
{
	_cleanup_free_ uint8_t *text = NULL;
	_cleanup_json_ json_t *root = NULL;
	struct diag unused = { 0 };
	size_t len;
	int r = file_read(AT_FDCWD, path, ATTEST_FILE_MAX, &text, &len, d);

	if (r != 0)
		return r;
	if (json_load_strict(text, len, ATTEST_FILE_MAX, &root, &unused) == 0 &&
	    json_object_get(root, "type") != NULL)
		return from_image(text, len, ret, d);
	return attest_golden_parse(text, len, ret, d);
}

/* The name of its first member is at its very beginning. */
static bool
is_bundle(const char *path)
{
	static const char first[] = "manifest";
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char head[sizeof(first)];

	return fd >= 0 && pread(fd, head, sizeof(head), 0) == sizeof(head) &&
	    memcmp(head, first, sizeof(head)) == 0;
}

/* One scanned code a line, or the answer itself */
static int
load_text(const char *path, struct attest_answer *ret, struct diag *d)
{
	struct buf whole __attribute__((cleanup(buf_done))) =
	    BUF_INIT(ATTEST_ANSWER_MAX);
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = file_read(AT_FDCWD, path, SCANNED_MAX, &text, &len, d);
	if (r != 0)
		return r;
	if (!qrframe_is(text, len))
		return attest_answer_parse(text, len, ret, d);
	r = qrframe_join((const char *)text, len, &whole, d);
	return r == 0 ? attest_answer_parse(whole.p, whole.len, ret, d) : r;
}

int
attest_answer_load(const char *path, struct attest_answer *ret, struct diag *d)
{
	_cleanup_package_ struct package *p = NULL;
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	if (!is_bundle(path))
		return load_text(path, ret, d);
	r = package_open(path, "attest", &p, d);
	if (r == 0)
		r = package_read(p, "answer.json", ATTEST_ANSWER_MAX, &text,
		    &len, d);
	return r == 0 ? attest_answer_parse(text, len, ret, d) : r;
}

static void
closedir_p(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

static int
by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int
list_sizes(const char *path, uint64_t **ret, size_t *ret_n, struct diag *d)
{
	_cleanup_(closedir_p) DIR *dir = opendir(path);
	_cleanup_free_ uint64_t *v = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;
	uint64_t size, *w;

	if (dir == NULL)
		return diag_errno(d, CS_E_IO, "%s", path);
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (note_size_parse(e->d_name, strlen(e->d_name), &size) != 0 ||
		    n == CHECKPOINTS_MAX)
			return diag_fail(d, CS_E_ATTEST_CHAIN_FILES,
			    "files that are named by a size", "%s", e->d_name);
		if (n == cap) {
			cap = cap == 0 ? 64 : 2 * cap;
			w = reallocarray(v, cap, sizeof(*v));
			if (w == NULL)
				return diag_nomem(d);
			v = w;
		}
		v[n++] = size;
	}
	if (n == 0)
		return diag_fail(d, CS_E_ATTEST_CHAIN_FILES,
		    "at least one checkpoint", "%s: none", path);
	qsort(v, n, sizeof(*v), by_size);
	*ret = take_ptr(v);
	*ret_n = n;
	return 0;
}

int
attest_chain_read(const char *path, uint8_t ret[CS_SHA256_LEN], char **ret_last,
    size_t *ret_n, struct diag *d)
{
	uint8_t value[CS_SHA256_LEN] = { 0 };
	_cleanup_free_ uint64_t *sizes = NULL;
	_cleanup_free_ uint8_t *note = NULL;
	_cleanup_fd_ int fd = -1;
	size_t i, n = 0, len;
	char name[24];
	int r;

	r = list_sizes(path, &sizes, &n, d);
	if (r == 0)
		r = dir_open(AT_FDCWD, path, &fd, d);
	for (i = 0; r == 0 && i < n; i++) {
		free(take_ptr(note));
		(void)snprintf(name, sizeof(name), "%" PRIu64, sizes[i]);
		r = file_read(fd, name, NOTE_MAX, &note, &len, d);
		if (r == 0 && memchr(note, '\0', len) != NULL)
			r = diag_fail(d, CS_E_ATTEST_CHAIN_FILES,
			    "texts without NUL", "%s", name);
		if (r == 0 && attest_chain_step(value, note, len) != 0)
			r = diag_fail(d, CS_E_CRYPTO, NULL, "replay");
	}
	if (r != 0)
		return r;
	memcpy(ret, value, sizeof(value));
	*ret_last = (char *)take_ptr(note);
	*ret_n = n;
	return 0;
}
