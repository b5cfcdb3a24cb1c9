/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "appliance/core.h"

#define PAGE_LINES 18

static int
send_text(uint16_t type, const char *text, size_t len, int fd)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	int r;

	r = buf_put_str(&b, text, len);
	if (r == 0)
		r = ipc_send_buf(CORE_CON, type, &b, fd);
	buf_done(&b);
	return r == 0 ? 0 : CS_E_CONSOLE_GONE;
}

int
say(struct core *c, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	int n;

	(void)c;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return CS_E_INTERNAL;
	return send_text(CONSOLE_TEXT, text, strlen(text), -1);
}

int
say_qr(struct core *c, const char *text)
{
	(void)c;
	return send_text(CONSOLE_QR, text, strlen(text), -1);
}

int
say_diag(struct core *c, const struct diag *d)
{
	char text[800];

	diag_format(d, text, sizeof(text));
	return say(c, "refused: %s", text);
}

int
say_checks(struct core *c, const struct checks *ck, bool failed_only)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ck->n; i++) {
		const struct check *k = &ck->v[i];

		if (k->pass && !failed_only)
			r = say(c, "  ok      %-22s %s\n", err_id(k->code),
			    k->found);
		else if (!k->pass)
			r = say(c,
			    "  REFUSED %-22s %s\n"
			    "          found: %s\n          expected: %s\n"
			    "          what to do: %s\n",
			    err_id(k->code), err_text(k->code), k->found,
			    k->expected, err_advice(k->code));
	}
	return r;
}

/* The console's answer to a question. */
static int
answer(struct ipc_msg *m)
{
	if (ipc_recv(CORE_CON, m, IPC_NO_TIMEOUT) != 0 ||
	    m->type == CONSOLE_EOF)
		return CS_E_CONSOLE_GONE;
	return 0;
}

int
ask(struct core *c, const char *prompt, char line[401])
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	int r;

	(void)c;
	r = send_text(CONSOLE_ASK_LINE, prompt, strlen(prompt), -1);
	if (r == 0)
		r = answer(&m);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (m.type != CONSOLE_LINE || rd_cstr_into(&rd, line, 401) != 0 ||
	    rd_end(&rd) != 0)
		return CS_E_CONSOLE_GONE;
	return 0;
}

int
ask_pin(struct core *c, const char *prompt, int *fd)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	uint8_t sent = 0;
	int r;

	(void)c;
	r = send_text(CONSOLE_ASK_PIN, prompt, strlen(prompt), *fd);
	/* the helper sees the end of the PIN only when every copy is closed */
	close_fdp(fd);
	if (r == 0)
		r = answer(&m);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	if (m.type != CONSOLE_PIN || rd_u8(&rd, &sent) != 0 || rd_end(&rd) != 0)
		return CS_E_CONSOLE_GONE;
	return sent == 1 ? 0 : CS_E_CANCELLED;
}

int
show_progress(struct core *c, const char *what, uint64_t done, uint64_t total)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	int r;

	(void)c;
	r = buf_put_cstr(&b, what);
	if (r == 0)
		r = buf_put_u64(&b, done);
	if (r == 0)
		r = buf_put_u64(&b, total);
	if (r == 0)
		r = ipc_send_buf(CORE_CON, CONSOLE_PROGRESS, &b, -1);
	buf_done(&b);
	return r == 0 ? 0 : CS_E_CONSOLE_GONE;
}

/* The end of the page that starts at p. */
static const char *
page_end(const char *p, const char *end)
{
	int lines = 0;

	while (p < end && lines < PAGE_LINES)
		if (*p++ == '\n')
			lines++;
	return p;
}

int
page_wait(struct core *c, bool *ret_stop)
{
	char line[401];
	int r = ask(c, "-- Enter for more, q to stop: ", line);

	*ret_stop = r == 0 && line[0] == 'q';
	return r;
}

int
page_show(struct core *c, const struct buf *text)
{
	const char *p = (const char *)text->p, *end = p + text->len, *next;
	bool stop = false;
	int r = 0;

	while (r == 0 && p < end && !stop) {
		next = page_end(p, end);
		r = send_text(CONSOLE_TEXT, p, (size_t)(next - p), -1);
		p = next;
		if (r != 0 || p == end)
			break;
		r = page_wait(c, &stop);
	}
	return r;
}

int
helper_spawn(struct core *c, enum sup_child which, const char *port,
    int *ret_sock, int *ret_pin_fd, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	_cleanup_msg_ struct ipc_msg pin = IPC_MSG_INIT;
	struct buf b = BUF_INIT(256);
	int r;

	r = core_medium(c, which, port, d);
	if (r != 0)
		return r;
	r = buf_put_u16(&b, (uint16_t)which);
	if (r == 0)
		r = buf_put_cstr(&b, port);
	if (r == 0)
		r = ipc_send_buf(CORE_SUP, SUP_SPAWN, &b, -1);
	buf_done(&b);
	if (r == 0)
		r = helper_recv(CORE_SUP, SUP_FAIL, "the supervisor", &m, d);
	if (r != 0)
		return r;
	if (m.type != SUP_SPAWNED || m.fd < 0)
		return diag_fail(d, CS_E_IPC, "a socket", "type %#x", m.type);
	if (which == SUP_TOKEN) {
		r = helper_recv(CORE_SUP, SUP_FAIL, "the supervisor", &pin, d);
		if (r != 0)
			return r;
		if (pin.type != SUP_PIN_FD || pin.fd < 0)
			return diag_fail(d, CS_E_IPC, "a descriptor",
			    "type %#x", pin.type);
		*ret_pin_fd = take_fd(&pin.fd);
	}
	*ret_sock = take_fd(&m.fd);
	return 0;
}

int
helper_recv(int sock, uint16_t fail_type, const char *who, struct ipc_msg *ret,
    struct diag *d)
{
	struct diag theirs = { 0 };
	struct rd rd;

	if (ipc_recv(sock, ret, CORE_HELPER_MS) != 0)
		return diag_fail(d, CS_E_IPC, "an answer", "%s ended", who);
	if (ret->type != fail_type)
		return 0;
	rd = (struct rd)RD_INIT(ret->body.p, ret->body.len);
	if (ipc_get_diag(&rd, &theirs) != 0 || rd_end(&rd) != 0 ||
	    theirs.code == 0)
		return diag_fail(d, CS_E_IPC, "a reason", "%s gave none", who);
	if (d != NULL)
		*d = theirs;
	return theirs.code;
}
