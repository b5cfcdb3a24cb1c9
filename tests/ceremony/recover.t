#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The TPM is lost: two of three custodians bring the appliance back on another
# one.  What they bring is checked share by share; the keys are those of
# before, the log is a new one that begins where the old one ended.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/change.sh"
CON_BIN=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
tools=$(cd "${CS_TEST_BIN:-$CON_BIN/../tests}" && pwd) || bail "no test tools"
PATH=$CON_BIN:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-recover.XXXXXX") || bail "no folder"
CON_DIR=$work/r
cleanup() {
	coldseal-rehearsal down "$CON_DIR" >/dev/null 2>&1
	coldseal-rehearsal down "$work/other" >/dev/null 2>&1
	rm -rf "$work"
}
trap cleanup EXIT
umask 077
for name in r other; do
	coldseal-rehearsal up "$work/$name" >"$work/up.log" 2>&1 ||
	    bail "no rehearsal: $(cat "$work/up.log")"
done
. "$CON_DIR/env"
state=$CON_DIR/state
origin=rehearsal.coldseal.example/log1
export TPM2TOOLS_TCTI=swtpm:path=$CON_DIR/tpm/sock

# --- what provisioning left -----------------------------------------------
nv() { # the authorisation of who asks
	tpm2_nvundefine -C o "$@" "$(tpm2_getcap handles-nv-index |
	    sed -n 's/^- //p' | head -n 1)"
}
run nv
like "without the owner's authorisation no index goes" "$tap_err" '0x9A2'
run nv -P wrong
like "nor with a wrong one" "$tap_err" '0x9A2'
run tpm2_getcap properties-variable
like "owner and lockout are set" "$(echo $tap_out)" \
    'ownerAuthSet: 1 .*lockoutAuthSet: 1'
is "nothing of it stays in the state" "$(ls "$state/sealed" |
    grep -c keep)" 0
is "a set for each domain, the audit token and the TPM" \
    "$(cd "$state/enrol/recovery" && echo *)" "audit release tpm"
for set in audit release tpm; do
	run coldseal share show "$state/enrol/recovery/$set/share-2.p7m" \
	    --manifest "$state/enrol/recovery/$set/shares.dsse" \
	    --record-key "$state/enrol/record.pem"
	like "$set: share 2 of 3" "$tap_out" '2 of 3; any 2 recover'
	like "$set: the list is signed" "$tap_out" 'signed by the record key'
done

# --- a signature, then the TPM is gone ------------------------------------
sign_one() { # VERSION ARTIFACT OUT: request 1 of a new log, or the next
	echo "$1" >"$2"
	rm -f "$work/req"
	coldseal request create --product router --version "$1" \
	    --key fw-p256 --format raw \
	    --requester-key "$COLDSEAL_REQUESTER" --out "$work/req" "$2" \
	    >/dev/null || bail "no request"
	coldseal media write "$COLDSEAL_IN" "$work/req" >/dev/null
	con_start "$CON_DIR" || bail "no console: $con_out"
	started=$con_out
	con intake
	con_approve 1 alice
	con_approve 1 bob
	con "sign 1"
	signed=$con_out
	con "export 1"
	con_end
	coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.RSP \
	    --out "$3" >/dev/null
	coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD \
	    --out "$3.audit" >/dev/null
}
check() { # RESPONSE ARTIFACT ENROL
	coldseal response verify "$1" --artifact "$2" --audit "$1.audit" \
	    --policy "$3/policy.dsse" --record-key "$3/record.pem" \
	    --log-key "$3/log.vkey"
}
verifies() { # NAME ARTIFACT RESPONSE
	exits "$1: coldseal verifies" 0 check "$3" "$2" "$state/enrol"
	rm -rf "$work/sig"
	coldseal response extract "$3" --out "$work/sig" >/dev/null
	ok "$1: openssl verifies, by the key of before" openssl dgst -sha256 \
	    -verify "$work/before.pem" -signature "$work/sig/$(basename "$2").sig" "$2"
}
cp "$state/enrol/keys/fw-p256.pem" "$work/before.pem"
sign_one 1 "$work/a" "$work/a.rsp"
like "signed before" "$signed" '1 signatures made'
verifies before "$work/a" "$work/a.rsp"
# the policy in force is not the one of the first leaf
next_policy "$work/v1.dsse" "$work/v2.json" '.name = "the second"'
sign_next "$work/v1.dsse" "$work/v2.json" "$work/v2.dsse" alice bob
change_file "$work/v2.req" policy.update --policy "$work/v2.dsse" \
    --current "$work/v1.dsse" --reason "to be recovered"
