/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_WHERE_H
#define CS_AUDIT_WHERE_H

#include "host-tools/cli.h"

/*
 * Where an auditor keeps a log: --db, an SQLite file or a postgresql:// URI
 * with #SCHEMA after it, and --tiles, the folder of the evidence.
 */
struct audit_where {
	const char *db;
	const char *tiles;	/* NULL: FILE.tiles */
};

/* Rows of a verb's options. */
#define AUDIT_OPT_DB	{ "db", "FILE|URI", CLI_REQUIRED,		\
	"the auditor's database: an SQLite file, or postgresql://..." }
#define AUDIT_OPT_TILES	{ "tiles", "FOLDER", 0,				\
	"the folder of tiles; must be given with a URI" }

static inline struct audit_where
audit_where(const struct cli *c, size_t db, size_t tiles)
{
	return (struct audit_where){ cli_get(c, db), cli_get(c, tiles) };
}

/* A server's URI, no file. */
bool audit_where_server(const char *db);
/* The folder; CS_E_USAGE: it must be said.  free(*ret) */
int audit_where_tiles(const struct audit_where *w, char **ret,
    struct diag *d) CS_WUR;

#endif
