#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The connected side: a release that is refused for a critical vulnerability
# and accepted with a clean scan.  Attestations are made with stock tools:
# printf makes DSSE's PAE, openssl signs it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
shared=$(cd "${CS_SHARED:-$here/../../../shared}" && pwd) || bail "no vectors"
cs=$bin/coldseal
[ -x "$cs" ] || bail "no $cs"
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-evidence.XXXXXX") || bail "no folder"
trap 'rm -rf "$work"' EXIT
cd "$work" || bail "no folder"
umask 077

# --- people, keys, policy ------------------------------------------------
for who in ci alice bob anna fw scanner builder stranger; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	    -out $who.pem 2>/dev/null || bail "openssl genpkey"
done
openssl genpkey -algorithm ed25519 -out builder.pem
spki() {
	openssl pkey -in "$1.pem" -pubout -outform DER | base64 -w 0
}
person() { # id kind organisation role [until]
	jq -n --arg id "$1" --arg kind "$2" --arg org "$3" --arg role "$4" \
	    --arg until "${5:-2099-01-01T00:00:00Z}" --arg key "$(spki "$1")" \
	    '{id: $id, kind: $kind, name: $id, organisation: $org,
	    roles: [$role], keys: [{public_key: $key}],
	    valid_from: "2020-01-01T00:00:00Z", valid_until: $until}'
}
policy() { # waiver's until, or nothing
	jq -n --arg key "$(spki fw)" --argjson people "$(
	    { person ci system acme requester
	    person alice person acme approver
	    person bob person globex approver
	    person anna person acme admin
	    person scanner system acme scanner
	    person builder system acme builder; } | jq -s .)" --arg until "$1" '
	{administration: {roles: ["admin"], threshold: 1},
	appliance: "test.example/log", name: "test", rehearsal: true,
	version: 1, review_by: "2098-01-01T00:00:00Z",
	review_warning_days: 30,
	roles: ["admin", "approver", "builder", "requester", "scanner"],
	domains: [{id: "release", token: "coldseal-release"}],
	keys: [{id: "fw", domain: "release", algorithm: "ecdsa-p256-sha256",
	    uri: "pkcs11:token=coldseal-release;id=%01", public_key: $key,
	    products: ["router"], formats: ["raw"], state: "active",
	    valid_from: "2020-01-01T00:00:00Z",
	    valid_until: "2099-01-01T00:00:00Z"}],
	principals: $people,
	rules: [{id: "release", product: "router", requesters: ["ci"],
	    keys: ["fw"], formats: ["raw"],
	    approvals: {threshold: 2, roles: ["approver"],
	        distinct_organisations: true, requester_excluded: true},
	    evidence: [
	        {type: "vulns", signers: ["scanner"], max_age_days: 7,
	            scanners: ["pkg:github/acme/scanner@*"],
	            denied: ["high", "critical"]},
	        {type: "slsa-provenance", signers: ["builder"],
	            builders: ["https://ci.example/*"],
	            sources: ["https://git.example/acme/router"],
	            refs: ["refs/tags/v*"]}]}]}
	+ if $until == "" then {} else {waivers: [{
	    vulnerability: "CVE-2026-1", products: ["router"],
	    reason: "the code is not reachable", until: $until}]} end'
}
sign_policy() { # from to
	"$cs" policy sign --policy "$1" --key anna.pem --out "$2" ||
	    bail "policy sign"
}
policy "" >policy.json
sign_policy policy.json policy.dsse >/dev/null

