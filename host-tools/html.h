/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HTML_H
#define CS_HTML_H

#include <stdio.h>

#include "lib/err.h"

/*
 * HTML written as it goes, in UTF-8.  Markup comes from this program only;
 * every text from outside passes html_text().  The first error stays and
 * makes the rest do nothing: html_end() tells it.
 */
struct html {
	FILE *f;
	int err;		/* errno of the first error */
};

/* markup; numbers and our own words only */
void html_raw(struct html *h, const char *markup);
void html_rawf(struct html *h, const char *fmt, ...) CS_PRINTF(2, 3);
/*
 * Text from outside, for an element's content or a quoted attribute.  What
 * would be markup is escaped; what nobody sees or what turns the direction
 * of others (controls, bidi, zero width, tags) is named as U+202E, bytes that
 * are no UTF-8 as \xNN.
 */
void html_text(struct html *h, const char *text);
void html_textn(struct html *h, const char *text, size_t len);
/* <tag class="class">text</tag>, its direction kept apart from its neighbours;
 * class may be NULL */
void html_el(struct html *h, const char *tag, const char *class,
    const char *text);
/* "2026-11-25 02:00:00", UTC, in <time>; seconds since 1970 */
void html_time(struct html *h, uint64_t t);
/* CS_E_IO */
int html_end(struct html *h, struct diag *d) CS_WUR;

#endif
