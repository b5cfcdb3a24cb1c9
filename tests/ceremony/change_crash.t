#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A policy update that is cut short: before the TPM's generation moved nothing
# has changed, after it the next start finishes; a key that was made is taken
# by the next try.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/change.sh"
con_work chcrash
con_rehearse
state=$CON_DIR/state
seals=$state/sealed

pid_of() { # NAME: a child of the supervisor
	local p
	for p in $(cat "/proc/$con_pid/task/$con_pid/children"); do
		if [ "$(cat "/proc/$p/comm")" = "$(printf '%.15s' "$1")" ]; then
			echo "$p"
			return
		fi
	done
}
gone() {
	con_until '^never$'
	wait "$con_pid" 2>/dev/null
}
seen() { # waits until COMMAND is true; the appliance is at work
	while ! "$@"; do
		kill -0 "$con_pid" || bail "the appliance ended: $con_out"
	done
}
kill_all() { # of this appliance, stopped or not
	local p
	p="$con_pid $(cat "/proc/$con_pid/task/$con_pid/children")"
	kill -9 $p 2>/dev/null
	gone
}
update() { # NUMBER OLD: the request of version NUMBER, approved
	next_policy "$work/v$2.dsse" "$work/v$1.json" ".name = \"version $1\""
	sign_next "$work/v$2.dsse" "$work/v$1.json" "$work/v$1.dsse" alice bob
	change_file "$work/v$1.req" policy.update --policy "$work/v$1.dsse" \
	    --current "$work/v$2.dsse" --reason "to be cut short"
	put "$work/v$1.req"
}
approve() {
	con_approve "$1" alice
	con_approve "$1" bob
	like "request $1 could be made" "$con_out" 'it can be made now'
}
works() { # WHAT: signing, under whatever policy is in force
	coldseal request create --product router --version "$1" \
	    --key fw-p256 --format raw \
	    --requester-key "$COLDSEAL_REQUESTER" --out "$work/s$1.req" \
	    "$work/a" >/dev/null
	put "$work/s$1.req"
	local n
	n=$(last_request)
	con_approve "$n" alice
	con_approve "$n" bob
	con "sign $n"
	like "$1: and it signs" "$con_out" '1 signatures made'
}

echo one >"$work/a"
con_start "$CON_DIR" || bail "no console"

# --- the signer is stopped with the first seal written ----------------------
update 2 1
approve 1
con_send "apply 1"
seen test -e "$seals/release.seal.new"
kill -STOP "$(pid_of coldseal-signer)"
kill_all
con_start "$CON_DIR" || bail "no start: $con_out"
if [ -e "$seals/release.seal.new" ]; then
	like "before the counter: nothing was changed" "$con_out" \
	    'request 1: .* cut short; nothing was changed'
	con status
	like "version 1 is in force" "$con_out" 'policy +version 1'
	works before
	approve 1
	con "apply 1"
	like "the same request is made after all" "$con_out" \
	    'policy version 2 is in force'
else
	# or all of it had been done, and logged
	con status
	like "the counter had moved: finished" "$con_out" \
	    'policy +version 2'
fi
ok "no new seal is left" test ! -e "$seals/release.seal.new"
works after

# --- the core is stopped until the signer has done all of it ----------------
update 3 2
n=$(last_request)
approve "$n"
inode=$(stat -c %i "$seals/audit.seal")
con_send "apply $n"
seen test -e "$seals/release.seal.new"
kill -STOP "$(pid_of coldseal-core)"
moved() { [ "$(stat -c %i "$seals/audit.seal" 2>/dev/null)" != "$inode" ] &&
    [ ! -e "$seals/audit.seal.new" ] && [ ! -e "$seals/release.seal.new" ]; }
seen moved
kill_all
con_start "$CON_DIR" || bail "no start: $con_out"
like "after the counter: the next start finishes it" "$con_out" \
    "request $n: the policy update was cut short and is finished now"
con status
like "version 3 is in force" "$con_out" 'policy +version 3'
ok "on disk too" cmp -s "$state/policy.dsse" "$work/v3.dsse"
con "export $n"
like "its record can be exported" "$con_out" 'safe to remove'
get_response "$work/3.rsp"
ok "and verifies" coldseal response verify --policy "$work/v2.dsse" \
    --log-key "$COLDSEAL_LOG_KEY" --record-key "$COLDSEAL_RECORD_KEY" \
    "$work/3.rsp"
works later

# --- seals that were written and not renamed --------------------------------
con_end
mv "$seals/release.seal" "$seals/release.seal.new"
con_start "$CON_DIR" || bail "no start: $con_out"
ok "the next start renames them" test -e "$seals/release.seal"
works renamed

# --- a key was made, and then the power went ---------------------------------
change_file "$work/key.req" key.generate --id fw-next --domain release \
    --algorithm ecdsa-p256-sha256 --reason "cut short"
put "$work/key.req"
n=$(last_request)
approve "$n"
objects() { find "$CON_DIR/hsm/tokens" -name '*.object' | wc -l; }
before=$(objects)
more() { [ "$(objects)" -gt "$((before + 1))" ]; }
con_send "apply $n"
seen more
kill -STOP "$(pid_of coldseal-core)"
kill_all
con_start "$CON_DIR" || bail "no start: $con_out"
like "it is closed as not made, or was logged before" "$con_out" \
    "request $n: .* cut short; nothing was changed|type help"
if [[ $con_out = *"nothing was changed"* ]]; then
	approve "$n"
	con "apply $n"
	like "the same request takes the key that is there" "$con_out" \
	    'the key fw-next is made'
fi
con_end
done_testing