# --- attestations --------------------------------------------------------
type=application/vnd.in-toto+json
envelope() { # statement-file key to [payload type]
	local t=${4:-$type} raw=
	printf 'DSSEv1 %d %s %d ' "${#t}" "$t" "$(stat -c %s "$1")" |
	    cat - "$1" >pae
	case $2 in builder) raw=-rawin ;; esac
	if [ -n "$raw" ]; then
		openssl pkeyutl -sign $raw -inkey "$2.pem" -in pae -out sig
	else
		openssl dgst -sha256 -sign "$2.pem" -out sig pae
	fi
	jq -n --arg p "$(base64 -w 0 <"$1")" --arg t "$t" \
	    --arg s "$(base64 -w 0 <sig)" \
	    '{payload: $p, payloadType: $t, signatures: [{sig: $s}]}' >"$3"
}
statement() { # predicate type, artifact; the predicate is on stdin
	jq --arg t "$1" --arg n "$(basename "$2")" \
	    --arg d "$(sha256sum "$2" | cut -d ' ' -f 1)" \
	    '{_type: "https://in-toto.io/Statement/v1",
	    subject: [{name: $n, digest: {sha256: $d}}],
	    predicateType: $t, predicate: .}'
}
ago() { # days
	date -u -d "$1 days ago" +%FT%T.5Z
}
scan() { # artifact key days-ago to finding ...
	local a=$1 k=$2 t out=$4
	t=$(ago "$3")
	shift 4
	printf '%s\n' "$@" | jq -R 'select(. != "") | split("=") |
	    {id: .[0], severity: [{method: "nvd", score: .[1]}]}' |
	    jq -s --arg t "$t" '{scanner: {uri: "pkg:github/acme/scanner@v1",
	    result: .}, metadata: {scanStartedOn: $t, scanFinishedOn: $t}}' |
	    statement https://in-toto.io/attestation/vulns/v0.2 "$a" >st
	envelope st "$k" "$out"
}
provenance() { # artifact key ref to
	jq -n --arg r "$3" '{buildDefinition: {buildType: "https://x/v1",
	    externalParameters: {workflow: {ref: $r,
	        repository: "https://git.example/acme/router"}}},
	    runDetails: {builder: {id: "https://ci.example/linux"}}}' |
	    statement https://slsa.dev/provenance/v1 "$1" >st
	envelope st "$2" "$4"
}
head -c 20000 /dev/urandom >firmware.bin
printf other >other.bin
scan firmware.bin scanner 2 bad.dsse CVE-2026-1=Critical CVE-2026-2=low
scan firmware.bin scanner 1 clean.dsse CVE-2026-2=low
scan firmware.bin scanner 30 old.dsse
scan firmware.bin stranger 1 stranger.dsse
scan firmware.bin builder 1 role.dsse
scan other.bin scanner 1 other.dsse
provenance firmware.bin builder refs/tags/v1.2.3 prov.dsse
provenance firmware.bin builder refs/heads/main branch.dsse

# --- request check -------------------------------------------------------
create() { # out evidence ...
	local out=$1 e args=()
	shift
	for e in "$@"; do
		args+=(--evidence "$e")
	done
	"$cs" request create --product router --version 1.2.3 --key fw \
	    --format raw --requester-key ci.pem --user ci --system builder-7 \
	    --out "$out" "${args[@]}" firmware.bin >/dev/null ||
	    bail "request create"
}
failing() { # of --json output
	jq -r '.checks[] | select(.pass | not) | .id' <<<"$tap_out" |
	    sort -u | tr '\n' ' '
}
check() { # name wanted-IDs evidence ...
	local name=$1 want=$2 status=1
	shift 2
	rm -f x.req
	create x.req "$@"
	run "$cs" request check --policy policy.dsse --json x.req
	[ -n "$want" ] || status=0
	is "$name: exit $status" "$tap_status" $status
	is "$name: ${want:-accepted}" "$(failing)" "${want:+$want }"
}
check "a critical vulnerability" "EVIDENCE-REQUIRED EVIDENCE-SEVERITY" \
    bad.dsse prov.dsse
is "which one is said" "$(jq -r '.checks[] |
    select(.id == "EVIDENCE-SEVERITY").found' <<<"$tap_out")" \
    "vulns: bad.dsse: 1 finding: CVE-2026-1"
run "$cs" request check --policy policy.dsse x.req
like "and what to do" "$tap_out" "EVIDENCE-SEVERITY"
check "a clean scan" "" clean.dsse prov.dsse
like "who scanned is said" "$tap_out" "clean.dsse by scanner"
check "a clean scan after a bad one" "" bad.dsse clean.dsse prov.dsse
scan firmware.bin scanner 0 later.dsse CVE-2026-1=Critical
check "a bad scan after a clean one" \
    "EVIDENCE-REQUIRED EVIDENCE-SEVERITY" clean.dsse later.dsse prov.dsse
check "no evidence" EVIDENCE-MISSING
check "no provenance" EVIDENCE-MISSING clean.dsse
check "a scan that is too old" "EVIDENCE-AGE EVIDENCE-REQUIRED" \
    old.dsse prov.dsse
