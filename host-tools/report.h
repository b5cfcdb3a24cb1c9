/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_REPORT_H
#define CS_REPORT_H

#include "host-tools/audit_view.h"
#include "host-tools/html.h"

/*
 * The report for auditors and those whom they report to: one HTML file,
 * written from front to back in constant memory, without script, image or
 * request.  One function for each section; the page's text is here, what is
 * from the log passes html_text().
 */
struct report {
	struct html h;
	struct audit_view a;
	uint64_t rows;		/* of each table, the newest */
	int64_t now;		/* by the auditor's clock */
	/* what report_verify() found */
	int verdict;		/* 0 or CS_E_*: the evidence does not hold */
	struct diag why;
	uint64_t forks, waiting;	/* bundles that wait for a medium */
	uint64_t findings[3];	/* by enum report_level */
};

enum report_level { REPORT_SERIOUS, REPORT_ATTENTION, REPORT_NOTE };

/* Its SHA-256 is what the page's policy allows. */
extern const char report_style[];

/* Reads every leaf, and that the database says the same. */
int report_verify(struct report *p, struct diag *d) CS_WUR;
int report_count_findings(struct report *p, struct diag *d) CS_WUR;

int report_head(struct report *p, struct diag *d) CS_WUR;
int report_identity(struct report *p, struct diag *d) CS_WUR;
int report_findings(struct report *p, struct diag *d) CS_WUR;
int report_timeline(struct report *p, struct diag *d) CS_WUR;
int report_tables(struct report *p, struct diag *d) CS_WUR;
int report_changes(struct report *p, struct diag *d) CS_WUR;
int report_authority(struct report *p, struct diag *d) CS_WUR;
int report_policies(struct report *p, struct diag *d) CS_WUR;
int report_end(struct report *p, struct diag *d) CS_WUR;

/* <section id="id"><h2>title</h2> */
void report_section(struct report *p, const char *id, const char *title);
/* "12,345" */
void report_number(struct html *h, uint64_t n);

#endif
