#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# make install into a DESTDIR: what is there, and that it works from there.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-install.XXXXXX") || bail "no folder"
root=$work/root
CON_BIN=$root/usr/bin
finish() {
	[ ! -x "$CON_BIN/coldseal-rehearsal" ] ||
	    "$CON_BIN/coldseal-rehearsal" down "$work/r" >/dev/null 2>&1
	rm -rf "$work"
}
trap finish EXIT
umask 022

build() { # target: with the programs that are being tested
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$top" "$1" \
	    B="$(dirname "$bin")" DESTDIR="$root" PREFIX=/usr
}
exits "make install" 0 build install
want() {
	local p
	printf 'usr/bin/%s\n' coldseal coldseal-rehearsal
	printf 'usr/sbin/%s\n' coldseald coldseal-provision coldseal-usb
	printf 'usr/libexec/coldseal/%s\n' coldseald coldseal-core \
	    coldseal-console coldseal-intake coldseal-export \
	    coldseal-signer coldseal-token coldseal-provision \
	    coldseal-rehearsal-token coldseal-usb
	for p in coldseal coldseal-request coldseal-media coldseal-response \
	    coldseal-audit coldseal-policy coldseal-attest coldseal-image \
	    coldseal-certificate coldseal-change coldseal-efivar coldseal-share coldseal-who-can-sign \
	    coldseal-rehearsal coldseal-formats; do
		echo "usr/share/man/man1/$p.1"
	done
	printf 'usr/share/man/man8/%s.8\n' coldseald coldseal-provision \
	    coldseal-usb
	printf 'usr/share/doc/coldseal/%s\n' LICENSE README.md README.privsep \
	    PROTOCOL.documents PROTOCOL.policy policy.schema.json \
	    PROTOCOL.log PROTOCOL.events PROTOCOL.bundle PROTOCOL.media \
	    PROTOCOL.recovery PROTOCOL.attest PROTOCOL.evidence \
	    README.audit-db PROTOCOL.receipt PROTOCOL.formats gocheck.go
}
have() {
	(cd "$root" && find . ! -type d -printf '%P\n' | sort)
}
is "the files are there, and no others" "$(have)" "$(want | sort)"
is "sbin leads to libexec" "$(readlink "$root/usr/sbin/coldseald")" \
    /usr/libexec/coldseal/coldseald
is "programs may be run" \
    "$(find "$root/usr/bin" "$root/usr/libexec" -type f ! -perm 755)" ""
is "pages may be read" "$(find "$root/usr/share" -type f ! -perm 644)" ""
is "nothing is set-user-ID" "$(find "$root" -perm /6000)" ""

cd "$work" || bail "no folder"
exits "coldseal --help" 0 "$root/usr/bin/coldseal" --help
like "its text" "$tap_out" "usage: coldseal"
exits "coldseal-rehearsal --help" 0 "$root/usr/bin/coldseal-rehearsal" --help
exits "coldseal-rehearsal up" 0 "$root/usr/bin/coldseal-rehearsal" up \
    "$work/r"
ok "a log key was enrolled" test -s "$work/r/state/enrol/log.vkey"
con_start "$work/r" || bail "no console: $con_out"
like "coldseald starts the installed programs" "$con_out" \
    "coldseal appliance"
con status
like "and answers" "$con_out" "checkpoint signed"
con_end
exits "coldseal-rehearsal down" 0 "$root/usr/bin/coldseal-rehearsal" down \
    "$work/r"
touch "$root/usr/libexec/coldseal/other"
exits "make uninstall" 0 build uninstall
is "leaves what others put there" "$(have)" usr/libexec/coldseal/other
done_testing
