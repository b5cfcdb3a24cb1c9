/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of an export, over the link.  Each is checked, written and on disk
 * before the appliance hears that it was fetched.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host-tools/cable.h"
#include "host-tools/cli.h"
#include "host-tools/newfile.h"
#include "host-tools/package.h"
#include "host-tools/progress.h"
#include "host-tools/show.h"
#include "lib/file.h"

enum { O_DEVICE, O_JSON, O_OUT, O_WAIT };

static const struct cli_opt options[] = {
	[O_DEVICE] = { "device", "ADDRESS", 0, CABLE_DEVICE },
	[O_JSON] = { "json", NULL, 0, "machine output" },
	[O_OUT] = { "out", "DIR", 0,
	    "the folder to write to (default: this one)" },
	[O_WAIT] = { "wait", NULL, 0,
	    "wait for the link, and for somebody who types export N link" },
};

/* No other name is taken from an appliance. */
static const struct {
	const char *name, *type;
} kinds[] = {
	{ "COLDSEAL.RSP", "response" },
	{ "COLDSEAL.AUD", "audit" },
	{ "COLDSEAL.ATT", "attest" },
};

struct receiving {
	struct cable cable;
	struct link_status st;
	struct newfile f[LINK_FILES_MAX];
	struct progress bar;
	uint8_t *buf; /* LINK_PART_MAX */
};

static void
receiving_done(struct receiving *x)
{
	size_t i;

	for (i = 0; i < LINK_FILES_MAX; i++)
		newfile_done(&x->f[i]);
	cable_done(&x->cable);
	free(x->buf);
}

static int
wait_for_files(struct receiving *x, bool wait, struct diag *d)
{
	bool told = false, told_prep = false;
	int r;

	for (;;) {
		r = cable_status(&x->cable, &x->st, d);
		if (r != 0 || x->st.out == LINK_OUT_READY)
			return r;
		if (x->st.out == LINK_OUT_PREPARING) {
			cable_wait("the appliance prepares the files",
			    &told_prep);
			continue;
		}
		if (!wait)
			return diag_fail(d, CS_E_LINK_NO_FILE,
			    "files of an export", "none");
		cable_wait("type export N link at the appliance", &told);
	}
}

static int
get_part(struct receiving *x, const struct link_part *p, struct diag *d)
{
	struct buf b = BUF_INIT(LINK_DATA), answer = BUF_INIT(LINK_DATA);
	struct rd rd;
	uint32_t n = 0;
	int r;

	r = link_part_put(&b, p, true);
	if (r == 0)
		r = cable_ask(&x->cable, LINK_GET, &b, &answer, d);
	rd = (struct rd)RD_INIT(answer.p, answer.len);
	if (r == 0 && (rd_u32(&rd, &n) != 0 || rd_end(&rd) != 0 || n != p->len))
		r = diag_fail(d, CS_E_LINK_REQUEST, "the part that was asked",
		    "%" PRIu32 " bytes", n);
	if (r == 0)
		r = link_recv_bytes(&x->cable.l, x->buf, n, d);
	buf_done(&b);
	buf_done(&answer);
	return r;
}

static int
get_file(struct receiving *x, const struct link_file *f, int fd, struct diag *d)
{
	struct link_part p = { 0 };
	struct hasher *h = NULL;
	uint8_t sha[CS_SHA256_LEN];
	int r;

	memcpy(p.name, f->name, sizeof(p.name));
	r = hasher_new(HASH_SHA256, &h);
	for (; r == 0 && p.offset < f->size; p.offset += p.len) {
		p.len = f->size - p.offset > LINK_PART_MAX ?
		    LINK_PART_MAX :
		    (uint32_t)(f->size - p.offset);
		r = get_part(x, &p, d);
		if (r == 0 && fd_write_all(fd, x->buf, p.len) != 0)
			r = diag_errno(d, CS_E_IO, "%s", f->name);
		if (r == 0)
			r = hasher_update(h, x->buf, p.len);
		progress_add(&x->bar, p.len);
	}
	if (r == 0)
		r = hasher_final(h, sha, sizeof(sha));
	hasher_free(&h);
	if (r == 0 && memcmp(sha, f->sha256, sizeof(sha)) != 0)
		r = diag_fail(d, CS_E_LINK_DIGEST, "the SHA-256 of the status",
		    "another one of %s", f->name);
	return r;
}

