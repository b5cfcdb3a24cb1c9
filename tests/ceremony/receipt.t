#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An auditor's receipt, carried in: what an auditor has seen stays seen, also
# where TPM and log were set back together.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/change.sh"
con_work receipt
for k in audrey oliver mallory; do
	openssl genpkey -algorithm ed25519 -out "$work/$k.pem"
done
spki() { openssl pkey -in "$work/$1.pem" -pubout -outform DER | base64 -w0; }
cat >"$work/edit.jq" <<END
def auditor(id; key): {id: id, kind: "person", name: id,
    organisation: "audit", roles: ["auditor"], keys: [{public_key: key}],
    valid_from: .principals[0].valid_from, valid_until: .review_by};
.roles += ["auditor"] |
.principals += [auditor("audrey"; "$(spki audrey)"),
    (auditor("oliver"; "$(spki oliver)") |
    .valid_from = "2020-01-01T00:00:00Z" |
    .valid_until = "2021-01-01T00:00:00Z")]
END
con_rehearse --edit "$work/edit.jq"
state=$CON_DIR/state

echo one >"$work/a"
sign_one() { # VERSION
	coldseal request create --product router --version "$1" --key fw-p256 \
	    --format raw --requester-key "$COLDSEAL_REQUESTER" \
	    --out "$work/$1.req" "$work/a" >/dev/null
	put "$work/$1.req"
	local n
	n=$(last_request)
	con_approve "$n" alice
	con_approve "$n" bob
	con "sign $n"
	signed=$con_out
	con "export $n"
}
audit() { # OUT KEY: import what was exported; a receipt by KEY
	rm -f "$work/aud"
	coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD \
	    --out "$work/aud" >/dev/null
	coldseal audit import "$work/aud" --db "$work/audit.db" \
	    --log-key "$COLDSEAL_LOG_KEY" >/dev/null || return 1
	rm -f "$1"
	coldseal audit receipt --db "$work/audit.db" --key "$work/$2.pem" \
	    --name audit.example/coldseal --out "$1" >/dev/null
}

con_start "$CON_DIR" || bail "no console"
sign_one 1
like "signed" "$signed" '1 signatures made'
ok "an auditor imports it and gives a receipt" audit "$work/1.rcp" audrey
ok "and another one gives one, too" audit "$work/m.rcp" mallory
ok "and one whose time is over" audit "$work/o.rcp" oliver
put "$work/m.rcp"
like "one by somebody who is no auditor is refused" "$con_out" 'COSIGN-MISSING'
put "$work/o.rcp"
like "one by an auditor of former years, too" "$con_out" 'COSIGN-MISSING'
con status
unlike "and not kept" "$con_out" 'an auditor has'
put "$work/1.rcp"
like "the auditor's is taken" "$con_out" 'a receipt by audrey: the auditor has [0-9]+ leaves'
con status
like "and shown" "$con_out" 'receipt +an auditor has [0-9]+ leaves$'
con "log 3"
like "and logged" "$con_out" 'receipt'
cp "$work/1.req" "$work/two.req"
con_end
cp -r "$state" "$work/state"
coldseal-rehearsal down "$CON_DIR" >/dev/null
cp -r "$CON_DIR/tpm" "$work/tpm"

con_start "$CON_DIR" || bail "no start: $con_out"
sign_one 2
like "signing goes on" "$signed" '1 signatures made'
like "what the auditor has stays here" "$con_out" \
    'the audit bundle begins at leaf [0-9]+'
ok "the auditor has all of it with that" audit "$work/2.rcp" audrey
mkdir "$work/part" "$work/whole"
tar -C "$work/part" -xf "$work/aud"
tar -xOf "$work/1.rcp" receipt >"$work/receipt"
go_since() {
	GO111MODULE=off GOPATH=/usr/share/gocode go run \
	    "$here/../lib/gocheck.go" since "$1" "$work/receipt" \
	    "$COLDSEAL_LOG_KEY"
}
ok "Go: the log grew from the receipt's" go_since "$work/part/consistency"
sed '2{s/^A/B/;t;s/./A/}' "$work/part/consistency" >"$work/bad"
refused() { ! "$@"; }
ok "Go: and not by another proof" refused go_since "$work/bad"
con "export full"
like "all of it is written again if asked for" "$con_out" 'safe to remove'
coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD \
    --out "$work/full" >/dev/null
tar -C "$work/whole" -xf "$work/full"
ok "with no proof, and more documents" test ! -e "$work/whole/consistency" \
    -a "$(ls "$work/whole/blobs" | wc -l)" -gt "$(ls "$work/part/blobs" | wc -l)"
con "export 1 2"
like "another word than full is refused" "$con_out" 'USAGE'
con_end

# --- disk and TPM are set back together: they fit each other ----------------
coldseal-rehearsal down "$CON_DIR" >/dev/null
rm -rf "$state" "$CON_DIR/tpm"
cp -r "$work/state" "$state"
cp -r "$work/tpm" "$CON_DIR/tpm"
con_start "$CON_DIR" || bail "no start of the old copy: $con_out"
unlike "the TPM cannot tell" "$con_out" 'ANCHOR'
put "$work/2.rcp"
like "the receipt can" "$con_out" 'RECEIPT-BEHIND'
sign_one 3
like "nothing is signed" "$signed" 'RECEIPT-BEHIND'
con status
like "status says so" "$con_out" 'NOTHING IS SIGNED: RECEIPT-BEHIND'
con_end
con_start "$CON_DIR" || bail "no start: $con_out"
con "sign $(last_request)"
like "nor after a restart" "$con_out" 'RECEIPT-(BEHIND|FORK)'
# until the log has grown past it: then it is another one
size=$(tar -xOf "$work/2.rcp" receipt | sed -n 2p)
while [ "$(sed -n 2p "$state/log/checkpoint")" -le "$size" ]; do
	con_end
	con_start "$CON_DIR" || bail "no start: $con_out"
done
con "sign $(last_request)"
like "a log that went on is told as another one" "$con_out" 'RECEIPT-FORK'
con_end
done_testing
