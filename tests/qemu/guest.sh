# SPDX-License-Identifier: Apache-2.0
# What a test's /job sources in the guest.  busybox sh.
. /tap.sh

# Loads a module and what it needs; parameters as "module.parameter=value".
load() { # NAME [MODULE.PARAMETER=VALUE ...]
	local m p args name=$1
	shift
	while read -r m <&3; do
		[ ! -d "/sys/module/$m" ] || continue
		args=
		for p in "$@"; do
			case $p in
			"$m".*) args="$args ${p#*.}" ;;
			esac
		done
		# shellcheck disable=SC2086
		insmod "/modules/$m.ko" $args || bail "module $m"
	done 3<"/modules/$name.need"
}

loaded() { # the modules, sorted, on one line
	cut -d ' ' -f 1 /proc/modules | sort | tr '\n' ' ' | sed 's/ $//'
}

# The drivers that are bound to interfaces of USB devices; hub is the core's.
bound() {
	for d in /sys/bus/usb/devices/*:*/driver; do
		[ ! -e "$d" ] || basename "$(readlink "$d")"
	done | grep -vx hub | sort -u | tr '\n' ' '
}

# The whole USB stack of the appliance: nothing is authorized by itself.
usb_host() {
	load xhci_pci usbcore.authorized_default=0
}

# Sockets 1 (IN) and 2 (OUT) of the one controller, for each speed.
IN=1-1,2-1
OUT=1-2,2-2

use() { # PORTS VERB [FILE]: what use_stick says is in /tmp/said
	timeout 120 use_stick "$@" >/tmp/said 2>&1
	use_status=$?
	sed 's/^/# /' /tmp/said
}
said() { # NAME RE
	if grep -Eq -- "$2" /tmp/said; then
		tap_result 0 "$1"
	else
		tap_result 1 "$1"
		diag "no line of: $2"
	fi
}

# Nothing is on and nothing was bound, whatever happened.
all_off() { # NAME
	local d
	is "$1: nothing is on" "$(for d in /sys/bus/usb/devices/[1-9]-[1-9]*; do
		[ ! -e "$d/authorized" ] || [ "$(cat "$d/authorized")" = 0 ] ||
		    basename "$d"
	done)" ""
	is "$1: no driver has anything" "$(bound)" ""
}

# The appliance of guest_appliance, on the console; its folder is in /state.
appliance() {
	local state
	state=$(cat /state)
	await 30 there /dev/tpmrm0 || bail "no TPM"
	coldseal-provision image --state "$state" --image /image.json ||
	    bail "the image is not the one that was signed"
	coldseald --state "$state" || bail "coldseald: $?"
}
