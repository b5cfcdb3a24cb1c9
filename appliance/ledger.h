/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_LEDGER_H
#define CS_LEDGER_H

#include "lib/note.h"
#include "lib/request.h"

/*
 * The ledger: the log's tiles (the truth), the documents they name (blobs),
 * and a SQLite index of both.  Everything the core knows about a request it
 * reads back from the index, and everything in the index comes from leaves
 * through one function, so that deleting the database and rebuilding it from
 * the tiles gives the same state.
 *
 *	append: tiles durable -> index rows, one transaction
 *	checkpoint: signed -> checkpoints/<size> -> checkpoint
 *
 * A crash between the two leaves tiles ahead of the index or of the
 * checkpoint; ledger_open() applies what is missing and says that a
 * checkpoint is due.
 */
struct ledger;

struct ledger_clock {		/* from the TPM, for each leaf */
	uint64_t clock;
	uint32_t reset, restart;
	bool safe;
};

struct event {
	const char *type;	/* of lib/PROTOCOL.events */
	json_t *data;		/* stolen by ledger_append() */
	char *leaf;		/* made by ledger_render(), or NULL */
	size_t leaf_len;
};

enum request_state {
	REQ_PENDING,		/* accepted, collecting approvals */
	REQ_REFUSED,		/* a signed refusal may be exported */
	REQ_REJECTED,		/* an approver said no */
	REQ_SIGNING,		/* intent logged, no outcome yet */
	REQ_SIGNED,		/* a response may be exported, for ever */
	REQ_LAPSED,		/* the policy changed; may be taken in again */
};

struct ledger_request {
	uint64_t n;		/* the number people use */
	char id[33];
	char digest[65];	/* of the payload */
	char envelope[65];	/* blob */
	enum request_state state;
	char requester[48];
	char rule[48];
	char nonce[65];		/* of its TPM session, "" if there is none */
	char context[65];	/* blob: the saved sessions, lib/sessions.h */
	struct ledger_clock started;
	uint64_t seconds;	/* that approvals hold from then */
	int64_t begun;		/* by the claimed time, for people */
	uint64_t time;
	char response[65];	/* blob of the record or refusal, or "" */
	uint64_t first_leaf, nleaves;	/* of its signatures */
	uint64_t outcome_leaf;
};

struct ledger_approval {
	char approver[48];
	bool approve;
	char envelope[65];	/* blob */
	char digest[65];	/* of the payload */
	char *vote;		/* lib/sessions.h; "" if it was made ahead */
	uint64_t time;
};

const char *request_state_name(enum request_state s);

/* state_fd is not taken.  The process must be in the state folder. */
int ledger_open(int state_fd, const char *origin, struct ledger **ret,
    struct diag *d) CS_WUR;
void ledger_close(struct ledger **l);
/* Removes the index and builds it again from the tiles. */
int ledger_rebuild(int state_fd, const char *origin, struct diag *d) CS_WUR;

/*
 * Takes the data of every event, also on error.  In two steps where something
 * else can be done between them: ledger_store() makes the leaves durable,
 * ledger_index() brings the index up to them.
 */
int ledger_store(struct ledger *l, struct event *ev, size_t n,
    const struct ledger_clock *clock, int64_t now, struct diag *d) CS_WUR;
int ledger_index(struct ledger *l, struct diag *d) CS_WUR;
/* The text of an event's leaf, ahead of time; the same clock and time then */
int ledger_render(const struct ledger *l, struct event *ev,
    const struct ledger_clock *clock, int64_t now, struct diag *d) CS_WUR;
void event_done(struct event *ev);
int ledger_append(struct ledger *l, struct event *ev, size_t n,
    const struct ledger_clock *clock, int64_t now, struct diag *d) CS_WUR;

uint64_t ledger_size(const struct ledger *l);
uint64_t ledger_boot(const struct ledger *l);
void ledger_next_boot(struct ledger *l);
int64_t ledger_floor(const struct ledger *l);	/* last logged time */
int ledger_root(struct ledger *l, uint8_t ret[32]) CS_WUR;
/* of its first size leaves */
int ledger_root_at(struct ledger *l, uint64_t size, uint8_t ret[32],
    struct diag *d) CS_WUR;
/* 1 if the last checkpoint covers every leaf */
int ledger_checkpointed(const struct ledger *l);
/* the text to sign for the current size; free(*ret) */
int ledger_checkpoint_text(struct ledger *l, char **ret, struct diag *d) CS_WUR;
/*
 * Stores the note with the log key's line and, if ecdsa_len is not 0, the TPM
 * key's (ASN.1 DER).  Every key in enrol/log.vkey must have signed: with one
 * key there is no second line, with two keys both must be there.
 */
