#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The connected side: the real coldseal, real SoftHSM, real FAT images; the
# appliance's answers are made by tests/lib/mkresp and tests/lib/mklog.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/stocktar.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
tools=$(cd "${CS_TEST_BIN:-$bin/../test}" && pwd) || bail "no test tools"
cs=$bin/coldseal
for p in "$cs" "$tools/mklog" "$tools/mkresp"; do
	[ -x "$p" ] || bail "no $p"
done
module=
for m in /usr/lib/softhsm/libsofthsm2.so \
    /usr/lib/*/softhsm/libsofthsm2.so /usr/lib64/pkcs11/libsofthsm2.so; do
	[ -e "$m" ] && module=$m
done
[ -n "$module" ] || bail "no SoftHSM"
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-host.XXXXXX") || bail "no folder"
trap 'rm -rf "$work"' EXIT
cd "$work" || bail "no folder"
umask 077

# --- people, keys, policy ------------------------------------------------
pem() { # name algorithm
	case $2 in
	p256 | p384) openssl genpkey -algorithm EC -out "$1.pem" \
	    -pkeyopt "ec_paramgen_curve:P-${2#p}" 2>/dev/null ;;
	ed25519) openssl genpkey -algorithm ed25519 -out "$1.pem" ;;
	rsa) openssl genpkey -algorithm RSA -out "$1.pem" \
	    -pkeyopt rsa_keygen_bits:3072 2>/dev/null ;;
	esac
}
spki() { # of the token's key if there is one
	if [ -e "$1.der" ]; then
		base64 -w 0 "$1.der"
	else
		openssl pkey -in "$1.pem" -pubout -outform DER | base64 -w 0
	fi
}
person() { # id kind organisation role
	printf '{"id":"%s","keys":[{"public_key":"%s"}],"kind":"%s",' \
	    "$1" "$(spki "$1")" "$2"
	printf '"name":"%s","organisation":"%s","roles":["%s"],' "$1" "$3" "$4"
	printf '"valid_from":"2020-01-01T00:00:00Z",'
	printf '"valid_until":"2099-01-01T00:00:00Z"}'
}
origin=test.example/log
policy() { # product
	cat <<END
{ "administration": {"roles": ["admin"], "threshold": 2},
  "appliance": "$origin",
  "review_by": "2099-01-01T00:00:00Z", "review_warning_days": 30,
  "domains": [{"id": "release", "token": "coldseal-release"}],
  "keys": [{"algorithm": "ecdsa-p256-sha256", "domain": "release",
    "formats": ["raw"], "id": "fw-p256", "products": ["$1"],
    "public_key": "$(spki fw)", "state": "active",
    "uri": "pkcs11:token=coldseal-release;id=%01",
    "valid_from": "2020-01-01T00:00:00Z",
    "valid_until": "2099-01-01T00:00:00Z"}],
  "name": "test", "rehearsal": true,
  "roles": ["admin", "approver", "requester"], "version": 1,
  "principals": [$(person ci system acme requester),
    $(person alice person acme approver),
    $(person bob person globex approver),
    $(person anna person acme admin), $(person ben person globex admin)],
  "rules": [{"approvals": {"distinct_organisations": true,
    "requester_excluded": true, "roles": ["approver"], "threshold": 2},
    "formats": ["raw"], "id": "router-release", "keys": ["fw-p256"],
    "product": "$1", "requesters": ["ci"]}]
}
END
}
# ben's key is on a token
export SOFTHSM2_CONF=$work/softhsm.conf
mkdir tokens
printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$work/tokens" \
    >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label ben --pin 4711 --so-pin 0815 \
    >/dev/null || bail "softhsm2-util"
pkcs11-tool --module "$module" --token-label ben --login --pin 4711 \
    --keypairgen --key-type EC:prime256v1 --id 01 --label ben \
    >/dev/null 2>&1 || bail "pkcs11-tool"
pkcs11-tool --module "$module" --token-label ben --read-object \
    --type pubkey --id 01 --output-file ben.der >/dev/null 2>&1
pem ci ed25519
pem alice p256
pem bob p256
pem anna p384
pem fw p256
pem record p256
pem stranger rsa
openssl pkey -in record.pem -pubout -out record.pub
openssl pkey -in stranger.pem -pubout -out stranger.pub
policy router >policy.json
policy toaster >policy2.json
"$tools/mklog" --vkey "$origin" >log.vkey
"$tools/mklog" --vkey other.example/log >other.vkey

uri='pkcs11:token=ben;id=%01'
printf '4711\n' >pin
printf '1234\n' >wrong-pin

# --- the program itself --------------------------------------------------
exits "--version" 0 "$cs" --version
exits "help" 0 "$cs" help
exits "no command is a usage error" 2 "$cs"
refuses "an unknown command" 2 USAGE "$cs" request destroy
refuses "an unknown option" 2 USAGE "$cs" request show --frobnicate x
refuses "a missing option" 2 USAGE "$cs" request check x
refuses "an option with nothing" 2 USAGE "$cs" audit status --db ''
refuses "an option given twice" 2 USAGE "$cs" policy sign --policy a \
    --policy b --key c --out d
refuses "too many operands" 2 USAGE "$cs" request show a b
exits "help of a command" 0 "$cs" request create --help

# --- policy --------------------------------------------------------------
exits "policy sign, PEM, P-384" 0 "$cs" policy sign --policy policy.json \
    --key anna.pem --out half.dsse
refuses "the same administrator twice" 1 POLICY-SIGNED-TWICE "$cs" policy \
    sign --policy half.dsse --key anna.pem --out twice.dsse
ok "and nothing is written" test ! -e twice.dsse
jq -c '.signatures += [{"keyid":"","sig":"AAAA"}]' half.dsse >foreign.dsse
refuses "an envelope with a foreign signature" 1 POLICY-NOT-ADMIN "$cs" \
    policy sign --policy foreign.dsse --key "$uri" --module "$module" \
    --pin-file pin --out x.dsse
run "$cs" policy show foreign.dsse
like "policy show: a foreign signature" "$tap_out" "BAD"
refuses "a stranger's signature" 1 POLICY-NOT-ADMIN "$cs" policy sign \
    --policy half.dsse --key stranger.pem --out x.dsse
refuses "an approver's signature" 1 POLICY-NOT-ADMIN "$cs" policy sign \
    --policy half.dsse --key alice.pem --out x.dsse
run "$cs" policy show half.dsse
like "policy show: who is missing" "$tap_out" "NOT signed *ben"
refuses "a URI without a module" 2 USAGE "$cs" policy sign \
    --policy half.dsse --key "$uri" --out policy.dsse
refuses "a wrong PIN" 1 HSM-PIN "$cs" policy sign --policy half.dsse \
    --key "$uri" --module "$module" --pin-file wrong-pin --out policy.dsse
exits "policy sign, PKCS#11" 0 "$cs" policy sign --policy half.dsse \
    --key "$uri" --module "$module" --pin-file pin --out policy.dsse
run "$cs" policy show policy.dsse --json
is "policy show --json: both signed" \
    "$(jq -c '[.signed,.missing,.bad_signatures]' <<<"$tap_out")" \
    '[["anna","ben"],[],0]'
sed 's/"threshold": 2},$/"threshold": 0},/' policy.json >bad.json
refuses "a policy that would not load is not signed" 3 POLICY-THRESHOLD \
    "$cs" policy sign --policy bad.json --key anna.pem --out x.dsse
sed 's/"name": "test"/"name": "test", "name": "b"/' policy.json >bad.json
refuses "a duplicate field" 3 JSON-DUPLICATE "$cs" policy sign \
    --policy bad.json --key anna.pem --out x.dsse
"$cs" policy sign --policy policy2.json --key anna.pem --out p2 >/dev/null
"$cs" policy sign --policy p2 --key "$uri" --module "$module" \
    --pin-file pin --out policy2.dsse >/dev/null

# --- request create ------------------------------------------------------
head -c 3000000 /dev/urandom >firmware.bin
printf 'hello\n' >notes.txt
mkdir sub
printf 'other\n' >sub/notes.txt
printf 'hello\n' >copy.txt
: >empty
printf '{"a":1}\n' >evidence.json
create() {
	"$cs" request create --product router --version 1.2.3 --key fw-p256 \
	    --format raw --user ci --system builder-7 "$@"
}
exits "request create" 0 create --requester-key ci.pem --out r.req \
    --pipeline https://ci.example/1 --run 4711 --commit abc \
    --evidence evidence.json firmware.bin notes.txt empty
ok "stock tar reads it" tar -tf r.req
mkdir unpacked
tar -C unpacked -xf r.req
ok "stock sha256sum agrees" sh -c 'cd unpacked && sha256sum -c manifest'
refuses "two files of one name" 3 HOST-NAME-TWICE create --requester-key \
    ci.pem --out x.req notes.txt sub/notes.txt
ok "and nothing is written" sh -c '! ls x.req* 2>/dev/null | grep .'
refuses "two files of one content" 3 HOST-CONTENT-TWICE create \
    --requester-key ci.pem --out x.req notes.txt copy.txt
refuses "no artifact" 2 USAGE create --requester-key ci.pem --out x.req
refuses "a folder" 3 HOST-NOT-FILE create --requester-key ci.pem \
    --out x.req sub
mkfifo fifo
refuses "a FIFO, without waiting for it" 3 HOST-NOT-FILE create \
    --requester-key ci.pem --out x.req fifo
refuses "a file that is not there" 4 IO create --requester-key ci.pem \
    --out x.req nothing
refuses "a file that has not the size it says" 4 HOST-CHANGED create \
    --requester-key ci.pem --out x.req /proc/version
printf x >"$(printf 'bad\nname')"
refuses "a name with a newline" 3 HOST-NAME create --requester-key ci.pem \
    --out x.req "$(printf 'bad\nname')"
printf 'sub/notes.txt\tother-notes.txt\nnotes.txt\n\n' >list
exits "--list with names" 0 create --requester-key ci.pem --out l.req \
    --list list firmware.bin
is "names from the list" "$("$cs" request show l.req --json |
    jq -c '[.artifacts[].name]')" \
    '["firmware.bin","other-notes.txt","notes.txt"]'
printf '\tname\n' >bad-list
refuses "a list line without a path" 3 HOST-LIST create --requester-key \
    ci.pem --out x.req --list bad-list
chmod 644 stranger.pem
refuses "a key that others can read" 1 HOST-SECRET-MODE create \
    --requester-key stranger.pem --out x.req notes.txt
chmod 600 stranger.pem
refuses "a key that is none" 3 HOST-KEY create --requester-key notes.txt \
    --out x.req notes.txt
printf 'secret\n' >phrase
openssl pkey -in ci.pem -aes256 -passout pass:secret -out ci-enc.pem
refuses "an encrypted key without its pass phrase" 3 HOST-KEY create \
    --requester-key ci-enc.pem --out x.req notes.txt
exits "an encrypted key with it" 0 create --requester-key ci-enc.pem \
    --pin-file phrase --out e.req notes.txt
printf 'a\nb\n' >two-lines
refuses "a PIN file of two lines" 3 HOST-PIN-FILE create \
    --requester-key ci-enc.pem --pin-file two-lines --out x.req notes.txt
exits "requester key on a token" 0 create --requester-key "$uri" \
    --module "$module" --pin-file pin --out t.req notes.txt

exits "for a branch, in an emergency, without the artifacts" 0 create \
    --requester-key ci.pem --branch main --break-glass "the line stands" \
    --digest-only --out d.req notes.txt firmware.bin
is "--digest-only leaves the artifacts out" "$(tar -tf d.req)" \
    "$(printf 'manifest\ntype\nrequest.dsse')"
refuses "an empty reason" 2 USAGE create --requester-key ci.pem \
    --break-glass "" --out x.req notes.txt

# --- request show --------------------------------------------------------
run "$cs" request show r.req --json
is "show: three artifacts" "$(jq '.artifacts | length' <<<"$tap_out")" 3
is "show: sha256" "$(jq -r '.artifacts[0].digest.sha256' <<<"$tap_out")" \
    "$(sha256sum firmware.bin | cut -d ' ' -f 1)"
is "show: sha384" "$(jq -r '.artifacts[0].digest.sha384' <<<"$tap_out")" \
    "$(sha384sum firmware.bin | cut -d ' ' -f 1)"
is "show: sha512" "$(jq -r '.artifacts[0].digest.sha512' <<<"$tap_out")" \
    "$(sha512sum firmware.bin | cut -d ' ' -f 1)"
is "show: signer" "$(jq -r '.signed_by[0]' <<<"$tap_out")" \
    "$(openssl pkey -in ci.pem -pubout -outform DER | sha256sum |
    cut -d ' ' -f 1)"
is "show --json is canonical" "$tap_out" "$(jq -cS . <<<"$tap_out")"
is "show: no branch, no reason" "$(jq -c '[.branch, ."break-glass"]' \
    <<<"$tap_out")" '[null,null]'
run "$cs" request show d.req
like "show: branch" "$tap_out" "branch *main"
like "show: break-glass" "$tap_out" "break-glass *the line stands"
like "show: artifacts are not there" "$tap_out" "NOT in this bundle"
run "$cs" request show r.req
like "show: origin" "$tap_out" "pipeline *https://ci.example/1"
head -c 2000000 r.req >short.req
exits "a bundle cut short" 3 "$cs" request show short.req
cp r.req long.req
printf x >>long.req
exits "a byte after the end" 3 "$cs" request show long.req
cp r.req flipped.req
head -c 512 /dev/zero | dd of=flipped.req bs=1 seek=2000000 conv=notrunc \
    2>/dev/null
exits "a changed artifact" 3 "$cs" request show flipped.req
exits "not a bundle" 3 "$cs" request show policy.json
# stock tar makes the same bytes; so it can make bundles with a part missing
repack() { # from to member-to-drop
	rm -rf repack
	mkdir repack
	tar -C repack -xf "$1"
	sed -i "\\|  $3\$|d" repack/manifest
	{ echo manifest; sed 's/^.*  //' repack/manifest; } >members
	stock_tar -C repack --no-recursion -cf "$2" -T members
}
repack r.req same.req nothing
ok "stock tar makes the same bundle" cmp r.req same.req

# --- request check -------------------------------------------------------
check() {
	"$cs" request check --policy policy.dsse "$@"
}
exits "check: accepted" 0 check r.req
like "check: what is needed" "$tap_out" "approvals *2 from approver"
like "check: lists what passed" "$tap_out" "pass  REQ-SIGNATURE"
run check r.req --json
is "check --json" "$(jq -c '[.accepted,.approvals,.approver_roles,.rule]' \
    <<<"$tap_out")" '[true,2,["approver"],"router-release"]'
failing() {
	jq -r '.checks[] | select(.pass | not) | .id' | sort | tr '\n' ' '
}
run check d.req --json
is "check: no digest only, no break-glass" "$(failing <<<"$tap_out")" \
    "ARTIFACT-MISSING ARTIFACT-MISSING POLICY-BREAK-GLASS "
refuses "check: another product" 1 REQUEST-REFUSED "$cs" request check \
    --policy policy2.dsse r.req
run "$cs" request check --policy policy2.dsse r.req --json
like "and says which check" "$(failing <<<"$tap_out")" "POLICY-PRODUCT"
create --requester-key stranger.pem --out s.req notes.txt >/dev/null
run check s.req --json
is "check: a stranger exits 1" "$tap_status" 1
like "check: a stranger" "$(failing <<<"$tap_out")" "REQ-SIGNATURE"
create --requester-key alice.pem --out a.req notes.txt >/dev/null
run check a.req --json
like "check: an approver is no requester" "$(failing <<<"$tap_out")" \
    "REQ-REQUESTER"
"$cs" request create --product router --version 1 --key nokey --format raw \
    --requester-key ci.pem --out k.req notes.txt >/dev/null
run check k.req --json
like "check: no such key" "$(failing <<<"$tap_out")" "POLICY-KEY"
"$cs" request create --product router --version 1 --key fw-p256 --format cms \
    --requester-key ci.pem --out f.req notes.txt >/dev/null
run check f.req --json
like "check: another format" "$(failing <<<"$tap_out")" "POLICY-FORMAT"
part() { # folder, file
	printf '%s/%s' "$1" "$(sha256sum "$2" | cut -d ' ' -f 1)"
}
repack r.req noev.req "$(part evidence evidence.json)"
run check noev.req --json
like "check: evidence is missing" "$(failing <<<"$tap_out")" \
    "REQUEST-EVIDENCE"
repack r.req noart.req "$(part artifacts notes.txt)"
run check noart.req --json
like "check: an artifact is missing" "$(failing <<<"$tap_out")" \
    "ARTIFACT-MISSING"
run "$cs" request show noart.req
like "show says so" "$tap_out" "NOT in this bundle"
refuses "check: a policy with a signature missing" 1 POLICY-SIGNATURE \
    "$cs" request check --policy half.dsse r.req

# --- media ---------------------------------------------------------------
exits "media write to a new image" 0 "$cs" media write in.img r.req
exits "media read back" 0 "$cs" media read in.img --file COLDSEAL.REQ \
    --out back.req
ok "the same bytes" cmp r.req back.req
mkdir stick
exits "media write to a folder" 0 "$cs" media write stick r.req
ok "the same bytes" cmp r.req stick/COLDSEAL.REQ
exits "media read from a folder" 0 "$cs" media read stick \
    --file COLDSEAL.REQ --out back2.req
refuses "a full stick" 3 MEDIA-SPACE env CS_DISK=full CS_DISK_AT=1 \
    LD_PRELOAD="$tools/fake_disk.so" "$cs" media write stick f.req
ok "the old bundle is still there" cmp r.req stick/COLDSEAL.REQ
is "and nothing else" "$(ls stick)" COLDSEAL.REQ
refuses "a size that is too small" 3 MEDIA-SPACE "$cs" media write \
    small.img r.req --size 1
refuses "no such file on it" 3 MEDIA-NO-FILE "$cs" media read in.img \
    --out x.rsp
ok "and nothing is written" sh -c '! ls x.rsp* 2>/dev/null | grep .'
refuses "a character device" 1 HOST-BLOCK-DEVICE "$cs" media write \
    /dev/null r.req
refuses "a pipe" 1 HOST-BLOCK-DEVICE "$cs" media read /dev/zero --out x.rsp
refuses "--confirm without a device" 2 USAGE "$cs" media write x.img r.req \
    --confirm x
exits "media check" 0 "$cs" media check in.img
like "it says what the appliance would" "$tap_out" \
    "^verdict +request: the appliance reads it"
run "$cs" media check in.img --json
is "media check --json" "$(jq -r '.file + " " + .manifest' <<<"$tap_out")" \
    "COLDSEAL.REQ $(tar xOf r.req manifest | sha256sum | cut -d ' ' -f 1)"
is "with every member" "$(jq -r '.members | length' <<<"$tap_out")" \
    "$(($(tar tf r.req | wc -l) - 1))"
exits "media check of a folder" 0 "$cs" media check stick
truncate -s 34M blank.img
refuses "media check of a blank medium" 3 MEDIA-EMPTY "$cs" media check \
    blank.img
cp in.img torn.img
offset=$(grep -abo request.dsse in.img | sed -n 2p | cut -d : -f 1)
printf x | dd of=torn.img bs=1 seek=$((offset + 600)) conv=notrunc 2>/dev/null
refuses "media check of other content" 3 BUNDLE-HASH "$cs" media check torn.img
exits "a broken bundle is not written" 3 "$cs" media write x.img short.req
ok "and nothing is written" test ! -e x.img
cp r.req stick/COLDSEAL.RSP
refuses "a request is not read as a response" 3 BUNDLE-TYPE "$cs" media \
    read stick --out x.rsp
ok "and nothing is written" sh -c '! ls x.rsp* 2>/dev/null | grep .'
refuses "a wrong --size" 2 USAGE "$cs" media write x.img r.req --size 1k
refuses "a wrong --file" 2 USAGE "$cs" media read in.img --file X --out y

# --- a stick, as a block device: a loop device, where one can be had --------
truncate -s 48M stick.img
mkfs.fat -F 32 -n HOLIDAYS stick.img >/dev/null
cp stick.img before.img
if loop=$(losetup -f --show stick.img 2>/dev/null); then
	refuses "a device that nobody confirmed" 1 HOST-CONFIRM "$cs" media \
	    write "$loop" r.req </dev/null
	like "it is shown" "$tap_out" "^holds +FAT32 volume HOLIDAYS"
	like "with its size" "$tap_out" "^size +50331648 bytes"
	like "and what --confirm must be" "$tap_out" "^identity +.*stick.img"
	refuses "another identity" 1 HOST-CONFIRM "$cs" media write "$loop" \
	    r.req --confirm other
	refuses "--json asks nobody" 1 HOST-CONFIRM "$cs" media write "$loop" \
	    r.req --json
	refuses "--size for a device" 2 USAGE "$cs" media write "$loop" r.req \
	    --size 40 --confirm "$PWD/stick.img"
	ok "nothing was written" cmp stick.img before.img
	exits "the device's own" 0 "$cs" media write "$loop" r.req --json \
	    --confirm "$(readlink -f stick.img)"
	is "and it is named" "$(jq -r .device <<<"$tap_out")" \
	    "$(basename "$loop")"
	exits "media check of it" 0 "$cs" media check "$loop"
	exits "media read of it" 0 "$cs" media read "$loop" \
	    --file COLDSEAL.REQ --out loop.req
	ok "the same bytes" cmp r.req loop.req
	exits "the name typed on a terminal" 0 script -qec \
	    "'$cs' media write $loop r.req" /dev/null <<<"$(basename "$loop")"
	exits "another typed" 1 script -qec \
	    "'$cs' media write $loop r.req" /dev/null <<<yes
	mkfs.ext4 -q "$loop"
	mkdir mnt
	if mount "$loop" mnt 2>/dev/null; then
		refuses "a mounted one" 1 HOST-DEVICE-BUSY "$cs" media write \
		    "$loop" r.req --confirm "$(readlink -f stick.img)"
		like "where" "$tap_err" "mounted at .*/mnt"
		umount mnt
	fi
	losetup -d "$loop"
	ok "fsck finds nothing" sh -c "
	    '$cs' media write stick.img r.req >/dev/null &&
	    fsck.fat -n stick.img"
