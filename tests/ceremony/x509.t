#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Certificates and revocation lists through real ceremonies, read by openssl
# and certtool: leaf, intermediate, cross, list, and the way from a new key
# over its certificate to a signature that a root alone verifies.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/change.sh"
con_work x509
con_rehearse --key ca-p384,release,ecdsa-p384-sha384,x509 \
    --key ca-rsa,release,rsa3072-pkcs1-sha256,x509 \
    --key ca-pss,release,rsa3072-pss-sha256,x509
cd "$work" || bail "no folder"
n=0
# KEY FORMAT ARTIFACT: its file is then in $work/KEY.d
ceremony() {
	local key=$1
	n=$((n + 1))
	coldseal request create --product router --version 1 --key "$key" \
	    --format "$2" --requester-key "$COLDSEAL_REQUESTER" \
	    --out "$key.req" "$3" >/dev/null || bail "no request"
	put "$key.req"
	like "$key signs $3: taken in" "$con_out" "accepted as request $n:"
	con_approve $n alice
	shown=$con_out
	con_approve $n bob
	con "sign $n"
	like "$key signs $3: signed" "$con_out" '1 signatures made, verified'
	con "export $n"
	get_response "$key.rsp"
	exits "$key signs $3: the response verifies" 0 coldseal response \
	    verify "$key.rsp" --policy "${policy:-$COLDSEAL_POLICY}" \
	    --record-key "$COLDSEAL_RECORD_KEY" \
	    --log-key "$COLDSEAL_LOG_KEY" --artifact "$3"
	rm -rf "$key.d"
	coldseal response extract "$key.rsp" --out "$key.d" >/dev/null ||
	    bail "nothing extracted for $key"
}
csr() { # NAME [OPENSSL-OPTIONS]: NAME.csr, NAME.key
	local name=$1
	shift
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$name.key" -out "$name.csr" \
	    -subj "/O=Example/CN=$name" "$@" 2>/dev/null ||
	    bail "no request of $name"
}
con_start "$CON_DIR" || bail "no console: $con_out"
for ca in ca-p384 ca-rsa ca-pss; do
	coldseal policy public-key --policy "$COLDSEAL_POLICY" $ca >$ca.pem
	exits "$ca: provisioning made a root" 0 openssl verify -x509_strict \
	    -CAfile $ca.pem $ca.pem
done

# --- leaves ------------------------------------------------------------------
csr build
# certificates are good from after their issuer's, and now
for ca in ca-p384 ca-rsa ca-pss; do
	coldseal certificate request --csr build.csr --profile code-signing \
	    --days 365 --out "build-$ca.wish" || bail "no wish"
	ceremony $ca x509 "build-$ca.wish"
	crt=build-$ca.pem
	cp "$ca.d/build-$ca.wish.pem" $crt
	like "$ca: approvers see the subject" "$shown" \
	    'subject +CN=build,O=Example'
	like "$ca: and the serial" "$shown" 'serial +[4-7][0-9a-f]{39}'
	exits "$ca: openssl verifies it, strictly" 0 openssl verify \
	    -x509_strict -CAfile $ca.pem "$crt"
	text=$(openssl x509 -in "$crt" -noout -text)
	like "$ca: no CA" "$text" 'CA:FALSE'
	like "$ca: for code" "$text" 'Code Signing'
	is "$ca: the serial is that of the wish" "$(openssl x509 -in "$crt" \
	    -noout -serial | cut -d= -f2 | cut -c3- | tr A-F a-f)" \
	    "$(sha256sum "build-$ca.wish" | cut -c3-40)"
	is "$ca: the key is the request's" \
	    "$(openssl x509 -in "$crt" -noout -pubkey)" \
	    "$(openssl req -in build.csr -noout -pubkey)"
	like "$ca: certtool verifies it" "$(certtool --verify \
	    --load-ca-certificate $ca.pem --infile "$crt" 2>&1)" 'Verified'
	run openssl verify -CAfile build.csr "$crt"
	ok "$ca: and nobody without the root" [ "$tap_status" != 0 ]
done

# --- a chain -----------------------------------------------------------------
csr sub
csr other
coldseal certificate request --csr sub.csr --profile intermediate \
    --days 300 --path-length 0 --out sub.wish || bail "no wish"
ceremony ca-p384 x509 sub.wish
cp ca-p384.d/sub.wish.pem sub.pem
like "approvers see how long the path may be" "$shown" 'at most 0 CAs below'
printf 'basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n' >ext
openssl x509 -req -in build.csr -CA sub.pem -CAkey sub.key -days 30 \
    -extfile ext -out below.pem 2>/dev/null || bail "no leaf"