int ledger_checkpoint_store(struct ledger *l, const char *text,
    const uint8_t sig[64], const uint8_t *ecdsa, size_t ecdsa_len,
    struct diag *d) CS_WUR;
/*
 * What the TPM's anchor must be: SHA-256(anchor || SHA-256(checkpoint)) over
 * all stored checkpoints in order, from 32 zero bytes; before is without the
 * last one.  *ret_n is their number.
 */
int ledger_anchor(struct ledger *l, uint8_t before[32], uint8_t after[32],
    uint64_t *ret_n, struct diag *d) CS_WUR;
/* one step of it */
int ledger_anchor_next(uint8_t anchor[32], const void *note, size_t len) CS_WUR;
/* the smallest stored checkpoint of at least min leaves; free(*ret) */
int ledger_checkpoint_at(struct ledger *l, uint64_t min, char **ret,
    size_t *ret_len, uint64_t *ret_size, struct diag *d) CS_WUR;

/* the last one; free(*ret) */
int ledger_checkpoint_last(struct ledger *l, char **ret, size_t *ret_len,
    uint64_t *ret_size, struct diag *d) CS_WUR;

int ledger_blob_put(struct ledger *l, const void *data, size_t len,
    char ret_hex[65], struct diag *d) CS_WUR;
int ledger_blob_get(struct ledger *l, const char *hex, size_t max,
    uint8_t **ret, size_t *ret_len, struct diag *d) CS_WUR;

/* 0 found, 1 none, negative error */
int ledger_request_by_n(struct ledger *l, uint64_t n,
    struct ledger_request *ret, struct diag *d) CS_WUR;
int ledger_request_by_id(struct ledger *l, const char *id,
    struct ledger_request *ret, struct diag *d) CS_WUR;
/* oldest first; cb returns non-zero to stop with that value */
int ledger_requests(struct ledger *l,
    int (*cb)(void *arg, const struct ledger_request *r), void *arg,
    struct diag *d) CS_WUR;
/*
 * Signatures of requests whose outcome was logged from..until, made by a rule
 * (NULL: any) with a key (NULL: any).
 */
int ledger_signatures(struct ledger *l, const char *rule, const char *key,
    int64_t from, int64_t until, uint64_t *ret, struct diag *d) CS_WUR;
/* whether the key signed the artifact (hex SHA-256) in another request */
int ledger_signed_before(struct ledger *l, const char *artifact,
    const char *key, bool *ret, struct diag *d) CS_WUR;
/* ledger_approvals_free() */
int ledger_approvals(struct ledger *l, uint64_t n,
    struct ledger_approval **ret, size_t *ret_n, struct diag *d) CS_WUR;
void ledger_approvals_free(struct ledger_approval **v, size_t n);
/* malloc'ed copy, free(*ret) */
int ledger_leaf(struct ledger *l, uint64_t index, char **ret, size_t *ret_len,
    struct diag *d) CS_WUR;
/* hash-path of a leaf in the tree of a size; ret holds 64 hashes */
int ledger_inclusion(struct ledger *l, uint64_t index, uint64_t size,
    uint8_t (*ret)[32], size_t *ret_n, struct diag *d) CS_WUR;
/* the same of a tree in a larger one */
int ledger_consistency(struct ledger *l, uint64_t old_size, uint64_t new_size,
    uint8_t (*ret)[32], size_t *ret_n, struct diag *d) CS_WUR;
/* the policy that the first leaf pins, or a later one */
const char *ledger_policy(const struct ledger *l);	/* digest, "" if none */
const char *ledger_policy_envelope(const struct ledger *l);	/* its blob */
uint64_t ledger_policy_leaf(const struct ledger *l);
/* seconds that ceremonies have added to the machine's clock */
int64_t ledger_clock_offset(const struct ledger *l);
/* the newest leaf of an event about a request: 0 found, 1 none */
int ledger_last_leaf(struct ledger *l, const char *event, const char *request,
    uint64_t *ret, struct diag *d) CS_WUR;
/* that sign every checkpoint; the first is Ed25519 */
const struct note_vkeys *ledger_log_keys(const struct ledger *l);
int ledger_log_fd(const struct ledger *l);
int ledger_blobs_fd(const struct ledger *l);
int ledger_checkpoints_fd(const struct ledger *l);

#endif
