/* SPDX-License-Identifier: Apache-2.0 */

/*
 * coldseal-token MODULE: one person's token for one decision.
 *
 *	start -> module open -> sandbox -> FIND -> (one key) -> SIGN -> exit
 *
 * Descriptor 3 is the core, 4 the pipe that the console writes the PIN to.
 * Whose token it is follows from the public key on it (Q5), never from label,
 * serial or order.  The PIN is tried once; nothing asks for it again.
 */

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "hsm/p11.h"
#include "hsm/sign.h"
#include "lib/ipc.h"
#include "lib/proto_signer.h"
#include "lib/sandbox.h"

#define FD_CORE	    3
#define FD_PIN	    4
#define KEYS_MAX    256u
#define SPKI_MAX    1024u
#define PIN_MAX	    64u
#define ITEM_MAX    60000u
#define TOKEN_FLAGS (P11_F_COUNT_LOW | P11_F_FINAL_TRY | P11_F_LOCKED)

/* sent as they are */
_Static_assert(P11_F_COUNT_LOW == TOKEN_F_COUNT_LOW &&
	P11_F_FINAL_TRY == TOKEN_F_FINAL_TRY && P11_F_LOCKED == TOKEN_F_LOCKED,
    "TOKEN_F_* and P11_F_* differ");

struct item {
	uint8_t kind;
	const uint8_t *bytes;
	size_t len;
};

struct token {
	struct p11 *p11;
	struct pubkey *keys[KEYS_MAX];
	size_t nkeys;
	bool found;
	struct p11_token info;
	struct p11_match match;
	struct p11_session *session;
	struct p11_key *key;
	struct secret *pin; /* until all items are signed */
};

/* Every key of the token and the PIN are gone. */
static void
lock(struct token *t)
{
	p11_key_free(&t->key);
	p11_session_close(&t->session);
	secret_free(&t->pin);
}

static void
token_done(struct token *t)
{
	size_t i;

	lock(t);
	p11_close(&t->p11);
	for (i = 0; i < t->nkeys; i++)
		pubkey_free(&t->keys[i]);
}

static int
read_keys(struct token *t, const struct ipc_msg *m, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	const uint8_t *p;
	uint32_t n, i;
	size_t len;
	int r;

	if (m->fd >= 0 || rd_u32(&rd, &n) != 0 || n > KEYS_MAX)
		return CS_E_IPC;
	for (i = 0; i < n; i++) {
		if (rd_str(&rd, SPKI_MAX, &p, &len) != 0)
			return CS_E_IPC;
		r = pubkey_from_spki(p, len, &t->keys[i], d);
		if (r != 0)
			return r;
		t->nkeys++;
	}
	return rd_end(&rd) == 0 ? 0 : CS_E_IPC;
}

/* One token: does it hold one of the keys? */
static int
look_at(struct token *t, const struct p11_token *info, struct diag *d)
{
	_cleanup_p11_session_ struct p11_session *s = NULL;
	struct p11_spki list[KEYS_MAX];
	struct p11_match match;
	size_t i;
	int r;

	for (i = 0; i < t->nkeys; i++)
		list[i] =
		    (struct p11_spki){ t->keys[i]->spki, t->keys[i]->spki_len };
	r = p11_session_open(t->p11, info, false, &s, d);
	if (r == 0)
		r = p11_find_by_spki(s, list, t->nkeys, &match, d);
	if (r == CS_E_HSM_KEY_ABSENT)
		return 0;
	if (r != 0)
		return r;
	if (t->found)
		return diag_fail(d, CS_E_HSM_KEY_AMBIGUOUS,
		    "the token of one person",
		    "enrolled keys on the tokens %s and %s", t->info.label,
		    info->label);
	t->found = true;
	t->info = *info;
	t->match = match;
	return 0;
}

static int
send_found(const struct token *t)
{
	struct buf b = BUF_INIT(256);
	int r = buf_put_u32(&b, (uint32_t)t->match.index);

	if (r == 0)
		r = buf_put_u8(&b, (uint8_t)(t->info.flags & TOKEN_FLAGS));
	if (r == 0)
		r = buf_put_cstr(&b, t->info.label);
	if (r == 0)
		r = ipc_send_buf(FD_CORE, TOKEN_FOUND, &b, -1);
	buf_done(&b);
	return r;
}

