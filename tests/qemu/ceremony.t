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

CON_DIR=$work/r
con_rehearse
coldseal-rehearsal down "$CON_DIR"
# SeaBIOS ends its measurements with 0xffffffff in PCR 0 to 7; the release
# key signs an image for what this machine measures
zero=$(printf '%064d' 0)
pcr7=$( (head -c 32 /dev/zero
    printf '\377\377\377\377' | openssl dgst -sha256 -binary) |
    sha256sum | cut -c 1-64)
coldseal image sign --version 1 --pcr "7=$pcr7" --pcr "11=$zero" \
    --pcr "12=$zero" --key "$CON_DIR/image.pem" --out "$work/image.json" \
    >/dev/null || bail "no image"
jq -c '.tcti = "device:/dev/tpmrm0" | .media_in = "usb:1-1,2-1" |
    .media_out = "usb:1-2,2-2"' "$CON_DIR/state/site.json" >"$work/site" &&
    cp "$work/site" "$CON_DIR/state/site.json" || bail "no site file"

head -c 2000000 /dev/urandom >"$work/firmware.bin"
coldseal request create --product router --version 1.2.3 --key fw-p256 \
    --format raw --requester-key "$COLDSEAL_REQUESTER" --out "$work/a.req" \
    "$work/firmware.bin" >/dev/null || bail "no request"
truncate -s 64M "$work/in.img" "$work/out.img"
coldseal media write "$work/in.img" "$work/a.req" >/dev/null ||
    bail "no medium"

module=$(jq -r .module "$CON_DIR/state/site.json")
tcti=$(find /usr/lib -name 'libtss2-tcti-device.so.0' | head -n 1)
sed "s|@STATE@|$CON_DIR/state|" "$here/ceremony.job" >"$work/ceremony.job"
guest_files appliance "$CON_BIN"/coldseal{d,-core,-console,-intake,-export} \
    "$CON_BIN"/coldseal-{signer,token,usb,provision} \
    "$module:$module" "$tcti:$tcti" "$work/image.json:/image.json" \
    "$CON_DIR/state:$CON_DIR/state" "$CON_DIR/hsm:$CON_DIR/hsm" \
    "$CON_DIR/approvers:$CON_DIR/approvers"

swtpm socket --tpm2 --tpmstate "dir=$CON_DIR/tpm" \
    --ctrl "type=unixio,path=$work/tpm.ctrl" --log "file=$work/tpm.log" &
swtpm_pid=$!
guest_command ceremony appliance -chardev "socket,id=tpm,path=$work/tpm.ctrl" \
    -tpmdev emulator,id=t,chardev=tpm -device tpm-tis,tpmdev=t \
    -device qemu-xhci,id=x $(guest_stick 1 "$work/in.img") \
    $(guest_stick 2 "$work/out.img")
await 20 there "$work/tpm.ctrl" || bail "no swtpm"

# con_start, for a console that is a guest's serial line
coproc CON { exec timeout --kill-after=5 300 "${guest_cmd[@]}" 2>&1; }
con_pid=$CON_PID
exec {con_in}>&"${CON[1]}" {con_fd}<&"${CON[0]}"
con_until '^coldseal> $' || bail "no console: $con_out"
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
