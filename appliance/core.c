/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The core's life:
 *
 *	hello -> boot (ledger, policy, unfinished ceremonies, boot leaf)
 *	      -> prompt -> verb -> prompt ...
 *	      -> shutdown verb, or the console gone -> shutdown leaf -> end
 *
 * A verb that fails says why and changes nothing; a ledger or signer that
 * fails in a way that leaves the log unclear ends the process, and the next
 * start goes on from the log.
 */

#include "appliance/core.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "lib/sandbox.h"

#define MAX_WORDS 4

static const struct verb {
	const char *name;
	size_t min, max; /* arguments */
	int (*run)(struct core *c, char **argv, size_t argc, struct diag *d);
	const char *args, *help;
} verbs[] = {
	{ "status", 0, 0, verb_status, "",
	    "the appliance, its clock, log "
	    "and policy" },
	{ "intake", 0, 0, verb_intake, "",
	    "read a request from the IN "
	    "medium" },
	{ "list", 0, 0, verb_list, "", "all requests and their state" },
	{ "show", 1, 1, verb_show, " N", "one request, page by page" },
	{ "approve", 1, 2, verb_approve, " N [PORT]",
	    "approve with your "
	    "token" },
	{ "reject", 1, 2, verb_reject, " N [PORT]",
	    "reject with your token "
	    "and a reason" },
	{ "sign", 1, 1, verb_sign, " N", "sign an approved request" },
	{ "apply", 1, 1, verb_apply, " N", "make an approved change" },
	{ "export", 0, 2, verb_export, " [N] [full]",
	    "write response and audit "
	    "bundle to the OUT medium" },
	{ "attest", 0, 2, verb_attest, " [CHALLENGE] [QR]",
	    "let the TPM say what "
	    "this is: OUT medium, qr, tallqr" },
	{ "who-can-sign", 0, 1, verb_who, " [PERSON]",
	    "who can sign what, right "
	    "now, and until when" },
	{ "policy", 0, 0, verb_policy, "", "the rules" },
	{ "keys", 0, 0, verb_keys, "", "the signing keys" },
	{ "log", 0, 1, verb_log, " [COUNT]", "the last events" },
	{ "shutdown", 0, 0, verb_shutdown, "", "end, with a last leaf" },
	{ "help", 0, 0, verb_help, "", "this list" },
};

int
verb_help(struct core *c, char **argv, size_t argc, struct diag *d)
{
	size_t i;
	int r = 0;

	(void)argv;
	(void)argc;
	(void)d;
	for (i = 0; r == 0 && i < ARRAY_LEN(verbs); i++)
		r = say(c, "  %s%-*s %s\n", verbs[i].name,
		    (int)(24 - strlen(verbs[i].name)), verbs[i].args,
		    verbs[i].help);
	return r;
}

int
verb_shutdown(struct core *c, char **argv, size_t argc, struct diag *d)
{
	(void)argv;
	(void)argc;
	(void)d;
	c->over = true;
	return 0;
}

int
parse_number(const char *s, uint64_t *ret, struct diag *d)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; s[i] >= '0' && s[i] <= '9' && i < 9; i++)
		v = v * 10 + (uint64_t)(s[i] - '0');
	if (i == 0 || s[i] != '\0' || v == 0)
		return diag_fail(d, CS_E_NUMBER, "a number from list", "\"%s\"",
		    s);
	*ret = v;
	return 0;
}

static size_t
split(char *line, char **words)
{
	char *p = line;
	size_t n = 0;

	while (n < MAX_WORDS) {
		p += strspn(p, " \t");
		if (*p == '\0')
			break;
		words[n++] = p;
		p += strcspn(p, " \t");
		if (*p != '\0')
			*p++ = '\0';
	}
	return n;
}

/* Errors after which the core cannot know its own state. */
static bool
is_fatal(int r)
{
	return r == CS_E_CONSOLE_GONE || r == CS_E_LEDGER || r == CS_E_NOMEM ||
	    r == CS_E_LEDGER_LEAF || r == CS_E_ANCHOR;
}

