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
    --key pgp-deb,release,rsa3072-pkcs1-sha256,openpgp-clear \
    --key opg-ed,release,ed25519-sha512,openpgp \
    --key opg-p384,release,ecdsa-p384-sha384,openpgp \
    --key opg-rsa,release,rsa3072-pkcs1-sha256,openpgp \
    --key db,release,rsa3072-pkcs1-sha256,pe \
    --key rpm-ed,release,ed25519-sha512,rpm \
    --key rpm-rsa,release,rsa3072-pkcs1-sha256,rpm \
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
	    --run 1 --commit abc --policy "$COLDSEAL_POLICY" --out "$out" \
	    "$@" >/dev/null
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
	con_or_bail "show $n"
	con_shown=$con_out
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

# when the request of a bundle was made
created() {
	tar -xOf "$1" request.dsse | jq -r .payload | base64 -d |
	    jq -r .predicate.created
}
mkdir "$work/other"
# KEY ARTIFACT OUT: together, into $work/OUT
install() {
	rm -f "$work/$3"
	exits "$1: response install" 0 coldseal response install "$2" \
	    --response "$work/$1.rsp" --policy "$COLDSEAL_POLICY" \
	    --out "$work/$3"
}

mkdir "$work/in"
cd "$work/in" || bail "no folder"
echo "the image" >image.bin
echo "the second" >second.bin
echo "not the image" >other.bin
con_start "$CON_DIR" || bail "no console: $con_out"

# --- the table -----------------------------------------------------------------
is "formats lists them" "$(coldseal formats --json | jq -r '.formats[].name' |
    paste -sd' ')" "raw cms sshsig minisign signify dsse note openpgp-clear kmod x509 efivar openpgp pe rpm"
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
apt_update() { # KEY FILE... of $work
	rm -rf "$repo"/*Release* "$apt"/lists/*_*
	(cd "$work" && cp "${@:2}" "$repo/")
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
	install $key apt-release.txt InRelease
	exits "$key: apt accepts it as InRelease" 0 apt_update $key InRelease
	sed -i 's/^Origin: Example/Origin: Exampel/' "$work/InRelease"
	run apt_update $key InRelease
	ok "$key: apt refuses another text" [ "$tap_status" != 0 ]
	gpg -q --dearmor <"$work/pgp-ed.pub" >"$work/first.gpg"
done
run gpgv -q --keyring "$work/first.gpg" "$work/pgp-rsa/Release.asc"
ok "gpgv refuses another key" [ "$tap_status" != 0 ]
ok "the certificate is in enrol/" cmp "$work/pgp-rsa.pub" \
    "$CON_DIR/state/enrol/certs/pgp-rsa.asc"

# --- deb: what dpkg writes about a package, in clear ----------------------------
mkdir -p "$work/hello/debian/source"
(
	cd "$work/hello" || exit
	echo '3.0 (native)' >debian/source/format
	printf '%s\n' 'Source: hello' 'Section: misc' 'Priority: optional' \
	    'Maintainer: A Test <test@example.com>' 'Standards-Version: 4.6.2' \
	    '' 'Package: hello' 'Architecture: all' 'Description: a test' \
	    >debian/control
	printf '%s\n' 'hello (1) unstable; urgency=low' '' '  * A test.' '' \
	    ' -- A Test <test@example.com>  Wed, 25 Nov 2026 00:00:00 +0000' \
	    >debian/changelog
	dpkg-source -b . && dpkg-genchanges -S >../hello.changes
) >"$work/dpkg.log" 2>&1 || bail "no source package: $(cat "$work/dpkg.log")"
cp "$work/hello_1.dsc" "$work/hello.changes" .
ceremony pgp-deb openpgp-clear hello_1.dsc hello.changes
gpg --dearmor <"$work/pgp-deb.pub" >"$work/pgp-deb.gpg"
for file in hello_1.dsc hello.changes; do
	install pgp-deb $file $file
	exits "$file: gpgv accepts" 0 gpgv -q --keyring "$work/pgp-deb.gpg" \
	    --output "$work/plain" "$work/$file"
	exits "$file: it is what dpkg wrote" 0 cmp "$work/plain" $file
	rm "$work/plain"
done
exits "dpkg-source reads what is signed" 0 dpkg-source --no-check -x \
    "$work/hello_1.dsc" "$work/unpacked"

# --- openpgp: detached, of files of any size -----------------------------------
head -c 3000000 /dev/urandom >release.tar
cp apt-release.txt "$work/Release"
for key in opg-ed opg-p384 opg-rsa; do
	ceremony $key openpgp release.tar image.bin apt-release.txt
	like "$key: approvers see the key" "$con_shown" "user ID +coldseal .*$key"
	gpg -q --batch --import "$work/$key.pub"
	exits "$key: gpg accepts" 0 gpg --batch --verify \
	    "$work/$key/release.tar.asc" release.tar
	gpg --dearmor <"$work/$key.pub" >"$work/$key.gpg"
	exits "$key: gpgv accepts" 0 gpgv -q --keyring "$work/$key.gpg" \
	    "$work/$key/image.bin.asc" image.bin
	run gpgv -q --keyring "$work/$key.gpg" "$work/$key/image.bin.asc" \
	    other.bin
	ok "$key: gpgv refuses another file" [ "$tap_status" != 0 ]
	install $key apt-release.txt Release.gpg
	exits "$key: apt accepts it as Release.gpg" 0 apt_update $key Release \
	    Release.gpg
	sed 's/^Origin: Example/Origin: Exampel/' apt-release.txt \
	    >"$work/other/Release"
	cp "$work/Release.gpg" "$work/other/"
	run apt_update $key other/Release other/Release.gpg
	ok "$key: apt refuses another Release" [ "$tap_status" != 0 ]
done
is "the time is the request's" "$(gpg --list-packets \
    "$work/opg-ed/image.bin.asc" | sed -n 's/.*created \([0-9]*\),.*/\1/p' |
    head -n 1)" "$(date -d "$(created "$work/opg-ed.req")" +%s)"
