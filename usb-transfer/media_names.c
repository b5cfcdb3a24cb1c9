/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/media_names.h"

#include <string.h>

static const struct {
	enum bundle_type type;
	bool in;
	const char *name;
} names[] = {
	{ BUNDLE_REQUEST, true, "COLDSEAL.REQ" },
	{ BUNDLE_APPROVAL, true, "COLDSEAL.APR" },
	{ BUNDLE_RECEIPT, true, "COLDSEAL.RCP" },
	{ BUNDLE_RESPONSE, false, "COLDSEAL.RSP" },
	{ BUNDLE_AUDIT, false, "COLDSEAL.AUD" },
	{ BUNDLE_ATTEST, false, "COLDSEAL.ATT" },
};

const char *
media_name(enum bundle_type t)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(names) && names[i].type != t; i++)
		;
	return i < ARRAY_LEN(names) ? names[i].name : "?";
}

int
media_name_type(const char *name, enum bundle_type *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].name, name) == 0) {
			*ret = names[i].type;
			return 0;
		}
	return CS_E_USAGE;
}

bool
media_name_in(enum bundle_type t)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].type == t)
			return names[i].in;
	return false;
}

int
media_find_in(media_find_fn *find, void *arg, enum bundle_type *ret,
    struct diag *d)
{
	struct diag none = { 0 }, why = { 0 };
	size_t i, found = ARRAY_LEN(names);
	int r;

	for (i = 0; i < ARRAY_LEN(names) && names[i].in; i++) {
		r = find(arg, names[i].name, &why);
		if (i == 0)
			none = why;
		if (r == CS_E_MEDIA_NO_FILE)
			continue;
		if (r != 0) {
			if (d != NULL)
				*d = why;
			return r;
		}
		if (found < ARRAY_LEN(names))
			return diag_fail(d, CS_E_MEDIA_TWO_FILES, "one of them",
			    "%s and %s", names[found].name, names[i].name);
		found = i;
	}
	if (found < ARRAY_LEN(names)) {
		*ret = names[found].type;
		return find(arg, names[found].name, d);
	}
	if (d != NULL)
		*d = none;
	return CS_E_MEDIA_NO_FILE;
}
