#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The TPM itself, asked past every program of ours (tests/lib/askchip.c): a
# core and a signer that claim a quorum get no PIN.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
ask=$(cd "${CS_TEST_BIN:-$bin/../tests}" && pwd)/askchip
[ -x "$ask" ] || bail "no $ask"
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-chip.XXXXXX") || bail "no folder"
PATH=$bin:$PATH
CON_BIN=$bin
CON_DIR=$work/r
finish() {
	coldseal-rehearsal down "$work/r" >/dev/null 2>&1
	rm -rf "$work"
}
trap finish EXIT
coldseal-rehearsal up "$work/r" --approvers 4 --threshold 3 \
    >"$work/up.log" 2>&1 || bail "no rehearsal: $(cat "$work/up.log")"
state=$work/r/state

for n in 0 1 2; do
	exits "$n of 3 approvers: no PIN" 1 "$ask" "$state" release $n
	like "refused by PolicyOR" "$tap_out" 'PolicyOR: 0x1c4'
	like "and by Unseal" "$tap_out" 'Unseal: 0x99d: no PIN'
done
exits "3 of 3: the PIN" 0 "$ask" "$state" release 3


# what provisioning sealed before the policy was there is dead
cp "$state/sealed/release.seal" "$work/now"
like "the domain is sealed to its people" \
    "$(strings "$state/sealed/release.seal")" alice
is "no seal of the first act is left" "$(ls "$state/sealed" |
    grep -c new)" 0

# changed PCRs: nobody gets anything, whoever approves (the tool stops there)
export TPM2TOOLS_TCTI=swtpm:path=$work/r/tpm/sock
tpm2_pcrextend 11:sha256="$(printf '%064d' 1)" || bail "no extend"
exits "another boot state: no PIN for anybody" 99 "$ask" "$state" release 3
like "the image policy says so" "$tap_err" 'TPM-PCR'
coldseal-rehearsal console "$work/r" </dev/null >"$work/out" 2>&1
like "the appliance does not start in it" "$(cat "$work/out")" 'TPM-PCR'
coldseal-rehearsal down "$work/r" >/dev/null
coldseal-rehearsal console "$work/r" </dev/null >"$work/out" 2>&1
like "after a reboot it does" "$(cat "$work/out")" 'REHEARSAL'

# the indices cannot be written without the image, nor by the empty password
for i in 0x01500010 0x01500011 0x01500012 0x01500013; do
	run tpm2_nvincrement -C "$i" "$i"
	ok "index $i: nobody increments it" test "$tap_status" != 0
done
run tpm2_nvextend -C 0x01500013 -i "$work/up.log" 0x01500013
ok "the anchor: nobody extends it" test "$tap_status" != 0

# a firmware that switched the bank off
tpm2_pcrallocate sha1:all+sha256:none >/dev/null || bail "no allocation"
coldseal-rehearsal down "$work/r" >/dev/null
coldseal-rehearsal console "$work/r" </dev/null >"$work/out" 2>&1
like "no SHA-256 bank: said so" "$(cat "$work/out")" 'TPM-BANK'
done_testing