con_start "$CON_DIR" || bail "no console: $con_out"
put "$work/v2.req"
con_approve 2 alice
con_approve 2 bob
con "apply 2"
like "policy 2 is in force" "$con_out" 'policy version 2 is in force'
con_end
cp "$state/log/checkpoint" "$work/last"
cp -r "$state" "$work/old"

silent() { # the appliance without a person; its last words
	coldseal-rehearsal console "$CON_DIR" </dev/null 2>&1
}
recover() { # OPTION...
	coldseal-provision recover --state "$state" \
	    --image "$CON_DIR/image.json" --out "$work/session.pem" \
	    --in "$work/in" "$@"
}
silent >/dev/null
cp "$state/log/checkpoint" "$work/last"
refuses "its own TPM: nothing to recover" 1 PROVISION-SAME-TPM recover
coldseal-rehearsal down "$CON_DIR" >/dev/null
mv "$CON_DIR/tpm" "$work/lost"
mkdir "$CON_DIR/tpm"
like "another TPM: the appliance says so and does not start" "$(silent)" \
    'TPM-FOREIGN'

# --- what recover refuses before anybody is asked -------------------------
refuses "options are missing" 2 USAGE coldseal-provision recover \
    --state "$state"
refuses "custodians without a threshold" 2 USAGE recover \
    --custodian "$CON_DIR/custodians/olga/cert.pem"
jq -c '.signatures[0].sig |= "AAAA" + .[4:]' \
    "$work/old/enrol/recovery/release/shares.dsse" \
    >"$state/enrol/recovery/release/shares.dsse"
refuses "a list that the record key did not sign" 1 SHARE-MANIFEST-SIGNATURE \
    recover
cp "$work/other/state/enrol/recovery/release/shares.dsse" \
    "$state/enrol/recovery/release/"
refuses "another appliance's list" 1 SHARE-MANIFEST-SIGNATURE recover
cp "$work/old/enrol/recovery/audit/shares.dsse" \
    "$state/enrol/recovery/release/"
refuses "another domain's list" 1 RECOVER-DOMAIN recover
cp "$work/old/enrol/recovery/release/shares.dsse" \
    "$state/enrol/recovery/release/"
cp "$work/other/state/policy.dsse" "$state/"
refuses "a policy that the log does not pin" 1 POLICY-PIN recover
cp "$work/old/policy.dsse" "$state/"
mv "$state/log/tile/entries" "$work/entries"
refuses "a log with a hole" 1 LOG-MISSING recover
mv "$work/entries" "$state/log/tile/entries"
zero=$(printf '%064d' 0)
image() { # VERSION KEY: the rehearsal's image, signed anew
	rm -f "$work/image.json"
	coldseal image sign --version "$1" --pcr "7=$zero" --pcr "11=$zero" \
	    --pcr "12=$zero" --key "$2" --out "$work/image.json" >/dev/null
}
image 2 "$work/other/image.pem"
refuses "an image of another release key" 1 TPM-IMAGE \
    recover --image "$work/image.json"
like "nothing was changed: no folder beside" "$(echo "$CON_DIR"/state*)" \
    "^$state\$"

# --- custodians -----------------------------------------------------------
begin() { # OPTION...: waits until the session's certificate is out
	rm -rf "$work/session.pem" "$work/go" "$work/in"
	mkdir -p "$work/in/audit" "$work/in/release"
	mkfifo "$work/go"
	: >"$work/said"
	recover "$@" <"$work/go" >>"$work/said" 2>"$work/err" &
	pid=$!
	exec {go}>"$work/go"
	said_until 'then type go'
}
said_until() {
	file_says "$work/said" "$1" "$pid" && return
	kill -0 "$pid" 2>/dev/null || return
	bail "never said $1: $(cat "$work/said" "$work/err")"
}
end() { # ends the input; the status is in $status
	status=0
	exec {go}>&-
	wait "$pid" || status=$?
}
reseal() { # PERSON I SET [STATE]
	rm -f "$work/in/$3/share-$2.p7m"
	coldseal share reseal "${4-$state}/enrol/recovery/$3/share-$2.p7m" \
	    --key "${4-$CON_DIR}/custodians/$1/key.pem" \
	    --cert "${4-$CON_DIR}/custodians/$1/cert.pem" \
	    --to "$work/session.pem" --out "$work/in/$3/share-$2.p7m" \
	    >/dev/null || bail "reseal $*"
}
seals() { (cd "$state" && find . -type f | sort | xargs sha256sum); }
was=$(seals)

