#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Changes by ceremony on the connected side: the real coldseal, stock openssl
# and jq; the appliance's records are made by tests/lib/mkresp.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/forge.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
tools=$(cd "${CS_TEST_BIN:-$bin/../tests}" && pwd) || bail "no test tools"
cs=$bin/coldseal
for p in "$cs" "$tools/mklog" "$tools/mkresp"; do
	[ -x "$p" ] || bail "no $p"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-change.XXXXXX") || bail "no folder"
trap 'rm -rf "$work"' EXIT
cd "$work" || bail "no folder"
umask 077

# --- people, keys, policies ----------------------------------------------
for k in ci alice bob anna ben cleo fw old made record stranger; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out "$k.pem" 2>/dev/null || bail "openssl"
done
openssl pkey -in record.pem -pubout -out record.pub
spki() {
	openssl pkey -in "$1.pem" -pubout -outform DER | base64 -w 0
}
person() { # id kind role
	printf '{"id":"%s","keys":[{"public_key":"%s"}],"kind":"%s",' \
	    "$1" "$(spki "$1")" "$2"
	printf '"name":"%s","organisation":"acme","roles":["%s"],' "$1" "$3"
	printf '"valid_from":"2020-01-01T00:00:00Z",'
	printf '"valid_until":"2099-01-01T00:00:00Z"}'
}
key() { # id number state
	printf '{"algorithm":"ecdsa-p256-sha256","domain":"release",'
	printf '"formats":["raw"],"id":"%s","products":["router"],' "$1"
	printf '"public_key":"%s","state":"%s",' "$(spki "$1")" "$3"
	printf '"uri":"pkcs11:token=coldseal-release;id=%%%s",' "$2"
	printf '"valid_from":"2020-01-01T00:00:00Z",'
	printf '"valid_until":"2099-01-01T00:00:00Z"}'
}
origin=test.example/log
cat >one.json <<END
{ "administration": {"roles": ["admin"], "threshold": 2},
  "appliance": "$origin", "name": "test", "rehearsal": true, "version": 1,
  "review_by": "2099-01-01T00:00:00Z", "review_warning_days": 30,
  "domains": [{"id": "release", "token": "coldseal-release"}],
  "keys": [$(key fw 01 active), $(key old 02 retired)],
  "roles": ["admin", "approver", "requester"],
  "principals": [$(person ci system requester),
    $(person alice person approver), $(person bob person approver),
    $(person anna person admin), $(person ben person admin)],
  "rules": [{"approvals": {"distinct_organisations": false,
    "requester_excluded": true, "roles": ["approver"], "threshold": 2},
    "formats": ["raw"], "id": "router-release", "keys": ["fw"],
    "product": "router", "requesters": ["ci"]}]
}
END
sign() { # policy out key [option ...]
	local p=$1 out=$2 key=$3
	shift 3
	"$cs" policy sign --policy "$p" --key "$key.pem" --out "$out" "$@"
}
sign one.json half anna >/dev/null && sign half one.dsse ben >/dev/null ||
    bail "policy sign"
digest() { # envelope
	jq -r .payload "$1" | base64 -d | sha256sum | cut -d' ' -f1
}
next() { # jq filter: version 2 with more changes
	jq --arg p "$(digest one.dsse)" ".version=2 | .previous=\$p | $1" \
	    one.json
}
cleo=$(person cleo person admin)

# --- policy sign: the next version ---------------------------------------
next ".principals += [$cleo] | .rules[0].approvals.threshold=1" >two.json
refuses "version 2 without the one before it" 1 POLICY-PREVIOUS \
    sign two.json x anna
like "it says what to do" "$tap_err" "what to do:.*--previous FILE"
refuses "version 1 with one before it" 1 POLICY-PREVIOUS \
    sign one.json x anna --previous one.dsse
exits "an administrator of the old one" 0 sign two.json two.1 anna \
    --previous one.dsse
exits "whom only the new one names" 0 sign two.1 two.cleo cleo \
    --previous one.dsse
like "and is told that it does not count" "$tap_out" "does not count"
exits "the second of the old one" 0 sign two.cleo two.dsse ben \
    --previous one.dsse
is "three signatures" "$(jq '.signatures|length' two.dsse)" 3
refuses "twice the same" 1 POLICY-SIGNED-TWICE sign two.dsse x ben \
    --previous one.dsse
