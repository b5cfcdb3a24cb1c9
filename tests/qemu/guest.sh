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
