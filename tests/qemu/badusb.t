#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is in the port and is no plain stick: the broker refuses each with its
# ID, in a guest that has the drivers which would take it.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/host.sh"
guest_work badusb
for n in behind three four fast gadget; do
	truncate -s 16M "$work/$n.img"
done
guest_files badusb "$work/gadget.img:/gadget.img" \
    "$CON_BIN"/coldseal-{usb,intake} "$GUEST_DIR/bin/use_stick"
disk() { # NAME
	echo -drive "if=none,id=$1,format=raw,file=$work/$1.img"
}
guest badusb 240 badusb -device qemu-xhci,id=x -device qemu-xhci,id=y \
    $(disk behind) $(disk three) $(disk four) $(disk fast) \
    -device usb-hub,bus=x.0,port=1 \
    -device usb-storage,bus=x.0,port=1.1,drive=behind \
    -device usb-kbd,bus=x.0,port=2 \
    -device usb-storage,bus=x.0,port=3,drive=three \
    -device usb-storage,bus=x.0,port=4,drive=four \
    -device usb-uas,bus=y.0,port=1,id=uas \
    -device scsi-hd,bus=uas.0,drive=fast \
    -device usb-net,bus=y.0,port=2 \
    -device usb-ccid,bus=y.0,port=3
done_testing
