/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PROTO_LINK_H
#define CS_PROTO_LINK_H

/*
 * core <-> coldseal-link, which also takes EXPORT_FILE, _PACK, _MEMBER and
 * _COMMIT (lib/proto.h) and answers with EXPORT_PROGRESS and, when a host has
 * said that it has all files, EXPORT_DONE; or EXPORT_FAIL.
 */
enum proto_link {
	/* core: {}, fd of a pipe to coldseal-intake: a bundle is wanted */
	LINK_TAKE = 0x701,
	/* core: what became of it; u8 1, str text or u8 0, diag */
	LINK_RESULT,
	/*
	 * core: {}: whatever is under way is over, nothing was taken or left;
	 * link: {}: yes, and this is the last word on it
	 */
	LINK_STOP,
	LINK_BYE,	/* core: {}: end */
	/* link: {}: all of it went into the pipe, and was what was announced */
	LINK_TAKEN_ALL,
	/* link: diag: it did not, and will not */
	LINK_FAIL,
};

#endif
