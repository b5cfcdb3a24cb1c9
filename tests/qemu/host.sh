# SPDX-License-Identifier: Apache-2.0
# What a test of this folder sources on the host, after tap.sh.
#
#	guest_work NAME		$work, a folder that goes with the test
#	guest_files NAME FILE[:PATH]...	an addition to the guest's files
#	guest NAME SECONDS ADDITIONS [QEMU ARGUMENT...]
#				a guest that runs tests/qemu/NAME.job; each of
#				its tests is one of ours; what it said is in
#				$work/NAME.out
#	guest_stick PORT IMAGE	arguments for a stick in that port of "x"
#
#	guest_appliance JQ	a rehearsal in $CON_DIR, for a guest: its files
#				are the addition "appliance", its TPM is swtpm
#				behind QEMU, JQ edits the site file
#	guest_console NAME ADDITIONS [QEMU ARGUMENT...]
#				such a guest, up to the console's prompt; then
#				console.sh drives it, which must be there
#
# Software emulation, as CI has no KVM; CS_ACCEL=kvm is for who has it.

guest_work() {
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
	GUEST_DIR=$(cd "${CS_QEMU:?}" && pwd) || bail "no make check-usb?"
	CON_BIN=$(cd "${CS_BIN:?}" && pwd) || bail "no programs"
	PATH=$CON_BIN:$GUEST_DIR/bin:$PATH
	work=$(mktemp -d "${TMPDIR:-/tmp}/cs-$1.XXXXXX") || bail "no folder"
	trap guest_cleanup EXIT
}
guest_cleanup() {
	local p
	for p in $(jobs -p); do
		kill "$p" 2>/dev/null
	done
	rm -rf "$work"
}

guest_files() { # NAME FILE[:PATH]...
	"$here/initrd.sh" add "$work/$1.cpio" "${@:2}" || bail "no files $1"
}

guest_stick() { # PORT IMAGE
	echo -drive "if=none,id=s$1,format=raw,file=$2" \
	    -device "usb-storage,bus=x.0,port=$1,drive=s$1,removable=on"
}

# The command line of a guest in guest_cmd.
guest_command() { # NAME ADDITIONS [QEMU ARGUMENT...]
	local job=$here/$1.job n
	[ ! -e "$work/$1.job" ] || job=$work/$1.job
	"$here/initrd.sh" add "$work/$1.job.cpio" "$job:/job" \
	    "$GUEST_DIR/bin/await" || bail "no job"
	set -- "$1" "$2" "${@:3}"
	{
		cat "$GUEST_DIR/base.cpio" "$work/$1.job.cpio"
		for n in $2; do
			cat "$work/$n.cpio"
		done
	} >"$work/$1.initrd"
	guest_cmd=(qemu-system-x86_64 -accel "${CS_ACCEL:-tcg,thread=multi}" -cpu max -m 512
	    -smp 1 -display none -no-reboot -nodefaults -serial stdio
	    -kernel "$GUEST_DIR/kernel/vmlinuz" -initrd "$work/$1.initrd"
	    -append "console=ttyS0 loglevel=${CS_LOGLEVEL:-1} panic=-1 mitigations=off"
	    "${@:3}")
}

guest() { # NAME SECONDS ADDITIONS [QEMU ARGUMENT...]
	local name=$1 limit=$2 line done=1
	guest_command "$name" "$3" "${@:4}"
	: >"$work/$name.out"
	while IFS= read -r line; do
		printf '%s\n' "${line%$'\r'}" >>"$work/$name.out"
		line=${line%$'\r'}
		case $line in
		"ok "*) tap_result 0 "${line#ok * - }" ;;
		"not ok "*) tap_result 1 "${line#not ok * - }" ;;
		"guest: all") done=0 ;;
		[0-9]*" passed, "*) ;;
		*) diag "$line" ;;
		esac
	done < <(timeout --kill-after=5 "$limit" "${guest_cmd[@]}" \
	    </dev/null 2>&1)
	tap_result "$done" "$name: the guest came to its end"
}

guest_appliance() { # JQ
	local zero pcr7 module tcti
	CON_DIR=$work/r
	con_rehearse
	coldseal-rehearsal down "$CON_DIR"
	# SeaBIOS ends its measurements with 0xffffffff in PCR 0 to 7; the
	# release key signs an image for what this machine measures
	zero=$(printf '%064d' 0)
	pcr7=$( (head -c 32 /dev/zero
	    printf '\377\377\377\377' | openssl dgst -sha256 -binary) |
	    sha256sum | cut -c 1-64)
	coldseal image sign --version 1 --pcr "7=$pcr7" --pcr "11=$zero" \
	    --pcr "12=$zero" --key "$CON_DIR/image.pem" \
	    --out "$work/image.json" >/dev/null || bail "no image"
	jq -c ".tcti = \"device:/dev/tpmrm0\" | $1" \
	    "$CON_DIR/state/site.json" >"$work/site" &&
	    cp "$work/site" "$CON_DIR/state/site.json" || bail "no site file"
	module=$(jq -r .module "$CON_DIR/state/site.json")
	tcti=$(find /usr/lib -name 'libtss2-tcti-device.so.0' | head -n 1)
	echo "$CON_DIR/state" >"$work/state"
	guest_files appliance "$CON_BIN"/coldseal{d,-*} \
	    "$work/state:/state" "$work/image.json:/image.json" \
	    "$module:$module" "$tcti:$tcti" \
	    "$CON_DIR/state:$CON_DIR/state" "$CON_DIR/hsm:$CON_DIR/hsm" \
	    "$CON_DIR/approvers:$CON_DIR/approvers"
	swtpm socket --tpm2 --tpmstate "dir=$CON_DIR/tpm" \
	    --ctrl "type=unixio,path=$work/tpm.ctrl" \
	    --log "file=$work/tpm.log" &
	await 20 there "$work/tpm.ctrl" || bail "no swtpm"
}

guest_console() { # NAME ADDITIONS [QEMU ARGUMENT...]
	guest_command "$1" "appliance $2" \
	    -chardev "socket,id=tpm,path=$work/tpm.ctrl" \
	    -tpmdev emulator,id=t,chardev=tpm -device tpm-tis,tpmdev=t \
	    "${@:3}"
	con_out=
	coproc CON { exec timeout --kill-after=5 400 "${guest_cmd[@]}" 2>&1; }
	con_pid=$CON_PID
	exec {con_in}>&"${CON[1]}" {con_fd}<&"${CON[0]}"
	con_until '^coldseal> $' || bail "no console: $con_out"
}