else
	diag "no loop device: test_blockdev has the same without one"
fi

# --- responses -----------------------------------------------------------
answer() { # variant
	"$tools/mkresp" r.req policy.dsse "$origin" fw.pem record.pem \
	    "rsp-$1" "aud-$1" "$1"
}
verify() { # bundle [option ...]
	"$cs" response verify --policy policy.dsse --record-key record.pub \
	    --log-key log.vkey "$@"
}
ok "mkresp" answer good
exits "response verify" 0 verify rsp-good
refuses "a response is not written as a request" 3 BUNDLE-TYPE "$cs" media \
    write x.img rsp-good
exits "with artifacts" 0 verify rsp-good --artifact firmware.bin \
    --artifact empty
exits "with the audit bundle" 0 verify rsp-good --audit aud-good
like "it says that the entries agree" "$tap_out" "pass  RESPONSE-LEAF"
run verify rsp-good --json
is "verify --json" "$(jq -r .verdict <<<"$tap_out")" verified
refuses "another artifact" 1 RESPONSE-NOT-VERIFIED verify rsp-good \
    --artifact sub/notes.txt
run verify rsp-good --artifact sub/notes.txt --json
is "and says which check" "$(failing <<<"$tap_out")" "RESPONSE-ARTIFACT "
refuses "another record key" 1 RESPONSE-NOT-VERIFIED "$cs" response verify \
    --policy policy.dsse --record-key stranger.pub --log-key log.vkey \
    rsp-good
