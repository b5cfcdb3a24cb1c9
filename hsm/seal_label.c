/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/seal_label.h"

#include <stdio.h>

#include "lib/hex.h"

void
seal_label_domain(const char *domain, const uint8_t policy[32],
    char out[TPM_LABEL_MAX + 1])
{
	char hex[65];

	hex_encode(policy, 32, hex);
	(void)snprintf(out, TPM_LABEL_MAX + 1, "domain %.40s policy %s", domain,
	    hex);
}

void
seal_label_audit(const char *origin, char out[TPM_LABEL_MAX + 1])
{
	(void)snprintf(out, TPM_LABEL_MAX + 1, "audit %.180s", origin);
}
