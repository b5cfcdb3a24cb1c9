#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A custodian's commands: the real coldseal, certificates by stock openssl; the
# appliance's part is done by tests/lib/mkshares with the appliance's library.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
tools=$(cd "${CS_TEST_BIN:-$bin/../tests}" && pwd) || bail "no test tools"
cs=$bin/coldseal
mk=$tools/mkshares
for p in "$cs" "$mk"; do
	[ -x "$p" ] || bail "no $p"
done
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-share.XXXXXX") || bail "no folder"
trap 'rm -rf "$work"' EXIT
cd "$work" || bail "no folder"
umask 077

domain=release
origin=test.example/log
pin=m3t0ps4kdz9q8w2x1c7v6b5n

# --- custodians ----------------------------------------------------------
person() { # name usage genpkey-options...
	local name=$1 usage=$2
	shift 2
	openssl genpkey -out "$name.pem" "$@" 2>/dev/null &&
	    openssl req -x509 -new -key "$name.pem" -subj "/CN=$name" \
	    -days 30 -addext "keyUsage=critical,$usage" -out "$name.crt" \
	    2>/dev/null || bail "openssl: $name"
}
p256="-algorithm EC -pkeyopt ec_paramgen_curve:P-256"
p384="-algorithm EC -pkeyopt ec_paramgen_curve:P-384"
person anna keyEncipherment -algorithm RSA -pkeyopt rsa_keygen_bits:3072
person ben keyAgreement $p256
person carl keyAgreement $p384
person dora keyAgreement $p256
person signer digitalSignature $p256
openssl genpkey $p256 -out record.pem 2>/dev/null
openssl pkey -in record.pem -pubout -out record.pub
openssl genpkey $p256 -out stranger.pem 2>/dev/null
openssl pkey -in stranger.pem -pubout -out stranger.pub

mkdir set other
split() { # folder
	echo "$pin" | "$mk" split "$1" "$domain" "$origin" 2 record.pem \
	    anna.crt ben.crt carl.crt
}
ok "split for RSA-3072, P-256 and P-384" split set
ok "another set of the same secret" split other
is "nobody wrote the secret down" "$(grep -rla "$pin" .)" ""

# --- show ----------------------------------------------------------------
run "$cs" share show set/share-2.p7m --manifest set/shares.dsse \
    --record-key record.pub
is "share show" "$tap_status" 0
like "which share" "$tap_out" '^share  *2 of 3; any 2 recover'
like "of which domain" "$tap_out" "^domain  *$domain\$"
like "of which appliance" "$tap_out" "^appliance  *$origin\$"
like "its list is signed" "$tap_out" '^list  *signed by the record key$'
run "$cs" share show set/share-1.p7m --manifest set/shares.dsse
like "without a key it says so" "$tap_out" '^list  *NOT VERIFIED'
run "$cs" share show set/share-1.p7m --manifest set/shares.dsse --json
is "the custodian's certificate" \
    "$(printf %s "$tap_out" | jq -r .certificate)" \
    "$(openssl x509 -in anna.crt -outform DER | sha256sum | cut -c 1-64)"
is "numbers as JSON" "$(printf %s "$tap_out" |
    jq -c '[.index, .count, .threshold, .verified]')" "[1,3,2,false]"
refuses "a share of another set" 1 SHARE-UNKNOWN "$cs" share show \
    other/share-1.p7m --manifest set/shares.dsse
refuses "a list by another key" 1 SHARE-MANIFEST-SIGNATURE "$cs" share show \
    set/share-1.p7m --manifest set/shares.dsse --record-key stranger.pub
jq -c '.signatures += [{"keyid":"","sig":"AAAA"}]' set/shares.dsse >two.dsse
refuses "a list with a foreign signature" 1 SHARE-MANIFEST-SIGNATURE "$cs" \
    share show set/share-1.p7m --manifest two.dsse --record-key record.pub
jq -c '.payload |= (@base64d | sub("\"threshold\":2"; "\"threshold\":3") |
    @base64)' set/shares.dsse >changed.dsse
refuses "a list that was changed" 1 SHARE-MANIFEST-SIGNATURE "$cs" share \
    show set/share-1.p7m --manifest changed.dsse --record-key record.pub
refuses "a share as its own list" 3 JSON-SYNTAX "$cs" share show \
    set/share-1.p7m --manifest set/share-1.p7m
is "jq reads the list" "$(jq -r '.payload | @base64d | fromjson |
    .subject[0].digest.sha256' set/shares.dsse)" \
    "$(sha256sum <set/share-1.p7m | cut -c 1-64)"

# --- stock openssl opens a share -----------------------------------------
i=0
for who in anna ben carl; do
	i=$((i + 1))
	ok "openssl cms -decrypt: $who" openssl cms -decrypt -inform DER \
	    -in set/share-$i.p7m -inkey $who.pem -recip $who.crt \
	    -out $who.record
	is "it is what the list says: $who" \
	    "$(sha256sum <$who.record | cut -c 1-64)" \
	    "$(jq -r ".payload | @base64d | fromjson |
	    .predicate.shares[$i - 1].record" set/shares.dsse)"
	rm -f $who.record
done
run openssl cms -cmsout -print -noout -inform DER -in set/share-1.p7m
like "RSA: OAEP" "$tap_out" 'rsaesOaep'
like "AES-256-GCM" "$tap_out" 'aes-256-gcm'
run openssl cms -cmsout -print -noout -inform DER -in set/share-2.p7m
like "ECDH: X9.63 KDF with SHA-256" "$tap_out" \
    'dhSinglePass-stdDH-sha256kdf-scheme'

