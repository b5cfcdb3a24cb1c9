#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Whole ceremonies through the real console, on swtpm, SoftHSM and FAT images.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/forge.sh"
con_work cer

con_rehearse

# a token that nobody enrolled, in a port of its own
module=$(jq -r .module "$CON_DIR/state/site.json")
mkdir -p "$work/stranger/tokens"
sed "s|^directories.tokendir.*|directories.tokendir = $work/stranger/tokens|" \
    "$CON_DIR/hsm/softhsm2.conf" >"$work/stranger/softhsm2.conf"
echo 424242 >"$work/stranger/pin"
SOFTHSM2_CONF=$work/stranger/softhsm2.conf coldseal-rehearsal-token \
    "$module" stranger "$work/stranger/pin" >/dev/null || bail "no stranger"
jq -c --arg m "$module" --arg c "$work/stranger/softhsm2.conf" \
    '.tokens += [{port: "stranger", module: $m, conf: $c}]' \
    "$CON_DIR/state/site.json" >"$work/site" &&
    mv "$work/site" "$CON_DIR/state/site.json"

echo "the first artifact" >"$work/a.bin"
echo '{"scan": "clean"}' >"$work/scan.json"
request() { # OUT KEY FORMAT ARTIFACT... [options before]
	local out=$1 key=$2 format=$3
	shift 3
	coldseal request create --product router --version 1.2.3 --key "$key" \
	    --format "$format" --requester-key "$COLDSEAL_REQUESTER" \
	    --user ci --system b7 --pipeline https://ci.example/router \
	    --run 1 --commit abc --out "$out" "$@" >/dev/null
}
insert() { coldseal media write "$COLDSEAL_IN" "$1" >/dev/null; }
# what the host tool would not write; as people copy files on a stick
insert_raw() {
	truncate -s 0 "$COLDSEAL_IN"
	truncate -s 64M "$COLDSEAL_IN"
	mkfs.fat -F 32 "$COLDSEAL_IN" >/dev/null &&
	    mcopy -i "$COLDSEAL_IN" "$1" ::COLDSEAL.REQ
}
# an appliance that is there must answer; its end is a failure of its own
con_or_bail() { con "$@" || bail "the appliance ended: $con_out"; }
last_leaf() { con "log 1" && printf '%s' "$con_out"; }

# --- the good way ----------------------------------------------------------
request "$work/a.req" fw-p256 raw --evidence "$work/scan.json" \
    "$work/a.bin" || bail "no request"
insert "$work/a.req"
con_start "$CON_DIR" || bail "no console: $con_out"
like "the banner names the rehearsal" "$con_out" 'REHEARSAL'
like "the banner shows the root as words" "$con_out" 'root words: [A-Za-z]+ '
con_or_bail intake
like "intake accepts" "$con_out" 'accepted as request 1: 1 artifacts'
con_or_bail "show 1"
like "show: grouped hex" "$con_out" 'sha256 ([0-9a-f]{4} ){7}[0-9a-f]{4}'
like "show: PGP words" "$con_out" 'words  [A-Za-z]+ [A-Za-z]+ '
like "show: evidence" "$con_out" 'evidence +scan.json'
con_or_bail "sign 1"
like "no approvals: not signed" "$con_out" 'QUORUM-SHORT'
con_approve 1 alice
like "alice approves" "$con_out" 'approved by alice: 1 of 2'
con_approve 1 alice
like "alice twice is refused" "$con_out" 'APPROVAL-TWICE'
like "and logged" "$(last_leaf)" 'approval.refused.*alice.*APPROVAL-TWICE'
con_or_bail "sign 1"
like "two approvals by one person do not sign" "$con_out" \
    'QUORUM-SHORT.*' 
