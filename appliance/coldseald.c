/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The supervisor.  It starts the console and the core, and on the core's
 * word one of four helpers, each with exactly its descriptors.  It reads no
 * media, no request and no secret, and restarts nothing: when the core is
 * gone, everything is, and the next start goes on from the log.
 *
 *	start -> running -> (core exits 0) -> done
 *	            |
 *	            +-> (core dies) -> kill all -> exit 4
 *	            +-> (SIGTERM) -> end the console; the core shuts down
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "appliance/mediaport.h"
#include "appliance/spawn.h"
#include "lib/file.h"
#include "lib/ipc.h"
#include "lib/proto_console.h"
#include "lib/sandbox.h"

#define MAX_CHILDREN  32
#define LAST_WORDS_MS 3000

struct supervisor {
	const char *state, *in, *out;
	struct site *site;
	struct mediaport media;
	int state_fd, lock_fd, core_sock, sig_fd;
	pid_t core, console;
	int core_status; /* as from waitpid(), once core_gone */
	bool core_gone;
	pid_t children[MAX_CHILDREN];
	size_t nchildren;
};

static void
supervisor_done(struct supervisor *s)
{
	size_t i;

	for (i = 0; i < s->nchildren; i++)
		(void)kill(s->children[i], SIGKILL);
	mediaport_done(&s->media);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	site_free(&s->site);
	close_fdp(&s->core_sock);
	close_fdp(&s->sig_fd);
	close_fdp(&s->lock_fd);
	close_fdp(&s->state_fd);
}

static int
remember(struct supervisor *s, pid_t pid, struct diag *d)
{
	if (s->nchildren == MAX_CHILDREN) {
		(void)kill(pid, SIGKILL);
		return diag_fail(d, CS_E_IPC, "at most 32 helpers at once",
		    "one more");
	}
	s->children[s->nchildren++] = pid;
	return 0;
}

static void
reap(struct supervisor *s)
{
	pid_t pid;
	int status;
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->core) {
			s->core_status = status;
			s->core_gone = true;
		}
		mediaport_ended(&s->media, pid);
		for (i = 0; i < s->nchildren; i++)
			if (s->children[i] == pid) {
				s->children[i] = s->children[--s->nchildren];
				break;
			}
	}
}

static int
spawn_helper(struct supervisor *s, uint16_t which, const char *port,
    int *ret_sock, int *ret_pin, struct diag *d)
{
	_cleanup_fd_ int mine = -1, theirs = -1, extra = -1, pin = -1;
	struct spawn sp = { 0 };
	const struct site_port *tp;
	char medium[MEDIAPORT_ARG_LEN] = "";
	struct diag ignored = { 0 };
	int pair[2], pipefd[2], r = 0;
	pid_t pid;

	switch (which) {
	case SUP_INTAKE:
		sp.program = "coldseal-intake";
		r = mediaport_open(&s->media, which, &extra, medium, d);
		break;
	case SUP_EXPORT:
		sp.program = "coldseal-export";
		r = mediaport_open(&s->media, which, &extra, medium, d);
		break;
	case SUP_SIGNER:
		sp.program = "coldseal-signer";
		sp.args[0] = s->site->origin;
		sp.args[1] = s->site->tcti;
		sp.args[2] = s->site->module;
		sp.nargs = 3;
		sp.hsm_conf = s->site->hsm_conf;
		/* the log goes on, whatever is in a reader's port */
		cs_ignore(mediaport_readers(&s->media, &ignored));
		r = dir_open(s->state_fd, "sealed", &extra, d);
		break;
	case SUP_TOKEN:
		sp.program = "coldseal-token";
		tp = site_port(s->site, port);
		if (tp == NULL)
			return diag_fail(d, CS_E_TOKEN_PORT,
			    "a token port of the site file", "\"%s\"", port);
		sp.args[0] = tp->module;
		sp.nargs = 1;
		sp.hsm_conf = tp->conf;
		r = mediaport_readers(&s->media, d);
		if (r != 0)
			return r;
		if (pipe2(pipefd, O_CLOEXEC) != 0)
			return diag_errno(d, CS_E_IO, "pipe");
		extra = pipefd[0];
		pin = pipefd[1];
		break;
	default:
		return diag_fail(d, CS_E_IPC, NULL, "spawn %u", which);
	}
	if (r != 0)
		return r;
	r = ipc_pair(pair);
	if (r != 0)
		return r;
	mine = pair[0];
	theirs = pair[1];
	sp.fds[0] = theirs;
	sp.fds[1] = extra;
	sp.nfds = 2;
	if (medium[0] != '\0')
		sp.args[sp.nargs++] = medium;
	r = spawn_start(&sp, &pid, d);
	if (r == 0 && medium[0] != '\0')
		mediaport_used_by(&s->media, pid);
	if (r == 0)
		r = remember(s, pid, d);
	if (r != 0)
		return r;
	*ret_sock = take_fd(&mine);
	*ret_pin = take_fd(&pin);
	return 0;
}

