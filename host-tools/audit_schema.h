/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_SCHEMA_H
#define CS_AUDIT_SCHEMA_H

/*
 * The tables, indexes and views of an auditor's database;
 * host-tools/README.audit-db says what they hold.
 */
#define AUDIT_APPLICATION_ID	0x43534155	/* "CSAU" */
#define AUDIT_USER_VERSION	2

struct audit_dialect {
	const char *tables;
	const char *indexes;	/* made once, after the first import's rows */
	const char *views;
};

extern const struct audit_dialect audit_sqlite, audit_postgresql;

/* datasette.yaml, before and after the database's name. */
extern const char *const audit_datasette[2];

#endif
