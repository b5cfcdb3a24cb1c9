#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A whole ceremony in a guest: a stick, intake, approvals, the TPM, the HSM,
# export, another stick, driven over the console on the serial line.  The
# guest has four USB modules and the TPM's; the TPM is swtpm behind QEMU's
# tpm-tis.  What came out is verified here, with stock tools.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/console.sh"
. "$(dirname "$0")/host.sh"
guest_work ceremony

guest_appliance \
    '.media_in = "usb:1-1,2-1" | .media_out = "usb:1-2,2-2"'
head -c 2000000 /dev/urandom >"$work/firmware.bin"
coldseal request create --product router --version 1.2.3 --key fw-p256 \
    --format raw --requester-key "$COLDSEAL_REQUESTER" --out "$work/a.req" \
    "$work/firmware.bin" >/dev/null || bail "no request"
truncate -s 64M "$work/in.img" "$work/out.img"
coldseal media write "$work/in.img" "$work/a.req" >/dev/null ||
    bail "no medium"

guest_console ceremony "" -device qemu-xhci,id=x \
    $(guest_stick 1 "$work/in.img") $(guest_stick 2 "$work/out.img")
like "four USB modules, and the TPM's" "$con_out" \
    '^modules: ([a-z_]*tpm[a-z_]* |rng_core )*usb_common usbcore xhci_hcd xhci_pci$'
like "the console comes up" "$con_out" 'REHEARSAL'
con intake || bail "the appliance ended: $con_out"
like "the stick in the IN port is shown" "$con_out" \
    'in the IN port: 46f4:0001 "QEMU" .* in port 2-1'
like "its request is accepted" "$con_out" 'accepted as request 1: 1 artifacts'
con "sign 1"
like "nothing is signed without approvals" "$con_out" 'QUORUM-SHORT'
con_approve 1 alice
con_approve 1 bob
like "two approve" "$con_out" '2 of 2'
con "sign 1"
like "signed" "$con_out" '1 signatures made, verified and logged'
con_prompt=${con_prompt%)$}'|type ERASE to .*: )$'
con "export 1" ERASE
like "what is erased is said first" "$con_out" 'QEMU QEMU HARDDISK'
like "exported" "$con_out" 'safe to remove the OUT medium'
con_end
is "the appliance ended well" "$con_status" 0
like "and so did the guest" "$con_out" 'guest: all'

verify() {
	coldseal response verify "$work/a.rsp" \
	    --policy "$COLDSEAL_POLICY" --record-key "$COLDSEAL_RECORD_KEY" \
	    --log-key "$COLDSEAL_LOG_KEY" --artifact "$work/firmware.bin"
}
exits "fsck.fat finds nothing in the OUT stick" 0 fsck.fat -n "$work/out.img"
mcopy -i "$work/out.img" ::COLDSEAL.RSP "$work/a.rsp" || bail "no response"
exits "the response verifies" 0 verify
coldseal response extract "$work/a.rsp" --out "$work/sig" >/dev/null
like "stock openssl agrees" "$(openssl dgst -sha256 -verify \
    "$CON_DIR/state/enrol/keys/fw-p256.pem" \
    -signature "$work/sig/firmware.bin.sig" "$work/firmware.bin")" \
    'Verified OK'
mcopy -i "$work/out.img" ::COLDSEAL.AUD "$work/a.aud" || bail "no log"
exits "the auditor's tool verifies the log" 0 coldseal audit verify \
    "$work/a.aud" --log-key "$COLDSEAL_LOG_KEY"
done_testing
