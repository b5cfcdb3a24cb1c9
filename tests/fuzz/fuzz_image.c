/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tpm/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted says the same again, and its PCRs may be sealed to. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_tpm_image_ struct tpm_image *img = NULL, *again = NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (tpm_image_parse(data, size, &img, NULL) != 0)
		return 0;
	if (!tpm_mask_ok(img->pcrs.mask) ||
	    tpm_image_format(img->version, &img->pcrs, img->key, img->sig,
		img->sig_len, &text, &len) != 0 ||
	    tpm_image_parse(text, len, &again, NULL) != 0 ||
	    again->version != img->version ||
	    memcmp(again->approved, img->approved, sizeof(img->approved)) != 0)
		abort();
	return 0;
}
