/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Export: one response and the whole log, written by the export helper as a
 * volume of its own.  The response is put together from what is stored (the
 * record, the signature leaves, the checkpoint that first covered them), so
 * exporting again gives the same bytes and signs nothing.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "appliance/core.h"
#include "lib/b64.h"
#include "lib/canon.h"
#include "lib/dirlist.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/proto.h"
#include "lib/tiles.h"
#include "lib/tlogproof.h"

#define WHO	     "the export helper"
#define NAME_MAX_LEN 101
#define PACK_MAX     (512u << 20)

struct member {
	char name[NAME_MAX_LEN];
	uint64_t off, len;
};

/* Small members travel together in one sealed memfd. */
struct pack {
	struct buf bytes;
	struct member *v;
	size_t n, cap;
};

struct exporting {
	struct core *c;
	int sock;
	struct pack pack;
	struct case_file f;
	char *note; /* the checkpoint of the response */
	size_t note_len;
	uint64_t note_size;
};

static void
pack_reset(struct pack *p)
{
	buf_reset(&p->bytes);
	p->n = 0;
}

static void
exporting_done(struct exporting *x)
{
	buf_done(&x->pack.bytes);
	free(x->pack.v);
	case_done(&x->f);
	free(x->note);
	close_fdp(&x->sock);
}

static int
pack_add(struct pack *p, const char *name, const void *data, size_t len)
{
	struct member *v;
	int r;

	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 64 : p->cap * 2;

		v = reallocarray(p->v, cap, sizeof(*v));
		if (v == NULL)
			return CS_E_NOMEM;
		p->v = v;
		p->cap = cap;
	}
	v = &p->v[p->n];
	if (snprintf(v->name, sizeof(v->name), "%s", name) >=
	    (int)sizeof(v->name))
		return CS_E_INTERNAL;
	v->off = p->bytes.len;
	v->len = len;
	r = buf_put(&p->bytes, data, len);
	if (r == 0)
		p->n++;
	return r;
}

static int
send_file(struct exporting *x, const char *name, const char *type)
{
	struct buf b = BUF_INIT(256);
	int r;

	r = buf_put_cstr(&b, name);
	if (r == 0)
		r = buf_put_cstr(&b, type);
	if (r == 0)
		r = ipc_send_buf(x->sock, EXPORT_FILE, &b, -1);
	buf_done(&b);
	return r;
}

static int
send_member(struct exporting *x, const char *name, uint64_t off, uint64_t len)
{
	struct buf b = BUF_INIT(256);
	int r;

	r = buf_put_cstr(&b, name);
	if (r == 0)
		r = buf_put_u64(&b, off);
	if (r == 0)
		r = buf_put_u64(&b, len);
	if (r == 0)
		r = ipc_send_buf(x->sock, EXPORT_MEMBER, &b, -1);
	buf_done(&b);
	return r;
}

static int
send_pack(struct exporting *x, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	size_t i;
	int r;

	if (x->pack.n == 0)
		return 0;
	r = memfd_sealed("members", x->pack.bytes.p, x->pack.bytes.len, &fd, d);
	if (r == 0)
		r = ipc_send(x->sock, EXPORT_PACK, NULL, 0, fd);
	for (i = 0; r == 0 && i < x->pack.n; i++)
		r = send_member(x, x->pack.v[i].name, x->pack.v[i].off,
		    x->pack.v[i].len);
	pack_reset(&x->pack);
	return r;
}

/* A file of the state folder as one member. */
static int
send_state_file(struct exporting *x, int dirfd, const char *path,
    const char *name, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r;

	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "%s", path);
	r = ipc_send(x->sock, EXPORT_PACK, NULL, 0, fd);
	return r == 0 ? send_member(x, name, 0, (uint64_t)st.st_size) : r;
}

/* The signature bytes of a signature leaf, and whose they are. */
static int
read_signature(struct exporting *x, uint64_t leaf, char artifact[65],
    uint8_t **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_free_ char *line = NULL, *b64 = NULL;
	_cleanup_free_ uint8_t *sig = NULL;
	size_t len;
	int r;

	r = ledger_leaf(x->c->ledger, leaf, &line, &len, d);
	if (r != 0)
		return r;
	b64 = malloc(len + 1);
	sig = malloc(len + 1);
	if (b64 == NULL || sig == NULL)
		return diag_nomem(d);
	r = canon_get_str(line, len, "data.artifact", artifact, 65, NULL);
	if (r == 0)
		r = canon_get_str(line, len, "data.signature", b64, len + 1,
		    NULL);
	if (r == 0)
		r = b64_decode(b64, strlen(b64), sig, len, ret_len);
	if (r != 0)
		return diag_fail(d, CS_E_LEDGER_LEAF, "a signature leaf",
		    "leaf %llu", (unsigned long long)leaf);
	*ret = take_ptr(sig);
	return 0;
}

