#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Changes by ceremony: a policy update that seals every PIN again, a key that
# is made, used, retired and destroyed, the clock, a note; and what is refused.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/change.sh"
con_work change
con_rehearse --approvers 4
state=$CON_DIR/state
tests=${CS_TEST_BIN:-build/tests}

echo one >"$work/a"
request() { # OUT VERSION KEY
	coldseal request create --product router --version "$2" --key "$3" \
	    --format raw --requester-key "$COLDSEAL_REQUESTER" \
	    --out "$1" "$work/a" >/dev/null
}
sign() { # N NAME...
	local n=$1
	shift
	for p in "$@"; do
		con_approve "$n" "$p"
	done
	con "sign $n"
}
verify() { # POLICY BUNDLE
	coldseal response verify --policy "$work/$1.dsse" \
	    --log-key "$COLDSEAL_LOG_KEY" --record-key "$COLDSEAL_RECORD_KEY" \
	    "$2" 2>&1
}
con_start "$CON_DIR" || bail "no console"
request "$work/1.req" 1 fw-p256
put "$work/1.req"
con_approve 1 alice
con_approve 1 bob
con "apply 1"
like "what asks for signatures is not applied" "$con_out" 'sign, for signatures'
con "sign 1"
like "v1: two sign" "$con_out" '1 signatures made'
# one that waits, with an approval
request "$work/2.req" 2 fw-p256
put "$work/2.req"
con_approve 2 dave

# --- policy update: dave leaves, and three must approve -------------------
next_policy "$work/v1.dsse" "$work/v2.json" '
    .rules[0].approvals.threshold = 3 |
    .review_by = (now + 9 * 31557600 | todate) |
    (.principals[] | select(.id == "dave")).roles = ["requester"]'
sign_next "$work/v1.dsse" "$work/v2.json" "$work/v2.dsse" alice bob
change_file "$work/v2.req" policy.update --policy "$work/v2.dsse" \
    --current "$work/v1.dsse" --reason "dave has left"
put "$work/v2.req"
like "the change is taken in" "$con_out" \
    'accepted as request 3: policy.update, 2 administrators must approve'
con "show 3"
like "it is shown in words: who can no longer approve" "$con_out" \
    'dave.*(no longer|may not)'
like "it is shown in words: the threshold" "$con_out" '3'
like "it is shown in words: the access review is done, the next one is due" \
    "$con_out" 'review'
like "and why" "$con_out" 'because +dave has left'
con "apply 3"
like "nobody has approved" "$con_out" 'QUORUM'
con_approve 3 alice
like "one administrator is not enough" "$con_out" 'approved by alice: 1 of 2'
con "apply 3"
like "and nothing is made" "$con_out" 'QUORUM'
cp "$state/sealed/release.seal" "$work/v1.seal"
con_approve 3 bob
like "two are" "$con_out" 'it can be made now: apply 3'
con "sign 3"
like "a change is not signed" "$con_out" 'apply, for a change'
con "apply 3"
like "the new policy is in force" "$con_out" 'policy version 2 is in force'
con "status"
like "and shown" "$con_out" 'policy +version 2'
con "list"
like "what waited has lapsed" "$con_out" '2  lapsed'
like "the change is made" "$con_out" '3  made'
con "approve 2 alice"
like "nobody can approve it" "$con_out" 'STATE'
ok "the copy on disk is the new one" cmp -s "$state/policy.dsse" "$work/v2.dsse"
con "who-can-sign"
like "three can sign now" "$con_out" 'alice'
unlike "dave cannot" "$con_out" 'dave'
con "export 3"
like "its record leaves" "$con_out" 'safe to remove'
get_response "$work/3.rsp"
like "and verifies" "$(verify v1 "$work/3.rsp")" 'policy.update'

# the same request again, under the new policy
put "$work/2.req"
like "what lapsed can be taken in again" "$con_out" \
    'accepted as request 4: .* wants 3 approvals'
sign 4 alice bob
like "two are too few now" "$con_out" 'QUORUM'
con_approve 4 dave
like "dave may not" "$con_out" 'APPROVAL-ROLE'
con_approve 4 carol
con "sign 4"
like "three sign" "$con_out" '1 signatures made'