/* What people and programs will read is a bundle of the type that it says. */
static int
receive_one(struct receiving *x, size_t i, const char *dir, struct diag *d)
{
	_cleanup_package_ struct package *p = NULL;
	const struct link_file *f = &x->st.files[i];
	_cleanup_free_ char *path = NULL;
	size_t k;
	int r;

	for (k = 0; k < ARRAY_LEN(kinds); k++)
		if (strcmp(kinds[k].name, f->name) == 0)
			break;
	if (k == ARRAY_LEN(kinds))
		return diag_fail(d, CS_E_LINK_REQUEST,
		    "COLDSEAL.RSP, .AUD or .ATT", "%s", f->name);
	if (asprintf(&path, "%s/%s", dir, f->name) < 0)
		return diag_nomem(d);
	r = newfile_open(path, &x->f[i], d);
	if (r == 0)
		r = get_file(x, f, x->f[i].fd, d);
	if (r == 0)
		r = package_open(x->f[i].tmp, kinds[k].type, &p, d);
	return r;
}

static int
say_end(struct receiving *x, const struct link_file *f, struct diag *d)
{
	struct buf b = BUF_INIT(LINK_DATA), answer = BUF_INIT(LINK_DATA);
	int r = link_file_put(&b, f);

	if (r == 0)
		r = cable_ask(&x->cable, LINK_END, &b, &answer, d);
	if (r == 0 && answer.len != 0)
		r = diag_fail(d, CS_E_LINK_REQUEST, "no more", "%zu bytes",
		    answer.len);
	buf_done(&b);
	buf_done(&answer);
	return r;
}

static int
receive_all(struct receiving *x, const char *dir, struct diag *d)
{
	uint64_t total = 0;
	size_t i;
	int r = 0;

	for (i = 0; i < x->st.nfiles; i++)
		total += x->st.files[i].size;
	progress_start(&x->bar, "receiving", total);
	for (i = 0; r == 0 && i < x->st.nfiles; i++)
		r = receive_one(x, i, dir, d);
	progress_end(&x->bar);
	/* all of them, or none */
	for (i = 0; r == 0 && i < x->st.nfiles; i++)
		r = newfile_commit(&x->f[i], d);
	for (i = 0; r == 0 && i < x->st.nfiles; i++)
		r = say_end(x, &x->st.files[i], d);
	return r;
}

static int
print(const struct cli *c, const struct receiving *x, const char *dir,
    struct diag *d)
{
	json_t *a;
	size_t i;

	if (cli_has(c, O_JSON)) {
		a = json_array();
		for (i = 0; a != NULL && i < x->st.nfiles; i++)
			(void)json_array_append_new(a,
			    json_pack("{s:s, s:I, s:o}", "name",
				x->st.files[i].name, "size",
				(json_int_t)x->st.files[i].size, "sha256",
				json_hex(x->st.files[i].sha256,
				    CS_SHA256_LEN)));
		return cli_print_json(json_pack("{s:s, s:s, s:o}", "appliance",
					  x->st.appliance, "folder", dir,
					  "files", a),
		    d);
	}
	show_text("received from", x->st.appliance);
	for (i = 0; i < x->st.nfiles; i++)
		show_text("file", x->st.files[i].name);
	show_text("in", dir);
	return 0;
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_(
	    receiving_done) struct receiving x = { .cable.stream.fd = -1 };
	const char *dir = cli_get_or(c, O_OUT, ".");
	bool wait = cli_has(c, O_WAIT);
	size_t i;
	int r;

	for (i = 0; i < LINK_FILES_MAX; i++)
		x.f[i] = (struct newfile)NEWFILE_INIT;
	x.buf = malloc(LINK_PART_MAX);
	if (x.buf == NULL)
		return diag_nomem(d);
	r = cable_open(cli_get(c, O_DEVICE), wait, &x.cable, d);
	if (r == 0)
		r = wait_for_files(&x, wait, d);
	if (r == 0)
		r = receive_all(&x, dir, d);
	return r == 0 ? print(c, &x, dir, d) : r;
}

const struct cli_verb verb_link_receive = {
	.group = "link",
	.name = "receive",
	.operands = "",
	.min_args = 0,
	.max_args = 0,
	.about = "Fetch what the appliance exports over the USB link.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