expect() { # variant CHECK-ID [option ...]
	local v=$1 id=$2
	shift 2
	answer "$v" || bail "mkresp $v"
	run verify "rsp-$v" --json "$@"
	is "response, $v: exit 1" "$tap_status" 1
	like "response, $v: $id" "$(failing <<<"$tap_out")" "$id"
}
expect cosigned RESPONSE-RECORD
expect signature RESPONSE-SIGNATURE
expect bytes RESPONSE-BYTES
expect index RESPONSE-PROOF
expect origin RESPONSE-ORIGIN
expect approvals RESPONSE-APPROVALS
expect leaf RESPONSE-LEAF --audit aud-leaf
expect event RESPONSE-LEAF --audit aud-event
expect inclusion RESPONSE-LEAF --audit aud-inclusion
run "$cs" response verify --policy policy2.dsse --record-key record.pub \
    --log-key log.vkey rsp-good --json
like "under another policy" "$(failing <<<"$tap_out")" "RESPONSE-POLICY"
like "with a key that is not in it" "$(failing <<<"$tap_out")" "RESPONSE-KEY"
run "$cs" response verify --policy policy.dsse --record-key record.pub \
    --log-key other.vkey rsp-good --json
like "another log's key: the proofs" "$(failing <<<"$tap_out")" \
    "RESPONSE-PROOF"
