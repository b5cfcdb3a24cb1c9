#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a policy means, asked on the connected side: lint, explain, diff,
# who-can-sign and the sheet for the access review.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
cs=$bin/coldseal
[ -x "$cs" ] || bail "no $cs"
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-govern.XXXXXX") || bail "no folder"
trap 'rm -rf "$work"' EXIT
cd "$work" || bail "no folder"
umask 077

spki() {
	[ -e "$1.pem" ] || openssl genpkey -algorithm EC -out "$1.pem" \
	    -pkeyopt ec_paramgen_curve:P-256 2>/dev/null
	openssl pkey -in "$1.pem" -pubout -outform DER | base64 -w 0
}
person() { # id kind organisation roles
	printf '{"id":"%s","keys":[{"public_key":"%s"}],"kind":"%s",' \
	    "$1" "$(spki "$1")" "$2"
	printf '"name":"%s","organisation":"%s","roles":[%s],' "$1" "$3" "$4"
	printf '"valid_from":"2026-01-01T00:00:00Z",'
	printf '"valid_until":"2099-01-01T00:00:00Z"}'
}
cat >policy.json <<END
{ "administration": {"roles": ["admin"], "threshold": 2},
  "appliance": "test.example/log",
  "break_glass": {"distinct_organisations": false, "roles": ["approver"],
    "threshold": 3},
  "domains": [{"id": "release", "token": "coldseal-release"}],
  "keys": [{"algorithm": "ecdsa-p256-sha256", "domain": "release",
    "formats": ["raw"], "id": "fw", "products": ["router"],
    "public_key": "$(spki fw)", "state": "active",
    "uri": "pkcs11:token=coldseal-release;id=%01",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2098-01-01T00:00:00Z"}],
  "name": "test", "rehearsal": true,
  "review_by": "2097-01-01T00:00:00Z", "review_warning_days": 30,
  "roles": ["admin", "approver", "builder", "requester"], "version": 1,
  "principals": [$(person ci system acme '"requester","builder"'),
    $(person alice person acme '"approver"'),
    $(person bob person globex '"approver"'),
    $(person carol person acme '"approver"'),
    $(person dora person globex '"approver"'),
    $(person anna person acme '"admin"'),
    $(person ben person globex '"admin"'),
    $(person cem person globex '"admin"')],
  "rules": [{"approvals": {"distinct_organisations": true,
    "requester_excluded": true, "roles": ["approver"], "threshold": 2},
    "branches": ["main"],
    "evidence": [{"type": "slsa-provenance", "signers": ["builder"],
      "builders": ["https://ci.example/*"]}],
    "formats": ["raw"], "id": "router-release", "keys": ["fw"],
    "product": "router", "requesters": ["ci"]}]
}
END
change() { # jq program: from policy.json to stdout
	jq -c "$1" policy.json
}
now=2026-11-25T02:00:00Z

# --- a policy in any state -----------------------------------------------
exits "policy sign" 0 "$cs" policy sign --policy policy.json --key anna.pem \
    --out policy.dsse
jq -r .payload policy.dsse | base64 -d >policy.stmt
run "$cs" policy explain policy.json
text=$tap_out
run "$cs" policy explain policy.dsse
is "explain: an envelope reads as its JSON" "$tap_out" "$text"
run "$cs" policy explain policy.stmt
is "explain: a statement too" "$tap_out" "$text"
refuses "explain: no such file" 4 IO "$cs" policy explain none
printf '{"a":1}' >bad.json
refuses "explain: not a policy" 3 JSON-FIELD "$cs" policy explain bad.json
change '.rules[0].product = "a\u0000b"' >bad.json
exits "explain: a NUL in a text" 3 "$cs" policy explain bad.json
jq -c '.payload = "AAAA"' policy.dsse >bad.dsse
exits "explain: an envelope around something else" 3 "$cs" policy explain \
    bad.dsse

# --- explain -------------------------------------------------------------
like "explain: the rule" "$text" "^Rule router-release: requests for router \
by ci are signed with fw \(raw\) when 2 of alice, bob, carol and dora \
approve, each of another organisation, no one of them the requester\.$"
like "explain: evidence" "$text" "^For each artifact there must be build \
provenance signed by a holder of the role builder, by the builder \
https://ci.example/\*\.$"
like "explain: break-glass" "$text" "^Rule break-glass: "
run "$cs" policy explain policy.json administration
like "explain: one rule" "$tap_out" "^Rule administration: .* when 2 of \
anna, ben and cem approve"
is "explain: and no other" "$(grep -c ^Rule <<<"$tap_out")" 1
refuses "explain: no such rule" 1 AUTHORITY-NAME "$cs" policy explain \
    policy.json king

# --- lint ----------------------------------------------------------------
exits "lint: a good policy" 0 "$cs" policy lint policy.json --time $now
is "lint: says nothing else" "$tap_out" "0 errors, 0 warnings"
change '.rules[0].approvals.threshold = 1 | .roles += ["king"]' >warn.json
exits "lint: warnings alone are no refusal" 0 "$cs" policy lint warn.json \
    --time $now
like "lint: what and where" "$tap_out" "^warning  LINT-ONE-PERSON: one \
person alone can approve$"
like "lint: the role" "$tap_out" "found: the role king"
like "lint: counts" "$tap_out" "^0 errors, 3 warnings$"
change '.principals[1].valid_until = "2026-06-01T00:00:00Z" |
    .principals[3].valid_until = "2026-06-01T00:00:00Z"' >left.json
refuses "lint: approvers left" 1 LINT-ERRORS "$cs" policy lint left.json \
    --time $now
like "lint: the threshold" "$tap_out" "^error    LINT-THRESHOLD: "
exits "lint: before they left" 0 "$cs" policy lint left.json \
    --time 2026-05-31T00:00:00Z
run "$cs" policy lint left.json --time $now --json
is "lint --json exits 1 too" "$tap_status" 1
is "lint --json" "$(jq -c '[.errors, (.findings[0] | keys),
    ([.findings[].id] | index("LINT-RULE-NEVER") != null)]' \
    <<<"$tap_out")" \
    '[3,["advice","found","id","level","text"],true]'
is "lint --json is canonical" "$tap_out" "$(jq -cS . <<<"$tap_out")"
refuses "lint: the review is past" 1 LINT-ERRORS "$cs" policy lint \
    policy.json --time 2097-01-02T00:00:00Z
refuses "lint: not a time" 2 USAGE "$cs" policy lint policy.json \
    --time tomorrow
exits "lint: now" 0 "$cs" policy lint policy.json

# --- diff ----------------------------------------------------------------
change '.version = 2 | .previous = "'"$(printf %064d 1)"'" |
    .principals[1].roles = ["admin"] | .keys[0].state = "retired" |
    .rules[0].approvals.distinct_organisations = false |
    .waivers = [{"vulnerability": "CVE-2026-1", "products": ["router"],
	"reason": "not reachable", "until": "2026-12-24T00:00:00Z"}]' \
    >next.json
run "$cs" policy diff policy.dsse next.json
is "diff" "$tap_out" "the policy newly has a WAIVER: CVE-2026-1 is accepted \
in router until 2026-12-24T00:00:00Z, because: not reachable
alice can newly approve a change of the policy
router (rule router-release) no longer needs people of different organisations
alice newly has the role admin
a change of the policy needs 2 of 4 people instead of 2 of 3 people
break-glass needs 3 of 3 people instead of 3 of 4 people
router (rule router-release) needs 2 of 3 people instead of 2 of 4 people
the key fw is retired instead of active
alice no longer has the role approver
alice can no longer approve break-glass
alice can no longer approve router (rule router-release)"
run "$cs" policy diff policy.json next.json --json
is "diff --json" "$(jq -c '[.old.version, .new.version,
    (.changes | length), (.new.digest | length)]' <<<"$tap_out")" \
    '[1,2,11,64]'
