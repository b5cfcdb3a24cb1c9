#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A whole appliance is enrolled, challenged and verified; stock tpm2-tools
# agree.  Its audit bundles say what its TPM says.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
CON_BIN=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
PATH=$CON_BIN:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-aa.XXXXXX") || bail "no folder"
CON_DIR=$work/r
cleanup() {
	coldseal-rehearsal down "$CON_DIR" >/dev/null 2>&1
	coldseal-rehearsal down "$work/other" >/dev/null 2>&1
	rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || bail "no folder"
command -v zbarimg >/dev/null || bail "no zbarimg"

for dir in "$CON_DIR" "$work/other"; do
	coldseal-rehearsal up "$dir" >up.log 2>&1 ||
	    bail "no rehearsal: $(cat up.log)"
done
. "$CON_DIR/env"
digest() { sha256sum | cut -c1-64; }

# --- enrolment: no maker put a certificate into a software TPM --------------
ek_of() { # enrolment folder
	tpm2_print -t TPM2B_PUBLIC -f pem "$1/ek.pub" >ek.pem 2>/dev/null
	openssl pkey -pubin -in ek.pem -outform DER | digest
}
begin() { # appliance's folder, name
	coldseal attest enroll --state "$2.enrolment" --credential "$2.cred" \
	    --pin-ek "$(ek_of "$1/state/enrol")" "$1/state/enrol"
}
answer() { # appliance's folder, credential
	coldseal-provision enroll --state "$1/state" --credential "$2"
}
ok "no certificate in a software TPM" test ! -e "$CON_DIR/state/enrol/ek.crt"
exits "enroll: a credential" 0 begin "$CON_DIR" a
refuses "another appliance cannot open it" 1 ATTEST-CREDENTIAL-OTHER \
    answer "$work/other" a.cred
head -c 100 a.cred >short.cred
refuses "a cut credential" 3 ATTEST-CREDENTIAL-FORM \
    answer "$CON_DIR" short.cred
refuses "enroll takes no options of the other acts" 2 USAGE \
    coldseal-provision enroll --state "$CON_DIR/state" --credential a.cred \
    --policy "$COLDSEAL_POLICY"
exits "the appliance answers" 0 answer "$CON_DIR" a.cred
printf '%s\n' "$tap_out" >a.answer
exits "enroll: the key is pinned" 0 coldseal attest enroll \
    --state a.enrolment --answer a.answer --out a.ak
is "with the anchor" "$(jq -r .anchor.index a.ak)" 0x01500013
begin "$work/other" b >/dev/null && answer "$work/other" b.cred >b.answer &&
    coldseal attest enroll --state b.enrolment --answer b.answer \
	--out b.ak >/dev/null || bail "the other one is not enrolled"

# --- challenge and answer --------------------------------------------------
coldseal attest challenge --out challenge >/dev/null
coldseal attest challenge --out second >/dev/null
con_start "$CON_DIR" || bail "no console: $con_out"
read_out() { # FILE OUT
	rm -f "$2"
	coldseal media read "$COLDSEAL_OUT" --file "$1" --out "$2" >/dev/null
}
con "attest $(cat challenge | tr a-f A-F)"
like "a challenge in another form" "$con_out" 'HEX:'
con "attest 1234"
like "a short challenge" "$con_out" 'HEX:.*'
con "attest $(cat challenge)" || bail "the appliance ended: $con_out"
like "attest: written" "$con_out" 'COLDSEAL.ATT.*'
like "attest: safe" "$con_out" 'safe to remove the OUT medium'
said=$con_out
con "log 1"
like "attest: logged" "$con_out" 'attest'
exits "the answer is a bundle" 0 read_out COLDSEAL.ATT fresh.att
tar xf fresh.att answer.json || bail "no answer"
like "its digest was shown" "$(tr -d ' \n' <<<"$said")" \
    "sha256$(digest <answer.json)"
like "and as words" "$said" 'words +[A-Za-z]+ [A-Za-z]+ '

# every checkpoint up to the answer's; what was logged since is newer
checkpoints() { # answer.json, folder
	local size f
	size=$(jq -r .checkpoint "$1" | base64 -d | sed -n 2p)
	rm -rf "$2"
	mkdir "$2"
	for f in "$CON_DIR"/state/log/checkpoints/*; do
		[ "${f##*/}" -gt "$size" ] || cp "$f" "$2/"
	done
}
checkpoints answer.json seen
v=(coldseal attest verify --golden "$CON_DIR/image.json" --ak)
all=(--checkpoints seen --log-key "$COLDSEAL_LOG_KEY")
exits "verify: all of it" 0 "${v[@]}" a.ak "${all[@]}" \
    --challenge challenge fresh.att