run request "$work/f.req" opg-ed openpgp image.bin --digest-only
like "not without the artifact" "$tap_err" 'no --digest-only'
like "the response tells which file" "$(coldseal response install other.bin \
    --response "$work/opg-ed.rsp" --policy "$COLDSEAL_POLICY" \
    --out "$work/no" 2>&1)" RESPONSE-ARTIFACT

hex() { od -An -v -tx1 | tr -d ' \n'; }

# --- kmod --------------------------------------------------------------------
cat >mod.c <<'END'
__attribute__((section(".modinfo"), used))
static const char info[] = "license=GPL\0name=example";
END
cc -c -o example.ko mod.c || bail "no module"
for key in mod-rsa mod-p384; do
	ceremony $key kmod example.ko
	install $key example.ko signed.ko
	exits "$key: nothing but the signature is added" 0 cmp \
	    "$work/signed.ko" <(cat example.ko "$work/$key/example.ko.modsig")
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

# --- pe ------------------------------------------------------------------------
unhex() { printf "$(tr -d ' ' <<<"$1" | sed 's/../\\x&/g')"; }
zeros() { head -c "$1" /dev/zero; }
pe() { # a PE32+ image of 1024 bytes: headers and a section of 512 each
	unhex 4d5a && zeros 58 && unhex 40000000
	unhex "50450000 6486 0100 00000000 00000000 00000000 f000 0602"
	unhex "0b02 0000 00020000 00000000 00000000 00100000 00100000"
	unhex "0000001000000000 00100000 00020000" && zeros 16
	unhex "00200000 00020000 00000000 0a00 0000" && zeros 36
	unhex 10000000 && zeros 128
	unhex "2e74657874000000 00020000 00100000 00020000 00020000"
	zeros 12 && unhex 20000060 && zeros 144 && unhex c3 && zeros 511
}
pe >boot.efi
{
	head -c 1000 boot.efi
	echo "another image 1234567891"
} | head -c 1024 >other.efi
ceremony db pe boot.efi other.efi
install db boot.efi boot.efi
# checksum at 152, certificate table at 232, the table itself at the end
is "no other byte is changed" "$(cmp -l <(head -c 1024 "$work/boot.efi") \
    boot.efi | awk '$1 <= 152 || ($1 > 156 && $1 <= 232) || $1 > 240')" ""
exits "sbverify accepts" 0 sbverify --cert "$work/db.pub" "$work/boot.efi"
exits "osslsigncode accepts" 0 osslsigncode verify -CAfile "$work/db.pub" \
    -in "$work/boot.efi"
own=$(tar -xOf "$work/db.req" request.dsse | jq -r .payload | base64 -d |
    jq -r '.subject[0].annotations.tbs')
like "it computes the request's digest" "${tap_out,,}" \
    "calculated message digest *: $own"
like "approvers see it" "$con_shown" "its digest +$own"
sum=$(od -An -tx4 -j152 -N4 "$work/boot.efi" | tr -d ' ')
like "and the checksum" "${tap_out,,}" "pe checksum *: $sum"
unlike "which nothing is said of" "$tap_out$tap_err" \
    '[Ii]nvalid PE checksum'
run sbverify --cert "$work/mod-rsa.pub" "$work/boot.efi"
ok "sbverify refuses another key" [ "$tap_status" != 0 ]
{
	head -c 1000 "$work/boot.efi"
	printf x
	tail -c +1002 "$work/boot.efi"
} >"$work/changed.efi"
run sbverify --cert "$work/db.pub" "$work/changed.efi"
ok "and a changed image" [ "$tap_status" != 0 ]
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=peer -days 2 \
    -keyout "$work/peer.key" -out "$work/peer.pem" 2>/dev/null
sbsign --key "$work/peer.key" --cert "$work/peer.pem" \
    --output "$work/peer.efi" boot.efi >/dev/null 2>&1
like "sbsign makes it of the same digest" "$(openssl asn1parse -inform DER \
    -in <(tail -c +1033 "$work/peer.efi") | tr -d '\n' | tr A-F a-f)" "$own"
