#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Secure Boot variables through a real ceremony: what is signed is, byte by
# byte, what efitools would sign, and openssl verifies it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/change.sh"
con_work efivar
con_rehearse --key kek,release,rsa3072-pkcs1-sha256,efivar
cd "$work" || bail "no folder"
con_start "$CON_DIR" || bail "no console: $con_out"
coldseal policy public-key --policy "$COLDSEAL_POLICY" kek >kek.pem
openssl req -x509 -newkey rsa:2048 -nodes -keyout boot.key -out boot.pem \
    -subj "/CN=Boot" -days 100 2>/dev/null || bail "no certificate"
owner=8f1b4c5e-0a6d-4d0c-9c8e-2f6d3b1a7e90
cert-to-efi-sig-list -g $owner boot.pem boot.esl || bail "no list"
n=0
ceremony() { # WISH
	n=$((n + 1))
	coldseal request create --product router --version 1 --key kek \
	    --format efivar --requester-key "$COLDSEAL_REQUESTER" \
	    --out k.req "$1" >/dev/null || bail "no request"
	put k.req
	like "$1: taken in" "$con_out" "accepted as request $n:"
	con_approve $n alice
	shown=$con_out
	con_approve $n bob
	con "sign $n"
	like "$1: signed" "$con_out" '1 signatures made, verified'
	con "export $n"
	get_response k.rsp
	exits "$1: the response verifies" 0 coldseal response verify k.rsp \
	    --policy "$COLDSEAL_POLICY" --record-key "$COLDSEAL_RECORD_KEY" \
	    --log-key "$COLDSEAL_LOG_KEY" --artifact "$1"
	rm -rf k.d
	coldseal response extract k.rsp --out k.d >/dev/null || bail "nothing"
}
word() { od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '; }
for how in db: dbx:--append KEK: PK:; do
	var=${how%%:*}
	args=${how#*:}
	# shellcheck disable=SC2086
	coldseal efivar request --variable "$var" --list boot.esl $args \
	    --time 2026-11-25T02:03:04Z --out "$var.wish" || bail "no wish"
	ceremony "$var.wish"
	like "$var: approvers see the variable" "$shown" "variable +$var,"
	like "$var: and the certificate" "$shown" "holds +certificate sha256 $(
	    openssl x509 -in boot.pem -outform DER | sha256sum |
	    cut -c1-64) /CN=Boot, owner $owner"
	auth=k.d/$var.wish.auth
	sign-efi-sig-list ${args:+-a} -t "2026-11-25 02:03:04" -o "$var" \
	    boot.esl tbs >/dev/null 2>&1 || bail "efitools made nothing"
	len=$(word "$auth" 16)
	is "$var: the lists follow" "$(tail -c +$((17 + len)) "$auth" |
	    sha256sum)" "$(sha256sum <boot.esl)"
	tail -c +41 "$auth" | head -c $((len - 24)) >sd.der
	# ContentInfo around it, as openssl wants it
	size=$(stat -c %s sd.der)
	{
		printf '\x30\x82%b%b' "\\x$(printf %02x $(((size + 15) >> 8)))" \
		    "\\x$(printf %02x $(((size + 15) & 255)))"
		printf '\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02'
		printf '\xa0\x82%b%b' "\\x$(printf %02x $((size >> 8)))" \
		    "\\x$(printf %02x $((size & 255)))"
		cat sd.der
	} >ci.der
	exits "$var: openssl verifies it over what efitools would sign" 0 \
	    openssl cms -verify -binary -inform DER -in ci.der -content tbs \
	    -CAfile kek.pem -purpose any -out /dev/null
	printf x >>tbs
	run openssl cms -verify -binary -inform DER -in ci.der -content tbs \
	    -CAfile kek.pem -purpose any -out /dev/null
	ok "$var: and nothing else" [ "$tap_status" != 0 ]
done
: >none.esl
coldseal efivar request --variable PK --list none.esl --out off.wish ||
    bail "no wish"
ceremony off.wish
like "taking a variable away is said" "$shown" 'PK, TAKEN AWAY'
run coldseal efivar request --variable db --list boot.pem --out no.wish
like "what is no list is refused" "$tap_err" EFIVAR
run coldseal efivar request --variable MokList --list boot.esl --out no.wish
like "and another variable" "$tap_err" EFIVAR
echo '{"type":"efivar"}' >bad.wish
coldseal request create --product router --version 1 --key kek \
    --format efivar --requester-key "$COLDSEAL_REQUESTER" --out k.req \
    bad.wish >/dev/null || bail "no request"
put k.req
like "a text that is none is refused at intake" "$con_out" EFIVAR
done_testing
