#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An image update: another boot state, a newly signed image policy, the same
# sealed files; and the old image is shut out.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
con_work image
con_rehearse
state=$work/r/state
export TPM2TOOLS_TCTI=swtpm:path=$work/r/tpm/sock
zero=$(printf '%064d' 0)
measure() { # as firmware would, after a reboot into the new image
	coldseal-rehearsal down "$work/r" >/dev/null
	: | coldseal-rehearsal console "$work/r" >"$work/boot" 2>&1
	tpm2_pcrextend 11:sha256="$(printf '%064d' 42)" || bail "no extend"
}
sign() { # VERSION PCR11 KEY OUT
	coldseal image sign --version "$1" --pcr "7=$zero" --pcr "11=$2" \
	    --pcr "12=$zero" --key "$3" --out "$4"
}
provision() {
	coldseal-provision image --state "$state" "$@"
}

cp "$state/sealed/image.json" "$work/old.json"
measure
coldseal-rehearsal console "$work/r" </dev/null >"$work/out" 2>&1
like "a new image is not the one that was signed" "$(cat "$work/out")" \
    'TPM-PCR.*|another value in PCR 11'
new=$(printf "$(printf '%s%064d' "$zero" 42 | sed 's/../\\x&/g')" |
    sha256sum | cut -c1-64)
exits "the new image is signed" 0 sign 2 "$new" "$work/r/image.pem" \
    "$work/new.json"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out "$work/other.pem" 2>/dev/null
chmod 600 "$work/other.pem"
sign 2 "$new" "$work/other.pem" "$work/other.json" >/dev/null
refuses "another release key" 1 PROVISION-IMAGE provision \
    --image "$work/other.json"
sign 2 "$(printf '%064d' 7)" "$work/r/image.pem" "$work/wrong.json" >/dev/null
refuses "not the image that runs" 1 TPM-PCR provision --image "$work/wrong.json"
sed 's/"version":2/"version":3/' "$work/new.json" >"$work/forged.json"
refuses "an edited image policy" 1 TPM-IMAGE provision \
    --image "$work/forged.json"
sign 9999 "$new" "$work/r/image.pem" "$work/far.json" >/dev/null
refuses "too far to count" 1 PROVISION-IMAGE provision --shut-out \
    --image "$work/far.json"
is "none of them changed anything" "$(cat "$state/sealed/image.json")" \
    "$(cat "$work/old.json")"
exits "the new image policy" 0 provision --image "$work/new.json"
like "the old one is not shut out yet" "$tap_out" \
    'image version 2; versions below 1 are shut out'

# the same sealed files open, for the same people
echo "a release" >"$work/a"
coldseal request create --product router --version 1 --key fw-p256 \
    --format raw --requester-key "$COLDSEAL_REQUESTER" --out "$work/a.req" \
    "$work/a" >/dev/null
coldseal media write "$COLDSEAL_IN" "$work/a.req" >/dev/null
con_start "$CON_DIR" || bail "no start under the new image: $con_out"
con intake
con_approve 1 alice
con_approve 1 carol
con "sign 1"
like "what was sealed under the old image signs" "$con_out" \
    '1 signatures made'
con_end
exits "the old one is shut out" 0 provision --shut-out --image "$work/new.json"
like "and it is said" "$tap_out" 'versions below 2 are shut out'

# back to the old image, validly signed, with its own policy
coldseal-rehearsal down "$work/r" >/dev/null
cp "$state/sealed/image.json" "$work/keep.json"
cp "$work/old.json" "$state/sealed/image.json"
coldseal-rehearsal console "$work/r" </dev/null >"$work/out" 2>&1
like "the old image opens nothing" "$(cat "$work/out")" 'TPM-IMAGE-OLD'
refuses "nor is it installed again" 1 TPM-IMAGE-OLD provision \
    --image "$work/old.json"
cp "$work/keep.json" "$state/sealed/image.json"
measure
coldseal-rehearsal console "$work/r" </dev/null >"$work/out" 2>&1
like "the new one goes on" "$(cat "$work/out")" 'REHEARSAL'
done_testing