like "another log's key: the origin" "$(failing <<<"$tap_out")" \
    "RESPONSE-ORIGIN"
like "another log's key: the checkpoint" "$(failing <<<"$tap_out")" "NOTE-KEY"
answer members
refuses "a missing part" 3 RESPONSE-MEMBERS verify rsp-members
answer refusal
refuses "a refusal exits 1" 1 RESPONSE-REFUSAL verify rsp-refusal
like "and is shown in words" "$tap_out" "no rule of the policy"
refuses "a refusal signed by a stranger" 1 RESPONSE-RECORD "$cs" response \
    verify --policy policy.dsse --record-key stranger.pub \
    --log-key log.vkey rsp-refusal
refuses "a refusal by another appliance" 1 RESPONSE-ORIGIN "$cs" response \
    verify --policy policy.dsse --record-key record.pub \
    --log-key other.vkey rsp-refusal
refuses "no signatures in a refusal" 1 RESPONSE-REFUSAL "$cs" response \
    extract rsp-refusal --out refused
exits "a request is not a response" 3 verify r.req

exits "response extract" 0 "$cs" response extract rsp-good --out out
openssl pkey -in fw.pem -pubout -out fw.pub
ok "stock openssl verifies it" openssl dgst -sha256 -verify fw.pub \
    -signature out/firmware.bin.sig firmware.bin