# the chip itself wants three
con_end
out=$("$tests/askchip" "$state" release 2 2>&1)
like "the chip refuses two" "$out" 'no PIN'
out=$("$tests/askchip" "$state" release 3 2>&1)
like "the chip accepts three" "$out" 'the PIN came out'
# an old seal, and the policy it was sealed under
cp "$state/sealed/release.seal" "$work/v2.seal"
cp "$work/v1.seal" "$state/sealed/release.seal"
con_start "$CON_DIR" || bail "no start with an old seal: $con_out"
request "$work/5.req" 5 fw-p256
put "$work/5.req"
con_approve 5 alice
con_approve 5 bob
con_approve 5 carol
like "an old seal is refused" "$con_out" 'SIGNER-POLICY|TPM-GENERATION'
con_end
cp "$work/v2.seal" "$state/sealed/release.seal"
cp "$work/v1.dsse" "$state/policy.dsse"
con_start "$CON_DIR" || bail "no start: $con_out"
con "status"
like "an old copy of the policy is put right" "$con_out" 'policy +version 2'
ok "on disk too" cmp -s "$state/policy.dsse" "$work/v2.dsse"

con_end
cp "$state/policy.dsse" "$work/kept"
payload "$work/v1.dsse" | jq -cSj '.predicate.name = "another"' >"$work/p"
jq -c --arg p "$(base64 -w0 <"$work/p")" '.payload = $p' "$work/v1.dsse" \
    >"$state/policy.dsse"
coldseal-rehearsal console "$CON_DIR" </dev/null >"$work/silent" 2>&1
like "a copy that is neither is refused" "$(cat "$work/silent")" 'POLICY-PIN'
cp "$work/kept" "$state/policy.dsse"
con_start "$CON_DIR" || bail "no start: $con_out"

# --- refused updates --------------------------------------------------------
update() { # NAME: what intake says of $work/NAME.dsse
	change_forge "$work/$1.req" "$work/v2.req" "$work/$1.dsse"
	put "$work/$1.req"
}
next_policy "$work/v1.dsse" "$work/fork.json" '.name = "fork"'
sign_next "$work/v1.dsse" "$work/fork.json" "$work/fork.dsse" alice bob
update fork
like "a fork is refused" "$con_out" 'CHANGE-(VERSION|FORK)'
next_policy "$work/v2.dsse" "$work/skip.json" '.name = "never in force"'
sign_next "$work/v2.dsse" "$work/skip.json" "$work/skip.dsse" alice bob
next_policy "$work/skip.dsse" "$work/jump.json" '.name = "jump"'
sign_next "$work/skip.dsse" "$work/jump.json" "$work/jump.dsse" alice bob
update jump
like "a jump is refused" "$con_out" 'CHANGE-VERSION'
next_policy "$work/v2.dsse" "$work/few.json" '.name = "one signature"'
sign_next "$work/v2.dsse" "$work/few.json" "$work/few.dsse" alice
update few
like "too few signatures are refused" "$con_out" 'CHANGE-QUORUM'
con export
like "with a signed refusal" "$con_out" 'safe to remove'
change_file "$work/plain.req" exception.note --reason "with a file"
forge_open "$work/plain.req"
mkdir "$forge/artifacts"
cp "$work/a" "$forge/artifacts/$(sha256sum "$work/a" | cut -c1-64)"
forge_pack "$work/extra.req"
put "$work/extra.req"
like "a change brings no artifacts" "$con_out" 'ARTIFACT-EXTRA'
openssl genpkey -algorithm ed25519 -out "$work/ed.pem"
next_policy "$work/v2.dsse" "$work/chip.json" '
    (.principals[] | select(.id == "alice")).keys += [{public_key: $ed}]' \
    --arg ed "$(openssl pkey -in "$work/ed.pem" -pubout -outform DER |
    base64 -w 0)"
sign_next "$work/v2.dsse" "$work/chip.json" "$work/chip.dsse" alice bob
update chip
like "a quorum that no chip can count is refused" "$con_out" 'QUORUM-KEY'

# --- a key: made, put into the policy, used, retired, destroyed -------------
change_file "$work/key.req" key.generate --id fw-next --domain release \
    --algorithm ecdsa-p256-sha256 --reason "fw-p256 ends next year"