like "the count stays" "$con_out" 'found: 1 of 2'
con "approve 1 bob" APPROVE 000000
like "a wrong PIN is refused" "$con_out" 'HSM-PIN:'
like "and logged" "$(last_leaf)" 'approval.refused.*bob.*HSM-PIN'
con "approve 1 stranger" APPROVE 424242
like "a token that nobody enrolled is refused" "$con_out" 'HSM-TOKEN-ABSENT'
like "and logged" "$(last_leaf)" 'approval.refused unknown HSM-TOKEN-ABSENT'
con "approve 1 nowhere" APPROVE
like "a port that is not there" "$con_out" 'TOKEN-PORT'
con "approve 1 bob" no
like "another word than APPROVE cancels" "$con_out" 'CANCELLED'
con "approve 1 bob" APPROVE ""
like "an empty PIN cancels" "$con_out" 'CANCELLED'
con_approve 1 bob
like "bob approves" "$con_out" '2 of 2'
like "and the signer agrees at once" "$con_out" 'the signer agrees'
con_or_bail "sign 1"
like "signed" "$con_out" '1 signatures made, verified and logged'
con_or_bail "sign 1"
like "signed once" "$con_out" 'REQUEST-STATE'
con_approve 1 carol
like "nothing to approve any more" "$con_out" 'REQUEST-STATE'
con_or_bail export
like "exported" "$con_out" 'safe to remove the OUT medium'
coldseal media read "$COLDSEAL_OUT" --out "$work/a.rsp" >/dev/null
verify_response() {
	coldseal response verify "$1" --policy "$COLDSEAL_POLICY" \
	    --record-key "$COLDSEAL_RECORD_KEY" \
	    --log-key "$COLDSEAL_LOG_KEY" "${@:2}"
}
exits "the response verifies" 0 verify_response "$work/a.rsp" \
    --artifact "$work/a.bin"
coldseal response extract "$work/a.rsp" --out "$work/a" >/dev/null
like "stock openssl agrees" "$(openssl dgst -sha256 -verify \
    "$CON_DIR/state/enrol/keys/fw-p256.pem" \
    -signature "$work/a/a.bin.sig" "$work/a.bin")" 'Verified OK'
con_or_bail intake
like "the same request again is known" "$con_out" \
    'request 1 was taken in before and is signed'
con_or_bail "export 1"
coldseal media read "$COLDSEAL_OUT" --out "$work/a2.rsp" >/dev/null
ok "and has the same response for ever" cmp "$work/a.rsp" "$work/a2.rsp"
con_or_bail policy
like "who can sign what, right now" "$con_out" 'any 2 of alice, bob, carol'
con_or_bail keys
like "keys are listed" "$con_out" 'fw-cms +rsa3072-pkcs1-sha256, active'

# --- rejecting -------------------------------------------------------------
echo "the second" >"$work/b.bin"
request "$work/b.req" fw-p384 raw "$work/b.bin"
insert "$work/b.req"
con_or_bail intake
con_approve 2 alice
con "reject 2 carol" "not this one" REJECT \
    "$(cat "$CON_DIR/approvers/carol/pin")"
like "carol rejects" "$con_out" 'rejected by carol'
con_approve 2 bob
like "a rejected request takes no approval" "$con_out" 'REQUEST-STATE'
con_or_bail "sign 2"
like "and is not signed" "$con_out" 'REQUEST-STATE'

# --- what bad requests get -------------------------------------------------
con_or_bail list
listed=$(printf '%s' "$con_out" | grep -cE ' (pending|signed|rejected) ')

