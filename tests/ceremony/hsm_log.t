#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An HSM's own log, drained into ours: what adds up, and what does not.  The
# keys are SoftHSM's; its log is kept by tests/lib/fake_yubihsm.c, which can be
# told to lie.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/leaves.sh"
con_work hsmlog
con_rehearse
state=$CON_DIR/state
fake=$(cd "${CS_TEST_BIN:-$CON_BIN/../tests}" && pwd)/fake_yubihsm.so
[ -e "$fake" ] || bail "no $fake"
device=$work/device
cp "$state/site.json" "$work/site.json"
site() { # JQ
	jq -c --arg lib "$fake" --arg dev "$device" "$1" "$work/site.json" \
	    >"$state/site.json"
}
site '. + {token_logs: [{domain: "release", library: $lib, connector: $dev}]}'

is_now() { # NAME: a number of the device
	sed -n "s/^$1 //p" "$device"
}
tell() { # NAME VALUE ...: what the device is to do next
	while [ $# -gt 0 ]; do
		sed -i "/^$1 /d" "$device"
		echo "$1 $2" >>"$device"
		shift 2
	done
}
n=0
request() { # ARTIFACT...: taken in, and approved
	n=$((n + 1))
	coldseal request create --product router --version "$n" --key fw-p256 \
	    --format raw --requester-key "$COLDSEAL_REQUESTER" \
	    --out "$work/$n.req" "$@" >/dev/null || bail "no request"
	coldseal media write "$COLDSEAL_IN" "$work/$n.req" >/dev/null
	con intake || bail "no intake: $con_out"
	con_approve "$n" alice
	con_approve "$n" bob
}
echo one >"$work/a"
echo two >"$work/b"

# --- it adds up ---------------------------------------------------------------
echo "total 62" >"$device"
con_start "$CON_DIR" || bail "no console: $con_out"
like "room, at the start" "$con_out" 'HSM log +release: 62 of 62 entries free'
tell signs 2 key 258
request "$work/a" "$work/b"
con "sign $n"
like "signed" "$con_out" '2 signatures made, verified and logged'
is "and nothing to say" "$(grep -c 'ADD UP' <<<"$con_out")" 0
is "its log is between signatures and outcome" "$(events 6)" \
    "sign.intent tpm.unseal signature signature hsm.log sign.outcome"
is "what it says" "$(of hsm.log '.data | "\(.domain) \(.asked) \(.used)" +
    " \(.first) \(.last) \(.entries | length) \(.check)"')" \
    "release 2 2 1 4 4 null"
is "the request" "$(of hsm.log .data.request_sha256)" \
    "$(of sign.intent .data.request_sha256)"
is "a login, and who" "$(of hsm.log '.data.entries[0][4:6]')" 03
is "its digest is the last entry's" "$(of hsm.log .data.digest)" \
    "$(of hsm.log '.data.entries[-1][32:]')"
is "the HSM may forget them" "$(is_now index)" 4
con status
like "and has room again" "$con_out" 'HSM log +release: 61 of 62 entries free'
cp "$device" "$work/forgot"

# --- a kill before it could forget: it all comes again --------------------------
{
	sed '/^e /d' "$work/forgot"
	of hsm.log '.data.entries[] | "e " + .'
	sed -n '/^e /p' "$work/forgot"
} >"$device"
tell signs 1
request "$work/a"
con "sign $n"
is "only what is new is logged" "$(of hsm.log '.data |
    "\(.used) \(.first) \(.last) \(.check)"')" "1 5 8 null"
is "forgotten now" "$(is_now index)" 8
con_end

# --- the index is built again from the log ---------------------------------------
coldseal-core --rebuild "$state" >/dev/null || bail "no rebuild"
con_start "$CON_DIR" || bail "no console: $con_out"
tell signs 1
request "$work/a"
con "sign $n"
is "after a rebuild it goes on" "$(of hsm.log '.data |
    "\(.used) \(.first) \(.check)"')" "1 9 null"

# --- it does not ---------------------------------------------------------------------
finds() { # NAME CHECK FOUND [TELL ...]
	tell signs 1 "${@:4}"
	request "$work/a"
	con "sign $n"
	like "$1: signed" "$con_out" '1 signatures made'
	like "$1: said loudly" "$con_out" \
	    "(THE HSM'S LOG DOES NOT ADD UP|refused: $2)"
	like "$1: by its check" "$con_out" "$2"
	is "$1: in the log" "$(of hsm.log .data.check)" "$2"
	like "$1: what was found" "$(of hsm.log .data.found)" "$3"
}
finds "used behind our back" HSM-LOG-FOREIGN \
    '^3, 0 of them of other keys, where 1' foreign 2
finds "not used as asked" HSM-LOG-MISSING '^0 where 1' signs 0
finds "an altered entry" HSM-LOG-CHAIN 'in entry' spoil 1
finds "and what follows it" HSM-LOG-CHAIN 'in entry'
finds "entries that are missing" HSM-LOG-GAP 'after' skip 7 foreign 1
is "every check is named" "$(of hsm.log '.data.checks // [] | join(" ")')" \
    "HSM-LOG-GAP HSM-LOG-FOREIGN"
finds "it left out starts" HSM-LOG-UNLOGGED '2 starts' boots 2
tell boots 0
finds "it cannot be read" HSM-LOG-READ 'log entries: -20' refuse -20
is "no entries" "$(of hsm.log '.data.entries | length')" 0
tell refuse 0
# what was not read then comes now, with this ceremony's
finds "it is read again" HSM-LOG-FOREIGN '^2, 0 of them' signs 2

# --- a ceremony that fails is drained too ---------------------------------------------
tell signs 0
request "$work/a"
token=$(dirname "$(grep -la coldseal-release "$CON_DIR"/hsm/tokens/*/token.object)")
mkdir "$work/keys"
for f in "$token"/*.object; do
	case $f in */token.object) ;; *) mv "$f" "$work/keys" ;; esac
