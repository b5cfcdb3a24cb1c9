/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SHOW_H
#define CS_SHOW_H

#include <jansson.h>

#include "lib/request.h"

/* What people read on stdout.  Every text from outside is sanitised. */

/* "label: text" */
void show_text(const char *label, const char *text);
/* A SHA-256 in groups of four digits and as PGP words, indented by two. */
void show_digest(const char *label, const uint8_t digest[32]);
void show_time(const char *label, int64_t t);
/* "key ID" of an SPKI digest, without words */
void show_id(const char *label, const uint8_t id[32]);
/* One line per check: ID, passed or failed, what was found and expected. */
void show_checks(const struct checks *c);

/* For --json; NULL if there is no memory.  The caller owns the result. */
json_t *json_hex(const uint8_t *p, size_t len);
json_t *json_words(const uint8_t digest[32]);
json_t *json_checks(const struct checks *c);

#endif
