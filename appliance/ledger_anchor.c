/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "appliance/ledger.h"
#include "lib/file.h"
#include "lib/note.h"

/* The sizes of all stored checkpoints, which are their names. */
struct sizes {
	uint64_t *v;
	size_t n, cap;
};

static int
add_size(struct sizes *s, const char *name, struct diag *d)
{
	uint64_t *v, size = 0;

	/* "." and "..", and what a crash left of a write */
	if (note_size_parse(name, strlen(name), &size) != 0)
		return 0;
	if (s->n == s->cap) {
		v = reallocarray(s->v, 2 * s->cap + 64, sizeof(*v));
		if (v == NULL)
			return diag_nomem(d);
		s->v = v;
		s->cap = 2 * s->cap + 64;
	}
	s->v[s->n++] = size;
	return 0;
}

static int
by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
list_sizes(int fd, struct sizes *s, struct diag *d)
{
	struct dirent *e;
	DIR *dir;
	int r = 0, mine = dup(fd);

	dir = mine < 0 ? NULL : fdopendir(mine);
	if (dir == NULL) {
		r = diag_errno(d, CS_E_IO, "log/checkpoints");
		close_fdp(&mine);
		return r;
	}
	rewinddir(dir);
	errno = 0;
	while (r == 0 && (e = readdir(dir)) != NULL)
		r = add_size(s, e->d_name, d);
	if (r == 0 && errno != 0)
		r = diag_errno(d, CS_E_IO, "log/checkpoints");
	(void)closedir(dir);
	if (r == 0 && s->n > 0)
		qsort(s->v, s->n, sizeof(*s->v), by_size);
	return r;
}

int
ledger_anchor_next(uint8_t anchor[32], const void *note, size_t len)
{
	uint8_t both[64];
	int r;

	memcpy(both, anchor, 32);
	r = sha256(note, len, both + 32);
	return r == 0 ? sha256(both, sizeof(both), anchor) : r;
}

int
ledger_anchor(struct ledger *l, uint8_t before[32], uint8_t after[32],
    uint64_t *ret_n, struct diag *d)
{
	const int fd = ledger_checkpoints_fd(l);
	struct sizes s = { 0 };
	char name[24];
	size_t i;
	int r;

	memset(before, 0, 32);
	memset(after, 0, 32);
	r = list_sizes(fd, &s, d);
	for (i = 0; r == 0 && i < s.n; i++) {
		_cleanup_free_ uint8_t *note = NULL;
		size_t len;

		(void)snprintf(name, sizeof(name), "%llu",
		    (unsigned long long)s.v[i]);
		memcpy(before, after, 32);
		r = file_read(fd, name, NOTE_MAX, &note, &len, d);
		if (r == 0)
			r = ledger_anchor_next(after, note, len);
	}
	free(s.v);
	*ret_n = s.n;
	return r;
}
