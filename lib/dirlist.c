/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/dirlist.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "lib/hex.h"

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
closedir_p(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

int
dir_list_blobs(int dirfd, char (**ret)[CS_SHA256_HEX + 1], size_t *ret_n,
    struct diag *d)
{
	_cleanup_(closedir_p) DIR *dir = NULL;
	_cleanup_free_ char(*v)[CS_SHA256_HEX + 1] = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;
	int fd;

	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "a folder");
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return diag_errno(d, CS_E_IO, "a folder");
	}
	while ((e = readdir(dir)) != NULL) {
		if (hex_is(e->d_name, CS_SHA256_HEX) == 0)
			continue;
		if (n == cap) {
			void *w;

			cap = cap == 0 ? 64 : cap * 2;
			w = reallocarray(v, cap, sizeof(*v));
			if (w == NULL)
				return diag_nomem(d);
			v = w;
		}
		memcpy(v[n++], e->d_name, CS_SHA256_HEX + 1);
	}
	if (n > 0)
		qsort(v, n, sizeof(*v), compare);
	*ret = take_ptr(v);
	*ret_n = n;
	return 0;
}
