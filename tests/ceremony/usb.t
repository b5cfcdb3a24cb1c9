#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An appliance whose site file names USB ports: what the console shows and the
# log has of a stick, and that it is off again.  Folders stand for sysfs and
# /dev/bus/usb (tests/lib/fake_usbfs.c), and image files for the sticks'
# blocks; every other program is as it is.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
con_work usb
con_rehearse
bin=$CON_BIN
fake=$(cd "${CS_TEST_BIN:-$bin/../tests}" && pwd)/fake_usbfs.so
[ -e "$fake" ] || bail "no $fake"
shapes=$here/../fuzz/corpus/usbdesc
tree=$work/tree
site=$CON_DIR/state/site.json

# The same programs, over that tree; the media programs say what they were
# told, and get an image for the node of the stick.
CON_BIN=$work/bin
mkdir "$CON_BIN"
cp "$bin"/coldseal* "$CON_BIN"
mv "$CON_BIN/coldseald" "$CON_BIN/coldseald-itself"
cat >"$CON_BIN/coldseald" <<END
#!/bin/sh
exec "$CON_BIN/coldseald-itself" --state "\$2"
END
chmod 755 "$CON_BIN/coldseald"
cat >"$CON_BIN/coldseal-usb" <<END
#!/bin/sh
ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$fake CS_USB_TREE=$tree \\
    exec $bin/coldseal-usb "\$@"
END
for p in intake export; do
	[ $p = intake ] && img=$COLDSEAL_IN || img=$COLDSEAL_OUT
	cat >"$CON_BIN/coldseal-$p" <<END
#!/bin/sh
echo "\$*" >>$work/told
cat $tree/sys/1-[12]/authorized >>$work/told
[ ! -p $work/wait ] || { echo "\$\$" >$work/wait; exec cat $work/never; }
exec $bin/coldseal-$p 4<>$img
END
done

put() { # FILE TEXT...
	local to=$1
	shift
	printf '%s\n' "$@" >"$to"
}
plug() { # PORT DEVICE SHAPE
	local d=$tree/sys/$1 n=$2 b
	mkdir -p "$d/$1:1.0" "$d/$1:1.2" "$tree/dev/001"
	for b in $(cat "$shapes/$3"); do
		printf '%b' "\\x$b"
	done >"$d/descriptors"
	cp "$d/descriptors" "$tree/dev/001/$(printf %03d "$n")"
	put "$d/busnum" 1
	put "$d/devnum" "$n"
	put "$d/devpath" "${1#*-}"
	put "$d/speed" 480
	put "$d/dev" "189:$((n - 1))"
	put "$d/manufacturer" "Acme"
	put "$d/product" $'Stick\e[31m'
	put "$d/serial" "0815-$n"
	put "$d/authorized" 0
	put "$d/$1:1.0/authorized" 0
	put "$d/$1:1.2/authorized" 0
}
pull() { # PORT
	rm -r "${tree:?}/sys/$1"
}
for root in usb1 usb2; do
	mkdir -p "$tree/sys/$root"
	put "$tree/sys/$root/authorized_default" 1
	put "$tree/sys/$root/interface_authorized_default" 1
done
mkdir -p "$tree/dev"
cp "$site" "$work/site"
set_site() { # jq program
	jq -c "$1" "$work/site" >"$site.new" && mv "$site.new" "$site"
}
set_site '.media_in = "usb:1-1,2-1" | .media_out = "usb:1-2" |
    .readers = [{"port": "1-3", "product": "1050:0407"}]'
on() { # PORT
	cat "$tree/sys/$1/authorized"
}
# it is switched off once its process has ended, which the console does not
# wait for; the next look would do it too
off() { # PORT
	until [ "$(on "$1")" = 0 ]; do read -r -t 0.05 <>"$work/never"; done
}
gone() { # PID: and reaped
	while kill -0 "$1" 2>/dev/null; do read -r -t 0.05 <>"$work/never"; done
}
mkfifo "$work/never"
echo one >"$work/a"
coldseal request create --product router --version 1 --key fw-p256 \
    --format raw --requester-key "$COLDSEAL_REQUESTER" --out "$work/1.req" \
    "$work/a" >/dev/null
