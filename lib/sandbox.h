/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SANDBOX_H
#define CS_SANDBOX_H

#include "lib/err.h"

/*
 * One profile per program: no new privileges, not dumpable, resource limits,
 * then an allow-list of system calls (libseccomp); anything else kills the
 * process.  Call before the first byte from outside.  A failure is fatal to
 * the caller.  appliance/README.privsep lists what each profile may do.
 *
 * Loads OpenSSL's configuration and sets TZ to UTC0, since neither can be read
 * from disk later.  Limits: lib/sandbox.c.
 */
enum sandbox_profile {
	SANDBOX_SUPERVISOR,	/* spawns, passes descriptors */
	SANDBOX_CORE,		/* files below the state folder */
	SANDBOX_INTAKE,		/* descriptors it was given only; no open */
	SANDBOX_EXPORT,		/* descriptors it was given only; no open */
	SANDBOX_USB,		/* opens relative to a descriptor; no paths */
	SANDBOX_TOKEN,		/* PKCS#11 module: files; no exec */
	SANDBOX_SIGNER,		/* PKCS#11 module and TPM socket; no exec */
	SANDBOX_CONSOLE,	/* terminal only */
	SANDBOX_INTAKE_USB,	/* as INTAKE, and libusb on such a descriptor */
	SANDBOX_EXPORT_USB,	/* as EXPORT, and the same */
};

int sandbox_enter(enum sandbox_profile p, struct diag *d) CS_WUR;
/*
 * From now on the process opens files below these folders only, to read and
 * write (Landlock).  Call before sandbox_enter().  A kernel that has no
 * Landlock is no failure: the filter is what every kernel must have.
 */
int sandbox_below(const int *folders, size_t n, struct diag *d) CS_WUR;
/* Only the hardening that needs no filter: no core file, no ptrace. */
void sandbox_harden(void);

#endif