exits "what the intermediate issues verifies to the root" 0 openssl verify \
    -x509_strict -CAfile ca-p384.pem -untrusted sub.pem below.pem
like "certtool says so too" "$(cat below.pem sub.pem ca-p384.pem |
    certtool --verify-chain 2>&1)" 'Chain verification output: Verified'
openssl x509 -req -in other.csr -CA sub.pem -CAkey sub.key -days 30 \
    -extfile <(printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n') \
    -out toolong.pem 2>/dev/null || bail "no CA"
openssl x509 -req -in build.csr -CA toolong.pem -CAkey other.key -days 30 \
    -extfile ext -out deep.pem 2>/dev/null || bail "no leaf"
run openssl verify -CAfile ca-p384.pem -untrusted <(cat sub.pem toolong.pem) \
    deep.pem
like "a path that is too long does not" "$tap_out$tap_err" 'path length'

# a cross-certificate: another CA's leaves under our root
coldseal certificate request --csr other.csr --profile cross --days 300 \
    --path-length 1 --out cross.wish || bail "no wish"
ceremony ca-rsa x509 cross.wish
cp ca-rsa.d/cross.wish.pem cross.pem
openssl req -x509 -key other.key -subj "/O=Example/CN=other" -days 300 \
    -out other.pem 2>/dev/null
openssl x509 -req -in build.csr -CA other.pem -CAkey other.key -days 30 \
    -extfile <(printf 'subjectKeyIdentifier=hash\n') -out theirs.pem \
    2>/dev/null || bail "no leaf"
exits "another CA's leaf verifies by the cross-certificate" 0 openssl verify \
    -CAfile ca-rsa.pem -untrusted cross.pem theirs.pem

# --- a list ------------------------------------------------------------------
serial=$(openssl x509 -in build-ca-rsa.pem -noout -serial)
for ca in ca-p384 ca-rsa ca-pss; do
	coldseal certificate crl --number 7 --days 30 \
	    --revoke "${serial#serial=},keyCompromise,$(date -u \
	    +%Y-%m-%dT%H:%M:%SZ)" \
	    --revoke 0AF1,superseded,2026-01-02T03:04:05Z \
	    --out list-$ca.wish || bail "no list"
	ceremony $ca x509 list-$ca.wish
	crl=$ca.d/list-$ca.wish.pem
	like "$ca: approvers see what is revoked" "$shown" \
	    'revokes +0af1 2026-01-02T03:04:05Z superseded'
	like "$ca: openssl crl verifies it" "$(openssl crl -in $crl \
	    -CAfile $ca.pem -noout 2>&1)" 'verify OK'
	text=$(openssl crl -in $crl -noout -text)
	like "$ca: its number" "$text" 'CRL Number'
	like "$ca: two are revoked" "$(grep -c 'Serial Number' <<<"$text")" 2
	like "$ca: the reason" "$text" 'Key Compromise'
	like "$ca: certtool verifies it" "$(certtool --verify-crl \
	    --load-ca-certificate $ca.pem --infile $crl 2>&1)" 'Verified'
done
run openssl verify -crl_check -CAfile ca-rsa.pem -CRLfile \
    ca-rsa.d/list-ca-rsa.wish.pem build-ca-rsa.pem
like "what is on the list is refused" "$tap_out$tap_err" 'certificate revoked'
exits "the cross-certificate is not on it" 0 openssl verify -crl_check \
    -CAfile ca-rsa.pem -CRLfile ca-rsa.d/list-ca-rsa.wish.pem \
    cross.pem

# --- what is refused, here and there -------------------------------------------
refused() { # NAME ID WISH-OPTIONS...
	local name=$1 id=$2
	shift 2
	rm -f no.wish
	run coldseal certificate "$@" --out no.wish
	if [ "$tap_status" != 0 ]; then
		like "$name: $id" "$tap_err" "$id"
		return
	fi
	coldseal request create --product router --version 1 --key ca-p384 \
	    --format x509 --requester-key "$COLDSEAL_REQUESTER" \
	    --out no.req no.wish >/dev/null || bail "no request"
	run coldseal request check no.req --policy "$COLDSEAL_POLICY"
	like "$name: known before anybody travels" "$tap_out$tap_err" "$id"
	put no.req
	n=$((n + 1))
	like "$name: $id" "$con_out" "$id"
}
openssl req -new -newkey rsa:2048 -nodes -keyout weak.key -out weak.csr \
    -subj /CN=weak 2>/dev/null || bail "no request"
csr asks -addext basicConstraints=critical,CA:TRUE
refused "a weak key" X509-KEY request --csr weak.csr --profile code-signing \
    --days 9
refused "an extension" X509-EXTENSION request --csr asks.csr \
    --profile code-signing --days 9
refused "longer than the issuer" X509-VALIDITY request --csr build.csr \
    --profile code-signing --days 3653
refused "before the issuer" X509-VALIDITY request --csr build.csr \
    --profile code-signing --days 9 --from 2020-01-01T00:00:00Z
refused "a root for another key" X509-ISSUER request --csr build.csr \
    --profile root --days 9
refused "an intermediate without a path length" X509-PATH-LENGTH request \
    --csr sub.csr --profile intermediate --days 9
# the very wish again, in another request: the serial would be used twice
coldseal request create --product router --version 2 --key ca-p384 \
    --format x509 --requester-key "$COLDSEAL_REQUESTER" --out no.req \
    sub.wish >/dev/null || bail "no request"
put no.req
n=$((n + 1))
like "a certificate once more" "$con_out" X509-SERIAL-REUSE

# --- from a new key to a signature that a root verifies -------------------------
make_key() { # ID
	change_file "$1.req" key.generate --id "$1" --domain release \
	    --algorithm ecdsa-p256-sha256 --reason "a new key"
	put "$1.req"
	n=$(last_request)
	for p in alice bob carol; do con_approve "$n" "$p"; done
	con "apply $n"
	like "the key $1 is made" "$con_out" "the key $1 is made"
	con "export $n"
	get_response "$1.rsp"
	coldseal response verify --policy "$COLDSEAL_POLICY" --log-key \
	    "$COLDSEAL_LOG_KEY" --record-key "$COLDSEAL_RECORD_KEY" \
	    "$1.rsp" 2>/dev/null | grep '^{' >"$1.json"
	coldseal response extract --out "$1.d" "$1.rsp" >/dev/null ||
	    bail "no certification request of $1"
}
update() { # OLD NEW JQ-PROGRAM JQ-OPTIONS...
	local old=$1 new=$2
	next_policy "$old.dsse" "$new.json" "${@:3}"
	sign_next "$old.dsse" "$new.json" "$new.dsse" alice carol
	change_file "$new.req" policy.update --policy "$new.dsse" \
	    --current "$old.dsse" --reason "certificates"
	put "$new.req"
	n=$(last_request)
	for p in alice bob carol; do con_approve "$n" "$p"; done
	con "apply $n"
	like "the policy $new is in force" "$con_out" 'is in force'
}
cert() { openssl x509 -in "$1" -outform DER | base64 -w0; }
make_key new-root
make_key new-cms
# the root's key signs its own certificate: the policy has none of it yet
update v1 v2 '.keys += [$root + {products: ["router"], formats: ["x509"],
    state: "active", valid_from: .keys[0].valid_from,
    valid_until: .keys[0].valid_until}] | .rules[0].keys += ["new-root"]' \
    --argjson root "$(cat new-root.json)"
