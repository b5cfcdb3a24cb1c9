/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/qrframe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in parts of this size, put together again */
static void
round_trip(const uint8_t *p, size_t len, size_t part)
{
	struct buf text = BUF_INIT(1 << 20), line = BUF_INIT(4096);
	struct buf back = BUF_INIT(1 << 17);
	unsigned i, n = 0;

	if (qrframe_count(len, part, &n, NULL) != 0)
		return;
	for (i = 1; i <= n; i++)
		if (qrframe_make(p, len, part, i, &line, NULL) != 0 ||
		    buf_putf(&text, "%s\n", (char *)line.p) != 0)
			abort();
	if (qrframe_join((char *)text.p, text.len, &back, NULL) != 0 ||
	    back.len != len || memcmp(back.p, p, len) != 0)
		abort();
	buf_done(&text);
	buf_done(&line);
	buf_done(&back);
}

/* A text of lines; or, after a byte 0 and the size of a part, a file */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(1 << 16);

	if (size > 2 && data[0] == 0 && data[1] > 0)
		round_trip(data + 2, size - 2, data[1]);
	else if (qrframe_join((const char *)data, size, &whole, NULL) == 0)
		round_trip(whole.p, whole.len, QRFRAME_V13);
	buf_done(&whole);
	return 0;
}
