/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TEST_TPM_RIG_H
#define CS_TEST_TPM_RIG_H

#include "tests/lib/rig.h"
#include "tests/lib/swtpm.h"
#include "tpm/tpm.h"

/*
 * A real swtpm that is set up as an appliance's, an image release key, and
 * people who vote.  Ends the process if the rig itself fails.
 */
#define TPM_RIG_PEOPLE 12u

struct tpm_rig {
	struct swtpm sw;
	struct tpm *t;
	struct rig_person release;	/* the image release key */
	struct tpm_image *img;		/* for the PCRs at the start */
	struct rig_person people[TPM_RIG_PEOPLE];
	char names[TPM_RIG_PEOPLE][32];
	size_t npeople;
};

/* mask: PCRs of the image policy; setup: storage key and indices too */
void tpm_rig_init(struct tpm_rig *r, uint32_t mask, bool setup);
void tpm_rig_done(struct tpm_rig *r);
/* An image policy for the PCRs as they are now */
struct tpm_image *tpm_rig_image(struct tpm_rig *r, struct rig_person *release,
    uint32_t mask, uint64_t version);
/* people of these key types, one each */
void tpm_rig_people(struct tpm_rig *r, const char *const *types, size_t n);
/* the first n of them, any m */
void tpm_rig_quorum(struct tpm_rig *r, size_t n, uint32_t m,
    struct quorum *ret);
/* DER or PKCS#1; free() */
uint8_t *tpm_rig_vote(struct rig_person *p, const uint8_t nonce[32],
    const char *domain, size_t *ret_len);
/* signs any bytes as documents are signed */
uint8_t *tpm_rig_sign(struct rig_person *p, const void *msg, size_t len,
    size_t *ret_len);

#endif