static int
answer_fail(struct supervisor *s, int code, uint16_t which, struct diag *d)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	int r;

	if (d->code == 0)
		(void)diag_fail(d, code, NULL, "helper %u", which);
	r = ipc_put_diag(&b, d);
	if (r == 0)
		r = ipc_send_buf(s->core_sock, SUP_FAIL, &b, -1);
	buf_done(&b);
	return r;
}

static int
answer_medium(struct supervisor *s, struct ipc_msg *m)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	struct diag d = { 0 };
	uint16_t which;
	int r;

	if (rd_u16(&rd, &which) != 0 || rd_end(&rd) != 0)
		return CS_E_IPC;
	r = mediaport_look(&s->media, which, &b, &d);
	r = r != 0 ? answer_fail(s, r, which, &d) :
		     ipc_send_buf(s->core_sock, SUP_MEDIUM, &b, -1);
	buf_done(&b);
	return r;
}

static int
answer_spawn(struct supervisor *s, struct ipc_msg *m)
{
	_cleanup_fd_ int sock = -1, pin = -1;
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	struct diag d = { 0 };
	char port[64];
	uint16_t which;
	int r;

	if (m->type == SUP_MEDIUM)
		return answer_medium(s, m);
	if (m->type != SUP_SPAWN || rd_u16(&rd, &which) != 0 ||
	    rd_cstr_into(&rd, port, sizeof(port)) != 0 || rd_end(&rd) != 0)
		return CS_E_IPC;
	r = spawn_helper(s, which, port, &sock, &pin, &d);
	if (r != 0)
		return answer_fail(s, r, which, &d);
	r = ipc_send(s->core_sock, SUP_SPAWNED, NULL, 0, sock);
	if (r == 0 && pin >= 0)
		r = ipc_send(s->core_sock, SUP_PIN_FD, NULL, 0, pin);
	return r;
}

static int
send_hello(struct supervisor *s)
{
	struct buf b = BUF_INIT(IPC_MAX - 2);
	size_t i;
	int r;

	r = buf_put_cstr(&b, s->site->origin);
	if (r == 0)
		r = buf_put_u8(&b, s->site->rehearsal ? 1 : 0);
	if (r == 0)
		r = buf_put_u32(&b, (uint32_t)s->site->nports);
	for (i = 0; r == 0 && i < s->site->nports; i++)
		r = buf_put_cstr(&b, s->site->ports[i].port);
	if (r == 0)
		r = ipc_send_buf(s->core_sock, SUP_HELLO, &b, -1);
	buf_done(&b);
	return r;
}

static int
start_pair(struct supervisor *s, struct diag *d)
{
	_cleanup_fd_ int core_sup = -1, core_con = -1, con = -1;
	struct spawn core = { .program = "coldseal-core" };
	struct spawn console = { .program = "coldseal-console",
		.terminal = true };
	int pair[2], r;

	r = ipc_pair(pair);
	if (r != 0)
		return r;
	s->core_sock = pair[0];
	core_sup = pair[1];
	r = ipc_pair(pair);
	if (r != 0)
		return r;
	core_con = pair[0];
	con = pair[1];
	core.fds[0] = core_sup;
	core.fds[1] = core_con;
	core.fds[2] = s->state_fd;
	core.nfds = 3;
	console.fds[0] = con;
	console.nfds = 1;
	r = spawn_start(&console, &s->console, d);
	if (r == 0)
		r = remember(s, s->console, d);
	if (r == 0)
		r = spawn_start(&core, &s->core, d);
	if (r == 0)
		r = remember(s, s->core, d);
	if (r == 0)
		r = send_hello(s);
	return r;
}

/* One appliance per state folder: a lock that dies with the process. */
static int
take_lock(struct supervisor *s, struct diag *d)
{
	s->lock_fd = openat(s->state_fd, "lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return diag_errno(d, CS_E_IO, "lock");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return diag_fail(d, CS_E_RUNNING, "one appliance per state",
		    "%s is in use", s->state);
	return 0;
}

/*
 * As root, leave every network behind; a software TPM on a TCP port is for
 * rehearsals and needs the loopback.
 */
