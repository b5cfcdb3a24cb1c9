/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SITE_H
#define CS_SITE_H

#include "lib/json.h"

/*
 * The site file: facts of one place (module path, TPM, reader ports) that
 * may change without review; nothing in it decides what may be signed.
 */
#define SITE_MAX_PORTS	16u
#define SITE_LINK_WAIT	600u	/* if it is not said */
#define SITE_LINK_WAIT_MAX 86400u

struct site_port {
	const char *port;	/* [a-z0-9-]{1,32} */
	const char *module;	/* PKCS#11 module of the approver's token */
	const char *conf;	/* SOFTHSM2_CONF in a rehearsal, or "" */
};

/*
 * An HSM that keeps a log of itself, which is drained into ours: the vendor's
 * library that reads it (a YubiHSM 2's), and where the device is.
 */
#define SITE_MAX_LOGS	4u
struct site_log {
	const char *domain;	/* the key domain that it holds */
	const char *library;
	const char *connector;
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
	const char *link;	/* address (appliance/linkport.h), or NULL */
	uint64_t link_wait;	/* seconds for a host's next byte */
	struct site_port ports[SITE_MAX_PORTS];
	size_t nports;
	struct site_log logs[SITE_MAX_LOGS];
	size_t nlogs;
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
/* the signer's words for them; how many */
size_t site_log_args(const struct site *s, const char **args);
const struct site_port *site_port(const struct site *s, const char *port);

#endif