refuses "an approver" 1 POLICY-NOT-ADMIN sign two.1 x alice --previous one.dsse
refuses "a stranger" 1 POLICY-NOT-ADMIN sign two.1 x stranger \
    --previous one.dsse
jq -c '.signatures += [{"keyid":"","sig":"AAAA"}]' two.1 >foreign
refuses "a foreign signature so far" 1 POLICY-NOT-ADMIN sign foreign x ben \
    --previous one.dsse
# ben is no administrator any more, and signs that
next '.principals[4].roles=["approver"] | .administration.threshold=1' >no.json
exits "an administrator's own end" 0 sign no.json no.1 ben --previous one.dsse
next '.version=3' >jump.json
refuses "a jump" 1 CHANGE-VERSION sign jump.json x anna --previous one.dsse
next ".previous=\"$(printf '%064d' 1)\"" >fork.json
refuses "a fork" 1 CHANGE-FORK sign fork.json x anna --previous one.dsse
like "in words" "$tap_err" "a fork: version 2 of another version 1"
run "$cs" policy show no.1
like "policy show: the old one's signature is not called bad" "$tap_out" \
    "other .*previous one"

# --- change create -------------------------------------------------------
create() { # action [option ...]
	"$cs" change create "$@" --reason "the yearly review" --user anna \
	    --system desk.example
}
for a in "policy.update --policy two.dsse --current one.dsse" \
    "key.generate --id new-key --domain release --algorithm ecdsa-p256-sha256" \
    "key.destroy --id old" "clock.set --seconds -60" "exception.note"; do
	set -- $a
	exits "change create $1" 0 create "$@" --key anna.pem --out "$1.req"
	exits "request check $1" 0 "$cs" request check "$1.req" \
	    --policy one.dsse
	exits "request show $1" 0 "$cs" request show "$1.req"
	like "it says what it is" "$tap_out" "^action: *$1|^action *$1"
	like "and why" "$tap_out" "the yearly review"
done
run "$cs" request show policy.update.req --policy one.dsse
like "show: the difference in words" "$tap_out" "cleo"
run "$cs" request show policy.update.req --policy one.dsse --json
is "show --json: action, version and evidence" \
    "$(jq -c '[.action,.policy_version,.evidence[].name,.reason]' \
	<<<"$tap_out")" \
    '["policy.update",2,"policy.dsse","the yearly review"]'
like "show --json: the difference" "$(jq -r '.changes[]' <<<"$tap_out")" cleo
run "$cs" request check policy.update.req --policy one.dsse
like "check: the difference in words" "$tap_out" "cleo"
like "check: the quorum" "$tap_out" "approvals *2 from admin, not the req"
run "$cs" request check policy.update.req --policy one.dsse --json
is "check --json" "$(jq -c '[.accepted,.rule,.requester,
    (.changes|length>0)]' <<<"$tap_out")" '[true,"administration","anna",true]'
run "$cs" request show clock.set.req
like "show: the clock in words" "$tap_out" "set the clock back by 60 seconds"
run "$cs" request show key.generate.req --json
is "show --json: a key" "$(jq -c '[.key,.domain,.algorithm]' <<<"$tap_out")" \
    '["new-key","release","ecdsa-p256-sha256"]'
exits "a requester files a change" 0 create exception.note --key ci.pem \
    --current one.dsse --out ci.req
refuses "an approver does not" 1 REQ-REQUESTER create exception.note \
    --key alice.pem --current one.dsse --out x.req
ok "and nothing is written" test ! -e x.req
"$cs" change create exception.note --key alice.pem --reason r --out alice.req \
    >/dev/null
refuses "which request check says too" 1 REQUEST-REFUSED "$cs" request check \
    alice.req --policy one.dsse
refuses "show compares only a policy.update" 2 USAGE "$cs" request show \
    ci.req --policy one.dsse

# --- what must fail is refused at once -----------------------------------
update() { # policy
	create policy.update --key anna.pem --policy "$1" --current one.dsse \
	    --out x.req
}
refuses "too few signatures" 1 CHANGE-QUORUM update two.1
refuses "one that appointed herself" 1 CHANGE-QUORUM update two.cleo
jq -c '.signatures += [{"keyid":"","sig":"AAAA"}]' two.dsse >foreign
refuses "a stranger's signature" 1 CHANGE-SIGNER update foreign
refuses "the one in force" 1 CHANGE-VERSION update one.dsse
refuses "no policy" 3 JSON-SYNTAX update anna.pem
refuses "a key that is in use" 1 CHANGE-KEY-STATE create key.destroy \
    --key anna.pem --id fw --current one.dsse --out x.req