done
con "sign $n"
like "no key" "$con_out" 'refused: HSM-'
is "its log is in the outcome's batch" "$(events 4)" \
    "sign.intent tpm.unseal hsm.log sign.outcome"
is "nothing was asked for" "$(of hsm.log '.data | "\(.asked) \(.used) \(.check)"')" \
    "0 0 null"
is "and it is released" "$(is_now index)" "$(of hsm.log .data.last)"
mv "$work"/keys/*.object "$token"

# --- no room ----------------------------------------------------------------------------
tell total 9
request "$work/a" "$work/b"
like "a full log: before a PIN is spent" "$con_out" 'HSM-LOG-FULL'
con "sign $n"
like "and at sign" "$con_out" 'refused: HSM-LOG-FULL'
is "no ceremony" "$(events 1)" approval
con_end

# --- the site file -----------------------------------------------------------------------
starts_not() { # NAME JQ CHECK
	site "$2"
	coldseal-rehearsal console "$CON_DIR" </dev/null >"$work/out" 2>&1
	like "$1" "$(cat "$work/out")" "$3"
}
starts_not "no library" '. + {token_logs: [{domain: "release",
    library: "/none.so", connector: $dev}]}' HSM-LOG-LIBRARY
starts_not "a domain twice" '. + {token_logs: [{domain: "release",
    library: $lib, connector: $dev}, {domain: "release", library: $lib,
    connector: $dev}]}' 'JSON-FIELD'
starts_not "half an entry" '. + {token_logs: [{domain: "release"}]}' JSON-
starts_not "five of them" '. + {token_logs: [range(5) | {domain: "d\(.)",
    library: $lib, connector: $dev}]}' TOO-LARGE
cp "$work/site.json" "$state/site.json"
con_start "$CON_DIR" || bail "no console: $con_out"
is "none is named: nothing is said" "$(grep -c 'HSM log' <<<"$con_out")" 0
con_end

# --- the auditor ---------------------------------------------------------------------------
con_start "$CON_DIR" || bail "no console: $con_out"
con export
con_end
coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD --out "$work/aud" \
    >/dev/null || bail "no audit bundle"
coldseal audit import "$work/aud" --db "$work/a.db" \
    --log-key "$COLDSEAL_LOG_KEY" >/dev/null || bail "no import"
is "each drain is a row" "$(sqlite3 "$work/a.db" \
    'SELECT count(*) FROM v_token_logs')" "$(leaves | grep -c '"hsm.log"')"
is "the findings" "$(sqlite3 "$work/a.db" 'SELECT count(*) FROM v_token_logs
    WHERE check_id IS NOT NULL')" 8
coldseal audit report --db "$work/a.db" --out "$work/r.html" >/dev/null
like "in the report, as serious" "$(tr '\n' ' ' <"$work/r.html")" \
    'serious</span> <b>Logs of an HSM that do not add up</b>: 8'
run coldseal audit log --db "$work/a.db" --type hsm.log --limit 1
like "in the list" "$tap_out" 'hsm.log .*domain=release asked=0 used=0 first='
run coldseal audit trace --db "$work/a.db" "$work/b"
like "in a trace: the PIN" "$tap_out" '^PIN +released by the TPM for 2 approvers'
like "in a trace: the HSM's log" "$tap_out" \
    "^HSM's log +2 uses of keys, 2 asked for, entries 1 to 4, leaf [0-9]+"
done_testing
