#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the log has of the machine's own doors: PINs that the TPM was asked for,
# consoles that were opened and how they ended.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/leaves.sh"
con_work devices
con_rehearse
state=$CON_DIR/state

pid_of() { # NAME
	local p
	for p in $(cat "/proc/$con_pid/task/$con_pid/children"); do
		if [ "$(cat "/proc/$p/comm")" = "$(printf '%.15s' "$1")" ]; then
			echo "$p"
			return
		fi
	done
}

# --- a start, a ceremony, an end ----------------------------------------------
con_start "$CON_DIR" || bail "no console: $con_out"
is "a boot, the audit token, the console" "$(events 3)" \
    "boot tpm.unseal console.open"
is "the console is a pipe" "$(of console.open .data.console)" pipe
is "the audit token needs no people" "$(of tpm.unseal \
    '.data | "\(.domain) \(.purpose) \(.approvers) \(.result) \(.request)"')" \
    "audit audit 0 released null"
echo one >"$work/a"
echo two >"$work/b"
coldseal request create --product router --version 1 --key fw-p256 \
    --format raw --requester-key "$COLDSEAL_REQUESTER" --out "$work/a.req" \
    "$work/a" "$work/b" >/dev/null || bail "no request"
coldseal media write "$COLDSEAL_IN" "$work/a.req" >/dev/null
con intake || bail "no intake"
con_approve 1 alice
con_approve 1 bob
con "sign 1"
like "signed" "$con_out" '2 signatures made, verified and logged'
is "the unseal is between intent and signatures" "$(events 5)" \
    "sign.intent tpm.unseal signature signature sign.outcome"
is "what the TPM was asked" "$(of tpm.unseal \
    '.data | "\(.domain) \(.purpose) \(.approvers) \(.result)"')" \
    "release sign 2 released"
is "of this request" "$(of tpm.unseal .data.request_sha256)" \
    "$(of sign.intent .data.request_sha256)"
is "in this ceremony's session" "$(of tpm.unseal .data.ceremony)" \
    "$(of signature .data.trace.ceremony)"
is "nothing counts towards the lockout" "$(of tpm.unseal \
    '.data | "\(.lockout_before) \(.lockout_after)"')" "0 0"
like "which locks at" "$(of tpm.unseal .data.lockout_max)" '^[1-9][0-9]*$'
is "the record names the signatures' leaves" \
    "$(of sign.outcome .data.first)" \
    "$(($(leaves | jq -r .event | grep -n -m1 '^signature$' | cut -d : -f 1) - 1))"
con shutdown
con_until '^never$'
wait "$con_pid" 2>/dev/null
is "it ends in words" "$(events 2)" "console.close shutdown"
is "by the command" "$(of console.close '.data | "\(.console) \(.reason)"')" \
    "pipe shutdown"

# --- other ends -----------------------------------------------------------------
printf 'status\n' | coldseal-rehearsal console "$CON_DIR" >"$work/eof" 2>&1
is "end of file" "$(of console.close .data.reason)" hang-up
con_start "$CON_DIR" || bail "no console: $con_out"
kill -9 "$(pid_of coldseal-console)"
con_until '^never$'
wait "$con_pid" 2>/dev/null
is "a console that is killed" "$(of console.close .data.reason)" killed
n=$(leaves | grep -c console.close)
con_start "$CON_DIR" || bail "no console: $con_out"
kill -9 "$(pid_of coldseal-core)"
con_until '^never$'
wait "$con_pid" 2>/dev/null
is "a core that is killed has no last word" \
    "$(leaves | grep -c console.close)" "$n"
script -qec "coldseal-rehearsal console '$CON_DIR'" /dev/null \
    <<<"shutdown" >"$work/script.out" 2>&1
is "a terminal" "$(of console.close '.data | "\(.console) \(.reason)"')" \
    "terminal shutdown"

# --- refused ----------------------------------------------------------------------
con_start "$CON_DIR" || bail "no console: $con_out"
coldseal request create --product router --version 2 --key fw-p256 \
    --format raw --requester-key "$COLDSEAL_REQUESTER" --out "$work/b.req" \
    "$work/a" >/dev/null || bail "no request"
coldseal media write "$COLDSEAL_IN" "$work/b.req" >/dev/null
con intake || bail "no intake"
con_approve 2 alice
con_approve 2 bob
seal=$state/sealed/release.seal
cp "$seal" "$work/seal"
refused() { # NAME EVENTS
	like "$1" "$con_out" 'refused: TPM-'
	is "$1: an attempt, with its check" "$(of tpm.unseal \
	    '.data | "\(.domain) \(.purpose) \(.result) \(.check)"')" \
	    "release sign refused $(sed -n \
	    's/.*refused: \(TPM-[A-Z-]*\).*/\1/p' <<<"$con_out")"
	is "$1: where" "$(events 3 | cut -d ' ' -f "$2")" "$3"
}
# the end is the sealed object: that, only the TPM can tell
printf '\377\377\377\377' | dd of="$seal" bs=1 \
    seek=$(($(stat -c %s "$seal") - 40)) conv=notrunc 2>/dev/null
con "sign 2"
refused "an altered object" 1-3 "sign.intent tpm.unseal sign.outcome"
is "the ceremony failed" "$(of sign.outcome .data.result)" failed
# a file that is cut off, the preflight sees
cp "$work/seal" "$seal"
con_approve 2 alice
truncate -s -1 "$seal"
con_approve 2 bob
refused "a broken file" 2-3 "approval tpm.unseal"
cp "$work/seal" "$seal"
con_end
done_testing