# refused NAME CHECK-ID BUNDLE [unreadable]
refused() {
	local leaf
	insert_raw "$3" || bail "no medium for $1"
	con_or_bail intake
	like "$1: $2" "$con_out" "$2"
	leaf=$(last_leaf)
	like "$1: logged" "$leaf" "intake.refused.*$2"
	[ "${4-}" = unreadable ] && return
	con_or_bail export
	like "$1: a refusal to carry back" "$con_out" 'safe to remove'
	coldseal media read "$COLDSEAL_OUT" --out "$work/no.rsp" >/dev/null
	run verify_response "$work/no.rsp"
	like "$1: which verifies and names the check" "$tap_out$tap_err" "$2"
}
forged() { # NAME CHECK-ID JQ [KEY [unreadable]]
	forge_open "$work/a.req"
	forge_payload '.predicate.id = "'"$(od -An -N16 -tx1 /dev/urandom |
	    tr -d ' \n')"'" | '"$3"
	forge_sign "${4:-$COLDSEAL_REQUESTER}"
	forge_pack "$work/f.req"
	refused "$1" "$2" "$work/f.req" "${5-}"
}
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out "$work/other.pem" 2>/dev/null
forge_open "$work/a.req"
forge_pack "$work/again.req"
ok "a bundle made by tar is canonical" cmp "$work/a.req" "$work/again.req"
forged "unknown requester" REQ-SIGNATURE . "$work/other.pem"
forged "wrong product" POLICY-PRODUCT '.predicate.product = "camera"'
forged "wrong format" POLICY-FORMAT '.predicate.format = "cms"'
forged "unknown key" "POLICY-(KEY|RULE)" '.predicate.key = "fw-none"'
forged "size mismatch" ARTIFACT- '.subject[0].annotations.size = 5'
forged "digest mismatch" ARTIFACT- \
    '.subject[0].digest.sha256 = ("00" * 32)'
forged "missing evidence" REQ-EVIDENCE \
    '.predicate.evidence[0].sha256 = ("11" * 32)'
forged "unknown field" JSON-FIELD '.predicate.treshold = 1' "" unreadable
forged "a request of the future" REQ-FUTURE \
    '.predicate.created = "2999-01-01T00:00:00Z"'
forge_open "$work/a.req"
forge_payload '.predicate.version = "6.6.6"'
forge_sign "$COLDSEAL_REQUESTER"
forge_pack "$work/f.req"
refused "another request under a used ID" REQ-ID-REUSED "$work/f.req"

raw_payload() { # NAME CHECK-ID SED
	forge_open "$work/a.req"
	sed "$3" "$work/payload" >"$work/p2"
	mv "$work/p2" "$work/payload"
	forge_sign "$COLDSEAL_REQUESTER"
	forge_pack "$work/f.req"
	refused "$1" "$2" "$work/f.req" unreadable
}
raw_payload "duplicate JSON key" JSON-DUPLICATE 's/"run":"1"/"run":"1","run":"2"/'
raw_payload "NUL in JSON" JSON- 's/"run":"1"/"run":"\\u0000"/'
raw_payload "depth" JSON- \
    's/"run":"1"/"run":[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]/'
raw_payload "not canonical" STATEMENT- 's/,"run"/, "run"/'

# --- what bad bundles and media get ----------------------------------------
bad_bundle() { refused "$1" "$2" "$3" unreadable; }
# a request that is new: a known one is answered before its end is read
request "$work/c.req" fw-p256 raw "$work/a.bin"
size=$(stat -c %s "$work/c.req")
head -c $((size - 1024)) "$work/c.req" >"$work/f.req"
bad_bundle "truncated bundle" BUNDLE-TRUNCATED "$work/f.req"
{ cat "$work/c.req"; head -c 512 /dev/zero; } >"$work/f.req"
bad_bundle "trailing bytes" BUNDLE-TRAILING "$work/f.req"
forge_open "$work/a.req"
forge_pack "$work/f.req" type request.dsse request.dsse
bad_bundle "duplicate member" BUNDLE-DUPLICATE "$work/f.req"
forge_open "$work/a.req"
mv "$forge/request.dsse" "$forge/request2.dsse"
forge_pack "$work/f.req" type request2.dsse
bad_bundle "renamed member" BUNDLE-MISSING "$work/f.req"
bad_bundle "a response as request" BUNDLE-TYPE "$work/a.rsp"
forge_open "$work/a.req"
mkdir -p "$forge/artifacts"
echo other >"$forge/artifacts/$(printf '0%.0s' {1..64})"
forge_pack "$work/f.req"
bad_bundle "a member under a wrong hash" BUNDLE-NAME "$work/f.req"
forge_open "$work/a.req"
echo changed >>"$forge/evidence/$(ls "$forge/evidence")"
mapfile -t members < <(forge_members)
forge_tar "$work/f.req" manifest "${members[@]}"
bad_bundle "content that is not the manifest's" BUNDLE-HASH "$work/f.req"
forge_open "$work/a.req"
head -c 17000000 /dev/zero >"$forge/request.dsse"
forge_pack "$work/f.req"
bad_bundle "oversized document" BUNDLE-LARGE "$work/f.req"

