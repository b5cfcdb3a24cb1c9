/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_EXPECT_H
#define CS_TEST_EXPECT_H

#include "lib/request.h"

/* The failed checks are exactly these (0 ends), and each says something. */
void expect_failed(const struct checks *c, const char *what,
    const int *codes);

#endif