put "$work/key.req"
n=$(last_request)
for p in alice bob carol; do con_approve "$n" "$p"; done
like "administrators, and the chip's quorum" "$con_out" 'it can be made now'
con "apply $n"
like "the key is made" "$con_out" 'the key fw-next is made'
con "export $n"
get_response "$work/key.rsp"
mkdir "$work/key"
entry=$(verify v2 "$work/key.rsp" | grep '^{')
like "its public part comes out" "$entry" '"id":"fw-next"'
ok "and is extracted" coldseal response extract --out "$work/key" \
    "$work/key.rsp"
ok "the certification request verifies" openssl req -in \
    "$work/key/fw-next.csr" -noout -verify
next_policy "$work/v2.dsse" "$work/v3.json" '
    .keys += [$entry + {products: ["router"], formats: ["raw"],
        state: "active", valid_from: .keys[0].valid_from,
        valid_until: .keys[0].valid_until}] |
    .rules[0].keys += ["fw-next"] |
    (.keys[] | select(.id == "fw-p256")).state = "retired"' \
    --argjson entry "$entry"
sign_next "$work/v2.dsse" "$work/v3.json" "$work/v3.dsse" alice carol
change_file "$work/v3.req" policy.update --policy "$work/v3.dsse" \
    --current "$work/v2.dsse" --reason "fw-next takes over"
put "$work/v3.req"
n=$(last_request)
for p in alice bob carol; do con_approve "$n" "$p"; done
con "apply $n"
like "version 3 is in force" "$con_out" 'policy version 3 is in force'
request "$work/6.req" 6 fw-next
put "$work/6.req"
sign "$(last_request)" alice bob carol
like "the new key signs" "$con_out" '1 signatures made'
request "$work/7.req" 7 fw-p256
put "$work/7.req"
like "the old one does not" "$con_out" 'KEY-STATE'
change_file "$work/8.req" key.destroy --id fw-next --reason "too early"
put "$work/8.req"
like "an active key is not destroyed" "$con_out" 'CHANGE-KEY-STATE'
change_file "$work/9.req" key.destroy --id fw-p256 --reason "its time is over"
put "$work/9.req"
n=$(last_request)
for p in alice bob carol; do con_approve "$n" "$p"; done
con "apply $n"
like "a retired one is" "$con_out" 'the key fw-p256 is destroyed'

# --- clock and note: administrators alone, no PIN ---------------------------
change_file "$work/clock.req" clock.set --seconds 7200 \
    --reason "the battery was empty"
put "$work/clock.req"
n=$(last_request)
con "show $n"
like "both times are shown" "$con_out" 'would be'
con_approve "$n" alice
con_approve "$n" bob
con "apply $n"
like "the clock is set" "$con_out" 'the clock is set by \+7200 s'
con "status"
clock=$(sed -n 's/.*clock  *\([^,]*\), last.*/\1/p' <<<"$con_out")
ahead=$(($(date -d "$clock" +%s) - $(date +%s)))
ok "it is two hours ahead" test "$ahead" -gt 7100 -a "$ahead" -lt 7300
con_end
con_start "$CON_DIR" || bail "no start after the clock: $con_out"
con "status"
unlike "it stays so after a restart" "$con_out" 'THE CLOCK IS WRONG'
change_file "$work/back.req" clock.set --seconds -7200 \
    --reason "it was right before"
put "$work/back.req"
n=$(last_request)
con_approve "$n" alice
con_approve "$n" bob
con "apply $n"
like "and back" "$con_out" 'the clock is set by -7200 s'
con "status"
unlike "which is no clock fault" "$con_out" 'THE CLOCK IS WRONG'
change_file "$work/note.req" exception.note \
    --reason "the seal of the safe was broken by the fire brigade"
put "$work/note.req"
n=$(last_request)
con_approve "$n" bob
con_approve "$n" carol
con "apply $n"
like "an exception is noted" "$con_out" 'the exception is logged'
con_end

# --- the log says all of it, and the index comes from it --------------------
before=$(sqlite3 "$state/index.db" 'SELECT * FROM head; SELECT n, state,
    response FROM request')
"$CON_BIN/coldseal-core" --rebuild "$state" >/dev/null
ok "the index is built again" test "$before" = "$(sqlite3 \
    "$state/index.db" 'SELECT * FROM head; SELECT n, state, response
    FROM request')"
done_testing