refuses "a key that there is not" 1 CHANGE-KEY create key.destroy \
    --key anna.pem --id nothing --current one.dsse --out x.req
gen() {
	create key.generate --key anna.pem --out x.req --current one.dsse "$@"
}
refuses "a key's ID twice" 1 CHANGE-KEY-EXISTS gen --id fw --domain release \
    --algorithm ecdsa-p256-sha256
refuses "an unknown domain" 1 CHANGE-DOMAIN gen --id n --domain x \
    --algorithm ecdsa-p256-sha256
refuses "an unknown algorithm" 3 CHANGE-ALGORITHM gen --id n --domain release \
    --algorithm rsa
refuses "a malformed ID" 3 CHANGE-NAME gen --id N/a --domain release \
    --algorithm ecdsa-p256-sha256
note() {
	create exception.note --key anna.pem --out x.req "$@"
}
refuses "an unknown action" 2 USAGE create key.export --key anna.pem \
    --out x.req
refuses "no action" 2 USAGE "$cs" change create --key anna.pem --reason r \
    --out x.req
refuses "an option of another action" 2 USAGE note --seconds 5
refuses "and another" 2 USAGE note --policy two.dsse
refuses "a missing option" 2 USAGE create key.generate --key anna.pem \
    --id n --domain release --out x.req
refuses "no --current" 2 USAGE create policy.update --policy two.dsse \
    --key anna.pem --out x.req
for s in 0 315619201 -315619201; do
	refuses "clock.set $s" 3 CHANGE-CLOCK create clock.set --seconds "$s" \
	    --key anna.pem --out x.req
done
for s in '' - +-5 5x 1.5 9999999999 ' 5'; do
	refuses "clock.set '$s'" 2 USAGE create clock.set --seconds "$s" \
	    --key anna.pem --out x.req
done
refuses "a long reason" 3 JSON-VALUE "$cs" change create exception.note \
    --key anna.pem --out x.req --reason "$(printf '%0201d' 0)"
refuses "an empty reason" 2 USAGE "$cs" change create exception.note \
    --key anna.pem --out x.req --reason ''
ok "nothing was written" test ! -e x.req

# --- bundles that were put together by other hands -----------------------
refuses "a change is approved at the appliance" 1 APPROVAL-AHEAD "$cs" \
    request approve policy.update.req --policy one.dsse --key ben.pem \
    --out x.apr
mkdir u
tar -xf policy.update.req -C u
is "the bundle's parts" "$(find u -type f -printf '%P\n' |
    sed 's/[0-9a-f]\{64\}/H/' | sort | tr '\n' ' ')" \
    "evidence/H manifest request.dsse type "
is "the document is the policy" "$(sha256sum <two.dsse | cut -d' ' -f1)" \
    "$(find u/evidence -type f -printf '%f')"
forge_open policy.update.req
forge_pack none.req type request.dsse
refuses "no policy in the bundle" 1 CHANGE-EVIDENCE "$cs" request show \
    none.req --policy one.dsse
run "$cs" request check none.req --policy one.dsse
like "request check says so" "$tap_out" "FAIL  CHANGE-EVIDENCE"
forge_payload ".predicate.policy.sha256=\"$(printf '%064d' 1)\""
forge_payload ".subject[0].digest.sha256=\"$(jq -cSj .predicate \
    "$work/payload" | sha256sum | cut -d' ' -f1)\""
forge_sign anna.pem
forge_pack named.req
refuses "another policy than the one named" 1 CHANGE-NAMED "$cs" request \
    show named.req --policy one.dsse
run "$cs" request check named.req --policy one.dsse
like "request check says so too" "$tap_out" "FAIL  CHANGE-NAMED"
forge_open exception.note.req
mkdir "$forge/artifacts"
cp one.json "$forge/artifacts/$(sha256sum <one.json | cut -d' ' -f1)"
forge_pack artifact.req
run "$cs" request check artifact.req --policy one.dsse
like "an artifact with a change" "$tap_out" "FAIL  ARTIFACT-EXTRA"
exits "policy simulate takes a change" 0 "$cs" policy simulate \
    --policy one.dsse key.destroy.req

