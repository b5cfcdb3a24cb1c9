/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SITE_H
#define CS_SITE_H

#include "lib/json.h"

/*
 * The site file: facts of one place (module path, TPM, reader ports) that
 * may change without review; nothing in it decides what may be signed.
 */
#define SITE_MAX_PORTS	16u

struct site_port {
	const char *port;	/* [a-z0-9-]{1,32} */
	const char *module;	/* PKCS#11 module of the approver's token */
	const char *conf;	/* SOFTHSM2_CONF in a rehearsal, or "" */
};

struct site_reader {		/* a card reader or token on USB */
	const char *port;	/* "1-3" */
	uint16_t vendor, product;
};

struct site {
	json_t *root;
	const char *origin;
	const char *module;	/* of the HSM */
	const char *hsm_conf;
	const char *tcti;
	bool rehearsal;
	struct site_port ports[SITE_MAX_PORTS];
	size_t nports;
	const char *media_in, *media_out; /* a path or "usb:1-1,2-1", or NULL */
	struct site_reader readers[SITE_MAX_PORTS];
	size_t nreaders;
};

void site_free(struct site **s);
static inline void
site_freep(struct site **s)
{
	site_free(s);
}
#define _cleanup_site_ _cleanup_(site_freep)

int site_load(int state_fd, struct site **ret, struct diag *d) CS_WUR;
const struct site_port *site_port(const struct site *s, const char *port);

#endif