like "says so" "$tap_out" '^verdict +attested'
like "the anchor was replayed" "$tap_out" '^anchor .*checkpoints replayed'
exits "verify: the JSON inside the bundle" 0 "${v[@]}" a.ak "${all[@]}" \
    --challenge challenge answer.json
jq -c '{version, pcrs}' "$CON_DIR/image.json" >golden.json
exits "verify: a plain manifest" 0 coldseal attest verify --ak a.ak \
    --golden golden.json --challenge challenge fresh.att
jq -cS '.version = 2' "$CON_DIR/image.json" >forged.json
refuses "verify: an image policy that nobody signed" 1 TPM-IMAGE \
    coldseal attest verify --ak a.ak --golden forged.json \
    --challenge challenge fresh.att

refused() { # NAME CHECK-ID command...
	local name=$1 id=$2
	shift 2
	refuses "$name" 1 ATTEST-CHECKS "$@"
	like "$name: $id" "$tap_out" "^FAIL  $id\$"
}
refused "verify: another challenge" ATTEST-CHALLENGE "${v[@]}" a.ak \
    "${all[@]}" --challenge second fresh.att
refused "verify: another appliance's key" ATTEST-AK-NAME "${v[@]}" b.ak \
    --challenge challenge fresh.att
mapfile -t sizes < <(cd seen && printf '%s\n' * | sort -n)
cp -r seen less
rm "less/${sizes[1]}"
refused "verify: a checkpoint is missing" ATTEST-CHAIN "${v[@]}" a.ak \
    --checkpoints less --challenge challenge fresh.att
cp -r "$CON_DIR/state/log/checkpoints" more
refused "verify: a checkpoint that the TPM had not seen" ATTEST-CHAIN-LAST \
    "${v[@]}" a.ak --checkpoints more --challenge challenge fresh.att
jq -c '.pcrs["11"] = ("11" * 32)' golden.json >g.json
refused "verify: another image" ATTEST-PCR coldseal attest verify --ak a.ak \
    --golden g.json --challenge challenge fresh.att

jq -r .quote.attest answer.json | base64 -d >quote.msg
jq -r .quote.signature answer.json | base64 -d >quote.sig
qualifying() { # challenge
	(jq -r .checkpoint answer.json | base64 -d
	tr a-f A-F <"$1" | basenc --base16 -d -i) | digest
}
quote=(tpm2_checkquote -u "$CON_DIR/state/enrol/ak.pub" -m quote.msg
    -s quote.sig -g sha256)
exits "tpm2_checkquote accepts the quote" 0 "${quote[@]}" \
    -q "$(qualifying challenge)"
exits "tpm2_checkquote refuses another challenge" 1 "${quote[@]}" \
    -q "$(qualifying second)"

