/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "appliance/core.h"

#define WHO	 "the supervisor"
#define TEXT_MAX 2000u

void
core_medium_forget(struct core *c)
{
	free(c->medium);
	c->medium = NULL;
}

/* What the stick says of itself is shown; it is printable ASCII. */
static int
take_text(struct core *c, struct rd *rd)
{
	char *text = NULL, *p;
	int r = rd_cstr(rd, TEXT_MAX, &text);

	if (r != 0)
		return r;
	for (p = text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	if (text[0] != '\0')
		c->medium = text;
	else
		free(text);
	return 0;
}

static int
read_answer(struct core *c, const struct ipc_msg *m, enum sup_child which,
    struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	struct diag why = { 0 };
	uint8_t good = 0;
	int r;

	if (m->type != SUP_MEDIUM || take_text(c, &rd) != 0 ||
	    rd_u8(&rd, &good) != 0 || good > 1 ||
	    (good == 0 && ipc_get_diag(&rd, &why) != 0) || rd_end(&rd) != 0)
		return diag_fail(d, CS_E_IPC, "what the medium is", WHO);
	r = c->medium == NULL ?
	    0 :
	    say(c, "in the %s port: %s\n  %s\n",
		which == SUP_INTAKE ? "IN" : "OUT", c->medium,
		good == 1 ? "a plain stick: it is used" : "it stays off");
	if (r == 0 && good == 0) {
		*d = why;
		r = why.code;
	}
	return r;
}

int
core_medium(struct core *c, enum sup_child which, const char *port,
    struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(16);
	int r;

	if (which != SUP_INTAKE && which != SUP_EXPORT)
		return 0;
	core_medium_forget(c);
	if (port[0] != '\0')
		return 0;
	r = buf_put_u16(&b, (uint16_t)which);
	if (r == 0)
		r = ipc_send_buf(CORE_SUP, SUP_MEDIUM, &b, -1);
	buf_done(&b);
	if (r == 0)
		r = helper_recv(CORE_SUP, SUP_FAIL, WHO, &m, d);
	return r == 0 ? read_answer(c, &m, which, d) : r;
}
