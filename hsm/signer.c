/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-signer ORIGIN TCTI MODULE [DOMAIN LIBRARY CONNECTOR]...: TPM and HSM
 * for one console command; the words at the end are HSMs' own logs.
 *
 *	start -> TPM and module open -> sandbox -> serving
 *	serving: CLOCK, SESSION, STATE, COUNT,
 *	         CHECKPOINT, ANCHOR, RECORD,
 *	         ATTEST, OPEN,
 *	         LOG_ROOM, LOG_TAKEN		at any time
 *	         PREFLIGHT -> (passed) -> SIGN, CHANGE	once each
 *	         BYE, end of file, a message out of turn -> wipe, exit
 *
 * Descriptor 3 is the core, 4 the folder of sealed PINs.  It believes nobody:
 * policy, request and quorum are verified here again, what is signed is built
 * from the request, and every signature is verified before it leaves.  Each
 * token sees at most one login in the life of the process.
 */

#include "hsm/signer.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>

#include "lib/sandbox.h"

#define FD_CORE	  3
#define FD_SEALED 4

static int
on_sign(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	/* a job that did not pass cannot be signed: out of turn */
	if (signer_no_body(m) != 0 || s->job == NULL ||
	    s->job->req->action != REQUEST_SIGN)
		return CS_E_IPC;
	return signer_sign(s, m, d);
}

static int
on_change(struct signer *s, struct ipc_msg *m, struct diag *d)
{
	if (signer_no_body(m) != 0 || s->job == NULL ||
	    s->job->req->action == REQUEST_SIGN)
		return CS_E_IPC;
	return signer_change(s, m, d);
}

typedef int handler(struct signer *, struct ipc_msg *, struct diag *);

/* Row i of both tables is one message. */
static const struct ipc_rule rules[] = {
	{ SIGNER_CLOCK, false },
	{ SIGNER_SESSION, false },
	{ SIGNER_STATE, false },
	{ SIGNER_COUNT, false },
	{ SIGNER_ANCHOR, false },
	{ SIGNER_CHECKPOINT, false },
	{ SIGNER_RECORD, false },
	{ SIGNER_ATTEST, false },
	{ SIGNER_OPEN, false },
	{ SIGNER_LOG_ROOM, false },
	{ SIGNER_LOG_TAKEN, false },
	{ SIGNER_PREFLIGHT, true },
	{ SIGNER_SIGN, true },
	{ SIGNER_CHANGE, true },
	{ SIGNER_BYE, true },
};
static handler *const handlers[ARRAY_LEN(rules)] = {
	signer_clock,
	signer_session,
	signer_state,
	signer_count,
	signer_anchor,
	signer_checkpoint,
	signer_record,
	signer_attest,
	signer_open,
	signer_log_room,
	signer_log_taken,
	signer_preflight,
	on_sign,
	on_change,
	NULL,
};

static int
send_fail(int sock, int code, struct diag *d)
{
	struct buf b = BUF_INIT(4096);
	int r;

	if (d->code == 0)
		(void)diag_fail(d, code, NULL, "in the signer");
	r = ipc_put_diag(&b, d);
	if (r == 0)
		r = ipc_send_buf(sock, SIGNER_FAIL, &b, -1);
	buf_done(&b);
	return r;
}

static handler *
handler_of(uint16_t type)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rules); i++)
		if (rules[i].type == type)
			return handlers[i];
	return NULL;
}

static int
serve(struct signer *s)
{
	struct ipc_state state = { rules, ARRAY_LEN(rules), 0 };

	for (;;) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
		struct diag d = { 0 };
		int r;

		if (ipc_recv(s->sock, &m, IPC_NO_TIMEOUT) != 0 ||
		    ipc_permit(&state, m.type) != 0)
			return CS_E_IPC;
		if (m.type == SIGNER_BYE)
			return signer_no_body(&m);
		r = handler_of(m.type)(s, &m, &d);
		if (r == CS_E_IPC)
			return r;
		if (r != 0 && send_fail(s->sock, r, &d) != 0)
			return CS_E_IPC;
	}
}

/* The first question is answered by what went wrong at the start. */
static int
report_start(int sock, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

	if (ipc_recv(sock, &m, IPC_NO_TIMEOUT) == 0)
		(void)send_fail(sock, d->code, d);
	return err_exit(d->code);
}

int
main(int argc, char **argv)
{
	struct signer s = { .sock = FD_CORE, .sealed_fd = FD_SEALED };
	struct diag d = { 0 }, sandbox = { 0 };
	char text[1024];
	int r;

	/* what libraries free is overwritten, see tpm/tpm.h */
	(void)mallopt(M_PERTURB, 0x5a);
	sandbox_harden();
	if (argc < 4) {
		(void)fprintf(stderr,
		    "usage: coldseal-signer ORIGIN TCTI MODULE "
		    "[DOMAIN LIBRARY CONNECTOR]...\n");
		return CS_EXIT_USAGE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setenv("TSS2_LOG", "all+NONE", 1);
	s.origin = argv[1];
	r = tpm_open(argv[2], TPM_SHUTDOWN, &s.tpm, &d);
	if (r == 0)
		r = p11_open(argv[3], &s.p11, &d);
	if (r == 0)
		r = signer_logs_open(&s, argv + 4, (size_t)argc - 4, &d);
	if (sandbox_enter(SANDBOX_SIGNER, &sandbox) != 0) {
		diag_format(&sandbox, text, sizeof(text));
		(void)fprintf(stderr, "coldseal-signer: %s", text);
		return CS_EXIT_SYSTEM;
	}
	r = r == 0 ? serve(&s) : report_start(s.sock, &d);
	if (r == 0)
		tpm_release(s.tpm);
	signer_job_free(&s.job);
	signer_audit_done(&s.audit);
	tpm_image_free(&s.img);
	signer_logs_close(&s);
	p11_close(&s.p11);
	tpm_close(&s.tpm);
	return r < 0 ? err_exit(r) : r;
}