no_pe() { # NAME CHECK-ID FILE
	run request "$work/f.req" db pe "$3"
	like "$1: $2" "$tap_err" "$2"
}
no_pe "signed already" FORMAT-PE-SIGNED "$work/boot.efi"
no_pe "no PE" FORMAT-FILE example.ko
cat boot.efi boot.efi >two.efi
no_pe "with an overlay" FORMAT-PE-OVERLAY two.efi

# --- rpm -----------------------------------------------------------------------
package() { # NAME
	printf '%s\n' "Name: $1" 'Version: 1' 'Release: 1' 'Summary: a test' \
	    'License: none' 'BuildArch: noarch' '%description' 'A test.' \
	    '%install' 'mkdir -p %{buildroot}/opt' \
	    "echo $1 >%{buildroot}/opt/$1" '%files' "/opt/$1" >"$work/$1.spec"
	rpmbuild -bb --quiet --define "_topdir $work/rpmbuild" \
	    --define "_rpmdir $work/in" --define '_rpmfilename %{NAME}.rpm' \
	    "$work/$1.spec" >"$work/rpmbuild.log" 2>&1 ||
	    bail "no package: $(cat "$work/rpmbuild.log")"
}
package tools
package other
says() {
	rpm -qp --nosignature \
	    --qf '%{NEVRA} %{PAYLOADDIGEST} [%{FILEDIGESTS}] %{SIGMD5}' "$1"
}
behind() { # what is behind the signature header of a package
	local n
	n=$((112 + 16 * 16#$(tail -c +105 "$1" | head -c 4 | hex) +
	    16#$(tail -c +109 "$1" | head -c 4 | hex)))
	tail -c +$(((n + 7) / 8 * 8 + 1)) "$1"
}
for key in rpm-ed rpm-rsa; do
	ceremony $key rpm tools.rpm other.rpm
	install $key tools.rpm $key.rpm
	keys=$work/$key.keys
	mkdir "$keys"
	exits "$key: rpm imports the key" 0 rpmkeys --dbpath "$keys" --import \
	    "$work/$key.pub"
	exits "$key: rpm accepts" 0 rpm --dbpath "$keys" -Kv "$work/$key.rpm"
	like "$key: by the key" "$tap_out" 'Header .*Signature, key ID .*: OK'
	ok "$key: header and payload are as they were" cmp \
	    <(behind "$work/$key.rpm") <(behind tools.rpm)
	ok "$key: and what the package says" cmp \
	    <(says "$work/$key.rpm") <(says tools.rpm)
	run rpm --dbpath "$keys" -K "$work/$key.rpm"
	like "$key: digests and signatures" "$tap_out" 'digests signatures OK'
	at=$(($(stat -c %s "$work/$key.rpm") - $(behind tools.rpm | wc -c) + 200))
	{
		head -c $at "$work/$key.rpm"
		printf '\377'
		tail -c +$((at + 2)) "$work/$key.rpm"
	} >"$work/changed.rpm"
	run rpm --dbpath "$keys" -K "$work/changed.rpm"
	ok "$key: rpm refuses a changed header" [ "$tap_status" != 0 ]
done
run rpm --dbpath "$work/rpm-rsa.keys" -K "$work/rpm-ed.rpm"
ok "rpm refuses another key" [ "$tap_status" != 0 ]
run request "$work/f.req" rpm-ed rpm "$work/rpm-ed.rpm"
like "signed already" "$tap_err" FORMAT-RPM-SIGNED
run request "$work/f.req" rpm-ed rpm image.bin
like "no package" "$tap_err" FORMAT-FILE

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
forged "openpgp without its digest" FORMAT-DIGEST "$work/opg-ed.req" \
    'del(.subject[0].annotations.tbs)'
forged "another format's digest" ARTIFACT-DIGEST "$work/opg-ed.req" \
    '.subject[1].annotations.tbs = ("00" * 64)'
forged "a digest for another time" ARTIFACT-DIGEST "$work/opg-ed.req" \
    '.predicate.created = "'"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'"'
cp "$work/boot.efi" signed.efi
forge_open "$work/db.req"
forge_payload '.predicate.id = "'"$(od -An -N16 -tx1 /dev/urandom |
    tr -d ' \n')"'" | .subject |= .[:1] |
    .subject[0].digest.sha256 = "'"$(sha256sum <signed.efi | cut -c1-64)"'" |
    .subject[0].annotations.size = '"$(stat -c %s signed.efi)"
rm "$forge"/artifacts/*
cp signed.efi "$forge/artifacts/$(sha256sum <signed.efi | cut -c1-64)"
forge_sign "$COLDSEAL_REQUESTER"
forge_pack "$work/f.req"
refused "an image that is signed, at intake" FORMAT-PE-SIGNED "$work/f.req"
forged "a digest that raw does not have" FORMAT-DIGEST "$work/mini.req" \
    '.subject[0].annotations.tbs = ("00" * 64)'
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
