/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the folder of tiles that an auditor keeps. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/audit_store.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/sha.h"

int
audit_store_open_read(const struct audit_where *w, int *ret_dirfd,
    struct diag *d)
{
	_cleanup_free_ char *path = NULL;
	int r = audit_where_tiles(w, &path, d);

	if (r == 0)
		r = dir_open(AT_FDCWD, path, ret_dirfd, d);
	if (r == CS_E_IO)
		return diag_fail(d, CS_E_AUDIT_STORE, "the folder of tiles",
		    "no %s", path);
	return r;
}

int
audit_store_blob(int dirfd, const char *sha256, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_free_ uint8_t *p = NULL;
	char path[80], have[CS_SHA256_HEX + 1];
	size_t len = 0;
	int r;

	if (!hex_is(sha256, CS_SHA256_HEX))
		return diag_fail(d, CS_E_AUDIT_BLOB, "a SHA-256", "%.70s",
		    sha256);
	(void)snprintf(path, sizeof(path), "blobs/%s", sha256);
	if (!file_exists(dirfd, path))
		return diag_fail(d, CS_E_AUDIT_BLOB, path, "no such file");
	r = file_read(dirfd, path, AUDIT_BLOB_MAX, &p, &len, d);
	if (r == 0 && sha256_hex(p, len, have) != 0)
		r = diag_fail(d, CS_E_CRYPTO, NULL, "SHA-256");
	if (r != 0)
		return r;
	if (strcmp(have, sha256) != 0)
		return diag_fail(d, CS_E_AUDIT_STORE, sha256,
		    "blobs/ has another document of that name");
	*ret = take_ptr(p);
	*ret_len = len;
	return 0;
}

/* Any failure to read what was accepted is the folder's. */
static int
damaged(struct diag *d, int r, const struct diag *why)
{
	if (r == CS_E_NOMEM || r == CS_E_CRYPTO || r == CS_E_IO)
		return diag_fail(d, r, NULL, "%s", why->found);
	return diag_fail(d, CS_E_AUDIT_STORE,
	    why->expected[0] != '\0' ? why->expected : NULL, "%s", why->found);
}

int
audit_store_leaf(int dirfd, const struct checkpoint *head, uint64_t idx,
    char **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_tlog_ struct tlog *t = NULL;
	uint8_t path[MERKLE_MAX_PROOF][32], hash[32];
	_cleanup_free_ uint8_t *leaf = NULL;
	struct diag why = { 0 };
	size_t len = 0, n = 0;
	int r;

	if (idx >= head->size)
		return diag_fail(d, CS_E_LOG_SIZE, NULL,
		    "%" PRIu64 " in a log of %" PRIu64 " leaves", idx,
		    head->size);
	r = tlog_open_at(dirfd, head->size, &t, &why);
	if (r == 0)
		r = tlog_read_leaf(t, idx, &leaf, &len, &why);
	if (r == 0)
		r = merkle_leaf_hash(leaf, len, hash);
	if (r == 0)
		r = tlog_inclusion(t, idx, head->size, path, &n, &why);
	if (r == 0)
		r = merkle_verify_inclusion(idx, head->size, hash,
		    (const uint8_t(*)[32])path, n, head->root);
	if (r != 0)
		return damaged(d, r, &why);
	*ret = (char *)take_ptr(leaf);
	*ret_len = len;
	return 0;
}

int
audit_store_root(int dirfd, const struct checkpoint *head, uint64_t size,
    uint8_t ret[32], struct diag *d)
{
	_cleanup_tlog_ struct tlog *t = NULL;
	uint8_t path[MERKLE_MAX_PROOF][32], root[32];
	struct diag why = { 0 };
	size_t n = 0;
	int r;

	r = tlog_open_at(dirfd, head->size, &t, &why);
	if (r == 0)
		r = tlog_root_at(t, size, root, &why);
	if (r == 0)
		r = tlog_consistency(t, size, head->size, path, &n, &why);
	if (r == 0)
		r = merkle_verify_consistency(size, head->size, root,
		    head->root, (const uint8_t(*)[32])path, n);
	if (r == CS_E_LOG_CONSISTENCY)
		(void)diag_fail(&why, r, "the accepted root",
		    "tiles that do not add up to it");
	if (r != 0)
		return damaged(d, r, &why);
	memcpy(ret, root, 32);
	return 0;
}

static void
closedir_p(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

int
audit_each_name(int dirfd, const char *folder,
    int (*fn)(void *arg, const char *name, struct diag *d), void *arg,
    struct diag *d)
{
	_cleanup_(closedir_p) DIR *dir = NULL;
	struct dirent *e;
	int fd, r = 0;

	fd = openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "%s", folder);
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return diag_errno(d, CS_E_IO, "%s", folder);
	}
	while (r == 0 && (e = readdir(dir)) != NULL)
		r = fn(arg, e->d_name, d);
	return r;
}
