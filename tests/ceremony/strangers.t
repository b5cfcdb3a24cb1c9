#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Strangers' tools on the bundle of a real ceremony: the README's own commands,
# one after the other; then each of them on something that was changed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
CS_TOP=${CS_TOP:-$(cd "$here/../.." && pwd)}
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/story.sh"
. "$here/../lib/verify.sh"
con_work str
story

# the folder that make demo leaves, as far as the commands know it
good=$work/good
mkdir "$good"
cp -r "$work/audit.bundle" "$CON_DIR/state/enrol" "$here/../lib/gocheck.go" \
    "$work/signed/firmware.bin" "$work"/signed/fw-* "$good"
coldseal audit import "$good/audit.bundle" --db "$good/audit.db" \
    --log-key "$work/log.vkey" >/dev/null || bail "no import"
export GOCACHE=$work/go GOFLAGS= GO111MODULE=off GOPATH=/usr/share/gocode

# the state of a shell that typed the blocks before: only $good, digest,
# index, tile and leaves() go from one to the next
stranger() { # FOLDER BLOCK...
	(
		cd "$1" || exit 99
		shift
		for n; do
			verify_block "$n" || exit 99
		done >"$work/typed"
		bash -euo pipefail "$work/typed"
	)
}

# --- a timestamping authority ------------------------------------------------
tsa=$work/tsa
mkdir "$tsa"
echo 01 >"$tsa/serial"
cat >"$tsa/cnf" <<END
[tsa]
default_tsa = own
[own]
serial = $tsa/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ordering = yes
tsa_name = no
ess_cert_id_alg = sha256
END
{
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tsa/ca.key" \
	    -out "$tsa/ca.pem" -subj "/CN=Test CA" -days 2 &&
	openssl req -newkey rsa:2048 -nodes -keyout "$tsa/key" \
	    -out "$tsa/csr" -subj "/CN=Test TSA" &&
	openssl x509 -req -in "$tsa/csr" -CA "$tsa/ca.pem" \
	    -CAkey "$tsa/ca.key" -out "$tsa/pem" -days 2 -set_serial 2 \
	    -extfile <(echo extendedKeyUsage=critical,timeStamping)
} >"$tsa/log" 2>&1 || bail "no authority: $(cat "$tsa/log")"
stamp() { # FOLDER
	openssl ts -reply -config "$tsa/cnf" -queryfile "$1/checkpoint.tsq" \
	    -signer "$tsa/pem" -inkey "$tsa/key" -out "$1/checkpoint.tsr"
}
cp "$tsa/ca.pem" "$good/tsa.pem"

# --- every command of the README ---------------------------------------------
blocks=$(verify_count)
is "the README has this many blocks" "$blocks" 13
said=("")
for n in $(seq 1 "$blocks"); do
	[ "$n" != 12 ] || stamp "$good" 2>"$work/ts.log" ||
	    bail "no timestamp: $(cat "$work/ts.log")"
	exits "$n: $(verify_block "$n" | sed -n '1s/^# //p')" 0 \
	    stranger "$good" "$n"
	said[n]=$tap_out
done
like "openssl: the checkpoint" "${said[2]}" 'Signature Verified Successfully'
like "jq: requester and approvers" "$(jq -r '[.requester,
    .approvers[].person] | join(" ")' <<<"${said[6]}")" '^ci alice bob$'
like "Go: all leaves" "${said[8]}" "ok: $(wc -l <"$good/leaves.jsonl") leaves"
like "Go: the proof" "${said[8]}" 'ok: leaf [0-9]+ of '
is "openssl: four raw signatures" "$(grep -c '^Verified OK' <<<"${said[9]}")" 4

is "sqlite3: a row for each signature of the file" \
    "$(grep -c ' router-release ' <<<"${said[13]}")" 6

