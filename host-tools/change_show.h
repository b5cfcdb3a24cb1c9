/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CHANGE_SHOW_H
#define CS_CHANGE_SHOW_H

#include "host-tools/reqfile.h"
#include "lib/change.h"

/* A change in words, for people and for --json. */
#define CHANGE_WORDS_MAX 200u

/* "generate the key fw-2027 in router (...)": what to do, or what was done */
void change_words(enum request_action a, const struct change *c,
    char out[CHANGE_WORDS_MAX]);
/* All that a change says; for people */
void change_show(const struct reqfile *f);
/* The same in JSON, but for the evidence and who signed */
int change_json(const struct reqfile *f, json_t *root) CS_WUR;

/*
 * The policy that came with a policy update, which its signatures are not
 * looked at for, but which is the one that the change names.
 */
int change_new_policy(const struct reqfile *f, struct policy **ret,
    struct diag *d) CS_WUR;
/* What it changes, one sentence a line */
int change_show_diff(const struct policy *old, const struct policy *new,
    struct diag *d) CS_WUR;
/* NULL if there is no memory */
json_t *change_diff_json(const struct policy *old, const struct policy *new);

#endif