static int
run_line(struct core *c, char *line)
{
	char *words[MAX_WORDS];
	struct diag d = { 0 };
	size_t i, n;
	int r;

	n = split(line, words);
	if (n == 0)
		return 0;
	for (i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(words[0], verbs[i].name) == 0)
			break;
	if (i == ARRAY_LEN(verbs)) {
		(void)diag_fail(&d, CS_E_VERB, NULL, "%s", words[0]);
		return say_diag(c, &d);
	}
	if (n - 1 < verbs[i].min || n - 1 > verbs[i].max)
		return say(c, "usage: %s%s\n", verbs[i].name, verbs[i].args);
	if (verbs[i].run == verb_sign || verbs[i].run == verb_apply)
		signer_check(c);
	else
		signing_drop(c);
	core_medium_forget(c);
	r = verbs[i].run(c, words + 1, n - 1, &d);
	if (c->ready == NULL)
		signer_end(c);
	if (r == 0 || r == CS_E_CONSOLE_GONE)
		return r;
	if (d.code != r)
		(void)diag_fail(&d, r, NULL, "%s", words[0]);
	if (say_diag(c, &d) != 0)
		return CS_E_CONSOLE_GONE;
	return is_fatal(r) ? r : 0;
}

static int
loop(struct core *c)
{
	char line[401];
	int r = 0;

	while (r == 0 && !c->over) {
		r = ask(c, "coldseal> ", line);
		if (r == 0)
			r = run_line(c, line);
	}
	return r;
}

static int
read_hello(struct core *c)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	uint8_t rehearsal = 0;
	uint32_t n = 0, i;
	int r;

	r = ipc_recv(CORE_SUP, &m, CORE_HELPER_MS);
	if (r != 0 || m.type != SUP_HELLO)
		return CS_E_IPC;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	r = rd_cstr(&rd, 200, &c->origin);
	if (r == 0)
		r = rd_u8(&rd, &rehearsal);
	if (r == 0)
		r = rd_u32(&rd, &n);
	if (r != 0 || n > CORE_MAX_PORTS)
		return CS_E_IPC;
	c->rehearsal = rehearsal != 0;
	for (i = 0; r == 0 && i < n; i++) {
		r = rd_cstr(&rd, 64, &c->ports[i]);
		if (r == 0)
			c->nports++;
	}
	return r == 0 ? rd_end(&rd) : r;
}

static void
core_done(struct core *c)
{
	size_t i;

	signing_drop(c);
	ledger_close(&c->ledger);
	policy_free(&c->policy);
	core_medium_forget(c);
	for (i = 0; i < c->nports; i++)
		free(c->ports[i]);
	free(c->origin);
}

/* Boot, prompt, and a last leaf however the loop ended. */
static int
live(struct core *c, struct diag *d)
{
	int r, r2;

	r = core_boot(c, d);
	signer_end(c);
	if (r != 0)
		return r;
	r = loop(c);
	if (r != 0 && r != CS_E_CONSOLE_GONE)
		return r;
	signing_drop(c);
	r2 = core_log_one(c, "shutdown", json_object(), d);
	signer_end(c);
	if (r2 == 0 && r == 0)
		r2 = say(c,
		    "the log is closed at %llu leaves; "
		    "you may switch off\n",
		    (unsigned long long)ledger_size(c->ledger));
	cs_ignore(ipc_send(CORE_CON, CONSOLE_BYE, NULL, 0, -1));
	return r2;
}

static int
rebuild(void)
{
	struct diag d = { 0 };
	char text[800];
	int fd, r;

	fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? CS_E_IO : ledger_rebuild(fd, NULL, &d);
	if (r != 0) {
		if (d.code == 0)
			(void)diag_fail(&d, r, NULL, "state folder");
		diag_format(&d, text, sizeof(text));
		(void)fprintf(stderr, "coldseal-core: %s", text);
	} else {
		(void)printf("index.db was built again from the log\n");
	}
	return err_exit(r);
}

int
main(int argc, char **argv)
{
	struct core c = { .signer = -1 };
	struct diag d = { 0 };
	char text[800];
	int r;

	if (argc == 3 && strcmp(argv[1], "--rebuild") == 0) {
		if (chdir(argv[2]) != 0) {
			perror(argv[2]);
			return CS_EXIT_SYSTEM;
		}
		return rebuild();
	}
	if (argc != 1) {
		(void)fputs("usage: coldseal-core --rebuild STATE\n"
			    "(coldseald starts it otherwise)\n",
		    stderr);
		return CS_EXIT_USAGE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (fchdir(CORE_STATE) != 0)
		return CS_EXIT_SYSTEM;
	r = sandbox_enter(SANDBOX_CORE, &d);
	if (r == 0)
		r = read_hello(&c);
	if (r == 0)
		r = live(&c, &d);
	if (r != 0) {
		if (d.code != r)
			(void)diag_fail(&d, r, NULL, "core");
		if (say_diag(&c, &d) != 0) {
			diag_format(&d, text, sizeof(text));
			(void)fprintf(stderr, "coldseal-core: %s", text);
		}
		cs_ignore(ipc_send(CORE_CON, CONSOLE_BYE, NULL, 0, -1));
	}
	core_done(&c);
	return err_exit(r);
}
