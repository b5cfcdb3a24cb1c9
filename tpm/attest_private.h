/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_ATTEST_PRIVATE_H
#define CS_ATTEST_PRIVATE_H

#include "tpm/attest.h"
#include "tpm/attest_verify_private.h"
#include "tpm/tpm_private.h"

/* Freed with Esys_Free(): for locals that ESAPI fills */
static inline void
attest_esys_freep(void *p)
{
	void **pp = p;

	Esys_Free(*pp);
	*pp = NULL;
}
#define _cleanup_attest_esys_ _cleanup_(attest_esys_freep)

/* The AK or an EK, loaded; *ret_pub (may be NULL) by Esys_Free() */
int attest_load_ak(struct tpm *t, struct tpm_handle *ret,
    TPM2B_PUBLIC **ret_pub, struct diag *d) CS_WUR;
int attest_load_ek(struct tpm *t, enum attest_ek_kind kind,
    struct tpm_handle *ret, TPM2B_PUBLIC **ret_pub, struct diag *d) CS_WUR;
/* Which EK, and its certificate (reset first, may stay empty) */
int attest_ek_choose(struct tpm *t, enum attest_ek_kind *ret,
    struct buf *ret_cert, struct diag *d) CS_WUR;

/* An NV index that is known to ESAPI; none: *ret_there is false */
struct attest_nv {
	struct tpm *t;
	ESYS_TR h;
	TPM2B_NV_PUBLIC *pub;
};
#define ATTEST_NV_INIT(t) { (t), ESYS_TR_NONE, NULL }
void attest_nv_done(struct attest_nv *nv);
#define _cleanup_attest_nv_ _cleanup_(attest_nv_done)
int attest_nv_open(struct tpm *t, uint32_t index, struct attest_nv *ret,
    bool *ret_there, struct diag *d) CS_WUR;

#endif
