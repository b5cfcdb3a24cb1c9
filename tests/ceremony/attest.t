#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Attestation end to end: a real swtpm, the real coldseal, and stock tpm2-tools
# that must agree with us in both directions.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
tools=$(cd "${CS_TEST_BIN:-$bin/../tests}" && pwd) || bail "no test tools"
cs=$bin/coldseal
mk=$tools/mkattest
for p in "$cs" "$mk"; do
	[ -x "$p" ] || bail "no $p"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-attest.XXXXXX") || bail "no folder"
pids=()
cleanup() {
	[ "${#pids[@]}" = 0 ] || kill "${pids[@]}" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || bail "no folder"

index=0x01500013
mask=0x1880 # PCRs 7, 11, 12
pcrs=sha256:7,11,12

start_tpm() { # NAME: swtpm in the folder of that name
	mkdir -p "$1"
	swtpm socket --tpm2 --tpmstate "dir=$work/$1" --server \
	    "type=unixio,path=$work/$1/s" --ctrl \
	    "type=unixio,path=$work/$1/s.ctrl" --flags \
	    not-need-init,startup-clear --pid "file=$work/$1/pid" --daemon \
	    >/dev/null 2>&1 || bail "swtpm does not start"
	pids+=("$(cat "$work/$1/pid")")
}
use_tpm() { # NAME
	tcti=swtpm:path=$work/$1/s
	export TPM2TOOLS_TCTI=$tcti
}
quiet() { # tpm2-tools leave what they load in the three slots
	"$@" >/dev/null 2>&1 || bail "$*"
}
flush() {
	quiet tpm2_flushcontext -t
	quiet tpm2_flushcontext -s
	quiet tpm2_flushcontext -l
}
digest() { sha256sum | cut -c1-64; }
unhex() { tr a-f A-F | tr -d '\n' | basenc --base16 -d; }
hex() { basenc --base16 -w 0 "$1" | tr A-F a-f; }
checkpoint() { # SIZE: into the folder and the TPM's index
	printf 'test.example/log\n%d\n%s\n\n-- test %d\n' "$1" "$(printf '%d' \
	    "$1" | openssl dgst -sha256 -binary | base64)" "$1" \
	    >"checkpoints/$1"
	digest <"checkpoints/$1" | unhex >extend
	quiet tpm2_nvextend $index -i extend
}

start_tpm one
start_tpm two
use_tpm one
# what the firmware and the image measured
"$mk" - eventlog eventlog 7 "secure boot" 11 kernel 11 initrd || bail "log"
for e in "7:secure boot" 11:kernel 11:initrd; do
	quiet tpm2_pcrextend \
	    "${e%%:*}:sha256=$(printf '%s' "${e#*:}" | digest)"
done
quiet tpm2_nvdefine $index -s 32 -g sha256 -a \
    "nt=extend|authread|authwrite|ownerread|no_da"
mkdir checkpoints enrol
checkpoint 1
checkpoint 9
checkpoint 10
"$mk" "$tcti" enrol enrol $index || bail "no enrolment folder"
"$mk" "$tcti" golden 7 $mask >golden.json || bail "no manifest"

# --- stock tools and ours, both ways ---------------------------------------
quiet tpm2_createek -c ek.ctx -G ecc -u ek.stock
ok "the EK is that of tpm2_createek" cmp enrol/ek.pub ek.stock
flush
quiet tpm2_createek -c rsa.ctx -G rsa -u rsa.stock
flush

nonce=$(printf nonce | digest)
other=$(printf other | digest)
"$mk" "$tcti" quote $mask "$nonce" q.msg q.sig || bail "no quote"
tpm2_pcrread -Q -o q.pcrs $pcrs
ok "tpm2_checkquote accepts our quote" tpm2_checkquote -u enrol/ak.pub \
    -m q.msg -s q.sig -q "$nonce" -g sha256 -f q.pcrs -l $pcrs
exits "tpm2_checkquote refuses another nonce" 1 tpm2_checkquote \
    -u enrol/ak.pub -m q.msg -s q.sig -q "$other" -g sha256
tpm2_pcrread -Q -o other.pcrs sha256:7,12
exits "tpm2_checkquote refuses other PCRs" 1 tpm2_checkquote \
    -u enrol/ak.pub -m q.msg -s q.sig -q "$nonce" -g sha256 \
    -f other.pcrs -l sha256:7,12

name=000b$(tail -c +3 enrol/ak.pub | digest)
head -c 32 /dev/urandom >secret
quiet tpm2_makecredential -T none -u enrol/ek.pub -s secret -n "$name" \
    -o stock.cred
run "$mk" "$tcti" activate stock.cred
is "a credential of tpm2_makecredential is activated" "$tap_out" \
    "$(digest <secret)
$(hex secret)"
quiet tpm2_makecredential -T none -u enrol/ek.pub -s secret \
    -n "000b$(printf x | digest)" -o wrong.cred
refuses "one for another key is not" 1 ATTEST-CREDENTIAL-OTHER \
    "$mk" "$tcti" activate wrong.cred
head -c 16 secret >short
quiet tpm2_makecredential -T none -u enrol/ek.pub -s short -n "$name" \
    -o short.cred
refuses "nor one with a short secret" 3 ATTEST-CREDENTIAL-FORM \
    "$mk" "$tcti" activate short.cred
use_tpm two
refuses "nor on another TPM" 1 ATTEST-CREDENTIAL-OTHER \
    "$mk" "$tcti" activate stock.cred
use_tpm one

stock_activates() { # EK-CONTEXT EK-PUBLIC
	rm -f out
	quiet tpm2_createak -C "$1" -c ak.ctx -G ecc -g sha256 -s ecdsa \
	    -n ak.name
	flush
	"$mk" - credential "$2" "$(hex ak.name)" \
	    "$(hex secret)" our.cred || return 1
	quiet tpm2_startauthsession --policy-session -S s.ctx
	quiet tpm2_policysecret -S s.ctx -c e
	tpm2_activatecredential -c ak.ctx -C "$1" -i our.cred -o out \
	    -P session:s.ctx >/dev/null 2>stock.err || cat stock.err
	flush
	cmp out secret
}
ok "tpm2_activatecredential accepts ours, ECC" stock_activates ek.ctx ek.stock
ok "tpm2_activatecredential accepts ours, RSA" stock_activates rsa.ctx rsa.stock

tpm2_eventlog eventlog >stock.yaml 2>/dev/null
"$mk" - replay eventlog >ours
for pcr in 7 11; do
	is "tpm2_eventlog replays PCR $pcr as we do" \
	    "$(awk -v p=$pcr '/^  sha256:/ { in_it = 1 }
	    in_it && $1 == p { sub("0x", "", $3); print $3 }' stock.yaml)" \
	    "$(sed -n "s/^$pcr //p" ours)"
done
is "and the TPM has the same" "$(jq -r '.pcrs["11"]' golden.json)" \
    "$(sed -n 's/^11 //p' ours)"

# --- enrolment -------------------------------------------------------------
tpm2_print -t TPM2B_PUBLIC -f pem enrol/ek.pub >ek.pem 2>/dev/null
ek=$(openssl pkey -pubin -in ek.pem -outform DER | digest)
enroll=("$cs" attest enroll --state state)
refuses "enroll: another EK than the pinned one" 1 ATTEST-EK-PIN \
    "${enroll[@]}" --pin-ek "$other" --credential cred enrol
refuses "enroll: a pin in another form" 2 USAGE \
    "${enroll[@]}" --pin-ek "${ek^^}" --credential cred enrol
refuses "enroll: neither certificate nor pin" 2 USAGE \
    "${enroll[@]}" --credential cred enrol
ok "enroll: nothing was written" test ! -e state -a ! -e cred
exits "enroll: first step with a pinned EK" 0 \
    "${enroll[@]}" --pin-ek "$ek" --credential cred enrol
like "enroll says how the EK is trusted" "$tap_out" 'as pinned by hand'
run "$mk" "$tcti" activate cred
answer=$(sed -n 1p <<<"$tap_out")
secret=$(sed -n 2p <<<"$tap_out")
ok "the enrolment file has neither answer nor secret" \
    bash -c "! grep -q -e $answer -e $secret state"
refuses "enroll: a wrong answer" 1 ATTEST-ACTIVATE \
    "${enroll[@]}" --answer "$other" --out a.ak
refuses "enroll: what the enrolment file has is no answer" 1 ATTEST-ACTIVATE \
    "${enroll[@]}" --answer "$(jq -r .expect state)" --out a.ak
echo "$answer" >answer
exits "enroll: the right answer, from a file" 0 \
    "${enroll[@]}" --answer answer --out a.ak
refuses "enroll: a pinned key is not overwritten" 4 HOST-EXISTS \
    "${enroll[@]}" --answer answer --out a.ak
is "the pinned key is ours" "$(jq -r .ak_name a.ak)" "$name"
is "the anchor is enrolled" "$(jq -r .anchor.index a.ak)" "$index"
refuses "enroll: a pinned key is no enrolment file" 3 ATTEST-ENROLMENT \
    "$cs" attest enroll --state a.ak --answer answer --out b.ak
cp -r enrol loose
printf '\0' >>loose/ak.pub
refuses "enroll: an AK with bytes after it" 3 ATTEST-AK-FORM \
    "${enroll[@]}" --pin-ek "$ek" --credential cred loose
cp enrol/ek.pub loose/ak.pub
refuses "enroll: an AK that is the EK" 3 ATTEST-AK-FORM \
    "${enroll[@]}" --pin-ek "$ek" --credential cred loose
cp enrol/ak.pub loose/
cp enrol/ak.pub loose/ek.pub
refuses "enroll: an EK that is the AK" 1 ATTEST-EK-FORM \
    "${enroll[@]}" --pin-ek "$ek" --credential cred loose
cp enrol/ek.pub loose/
# attributes are bytes 6 to 9: restricted and sign, restricted cleared
cp enrol/ak.pub loose/
printf '\x04' | dd of=loose/ak.pub bs=1 seek=7 conv=notrunc 2>/dev/null
refuses "enroll: an AK that is not restricted" 1 ATTEST-AK-ATTR \
    "${enroll[@]}" --pin-ek "$ek" --credential cred loose

# the same with a certificate, which its maker left in the TPM
ca() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$1.key" -out "$1.pem" -subj "/CN=$1" -days 30 2>/dev/null
}
ca maker
ca stranger
openssl req -new -key maker.key -subj /CN=x -out x.csr
printf 'extendedKeyUsage=2.23.133.8.1\nbasicConstraints=critical,CA:FALSE\n' \
    >ext
openssl x509 -req -in x.csr -force_pubkey ek.pem -CA maker.pem \
    -CAkey maker.key -days 10 -extfile ext -outform DER -out ek.crt 2>/dev/null
refuses "enroll: no certificate in the TPM" 1 ATTEST-EK-CERT \
    "${enroll[@]}" --ek-ca maker.pem --credential cred enrol
quiet tpm2_nvdefine 0x01c0000a -s "$(stat -c %s ek.crt)" -a \
    "authread|authwrite|ownerread|no_da"
quiet tpm2_nvwrite 0x01c0000a -i ek.crt
"$mk" "$tcti" enrol enrol $index || bail "no enrolment folder"
ok "the certificate is exported" cmp ek.crt enrol/ek.crt
refuses "enroll: a stranger's CA" 1 ATTEST-EK-CERT \
    "${enroll[@]}" --ek-ca stranger.pem --credential cred enrol
exits "enroll: first step with the maker's CA" 0 \
    "${enroll[@]}" --ek-ca maker.pem --credential cred enrol
run "$mk" "$tcti" activate cred
exits "enroll: second step" 0 "${enroll[@]}" --out c.ak \
    --answer "$(sed -n 1p <<<"$tap_out")" --json
is "enroll --json" "$(jq -r .ek_trust <<<"$tap_out")" certificate

# a TPM as its maker leaves it: RSA EK, certified by an intermediate CA
mkdir three ca
cat >setup.conf <<END
create_certs_tool= $(command -v swtpm_localca)
create_certs_tool_config = $work/localca.conf
create_certs_tool_options = $work/localca.options
END
printf '%s\n' "statedir = $work/ca" "signingkey = $work/ca/key.pem" \
    "issuercert = $work/ca/ca.pem" "certserial = $work/ca/serial" \
    >localca.conf
printf '%s\n' "--platform-manufacturer test" "--platform-version 1" \
    "--platform-model test" >localca.options
ok "swtpm_setup makes an EK and its certificate" swtpm_setup --tpm2 \
    --tpmstate "$work/three" --createek --create-ek-cert \
    --config "$work/setup.conf"
start_tpm three
use_tpm three
mkdir made
"$mk" "$tcti" enrol made || bail "no enrolment folder"
refuses "enroll: the intermediate CA alone is not enough" 1 ATTEST-EK-CERT \
    "${enroll[@]}" --ek-ca ca/ca.pem --credential cred made
cat ca/*rootca-cert.pem ca/ca.pem >chain.pem
exits "enroll: an EK of swtpm_setup, by its chain" 0 \
    "${enroll[@]}" --ek-ca chain.pem --credential cred made
run "$mk" "$tcti" activate cred
exits "enroll: its TPM opens the credential" 0 "${enroll[@]}" --out d.ak \
    --answer "$(sed -n 1p <<<"$tap_out")"
like "no anchor was enrolled" "$tap_out" '^anchor +none enrolled'
# lockout stops neither quotes nor activation
quiet tpm2_dictionarylockout -s -n 1 -t 1000 -l 1000
quiet tpm2_createprimary -C o -p right -c p.ctx
flush
tpm2_create -C p.ctx -P wrong -u x.pub -r x.priv >/dev/null 2>&1
like "the TPM is locked out" "$(tpm2_getcap properties-variable)" \
    'inLockout: *1'
flush
ok "it quotes all the same" "$mk" "$tcti" quote $mask "$nonce" l.msg l.sig
ok "and opens credentials" "$mk" "$tcti" activate cred
cp made/ek.crt enrol/
refuses "enroll: the certificate of another TPM" 1 ATTEST-EK-KEY \
    "${enroll[@]}" --ek-ca chain.pem --credential cred enrol
use_tpm one

# --- challenge -------------------------------------------------------------
exits "challenge" 0 "$cs" attest challenge --out challenge --qr
is "the file has what was printed" "$(cat challenge)" \
    "$(sed -n 1p <<<"$tap_out")"
like "the QR code is of half blocks" "$tap_out" '▀.*▄|▄.*▀'
printf '%s\n' "$tap_out" >screen
"$CS_TESTS/qrpgm" code <screen
is "a stock scanner reads it" \
    "$(zbarimg -q --nodbus --raw code001.pgm)" "$(cat challenge)"
script -qec "stty -iutf8; $cs attest challenge --out plain --qr" /dev/null \
    >screen </dev/null
"$CS_TESTS/qrpgm" plain <screen
is "and one of ASCII, for a terminal without UTF-8" \
    "$(LC_ALL=C grep -c '[^ -~[:cntrl:]]' screen)
$(zbarimg -q --nodbus --raw plain001.pgm)" "0
$(cat plain)"
cp challenge first
exits "another challenge" 0 "$cs" attest challenge --out second --json
exits "is another" 1 cmp first second

# --- verify ----------------------------------------------------------------
answer_to() { # FILE [CHALLENGE]
	"$mk" "$tcti" answer "$1" 7 checkpoints/10 $mask $index "${@:2}" ||
	    bail "no answer"
}
answer_to boot.json
answer_to fresh.json "$(cat challenge)"
v=("$cs" attest verify --ak a.ak --golden golden.json)
all=("${v[@]}" --eventlog eventlog --checkpoints checkpoints)
exits "verify: all of it" 0 "${all[@]}" --challenge challenge fresh.json
like "says so" "$tap_out" '^verdict +attested'
exits "verify --json" 0 "${all[@]}" --challenge challenge --json fresh.json
is "25 checks" "$(jq '[.checks[] | select(.pass)] | length' <<<"$tap_out")" 25
exits "verify: an answer without a challenge" 0 "${all[@]}" boot.json
exits "verify: a certificate's key just the same" 0 \
    "$cs" attest verify --ak c.ak --golden golden.json boot.json

# refused NAME CHECK-ID command...: status 1, and that check is a failed one
refused() {
	local name=$1 id=$2
	shift 2
	refuses "$name" 1 ATTEST-CHECKS "$@"
	like "$name: $id" "$tap_out" "^FAIL  $id\$"
}
refused "verify: a replayed answer" ATTEST-CHALLENGE \
    "${all[@]}" --challenge second fresh.json
refused "verify: boot answer for a challenge" ATTEST-CHALLENGE \
    "${all[@]}" --challenge challenge boot.json
jq -cS --arg c "$(cat second)" '.challenge = $c' fresh.json >forged.json
refused "verify: the challenge put in afterwards" ATTEST-NONCE \
    "${all[@]}" --challenge second forged.json
jq -cS '.image_version = 8' fresh.json >forged.json
refused "verify: another image version" ATTEST-IMAGE \
    "${all[@]}" --challenge challenge forged.json
jq -cS '.quote.signature = .anchor.signature' fresh.json >forged.json
refused "verify: another signature" ATTEST-SIGNATURE \
    "${all[@]}" --challenge challenge forged.json
jq -cS '.quote = (.anchor | del(.index))' fresh.json >forged.json
refused "verify: the anchor as quote" ATTEST-TYPE \
    "${all[@]}" --challenge challenge forged.json
jq -S . fresh.json >forged.json
refuses "verify: not canonical" 3 ATTEST-ANSWER \
    "${all[@]}" --challenge challenge forged.json
jq -c '.pcrs["11"] = .pcrs["7"]' golden.json >g.json
refused "verify: another image" ATTEST-PCR \
    "$cs" attest verify --ak a.ak --golden g.json boot.json
jq -c 'del(.pcrs["12"])' golden.json >g.json
refused "verify: fewer PCRs" ATTEST-SELECT \
    "$cs" attest verify --ak a.ak --golden g.json boot.json
"$mk" - eventlog other.log 7 "secure boot" 11 kernel || bail "log"
refused "verify: an event is missing" ATTEST-LOG-PCR \
    "${v[@]}" --eventlog other.log boot.json
head -c 100 eventlog >other.log
refused "verify: a cut event log" ATTEST-LOG-FORM \
    "${v[@]}" --eventlog other.log boot.json
refuses "verify: an enrolment file is no pinned key" 3 ATTEST-PINNED \
    "$cs" attest verify --ak state --golden golden.json boot.json

refuses "verify: checkpoints, but no anchor enrolled" 1 ATTEST-NV-FORM \
    "$cs" attest verify --ak d.ak --golden golden.json \
    --checkpoints checkpoints boot.json
cp -r checkpoints less
rm less/9
refused "verify: a checkpoint is missing" ATTEST-CHAIN \
    "${v[@]}" --checkpoints less boot.json
cp checkpoints/10 less/9
refused "verify: a checkpoint is another" ATTEST-CHAIN \
    "${v[@]}" --checkpoints less boot.json
cp checkpoints/9 less/9
cp checkpoints/1 less/11
refused "verify: the TPM has not seen the last" ATTEST-CHAIN-LAST \
    "${v[@]}" --checkpoints less boot.json
mv less/11 less/notes
refuses "verify: a file that is no checkpoint" 3 ATTEST-CHAIN-FILES \
    "${v[@]}" --checkpoints less boot.json

# the TPM's own state moves on
checkpoint 12
refused "verify: an old answer with newer checkpoints" ATTEST-CHAIN \
    "${all[@]}" boot.json
quiet tpm2_pcrextend "12:sha256=$other"
answer_to boot.json
refused "verify: something more was measured" ATTEST-PCR \
    "${v[@]}" boot.json
quiet tpm2_nvundefine $index
quiet tpm2_nvdefine $index -s 32 -g sha256 -a \
    "nt=extend|authread|authwrite|ownerread|policywrite|no_da"
quiet tpm2_nvextend $index -i extend
answer_to boot.json
refused "verify: the anchor was defined anew" ATTEST-NV-NAME \
    "${v[@]}" boot.json
use_tpm two
quiet tpm2_nvdefine $index -s 32 -g sha256 -a \
    "nt=extend|authread|authwrite|ownerread|no_da"
quiet tpm2_nvextend $index -i extend
answer_to boot.json
refused "verify: another TPM's key" ATTEST-AK-NAME "${v[@]}" boot.json
like "nor does its signature pass" "$tap_out" '^FAIL  ATTEST-SIGNATURE$'
done_testing