static int
add_signature(struct exporting *x, uint64_t leaf, struct diag *d)
{
	_cleanup_free_ uint8_t *sig = NULL;
	_cleanup_free_ char *proof = NULL;
	uint8_t path[MERKLE_MAX_PROOF][32];
	char artifact[65], name[NAME_MAX_LEN];
	size_t sig_len, npath, proof_len;
	int r;

	r = read_signature(x, leaf, artifact, &sig, &sig_len, d);
	if (r == 0)
		r = ledger_inclusion(x->c->ledger, leaf, x->note_size, path,
		    &npath, d);
	if (r == 0)
		r = tlogproof_format(leaf, (const uint8_t(*)[32])path, npath,
		    x->note, x->note_len, &proof, &proof_len, d);
	if (r != 0)
		return r;
	(void)snprintf(name, sizeof(name), "signatures/%s.%s", artifact,
	    sigfmt_suffix(x->f.req->format));
	r = pack_add(&x->pack, name, sig, sig_len);
	if (r != 0)
		return r;
	(void)snprintf(name, sizeof(name), "proofs/%s.tlog-proof", artifact);
	return pack_add(&x->pack, name, proof, proof_len);
}

/* record.dsse, and for a signed request its signatures and proofs. */
static int
pack_response(struct exporting *x, struct diag *d)
{
	_cleanup_free_ uint8_t *record = NULL;
	const struct ledger_request *q = &x->f.q;
	size_t len;
	uint64_t i;
	int r;

	r = ledger_blob_get(x->c->ledger, q->response, DSSE_MAX, &record, &len,
	    d);
	if (r == 0)
		r = pack_add(&x->pack, "record.dsse", record, len);
	if (r != 0 || q->state == REQ_REFUSED)
		return r;
	r = ledger_checkpoint_at(x->c->ledger, q->outcome_leaf + 1, &x->note,
	    &x->note_len, &x->note_size, d);
	for (i = 0; r == 0 && i < q->nleaves; i++)
		r = add_signature(x, q->first_leaf + i, d);
	if (r == 0)
		r = pack_add(&x->pack, "checkpoint", x->note, x->note_len);
	return r;
}

struct tile_list {
	char (*path)[TILE_PATH_MAX];
	size_t n, cap;
};

static int
collect_tile(void *arg, const struct tile_id *t)
{
	struct tile_list *l = arg;

	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : l->cap * 2;
		void *v = reallocarray(l->path, cap, TILE_PATH_MAX);

		if (v == NULL)
			return CS_E_NOMEM;
		l->path = v;
		l->cap = cap;
	}
	tile_path(t, l->path[l->n++]);
	return 0;
}

static int
compare_paths(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
send_tiles(struct exporting *x, struct diag *d)
{
	struct tile_list l = { 0 };
	size_t i;
	int r;

	r = tile_each(ledger_size(x->c->ledger), collect_tile, &l);
	if (r == 0 && l.n > 0)
		qsort(l.path, l.n, TILE_PATH_MAX, compare_paths);
	for (i = 0; r == 0 && i < l.n; i++)
		r = send_state_file(x, ledger_log_fd(x->c->ledger), l.path[i],
		    l.path[i], d);
	free(l.path);
	return r;
}

static int
send_blobs(struct exporting *x, struct diag *d)
{
	char(*names)[CS_SHA256_HEX + 1] = NULL;
	char member[NAME_MAX_LEN];
	size_t n = 0, i;
	int r;

	r = dir_list_blobs(ledger_blobs_fd(x->c->ledger), &names, &n, d);
	for (i = 0; r == 0 && i < n; i++) {
		(void)snprintf(member, sizeof(member), "blobs/%s", names[i]);
		r = send_state_file(x, ledger_blobs_fd(x->c->ledger), names[i],
		    member, d);
	}
	free(names);
	return r;
}

static int
send_audit(struct exporting *x, struct diag *d)
{
	int r;

	r = send_file(x, "COLDSEAL.AUD", "audit");
	if (r == 0)
		r = send_state_file(x, ledger_log_fd(x->c->ledger),
		    "checkpoint", "checkpoint", d);
	if (r == 0)
		r = send_state_file(x, CORE_STATE, "policy.dsse", "policy.dsse",
		    d);
	if (r == 0)
		r = send_tiles(x, d);
	return r == 0 ? send_blobs(x, d) : r;
}

/* EXPORT_DONE: every file with its digest, for the log and the screen. */
static int
on_done(struct exporting *x, const struct ipc_msg *m, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);
	json_t *files = json_array();
	uint32_t n = 0, i;
	int r;

	r = rd_u32(&rd, &n);
	for (i = 0; r == 0 && i < n && i < 8; i++) {
		char name[16], hex[65];
		uint64_t size = 0;

		r = rd_cstr_into(&rd, name, sizeof(name));
		if (r == 0)
			r = rd_cstr_into(&rd, hex, sizeof(hex));
		if (r == 0)
			r = rd_u64(&rd, &size);
		if (r != 0)
			break;
		(void)json_array_append_new(files,
		    json_pack("{s:s, s:s, s:I}", "name", name, "sha256", hex,
			"size", (json_int_t)size));
		r = say(x->c,
		    "written and read back: %s, %llu bytes\n"
		    "  sha256 %s\n",
		    name, (unsigned long long)size, hex);
	}
	if (r != 0 || rd_end(&rd) != 0 || files == NULL) {
		json_decref(files);
		return diag_fail(d, CS_E_IPC, "a list of files", WHO);
	}
	return core_log_one(x->c, "export",
	    json_pack("{s:s, s:s, s:o}", "request", x->f.q.id, "request_sha256",
		x->f.q.digest, "files", files),
	    d);
}

