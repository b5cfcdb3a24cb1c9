/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A fake PKCS#11 module for states that SoftHSM cannot be brought into: the
 * real SoftHSM (CS_FAKE_REAL) behind a token that tells other things of
 * itself.  What it tells is in the environment, read at each call:
 *	CS_FAKE_SET, CS_FAKE_CLEAR	bits of CK_TOKEN_INFO.flags, in hex
 *	CS_FAKE_LOG		a byte is appended for each C_Login
 *	CS_FAKE_EXTRACTABLE	CKA_EXTRACTABLE reads as true
 *	CS_FAKE_ALWAYS_AUTH	CKA_ALWAYS_AUTHENTICATE reads as true
 *	CS_FAKE_OLD		CKA_ALLOWED_MECHANISMS is not known
 *	CS_FAKE_SHORT		C_Sign gives one byte less
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include <stdlib.h>
#include <unistd.h>

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST fake;

static unsigned long
bits(const char *name)
{
	const char *s = getenv(name);

	return s == NULL ? 0 : strtoul(s, NULL, 16);
}

static CK_RV
token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	CK_RV rv = real->C_GetTokenInfo(slot, info);

	if (rv == CKR_OK)
		info->flags = (info->flags | bits("CS_FAKE_SET")) &
		    ~bits("CS_FAKE_CLEAR");
	return rv;
}

static CK_RV
login(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG len)
{
	const char *path = getenv("CS_FAKE_LOG");
	int fd;

	if (path != NULL) {
		fd =
		    open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, "L", 1) != 1)
			abort();
		(void)close(fd);
	}
	return real->C_Login(s, user, pin, len);
}

static CK_RV
attribute(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *t, CK_ULONG n)
{
	CK_RV rv = real->C_GetAttributeValue(s, o, t, n);
	CK_ULONG i;

	for (i = 0; i < n; i++) {
		if (t[i].pValue == NULL)
			continue;
		if ((t[i].type == CKA_EXTRACTABLE &&
			getenv("CS_FAKE_EXTRACTABLE") != NULL) ||
		    (t[i].type == CKA_ALWAYS_AUTHENTICATE &&
			getenv("CS_FAKE_ALWAYS_AUTH") != NULL)) {
			*(CK_BBOOL *)t[i].pValue = CK_TRUE;
			t[i].ulValueLen = sizeof(CK_BBOOL);
			rv = CKR_OK;
		}
	}
	return rv;
}

static CK_RV
generate(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ATTRIBUTE *pub, CK_ULONG npub,
    CK_ATTRIBUTE *priv, CK_ULONG npriv, CK_OBJECT_HANDLE *hpub,
    CK_OBJECT_HANDLE *hpriv)
{
	CK_ULONG i;

	for (i = 0; i < npriv; i++)
		if (priv[i].type == CKA_ALLOWED_MECHANISMS &&
		    getenv("CS_FAKE_OLD") != NULL)
			return CKR_ATTRIBUTE_TYPE_INVALID;
	return real->C_GenerateKeyPair(s, m, pub, npub, priv, npriv, hpub,
	    hpriv);
}

static CK_RV
sign(CK_SESSION_HANDLE s, CK_BYTE *in, CK_ULONG len, CK_BYTE *out,
    CK_ULONG *out_len)
{
	CK_RV rv = real->C_Sign(s, in, len, out, out_len);

	if (rv == CKR_OK && out != NULL && getenv("CS_FAKE_SHORT") != NULL)
		(*out_len)--;
	return rv;
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	const char *path = getenv("CS_FAKE_REAL");
	CK_C_GetFunctionList get;
	void *dl;
	CK_RV rv;

	if (path == NULL || (dl = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return CKR_GENERAL_ERROR;
	get = (CK_C_GetFunctionList)dlsym(dl, "C_GetFunctionList");
	if (get == NULL)
		return CKR_GENERAL_ERROR;
	rv = get(&real);
	if (rv != CKR_OK)
		return rv;
	fake = *real;
	fake.C_GetFunctionList = C_GetFunctionList;
	fake.C_GetTokenInfo = token_info;
	fake.C_Login = login;
	fake.C_GetAttributeValue = attribute;
	fake.C_GenerateKeyPair = generate;
	fake.C_Sign = sign;
	*ret = &fake;
	return CKR_OK;
}
