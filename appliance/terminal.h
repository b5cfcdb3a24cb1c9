/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TERMINAL_H
#define CS_TERMINAL_H

#include <stdbool.h>

/*
 * What a console session is held on, by the descriptor alone (no path is
 * looked up): "screen" (a virtual terminal), "serial", "terminal" (a pseudo
 * terminal, as of ssh or a test), "pipe", "file", "other".
 */
#define TERMINAL_KIND_MAX 15u
const char *terminal_kind(int fd);
/* of a character device */
const char *terminal_kind_of(unsigned device_major, unsigned device_minor);
/* One of those words? */
bool terminal_is_kind(const char *s);

#endif