begin
digest=$(openssl x509 -in "$work/session.pem" -outform DER | sha256sum |
    cut -c 1-64)
like "the certificate's digest is shown" "$(cat "$work/said")" "$digest"
like "and the old log's size" "$(cat "$work/said")" \
    "old log +$(sed -n 2p "$work/last") leaves"
reseal olga 1 audit
reseal olga 1 release
echo go >&"$go"
said_until 'release: 1 of 2 shares'
like "one custodian: accepted" "$(cat "$work/said")" \
    'audit/share-1.p7m: accepted, 1 of 2'
end
is "one custodian is too few" "$status" 1
like "and that is said" "$(cat "$work/err")" 'RECOVER-FEW'
is "the old state is as it was" "$(seals)" "$was"

begin --custodian-threshold 2 \
    --custodian "$CON_DIR/custodians/olga/cert.pem" \
    --custodian "$CON_DIR/custodians/pavel/cert.pem" \
    --custodian "$CON_DIR/custodians/quinn/cert.pem"
reseal olga 1 audit
reseal olga 1 release
# of another appliance, of another domain, altered, for its custodian only
rm -f "$work/x"
coldseal share reseal "$work/other/state/enrol/recovery/release/share-2.p7m" \
    --key "$work/other/custodians/pavel/key.pem" \
    --cert "$work/other/custodians/pavel/cert.pem" \
    --to "$work/session.pem" --out "$work/in/release/share-2.p7m" >/dev/null
reseal quinn 3 release
cp "$work/in/release/share-3.p7m" "$work/in/audit/share-3.p7m"
printf '\377' | dd of="$work/in/release/share-3.p7m" bs=1 conv=notrunc \
    seek=$(($(stat -c %s "$work/in/release/share-3.p7m") - 3)) 2>/dev/null
cp "$state/enrol/recovery/audit/share-2.p7m" "$work/in/audit/"
echo go >&"$go"
said_until 'release: 1 of 2 shares'
like "a share of another appliance is named" "$(cat "$work/said")" \
    'release/share-2.p7m: RECOVER-SET'
like "an altered share is named" "$(cat "$work/said")" \
    'release/share-3.p7m: SHARE-KEY'
like "a share of another domain is named" "$(cat "$work/said")" \
    'audit/share-3.p7m: RECOVER-SET'
like "a share that was not encrypted again is named" "$(cat "$work/said")" \
    'audit/share-2.p7m: SHARE-KEY'
like "the good ones are taken all the same" "$(cat "$work/said")" \
    'release/share-1.p7m: accepted, 1 of 2'
cp "$work/in/release/share-1.p7m" "$work/in/release/share-2.p7m"
: >"$work/said"
echo go >&"$go"
said_until 'release: 1 of 2 shares'
like "a share is not counted twice" "$(cat "$work/said")" \
    'release/share-2.p7m: RECOVER-TWICE'
is "the old state is as it was" "$(seals)" "$was"
reseal quinn 3 audit
reseal quinn 3 release
echo go >&"$go"
said_until '^recovered'
end
is "two custodians recover" "$status" 0
[ "$status" = 0 ] || diag "$(cat "$work/said" "$work/err")"
is "the old state is kept" "$(cd "$state.before-r2" && find . -type f | sort |
    xargs sha256sum)" "$was"
run tpm2_getcap properties-variable
like "the new TPM's authorisations are set" "$(echo $tap_out)" \
    'ownerAuthSet: 1 .*lockoutAuthSet: 1'

for f in ak.pub ek.pub log.vkey; do
	ok "$f is the new TPM's" test -s "$state/enrol/$f" -a \
	    "$(sha256sum <"$state/enrol/$f")" != \
	    "$(sha256sum <"$state.before-r2/enrol/$f")"
done

# --- the appliance goes on ------------------------------------------------
sign_one 2 "$work/b" "$work/b.rsp"
like "it starts under its new name" "$started" "$origin/r2"
like "a quorum signs" "$signed" '1 signatures made'
verifies after "$work/b" "$work/b.rsp"
exits "the new log verifies" 0 coldseal audit verify "$work/b.rsp.audit" \
    --log-key "$COLDSEAL_LOG_KEY"
import() { # BUNDLE ENROL: into one auditor's database
	coldseal audit import "$1" --db "$3" --log-key "$2/log.vkey"
}
exits "an auditor has the old log" 0 import "$work/a.rsp.audit" \
    "$state.before-r2/enrol" "$work/db"
