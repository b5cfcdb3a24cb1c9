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
