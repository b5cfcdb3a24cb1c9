# SPDX-License-Identifier: Apache-2.0
# USB devices made of software, in the guest: dummy_hcd is a host controller
# and a device controller joined to each other, so the host's side of the
# kernel is as it is.  Source it after guest.sh.

GADGET=/sys/kernel/config/usb_gadget/g
GADGET_PORT=

gadgets() { # FUNCTION...: usb_f_fs, usb_f_hid ...
	local f
	for f in "$@"; do
		load "$f" "usbcore.authorized_default=${USB_DEFAULT:-0}"
	done
	load dummy_hcd
	mount -t configfs configfs /sys/kernel/config || bail "no configfs"
	# its bus is the one whose root hub says so
	GADGET_PORT=$(dirname "$(grep -l 'Dummy host' \
	    /sys/bus/usb/devices/usb*/product)")
	GADGET_PORT=${GADGET_PORT##*usb}-1
}

gadget_new() { # VENDOR PRODUCT NAME
	mkdir -p $GADGET/strings/0x409 $GADGET/configs/c.1
	echo "$1" >$GADGET/idVendor
	echo "$2" >$GADGET/idProduct
	echo SanDisk >$GADGET/strings/0x409/manufacturer
	echo "$3" >$GADGET/strings/0x409/product
	echo 4C530001 >$GADGET/strings/0x409/serialnumber
}
gadget_add() { # FUNCTION.NAME [ATTRIBUTE=VALUE ...]
	local a f=$GADGET/functions/$1
	mkdir "$f"
	for a in "$@"; do
		case $a in
		*=*) printf '%b' "${a#*=}" >"$f/${a%%=*}" || bail "$a" ;;
		esac
	done
	ln -s "$GADGET/functions/$1" $GADGET/configs/c.1/
}
gadget_in() { # puts it in the port
	ls /sys/class/udc | head -n 1 >$GADGET/UDC || bail "no UDC"
	await 10 there "/sys/bus/usb/devices/$GADGET_PORT/descriptors" ||
	    bail "the gadget is not seen"
}
gadget_out() { # pulls it out
	echo >$GADGET/UDC 2>/dev/null
	await 10 gone "/sys/bus/usb/devices/$GADGET_PORT" || bail "it stays"
}
gadget_end() { # as it was before gadget_new
	find $GADGET/configs/c.1 -type l -exec rm {} +
	rmdir $GADGET/functions/* $GADGET/configs/c.1 \
	    $GADGET/strings/0x409 $GADGET
}

# A stick that is ffs_stick, with the lie that it tells; IMAGE is what it has.
stick_in() { # IMAGE LIE
	mkdir -p /dev/ffs
	mount -t functionfs stick /dev/ffs || bail "no functionfs"
	stick_pid=$(ffs_stick /dev/ffs "$1" "$2") || bail "no stick: $2"
	gadget_in
}
stick_out() {
	gadget_out
	kill "$stick_pid" 2>/dev/null
	await 10 gone "/proc/$stick_pid" || bail "the stick's program stays"
	umount /dev/ffs || bail "functionfs stays"
}