refuses "the new one is no fork of it, but another log" 1 AUDIT-OTHER-LOG \
    import "$work/b.rsp.audit" "$state/enrol" "$work/db"
exits "with a database of its own" 0 import "$work/b.rsp.audit" \
    "$state/enrol" "$work/db2"
is "its origin" "$(head -n 1 "$state/log/checkpoint")" "$origin/r2"
first_leaf() {
	tail -c +3 "$state/log/tile/entries/000.p/$(sed -n 2p \
	    "$state/log/checkpoint")" | head -n 1
}
leaf=$(first_leaf)
is "its first leaf has the old log's last checkpoint" \
    "$(printf %s "$leaf" | jq -r .data.recovered_from.checkpoint |
    base64 -d | sha256sum)" "$(sha256sum <"$work/last")"
is "by origin and size" "$(printf %s "$leaf" | jq -c \
    '[.data.appliance, .data.recovered_from.origin,
    .data.recovered_from.size]')" \
    "[\"$origin\",\"$origin\",$(sed -n 2p "$work/last")]"
cp -r "$state.before-r2/enrol" "$work/enrol"
cp "$work/v1.dsse" "$work/enrol/policy.dsse"
exits "an old response verifies with the old log's keys, and the policy of then" 0 \
    check "$work/a.rsp" "$work/a" "$work/enrol"
refuses "and not as one of the new log" 1 NOTE-KEY check "$work/a.rsp" "$work/a" \
    "$state/enrol"
run coldseal share show "$state/enrol/recovery/release/share-1.p7m" \
    --manifest "$state/enrol/recovery/release/shares.dsse" \
    --record-key "$state/enrol/record.pem"
like "new shares are of the new log" "$tap_out" "appliance +$origin/r2"
refuses "and there is nothing to recover" 1 PROVISION-SAME-TPM recover

# --- the same chip, cleared by the custodians ------------------------------
join_tpm() { # the set "tpm" of the state, joined: owner, then lockout
	mkfifo "$work/names"
	: >"$work/joiner"
	"$tools/mkshares" join "$state/enrol/recovery/tpm/shares.dsse" \
	    "$state/enrol/record.pem" tpm "$origin/r2" "$work/session.pem" \
	    <"$work/names" >"$work/joined" 2>"$work/joiner" &
	local joiner=$! fd
	exec {fd}>"$work/names"
	file_says "$work/joiner" '^session' "$joiner" || bail "no session"
	mkdir -p "$work/in/tpm"
	reseal olga 1 tpm
	reseal pavel 2 tpm
	printf '%s\n' "$work/in/tpm/share-1.p7m" "$work/in/tpm/share-2.p7m" >&"$fd"
	exec {fd}>&-
	wait "$joiner"
	tail -n 1 "$work/joined"
}
rm -f "$work/session.pem"
auth=$(join_tpm)
exits "the owner's authorisation is what was split" 0 tpm2_changeauth -c o \
    -p "${auth:0:32}" "${auth:0:32}"
exits "and so is the lockout's" 0 tpm2_clear -c l "${auth:32:32}"
like "a cleared TPM: the appliance says so" "$(silent)" 'TPM-CLEARED'
# a chip's counters never begin below what one of them ever was
image 1000 "$CON_DIR/image.pem"
mv "$work/image.json" "$CON_DIR/image.json"
begin --custodian-threshold 2 \
    --custodian "$CON_DIR/custodians/pavel/cert.pem" \
    --custodian "$CON_DIR/custodians/quinn/cert.pem"
for set in audit release; do
	reseal pavel 2 $set
	reseal olga 1 $set
done
# stopped when the new state is in its place, and before the last step
mkdir "$state.before-r3"
echo go >&"$go"
end
is "a run that is stopped at its end" "$status" 1
like "says where the old state is" "$(cat "$work/err")" \
    "the old state is in $state.before-r3\..*"
ok "it is there, whole" test -s "$state.before-r3".*/policy.dsse
run tpm2_getcap properties-variable
like "the authorisations were not set yet" "$(echo $tap_out)" \
    'ownerAuthSet: 0 .*lockoutAuthSet: 0'
ok "the same command goes on" recover
run tpm2_getcap properties-variable
like "now they are" "$(echo $tap_out)" 'ownerAuthSet: 1 .*lockoutAuthSet: 1'
refuses "and nothing is left to do" 1 PROVISION-SAME-TPM recover
like "the third log" "$(silent)" "$origin/r3"
is "begins after the second" "$(first_leaf |
    jq -r .data.recovered_from.origin)" "$origin/r2"
done_testing
