/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_BIG_POLICY_H
#define CS_TEST_BIG_POLICY_H

#include "tests/lib/documents.h"

/*
 * A policy of any size.  Half of the principals are systems that request, the
 * others are people in teams of 25 who approve; every key serves one product,
 * and the rules are spread over the products.  The system "ci" (DK_CI) may
 * request "product-0" with "key-0"; alice and bob administer.
 */
struct big_policy {
	size_t principals, keys, rules;
};
/* the payload of the policy statement; free() it */
char *big_policy_payload(const struct big_policy *b, size_t *ret_len);
/* its envelope, signed by alice and bob; free() it */
char *big_policy_envelope(const struct big_policy *b, size_t *ret_len);

#endif
