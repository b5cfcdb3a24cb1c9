/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_QRTEXT_H
#define CS_QRTEXT_H

#include <stdio.h>

#include "lib/err.h"

/*
 * The text as a QR code of UTF-8 half blocks, light on a dark terminal, with
 * its quiet zone.  CS_E_TOO_LARGE
 */
int qrtext_print(const char *text, FILE *to, struct diag *d) CS_WUR;

#endif
