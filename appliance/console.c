/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The console: the only program that has the terminal, and all it does is
 * print what the core says and ask what the core asks.  It knows no request,
 * no key, no policy.  A PIN is read without echo and written to the
 * descriptor that came with the question.
 *
 *	idle -> TEXT, QR, PROGRESS: print -> idle
 *	idle -> ASK_LINE: prompt, read -> LINE or EOF -> idle
 *	reading a line -> TEXT, QR, PROGRESS: print -> reading it
 *	idle -> ASK_PIN: prompt, read without echo -> PIN or EOF -> idle
 *	idle -> BYE, or the core gone -> end
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>

#include "lib/file.h"
#include "lib/ipc.h"
#include "lib/proto_console.h"
#include "lib/qrtext.h"
#include "lib/sandbox.h"
#include "lib/secret.h"

#define SOCK	     3
#define LINE_MAX_LEN 400
#define PIN_MAX_LEN  64
#define QR_MAX_LEN   1000

struct console {
	bool tty; /* stdin is a terminal */
	bool out_tty;
	bool progress; /* a progress line is on the screen */
	char what[25]; /* of that line */
	int64_t started_ms;
	uint64_t started_at; /* done at that time */
};

/* Printable ASCII and newline only, whatever the core sent. */
static int
print(const uint8_t *p, size_t len)
{
	char out[512] = { 0 };
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (n == sizeof(out)) {
			if (fd_write_all(STDOUT_FILENO, out, n) != 0)
				return CS_E_IO;
			n = 0;
		}
		out[n++] = (p[i] == '\n' || (p[i] >= 0x20 && p[i] <= 0x7e)) ?
		    (char)p[i] :
		    '?';
	}
	return fd_write_all(STDOUT_FILENO, out, n);
}

/*
 * The only thing on the screen that is not ASCII, or has escapes; it is drawn
 * here, from text that would have been printed too.
 */
static int
show_qr(const uint8_t *p, size_t len)
{
	struct buf code __attribute__((cleanup(buf_done))) =
	    BUF_INIT(QRTEXT_MAX);
	char text[QR_MAX_LEN + 1] = { 0 };
	size_t i;
	int r;

	if (len > QR_MAX_LEN)
		return CS_E_IPC;
	for (i = 0; i < len; i++) {
		if (p[i] < 0x20 || p[i] > 0x7e)
			return CS_E_IPC;
		text[i] = (char)p[i];
	}
	r = qrtext_draw(text, qrtext_style_of(STDOUT_FILENO), &code);
	return r == 0 ? fd_write_all(STDOUT_FILENO, code.p, code.len) : r;
}

/* One byte at a time: what follows on the line may be a PIN. */
static int
read_char(char *ret)
{
	ssize_t n;

	do {
		n = read(STDIN_FILENO, ret, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : CS_E_CONSOLE_GONE;
}

static int hear(struct console *c);

/* Until there is something to read; what the core says meanwhile is shown. */
static int
wait_typed(struct console *c, bool *fresh)
{
	struct pollfd p[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = SOCK, .events = POLLIN },
	};
	int r = 0;

	while (r == 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return CS_E_IO;
		if (p[0].revents != 0)
			return 0;
		if (p[1].revents == 0)
			continue;
		/* not behind the question */
		if (*fresh)
			r = print((const uint8_t *)"\n", 1);
		*fresh = false;
		if (r == 0)
			r = hear(c);
	}
	return r;
}

/* A line without its newline; what does not fit is refused by the caller. */
static int
read_line(struct console *con, char *out, size_t size, size_t *ret_len)
{
	bool fresh = true;
	size_t n = 0;
	char c;
	int r;

	for (;;) {
		r = wait_typed(con, &fresh);
		if (r != 0)
			return r;
		r = read_char(&c);
		if (r != 0)
			return r;
		if (c == '\n')
			break;
		if (c == '\r')
			continue;
		if (n < size)
			out[n] = c;
		if (n <= size)
			n++;
	}
	*ret_len = n;
	return 0;
}

static int
ask_line(struct console *c, const uint8_t *prompt, size_t len)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	char line[LINE_MAX_LEN];
	size_t n;
	int r;

	if (print(prompt, len) != 0)
		return CS_E_IO;
	r = read_line(c, line, sizeof(line), &n);
	if (r == CS_E_CONSOLE_GONE)
		return ipc_send(SOCK, CONSOLE_EOF, NULL, 0, -1);
	if (r != 0)
		return r;
	r = buf_put_str(&b, line, n > sizeof(line) ? 0 : n);
	if (r == 0)
		r = ipc_send_buf(SOCK, CONSOLE_LINE, &b, -1);
	buf_done(&b);
	return r;
}

/* Straight into locked memory; longer than a PIN can be: nothing is sent. */
static int
read_pin(struct secret *s, size_t *ret_len)
{
	uint8_t *p = secret_data(s);
	size_t n = 0;
	char c;
	int r;

	while ((r = read_char(&c)) == 0 && c != '\n') {
		if (c == '\r')
			continue;
		if (n < PIN_MAX_LEN)
			p[n] = (uint8_t)c;
		if (n <= PIN_MAX_LEN)
			n++;
	}
	c = 0;
	*ret_len = n;
	return r;
}