# --- reseal, and a new appliance joins -----------------------------------
joiner() { # list: starts the appliance's end, waits for its certificate
	rm -f in appliance.der
	: >joiner
	mkfifo in
	"$mk" join "$1" record.pub "$domain" "$origin" appliance.der \
	    <in >joined 2>joiner &
	joiner_pid=$!
	exec 3>in
	file_says joiner '^session' "$joiner_pid" || bail "no session"
}
finish() { # ends it; its answers, on one line, are in $answers
	exec 3>&-
	wait "$joiner_pid" || bail "join"
	answers=$(tr '\n' ' ' <joined)
}
reseal() { # share person out [option ...]
	local share=$1 who=$2 out=$3
	shift 3
	"$cs" share reseal "$share" --key "$who.pem" --cert "$who.crt" \
	    --to appliance.der --out "$out" "$@"
}
joiner set/shares.dsse
digest=$(sha256sum <appliance.der | cut -c 1-64)
run reseal set/share-1.p7m anna r1
is "reseal, RSA" "$tap_status" 0
like "which share was opened" "$tap_out" '^share  *1 of 3; any 2 recover'
like "the words to compare" "$tap_out" 'Compare these words'
ok "reseal, P-384, with every check" reseal set/share-3.p7m carl r3 \
    --to-digest "$digest" --manifest set/shares.dsse --record-key record.pub
reseal other/share-2.p7m ben o2 >/dev/null
is "a resealed share is for its owner only" "$(stat -c %a r1)" 600
ok "to a certificate in PEM" "$cs" share reseal set/share-2.p7m \
    --key ben.pem --cert ben.crt --to dora.crt --out d2
exits "the next custodian opens it" 0 reseal d2 dora r2 \
    --manifest set/shares.dsse
cp r1 flipped
printf '\377' | dd of=flipped bs=1 seek=$(($(stat -c %s r1) - 3)) \
    conv=notrunc 2>/dev/null
head -c 100 r1 >short
printf '%s\n' o2 set/share-1.p7m d2 flipped short r1 r1 r3 r2 >&3
finish
is "the appliance takes each good share once" "$answers" \
    "RECOVER-SET SHARE-KEY SHARE-KEY SHARE-KEY SHARE-CMS 1 RECOVER-TWICE 3 2 $pin "

joiner set/shares.dsse
rm -f r1
reseal set/share-1.p7m anna r1 >/dev/null
printf '%s\n' r1 r3 >&3
finish
is "a share for an older session, and too few" "$answers" \
    "1 SHARE-KEY RECOVER-FEW "

# --- what reseal refuses -------------------------------------------------
openssl x509 -in dora.crt -outform DER -out appliance.der
refuses "what is there is not overwritten" 4 HOST-EXISTS reseal \
    set/share-1.p7m anna r1
refuses "another custodian's share" 1 SHARE-KEY reseal set/share-2.p7m anna x
refuses "a key that is not the certificate's" 1 SHARE-KEY "$cs" share reseal \
    set/share-2.p7m --key dora.pem --cert ben.crt --to dora.crt --out x
refuses "another appliance's certificate" 1 SHARE-TARGET reseal \
    set/share-1.p7m anna x --to-digest "$digest"
refuses "a malformed digest" 3 HEX reseal set/share-1.p7m anna x \
    --to-digest 1234
refuses "the list of another set" 1 RECOVER-SET reseal set/share-1.p7m \
    anna x --manifest other/shares.dsse
refuses "a list by another key" 1 SHARE-MANIFEST-SIGNATURE reseal \
    set/share-1.p7m anna x --manifest set/shares.dsse \
    --record-key stranger.pub
refuses "a record key without a list" 2 USAGE reseal set/share-1.p7m anna x \
    --record-key record.pub
refuses "a certificate for signatures" 3 SHARE-CERT "$cs" share reseal \
    set/share-2.p7m --key ben.pem --cert ben.crt --to signer.crt --out x
cat ben.crt dora.crt >both.crt
refuses "two certificates in one file" 3 SHARE-CERT "$cs" share reseal \
    set/share-2.p7m --key ben.pem --cert ben.crt --to both.crt --out x
chmod 644 anna.pem
refuses "a key that others can read" 1 HOST-SECRET-MODE reseal \
    set/share-1.p7m anna x
chmod 600 anna.pem
head -c 200 set/share-1.p7m >cut
refuses "a truncated share" 3 SHARE-CMS reseal cut anna x
cat set/share-1.p7m record.pub >more
refuses "bytes after a share" 3 TRAILING reseal more anna x
echo hello | openssl cms -encrypt -binary -outform DER -aes-256-cbc \
    -recip ben.crt -out cbc 2>/dev/null
refuses "another type of CMS" 3 SHARE-CMS reseal cbc ben x
echo hello | openssl cms -encrypt -binary -outform DER -aes-256-gcm \
    -recip ben.crt -out hello 2>/dev/null
refuses "another content" 3 SHARE-TYPE reseal hello ben x
ok "nothing was written" test ! -e x

# --- a private key under a pass phrase -----------------------------------
openssl pkcs8 -topk8 -in anna.pem -passout pass:geheim -out anna-enc.pem
chmod 600 anna-enc.pem
echo geheim >pass
echo falsch >wrong
sealed() { # pass phrase file
	"$cs" share reseal set/share-1.p7m --key anna-enc.pem --cert anna.crt \
	    --to dora.crt --out y --pin-file "$1"
}
refuses "a wrong pass phrase" 3 HOST-KEY sealed wrong
ok "the right pass phrase" sealed pass
is "the secret is in no file" "$(grep -rla "$pin" . | grep -v '^./joined$')" ""
done_testing
