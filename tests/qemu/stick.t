#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Two sticks on an xHCI controller, in a guest with four USB modules and no
# storage or file system driver: a request is read, a response is written, by
# the programs as they are.  The images are judged outside, by other tools.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/host.sh"
guest_work stick

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out "$work/key.pem" 2>/dev/null || bail "no key"
head -c 3000000 /dev/urandom >"$work/firmware.bin"
coldseal request create --product router --version 1.2.3 --key fw-p256 \
    --format raw --requester-key "$work/key.pem" --out "$work/a.req" \
    "$work/firmware.bin" >/dev/null || bail "no request"
truncate -s 64M "$work/in.img" "$work/out.img"
coldseal media write "$work/in.img" "$work/a.req" >/dev/null ||
    bail "no medium"
before=$(sha256sum <"$work/in.img")
head -c 900000 /dev/urandom >"$work/response"
# what was on the other stick: a volume that somebody used
mkfs.fat -F 32 "$work/out.img" >/dev/null
mcopy -i "$work/out.img" "$work/firmware.bin" ::HOLIDAY.JPG

mkdir "$work/expect"
tar -xOf "$work/a.req" manifest | sha256sum | cut -c 1-64 \
    >"$work/expect/manifest"
sha256sum <"$work/firmware.bin" | cut -c 1-64 >"$work/expect/artifact"
guest_files sticks "$work/expect:/expect" "$work/response:/response" \
    "$CON_BIN"/coldseal-{usb,intake,export} "$GUEST_DIR/bin/use_stick"
guest stick 180 sticks -device qemu-xhci,id=x \
    $(guest_stick 1 "$work/in.img") $(guest_stick 2 "$work/out.img")

is "the IN stick was not written" "$(sha256sum <"$work/in.img")" "$before"
exits "fsck.fat finds nothing in the OUT stick" 0 fsck.fat -n "$work/out.img"
is "which has one file" "$(mdir -b -i "$work/out.img" ::)" "::/COLDSEAL.RSP"
mcopy -i "$work/out.img" ::COLDSEAL.RSP "$work/rsp" || bail "no response"
like "the one that the guest told of" "$(cat "$work/stick.out")" \
    "done: COLDSEAL.RSP $(sha256sum <"$work/rsp" | cut -c 1-64)"
tar -xOf "$work/rsp" record.dsse >"$work/response.back"
ok "with what was handed out" cmp "$work/response" "$work/response.back"
mkdir "$work/un" && tar -C "$work/un" -xf "$work/rsp"
exits "and sha256sum agrees" 0 sh -c "cd $work/un && sha256sum -c manifest"
done_testing
