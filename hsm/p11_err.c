/* SPDX-License-Identifier: Apache-2.0 */
#include <p11-kit/p11-kit.h>

#include "hsm/p11_private.h"

static const struct {
	CK_RV rv;
	int code;
} table[] = {
	{ CKR_HOST_MEMORY, CS_E_NOMEM },
	{ CKR_PIN_INCORRECT, CS_E_HSM_PIN },
	{ CKR_PIN_INVALID, CS_E_HSM_PIN },
	{ CKR_PIN_LEN_RANGE, CS_E_HSM_PIN },
	{ CKR_PIN_LOCKED, CS_E_HSM_PIN_LOCKED },
	{ CKR_PIN_EXPIRED, CS_E_HSM_PIN_UNSET },
	{ CKR_USER_PIN_NOT_INITIALIZED, CS_E_HSM_PIN_UNSET },
	{ CKR_USER_ALREADY_LOGGED_IN, CS_E_HSM_PIN_TWICE },
	{ CKR_DEVICE_REMOVED, CS_E_HSM_REMOVED },
	{ CKR_TOKEN_NOT_PRESENT, CS_E_HSM_TOKEN_ABSENT },
	{ CKR_TOKEN_NOT_RECOGNIZED, CS_E_HSM_TOKEN_ABSENT },
	{ CKR_SLOT_ID_INVALID, CS_E_HSM_TOKEN_ABSENT },
	{ CKR_SESSION_HANDLE_INVALID, CS_E_HSM_REMOVED },
	{ CKR_SESSION_CLOSED, CS_E_HSM_REMOVED },
	{ CKR_KEY_HANDLE_INVALID, CS_E_HSM_REMOVED },
	{ CKR_OBJECT_HANDLE_INVALID, CS_E_HSM_REMOVED },
	{ CKR_MECHANISM_INVALID, CS_E_HSM_MECH },
	{ CKR_MECHANISM_PARAM_INVALID, CS_E_HSM_MECH },
	{ CKR_KEY_FUNCTION_NOT_PERMITTED, CS_E_HSM_MECH },
	{ CKR_KEY_TYPE_INCONSISTENT, CS_E_HSM_MECH },
};

int
p11_fail(CK_RV rv, const char *function, struct diag *d)
{
	int code = CS_E_HSM;
	size_t i;

	for (i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].rv == rv)
			code = table[i].code;
	return diag_fail(d, code, NULL, "%s: 0x%lx: %s", function, rv,
	    p11_kit_strerror(rv));
}