bad_medium() { # NAME CHECK-ID, the image is in place
	con_or_bail intake
	like "medium: $1: $2" "$con_out" "$2"
	like "medium: $1: logged" "$(last_leaf)" "intake.refused.*$2"
}
poke() { # OFFSET HEX
	printf '%b' "$(printf '%s' "$2" | sed 's/../\\x&/g')" |
	    dd of="$COLDSEAL_IN" bs=1 seek="$1" conv=notrunc status=none
}
fat_entry() { # CLUSTER: offset of its entry in the first table
	echo $((32 * 512 + $1 * 4))
}
insert "$work/a.req"
poke "$(fat_entry 4)" 03000000
bad_medium "a loop in the chain" MEDIA-FAT-LOOP
insert "$work/a.req"
poke "$(fat_entry 4)" ffffff0e
bad_medium "a chain past the end" MEDIA-FAT-CLUSTER
insert "$work/a.req"
poke "$(fat_entry 4)" 00000000
bad_medium "a chain into a free cluster" MEDIA-FAT-CLUSTER
insert "$work/a.req"
poke "$(fat_entry 4)" ffffff0f
bad_medium "a chain that is too short" MEDIA-FAT-SHORT
insert "$work/a.req"
poke 36 01000000
bad_medium "a table that is too small" MEDIA-GEOMETRY
insert "$work/a.req"
poke 512 4546492050415254
bad_medium "GPT" MEDIA-GPT
insert "$work/a.req"
poke 3 4558464154202020
bad_medium "exFAT" MEDIA-EXFAT
insert "$work/a.req"
poke 3 4e54465320202020
bad_medium "NTFS" MEDIA-NTFS
insert "$work/a.req"
poke 424 3bd66749292ed84a8399f6a339e3d001
bad_medium "BitLocker To Go" MEDIA-ENCRYPTED
truncate -s 0 "$COLDSEAL_IN"
truncate -s 64M "$COLDSEAL_IN"
bad_medium "an empty stick" MEDIA-EMPTY
mkfs.fat -F 16 -R 1 "$COLDSEAL_IN" >/dev/null
mcopy -i "$COLDSEAL_IN" "$work/a.req" ::COLDSEAL.REQ
poke 1080 53ef
con_or_bail intake
like "a FAT16 table that holds ext's magic is FAT16" "$con_out" \
    'request 1 was taken in before'
truncate -s 0 "$COLDSEAL_OUT"
truncate -s 1M "$COLDSEAL_OUT"
con_or_bail "export 1"
like "an OUT stick that is too small" "$con_out" 'MEDIA-SPACE'
truncate -s 0 "$COLDSEAL_OUT"
con_or_bail "export 1"
like "an OUT medium without room" "$con_out" 'MEDIA-SPACE'
truncate -s 64M "$COLDSEAL_OUT"
con_or_bail "export 1"
like "a blank OUT medium is written without a question" "${con_out//$'\n'/ }" \
    'it seems to hold: nothing.*safe to remove'
con_or_bail "export 1"
like "so is an earlier export" "${con_out//$'\n'/ }" \
    'it seems to hold: an earlier export.*safe to remove'
