#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every format through a real ceremony, accepted by its own stock verifier,
# and refused as any other.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/forge.sh"
con_work fmt

con_rehearse --key ssh-ed,release,ed25519-sha512,sshsig \
    --key ssh-p256,release,ecdsa-p256-sha256,sshsig \
    --key ssh-rsa,release,rsa3072-pkcs1-sha256,sshsig \
    --key mini,release,ed25519-blake2b,minisign \
    --key sfy,release,ed25519-sha512,signify \
    --key att-ed,release,ed25519-sha512,dsse \
    --key att-p384,release,ecdsa-p384-sha384,dsse \
    --key att-rsa,release,rsa3072-pkcs1-sha256,dsse \
    --key note,release,ed25519-sha512,note \
    --key pgp-ed,release,ed25519-sha512,openpgp-clear \
    --key pgp-p384,release,ecdsa-p384-sha384,openpgp-clear \
    --key pgp-rsa,release,rsa3072-pkcs1-sha256,openpgp-clear \
    --key mod-rsa,release,rsa3072-pkcs1-sha256,kmod \
    --key mod-p384,release,ecdsa-p384-sha384,kmod
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/gocache GOFLAGS= \
    go build -o "$work/fmtcheck" "$here/../lib/fmtcheck.go" ||
    bail "no checker in Go"

request() { # OUT KEY FORMAT ARTIFACT...
	local out=$1 key=$2 format=$3
	shift 3
	coldseal request create --product router --version 1.2.3 --key "$key" \
	    --format "$format" --requester-key "$COLDSEAL_REQUESTER" \
	    --user ci --system b7 --pipeline https://ci.example/router \
	    --run 1 --commit abc --out "$out" "$@" >/dev/null
}
con_or_bail() { con "$@" || bail "the appliance ended: $con_out"; }
verify_response() {
	coldseal response verify "$1" --policy "$COLDSEAL_POLICY" \
	    --record-key "$COLDSEAL_RECORD_KEY" \
	    --log-key "$COLDSEAL_LOG_KEY" "${@:2}"
}
n=0
# KEY FORMAT ARTIFACT...: a ceremony; its files are then below $work/KEY
ceremony() {
	local key=$1 format=$2
	shift 2
	n=$((n + 1))
	request "$work/$key.req" "$key" "$format" "$@" || bail "no request"
	coldseal media write "$COLDSEAL_IN" "$work/$key.req" >/dev/null
	con_or_bail intake
	like "$key: taken in" "$con_out" "accepted as request $n:"
	con_approve "$n" alice
	con_approve "$n" bob
	con_or_bail "sign $n"
	like "$key: signed" "$con_out" \
	    "$# signatures made, verified and logged"
	con_or_bail "export $n"
	coldseal media read "$COLDSEAL_OUT" --out "$work/$key.rsp" >/dev/null
	exits "$key: the response verifies" 0 verify_response \
	    "$work/$key.rsp" --artifact "$1"
	coldseal response extract "$work/$key.rsp" --out "$work/$key" \
	    >/dev/null || bail "nothing extracted for $key"
	coldseal policy public-key --policy "$COLDSEAL_POLICY" "$key" \
	    >"$work/$key.pub" || bail "no public key of $key"
}

mkdir "$work/in"
cd "$work/in" || bail "no folder"
echo "the image" >image.bin
echo "the second" >second.bin
echo "not the image" >other.bin
con_start "$CON_DIR" || bail "no console: $con_out"

# --- the table -----------------------------------------------------------------
is "formats lists them" "$(coldseal formats --json | jq -r '.formats[].name' |
    paste -sd' ')" "raw cms sshsig minisign signify dsse note openpgp-clear kmod x509 efivar"
like "with algorithms and verifiers" "$(coldseal formats)" 'ssh-keygen -Y verify'

# --- sshsig ------------------------------------------------------------------
ssh_check() { # KEY NAMESPACE FILE [SIGNATURE OF]
	ssh-keygen -Y verify -f "$work/$1.pub" -I "$1" -n "$2" \
	    -s "$work/$1/${4:-$3}.sig" <"$3"
}
for key in ssh-ed ssh-p256 ssh-rsa; do
	ceremony $key sshsig image.bin second.bin
	exits "$key: ssh-keygen accepts" 0 ssh_check $key file image.bin
	exits "$key: ssh-keygen accepts the second" 0 \
	    ssh_check $key file second.bin
	run ssh_check $key file other.bin image.bin
	ok "$key: ssh-keygen refuses another artifact" [ "$tap_status" != 0 ]
	run ssh_check $key git image.bin
	ok "$key: ssh-keygen refuses another namespace" \
	    [ "$tap_status" != 0 ]
