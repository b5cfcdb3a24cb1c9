#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The USB link over a real USB stack: FunctionFS and a device controller on
# the appliance's side, libusb on the host's, joined by dummy_hcd in one
# guest.  A whole ceremony, and kill -9 of either side.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/../lib/console.sh"
. "$(dirname "$0")/host.sh"
guest_work link
guest_appliance '.link = "ffs:/dev/ffs,/sys/kernel/config/usb_gadget/g,dummy_udc.0"'

head -c 3000000 /dev/urandom >"$work/firmware.bin"
mkdir "$work/req"
for n in 1 2 3; do
	coldseal request create --product router --version "1.2.$n" \
	    --key fw-p256 --format raw \
	    --requester-key "$COLDSEAL_REQUESTER" --out "$work/req/$n.req" \
	    "$work/firmware.bin" >/dev/null || bail "no request"
done
guest_files host "$CON_BIN/coldseal" "$work/req:/req"

# The connected side: a shell of the guest, on its second serial line.
mkfifo "$work/side.in" "$work/side.out"
exec {side_in}<>"$work/side.in" {side_fd}<>"$work/side.out"
side_begin() { # COMMAND
	echo "$1" >&"$side_in"
}
side_end() { # what it said is in $side_out, its status in $side_status
	local line
	side_out=
	while IFS= read -r -t 120 -u "$side_fd" line; do
		case $line in
		"side: "*) side_status=${line#side: } && return ;;
		*) side_out+=$line$'\n' ;;
		esac
	done
	bail "the connected side is gone: $side_out"
}
side() { # COMMAND
	side_begin "$1"
	side_end
}
# A command at the console that waits for a host: up to its question.
con_begin() { # LINE
	con_out=
	con_send "$1"
	con_until '^waiting for a host at the link; Enter stops it: $|^coldseal> $'
}
con_finish() { # after the host is done
	con_until '^(waiting.*: )?coldseal> $'
}

guest_console link host -serial "pipe:$work/side"
side_end # ready
side "coldseal link status"
like "closed: there is no device" "$side_out" 'LINK-CLOSED'
con "link open"
like "opened at the console" "$con_out" 'link +OPEN'
side "coldseal link status --wait"
is "the host finds it" "$side_status" 0
like "by libusb, and it says who it is" "$side_out" \
    'rehearsal.coldseal.example'

con_begin "intake link" || bail "no intake: $con_out"
side "coldseal link send /req/1.req"
is "a request is sent" "$side_status" 0
con_finish
like "and accepted" "$con_out" 'accepted as request 1'
con_approve 1 alice
con_approve 1 bob
like "two approve" "$con_out" "2 of 2"
con "sign 1"
like "signed" "$con_out" 'signatures made'
con_begin "export 1 link" || bail "no export: $con_out"
side "mkdir /got; coldseal link receive --out /got --wait"
is "the response is fetched" "$side_status" 0
con_finish
side "cat /got/COLDSEAL.RSP | base64"
base64 -d <<<"$side_out" >"$work/a.rsp"
exits "and verifies outside" 0 coldseal response verify "$work/a.rsp" \
    --policy "$COLDSEAL_POLICY" --record-key "$COLDSEAL_RECORD_KEY" \
    --log-key "$COLDSEAL_LOG_KEY" --artifact "$work/firmware.bin"

# kill -9 of the host at some cell or other, several times over
con_begin "intake link" || bail "no intake: $con_out"
for ms in 50 150 300 600; do
	side "timeout -s KILL 0.$(printf %03d $ms) coldseal link send /req/2.req"
done
side "coldseal link send /req/2.req"
is "the host killed at any time: the next session is clean" "$side_status" 0
con_finish
like "and what it sent is whole" "$con_out" 'accepted as request 2'

# kill -9 of the appliance's side, at some cell or other
con_begin "intake link" || bail "no intake: $con_out"
side 'coldseal link send /req/3.req & h=$!; timeout 0.3 tail -f /dev/null; kill -9 $(pidof coldseal-link); wait $h'
con_finish
like "coldseal-link killed: the console says so" "$con_out" \
    'LINK-GONE|accepted as'
con "link open"
like "it opens again" "$con_out" 'OPEN'
con_begin "intake link" || bail "no intake: $con_out"
side "coldseal link send --wait /req/3.req"
is "and the next session is clean" "$side_status" 0
con_finish
like "with the whole request" "$con_out" 'request 3'
con "link close"
side "coldseal link status"
like "closed: the device is gone" "$side_out" 'LINK-CLOSED'
con_end
is "the appliance ended well" "$con_status" 0
like "and so did the guest" "$con_out" 'guest: all'
done_testing
