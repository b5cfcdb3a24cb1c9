/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_MEDIAPORT_H
#define CS_MEDIAPORT_H

#include <sys/types.h>

#include "appliance/site.h"
#include "lib/buf.h"
#include "lib/proto_console.h"

/*
 * The media that intake and export get: an image file, a block device, or
 * what coldseal-usb finds in a USB port.
 */
#define MEDIAPORT_ARG_LEN 32u	/* "usb=0,81,02" */

struct mediaport {
	const struct site *site;
	const char *in, *out;	/* a path, "usb:1-1,2-1", or NULL */
	int usb;		/* socket of coldseal-usb, or -1 */
	pid_t broker;		/* its process, or 0 */
	pid_t user;		/* the process that has the stick, or 0 */
};

/* in, out: of the command line, or NULL: as in the site file. */
void mediaport_init(struct mediaport *m, const struct site *site,
    const char *in, const char *out);
/* Starts coldseal-usb if a USB port is named; every port is off then. */
int mediaport_start(struct mediaport *m, struct diag *d) CS_WUR;
/* Everything is off again */
void mediaport_done(struct mediaport *m);

/*
 * The body of SUP_MEDIUM: what the medium of SUP_INTAKE or SUP_EXPORT is, and
 * whether it may be used.  Nothing of it is read yet.
 */
int mediaport_look(struct mediaport *m, uint16_t which, struct buf *ret,
    struct diag *d) CS_WUR;
/* arg: what the program must be told, or "" */
int mediaport_open(struct mediaport *m, uint16_t which, int *ret_fd,
    char ret_arg[MEDIAPORT_ARG_LEN], struct diag *d) CS_WUR;
/* The process that got it, and the end of any process */
void mediaport_used_by(struct mediaport *m, pid_t pid);
void mediaport_ended(struct mediaport *m, pid_t pid);

/* Readers and tokens that the site file names are on, if they are there. */
int mediaport_readers(struct mediaport *m, struct diag *d) CS_WUR;

#endif
