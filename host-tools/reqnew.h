/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_REQNEW_H
#define CS_REQNEW_H

#include "host-tools/cli.h"
#include "host-tools/package.h"

/* What a new request and a new change have in common. */
#define REQNEW_ID_LEN	33u	/* 32 hex digits and the terminator */
#define REQNEW_HOST_MAX	256u

/* random */
int reqnew_id(char ret[REQNEW_ID_LEN], struct diag *d) CS_WUR;
/* --user, or who runs this */
const char *reqnew_user(const struct cli *c, size_t opt);
/* --system, or this machine's name, for which there is host */
const char *reqnew_system(const struct cli *c, size_t opt,
    char host[REQNEW_HOST_MAX]);
/* the member request.dsse; borrows text */
int reqnew_envelope(const char *text, size_t len, struct package_item *ret,
    struct diag *d) CS_WUR;
/* "folder/<sha256>", a file's content that is known */
void reqnew_name(const char *folder, const uint8_t sha[32], uint64_t size,
    struct package_item *ret);

#endif