done

# --- minisign ----------------------------------------------------------------
mini_check() { minisign -Vm "$1" -x "$work/mini/$2.minisig" -p "$work/mini.pub"; }
ceremony mini minisign image.bin second.bin
exits "minisign accepts" 0 mini_check image.bin image.bin
like "minisign shows the trusted comment" "$tap_out" \
    'timestamp:[0-9]+.file:image.bin.hashed'
run mini_check second.bin image.bin
ok "minisign refuses another artifact" [ "$tap_status" != 0 ]
sed 's/file:image/file:other/' "$work/mini/image.bin.minisig" \
    >"$work/mini/forged.minisig"
run mini_check image.bin forged
ok "minisign refuses another comment" [ "$tap_status" != 0 ]

# --- signify -----------------------------------------------------------------
sfy_check() { signify-openbsd -C -p "$work/sfy.pub" -x "$work/sfy/$1.sig"; }
ceremony sfy signify image.bin second.bin
exits "signify accepts" 0 sfy_check image.bin
like "signify names the artifact" "$tap_out" 'image.bin: OK'
cp image.bin keep
echo changed >image.bin
run sfy_check image.bin
ok "signify refuses a changed artifact" [ "$tap_status" != 0 ]
mv keep image.bin

# --- dsse --------------------------------------------------------------------
statement() { # TYPE
	jq -cn --arg t "$1" --arg h "$(sha256sum image.bin | cut -d' ' -f1)" '
	    {_type: "https://in-toto.io/Statement/v1", subject: [{
	    name: "image.bin", digest: {sha256: $h}}], predicateType: $t,
	    predicate: {verificationResult: "PASSED"}}'
}
statement https://slsa.dev/verification_summary/v1 >vsa.json
for key in att-ed att-p384 att-rsa; do
	ceremony $key dsse vsa.json
	exits "$key: Go accepts" 0 "$work/fmtcheck" dsse "$work/$key.pub" \
	    "$work/$key/vsa.json.dsse"
	is "$key: the payload is the artifact" "$tap_out" "$(cat vsa.json)"
	run "$work/fmtcheck" dsse "$CON_DIR/state/enrol/keys/fw-p256.pem" \
	    "$work/$key/vsa.json.dsse"
	ok "$key: not by another key" [ "$tap_status" != 0 ]
done

# --- note --------------------------------------------------------------------
printf 'tree of example\n\nsecond part\n' >tree.txt
ceremony note note tree.txt
exits "Go's sumdb/note accepts" 0 "$work/fmtcheck" note "$work/note.pub" \
    "$work/note/tree.txt.note"
is "the text is the artifact" "$tap_out" "$(cat tree.txt)"
sed 's/second/other/' "$work/note/tree.txt.note" >"$work/forged.note"
run "$work/fmtcheck" note "$work/note.pub" "$work/forged.note"
ok "another text is refused" [ "$tap_status" != 0 ]

