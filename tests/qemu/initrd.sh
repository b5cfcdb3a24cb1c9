#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes what a test guest starts from.  usage:
#	initrd.sh base KERNEL OUT		busybox, init, modules
#	initrd.sh add OUT FILE[:PATH]...	files, with the libraries that
#						the programs among them need
# The kernel takes several archives after one another: a guest's is the base
# with additions.  Not compressed: software emulation unpacks slower than it
# reads.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

pack() { # FOLDER OUT
	(cd "$1" && find . -mindepth 1 -print0 |
	    cpio -0 -o -H newc -R 0:0 --quiet) >"$2.new"
	mv "$2.new" "$2"
}

# Each module that a test may name is there with what it needs, in order, in
# NAME.need; which ones a guest loads is the test's business.
modules=(xhci_pci usb_f_fs usb_f_mass_storage usb_f_hid usb_f_ecm dummy_hcd
    usbhid hid_generic usb_storage sd_mod uas cdc_ether rndis_host tpm_tis tpm_crb)

copy_modules() { # KERNEL FOLDER
	local release m ko name
	release=$(cat "$1/release")
	mkdir -p "$2"
	for m in "${modules[@]}"; do
		modprobe -d "$1/root" -S "$release" --show-depends "$m" \
		    2>/dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p' |
		while read -r ko; do
			name=$(basename "$ko")
			name=${name%%.ko*}
			echo "${name//-/_}"
			name=$2/${name//-/_}.ko
			[ ! -e "$name" ] || continue
			case $ko in
			*.xz) xz -dc "$ko" >"$name" ;;
			*) cp "$ko" "$name" ;;
			esac
		done >"$2/$m.need"
	done
}

base() { # KERNEL OUT
	local a
	r=$(mktemp -d)
	trap 'rm -rf "$r"' EXIT
	mkdir -p "$r"/usr/{bin,sbin,lib,lib64} "$r"/{dev,proc,sys,run,tmp,etc}
	for a in bin sbin lib lib64; do
		ln -s "usr/$a" "$r/$a"
	done
	cp "$(command -v busybox)" "$r/usr/bin/busybox"
	for a in $(busybox --list | grep -vx busybox); do
		ln -s busybox "$r/usr/bin/$a"
	done
	echo 'root:x:0:0:root:/:/bin/sh' >"$r/etc/passwd"
	echo 'root:x:0:' >"$r/etc/group"
	copy_modules "$1" "$r/modules"
	cp "$here/init" "$r/init"
	cp "$here/guest.sh" "$here/gadget.sh" "$here/../lib/tap.sh" "$r/"
	chmod 755 "$r/init"
	pack "$r" "$2"
}

# To the place the file has by its real folder, so that /lib stays a link.
put() { # FOLDER FILE PATH
	mkdir -p "$1$(dirname "$3")"
	[ -e "$1$3" ] || cp -L "$2" "$1$3"
}
add() { # OUT FILE[:PATH]...
	local out=$1 f file path lib
	shift
	r=$(mktemp -d)
	trap 'rm -rf "$r"' EXIT
	for f in "$@"; do
		file=${f%%:*}
		case $f in
		*:*) path=${f#*:} ;;
		*) path=/usr/bin/$(basename "$file") ;;
		esac
		if [ -d "$file" ]; then
			mkdir -p "$r$path"
			cp -a "$file/." "$r$path/"
			continue
		fi
		put "$r" "$file" "$path"
		{ ldd "$file" 2>/dev/null || true; } |
		    sed -nE 's,.*[[:space:]](/[^ ]+) \(0x.*,\1,p' |
		while read -r lib; do
			put "$r" "$lib" "$(readlink -f \
			    "$(dirname "$lib")")/$(basename "$lib")"
		done
	done
	pack "$r" "$out"
}

verb=$1
shift
case $verb in
base | add) "$verb" "$@" ;;
*) exit 2 ;;
esac
