#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sticks that lie in what they answer: a FunctionFS program on the real USB
# stack of a guest.  Each gets its check ID in bounded time, and the next
# stick works.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/host.sh"
guest_work liars
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out "$work/key.pem" 2>/dev/null || bail "no key"
head -c 300000 /dev/urandom >"$work/firmware.bin"
coldseal request create --product router --version 1.2.3 --key fw-p256 \
    --format raw --requester-key "$work/key.pem" --out "$work/a.req" \
    "$work/firmware.bin" >/dev/null || bail "no request"
truncate -s 40M "$work/in.img"
coldseal media write "$work/in.img" "$work/a.req" >/dev/null ||
    bail "no medium"
sha256sum <"$work/firmware.bin" | cut -c 1-64 >"$work/artifact"
head -c 100000 /dev/urandom >"$work/response"
guest_files liars "$work/in.img:/in.img" "$work/artifact:/artifact" \
    "$work/response:/response" "$CON_BIN"/coldseal-{usb,intake,export} \
    "$GUEST_DIR/bin/"{use_stick,ffs_stick}
guest liars 400 liars
done_testing
