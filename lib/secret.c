/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/secret.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/mman.h>

struct secret {
	uint8_t *page; /* its own mapping of page_size bytes */
	size_t page_size;
	size_t size; /* 0 < len <= size <= page_size */
	size_t len;
};

/* A whole page each, so that munlock() of one never unlocks another. */
static int
map_locked(size_t n, uint8_t **ret)
{
	void *p;

	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	if (p == MAP_FAILED)
		return CS_E_NOMEM;
	if (mlock(p, n) != 0 || madvise(p, n, MADV_DONTDUMP) != 0 ||
	    madvise(p, n, MADV_WIPEONFORK) != 0) {
		(void)munmap(p, n);
		return CS_E_IO;
	}
	*ret = p;
	return 0;
}

int
secret_new(size_t size, struct secret **ret)
{
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	_cleanup_free_ struct secret *s = NULL;
	int r;

	/* RLIMIT_MEMLOCK may be small; nothing we hold needs more */
	if (size == 0 || size > page_size)
		return CS_E_TOO_LARGE;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return CS_E_NOMEM;
	if ((r = map_locked(page_size, &s->page)) != 0)
		return r;
	s->page_size = page_size;
	s->size = s->len = size;
	*ret = take_ptr(s);
	return 0;
}

void
secret_free(struct secret **sp)
{
	struct secret *s = *sp;

	if (s == NULL)
		return;
	OPENSSL_cleanse(s->page, s->page_size);
	(void)munmap(s->page, s->page_size);
	free(s);
	*sp = NULL;
}

uint8_t *
secret_data(struct secret *s)
{
	return s->page;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}

int
secret_set_len(struct secret *s, size_t len)
{
	if (len == 0 || len > s->size)
		return CS_E_TOO_LARGE;
	/* what is cut off is gone, also if len grows again */
	if (len < s->len)
		OPENSSL_cleanse(s->page + len, s->len - len);
	s->len = len;
	return 0;
}

size_t
secret_size(const struct secret *s)
{
	return s->size;
}

int
secret_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && CRYPTO_memcmp(a->page, b->page, a->len) == 0;
}

/* A YubiHSM 2 takes them for the ID of its authentication key. */
#define PIN_ID_DIGITS 4u

int
secret_random_pin(size_t n, struct secret **ret)
{
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	unsigned base;
	_cleanup_secret_ struct secret *s = NULL;
	size_t i;
	int r;

	if ((r = secret_new(n, &s)) != 0)
		return r;
	for (i = 0; i < n; i++) {
		base = i < PIN_ID_DIGITS ? 16 : sizeof(alphabet) - 1;
		/* bytes past the last whole multiple would favour a few */
		do {
			if (RAND_priv_bytes(&s->page[i], 1) != 1)
				return CS_E_CRYPTO;
		} while (s->page[i] >= 256 / base * base);
		s->page[i] = (uint8_t)alphabet[s->page[i] % base];
	}
	*ret = take_ptr(s);
	return 0;
}
