/* SPDX-License-Identifier: Apache-2.0 */
#include "appliance/mediaport.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "appliance/spawn.h"
#include "lib/ipc.h"
#include "lib/proto.h"

#define WHO	  "coldseal-usb"
#define USB	  "usb:"
#define APPEAR_MS 3000u /* for a stick that was put in a moment ago */
#define ANSWER_MS 60000 /* a stick can make the kernel wait */

static bool
is_usb(const char *medium)
{
	return medium != NULL && strncmp(medium, USB, strlen(USB)) == 0;
}

void
mediaport_init(struct mediaport *m, const struct site *site, const char *in,
    const char *out)
{
	*m = (struct mediaport){ .site = site,
		.in = in != NULL ? in : site->media_in,
		.out = out != NULL ? out : site->media_out,
		.usb = -1 };
}

/* --- coldseal-usb -------------------------------------------------------- */

static int
ask(struct mediaport *m, uint16_t type, const struct buf *body, uint16_t want,
    struct ipc_msg *ret, struct diag *d)
{
	struct diag theirs = { 0 };
	struct rd rd;
	int r;

	if (m->usb < 0)
		return diag_fail(d, CS_E_USB_ENDED, WHO, "none");
	r = body == NULL ? ipc_send(m->usb, type, NULL, 0, -1) :
			   ipc_send_buf(m->usb, type, body, -1);
	if (r == 0)
		r = ipc_recv(m->usb, ret, ANSWER_MS);
	if (r != 0)
		return diag_fail(d, CS_E_USB_ENDED, "an answer",
		    WHO " gave none");
	if (ret->type == want)
		return 0;
	rd = (struct rd)RD_INIT(ret->body.p, ret->body.len);
	if (ret->type != USB_FAIL || ipc_get_diag(&rd, &theirs) != 0 ||
	    rd_end(&rd) != 0)
		return diag_fail(d, CS_E_IPC, "an answer", WHO " said %#x",
		    ret->type);
	*d = theirs;
	return theirs.code;
}

static int
put_rule(struct buf *b, enum usb_use use, const char *port, size_t len,
    uint16_t vendor, uint16_t product)
{
	int r = buf_put_u8(b, (uint8_t)use);

	if (r == 0)
		r = buf_put_str(b, port, len);
	if (r == 0)
		r = buf_put_u16(b, vendor);
	return r == 0 ? buf_put_u16(b, product) : r;
}

/* "usb:1-1,2-1": one socket, by the name of each speed */
static int
put_ports(struct buf *b, enum usb_use use, const char *medium, uint32_t *n)
{
	const char *p;
	size_t len;
	int r = 0;

	if (!is_usb(medium))
		return 0;
	p = medium + strlen(USB);
	for (;;) {
		len = strcspn(p, ",");
		r = put_rule(b, use, p, len, 0, 0);
		(*n)++;
		if (r != 0 || p[len] == '\0')
			return r;
		p += len + 1;
	}
}

static int
put_rules(struct mediaport *m, struct buf *ret)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	uint32_t n = 0;
	size_t i;
	int r;

	r = put_ports(&b, USB_USE_IN, m->in, &n);
	if (r == 0)
		r = put_ports(&b, USB_USE_OUT, m->out, &n);
	for (i = 0; r == 0 && i < m->site->nreaders; i++, n++) {
		const struct site_reader *s = &m->site->readers[i];

		r = put_rule(&b, USB_USE_READER, s->port, strlen(s->port),
		    s->vendor, s->product);
	}
	if (r == 0)
		r = buf_put_u32(ret, n);
	if (r == 0)
		r = buf_put(ret, b.p, b.len);
	buf_done(&b);
	return r;
}

static int
spawn_broker(struct mediaport *m, struct diag *d)
{
	_cleanup_fd_ int theirs = -1;
	struct spawn sp = { .program = WHO, .nfds = 1 };
	int pair[2], r;

	r = ipc_pair(pair);
	if (r != 0)
		return r;
	m->usb = pair[0];
	theirs = pair[1];
	sp.fds[0] = theirs;
	return spawn_start(&sp, &m->broker, d);
}

int
mediaport_start(struct mediaport *m, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg answer = IPC_MSG_INIT;
	struct buf rules = BUF_INIT(IPC_MAX - 2);
	int r;

	if (!is_usb(m->in) && !is_usb(m->out) && m->site->nreaders == 0)
		return 0;
	r = put_rules(m, &rules);
	if (r == 0)
		r = spawn_broker(m, d);
	if (r == 0)
		r = ask(m, USB_RULES, &rules, USB_READY, &answer, d);
	buf_done(&rules);
	return r;
}