# --- openpgp-clear ------------------------------------------------------------
sha256sum image.bin second.bin >SHA256SUMS
printf 'Suite: stable\nDescription: \xc3\xa9\n\n last\n' >Release
export GNUPGHOME=$work/gnupg
mkdir -m 700 "$GNUPGHOME"
# a repository of nothing, which apt reads from the disk
repo=$work/repo/dists/stable
apt=$work/apt
mkdir -p "$repo/main/binary-all" "$apt/lists/partial" "$apt/cache" "$apt/etc"
: >"$repo/main/binary-all/Packages"
{
	printf 'Origin: Example\nSuite: stable\nCodename: stable\n'
	printf 'Date: %s\nArchitectures: all\n' "$(date -Ru)"
	printf 'Components: main\nSHA256:\n %s 0 main/binary-all/Packages\n' \
	    "$(sha256sum "$repo/main/binary-all/Packages" | cut -d' ' -f1)"
} >apt-release.txt
apt_update() { # KEY
	cp "$work/$1/apt-release.txt.asc" "$repo/InRelease"
	printf 'deb [arch=all signed-by=%s] file:%s stable main\n' \
	    "$work/$1.gpg" "$work/repo" >"$apt/sources.list"
	apt-get -q update -o Dir::Etc="$apt/etc" -o Dir::State="$apt" \
	    -o Dir::Etc::sourcelist="$apt/sources.list" \
	    -o Dir::Etc::sourceparts=- -o Dir::Cache="$apt/cache" \
	    -o Dir::State::status=/dev/null -o APT::Sandbox::User=root \
	    -o APT::Architecture=all -o APT::Architectures::=all \
	    -o APT::Update::Error-Mode=any
}
for key in pgp-ed pgp-p384 pgp-rsa; do
	ceremony $key openpgp-clear SHA256SUMS Release apt-release.txt
	ok "$key: gpg imports the certificate" gpg -q --batch --import \
	    "$work/$key.pub"
	exits "$key: gpg accepts" 0 gpg --batch --verify --output "$work/plain" \
	    --yes "$work/$key/SHA256SUMS.asc"
	like "$key: gpg shows the user ID" "$tap_err" \
	    "Good signature from \"coldseal .* $key\""
	exits "$key: what gpg reads is the artifact" 0 cmp "$work/plain" \
	    SHA256SUMS
	gpg --dearmor <"$work/$key.pub" >"$work/$key.gpg"
	exits "$key: gpgv accepts" 0 gpgv -q --keyring "$work/$key.gpg" \
	    "$work/$key/Release.asc"
	sed 's/stable/staple/' "$work/$key/Release.asc" >"$work/forged.asc"
	run gpgv -q --keyring "$work/$key.gpg" "$work/forged.asc"
	ok "$key: gpgv refuses another text" [ "$tap_status" != 0 ]
	exits "$key: apt accepts it as InRelease" 0 apt_update $key
	sed -i 's/^Origin: Example/Origin: Exampel/' \
	    "$work/$key/apt-release.txt.asc"
	run apt_update $key
	ok "$key: apt refuses another text" [ "$tap_status" != 0 ]
	gpg -q --dearmor <"$work/pgp-ed.pub" >"$work/first.gpg"
done
run gpgv -q --keyring "$work/first.gpg" "$work/pgp-rsa/Release.asc"
ok "gpgv refuses another key" [ "$tap_status" != 0 ]
ok "the certificate is in enrol/" cmp "$work/pgp-rsa.pub" \
    "$CON_DIR/state/enrol/certs/pgp-rsa.asc"

hex() { od -An -v -tx1 | tr -d ' \n'; }

