/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/multihash.h"

void
multihash_done(struct multihash *m)
{
	unsigned a;

	for (a = 0; a < HASH_COUNT; a++)
		hasher_free(&m->h[a]);
}

int
multihash_init(struct multihash *m, uint32_t which)
{
	unsigned a;
	int r = 0;

	for (a = 0; r == 0 && a < HASH_COUNT; a++)
		if ((which & HASH_BIT(a)) != 0)
			r = hasher_new((enum hash_alg)a, &m->h[a]);
	return r;
}

int
multihash_reset(struct multihash *m)
{
	unsigned a;
	int r = 0;

	for (a = 0; r == 0 && a < HASH_COUNT; a++)
		if (m->h[a] != NULL)
			r = hasher_reset(m->h[a]);
	return r;
}

int
multihash_update(struct multihash *m, const void *data, size_t len)
{
	unsigned a;
	int r = 0;

	for (a = 0; r == 0 && a < HASH_COUNT; a++)
		if (m->h[a] != NULL)
			r = hasher_update(m->h[a], data, len);
	return r;
}

int
multihash_final(struct multihash *m, uint8_t digest[HASH_COUNT][HASH_MAX_LEN])
{
	unsigned a;
	int r = 0;

	for (a = 0; r == 0 && a < HASH_COUNT; a++)
		if (m->h[a] != NULL)
			r = hasher_final(m->h[a], digest[a],
			    hash_len((enum hash_alg)a));
	return r;
}