mkfs.fat -F 32 "$COLDSEAL_OUT" >/dev/null
mcopy -i "$COLDSEAL_OUT" "$work/a.req" ::HOLIDAYS.JPG
before=$(sha256sum <"$COLDSEAL_OUT")
for answer in "" erase "ERASE IT"; do
	con_or_bail "export 1" "$answer"
	like "another's medium, and \"$answer\" for an answer" "${con_out//$'\n'/ }" \
	    'an image file, 67.1 MB.*to hold: a FAT volume.*OUT-KEPT'
	is "it is kept" "$(sha256sum <"$COLDSEAL_OUT")" "$before"
done
con_or_bail "export 1" ERASE
like "and with ERASE" "$con_out" 'safe to remove'
coldseal media read "$COLDSEAL_OUT" --out "$work/erased.rsp" >/dev/null
exits "it holds the response" 0 cmp "$work/a2.rsp" "$work/erased.rsp"
mkfs.fat -F 32 "$COLDSEAL_IN" >/dev/null
bad_medium "no COLDSEAL.REQ" MEDIA-NO-FILE
mcopy -i "$COLDSEAL_IN" "$work/a.req" ::COLDSEAL.REQ
con_or_bail intake
like "a stick that mkfs.fat and mcopy made is read" "$con_out" \
    'request 1 was taken in before'
con_or_bail list
is "all that changed nothing else" "$(printf '%s' "$con_out" |
    grep -cE ' (pending|signed|rejected) ')" "$listed"
con_or_bail bogus
like "an unknown command" "$con_out" 'CONSOLE-VERB'
con_or_bail "show 999"
like "an unknown number" "$con_out" 'CONSOLE-NUMBER'
con_end
is "the appliance ends well" "$con_status" 0
like "and says so" "$con_out" 'you may switch off'

# --- the log ---------------------------------------------------------------
con_start "$CON_DIR" || bail "no console"
con_or_bail "export 1"
coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD \
    --out "$work/audit" >/dev/null
exits "the audit bundle verifies" 0 coldseal audit verify "$work/audit" \
    --log-key "$COLDSEAL_LOG_KEY"
exits "and is imported" 0 coldseal audit import "$work/audit" \
    --db "$work/audit.db" --log-key "$COLDSEAL_LOG_KEY"
exits "and again" 0 coldseal audit import "$work/audit" \
    --db "$work/audit.db" --log-key "$COLDSEAL_LOG_KEY"
like "as a duplicate" "$tap_out" DUPLICATE
exits "the response's leaves are in it" 0 verify_response "$work/a.rsp" \
    --audit "$work/audit"
mkdir "$work/x"
tar -C "$work/x" -xf "$work/audit"
ok "sha256sum agrees" sh -c "cd $work/x && sha256sum --quiet -c manifest"
if [ -f "$here/../lib/gocheck.go" ]; then
	GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/go \
	    GOFLAGS= go build -o "$work/gocheck" "$here/../lib/gocheck.go" \
	    >"$work/go.log" 2>&1 || bail "go: $(cat "$work/go.log")"
	exits "Go's sumdb/note and tlog agree" 0 "$work/gocheck" log \
	    "$work/x" "$COLDSEAL_LOG_KEY"
	mkdir "$work/two"
	"$CS_TEST_BIN/mklog" --two go.example/log 300 "$work/two.aud" ||
	    bail "mklog"
	tar -C "$work/two" -xf "$work/two.aud"
	is "a checkpoint with two lines" \
	    "$(tail -n +5 "$work/two/checkpoint" | wc -l)" 2
	"$CS_TEST_BIN/mklog" --vkeys go.example/log >"$work/two.vkey"
	exits "Go agrees with that too" 0 "$work/gocheck" log "$work/two" \
	    "$work/two.vkey"
fi
con_or_bail list
before=$con_out
con_end
rm -f "$CON_DIR"/state/index.db*
ok "the index is built again from the log" \
    coldseal-core --rebuild "$CON_DIR/state"
con_start "$CON_DIR" || bail "no console"
con_or_bail list
is "and says the same" "$con_out" "$before"
con_end
done_testing
