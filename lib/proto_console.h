/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PROTO_CONSOLE_H
#define CS_PROTO_CONSOLE_H

/*
 * core <-> coldseal-console.  The console prints what it is sent (text is
 * sanitised by the core and filtered again here) and asks what it is told
 * to.  A PIN goes from the terminal to the descriptor that came with the
 * prompt, which leads to the token helper, and nowhere else.
 */
enum proto_console {
	CONSOLE_TEXT = 0x501,	/* str text, may hold \n */
	CONSOLE_ASK_LINE,	/* str prompt -> CONSOLE_LINE or CONSOLE_EOF */
	CONSOLE_ASK_PIN,	/* str prompt, fd -> CONSOLE_PIN or CONSOLE_EOF */
	CONSOLE_BYE,		/* {}: exit 0 */
	CONSOLE_PROGRESS,	/* str what, u64 done, u64 total */
	CONSOLE_LINE,		/* str line, at most 400 bytes, no newline */
	CONSOLE_PIN,		/* u8 1: written and closed, 0: cancelled */
	CONSOLE_EOF,		/* {}: the terminal is gone */
	CONSOLE_QR,		/* str text, printable ASCII: shown as a QR code */
};

/*
 * core <-> coldseald.  One question, one answer; SUP_FAIL {diag} may
 * replace the answer.
 */
enum proto_supervisor {
	/* sent once at start: str origin, u8 rehearsal, u32 n, n str ports */
	SUP_HELLO = 0x601,
	SUP_SPAWN,		/* u16 enum sup_child, str token port or "" */
	SUP_SPAWNED,		/* fd: the child's socket */
	SUP_PIN_FD,		/* fd: where the console writes the PIN; tokens */
	SUP_FAIL,		/* diag */
	/*
	 * from core, before it spawns: u16 SUP_INTAKE or SUP_EXPORT; what is in
	 * that port?  From coldseald: str, "" for an image file; u8 1 if it may
	 * be used, or 0 and a diag
	 */
	SUP_MEDIUM,
};

enum sup_child {
	SUP_INTAKE,
	SUP_EXPORT,
	SUP_TOKEN,
	SUP_SIGNER,
};

#endif
