/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PROTO_H
#define CS_PROTO_H

/*
 * core <-> coldseal-intake, core <-> coldseal-export, and coldseald <->
 * coldseal-usb.  Bodies in the order given; str is u32 length and bytes
 * (lib/buf.h).
 */
enum proto_intake {
	INTAKE_DOC = 0x101,	/* str name; sealed memfd with the bytes */
	/* str sha256 hex, u64 size, u32 n, n times {u32 alg, str digest} */
	INTAKE_ARTIFACT,
	INTAKE_END,		/* str bundle type, str sha256 hex of manifest */
	INTAKE_FAIL,		/* diag */
	INTAKE_PROGRESS,	/* u64 done, u64 total, bytes */
	/*
	 * from intake: u32 artifacts read so far; the documents are done.
	 * from core: u32 mask of HASH_BIT(); hash them with these.
	 */
	INTAKE_HASH,
	INTAKE_STOP,		/* from core, instead: {}; intake exits */
};

enum proto_export {
	EXPORT_FILE = 0x201,	/* str 8.3 name, str bundle type */
	EXPORT_PACK,		/* {}; memfd or regular file, read only */
	EXPORT_MEMBER,		/* str name, u64 offset, u64 length in PACK */
	EXPORT_COMMIT,		/* {}: all is there; answered by TARGET */
	/* u8 0 while writing, 1 while comparing; u64 done, u64 total, bytes */
	EXPORT_PROGRESS,
	EXPORT_DONE,		/* u32 n, n times {str name, str hex, u64 size} */
	EXPORT_FAIL,		/* diag */
	/*
	 * from export: u8 1: people are to be asked first, str model, str what
	 * it seems to hold, u64 bytes.  Nothing was written yet.
	 */
	EXPORT_TARGET,
	EXPORT_GO,		/* from core: {}: write, read back, compare */
};

/*
 * One question by coldseald, one answer by coldseal-usb; USB_FAIL {diag} may
 * replace the answer.
 */
enum proto_usb {
	/* u32 n, n times {u8 enum usb_use, str port, u16 vendor, u16 product} */
	USB_RULES = 0x701,	/* once, first -> USB_READY: everything is off */
	USB_LOOK,		/* u8 enum usb_use, u32 ms to wait for a stick */
	/* -> str what it is, u8 1 if it is a plain stick; diag if it is not */
	USB_SEEN,
	USB_OPEN,		/* {}: the one that was seen -> USB_OPENED */
	/* u8 interface, u8 endpoint in, u8 endpoint out, u16 packet, u32 Mbit/s */
	USB_OPENED,		/* fd: of usbfs */
	USB_CLOSE,		/* {} -> USB_READY: it is off */
	USB_READERS,		/* {} -> USB_READY: those that are there are on */
	USB_READY,		/* {} */
	USB_FAIL,		/* diag */
};

enum usb_use {
	USB_USE_IN,
	USB_USE_OUT,
	USB_USE_READER,		/* the only one with vendor and product, not 0 */
};
#define USB_MAX_RULES	32u

#endif
