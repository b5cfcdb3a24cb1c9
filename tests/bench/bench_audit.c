/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The floors that the audit benches compare with, each printed as JSON:
 *	bench_audit hash FOLDER	  one pass over the entries: read + SHA-256
 *	bench_audit insert FROM TO  the rows of the database FROM into the new
 *			  database TO: same tables, one transaction, prepared
 *			  statements, then the same indexes; without the time
 *			  that reading FROM alone takes
 * and what has no program of its own:
 *	bench_audit proof FOLDER  one inclusion proof, verified, on average
 */

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host-tools/audit_schema.h"
#include "lib/file.h"
#include "lib/note.h"
#include "lib/sha.h"
#include "lib/tiles.h"

#define PROOFS 1000u

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench_audit: %s\n", what);
	exit(1);
}

static uint64_t
log_size(int dirfd)
{
	uint64_t size = 0;
	uint8_t *note;
	size_t len;
	char *nl;

	must(file_read(dirfd, "checkpoint", NOTE_MAX, &note, &len, NULL) == 0,
	    "checkpoint");
	nl = strchr((char *)note, '\n');
	must(nl != NULL &&
		note_size_parse(nl + 1, strcspn(nl + 1, "\n"), &size) == 0,
	    "checkpoint");
	free(note);
	return size;
}

static int
hash_folder(const char *path)
{
	struct tile_id t = { .level = TILE_ENTRIES };
	struct hasher *h = NULL;
	double start = now();
	uint8_t digest[32];
	uint64_t size, bytes = 0;
	int dirfd;

	must(dir_open(AT_FDCWD, path, &dirfd, NULL) == 0, path);
	must(hasher_new(HASH_SHA256, &h) == 0, "SHA-256");
	size = log_size(dirfd);
	for (; (t.width = tile_width_at(t.level, t.index, size)) != 0;
	     t.index++) {
		char name[TILE_PATH_MAX];
		uint8_t *p = NULL;
		size_t len = 0;

		tile_path(&t, name);
		must(file_read(dirfd, name, TILE_ENTRIES_MAX, &p, &len, NULL) ==
			0,
		    name);
		must(hasher_update(h, p, len) == 0, "SHA-256");
		bytes += len;
		free(p);
	}
	must(hasher_final(h, digest, sizeof(digest)) == 0, "SHA-256");
	(void)printf("{\"bytes\":%llu,\"s\":%.3f}\n", (unsigned long long)bytes,
	    now() - start);
	hasher_free(&h);
	(void)close(dirfd);
	return 0;
}

static sqlite3 *
open_db(const char *path)
{
	sqlite3 *db = NULL;

	must(sqlite3_open(path, &db) == SQLITE_OK, path);
	return db;
}

static void
exec(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		must(false, sqlite3_errmsg(db));
}

static sqlite3_stmt *
prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		must(false, sqlite3_errmsg(db));
	return s;
}

/* All rows of a table; into to, or only read if that is NULL. */
static void
copy_table(sqlite3 *from, sqlite3 *to, const char *table)
{
	char sql[256];
	sqlite3_stmt *in, *out = NULL;
	int i, n, len;

	(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s", table);
	in = prepare(from, sql);
	n = sqlite3_column_count(in);
	len = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?", table);
	for (i = 1; i < n; i++)
		len += snprintf(sql + len, sizeof(sql) - (size_t)len, ",?");
	(void)snprintf(sql + len, sizeof(sql) - (size_t)len, ")");
	if (to != NULL)
		out = prepare(to, sql);
	while (sqlite3_step(in) == SQLITE_ROW) {
		for (i = 0; i < n; i++) {
			if (out == NULL)
				(void)sqlite3_column_text(in, i);
			else if (sqlite3_column_type(in, i) == SQLITE_INTEGER)
				(void)sqlite3_bind_int64(out, i + 1,
				    sqlite3_column_int64(in, i));
			else if (sqlite3_column_type(in, i) == SQLITE_NULL)
				(void)sqlite3_bind_null(out, i + 1);
			else
				(void)sqlite3_bind_text(out, i + 1,
				    (const char *)sqlite3_column_text(in, i),
				    sqlite3_column_bytes(in, i), SQLITE_STATIC);
		}
		if (out == NULL)
			continue;
		must(sqlite3_step(out) == SQLITE_DONE, table);
		(void)sqlite3_reset(out);
	}
	(void)sqlite3_finalize(in);
	(void)sqlite3_finalize(out);
}

/* In the order in which they were made, so that foreign keys hold. */
static void
copy_all(sqlite3 *from, sqlite3 *to)
{
	sqlite3_stmt *s = prepare(from,
	    "SELECT name FROM sqlite_schema"
	    " WHERE type = 'table' ORDER BY rowid");

	while (sqlite3_step(s) == SQLITE_ROW)
		copy_table(from, to, (const char *)sqlite3_column_text(s, 0));
	(void)sqlite3_finalize(s);
}

static int
insert(const char *from_path, const char *to_path)
{
	sqlite3 *from = open_db(from_path), *to = open_db(to_path);
	double start = now(), reading, all;

	copy_all(from, NULL);
	reading = now() - start;
	start = now();
	exec(to,
	    "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;"
	    "PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384; BEGIN;");
	exec(to, audit_sqlite.tables);
	copy_all(from, to);
	exec(to, audit_sqlite.indexes);
	exec(to, "COMMIT");
	all = now() - start;
	(void)printf("{\"s\":%.3f,\"reading\":%.3f}\n", all - reading, reading);
	(void)sqlite3_close(from);
	(void)sqlite3_close(to);
	return 0;
}

static int
proof(const char *path)
{
	uint8_t hash[32], root[32], steps[MERKLE_MAX_PROOF][32];
	struct tlog *t = NULL;
	uint64_t size, i, leaf;
	double start = now();
	size_t n;
	int dirfd;

	must(dir_open(AT_FDCWD, path, &dirfd, NULL) == 0, path);
	size = log_size(dirfd);
	for (i = 0; i < PROOFS; i++) {
		leaf = i * (size / PROOFS);
		must(tlog_open_at(dirfd, size, &t, NULL) == 0 &&
			tlog_root(t, root, NULL) == 0 &&
			tlog_leaf_hash(t, leaf, hash, NULL) == 0 &&
			tlog_inclusion(t, leaf, size, steps, &n, NULL) == 0 &&
			merkle_verify_inclusion(leaf, size, hash,
			    (const uint8_t(*)[32])steps, n, root) == 0,
		    "proof");
		tlog_free(&t);
	}
	(void)printf("{\"ms\":%.3f}\n", (now() - start) * 1000 / PROOFS);
	(void)close(dirfd);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "hash") == 0)
		return hash_folder(argv[2]);
	if (argc == 4 && strcmp(argv[1], "insert") == 0)
		return insert(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "proof") == 0)
		return proof(argv[2]);
	(void)fputs("usage: bench_audit hash FOLDER | insert FROM TO |"
		    " proof FOLDER\n",
	    stderr);
	return 2;
}
