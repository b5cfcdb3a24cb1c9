/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SHARE_RIG_H
#define CS_SHARE_RIG_H

#include "hsm/recover.h"

/* Custodians and sets of shares for unit tests; each step is asserted. */
#define assert_code(r, want) assert_string_equal(err_id(r), err_id(want))

#define DOMAIN "release"
#define ORIGIN "test.example/log"

/* P-256 but for the last two */
enum { P384 = SHARE_MAX, RSA3072, PEOPLE };

extern EVP_PKEY *shares_key[PEOPLE];
extern struct recover_cert shares_crt[PEOPLE];

/* for cmocka_run_group_tests() */
int shares_setup(void **state);
int shares_teardown(void **state);
/* self-signed; usage may be NULL; OPENSSL_free(der) */
struct recover_cert shares_cert(EVP_PKEY *key, const char *usage);

/* A set that was split, and its records as custodians see them. */
struct made {
	struct recover_shares *s;
	struct share_manifest m;
	struct secret *secret;
	struct secret *record[SHARE_MAX];
};

/* M-of-N of a random secret; then shares_done() */
void shares_make(struct made *x, size_t m, size_t n, size_t len);
void shares_done(struct made *x);
/* only recover_split(), its error returned */
int shares_split(size_t m, size_t n, struct secret *secret,
    struct recover_shares **ret, struct diag *d) CS_WUR;
/* fills x->m and x->record from x->s */
void shares_open(struct made *x, const struct recover_cert *c, EVP_PKEY **k);

struct secret *shares_secret(size_t n);		/* random */
/* n bytes, cut or filled with zeros */
struct secret *shares_copy(struct secret *from, size_t n);
size_t shares_draw(size_t below);

struct recover_set *shares_set(const struct share_manifest *m);
/* What recover_add() says of a record; refused, it must change nothing. */
int shares_add(struct recover_set *s, struct secret *record);
/* Joins the shares in mask. */
int shares_join(const struct made *x, unsigned mask, struct secret **ret,
    struct diag *d);

#endif
