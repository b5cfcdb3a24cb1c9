/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>

#include "host-tools/install_impl.h"
#include "lib/file.h"

/*
 * The certificate table behind a PE image, its entry in the directory, and
 * the checksum ("PE Format": Attribute Certificate Table, CheckSum).  The
 * image is one that lib/filehash_pe.c took: its headers are as that says.
 */
#define CHUNK	     (64u << 10) /* whole words */
#define HEADER_LEN   8u
#define REVISION     0x0200u /* WIN_CERT_REVISION_2_0 */
#define PKCS_SIGNED  0x0002u /* WIN_CERT_TYPE_PKCS_SIGNED_DATA */
#define LFANEW	     60u
#define OPT	     24u /* the optional header, behind "PE\0\0" */
#define OPT_CHECKSUM 64u
#define DIR_CERT     4u

static void
put_le32(uint8_t *p, uint32_t v)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static int
get(int fd, off_t at, uint8_t *p, size_t len, struct diag *d)
{
	return fd_pread_all(fd, p, len, at) == 0 ?
	    0 :
	    diag_errno(d, CS_E_IO, "the new file");
}

static int
put(int fd, off_t at, const uint8_t *p, size_t len, struct diag *d)
{
	return fd_pwrite_all(fd, p, len, at) == 0 ?
	    0 :
	    diag_errno(d, CS_E_IO, "the new file");
}

/* One certificate, filled up to whole 8 bytes */
static int
put_table(const struct install *x, size_t len, struct diag *d)
{
	uint8_t head[HEADER_LEN], end[8] = { 0 };
	off_t at = (off_t)x->size;
	int r;

	put_le32(head, (uint32_t)len);
	put_le32(head + 4, REVISION | PKCS_SIGNED << 16);
	r = put(x->out, at, head, sizeof(head), d);
	at += (off_t)sizeof(head);
	if (r == 0)
		r = put(x->out, at, x->sig, x->len, d);
	at += (off_t)x->len;
	return r != 0 ? r : put(x->out, at, end, len - HEADER_LEN - x->len, d);
}

/* Sum of 16-bit words with carry, and the length; the field itself is 0 now */
static int
checksum(int fd, uint32_t *ret, struct diag *d)
{
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK);
	uint32_t sum = 0;
	struct stat st;
	off_t at;
	size_t i, n;
	int r;

	if (chunk == NULL)
		return diag_nomem(d);
	if (fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "the new file");
	for (at = 0; at < st.st_size; at += (off_t)n) {
		n = st.st_size - at < (off_t)CHUNK ? (size_t)(st.st_size - at) :
						     CHUNK;
		r = get(fd, at, chunk, n, d);
		if (r != 0)
			return r;
		for (i = 0; i + 1 < n; i += 2) {
			sum += chunk[i] | (uint32_t)chunk[i + 1] << 8;
			sum = (sum & 0xffff) + (sum >> 16);
		}
	}
	*ret = sum + (uint32_t)st.st_size;
	return 0;
}

int
install_pe(const struct install *x, struct diag *d)
{
	const size_t len = (HEADER_LEN + x->len + 7) / 8 * 8;
	uint8_t p[8];
	off_t opt, dirs;
	uint32_t sum = 0;
	int r = install_copy(x, d);

	if (r == 0)
		r = get(x->out, LFANEW, p, 4, d);
	if (r != 0)
		return r;
	opt = (off_t)p[0] + ((off_t)p[1] << 8) + ((off_t)p[2] << 16) + OPT;
	r = get(x->out, opt, p, 2, d);
	dirs = opt + (p[0] == 0x0b && p[1] == 0x01 ? 96 : 112);
	put_le32(p, (uint32_t)x->size);
	put_le32(p + 4, (uint32_t)len);
	if (r == 0)
		r = put(x->out, dirs + 8 * DIR_CERT, p, 8, d);
	put_le32(p, 0);
	if (r == 0)
		r = put(x->out, opt + OPT_CHECKSUM, p, 4, d);
	if (r == 0)
		r = put_table(x, len, d);
	if (r == 0)
		r = checksum(x->out, &sum, d);
	put_le32(p, sum);
	return r != 0 ? r : put(x->out, opt + OPT_CHECKSUM, p, 4, d);
}
