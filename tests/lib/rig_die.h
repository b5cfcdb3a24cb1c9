/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_RIG_DIE_H
#define CS_RIG_DIE_H

/* The rig itself failed: a message, exit 99. */
void rig_die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

#endif
