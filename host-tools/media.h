/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MEDIA_H
#define CS_MEDIA_H

#include "host-tools/progress.h"

/* A media_progress function whose argument is a struct progress. */
int media_show_progress(void *arg, uint64_t done, uint64_t total);
/* Plain words for block devices, before anything else looks at it. */
struct diag;
int media_refuse_device(const char *path, struct diag *d) CS_WUR;

#endif