coldseal media write "$COLDSEAL_IN" "$work/1.req" >/dev/null

plug 1-3 4 token
plug 1-1 5 composite
out=$("$CON_BIN/coldseal-usb" list)
like "list: what is in a port" "$out" \
    '^0781:5567 "Acme" .* in port 1-1 at 480 Mbit/s$'
like "list: why not" "$out" '^  USB-COMPOSITE: .*: 3: mass storage, keyboard'
like "list: a token" "$out" '^  a smart card reader or token$'
is "list: nothing is switched" "$(on 1-1)$(cat "$tree"/sys/usb?/authorized_default |
    tr -d '\n')" 011
con_start "$CON_DIR" || bail "no console: $con_out"
is "everything is off from the start" \
    "$(cat "$tree"/sys/usb?/*authorized_default | tr -d '\n')$(on 1-1)" 00000

con intake
like "a stick that is more than that is shown" "$con_out" \
    '^in the IN port: 0781:5567 "Acme" "Stick\\x1b\[31m" serial "0815-5" in port 1-1 at 480 Mbit/s$'
like "it stays off" "$con_out" '^  it stays off$'
like "and is refused" "$con_out" '^refused: USB-COMPOSITE: '
like "with what it is" "$con_out" \
    'found: 3: mass storage, keyboard or mouse, network or modem'
is "nothing was started for it" "$(cat "$work/told" 2>/dev/null)" ""
is "it was not switched on" "$(on 1-1)" 0

pull 1-1
con intake
like "an empty port" "$con_out" '^refused: MEDIUM-ABSENT: '

plug 1-1 6 stick
con intake
like "a plain stick is shown first" "$con_out" \
    $'^in the IN port: 0781:5567 "Acme" .* serial "0815-6" in port 1-1 .*$'
like "its request is accepted" "$con_out" '^accepted as request 1: '
is "intake was told its endpoints, while it was on" "$(head -n 2 "$work/told")" \
    "usb=0,81,02
1"
ok "it is off again" off 1-1

con "approve 1 alice" APPROVE "$(cat "$CON_DIR/approvers/alice/pin")"
like "an approval, with the reader on" "$con_out" 'alice'
is "the reader is on" "$(on 1-3)" 1
is "its card interface is" "$(cat "$tree/sys/1-3/1-3:1.2/authorized")" 1
is "its keyboard is not" "$(cat "$tree/sys/1-3/1-3:1.0/authorized")" 0
pull 1-3
plug 1-3 7 keyboard
con "approve 1 bob" APPROVE "$(cat "$CON_DIR/approvers/bob/pin")"
like "a keyboard in the reader's port stops an approval" "$con_out" \
    'USB-READER: what is in a token port is not the reader'
is "it stays off" "$(on 1-3)" 0
pull 1-3
con "approve 1 bob" APPROVE "$(cat "$CON_DIR/approvers/bob/pin")"
con "sign 1"
like "signed" "$con_out" '1 signatures made'

con "export 1"
like "no stick in the OUT port" "$con_out" '^refused: MEDIUM-ABSENT: '
plug 1-2 8 uas
con "export 1"
like "a fast disk is refused" "$con_out" '^refused: USB-UAS: '
pull 1-2
plug 1-2 9 stick
con "export 1"
like "the OUT stick is shown" "$con_out" \
    '^in the OUT port: .* serial "0815-9" in port 1-2'
like "exported" "$con_out" 'request 1 exported'
ok "the OUT stick is off again" off 1-2

