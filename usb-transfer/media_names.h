/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MEDIA_NAMES_H
#define CS_MEDIA_NAMES_H

#include "usb-transfer/bundle.h"

/* Which bundle has which name on a medium (PROTOCOL.media, section 1). */

/* "COLDSEAL.REQ" */
const char *media_name(enum bundle_type t);
/* CS_E_USAGE if no bundle has that name */
int media_name_type(const char *name, enum bundle_type *ret) CS_WUR;
/* whether the appliance takes it in; else it is one that it writes */
bool media_name_in(enum bundle_type t);

/* Finds a file; remembers it in arg.  CS_E_MEDIA_NO_FILE if it is not there */
typedef int media_find_fn(void *arg, const char *name, struct diag *d);

/*
 * The one bundle that is there for the appliance to take in: nobody guesses
 * which.  It was the last that find was asked for.  CS_E_MEDIA_NO_FILE,
 * CS_E_MEDIA_TWO_FILES
 */
int media_find_in(media_find_fn *find, void *arg, enum bundle_type *ret,
    struct diag *d) CS_WUR;

#endif