static int
on_find(struct token *t, struct ipc_msg *m, struct diag *d)
{
	_cleanup_free_ struct p11_token *list = NULL;
	size_t i, n = 0;
	int r;

	r = read_keys(t, m, d);
	if (r == 0)
		r = p11_tokens(t->p11, &list, &n, d);
	for (i = 0; r == 0 && i < n; i++)
		if ((list[i].flags & P11_F_INITIALISED) != 0)
			r = look_at(t, &list[i], d);
	if (r != 0)
		return r;
	if (!t->found)
		return diag_fail(d, CS_E_HSM_TOKEN_ABSENT,
		    "a token with an enrolled key",
		    "no enrolled key on any token in this port");
	return send_found(t);
}

static int
read_items(const struct ipc_msg *m, bool *ret_agreed, struct item *items,
    uint32_t *ret_n)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	uint8_t agreed;
	uint32_t i;

	if (m->fd >= 0 || rd_u8(&rd, &agreed) != 0 || agreed > 1 ||
	    rd_u32(&rd, ret_n) != 0 || *ret_n == 0 || *ret_n > TOKEN_MAX_ITEMS)
		return CS_E_IPC;
	for (i = 0; i < *ret_n; i++)
		if (rd_u8(&rd, &items[i].kind) != 0 ||
		    items[i].kind > TOKEN_ITEM_TPM ||
		    rd_str(&rd, ITEM_MAX, &items[i].bytes, &items[i].len) != 0)
			return CS_E_IPC;
	*ret_agreed = agreed == 1;
	return rd_end(&rd) == 0 ? 0 : CS_E_IPC;
}

/* Everything that would waste a PIN entry. */
static int
check_before_pin(const struct token *t, bool agreed, const struct item *items,
    uint32_t n, struct diag *d)
{
	const struct pubkey *k = t->keys[t->match.index];
	uint32_t i;

	if ((t->info.flags & P11_F_LOCKED) != 0)
		return diag_fail(d, CS_E_HSM_PIN_LOCKED, NULL, "%s",
		    t->info.label);
	if ((t->info.flags & P11_F_FINAL_TRY) != 0 && !agreed)
		return diag_fail(d, CS_E_HSM_PIN_FINAL, NULL, "%s",
		    t->info.label);
	/* what TPM2_PolicySigned takes */
	for (i = 0; i < n; i++)
		if (items[i].kind == TOKEN_ITEM_TPM &&
		    !pubkey_fits(k, KEY_P256) && !pubkey_fits(k, KEY_P384) &&
		    !EVP_PKEY_is_a(k->pkey, "RSA"))
			return diag_fail(d, CS_E_TOKEN_ITEM,
			    "a P-256, P-384 or RSA key", "another on %s",
			    t->info.label);
	return 0;
}

/* From the pipe into locked memory, to its end. */
static int
read_pin(struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *pin = NULL;
	size_t len = 0;
	ssize_t n;
	int r;

	r = secret_new(PIN_MAX + 1, &pin);
	if (r != 0)
		return r;
	for (;;) {
		n = read(FD_PIN, secret_data(pin) + len, PIN_MAX + 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_errno(d, CS_E_IO, "PIN pipe");
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > PIN_MAX)
			return diag_fail(d, CS_E_TOKEN_PIN, "at most 64 bytes",
			    "more");
	}
	if (len == 0)
		return diag_fail(d, CS_E_TOKEN_PIN, "a PIN", "nothing");
	r = secret_set_len(pin, len);
	if (r == 0)
		*ret = take_ptr(pin);
	return r;
}

static int
sign_items(struct token *t, const struct item *items, uint32_t n,
    struct buf *out, struct diag *d)
{
	const struct pubkey *pub = t->keys[t->match.index];
	struct buf sig = BUF_INIT(HSM_SIG_MAX);
	uint32_t i;
	int r;

