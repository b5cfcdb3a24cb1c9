#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The appliance's gates: a scan that must be there and clean, a cap that is
# counted from the log, the glass that more people break.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/scan.sh"
con_work gt
cd "$work" || bail "no folder"

# the rule wants a clean scan, and may be used for two signatures
cat >edit.jq <<'END'
.roles += ["scanner", "officer-on-call"]
| .principals |= map(if .kind == "person" then .roles += ["officer-on-call"]
    else . end)
| .principals += [{id: "scan", kind: "system", name: "Scanner",
    organisation: "example", roles: ["scanner"],
    keys: [{public_key: $scanner}],
    valid_from: .principals[0].valid_from,
    valid_until: .principals[0].valid_until}]
| .rules[0].evidence = [{type: "vulns", signers: ["scanner"],
    max_age_days: 7, denied: ["critical", "high"]}]
| .rules[0].windows = [{from: .principals[0].valid_from,
    until: .principals[0].valid_until, max_signatures: 2}]
| .rules[0].branches = ["main", "release/*"]
| .break_glass = {threshold: 3, roles: ["officer-on-call"],
    distinct_organisations: false}
END
con_rehearse --edit edit.jq
scanner=$CON_DIR/scanner.pem

request() { # name [more]
	local name=$1
	shift
	coldseal request create --product router --version 1.2.3 --key fw-p256 \
	    --format raw --requester-key "$COLDSEAL_REQUESTER" --user ci \
	    --system b7 --pipeline https://ci.example/router --run 1 \
	    --commit abc --out "$name.req" "$@" >/dev/null ||
	    bail "no request $name"
}
carry() { # name
	rm -f "$COLDSEAL_IN"
	coldseal media write "$COLDSEAL_IN" "$1.req" >/dev/null || bail "media"
	con intake || bail "the appliance ended: $con_out"
}
for f in a b c; do
	echo "firmware $f" >$f.bin
	scan_make $f.bin "$scanner" $f.clean CVE-2026-9=low || bail "scan"
done
scan_make a.bin "$scanner" a.bad CVE-2026-1=critical || bail "scan"
con_start "$CON_DIR" || bail "no console: $con_out"

# --- evidence ---
request none --branch main a.bin
carry none
like "no scan" "$con_out" 'EVIDENCE-MISSING'
like "there is a refusal to carry back" "$con_out" 'signed refusal is ready'
request bad --branch main --evidence a.bad a.bin
carry bad
like "a critical finding" "$con_out" 'EVIDENCE-SEVERITY'
like "is named" "$con_out" 'CVE-2026-1'
request other --branch main --evidence b.clean a.bin
carry other
like "a scan of something else" "$con_out" 'EVIDENCE-SUBJECT'
request branch --branch feature/x --evidence a.clean a.bin
carry branch
like "another branch" "$con_out" 'RULE-BRANCH'
request good --branch release/1 --evidence a.clean a.bin
carry good
like "a clean scan is accepted" "$con_out" 'accepted as request'
n=$(sed -n 's/.*accepted as request \([0-9]*\):.*/\1/p' <<<"$con_out")
con_approve "$n" alice
con_approve "$n" bob
like "the signer looked at the scan too" "$con_out" 'the signer agrees'
con "sign $n"
like "it is signed" "$con_out" '1 signatures made, verified and logged'

# --- who, from where ---
leaf=$(grep -rahoE '\{"boot".*"event":"signature".*' \
    "$CON_DIR/state/log/tile/entries" | tail -n 1)
trace=$(jq -c .data.trace <<<"$leaf")
is "the leaf names the approvers" "$(jq -c '[.approvers[].person]' \
    <<<"$trace")" '["alice","bob"]'
is "system, pipeline, branch" "$(jq -r '.requester + " " + .system + " " +
    .pipeline + " " + .branch' <<<"$trace")" \
    "ci b7 https://ci.example/router release/1"
is "evidence" "$(jq -r '.evidence[0]' <<<"$trace")" \
    "$(sha256sum a.clean | cut -d ' ' -f 1)"
is "rule, domain, policy" "$(jq -r '.rule + " " + .domain +
    " \(.policy_version)"' <<<"$trace")" "router-release release 1"
con who-can-sign
like "who can sign" "$con_out" 'any 2 of alice, bob(,| and) carol'
like "granted where" "$con_out" 'leaf 0'
con "who-can-sign scan"
con "who-can-sign nobody"
like "a person who is not there" "$con_out" 'AUTHORITY-NAME'

# --- caps ---
request batch --branch main --evidence b.clean --evidence c.clean b.bin c.bin
carry batch
like "two are one too many" "$con_out" 'RULE-CAP'
like "how many are left" "$con_out" '2 asked, 1 left of 2'
request b --branch main --evidence b.clean b.bin
carry b
like "one is not" "$con_out" 'accepted as request'
b=$(sed -n 's/.*accepted as request \([0-9]*\):.*/\1/p' <<<"$con_out")
request c --branch main --evidence c.clean c.bin
carry c
c=$(sed -n 's/.*accepted as request \([0-9]*\):.*/\1/p' <<<"$con_out")
con_approve "$b" alice
con_approve "$b" carol
con "sign $b"
like "the last one of the window" "$con_out" 'signatures made, verified'
con_approve "$c" alice
con_approve "$c" bob
like "what was accepted before is counted again" "$con_out" 'RULE-CAP'
con "sign $c"
like "and not signed" "$con_out" 'RULE-CAP'
ok "no PIN was spent" test "${con_out#*signatures made}" = "$con_out"

# --- break-glass ---
request glass --break-glass "the fix for an attack that goes on" c.bin
carry glass
like "no evidence, no window" "$con_out" 'rule break-glass wants 3 approvals'
g=$(sed -n 's/.*accepted as request \([0-9]*\):.*/\1/p' <<<"$con_out")
con "show $g"
like "nobody can overlook it" "$con_out" 'BREAK GLASS'
like "the reason is shown" "$con_out" 'the fix for an attack'
con_approve "$g" alice
con_approve "$g" bob
con "sign $g"
like "two are not enough" "$con_out" 'QUORUM-SHORT'
con_approve "$g" carol
con "sign $g"
like "three are" "$con_out" '1 signatures made, verified and logged'
con_end
is "the appliance ends well" "$con_status" 0

rm -f "$CON_DIR"/state/index.db*
ok "the index is built again" coldseal-core --rebuild "$CON_DIR/state"
con_start "$CON_DIR" || bail "no console: $con_out"
carry batch
like "and counts the same" "$con_out" '2 asked, 0 left of 2'
con_end
done_testing
