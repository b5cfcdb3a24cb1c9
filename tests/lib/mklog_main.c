/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mklog [--two] [--from N] ORIGIN LEAVES OUT [VARIANT AT]: an audit bundle
 * for tests; LEAVES is their number, or @FILE, whose lines they are; --two:
 * its checkpoint has two signature lines; --from: it begins with the tile that
 * has leaf N.
 * mklog --vkey ORIGIN: its Ed25519 verifier key on stdout.
 * mklog --vkeys ORIGIN: both keys.
 * Variants: fork (leaves from AT on differ), tamper (one byte of leaf AT is
 * changed after signing), hash (so is its hash tile's), form (leaf AT is not
 * canonical), missing (the entries of leaf AT are cut), root (the signed root
 * is another), huge (the checkpoint says that there are 2^AT leaves).
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"
#include "lib/hex.h"
#include "lib/sha.h"
#include "tests/lib/mklog.h"

#define CLAIMED UINT64_C(1795000000)

static int
leaf_text(uint64_t i, bool fork, bool bad_form, char *out, size_t size)
{
	char hex[CS_SHA256_HEX + 1];

	if (sha256_hex(&i, sizeof(i), hex) != 0)
		mklog_die("sha256", CS_E_CRYPTO, NULL);
	return snprintf(out, size,
	    "{\"boot\":1,\"data\":{\"artifact\":\"%s\","
	    "\"key\":\"fw-p256\",\"person\":\"%s\",\"product\":\"router\","
	    "\"request\":\"%.32s\"},%s\"event\":\"%s\","
	    "\"time\":{\"claimed\":%" PRIu64 ",\"source\":\"rtc\"},"
	    "\"tpm\":{\"clock\":%" PRIu64 ",\"reset\":1,\"restart\":0,"
	    "\"safe\":true},\"v\":1}\n",
	    hex, fork ? "mallory" : "alice", hex, bad_form ? " " : "",
	    i % 3 == 0 ? "signature" : "approval", CLAIMED + i, i);
}

/* Changes the byte at the end of a file's named part. */
static void
change(struct mklog *l, uint64_t at, const char *variant)
{
	bool hash = strcmp(variant, "hash") == 0;
	uint64_t size = tlog_size(l->log);
	struct tile_id t = { hash ? 0 : TILE_ENTRIES, at / TILE_WIDTH, 0 };
	char path[TILE_PATH_MAX];
	struct diag d = { 0 };
	uint8_t *data;
	size_t len, off = 0, i;
	int r;

	t.width = tile_width_at(t.level, t.index, size);
	tile_path(&t, path);
	r = file_read(l->dirfd, path, 32u << 20, &data, &len, &d);
	if (r != 0)
		mklog_die(path, r, &d);
	if (hash)
		off = at % TILE_WIDTH * 32;
	else
		for (i = 0; i < at % TILE_WIDTH; i++)
			off += 2u + ((size_t)data[off] << 8 | data[off + 1]);
	if (strcmp(variant, "missing") == 0)
		len = off;
	else
		data[off + (hash ? 0 : 40)] ^= 0x01;
	r = file_write_atomic(l->dirfd, path, data, len, 0644, &d);
	if (r != 0)
		mklog_die(path, r, &d);
	free(data);
}

/* Appends the lines of a file, newlines included. */
static void
append_lines(struct mklog *l, const char *path)
{
	struct tlog_leaf *v = NULL;
	size_t n = 0, cap = 0;
	struct diag d = { 0 };
	uint8_t *text, *nl;
	size_t left;
	int r;

	r = file_read(AT_FDCWD, path, 2047u << 20, &text, &left, &d);
	if (r != 0)
		mklog_die(path, r, &d);
	for (nl = text; left > 0; left -= v[n++].len, nl += v[n - 1].len) {
		if (n == cap) {
			cap = 2 * cap + 1024;
			v = reallocarray(v, cap, sizeof(*v));
		}
		if (v == NULL || memchr(nl, '\n', left) == NULL)
			mklog_die(path, CS_E_INTERNAL, NULL);
		v[n].bytes = nl;
		v[n].len = (size_t)((uint8_t *)memchr(nl, '\n', left) - nl) + 1;
	}
	if (n > 0)
		mklog_append(l, v, n);
	free(v);
	free(text);
}

static void
sign_huge(struct mklog *l, uint64_t bits)
{
	struct checkpoint c = { .size = UINT64_C(1) << bits };
	struct diag d = { 0 };

	(void)snprintf(c.origin, sizeof(c.origin), "%s", l->keys.v[0].name);
	if (tlog_root(l->log, c.root, &d) != 0)
		mklog_die("root", d.code, &d);
	mklog_sign_as(l, &c);
}

int
main(int argc, char **argv)
{
	char text[NOTE_VKEYS_TEXT_MAX], leaf[1024];
	bool two = argc > 1 && strcmp(argv[1], "--two") == 0;
	const char *variant;
	uint64_t i, n, at, from = 0;
	struct tlog_leaf *leaves;
	struct mklog l;
	int len;

	argv += two;
	argc -= two;
	if (argc > 2 && strcmp(argv[1], "--from") == 0) {
		from = strtoull(argv[2], NULL, 10);
		argv += 2;
		argc -= 2;
	}
	variant = argc == 6 ? argv[4] : "";
	if (argc == 3 && strncmp(argv[1], "--vkey", 6) == 0) {
		mklog_init(&l, argv[2]);
		l.keys.n = strcmp(argv[1], "--vkeys") == 0 ? 2 : 1;
		note_vkeys_format(&l.keys, text);
		(void)fputs(text, stdout);
		mklog_done(&l);
		return 0;
	}
	if (argc != 4 && argc != 6)
		mklog_die("usage: mklog [--two] ORIGIN LEAVES OUT [VARIANT AT]",
		    CS_E_USAGE, NULL);
	n = argv[2][0] == '@' ? 0 : strtoull(argv[2], NULL, 10);
	at = argc == 6 ? strtoull(argv[5], NULL, 10) : n;
	mklog_init(&l, argv[1]);
	l.two = two;
	l.from = from;
	leaves = calloc(n + 1, sizeof(*leaves));
	if (leaves == NULL)
		mklog_die("memory", CS_E_NOMEM, NULL);
	for (i = 0; i < n; i++) {
		len = leaf_text(i, strcmp(variant, "fork") == 0 && i >= at,
		    strcmp(variant, "form") == 0 && i == at, leaf,
		    sizeof(leaf));
		leaves[i].bytes = strdup(leaf);
		leaves[i].len = (size_t)len;
	}
	if (n > 0)
		mklog_append(&l, leaves, n);
	else if (argv[2][0] == '@')
		append_lines(&l, argv[2] + 1);
	for (i = 0; i < n; i++)
		free((void *)(uintptr_t)leaves[i].bytes);
	free(leaves);
	mklog_sign(&l, strcmp(variant, "root") == 0);
	if (strcmp(variant, "huge") == 0)
		sign_huge(&l, at);
	if (strcmp(variant, "tamper") == 0 || strcmp(variant, "hash") == 0 ||
	    strcmp(variant, "missing") == 0)
		change(&l, at, variant);
	mklog_bundle(&l, NULL, argv[3]);
	mklog_done(&l);
	return 0;
}