check "a scan by a stranger" "EVIDENCE-MISSING EVIDENCE-SIGNATURE" \
    stranger.dsse prov.dsse
check "a scan by the builder" "EVIDENCE-REQUIRED EVIDENCE-ROLE" \
    role.dsse prov.dsse
check "a scan of another file" EVIDENCE-SUBJECT other.dsse prov.dsse
check "built from another branch" "EVIDENCE-REF EVIDENCE-REQUIRED" \
    clean.dsse branch.dsse
jq -c '.signatures += [.signatures[0]]' clean.dsse >twice.dsse
check "one signature twice" "EVIDENCE-MISSING EVIDENCE-SAME-KEY" \
    twice.dsse prov.dsse
jq -c .payloadType="\"application/json\"" clean.dsse >retyped.dsse
check "the payload type was changed" \
    "EVIDENCE-MISSING EVIDENCE-SIGNATURE" retyped.dsse prov.dsse
jq -r .payload clean.dsse | base64 -d >st
envelope st scanner plain.dsse application/json
check "another payload type is signed" \
    "EVIDENCE-MISSING EVIDENCE-PAYLOAD-TYPE" plain.dsse prov.dsse
sed -i 's|vulns/v0.2|vulns/v9|' st
envelope st scanner v9.dsse
check "another version" "EVIDENCE-PREDICATE EVIDENCE-REQUIRED" \
    v9.dsse prov.dsse
cp st bare.json
check "a statement without an envelope" \
    "EVIDENCE-ENVELOPE EVIDENCE-MISSING" bare.json prov.dsse
check "another's document goes along" "" clean.dsse prov.dsse \
    "$shared/vectors/evidence/happy-path-intoto-in-dsse-v3.dsse.json"

# --- policy simulate -----------------------------------------------------
simulate() {
	run "$cs" policy simulate --policy "$@"
}
create bare.req
create bad.req bad.dsse prov.dsse
simulate policy.dsse bare.req
is "simulate: refused" "$tap_status" 1
simulate policy.dsse --evidence clean.dsse --evidence prov.dsse bare.req
is "simulate: with what would go along" "$tap_status" 0
like "what it cannot count is said" "$tap_out" \
    "caps and approvals are counted by the appliance"
simulate policy.dsse --evidence clean.dsse --evidence prov.dsse --json \
    --time "$(date -u -d 'now + 10 days' +%FT%TZ)" bare.req
is "simulate: in ten days" "$(failing)" "EVIDENCE-AGE EVIDENCE-REQUIRED "
is "and in JSON what is not counted" \
    "$(jq -c '[.not_counted, .artifacts_seen]' <<<"$tap_out")" \
    '[["caps","approvals"],true]'
simulate policy.dsse --evidence clean.dsse --evidence prov.dsse --json \
    --time "$(date -u -d 'now - 5 days' +%FT%TZ)" bare.req
like "simulate: a clock that is behind" "$(failing)" "EVIDENCE-FUTURE"
refuses "a malformed time" 2 USAGE "$cs" policy simulate --policy \
    policy.dsse --time tomorrow bare.req
mkdir un
tar -C un -xf bare.req
simulate policy.dsse --evidence clean.dsse --evidence prov.dsse \
    un/request.dsse
is "simulate: the envelope alone" "$tap_status" 0
like "which is said" "$tap_out" "artifacts were not looked at"
policy "$(date -u -d 'now + 3 days' +%FT%TZ)" >waived.json
sign_policy waived.json waived.dsse >/dev/null
jq -c '.signatures[0].sig = "AAAA"' waived.dsse >draft.dsse
simulate draft.dsse bad.req
is "simulate: a draft with a waiver" "$tap_status" 0
like "the waiver is said" "$tap_out" "1 waived, CVE-2026-1 until"
refuses "check: a draft is no policy" 1 POLICY-SIGNATURE "$cs" request \
    check --policy draft.dsse bad.req
simulate draft.dsse --json bad.req \
    --time "$(date -u -d 'now + 4 days' +%FT%TZ)"
is "simulate: when the waiver is over" "$(failing)" \
    "EVIDENCE-REQUIRED EVIDENCE-WAIVER "
refuses "no request" 3 DSSE-TYPE "$cs" policy simulate --policy policy.dsse \
    plain.dsse
done_testing
