#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The guest itself: it starts, has only what it was told, and sees a stick
# that nobody authorized.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/host.sh"
guest_work boot
truncate -s 64M "$work/stick.img"
guest boot 120 "" -device qemu-xhci,id=x \
    -drive "if=none,id=s,format=raw,file=$work/stick.img" \
    -device usb-storage,bus=x.0,port=1,drive=s,removable=on
done_testing
