/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_INSTALL_IMPL_H
#define CS_INSTALL_IMPL_H

#include "host-tools/install.h"

/* Shared by host-tools/install*.c only. */
/* All of in to out; CS_E_HOST_CHANGED if it is not what was signed. */
int install_copy(const struct install *x, struct diag *d) CS_WUR;
/* The same, with these bytes in place of the first skip ones */
int install_copy_behind(const struct install *x, const uint8_t *head,
    size_t len, size_t skip, struct diag *d) CS_WUR;
int install_rpm(const struct install *x, struct diag *d) CS_WUR;
int install_pe(const struct install *x, struct diag *d) CS_WUR;

#endif