/* It switches everything off when its socket ends. */
void
mediaport_done(struct mediaport *m)
{
	close_fdp(&m->usb);
	while (
	    m->broker > 0 && waitpid(m->broker, NULL, 0) < 0 && errno == EINTR)
		;
	m->broker = 0;
}

int
mediaport_readers(struct mediaport *m, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg answer = IPC_MSG_INIT;

	return m->site->nreaders == 0 ?
	    0 :
	    ask(m, USB_READERS, NULL, USB_READY, &answer, d);
}

/* --- media --------------------------------------------------------------- */

static const char *
medium_of(const struct mediaport *m, uint16_t which)
{
	return which == SUP_INTAKE ? m->in : m->out;
}

int
mediaport_look(struct mediaport *m, uint16_t which, struct buf *ret,
    struct diag *d)
{
	_cleanup_msg_ struct ipc_msg answer = IPC_MSG_INIT;
	struct buf b = BUF_INIT(16);
	int r;

	if (which != SUP_INTAKE && which != SUP_EXPORT)
		return diag_fail(d, CS_E_IPC, "intake or export", "%u", which);
	if (!is_usb(medium_of(m, which))) {
		r = buf_put_cstr(ret, "");
		return r == 0 ? buf_put_u8(ret, 1) : r;
	}
	r = buf_put_u8(&b, which == SUP_INTAKE ? USB_USE_IN : USB_USE_OUT);
	if (r == 0)
		r = buf_put_u32(&b, APPEAR_MS);
	if (r == 0)
		r = ask(m, USB_LOOK, &b, USB_SEEN, &answer, d);
	buf_done(&b);
	return r == 0 ? buf_put(ret, answer.body.p, answer.body.len) : r;
}

/* The image file or device that a media helper gets, and nothing else. */
static int
open_path(const char *path, int flags, int *ret_fd, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;

	if (path == NULL)
		return diag_fail(d, CS_E_NO_MEDIUM, "a medium in the port",
		    "none");
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_NO_MEDIUM, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return diag_fail(d, CS_E_NO_MEDIUM,
		    "an image file or a block device", "%s is neither", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int
open_usb(struct mediaport *m, int *ret_fd, char arg[MEDIAPORT_ARG_LEN],
    struct diag *d)
{
	_cleanup_msg_ struct ipc_msg answer = IPC_MSG_INIT;
	uint8_t iface, in, out;
	uint16_t packet;
	uint32_t speed;
	struct rd rd;
	int r;

	r = ask(m, USB_OPEN, NULL, USB_OPENED, &answer, d);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(answer.body.p, answer.body.len);
	if (rd_u8(&rd, &iface) != 0 || rd_u8(&rd, &in) != 0 ||
	    rd_u8(&rd, &out) != 0 || rd_u16(&rd, &packet) != 0 ||
	    rd_u32(&rd, &speed) != 0 || rd_end(&rd) != 0 || answer.fd < 0)
		return diag_fail(d, CS_E_IPC, "a descriptor", WHO);
	(void)snprintf(arg, MEDIAPORT_ARG_LEN, "usb=%x,%02x,%02x", iface, in,
	    out);
	*ret_fd = take_fd(&answer.fd);
	return 0;
}

int
mediaport_open(struct mediaport *m, uint16_t which, int *ret_fd,
    char ret_arg[MEDIAPORT_ARG_LEN], struct diag *d)
{
	const char *medium = medium_of(m, which);

	ret_arg[0] = '\0';
	return is_usb(medium) ?
	    open_usb(m, ret_fd, ret_arg, d) :
	    open_path(medium, which == SUP_INTAKE ? O_RDONLY : O_RDWR, ret_fd,
		d);
}

void
mediaport_used_by(struct mediaport *m, pid_t pid)
{
	m->user = pid;
}

/*
 * The stick is switched off when its process has ended.  Without coldseal-usb
 * nobody could, so its process ends too.
 */
void
mediaport_ended(struct mediaport *m, pid_t pid)
{
	_cleanup_msg_ struct ipc_msg answer = IPC_MSG_INIT;
	struct diag d = { 0 };

	if (pid == m->broker) {
		m->broker = 0;
		close_fdp(&m->usb);
		if (m->user > 0)
			(void)kill(m->user, SIGKILL);
	} else if (pid == m->user) {
		m->user = 0;
		cs_ignore(ask(m, USB_CLOSE, NULL, USB_READY, &answer, &d));
	}
}
