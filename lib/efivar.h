/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_EFIVAR_H
#define CS_EFIVAR_H

#include "lib/buf.h"
#include "lib/json.h"

/*
 * Authenticated variables of UEFI Secure Boot (UEFI 2.10, 8.2.2 and 32.4.1)
 * from a wish: a canonical JSON text that names the variable, the time, and
 * the signature lists that it is to hold.  lib/PROTOCOL.formats, "efivar".
 */
#define EFIVAR_TIME_LEN	16u	/* EFI_TIME */
#define EFIVAR_GUID_LEN	16u

struct efivar_wish {
	const char *variable;	/* "PK", "KEK", "db", "dbx" */
	bool append;		/* what is there stays */
	int64_t time;		/* later than that of the one before */
	uint8_t *list;		/* EFI_SIGNATURE_LISTs, well-formed */
	size_t list_len;
};
void efivar_wish_done(struct efivar_wish *w);

/* One signature of the lists */
struct efivar_entry {
	const char *type;	/* "x509", "sha256" */
	uint8_t owner[EFIVAR_GUID_LEN];
	const uint8_t *data;	/* a DER certificate, or the digest */
	size_t len;
};
typedef int efivar_each(void *arg, const struct efivar_entry *e);

/* CS_E_EFIVAR */
int efivar_wish_read(const void *text, size_t len, struct efivar_wish *ret,
    struct diag *d) CS_WUR;
int efivar_wish_format(const struct efivar_wish *w, char **ret,
    size_t *ret_len) CS_WUR;
/* "PK" and so on; NULL after the last */
const char *efivar_variable_at(size_t i);
/* Checks the whole of the lists, calls each (NULL: none).  CS_E_EFIVAR */
int efivar_list_read(const uint8_t *list, size_t len, efivar_each *each,
    void *arg, struct diag *d) CS_WUR;

/* The bytes that are signed: name, vendor GUID, attributes, time, lists */
int efivar_tbs(const struct efivar_wish *w, struct buf *out) CS_WUR;
/* EFI_VARIABLE_AUTHENTICATION_2 with the SignedData, and the lists */
int efivar_auth(const struct efivar_wish *w, const uint8_t *signed_data,
    size_t len, struct buf *out) CS_WUR;
/*
 * The parts of such a file; *ret_list and *ret_signed point into it.
 * CS_E_FORMAT
 */
int efivar_auth_read(const uint8_t *p, size_t len, int64_t *ret_time,
    const uint8_t **ret_signed, size_t *ret_signed_len,
    const uint8_t **ret_list, size_t *ret_list_len) CS_WUR;
/* "8be4df61-93ca-11d2-aa0d-00e098032b8c" */
void efivar_guid(const uint8_t g[EFIVAR_GUID_LEN], char out[37]);

#endif