# --- the answer as QR codes, read by a stock scanner ------------------------
scan() { # PREFIX SCREEN: one line a code
	rm -f "$1"*.pgm
	"$CS_TESTS/qrpgm" "$1" <"$2" && zbarimg -q --nodbus --raw "$1"*.pgm
}
parts() { # lines of codes in order: the file that they are made of
	local part
	while IFS=: read -r _ _ _ part; do
		while [ $((${#part} % 8)) != 0 ]; do part=$part=; done
		base32 -d <<<"$part"
	done
}
# as deep and as wide as a run of these characters in FILE
lines_of() { grep -c "^[ ▀▄█]*$" "$1"; }
con "attest $(cat challenge) qr" || bail "the appliance ended: $con_out"
printf '%s\n' "$con_out" >screen
exits "a scanner reads the codes" 0 scan code screen
printf '%s\n' "$tap_out" >scanned
n=$(sed -n 's,^code 1 of \([0-9]*\).*,\1,p' screen)
is "all of them" "$(wc -l <scanned)" "$n"
is "each is 23 lines on the screen" "$(lines_of screen)" $((23 * n))
is "of 45 columns at most" "$(grep '^[ ▀▄█]*$' screen |
    LC_ALL=C.UTF-8 wc -L)" 45
like "they make the file whose digest was shown" "$(tr -d ' \n' <screen)" \
    "sha256$(parts <scanned | digest)"
ok "which the appliance kept" cmp \
    "$CON_DIR/state/blobs/$(parts <scanned | digest)" <(parts <scanned)
like "nothing was written" "$(grep -c COLDSEAL.ATT screen)" '^0$'
con "log 1"
like "and it is logged" "$con_out" 'attest'
exits "verify: the scanned lines" 0 "${v[@]}" a.ak --challenge challenge scanned
{ sort -r scanned; echo; head -2 scanned; } | sed 's/$/\r/' >shuffled
exits "verify: in any order, some twice" 0 "${v[@]}" a.ak \
    --challenge challenge shuffled
sed 3d scanned >less.scan
refuses "verify: a code was not scanned" 3 QR-MISSING "${v[@]}" a.ak \
    --challenge challenge less.scan
like "it is named" "$tap_err" "of $n not read: 3$"
con "attest $(cat second) tallqr" || bail "the appliance ended: $con_out"
printf '%s\n' "$con_out" >screen
exits "a scanner reads taller codes" 0 scan tall screen
printf '%s\n' "$tap_out" >tall
ok "there are fewer of them" test "$(wc -l <tall)" -lt 8
exits "verify: the lines of taller codes" 0 "${v[@]}" a.ak \
    --challenge second tall
refused "verify: the codes of an answer to another challenge" \
    ATTEST-CHALLENGE "${v[@]}" a.ak --challenge challenge tall
cat scanned tall >mixed
refuses "verify: codes of two answers" 3 QR-OTHER "${v[@]}" a.ak \
    --challenge challenge mixed
sed '2{s/A$/B/;t;s/.$/A/}' scanned >altered
refuses "verify: an altered code" 3 QR-DIGEST "${v[@]}" a.ak \
    --challenge challenge altered
sed '2s/.$/1/' scanned >altered
refuses "verify: a misread code" 3 QR-FRAME "${v[@]}" a.ak \
    --challenge challenge altered
con "attest $(cat challenge) paper"
like "no other way out" "$con_out" 'USAGE'
con "attest 1234 qr"
like "no codes for a short challenge" "$con_out" 'HEX:'
con_send "attest qr"
con_until '^-- Enter for more, q to stop: $'
con_send q
con_out=
con_until '^coldseal> $'
ok "showing can be stopped" test -z "$(grep 'code 2' <<<"$con_out")"

# --- export ----------------------------------------------------------------
echo artifact >a.bin
coldseal request create --product router --version 1.2.3 --key fw-p256 \
    --format raw --requester-key "$COLDSEAL_REQUESTER" --user ci \
    --system b7 --pipeline https://ci.example/router --run 1 --commit abc \
    --out a.req a.bin >/dev/null || bail "no request"
coldseal media write "$COLDSEAL_IN" a.req >/dev/null
con intake
con_approve 1 alice
con_approve 1 bob
con "sign 1"
con export || bail "no export: $con_out"
read_out COLDSEAL.AUD one.aud
con export || bail "no export: $con_out"
read_out COLDSEAL.AUD two.aud
counters() { # event: the TPM's counter in its leaves, in order
	find "$CON_DIR/state/log/tile/entries" -type f -exec cat {} + |
	    grep -ao "\"counter\":[0-9]*.*\"event\":\"$1\"" |
	    sed 's/"counter":\([0-9]*\).*/\1/' | sort -un
}
boot=$(counters boot)
is "each export counts one up, as the boot did" "$(counters export)" \
    "$((boot + 1))
$((boot + 2))"
con "attest" || bail "the appliance ended: $con_out"
read_out COLDSEAL.ATT plain.att
tar xf plain.att answer.json
checkpoints answer.json seen
exits "verify: an answer without a challenge" 0 "${v[@]}" a.ak "${all[@]}" \
    plain.att
refused "verify: none for a challenge" ATTEST-CHALLENGE "${v[@]}" a.ak \
    --challenge challenge plain.att
truncate -s 0 "$COLDSEAL_OUT"
con "attest" || bail "the appliance ended: $con_out"
like "attest: an OUT medium without room" "$con_out" 'MEDIA-SPACE'
con "log 1"
like "is logged all the same" "$con_out" 'attest'
truncate -s 64M "$COLDSEAL_OUT"
con_end
is "the appliance ends well" "$con_status" 0
# a terminal that shows no UTF-8
# where a container has no /dev/pts, no terminal can be made
if script -qec true /dev/null >/dev/null 2>&1; then
	plain="stty -iutf8; exec $(command -v coldseal-rehearsal) console $CON_DIR"
	printf '%s\n' "attest $(cat challenge) qr" q shutdown |
	    script -qec "$plain" /dev/null >screen
	ok "without UTF-8 the screen has ASCII alone" \
	    test -z "$(LC_ALL=C tr -d '\0-\177' <screen)"
	exits "and a scanner reads it" 0 scan plain screen
	like "as the first code" "$tap_out" '^CSATT1:1/[0-9]+:[0-9A-F]{8}:[A-Z2-7]+$'
else
	diag "no pseudo-terminal here: codes in ASCII were not looked at"
fi
rm -f "$CON_DIR"/state/index.db*
ok "the index is built again from a log with attestations" \
    coldseal-core --rebuild "$CON_DIR/state"

# --- what the audit bundle says --------------------------------------------
audit=(coldseal audit verify --log-key "$COLDSEAL_LOG_KEY")
import=(coldseal audit import --log-key "$COLDSEAL_LOG_KEY" --db audit.db)
tpm=(--golden "$CON_DIR/image.json" --ak)
exits "audit verify" 0 "${audit[@]}" two.aud
exits "audit verify --ak" 0 "${audit[@]}" "${tpm[@]}" a.ak two.aud
like "says so" "$tap_out" '^TPM +attested: image version 1'
refuses "audit verify --ak without --golden" 2 USAGE "${audit[@]}" \
    --ak a.ak two.aud
refused "audit verify: another appliance's key" ATTEST-AK-NAME \
    "${audit[@]}" "${tpm[@]}" b.ak two.aud
refuses "audit import: another appliance's key" 1 ATTEST-CHECKS \
    "${import[@]}" "${tpm[@]}" b.ak two.aud
ok "and nothing is imported" test ! -e audit.db
exits "audit import --ak --json" 0 "${import[@]}" "${tpm[@]}" a.ak --json \
    two.aud
is "attested" "$(jq -c '[.verdict, .tpm.attested]' <<<"$tap_out")" \
    '["OK",true]'
mkdir one two
tar xf one.aud -C one
tar xf two.aud -C two
exits "attest verify takes the member" 0 "${v[@]}" a.ak \
    two/attest/answer.json
exits "audit verify: an unpacked bundle" 0 "${audit[@]}" "${tpm[@]}" a.ak two
cp one/attest/answer.json two/attest/answer.json
refused "audit verify: the answer of an older bundle" ATTEST-CHAIN-LAST \
    "${audit[@]}" "${tpm[@]}" a.ak two
rm two/attest/answer.json
refuses "audit verify: no answer at all" 1 ATTEST-NONE \
    "${audit[@]}" "${tpm[@]}" a.ak two
exits "without --ak there need not be one" 0 "${audit[@]}" two
done_testing
