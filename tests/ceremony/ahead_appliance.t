#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What was approved at home counts at the appliance, and never for its TPM.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
con_work ah
cd "$work" || bail "no folder"
con_rehearse
module=
for m in /usr/lib/softhsm/libsofthsm2.so \
    /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so; do
	[ -e "$m" ] && module=$m
done
[ -n "$module" ] || bail "no SoftHSM"

request() { # file
	echo "artifact $1" >"$1.bin"
	coldseal request create --product router --version 1.2.3 --key fw-p256 \
	    --format raw --requester-key "$COLDSEAL_REQUESTER" --user ci \
	    --system b7 --pipeline https://ci.example/router --run 1 \
	    --commit abc --out "$1" "$1.bin" >/dev/null || bail "no request"
}
ahead() { # who request out [more]
	local d=$CON_DIR/approvers/$1 word=APPROVE
	[ $# -eq 3 ] || word=REJECT
	SOFTHSM2_CONF=$d/softhsm2.conf coldseal approve "$2" \
	    --policy "$COLDSEAL_POLICY" --key "$(jq -r .uri "$d/key.json")" \
	    --module "$module" --pin-file "$d/pin" --out "$3" "${@:4}" \
	    <<<"$word" >"$3.log" 2>&1
}
carry() { # bundle
	rm -f "$COLDSEAL_IN"
	coldseal media write "$COLDSEAL_IN" "$1" >/dev/null || bail "media"
	con intake || bail "the appliance ended: $con_out"
}
for r in a b; do request $r.req; done
ok "alice approves at home, with her token" ahead alice a.req a.apr
ok "carol as well" ahead carol a.req carol.apr

con_start "$CON_DIR" || bail "no console: $con_out"
carry a.apr
like "a request that was not taken in" "$con_out" 'APPROVAL-AHEAD-REQUEST'
carry a.req
carry a.apr
like "it is counted" "$con_out" 'approved ahead by alice: 1 of 2 for request 1'
carry a.apr
like "once" "$con_out" 'APPROVAL-TWICE'
con "log 1"
like "the second time is logged" "$con_out" 'approval.refused'
con_approve 1 alice
like "one person decides once" "$con_out" 'APPROVAL-TWICE'
con_approve 1 bob
like "the session's start leaves it" "$con_out" 'approved by bob: 2 of 2'
like "the chip still wants two" "$con_out" 'TPM-QUORUM'
con "sign 1"
like "so nothing is signed" "$con_out" 'TPM-QUORUM'
con_approve 1 carol
like "three statements, two votes" "$con_out" 'approved by carol: 3 of 2'
con "sign 1"
like "it is signed" "$con_out" 'signatures made, verified and logged'
carry carol.apr
like "what is signed is decided" "$con_out" 'REQUEST-STATE'

carry b.req
ahead bob b.req b.apr --reject "not tested" || bail "$(cat b.apr.log)"
carry b.apr
like "a rejection ends it" "$con_out" \
    'rejected ahead by bob; request 2 cannot be signed'
con_end
is "the appliance ends well" "$con_status" 0
rm -f "$CON_DIR"/state/index.db*
ok "the index is built again" coldseal-core --rebuild "$CON_DIR/state"
done_testing