# --- responses -----------------------------------------------------------
"$tools/mklog" --vkey "$origin" >log.vkey
"$tools/mklog" --vkey other.example/log >other.vkey
answer() { # action variant
	"$tools/mkresp" "$1.req" one.dsse "$origin" made.pem record.pem \
	    "$1-$2" "aud-$1-$2" "$2" || bail "mkresp $1 $2"
}
verify() { # bundle [option ...]
	"$cs" response verify --policy one.dsse --record-key record.pub \
	    --log-key log.vkey "$@"
}
for a in policy.update key.generate key.destroy clock.set exception.note; do
	answer "$a" good
	exits "response verify, $a" 0 verify "$a-good"
	like "it says what was done" "$tap_out" "^action: *$a|^action *$a"
	exits "response extract, $a" 0 "$cs" response extract "$a-good" \
	    --out "out-$a"
	ok "its record" test -s "out-$a/record.dsse"
done
is "nothing else of a note" "$(ls out-exception.note)" record.dsse
run verify key.generate-good
entry=$(tail -n 1 <<<"$tap_out")
is "the entry for the policy" "$(jq -c . <<<"$entry")" \
    "$(jq -cnS --arg k "$(spki made)" '{id:"new-key",domain:"release",
    uri:"pkcs11:token=coldseal-release;id=%09",public_key:$k,
    algorithm:"ecdsa-p256-sha256"}')"
is "in its canonical form" "$entry" "$(jq -cS . <<<"$entry")"
run verify key.generate-good --json
is "verify --json" "$(jq -c '[.verdict,.action,.policy_entry.id,.restricted]' \
    <<<"$tap_out")" '["verified","key.generate","new-key",true]'
openssl pkey -in made.pem -pubout -out made.pub
is "the public key in PEM" "$(openssl pkey -pubin \
    -in out-key.generate/new-key.pem)" "$(cat made.pub)"
ok "stock openssl takes the certificate request" openssl req -verify -noout \
    -in out-key.generate/new-key.csr
refuses "nothing is overwritten" 4 HOST-EXISTS "$cs" response extract \
    key.generate-good --out out-key.generate
failing() {
	jq -r '.checks[] | select(.pass | not) | .id' | tr '\n' ' '
}
expect() { # action variant CHECK-ID
	answer "$1" "$2"
	run verify "$1-$2" --json
	is "response, $2: exit 1" "$tap_status" 1
	like "response, $2: $3" "$(failing <<<"$tap_out")" "$3"
	is "and no entry" "$(jq -r .policy_entry <<<"$tap_out")" null
	run verify "$1-$2"
	is "nor for people" "$(grep -c '"public_key"' <<<"$tap_out")" 0
}
expect key.generate cosigned RESPONSE-RECORD
expect key.generate origin RESPONSE-ORIGIN
expect key.generate approvals RESPONSE-APPROVALS
expect key.generate csr CHANGE-RECORD
expect key.generate csrkey CHANGE-RECORD
expect key.generate csrtail CHANGE-RECORD
refuses "such a certificate request is not unpacked" 3 CHANGE-RECORD "$cs" \
    response extract key.generate-csrtail --out tail
create key.generate --id n --domain other --algorithm ecdsa-p256-sha256 \
    --key anna.pem --out other.req >/dev/null
expect other good CHANGE-DOMAIN
answer key.generate nocsr
exits "a key without a request" 0 verify key.generate-nocsr
"$cs" response extract key.generate-nocsr --out nocsr >/dev/null
is "has no .csr" "$(ls nocsr | tr '\n' ' ')" "new-key.pem record.dsse "
answer exception.note members
refuses "a missing checkpoint" 3 RESPONSE-MEMBERS verify exception.note-members
run "$cs" response verify --policy two.dsse --record-key record.pub \
    --log-key log.vkey exception.note-good --json
like "under another policy" "$(failing <<<"$tap_out")" "RESPONSE-POLICY"
run "$cs" response verify --policy one.dsse --record-key record.pub \
    --log-key other.vkey exception.note-good --json
like "another log's key" "$(failing <<<"$tap_out")" "NOTE-KEY"
refuses "a change has no artifacts" 2 USAGE verify exception.note-good \
    --artifact one.json
refuses "nor a log entry in its record" 2 USAGE verify exception.note-good \
    --audit aud-exception.note-good
done_testing
