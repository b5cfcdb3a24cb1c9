#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An appliance that was set back: its TPM, a real swtpm, signs an older
# checkpoint later than a newer one, and the auditor's import says so.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
tools=$(cd "${CS_TEST_BIN:-$bin/../tests}" && pwd) || bail "no test tools"
cs=$bin/coldseal
mk=$tools/mkattest
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-rollback.XXXXXX") || bail "no folder"
cleanup() {
	[ ! -s "$work/pid" ] || kill "$(cat "$work/pid")" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || bail "no folder"
swtpm socket --tpm2 --tpmstate "dir=$work" --server \
    "type=unixio,path=$work/s" --ctrl "type=unixio,path=$work/s.ctrl" \
    --flags not-need-init,startup-clear --pid "file=$work/pid" --daemon \
    >/dev/null 2>&1 || bail "swtpm does not start"
tcti=swtpm:path=$work/s
export TPM2TOOLS_TCTI=$tcti
index=0x01500013
mask=0x0880 # PCRs 7, 11
for pcr in 7 11; do
	tpm2_pcrextend "$pcr:sha256=$(echo $pcr | sha256sum | cut -c1-64)" ||
	    bail "no PCR"
done
tpm2_nvdefine $index -s 32 -g sha256 \
    -a "nt=extend|authread|authwrite|ownerread|no_da" >/dev/null || bail "NV"
printf 'anything%.0s' {1..4} | tpm2_nvextend $index -i- || bail "NV"
mkdir enrol
"$mk" "$tcti" enrol enrol $index || bail "no enrolment folder"
"$mk" "$tcti" golden 1 $mask >golden.json || bail "no manifest"
tpm2_print -t TPM2B_PUBLIC -f pem enrol/ek.pub >ek.pem 2>/dev/null
"$cs" attest enroll --state state --credential cred --pin-ek \
    "$(openssl pkey -pubin -in ek.pem -outform DER | sha256sum | cut -c1-64)" \
    enrol >/dev/null || bail "no enrolment"
"$mk" "$tcti" activate cred | head -n 1 >answer
"$cs" attest enroll --state state --answer answer --out a.ak >/dev/null ||
    bail "no attestation key"

# the log as media had it, each with what the TPM said at that moment
origin=test.example/log
"$tools/mklog" --vkey "$origin" >log.vkey
bundle() { # folder leaves
	"$tools/mkevents" "$origin" "$2" "$1" && mkdir "$1/attest" &&
	    "$mk" "$tcti" answer "$1/attest/answer.json" 1 "$1/checkpoint" \
		$mask $index || bail "no bundle"
}
bundle early 300
bundle full 700
bundle restored 300
bundle grown 700
tpm=(--ak a.ak --golden golden.json)
verdict() { # folder [option ...]
	run "$cs" audit import --db a.db --log-key log.vkey --json "$@"
	v=$(jq -r .verdict <<<"$tap_out")
}
gives() { # name verdict folder [option ...]
	verdict "${@:3}"
	is "$1: $2" "$v" "$2" || diag "$tap_err"
}
gives "700 leaves" OK full "${tpm[@]}"
ok "what the TPM said is kept" cmp full/attest/answer.json \
    a.db.tiles/attest/700.json
gives "300 leaves, signed before" STALE early "${tpm[@]}"
sqlite3 a.db .dump >was
gives "300 leaves, signed later" ROLLBACK restored "${tpm[@]}"
is "exit 1" "$tap_status" 1
like "it says so" "$tap_err" "AUDIT-ROLLBACK"
like "from what to what" "$tap_err" "300 leaves, after it had shown 700"
ok "nothing has changed" cmp was <(sqlite3 a.db .dump)
gives "without --ak the TPM is not asked" STALE restored
gives "the same size, signed later" DUPLICATE grown "${tpm[@]}"
sed -i 's/quote/quota/' a.db.tiles/attest/700.json
refuses "what was kept is damaged" 3 AUDIT-STORE "$cs" audit import --db a.db \
    --log-key log.vkey "${tpm[@]}" restored
done_testing
