/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/reqnew.h"

#include <openssl/rand.h>
#include <pwd.h>
#include <string.h>

#include "lib/hex.h"

#define ID_BYTES 16u

int
reqnew_id(char ret[REQNEW_ID_LEN], struct diag *d)
{
	uint8_t random[ID_BYTES];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "random number");
	hex_encode(random, sizeof(random), ret);
	return 0;
}

const char *
reqnew_user(const struct cli *c, size_t opt)
{
	const char *s = getenv("USER");
	const struct passwd *p;

	if (cli_has(c, opt))
		return cli_get(c, opt);
	if (s != NULL && *s != '\0')
		return s;
	p = getpwuid(geteuid());
	return p != NULL && *p->pw_name != '\0' ? p->pw_name : "unknown";
}

const char *
reqnew_system(const struct cli *c, size_t opt, char host[REQNEW_HOST_MAX])
{
	memset(host, 0, REQNEW_HOST_MAX);
	if (gethostname(host, REQNEW_HOST_MAX - 1) != 0 || *host == '\0')
		memcpy(host, "unknown", sizeof("unknown"));
	return cli_get_or(c, opt, host);
}

int
reqnew_envelope(const char *text, size_t len, struct package_item *ret,
    struct diag *d)
{
	int r = sha256(text, len, ret->sha256);

	if (r != 0)
		return diag_fail(d, r, NULL, "hashing");
	(void)snprintf(ret->name, sizeof(ret->name), "request.dsse");
	ret->data = text;
	ret->size = len;
	return 0;
}

void
reqnew_name(const char *folder, const uint8_t sha[32], uint64_t size,
    struct package_item *ret)
{
	char hex[CS_SHA256_HEX + 1];

	hex_encode(sha, 32, hex);
	(void)snprintf(ret->name, sizeof(ret->name), "%s/%s", folder, hex);
	ret->size = size;
	memcpy(ret->sha256, sha, 32);
}
