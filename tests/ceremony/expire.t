#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Approvals hold for eight hours by the chip's own clock, which is set forward
# here; a machine's clock has no say in it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
con_work expire
con_rehearse
export TPM2TOOLS_TCTI=swtpm:path=$work/r/tpm/sock
forward() { # HOURS
	local now
	now=$(tpm2_readclock | sed -n 's/^ *clock: //p')
	tpm2_setclock -c p $((now + $1 * 3600000)) || bail "no clock"
}

echo "a release" >"$work/a"
coldseal request create --product router --version 1 --key fw-p256 \
    --format raw --requester-key "$COLDSEAL_REQUESTER" --out "$work/a.req" \
    "$work/a" >/dev/null
coldseal media write "$COLDSEAL_IN" "$work/a.req" >/dev/null
con_start "$CON_DIR" || bail "no start: $con_out"
con intake
con_approve 1 alice
forward 7
con_approve 1 bob
like "seven hours later both count" "$con_out" 'approved by bob: 2 of 2'
forward 1
con list # what was prepared for signing at once is dropped
con "sign 1"
like "after eight they do not" "$con_out" 'TPM-EXPIRED'
like "and it is said since when" "$con_out" \
    '48[0-9] minutes since the first approval'
con_approve 1 carol
like "the next approval begins anew, and says so" "$con_out" \
    '2 approvals have lapsed'
like "with one of two" "$con_out" 'approved by carol: 1 of 2'
con_approve 1 alice
con "sign 1"
like "two people within the time sign" "$con_out" '1 signatures made'
con_end
done_testing
