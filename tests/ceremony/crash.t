#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 of every process at every kind of console prompt, and in the middle
# of signing: the next start goes on with nothing lost.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
con_work crash
con_rehearse
state=$CON_DIR/state

request() { # OUT KEY ARTIFACT...
	local out=$1 key=$2
	shift 2
	coldseal request create --product router --version 1 --key "$key" \
	    --format raw --requester-key "$COLDSEAL_REQUESTER" \
	    --out "$out" "$@" >/dev/null
}
# The process of ours by name; the supervisor is the console script's process.
pid_of() { # NAME
	if [ "$1" = coldseald ]; then
		echo "$con_pid"
		return
	fi
	local p
	for p in $(cat "/proc/$con_pid/task/$con_pid/children"); do
		if [ "$(cat "/proc/$p/comm")" = "$(printf '%.15s' "$1")" ]; then
			echo "$p"
			return
		fi
	done
}
gone() { # waits for the appliance to end, without a word from us
	con_until '^never$'
	wait "$con_pid" 2>/dev/null
}
size_of_log() { sed -n 2p "$state/log/checkpoint"; }

echo one >"$work/a"
request "$work/a.req" fw-p256 "$work/a"
coldseal media write "$COLDSEAL_IN" "$work/a.req" >/dev/null
con_start "$CON_DIR" || bail "no console"
con intake || bail "no intake"
con_approve 1 alice

# --- at the command prompt -------------------------------------------------
for victim in coldseald coldseal-core coldseal-console; do
	size=$(size_of_log)
	kill -9 "$(pid_of $victim)"
	gone
	ok "$victim killed at the prompt: no leaf is lost" \
	    test "$(size_of_log)" -ge "$size"
	con_start "$CON_DIR" || bail "no start after $victim: $con_out"
	con "show 1"
	like "$victim: the next start has the approval" "$con_out" \
	    'approvals +1 of 2'
done

# --- at each question of an approval ---------------------------------------
# ask N: answers the first N questions of "approve 1 bob", stops at the next
stop_at() { # PROMPT-RE
	con_out=
	con_send "approve 1 bob"
	while con_until; do
		[[ $con_line =~ $1 ]] && return 0
		case $con_line in
		"-- Enter"*) con_send "" ;;
		type*) con_send APPROVE ;;
		*) return 1 ;;
		esac
	done
	return 1
}
for prompt in '^-- Enter' '^type APPROVE' '^PIN of'; do
	for victim in coldseald coldseal-core coldseal-console coldseal-token; do
		[ "$victim" = coldseal-token ] && [ "$prompt" != '^PIN of' ] &&
		    continue
		stop_at "$prompt" || bail "no prompt $prompt: $con_out"
		kill -9 "$(pid_of $victim)"
		if [ "$victim" = coldseal-token ]; then
			# the console goes on; the decision is refused
			con_out=
			con_send "$(cat "$CON_DIR/approvers/bob/pin")"
			con_until '^coldseal> $' || bail "ended"
			like "$victim at $prompt: told" "$con_out" 'IPC|CANCELLED'
		else
			gone
			con_start "$CON_DIR" || bail "no start: $con_out"
		fi
		con "show 1"
		like "$victim killed at $prompt: still one approval" \
		    "$con_out" 'approvals +1 of 2'
	done
done

# a software TPM that dies is an error in words; console starts it again
stop_tpm() { kill -9 "$(cat "$CON_DIR/tpm/pid")"; }
stop_tpm
con_approve 1 bob
like "no TPM: said in words" "$con_out" 'TPM-CONNECT'
con_end
con_start "$CON_DIR" || bail "no start after the TPM: $con_out"
like "approvals end with the TPM's power: said" "$con_out" \
    'request 1: the TPM was restarted; its approvals must be given again'
con "show 1"
like "the request is there, without approvals" "$con_out" \
    'approvals +0 of 2'
con_approve 1 alice
con_approve 1 bob
like "they are given again" "$con_out" '2 of 2'
con "show 1"
like "and it is shown how long they hold" "$con_out" \
    'they hold +until 20[-0-9]+T[0-9:]+Z, or until the power is off'

# --- a seal that does not open ---------------------------------------------
cp "$state/sealed/release.seal" "$work/seal"
len=$(stat -c %s "$work/seal")
byte=$(od -An -tu1 -j $((len - 60)) -N 1 "$work/seal")
printf "\\$(printf %03o $((byte ^ 255)))" |
    dd of="$state/sealed/release.seal" bs=1 seek=$((len - 60)) \
	conv=notrunc status=none
con "sign 1"
like "a damaged seal signs nothing" "$con_out" 'refused: TPM-'
con "log 3"
like "the intent has its outcome: failed" "$con_out" 'sign.outcome +TPM-.*failed|sign.outcome.*failed'
cp "$work/seal" "$state/sealed/release.seal"
con "sign 1"
like "a ceremony that began to sign is used up" "$con_out" \
    'refused: QUORUM-SHORT'

# --- in the middle of signing ----------------------------------------------
for i in $(seq 1 400); do
	echo "artifact $i" >"$work/n$i"
	echo "$work/n$i"
done >"$work/list"
coldseal request create --product router --version 2 --key fw-rsa \
    --format raw --requester-key "$COLDSEAL_REQUESTER" \
    --list "$work/list" --out "$work/n.req" >/dev/null || bail "no list"