static int
ask_pin(const struct console *c, const uint8_t *prompt, size_t len, int fd)
{
	_cleanup_secret_ struct secret *pin = NULL;
	struct termios old, quiet;
	size_t n = 0;
	uint8_t sent = 0;
	int r;

	if (secret_new(PIN_MAX_LEN, &pin) != 0)
		return CS_E_IO;
	/* quiet before the prompt: what is typed at once is the PIN, unseen */
	if (c->tty) {
		if (tcgetattr(STDIN_FILENO, &old) != 0)
			return CS_E_IO;
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ISIG);
		if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) != 0)
			return CS_E_IO;
	}
	r = print(prompt, len);
	if (r == 0)
		r = read_pin(pin, &n);
	if (c->tty) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		(void)print((const uint8_t *)"\n", 1);
	}
	if (r != 0)
		return ipc_send(SOCK, CONSOLE_EOF, NULL, 0, -1);
	if (n > 0 && n <= PIN_MAX_LEN &&
	    fd_write_all(fd, secret_data(pin), n) == 0)
		sent = 1;
	return ipc_send(SOCK, CONSOLE_PIN, &sent, 1, -1);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
end_progress(struct console *c)
{
	if (c->progress)
		(void)print((const uint8_t *)"\n", 1);
	c->progress = false;
}

/* One line that rewrites itself, on a terminal only. */
static void
progress(struct console *c, const uint8_t *what, size_t len, uint64_t done,
    uint64_t total)
{
	int64_t now = now_ms(), left;
	char line[120], name[25];

	if (!c->out_tty || total == 0 || done > total)
		return;
	(void)snprintf(name, sizeof(name), "%.*s",
	    (int)(len >= sizeof(name) ? sizeof(name) - 1 : len),
	    (const char *)what);
	if (c->progress && strcmp(name, c->what) != 0)
		end_progress(c);
	if (!c->progress) {
		c->started_ms = now;
		c->started_at = done;
		memcpy(c->what, name, sizeof(c->what));
	}
	c->progress = true;
	left = done <= c->started_at ?
	    0 :
	    (int64_t)((double)(now - c->started_ms) * (double)(total - done) /
		(double)(done - c->started_at) / 1000.0);
	(void)snprintf(line, sizeof(line),
	    "%s %3u %%  %llu of %llu  "
	    "about %lld s left   ",
	    name, (unsigned int)(done * 100 / total), (unsigned long long)done,
	    (unsigned long long)total, (long long)left);
	(void)print((const uint8_t *)line, strlen(line));
	cs_ignore(fd_write_all(STDOUT_FILENO, "\r", 1));
}

/* Without waiting for anybody */
static int
show(struct console *c, uint16_t type, const uint8_t *text, size_t len)
{
	end_progress(c);
	switch (type) {
	case CONSOLE_TEXT:
		return print(text, len);
	case CONSOLE_QR:
		return show_qr(text, len);
	default:
		return CS_E_IPC;
	}
}

/* 1: go on; 0: end; negative: the core broke the protocol. */
static int
handle(struct console *c, const struct ipc_msg *m, bool asking)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	const uint8_t *text = NULL;
	uint64_t done = 0, total = 0;
	size_t len = 0;
	int r;

	if (m->type == CONSOLE_BYE && !asking)
		return 0;
	r = rd_str(&rd, IPC_MAX, &text, &len);
	if (r == 0 && m->type == CONSOLE_PROGRESS) {
		r = rd_u64(&rd, &done);
		if (r == 0)
			r = rd_u64(&rd, &total);
	}
	if (r != 0 || rd_end(&rd) != 0)
		return CS_E_IPC;
	if ((m->type == CONSOLE_ASK_PIN) != (m->fd >= 0))
		return CS_E_IPC;
	if (m->type == CONSOLE_PROGRESS) {
		progress(c, text, len, done, total);
		return 1;
	}
	if (!asking && m->type == CONSOLE_ASK_LINE) {
		end_progress(c);
		r = ask_line(c, text, len);
	} else if (!asking && m->type == CONSOLE_ASK_PIN) {
		end_progress(c);
		r = ask_pin(c, text, len, m->fd);
	} else {
		r = show(c, m->type, text, len);
	}
	return r != 0 ? r : 1;
}

static int
hear(struct console *c)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r;

	if (ipc_recv(SOCK, &m, IPC_NO_TIMEOUT) != 0)
		return CS_E_IPC;
	r = handle(c, &m, true);
	return r == 1 ? 0 : r;
}

int
main(int argc, char **argv)
{
	struct console c = { .tty = isatty(STDIN_FILENO) == 1,
		.out_tty = isatty(STDOUT_FILENO) == 1 };
	struct diag d = { 0 };
	char text[800];
	int r = 1;

	(void)argv;
	if (argc != 1)
		return CS_EXIT_USAGE;
	(void)signal(SIGPIPE, SIG_IGN);
	if (sandbox_enter(SANDBOX_CONSOLE, &d) != 0) {
		diag_format(&d, text, sizeof(text));
		(void)print((const uint8_t *)text, strlen(text));
		return CS_EXIT_SYSTEM;
	}
	while (r == 1) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

		if (ipc_recv(SOCK, &m, IPC_NO_TIMEOUT) != 0)
			return CS_EXIT_SYSTEM;
		r = handle(&c, &m, false);
	}
	return r == 0 ? CS_EXIT_OK : CS_EXIT_SYSTEM;
}