run "$cs" policy diff policy.json policy.dsse
is "diff: nothing" "$tap_out" "nothing changes but the version"
exits "diff: one file" 2 "$cs" policy diff policy.json

# --- who-can-sign --------------------------------------------------------
who() {
	"$cs" who-can-sign --policy policy.dsse --at $now "$@"
}
exits "who-can-sign" 0 who
is "who-can-sign: in full" "$tap_out" "router, key fw (raw), rule \
router-release
    any 2 of alice (acme), bob (globex), carol (acme), dora (globex), each of \
another organisation
    that is: alice and bob; alice and dora; bob and carol; carol and dora
    asked for by ci
    until 2097-01-31T00:00:00Z (then the policy must be reviewed)
administration
    any 2 of anna, ben, cem
    until 2099-01-01T00:00:00Z (then too few people are left)
break-glass
    any 3 of alice, bob, carol, dora
    until 2097-01-31T00:00:00Z (then the policy must be reviewed)"
run who --json
is "who-can-sign --json" "$(jq -c '.[0] | [.product, .key, .rule,
    .possible, .sets, .until]' <<<"$tap_out")" \
    '["router","fw","router-release",true,[["alice","bob"],["alice","dora"],["bob","carol"],["carol","dora"]],"2097-01-31T00:00:00Z"]'
