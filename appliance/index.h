/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_INDEX_H
#define CS_INDEX_H

#include <sqlite3.h>

#include "appliance/ledger.h"

/*
 * The SQLite index of the ledger.  index_apply() is the only writer of rows
 * and knows nothing but the leaf it is given.
 */
struct index;

/* Opens or creates index.db in the current folder. */
int index_open(struct index **ret, struct diag *d) CS_WUR;
void index_close(struct index **ix);
static inline void
index_closep(struct index **ix)
{
	index_close(ix);
}

int index_begin(struct index *ix, struct diag *d) CS_WUR;
int index_commit(struct index *ix, struct diag *d) CS_WUR;
void index_rollback(struct index *ix);
/* leaf: the bytes of leaf number i, which must be the next one */
int index_apply(struct index *ix, uint64_t i, const char *leaf, size_t len,
    struct diag *d) CS_WUR;

struct index_head {
	uint64_t size;		/* leaves applied */
	uint64_t boot;		/* number of the last boot */
	int64_t floor;		/* largest claimed time since the clock was set */
	char policy[65];	/* digest that the log pins, or "" */
	char envelope[65];	/* blob of it */
	uint64_t policy_leaf;	/* that pins it */
	int64_t clock;		/* seconds to add to the machine's clock */
};
int index_head(struct index *ix, struct index_head *ret, struct diag *d)
    CS_WUR;

/* The newest leaf of an event about a request: 0 found, 1 none */
int index_last_leaf(struct index *ix, const char *event, const char *request,
    uint64_t *ret, struct diag *d) CS_WUR;
int index_request(struct index *ix, uint64_t n, const char *id,
    struct ledger_request *ret, struct diag *d) CS_WUR;
int index_requests(struct index *ix,
    int (*cb)(void *arg, const struct ledger_request *r), void *arg,
    struct diag *d) CS_WUR;
int index_signatures(struct index *ix, const char *rule, const char *key,
    int64_t from, int64_t until, uint64_t *ret, struct diag *d) CS_WUR;
int index_signed_before(struct index *ix, const char *artifact,
    const char *key, bool *ret, struct diag *d) CS_WUR;
int index_approvals(struct index *ix, uint64_t n, struct ledger_approval **ret,
    size_t *ret_n, struct diag *d) CS_WUR;

#endif