# --- each of them on something that was changed ------------------------------
flip() { # FILE OFFSET: one bit of that byte
	local b
	chmod u+w "$1" && b=$(od -An -j "$2" -N 1 -t u1 "$1") || return 1
	printf '%b' "\\x$(printf %02x $((b ^ 1)))" |
	    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
caught() { # NAME BLOCK FILE OFFSET
	rm -rf "$work/bad"
	cp -r "$good" "$work/bad"
	flip "$work/bad/$3" "$4" || bail "no $3"
	run stranger "$work/bad" "$2"
	is "$2: $1" "$((tap_status != 0))" 1
}
member() { # NAME: where its content is in the bundle
	local at
	at=$(tar -tRf "$good/audit.bundle" | awk -v m="$1" '$3 == m {
	    print $2 }')
	echo $((${at%:} * 512 + 512))
}
one() { # GLOB below bundle/: the only file there
	(cd "$good" && find $1 -type f)
}
end_of() { # FILE BYTES: offset of that many bytes before its end
	echo $(($(stat -c %s "$good/$1") - $2))
}
entries=$(one bundle/tile/entries)
tiles=$(one 'bundle/tile/0/000*')
leaf=$(($(grep -nxFf "$good/leaf" "$good/leaves.jsonl" | cut -d : -f 1) - 1))
caught "a member that changed" 1 audit.bundle "$(member policy.dsse)"
caught "a checkpoint with another origin" 2 bundle/checkpoint 0
caught "a checkpoint by another key" 2 enrol/log.vkey \
    $(($(sed -n 1p "$good/enrol/log.vkey" | wc -c) - 6))
caught "another root under the TPM's key" 3 note.txt "$(end_of note.txt 10)"
caught "a quote over another checkpoint" 4 bundle/checkpoint 0
caught "a leaf that is not canonical" 5 "$entries" 2
caught "another file" 6 firmware.bin 0
caught "another signature than the log's" 6 fw-p256/firmware.bin.sig 20
caught "another hash in the tile" 7 "$tiles" $((leaf * 32))
caught "Go: a tile that changed" 8 "$tiles" $((leaf * 32))
caught "Go: a leaf that changed" 8 "$entries" 40
caught "Go: a proof of another leaf" 8 leaf 5
caught "Go: a checkpoint that changed" 8 bundle/checkpoint 2
caught "raw: another file" 9 firmware.bin 0
caught "Ed25519 and CMS: another file" 10 firmware.bin 0
caught "CMS: another signature" 10 fw-cms/firmware.bin.p7s \
    "$(end_of fw-cms/firmware.bin.p7s 10)"
caught "a date for another checkpoint" 12 bundle/checkpoint 0
caught "Go: the auditor's folder" 13 "audit.db.tiles/${tiles#bundle/}" 40
caught "sqlite3: a damaged database" 13 audit.db 20

# --- the log only grows ------------------------------------------------------
go build -o "$work/gocheck" "$good/gocheck.go" || bail "go"
unpack() { # BUNDLE FOLDER
	mkdir "$2" && tar -C "$2" -xf "$1" || bail "no $1"
}
mklog() { "$CS_TEST_BIN/mklog" "$@" || bail "mklog"; }
unpack "$work/early.bundle" "$work/early"
exits "Go: consistent with an earlier bundle" 0 "$work/gocheck" grow \
    "$work/early" "$good/bundle" "$work/log.vkey"
like "which was shorter" "$tap_out" "ok: [0-9]+ leaves grew to"
mklog "$(head -n 1 "$good/note.txt")" 5 "$work/other.bundle"
unpack "$work/other.bundle" "$work/other"
exits "Go: a log of that name by another key" 1 "$work/gocheck" log \
    "$work/other" "$work/log.vkey"
mklog fork.example 30 "$work/short.bundle" fork 3
mklog fork.example 60 "$work/long.bundle"
mklog --vkeys fork.example >"$work/fork.vkey"
unpack "$work/short.bundle" "$work/short"
unpack "$work/long.bundle" "$work/long"
exits "Go: each side of a fork is a log" 0 "$work/gocheck" log "$work/short" \
    "$work/fork.vkey"
exits "Go: but one is not the beginning of the other" 1 "$work/gocheck" grow \
    "$work/short" "$work/long" "$work/fork.vkey"
done_testing
