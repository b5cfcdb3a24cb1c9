/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_BUNDLE_PRIVATE_H
#define CS_BUNDLE_PRIVATE_H

#include "usb-transfer/bundle.h"

#define TAR_BLOCK	512u

struct bundle_entry {
	char *name;
	uint8_t sha256[32];
};

/*
 * Names of all members after the manifest, in order, against the table of
 * the type; hashes for names that carry one.  Used by reader and writer.
 */
int bundle_check_order(enum bundle_type t, const struct bundle_entry *e,
    size_t n, struct diag *d) CS_WUR;
/* the largest size a member of this name may have */
uint64_t bundle_limit(const char *name);

#endif
