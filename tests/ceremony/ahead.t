#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An approver decides at home: coldseal approve, and what it refuses.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
cs=$bin/coldseal
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-ahead.XXXXXX") || bail "no folder"
trap 'rm -rf "$work"' EXIT
cd "$work" || bail "no folder"
umask 077

for who in ci alice bob olga anna fw stranger; do
	openssl genpkey -algorithm EC -out $who.pem \
	    -pkeyopt ec_paramgen_curve:P-256 2>/dev/null || bail "openssl"
done
spki() { openssl pkey -in "$1.pem" -pubout -outform DER | base64 -w 0; }
person() { # id kind role
	printf '{"id":"%s","keys":[{"public_key":"%s"}],"kind":"%s",' \
	    "$1" "$(spki "$1")" "$2"
	printf '"name":"%s","organisation":"acme","roles":["%s"],' "$1" "$3"
	printf '"valid_from":"2020-01-01T00:00:00Z",'
	printf '"valid_until":"2099-01-01T00:00:00Z"}'
}
policy() { # more of "approvals", file
	cat >p.json <<END
{ "administration": {"roles": ["admin"], "threshold": 1},
  "appliance": "test.example/log", $review
  "domains": [{"id": "release", "token": "coldseal-release"}],
  "keys": [{"algorithm": "ecdsa-p256-sha256", "domain": "release",
    "formats": ["raw"], "id": "fw-p256", "products": ["router"],
    "public_key": "$(spki fw)", "state": "active",
    "uri": "pkcs11:token=coldseal-release;id=%01",
    "valid_from": "2020-01-01T00:00:00Z",
    "valid_until": "2099-01-01T00:00:00Z"}],
  "name": "test", "rehearsal": true,
  "roles": ["admin", "approver", "requester", "visitor"], "version": 1,
  "principals": [$(person ci system requester),
    $(person alice person approver), $(person bob person approver),
    $(person olga person visitor), $(person anna person admin)],
  "rules": [{"approvals": {$1 "distinct_organisations": false,
    "requester_excluded": true, "roles": ["approver"], "threshold": 2},
    "formats": ["raw"], "id": "router-release", "keys": ["fw-p256"],
    "product": "router", "requesters": ["ci"]}]
}
END
	"$cs" policy sign --policy p.json --key anna.pem --out "$2" >/dev/null 2>&1
}
review='"review_by": "2099-01-01T00:00:00Z", "review_warning_days": 30,'
policy '' here.dsse || bail "no policy"
policy '"ahead": true,' home.dsse || bail "no policy that takes them"
echo artifact >a.bin
request() { # file key
	"$cs" request create --product router --version 1.2.3 --key fw-p256 \
	    --format raw --requester-key "$2" --user ci --system b7 \
	    --pipeline https://ci.example/router --run 1 --commit abc \
	    --out "$1" a.bin >/dev/null || bail "no request"
}
request a.req ci.pem
request strange.req stranger.pem
decide() { # word, arguments of approve
	local word=$1
	shift
	"$cs" approve "$@" <<<"$word"
}

exits "approve --help" 0 "$cs" approve --help
refuses "no policy" 2 USAGE decide APPROVE a.req --key alice.pem --out a.apr
refuses "a rule that takes none" 1 APPROVAL-AHEAD decide APPROVE a.req \
    --policy here.dsse --key alice.pem --out a.apr
refuses "nor a rejection" 1 APPROVAL-AHEAD decide REJECT a.req --reject no \
    --policy here.dsse --key alice.pem --out a.apr
refuses "a request that the policy refuses" 1 REQUEST-REFUSED decide APPROVE \
    strange.req --policy here.dsse --key alice.pem --out a.apr
ok "nothing was written" test ! -e a.apr

approve=(--policy home.dsse --key)
exits "approve" 0 decide APPROVE a.req "${approve[@]}" alice.pem \
    --out a.apr
like "it shows the request" "$tap_out" '^product +router'
like "the artifact" "$tap_out" '^artifact +a.bin'
like "the checks" "$tap_out" '^pass +POLICY-RULE'
like "who decides what" "$tap_out" '^you are +alice'
tar xf a.apr
is "the bundle is an approval" "$(cat type)" \
    "coldseal-bundle v1 approval"
jq -r .payload approval.dsse | base64 -d >payload
is "made ahead" "$(jq -c '.predicate | [.ahead, .decision, .approver,
    .nonce]' payload)" "[true,\"approve\",\"alice\",\"$(printf '%064d' 0)\"]"
is "for this very request" "$(jq -r .predicate.request.sha256 payload)" \
    "$("$cs" request show --json a.req | jq -r .digest)"
exits "media write takes it" 0 "$cs" media write in.img a.apr
like "under a name of its own" "$tap_out" 'COLDSEAL.APR'
exits "media read gives it back" 0 "$cs" media read in.img \
    --file COLDSEAL.APR --out back.apr
ok "as it was" cmp a.apr back.apr
refuses "another word" 1 CANCELLED decide approve a.req \
    "${approve[@]}" bob.pem --out b.apr
refuses "no word" 1 CANCELLED "$cs" approve a.req "${approve[@]}" \
    bob.pem --out b.apr </dev/null
refuses "the word of a rejection" 1 CANCELLED decide REJECT a.req \
    "${approve[@]}" bob.pem --out b.apr
refuses "a stranger" 1 APPROVAL-SIGNATURE decide APPROVE a.req \
    "${approve[@]}" stranger.pem --out b.apr
refuses "a person without the role" 1 APPROVAL-ROLE decide APPROVE \
    a.req "${approve[@]}" olga.pem --out b.apr
refuses "a system" 1 APPROVAL-PERSON decide APPROVE a.req \
    "${approve[@]}" ci.pem --out b.apr
refuses "a reason with a control character" 3 JSON-VALUE decide \
    REJECT a.req "${approve[@]}" bob.pem --out b.apr \
    --reject $'a\tb'
refuses "a request that the policy refuses is not approved" 1 \
    REQUEST-REFUSED decide APPROVE strange.req "${approve[@]}" \
    bob.pem --out b.apr
ok "nothing was written" test ! -e b.apr
exits "reject" 0 decide REJECT a.req "${approve[@]}" bob.pem \
    --out r.apr --reject "not tested"
tar xf r.apr
is "with the reason" "$(jq -r .payload approval.dsse | base64 -d |
    jq -c '.predicate | [.decision, .reason]')" \
    '["reject","not tested"]'
done_testing