	r = buf_put_u32(out, n);
	for (i = 0; r == 0 && i < n; i++) {
		r = hsm_sign_message(t->session, t->key, items[i].bytes,
		    items[i].len, &sig, d);
		if (r == 0 &&
		    pubkey_verify_message(pub, items[i].bytes, items[i].len,
			sig.p, sig.len) != 0)
			r = diag_fail(d, CS_E_SELF_VERIFY,
			    "a signature that the enrolled key verifies",
			    "another from %s", t->info.label);
		if (r == 0)
			r = buf_put_str(out, sig.p, sig.len);
	}
	buf_done(&sig);
	return r;
}

/*
 * One login.  The PIN stays in locked memory until the items are signed: a key
 * may want it for each of them.
 */
static int
login(struct token *t, bool agreed, struct diag *d)
{
	int r;

	r = p11_session_open(t->p11, &t->info, false, &t->session, d);
	if (r == 0)
		r = read_pin(&t->pin, d);
	if (r == 0)
		r = p11_login(t->session, t->pin,
		    agreed ? P11_LOGIN_FINAL_AGREED : 0, d);
	if (r == 0)
		p11_pin_each(t->session, t->pin);
	return r;
}

static int
on_sign(struct token *t, struct ipc_msg *m, struct diag *d)
{
	const struct pubkey *pub;
	struct item items[TOKEN_MAX_ITEMS];
	struct buf out = BUF_INIT(IPC_MAX - 2);
	bool agreed = false;
	uint32_t n = 0;
	int r;

	if (!t->found)
		return CS_E_IPC;
	pub = t->keys[t->match.index];
	r = read_items(m, &agreed, items, &n);
	if (r == 0)
		r = check_before_pin(t, agreed, items, n, d);
	if (r == 0)
		r = login(t, agreed, d);
	if (r == 0)
		r = p11_find_key(t->session, t->match.id, t->match.id_len, NULL,
		    pub->spki, pub->spki_len, &t->key, d);
	if (r == 0)
		r = sign_items(t, items, n, &out, d);
	lock(t);
	if (r == 0)
		r = ipc_send_buf(FD_CORE, TOKEN_SIGNED, &out, -1);
	buf_done(&out);
	return r;
}

static int
send_fail(int code, struct diag *d)
{
	struct buf b = BUF_INIT(4096);
	int r;

	if (d->code == 0)
		(void)diag_fail(d, code, NULL, "in the token helper");
	r = ipc_put_diag(&b, d);
	if (r == 0)
		r = ipc_send_buf(FD_CORE, TOKEN_FAIL, &b, -1);
	buf_done(&b);
	return r;
}

static const struct {
	uint16_t type;
	int (*handle)(struct token *, struct ipc_msg *, struct diag *);
} steps[] = {
	{ TOKEN_FIND, on_find },
	{ TOKEN_SIGN, on_sign },
};

/*
 * Two questions in this order, then the end; start is what went wrong before
 * the first, or 0.  A failure ends it too.
 */
static int
serve(struct token *t, int start, struct diag *d)
{
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(steps); i++) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;

		if (ipc_recv(FD_CORE, &m, IPC_NO_TIMEOUT) != 0 ||
		    m.type != steps[i].type)
			return CS_E_IPC;
		r = start == 0 ? steps[i].handle(t, &m, d) : start;
		if (r == CS_E_IPC)
			return r;
		if (r != 0)
			return send_fail(r, d) == 0 ? r : CS_E_IPC;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static struct token t;
	struct diag d = { 0 }, sandbox = { 0 };
	char text[1024];
	int r;

	/* what libraries free is overwritten, see tpm/tpm.h */
	(void)mallopt(M_PERTURB, 0x5a);
	sandbox_harden();
	if (argc != 2) {
		(void)fprintf(stderr, "usage: coldseal-token MODULE\n");
		return CS_EXIT_USAGE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	r = p11_open(argv[1], &t.p11, &d);
	if (sandbox_enter(SANDBOX_TOKEN, &sandbox) != 0) {
		diag_format(&sandbox, text, sizeof(text));
		(void)fprintf(stderr, "coldseal-token: %s", text);
		return CS_EXIT_SYSTEM;
	}
	r = serve(&t, r, &d);
	token_done(&t);
	return err_exit(r);
}