coldseal media write "$COLDSEAL_IN" "$work/n.req" >/dev/null
con intake
for victim in coldseal-core coldseal-signer coldseald; do
	con_approve 2 alice
	con_approve 2 carol
	size=$(size_of_log)
	con_send "sign 2"
	# the intent is durable and under a checkpoint: now it is signing
	while [ "$(size_of_log)" = "$size" ]; do
		if read -t 0 -u "$con_fd" && [ "$(size_of_log)" = "$size" ]; then
			con_out=
			con_until '^coldseal> $'
			bail "$victim: refused before it signed: $con_out"
		fi
	done
	kill -9 "$(pid_of $victim)"
	if [ "$victim" = coldseal-signer ]; then
		con_out=
		con_until '^coldseal> $' || bail "ended"
		like "$victim killed while signing: told" "$con_out" 'IPC'
		# SoftHSM loses a token when its process dies in C_Login; at
		# a start the rehearsal mends that, here we do
		(cd "$CON_DIR/kept" && find hsm -name token.object) |
		    while read -r f; do
			    [ -s "$CON_DIR/$f" ] ||
				cp "$CON_DIR/kept/$f" "$CON_DIR/$f"
		    done
	else
		gone
		con_start "$CON_DIR" || bail "no start: $con_out"
		like "$victim killed while signing: closed" "$con_out" \
		    'request 2: the last ceremony was cut short'
	fi
	con "show 2"
	like "$victim: the request is pending, its session used up" \
	    "$con_out" 'approvals +0 of 2'
done
con_approve 2 carol
con_approve 2 alice
con "sign 2"
like "then all of it is signed" "$con_out" '400 signatures made'
con_approve 1 carol
con_approve 1 bob
con "sign 1"
like "and the first request" "$con_out" '1 signatures made'
con "export 2"
like "exported" "$con_out" 'safe to remove'
con_end
coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD \
    --out "$work/audit" >/dev/null
exits "the log verifies" 0 coldseal audit verify "$work/audit" \
    --log-key "$COLDSEAL_LOG_KEY"

# --- a software HSM that a kill left empty --------------------------------
for f in $(cd "$CON_DIR" && find hsm/tokens -name token.object); do
	: >"$CON_DIR/$f"
done
con_start "$CON_DIR" || bail "no start with an empty token: $con_out"
like "an emptied SoftHSM token is mended, and it is said" "$con_out" \
    "mended SoftHSM's"
con_end

# --- a log that is older than what was seen of it --------------------------
silent() { # the appliance without a person; its last words
	coldseal-rehearsal console "$CON_DIR" </dev/null >"$work/silent" 2>&1
	cat "$work/silent"
}
cp -r "$state" "$work/old"
con_start "$CON_DIR" || bail "no start"
con_end
cp -r "$state" "$work/now"
rm -rf "$state/log/tile"
cp -r "$work/old/log/tile" "$state/log/tile"
like "an old copy of the tiles does not start" "$(silent)" \
    'LEDGER-BEHIND|LOG-MISSING'
# the whole disk of yesterday fits itself; only the TPM knows better
rm -rf "$state"
cp -r "$work/old" "$state"
like "an old copy of the whole state does not start" "$(silent)" \
    'ANCHOR-BEHIND'
like "and it is called that" "$(cat "$work/silent")" 'is an old copy'
is "nor does it change anything" "$(cd "$state" && find . -type f |
    grep -v index.db | sort | xargs sha256sum)" "$(cd "$work/old" &&
    find . -type f | grep -v index.db | sort | xargs sha256sum)"
rm -rf "$state"
cp -r "$work/now" "$state"
cp "$state/policy.dsse" "$work/p"
printf 'x' >>"$state/policy.dsse"
like "a changed policy file does not start" "$(silent)" 'JSON|DSSE|POLICY'
cp "$work/p" "$state/policy.dsse"
like "and the right one does" "$(silent)" 'REHEARSAL'

# --- a crash between a checkpoint and the TPM's anchor ---------------------
# the last checkpoint is on the disk, and the TPM of before it is put back
silent >/dev/null
coldseal-rehearsal down "$CON_DIR" >/dev/null
cp -r "$CON_DIR/tpm" "$work/tpm"
con_start "$CON_DIR" || bail "no start"
kill -9 "$(pid_of coldseald)"
gone
ls "$state/log/checkpoints" | sort -n >"$work/with"
coldseal-rehearsal down "$CON_DIR" >/dev/null
one=$(tail -n 1 "$work/with")
like "one checkpoint more than the TPM saw: finished" "$(
	# the boot leaf's checkpoint is the only one that is new
	rm -rf "$CON_DIR/tpm"
	cp -r "$work/tpm" "$CON_DIR/tpm"
	silent
)" 'had not reached the TPM; that is finished now'
like "the checkpoint is still there" "$(ls "$state/log/checkpoints")" "$one"

# --- a TPM that is not the one it was --------------------------------------
coldseal-rehearsal down "$CON_DIR" >/dev/null
mv "$CON_DIR/tpm" "$work/mine"
mkdir "$CON_DIR/tpm"
like "another TPM: said so" "$(silent)" 'TPM-FOREIGN'
coldseal-rehearsal down "$CON_DIR" >/dev/null
rm -rf "$CON_DIR/tpm"
mv "$work/mine" "$CON_DIR/tpm"
like "its own TPM again" "$(silent)" 'REHEARSAL'
export TPM2TOOLS_TCTI=swtpm:path=$CON_DIR/tpm/sock
exits "without the escrowed authorisation nobody clears it" 3 tpm2_clear -c l
# as the firmware's setup does it
tpm2_clear -c p 2>"$work/clear" || bail "no clear: $(cat "$work/clear")"
like "a cleared TPM: said so" "$(silent)" 'TPM-CLEARED'
done_testing
