#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may include whom (from the sources), and which libraries a program may
# be linked with (from the binary).  usage: directions.sh BINDIR
set -u
bin=${1:-build/bin}
bad=0
say() {
	echo "lint: $*" >&2
	bad=1
}

# folder: folders it may include from, besides itself
allowed() {
	case $1 in
	lib) echo "lib" ;;
	usb-transfer) echo "lib" ;;
	tpm) echo "lib" ;;
	hsm) echo "lib tpm/tpm.h tpm/attest.h" ;;
	appliance) echo "lib" ;;
	# the PKCS#11 header: requester keys may be PKCS#11 URIs; of tpm/ what
	# needs no TPM
	host-tools) echo "lib usb-transfer hsm/p11.h hsm/sign.h tpm/image.h tpm/attest_verify.h" ;;
	esac
}

for dir in lib usb-transfer tpm hsm appliance host-tools; do
	for f in "$dir"/*.[ch]; do
		[ -e "$f" ] || continue
		while IFS= read -r inc; do
			ok=0
			for a in "$dir" $(allowed "$dir"); do
				case $inc in
				"$a" | "$a"/*) ok=1 ;;
				esac
			done
			[ $ok = 1 ] || say "$f includes $inc"
		done < <(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$f")
	done
done

# the half of tpm that only verifies knows no TPM
for f in tpm/attest_verify*.[ch]; do
	while IFS= read -r inc; do
		case $inc in
		'"lib/'* | '"tpm/attest_verify'* | '<tss2/tss2_mu.h>' | \
		    '<tss2/tss2_tpm2_types.h>') ;;
		'"'* | '<tss2/'*) say "$f includes $inc" ;;
		esac
	done < <(sed -n 's/^#include //p' "$f")
done

# the host tool alone speaks to a server, and there in its engine's files alone
for f in {lib,usb-transfer,tpm,hsm,appliance,host-tools}/*.[ch]; do
	case $f in
	host-tools/audit_pg_private.h) ;;
	*) ! grep -q '^#include <libpq' "$f" || say "$f includes libpq" ;;
	esac
	case $f in
	host-tools/audit_pg*.c | host-tools/audit_seen.c) ;;
	*) ! grep -q '^#include "host-tools/audit_pg_private.h"' "$f" ||
	    say "$f includes audit_pg_private.h" ;;
	esac
done

# program: libraries that must NOT be in it
forbidden() {
	case $1 in
	coldseald) echo "libsqlite3 libp11-kit libtss2 libusb" ;;
	coldseal-core) echo "libp11-kit libtss2 libusb libqrencode" ;;
	coldseal-intake | coldseal-export)
		echo "libsqlite3 libp11-kit libtss2 libjansson" ;;
	coldseal-usb)
		echo "libsqlite3 libp11-kit libtss2 libjansson libusb" ;;
	coldseal-token) echo "libsqlite3 libtss2 libjansson libusb" ;;
	coldseal-signer | coldseal-provision) echo "libsqlite3 libusb" ;;
	coldseal-console)
		echo "libsqlite3 libp11-kit libtss2 libjansson libusb" ;;
	coldseal) echo "libtss2-esys libtss2-sys libtss2-tcti" ;;
	esac
}

for p in "$bin"/coldseal*; do
	file=$(basename "$p")
	head -c 4 "$p" | grep -q ELF || continue
	needed=$(readelf -d "$p" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p')
	server=libpq
	[ "$file" != coldseal ] || server=
	for lib in $(forbidden "$file") $server; do
		case $needed in
		*"$lib"*) say "$file is linked with $lib" ;;
		esac
	done
	# only the signer, provisioning and tokens know a secret PIN's login
	if nm -D --undefined-only "$p" | grep -qE ' (execve|system|popen)' &&
	    [ "$file" != coldseald ]; then
		say "$file can start programs"
	fi
done
[ $bad = 0 ] && echo "lint: directions hold"
exit $bad