ok "proof beside it" test -s out/firmware.bin.sig.tlog-proof
ok "record" test -s out/record.dsse
refuses "nothing is overwritten" 4 HOST-EXISTS "$cs" response extract \
    rsp-good --out out
install() { # response artifact out [option ...]
	"$cs" response install --policy policy.dsse --response "$1" \
	    --out "$3" "${@:4}" "$2"
}
exits "response install" 0 install rsp-good firmware.bin put
like "of a detached signature" "$tap_out" "nothing to install, here is the file"
ok "it writes the signature" cmp put out/firmware.bin.sig
refuses "over no file" 4 HOST-EXISTS install rsp-good firmware.bin put
exits "unless told" 0 install rsp-good firmware.bin put --force
refuses "for no other artifact" 1 RESPONSE-ARTIFACT install rsp-good \
    sub/notes.txt no
refuses "with no other policy's key" 1 RESPONSE-KEY "$cs" response install \
    --policy policy2.dsse --response rsp-good --out no firmware.bin
refuses "no signature that does not verify" 1 SIG-BAD install \
    rsp-signature firmware.bin no
refuses "none of a refusal" 1 RESPONSE-REFUSAL install rsp-refusal \
    firmware.bin no
ok "and then there is no file" test ! -e no
printf 'firmware.bin\t../../etc/x y\nnotes.txt\t..--etc-x_y\n' >odd-list
create --requester-key ci.pem --out odd.req --list odd-list >/dev/null
"$tools/mkresp" odd.req policy.dsse "$origin" fw.pem record.pem rsp-odd \
    aud-odd