static int
commit(struct exporting *x, struct diag *d)
{
	int r;

	r = ipc_send(x->sock, EXPORT_COMMIT, NULL, 0, -1);
	while (r == 0) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
		uint64_t done = 0, total = 0;
		struct rd rd;

		r = helper_recv(x->sock, EXPORT_FAIL, WHO, &m, d);
		if (r != 0)
			return r;
		if (m.type == EXPORT_DONE)
			return on_done(x, &m, d);
		rd = (struct rd)RD_INIT(m.body.p, m.body.len);
		if (m.type != EXPORT_PROGRESS || rd_u64(&rd, &done) != 0 ||
		    rd_u64(&rd, &total) != 0)
			return diag_fail(d, CS_E_IPC, "a known message", WHO);
		r = show_progress(x->c, "writing", done, total);
	}
	return r;
}

/* The helper's own reason if it died while it was being fed. */
static int
feed(struct exporting *x, struct diag *d)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	int r;

	r = send_file(x, "COLDSEAL.RSP", "response");
	if (r == 0)
		r = send_pack(x, d);
	if (r == 0)
		r = send_audit(x, d);
	if (r == CS_E_IPC)
		return helper_recv(x->sock, EXPORT_FAIL, WHO, &m, d) != 0 &&
			d->code != 0 ?
		    d->code :
		    CS_E_IPC;
	return r;
}

struct last {
	uint64_t n;
};

static int
find_last(void *arg, const struct ledger_request *q)
{
	struct last *l = arg;

	if (q->response[0] != '\0')
		l->n = q->n;
	return 0;
}

/* The request that was named, or the newest that has a response. */
static int
choose(struct exporting *x, char **argv, size_t argc, struct diag *d)
{
	struct last l = { 0 };
	int r;

	if (argc > 0)
		r = parse_number(argv[0], &l.n, d);
	else
		r = ledger_requests(x->c->ledger, find_last, &l, d);
	if (r == 0 && l.n == 0)
		return diag_fail(d, CS_E_NOTHING, "a signed or refused request",
		    "none");
	if (r == 0)
		r = case_load(x->c, l.n, &x->f, d);
	if (r == 0 && x->f.q.response[0] == '\0')
		r = diag_fail(d, CS_E_NOTHING, "a signed or refused request",
		    "request %llu is %s", (unsigned long long)l.n,
		    request_state_name(x->f.q.state));
	return r;
}

int
verb_export(struct core *c, char **argv, size_t argc, struct diag *d)
{
	_cleanup_(exporting_done) struct exporting x = { .c = c,
		.sock = -1,
		.pack.bytes.max = PACK_MAX };
	int r;

	r = choose(&x, argv, argc, d);
	if (r == 0)
		r = pack_response(&x, d);
	if (r == 0)
		r = helper_spawn(c, SUP_EXPORT, "", &x.sock, NULL, d);
	if (r == 0)
		r = feed(&x, d);
	if (r == 0)
		r = commit(&x, d);
	if (r != 0)
		return r;
	return say(c,
	    "request %llu exported; it is safe to remove the OUT "
	    "medium\n",
	    (unsigned long long)x.f.q.n);
}