static int
leave_network(const struct supervisor *s, struct diag *d)
{
	if (geteuid() != 0 || strstr(s->site->tcti, "host=") != NULL)
		return 0;
	if (unshare(CLONE_NEWNET) != 0 && !s->site->rehearsal)
		return diag_errno(d, CS_E_SANDBOX, "network namespace");
	return 0;
}

static int
setup(struct supervisor *s, struct diag *d)
{
	sigset_t set;
	int r;

	r = dir_open(AT_FDCWD, s->state, &s->state_fd, d);
	if (r == 0)
		r = take_lock(s, d);
	if (r == 0)
		r = site_load(s->state_fd, &s->site, d);
	if (r == 0)
		r = leave_network(s, d);
	if (r != 0)
		return r;
	mediaport_init(&s->media, s->site, s->in, s->out);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	(void)signal(SIGTSTP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return diag_errno(d, CS_E_IO, "signals");
	s->sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->sig_fd < 0)
		return diag_errno(d, CS_E_IO, "signalfd");
	r = sandbox_enter(SANDBOX_SUPERVISOR, d);
	if (r == 0)
		r = mediaport_start(&s->media, d);
	return r != 0 ? r : start_pair(s, d);
}

static void
on_signal(struct supervisor *s)
{
	struct signalfd_siginfo si;

	while (read(s->sig_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			reap(s);
		else if (s->console > 0)
			(void)kill(s->console, SIGKILL);
	}
}

/* Until the core closes its socket. */
static int
run(struct supervisor *s)
{
	struct pollfd p[2] = {
		{ .fd = s->core_sock, .events = POLLIN },
		{ .fd = s->sig_fd, .events = POLLIN },
	};

	for (;;) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return CS_E_IO;
		if ((p[1].revents & POLLIN) != 0)
			on_signal(s);
		if ((p[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0)
			continue;
		if (ipc_recv(s->core_sock, &m, 1000) != 0)
			return 0;
		if (answer_spawn(s, &m) != 0)
			return CS_E_IPC;
	}
}

/* The console still has the core's last words to print. */
static void
let_console_finish(struct supervisor *s)
{
	struct pollfd p = { .fd = s->sig_fd, .events = POLLIN };
	struct signalfd_siginfo si;

	reap(s);
	while (kill(s->console, 0) == 0 && poll(&p, 1, LAST_WORDS_MS) > 0) {
		while (read(s->sig_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
			;
		reap(s);
	}
}

/* The core's own word on how it ended: its exit status. */
static int
core_status(struct supervisor *s)
{
	while (!s->core_gone) {
		if (waitpid(s->core, &s->core_status, 0) == s->core)
			s->core_gone = true;
		else if (errno != EINTR)
			return CS_EXIT_SYSTEM;
	}
	if (WIFEXITED(s->core_status))
		return WEXITSTATUS(s->core_status);
	(void)fprintf(stderr,
	    "coldseald: the core was ended by signal %d; "
	    "start again, the log has everything up to here\n",
	    WTERMSIG(s->core_status));
	return CS_EXIT_SYSTEM;
}

static void
usage(FILE *f)
{
	(void)
	    fputs("usage: coldseald --state DIR [--in IMAGE] "
		  "[--out IMAGE]\n"
		  "  --state DIR   the appliance's state folder\n"
		  "  --in IMAGE    medium that requests come on, or usb:PORT\n"
		  "  --out IMAGE   medium that responses leave on\n"
		  "  --help        this text\n",
		f);
}

static const struct option options[] = {
	{ "state", required_argument, NULL, 's' },
	{ "in", required_argument, NULL, 'i' },
	{ "out", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int
main(int argc, char **argv)
{
	struct supervisor s = { .state_fd = -1,
		.lock_fd = -1,
		.core_sock = -1,
		.sig_fd = -1,
		.media = { .usb = -1 } };
	struct diag d = { 0 };
	char text[800];
	int c, r, status;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			s.state = optarg;
			break;
		case 'i':
			s.in = optarg;
			break;
		case 'o':
			s.out = optarg;
			break;
		case 'h':
			usage(stdout);
			return CS_EXIT_OK;
		default:
			usage(stderr);
			return CS_EXIT_USAGE;
		}
	}
	if (s.state == NULL || optind != argc) {
		usage(stderr);
		return CS_EXIT_USAGE;
	}
	r = setup(&s, &d);
	if (r == 0)
		r = run(&s);
	if (r != 0) {
		if (d.code == 0)
			(void)diag_fail(&d, r, NULL, "supervisor");
		diag_format(&d, text, sizeof(text));
		(void)fprintf(stderr, "coldseald: %s", text);
		status = err_exit(r);
	} else {
		status = core_status(&s);
		let_console_finish(&s);
	}
	supervisor_done(&s);
	return status;
}