# --- kmod --------------------------------------------------------------------
cat >mod.c <<'END'
__attribute__((section(".modinfo"), used))
static const char info[] = "license=GPL\0name=example";
END
cc -c -o example.ko mod.c || bail "no module"
for key in mod-rsa mod-p384; do
	ceremony $key kmod example.ko
	cat example.ko "$work/$key/example.ko.modsig" >"$work/signed.ko"
	case $key in *rsa) hash=sha256 ;; *) hash=sha384 ;; esac
	info=$(modinfo "$work/signed.ko")
	like "$key: modinfo sees a PKCS#7 signature" "$info" 'sig_id: +PKCS#7'
	like "$key: by the key's certificate" "$info" "signer: +coldseal .*$key"
	like "$key: with the hash" "$info" "sig_hashalgo: +$hash"
	# the kernel's description: the last 28 bytes, 12 before, and as many
	# as those say; what is left must be the module
	size=$(stat -c %s "$work/signed.ko")
	len=$((16#$(tail -c 32 "$work/signed.ko" | head -c 4 | hex)))
	is "$key: the magic line" "$(tail -c 28 "$work/signed.ko")" \
	    "~Module signature appended~"
	is "$key: the twelve bytes" "$(tail -c 40 "$work/signed.ko" |
	    head -c 8 | hex)" 0000020000000000
	head -c $((size - 40)) "$work/signed.ko" | tail -c $len >"$work/sig.p7s"
	head -c $((size - 40 - len)) "$work/signed.ko" >"$work/module"
	ok "$key: the module before it is as it was" cmp example.ko "$work/module"
	exits "$key: openssl cms accepts" 0 openssl cms -verify -binary \
	    -inform DER -in "$work/sig.p7s" -content "$work/module" \
	    -certfile "$work/$key.pub" -CAfile "$work/$key.pub" -purpose any \
	    -out /dev/null
	run openssl cms -verify -binary -inform DER -in "$work/sig.p7s" \
	    -content other.bin -certfile "$work/$key.pub" \
	    -CAfile "$work/$key.pub" -purpose any -out /dev/null
	ok "$key: and no other module" [ "$tap_status" != 0 ]
done
run request "$work/f.req" mod-rsa kmod "$work/signed.ko"
like "a module that is signed is not asked for again" "$tap_err" FORMAT-MODULE
run request "$work/f.req" mod-rsa kmod other.bin
like "nor what is no module" "$tap_err" FORMAT-MODULE

# --- what cannot be signed: refused at intake, before anybody approves --------
refused() { # NAME CHECK-ID BUNDLE
	truncate -s 0 "$COLDSEAL_IN"
	truncate -s 64M "$COLDSEAL_IN"
	mkfs.fat -F 32 "$COLDSEAL_IN" >/dev/null &&
	    mcopy -i "$COLDSEAL_IN" "$3" ::COLDSEAL.REQ || bail "no medium"
	con_or_bail intake
	like "$1: $2" "$con_out" "$2"
	con_or_bail export
	coldseal media read "$COLDSEAL_OUT" --out "$work/no.rsp" >/dev/null
	run verify_response "$work/no.rsp"
	like "$1: the refusal names the check" "$tap_out$tap_err" "$2"
}
refused_new() { # CHECK-ID KEY FORMAT ARTIFACT
	request "$work/f.req" "$2" "$3" "$4" || bail "no request"
	refused "$3, $4" "$1" "$work/f.req"
}
echo x >"a b.bin"
echo y >-dash.bin
refused_new FORMAT-NAME mini minisign "a b.bin"
refused_new FORMAT-NAME sfy signify ./-dash.bin
refused_new POLICY-FORMAT sfy sshsig second.bin
echo '{"a": 1}' >any.json
refused_new FORMAT-STATEMENT att-ed dsse any.json
statement urn:coldseal:approval:v1 >approval.json
refused_new FORMAT-STATEMENT att-ed dsse approval.json
printf 'no end' >open.txt
refused_new FORMAT-NOTE note note open.txt
printf 'dos\r\n' >dos.txt
refused_new FORMAT-NOTE note note dos.txt
refused_new FORMAT-CLEARTEXT pgp-ed openpgp-clear dos.txt
printf -- '- a list\n' >list.txt
refused_new FORMAT-CLEARTEXT pgp-ed openpgp-clear list.txt
forged() { # NAME CHECK-ID BUNDLE JQ
	forge_open "$3"
	forge_payload '.predicate.id = "'"$(od -An -N16 -tx1 /dev/urandom |
	    tr -d ' \n')"'" | '"$4"
	forge_sign "$COLDSEAL_REQUESTER"
	forge_pack "$work/f.req"
	refused "$1" "$2" "$work/f.req"
}
forged "a note without its text" FORMAT-TEXT "$work/note.req" \
    'del(.subject[0].annotations.text)'
forged "minisign without BLAKE2b" REQ-DIGEST "$work/mini.req" \
    'del(.subject[0].digest.blake2b)'
forged "another BLAKE2b" ARTIFACT-DIGEST "$work/mini.req" \
    '.subject[0].digest.blake2b = ("00" * 64)'
forged "made before the OpenPGP key was" REQ-NOT-BEFORE \
    "$work/pgp-ed.req" \
    '.predicate.created = "'"$(date -u -d '-1 hour' +%Y-%m-%dT%H:%M:%SZ)"'"'
for spec in ed25519-sha512,cms ed25519-sha512,minisign \
    ecdsa-p384-sha384,sshsig ecdsa-p256-sha256,signify \
    rsa3072-pss-sha256,openpgp-clear; do
	run coldseal-provision keys --key "k,release,$spec"
	is "provisioning makes no key for $spec" "$tap_status" 2
	like "and says why" "$tap_err" 'algorithm of the format'
done
run coldseal-provision keys --key k,release,ml-dsa-65,raw
like "nor one for ML-DSA" "$tap_err" KEY-ML-DSA
head -c 4097 /dev/zero | tr '\0' a >long.txt
run request "$work/f.req" note note long.txt
like "a long text is refused where the request is made" "$tap_err" FORMAT-TEXT
run request "$work/f.req" note pgp tree.txt
like "and so is a format that is none" "$tap_err" SIG-FORMAT
forge_open "$work/note.req"
forge_payload '.subject[0].annotations.text = "eA=="'
forge_sign "$COLDSEAL_REQUESTER"
forge_pack "$work/f.req"
coldseal request check "$work/f.req" --policy "$COLDSEAL_POLICY" \
    >"$work/check.log" 2>&1
like "another text is not read as a request" "$(cat "$work/check.log")" REQ-TEXT

done_testing