exits "names that try to leave the folder" 0 "$cs" response extract \
    rsp-odd --out odd
ok "they are made harmless" test -e odd/_._.._etc_x_y.sig
printf 'firmware.bin\ta b\nnotes.txt\ta_b\n' >odd-list
create --requester-key ci.pem --out odd.req --list odd-list >/dev/null
"$tools/mkresp" odd.req policy.dsse "$origin" fw.pem record.pem rsp-odd \
    aud-odd
refuses "names that become the same" 4 HOST-EXISTS "$cs" response extract \
    rsp-odd --out odd2

# --- audit ---------------------------------------------------------------
log() { # leaves out [variant at]
	"$tools/mklog" "$origin" "$@" || bail "mklog $*"
}
import() { # bundle
	"$cs" audit import --db audit.db --log-key log.vkey "$@"
}
state() {
	sqlite3 audit.db 'SELECT count(*), max(idx) FROM event' \
	    'SELECT count(*), max(size) FROM checkpoint' | tr '\n' ' '
}
forget() {
	rm -rf audit.db audit.db.tiles
}
verdict() { # bundle
	run import "$1" --json
	jq -r .verdict <<<"$tap_out"
}
log 300 a300
log 700 a700
log 700 f700 fork 650
log 700 f299 fork 299
log 250 f250 fork 200
log 700 t700 tamper 400
log 700 h700 hash 310
log 700 m700 missing 690
log 700 c700 form 500
log 700 r700 root 0
exits "audit verify" 0 "$cs" audit verify a700 --log-key log.vkey
refuses "verify: a changed leaf" 1 LOG-TAMPER "$cs" audit verify t700 \
    --log-key log.vkey
like "and which" "$tap_err" "leaf 400"
repack a300 nocp checkpoint
exits "verify: no checkpoint in it" 3 "$cs" audit verify nocp \
    --log-key log.vkey
refuses "verify: another log's key" 1 NOTE-KEY "$cs" audit verify a700 \
    --log-key other.vkey
refuses "verify: another root was signed" 1 AUDIT-ROOT "$cs" audit verify \
    r700 --log-key log.vkey
refuses "verify: no canonical leaf" 1 AUDIT-LEAF "$cs" audit verify c700 \
    --log-key log.vkey
is "import: OK" "$(verdict a300)" OK
is "300 leaves" "$(state)" "300|299 1|300 "
is "import again: DUPLICATE" "$(verdict a300)" DUPLICATE
exits "and exits 0" 0 import a300
before=$(sqlite3 audit.db .dump | sha256sum)
is "import: TAMPER" "$(verdict t700)" TAMPER
refuses "names the leaf" 1 LOG-TAMPER import t700
like "leaf 400" "$tap_err" "leaf 400"
is "import: a changed hash: TAMPER" "$(verdict h700)" TAMPER
is "import: lost entries: TAMPER" "$(verdict m700)" TAMPER
is "import: another root: TAMPER" "$(verdict r700)" TAMPER
refuses "and says so" 1 AUDIT-ROOT import r700
is "import: a leaf that is not canonical: TAMPER" "$(verdict c700)" TAMPER
refuses "import: another log's key" 1 NOTE-KEY "$cs" audit import a700 \
    --db audit.db --log-key other.vkey
is "nothing has changed" "$(sqlite3 audit.db .dump | sha256sum)" "$before"
is "import of more: OK" "$(verdict a700)" OK
is "700 leaves" "$(state)" "700|699 2|700 "
is "import of less: STALE" "$(verdict a300)" STALE
exits "and exits 0" 0 import a300
like "with a word on rollback" "$tap_out" "rolled back"
before=$(sqlite3 audit.db '.dump event checkpoint' | sha256sum)
is "import: FORK at the same size" "$(verdict f700)" FORK
refuses "and exits 1" 1 AUDIT-FORK import f700
is "import: FORK at a smaller size" "$(verdict f250)" FORK
is "accepted leaves stay" \
    "$(sqlite3 audit.db '.dump event checkpoint' | sha256sum)" "$before"
is "both notes of each are kept, once" \
    "$(sqlite3 audit.db 'SELECT count(*) FROM fork')" 2