policy=v2.dsse
coldseal certificate request --csr new-root.d/new-root.csr --profile root \
    --days 3000 --out root.wish || bail "no wish"
ceremony new-root x509 root.wish
cp new-root.d/root.wish.pem root.pem
exits "the root verifies itself" 0 openssl verify -x509_strict \
    -CAfile root.pem root.pem
update v2 v3 '(.keys[] | select(.id == "new-root")).certificate = $cert' \
    --arg cert "$(cert root.pem)"
policy=v3.dsse
coldseal certificate request --csr new-cms.d/new-cms.csr \
    --profile code-signing --days 365 --out cms.wish || bail "no wish"
ceremony new-root x509 cms.wish
cp new-root.d/cms.wish.pem cms.pem
update v3 v4 '.keys += [$key + {products: ["router"], formats: ["cms"],
    state: "active", certificate: $cert, valid_from: .keys[0].valid_from,
    valid_until: .keys[0].valid_until}] | .rules[0].keys += ["new-cms"]' \
    --argjson key "$(cat new-cms.json)" --arg cert "$(cert cms.pem)"
policy=v4.dsse
echo firmware >firmware.bin
ceremony new-cms cms firmware.bin
exits "openssl cms verifies it with nothing but the root" 0 openssl cms \
    -verify -binary -inform DER -in new-cms.d/firmware.bin.p7s \
    -content firmware.bin -CAfile root.pem -purpose any -out /dev/null
run openssl cms -verify -binary -inform DER -in new-cms.d/firmware.bin.p7s \
    -content firmware.bin -CAfile ca-p384.pem -purpose any -out /dev/null
ok "and not with another root" [ "$tap_status" != 0 ]
done_testing