# coldseal-usb dies while a stick is in use: who has the stick ends with it,
# and nothing is switched on any more
plug 1-1 10 stick
mkfifo "$work/wait"
con_out=
con_send intake
read -r user <"$work/wait"
is "a stick is in use" "$(on 1-1)" 1
kill -KILL "$(pgrep -P "$con_pid" -x coldseal-usb)"
con_until
like "its process has ended too" "$con_out" '^  found: the media reader ended$'
ok "it is gone" gone "$user"
rm "$work/wait"
pull 1-1
plug 1-1 11 stick
con intake
like "without coldseal-usb there is no stick" "$con_out" '^refused: USB-ENDED: '
is "it was not switched on" "$(on 1-1)" 0
con_end
is "the appliance ends as always" "$con_status" 0

# what the log has
leaves=$(find "$CON_DIR/state" -path '*/entries/*' -type f -exec cat {} + |
    grep -ao '{"boot":.*"v":1}')
last_leaf() { # EVENT CHECK
	jq -cn --arg e "$1" --arg c "${2-}" '[inputs | select(.event == $e and
	    ($c == "" or .data.check == $c))] | last | .data' <<<"$leaves"
}
like "the log names the refused stick" \
    "$(last_leaf intake.refused USB-COMPOSITE)" \
    '"medium":"0781:5567 .*0815-5'
like "and the stick that a request came on" \
    "$(last_leaf intake.accepted)" '"medium":"0781:5567 .*0815-6'

# a site file that cannot be
cannot() { # ID name jq-program
	set_site "$3"
	out=$("$CON_BIN/coldseal-rehearsal" console "$CON_DIR" </dev/null 2>&1)
	is "$2: refused" $? "$4"
	like "$2: with its reason" "$out" "^coldseald: $1: "
}
cannot USB-PORT "a port behind a hub" '.media_in = "usb:1-1.2"' 3
cannot USB-PORT "no port" '.media_in = "usb:"' 3
cannot USB-PORT "an empty port" '.media_in = "usb:1-1,"' 3
cannot USB-PORT "IN and OUT in one port" \
    '.media_in = "usb:1-1" | .media_out = "usb:1-1"' 3
cannot JSON-FIELD "no product" '.readers = [{"port": "1-3"}]' 3
cannot JSON-FIELD "vendor 0" \
    '.readers = [{"port": "1-3", "product": "0000:0407"}]' 3
cannot JSON-FIELD "half a product" \
    '.readers = [{"port": "1-3", "product": "1050"}]' 3
cannot JSON-FIELD "another form of product" \
    '.readers = [{"port": "1-3", "product": "1050-0407"}]' 3
cannot TOO-LARGE "17 readers" \
    '.readers = [range(17) | {"port": "1-\(. + 1)", "product": "1050:0407"}]' 3

# by hand, as in a guest
set_site .
ask() {
	"$bin/../tests/usbask" "$CON_BIN/coldseal-usb" "$@"
}
out=$(ask in 1-1,2-1)
is "by hand: no port of that name" $? 1
like "by hand: its reason" "$out" '^USB-PORT: '
out=$(ask in 1-1 2-1 -- sh -c 'echo "$0 $(wc -c <&4)"')
is "by hand: a stick" $? 0
like "by hand: its program has the node" "$out" '^usb=0,81,02 50$'
is "by hand: it is off again" "$(on 1-1)" 0
plug 1-3 12 token
is "by hand: readers" "$(ask readers 1-3=1050:0407)" "readers are on"
pull 1-1
"$CON_BIN/coldseal-usb" extra >"$work/out" 2>&1
is "another word is a usage error" $? 2
like "help" "$("$bin/coldseal-usb" --help)" '^usage: coldseal-usb list'
pull 1-3
pull 1-2
is "list: nothing there" "$("$CON_BIN/coldseal-usb" list)" \
    "nothing is in a USB port"
rm -r "$tree/sys/usb1" "$tree/sys/usb2"
cannot USB-LOCK "no USB bus" '.media_in = "usb:1-1"' 4
done_testing