refuses "status: exit 1 after a fork" 1 AUDIT-FORK "$cs" audit status \
    --db audit.db
forget
verdict a300 >/dev/null
is "import: FORK below the accepted size" "$(verdict f299)" FORK
is "and its leaves are not taken" "$(state)" "300|299 1|300 "

forget
verdict a700 >/dev/null
run "$cs" audit status --db audit.db --json
is "status --json" "$(jq -c '[.leaves,.imports,.forks,.sound]' \
    <<<"$tap_out")" '[700,1,0,true]'
is "fields of a leaf" "$(sqlite3 audit.db \
    "SELECT event, boot, claimed, person, product, signing_key
    FROM v_events WHERE idx = 3")" "signature|1|1795000003|alice|router|fw-p256"
is "no raw leaf in it" "$(grep -c '"boot":' audit.db)" 0
is "journal mode" "$(sqlite3 audit.db 'PRAGMA journal_mode')" delete
is "application id" "$(sqlite3 audit.db 'PRAGMA application_id')" 1129529685
sqlite3 audit.db "UPDATE checkpoint SET edge = replace(edge, 'a', 'b')"
refuses "status: a damaged database" 3 AUDIT-DB-FORMAT "$cs" audit status \
    --db audit.db
refuses "import into it: not a FORK" 3 AUDIT-DB-FORMAT import a300
forget
"$tools/mklog" other.example/log 10 o10
"$cs" audit import o10 --db audit.db --log-key other.vkey >/dev/null
refuses "a database of another log" 1 AUDIT-OTHER-LOG import a300
forget
sqlite3 audit.db 'CREATE TABLE x(y)'
refuses "another program's database" 3 AUDIT-DB-FORMAT import a300
printf 'no database at all, just some text that is long enough\n' >audit.db
exits "no database at all" 4 import a300
refuses "no database there" 4 AUDIT-DB "$cs" audit status --db nothing.db
mkdir folder
tar -C folder -xf a700
forget
is "import of an unpacked bundle" "$(verdict folder)" OK
rm -f folder/tile/0/001
is "import with a lost tile: TAMPER" "$(verdict folder)" TAMPER

# --- two signatures on a checkpoint --------------------------------------
# The second line is made with stock openssl: signed-note type 0x02.
vkey2() { # name pem [type]
	local der id
	openssl pkey -in "$2" -pubout -outform DER >vkey2.der
	der=$( (printf "\\x${3:-02}"; cat vkey2.der) | base64 -w 0)
	id=$(sha256sum vkey2.der | cut -c 1-8)
	printf '%s+%s+%s\n' "$1" "$id" "$der"
}
line2() { # name pem text-file [byte to add in hex]
	openssl pkey -in "$2" -pubout -outform DER | sha256sum |
	    cut -c 1-8 | sed 's/../\\x&/g' >id2
	printf "\xe2\x80\x94 %s %s\n" "$1" "$( (printf "$(cat id2)"
	    openssl dgst -sha256 -sign "$2" "$3"
	    [ -z "${4:-}" ] || printf "\\x$4") | base64 -w 0)"
}
folder2() { # name: a folder whose checkpoint is on stdin
	rm -rf "$1"
	mkdir "$1"
	tar -C "$1" -xf a300
	cat >"$1/checkpoint"
}
pem tpm p256
pem tpm2 p256
pem tpm384 p384
mkdir one
tar -C one -xf a300
head -n 3 one/checkpoint >text
(cat log.vkey; vkey2 "$origin" tpm.pem) >both.vkey
vkey2 "$origin" tpm.pem >tpm.vkey
(cat one/checkpoint; line2 "$origin" tpm.pem text) | folder2 two
(head -n 4 one/checkpoint; line2 "$origin" tpm.pem text) | folder2 second
exits "two lines, two keys" 0 "$cs" audit verify two --log-key both.vkey
is "it names two keys" "$(grep -c 'log key' <<<"$tap_out")" 2
(vkey2 "$origin" tpm.pem; cat log.vkey) >turned.vkey
exits "in either order" 0 "$cs" audit verify two --log-key turned.vkey
(printf '%s' "$(cat both.vkey)") >open.vkey
exits "without the last newline" 0 "$cs" audit verify two --log-key open.vkey
exits "two lines, the first key" 0 "$cs" audit verify two --log-key log.vkey
exits "two lines, the second key" 0 "$cs" audit verify two --log-key tpm.vkey
exits "the second line, its key" 0 "$cs" audit verify second \
    --log-key tpm.vkey
exits "one line, its key" 0 "$cs" audit verify one --log-key log.vkey
run "$cs" audit verify two --log-key both.vkey --json
is "verify --json" "$(jq -c .keys <<<"$tap_out")" '["Ed25519","ECDSA P-256"]'
refuses "one line, two keys" 1 NOTE-ECDSA-MISSING "$cs" audit verify one \
    --log-key both.vkey
refuses "the second line, two keys" 1 NOTE-ED25519-MISSING "$cs" audit \
    verify second --log-key both.vkey
refuses "one line, the second key" 1 NOTE-KEY "$cs" audit verify one \
    --log-key tpm.vkey
(cat log.vkey; vkey2 "$origin" tpm2.pem) >wrong.vkey
refuses "two lines, another second key" 1 NOTE-ECDSA-MISSING "$cs" audit \
    verify two --log-key wrong.vkey