is "who-can-sign --json is canonical" "$tap_out" "$(jq -cS . <<<"$tap_out")"
run who --person anna
is "who-can-sign --person" "$(grep -v '^ ' <<<"$tap_out")" administration
run who --key fw
is "who-can-sign --key" "$(grep -v '^ ' <<<"$tap_out")" "router, key fw \
(raw), rule router-release
break-glass"
run "$cs" who-can-sign --policy left.json --at $now --key fw
like "who-can-sign: nobody, and why" "$tap_out" \
    "NOBODY: people of 2 organisations must approve and those who"
run "$cs" who-can-sign --policy policy.json --at 2097-06-01T00:00:00Z
like "who-can-sign: overdue" "$tap_out" \
    "NOBODY: the policy's review is overdue, signing stopped at"
like "who-can-sign: but it can be reviewed" "$tap_out" "any 2 of anna, ben"
change '.rules[0].product = "=router" | .keys[0].products = ["=router"]' \
    >formula.json
run "$cs" who-can-sign --policy formula.json --at $now --csv
like "who-can-sign --csv: no formula" "$tap_out" "^\"'=router\",\"fw\","
is "who-can-sign --csv: lines end as RFC 4180 says" \
    "$(grep -c $'\r$' <<<"$tap_out")" 4
refuses "who-can-sign: nobody of that name" 1 AUTHORITY-NAME who --person x
refuses "who-can-sign: no such key" 1 AUTHORITY-NAME who --key x
refuses "who-can-sign: both forms" 2 USAGE who --json --csv
refuses "who-can-sign: no policy" 2 USAGE "$cs" who-can-sign
refuses "who-can-sign: not a time" 2 USAGE "$cs" who-can-sign \
    --policy policy.json --at 2026
exits "help of a verb of one word" 0 "$cs" help who-can-sign
like "its usage" "$tap_out" "^usage: coldseal who-can-sign \[options\]"
exits "--help of it" 0 "$cs" who-can-sign --help
refuses "an operand that it does not take" 2 USAGE who x

# --- access-review -------------------------------------------------------
run "$cs" policy access-review left.json --time $now
like "review: the role" "$tap_out" "^role approver$"
like "review: what it lets them" "$tap_out" \
    "^    may approve router \(rule router-release\)$"
like "review: who asks" "$tap_out" \
    "^    may ask for router \(rule router-release\), only ci$"
like "review: who signs evidence" "$tap_out" \
    "^    may sign evidence for router .*: build provenance"
like "review: break-glass" "$tap_out" "^    may approve break-glass$"
like "review: the boxes" "$tap_out" "^\[ \] keep  \[ \] remove  bob \(bob, \
of globex\) since 2026-01-01T00:00:00Z until 2099-01-01T00:00:00Z$"
like "review: who is over" "$tap_out" "alice .*, NOT VALID NOW$"
like "review: what to do then" "$tap_out" "move review_by by a policy change"
run "$cs" policy access-review warn.json --role king
like "review: a role without use" "$tap_out" "lets nobody do anything"
like "review: and without people" "$tap_out" "nobody has it"
is "review --role: one" "$(grep -c '^role' <<<"$tap_out")" 1
run "$cs" policy access-review policy.json --json --time $now
is "review --json" "$(jq -c '.[] | select(.role == "admin") | [.lets,
    .holders[0].id, .holders[0].valid, .holders[0].decision]' \
    <<<"$tap_out")" \
    '[["approve a change of the policy"],"anna",true,""]'
run "$cs" policy access-review policy.json --json --role admin
is "review --json --role" "$(jq -c '[.[].role]' <<<"$tap_out")" '["admin"]'
refuses "review: no such role" 1 AUTHORITY-NAME "$cs" policy access-review \
    policy.json --role x
done_testing
