/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SECRET_H
#define CS_SECRET_H

#include "lib/err.h"

/*
 * The one type that holds a secret (PIN, sealed blob in clear).  Its memory
 * is locked, left out of core files, gone in a forked child, and wiped when
 * freed.  Never copy what secret_data() shows into anything else.
 */
struct secret;

int secret_new(size_t size, struct secret **ret) CS_WUR;  /* zeroed */
void secret_free(struct secret **s);
uint8_t *secret_data(struct secret *s);
size_t secret_len(const struct secret *s);
/* 0 < len <= size given at secret_new() */
int secret_set_len(struct secret *s, size_t len) CS_WUR;
size_t secret_size(const struct secret *s);
/* constant time; 1 if equal */
int secret_equal(const struct secret *a, const struct secret *b);
/*
 * n random decimal digits or lower-case letters, for PINs (RAND_priv_bytes);
 * the first four are hexadecimal digits
 */
int secret_random_pin(size_t n, struct secret **ret) CS_WUR;

static inline void
secret_freep(struct secret **s)
{
	secret_free(s);
}

#define _cleanup_secret_ _cleanup_(secret_freep)
#endif