sed 2s/300/299/ text >text299
(cat one/checkpoint; line2 "$origin" tpm.pem text299) | folder2 bad
refuses "a second line over another text" 1 NOTE-ECDSA-SIGNATURE "$cs" \
    audit verify bad --log-key both.vkey
exits "which the first key does not see" 0 "$cs" audit verify bad \
    --log-key log.vkey
(cat one/checkpoint; line2 "$origin" tpm.pem text 00) | folder2 long
refuses "a byte after the second signature" 1 NOTE-ECDSA-SIGNATURE "$cs" \
    audit verify long --log-key both.vkey
(cat text299; tail -n +4 one/checkpoint; line2 "$origin" tpm.pem text299) |
    folder2 badfirst
refuses "a first line over another text" 1 NOTE-SIGNATURE "$cs" audit \
    verify badfirst --log-key both.vkey
(cat one/checkpoint; line2 other.example/log tpm.pem text) | folder2 named
refuses "a second line in another name" 1 NOTE-ECDSA-MISSING "$cs" audit \
    verify named --log-key both.vkey

keys() { # name exit ID: a key file on stdin
	cat >set.vkey
	refuses "$1" "$2" "$3" "$cs" audit verify two --log-key set.vkey
}
keys "the first key twice" 3 NOTE-VKEYS-DUPLICATE < \
    <(cat log.vkey log.vkey)
keys "the second key twice" 3 NOTE-VKEYS-DUPLICATE < \
    <(cat tpm.vkey tpm.vkey)
keys "a third line" 3 NOTE-VKEYS-DUPLICATE < \
    <(cat both.vkey log.vkey)
keys "a third key" 3 NOTE-VKEYS-TYPE < \
    <(cat both.vkey; vkey2 "$origin" tpm2.pem)
keys "two of one type" 3 NOTE-VKEYS-TYPE < \
    <(cat tpm.vkey; vkey2 "$origin" tpm2.pem)
keys "of two logs" 3 NOTE-VKEYS-NAME < \
    <(cat log.vkey; vkey2 other.example/log tpm.pem)
keys "an unknown type" 3 NOTE-VKEY-TYPE < \
    <(cat log.vkey; vkey2 "$origin" tpm.pem 06)
keys "P-384" 3 NOTE-VKEY < \
    <(cat log.vkey; vkey2 "$origin" tpm384.pem)
keys "another key ID" 3 NOTE-VKEY < \
    <(cat log.vkey; vkey2 "$origin" tpm.pem | sed 's/+......../+00000000/')
keys "an empty line" 3 NOTE-VKEY < \
    <(cat log.vkey; echo; cat tpm.vkey)
keys "an empty file" 3 NOTE-VKEY < \
    <(printf '')

# mklog's own second key: import, status, responses and their proofs
"$tools/mklog" --vkeys "$origin" >two.vkey
"$tools/mklog" --two "$origin" 700 two700 || bail "mklog --two"
import2() { # bundle keys
	"$cs" audit import "$1" --db two.db --log-key "$2"
}
exits "import with two keys" 0 import2 two700 two.vkey
like "OK" "$tap_out" "OK"
run "$cs" audit status --db two.db --json
is "status knows both" "$(jq -c '[.keys,.sound]' <<<"$tap_out")" \
    '[["Ed25519","ECDSA P-256"],true]'
refuses "import with two keys of one line" 1 NOTE-ECDSA-MISSING import2 \
    a700 two.vkey
refuses "import into it with one key" 1 AUDIT-OTHER-KEYS import2 two700 \
    log.vkey
sqlite3 two.db "UPDATE checkpoint SET note = '$(tar -xOf a700 checkpoint)
'"
refuses "status: the stored note lost a line" 1 NOTE-ECDSA-MISSING "$cs" \
    audit status --db two.db
rm -rf two.db two.db.tiles
import2 a700 log.vkey >/dev/null
refuses "import of two into a database of one" 1 AUDIT-OTHER-KEYS import2 \
    two700 two.vkey
verify2() { # keys bundle [option ...]
	"$cs" response verify --policy policy.dsse --record-key record.pub \
	    --log-key "$1" "${@:2}"
}
ok "mkresp two" answer two
exits "response verify with two keys" 0 verify2 two.vkey rsp-two \
    --audit aud-two
exits "and with one" 0 verify2 log.vkey rsp-two --audit aud-two
run verify2 two.vkey rsp-good --json
is "a response with one line, two keys" "$tap_status" 1
like "its proofs" "$(failing <<<"$tap_out")" RESPONSE-PROOF
like "its checkpoint" "$(failing <<<"$tap_out")" NOTE-ECDSA-MISSING
refuses "its audit bundle" 1 NOTE-ECDSA-MISSING verify2 two.vkey rsp-two \
    --audit aud-good

# --- a large batch -------------------------------------------------------
mkdir many
for i in $(seq 2000); do
	printf '%s\n' "$i" >"many/f$i"
done
find many -type f >many.list
exits "2,000 artifacts" 0 create --requester-key ci.pem --out many.req \
    --list many.list
exits "check of 2,000" 0 check many.req
"$tools/mkresp" many.req policy.dsse "$origin" fw.pem record.pem rsp-many \
    aud-many
exits "verify of 2,000" 0 verify rsp-many --audit aud-many
seq -f 'many/f%.0f' 10001 >over.list
refuses "more than 10,000" 3 HOST-LIMIT create --requester-key ci.pem \
    --out x.req --list over.list
done_testing
