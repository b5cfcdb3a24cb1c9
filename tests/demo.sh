#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job, told as it happens.  Leaves everything below demo/.
set -euo pipefail
bin=$(readlink -f "${1:-build/bin}")
out=$(readlink -f "${2:-.}")/demo
CON_BIN=$bin
. "$(dirname "$0")/lib/console.sh"
. "$(dirname "$0")/lib/scan.sh"
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-demo.XXXXXX")
CON_DIR=$work/r
log=$work/transcript
PATH=$bin:$PATH

cleanup() {
	"$bin/coldseal-rehearsal" down "$CON_DIR" >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap cleanup EXIT
fail() {
	echo "demo: $*" >&2
	[ -n "$con_out" ] && printf '%s\n' "$con_out" >&2
	exit 1
}
step() {
	printf '\n%s\n' "$*"
}
tell() {
	printf '   %s\n' "$*"
}
say_line() { # the lines of the console's answer that match
	printf '%s' "$con_out" | grep -E "$1" | sed 's/^ */   | /' || true
}
run_con() {
	con "$@" || fail "the appliance ended"
	printf '%s\n' "$con_out" >>"$log"
}

rm -rf "$out"
mkdir -p "$out"
echo "coldseal demo: one request, two of three approvers, one TPM, one HSM"

step "1. An appliance is made: software TPM, software HSM, three tokens"
cat >"$work/edit.jq" <<'END'
.roles += ["scanner"]
| .principals += [{id: "scan", kind: "system", name: "Scanner",
    organisation: "example", roles: ["scanner"],
    keys: [{public_key: $scanner}],
    valid_from: .principals[0].valid_from,
    valid_until: .principals[0].valid_until}]
| .rules[0].evidence = [{type: "vulns", signers: ["scanner"],
    max_age_days: 7, denied: ["critical", "high"]}]
END
coldseal-rehearsal up "$CON_DIR" --edit "$work/edit.jq" >"$work/up" ||
    fail "no rehearsal"
. "$CON_DIR/env"
tell "the HSM's PIN is random and sealed in the TPM; nobody has seen it"

tell "three people may approve; the chip wants two of them:"
askchip() { # N: what the TPM says to N approvers, past all our programs
	"$(dirname "$bin")/tests/askchip" "$CON_DIR/state" release "$1" ||
	    true
}
one=$(askchip 1)
[[ $one == *"no PIN"* ]] || fail "one approver was enough: $one"
tell "| alice alone: $(grep -E 'OR' <<<"$one"), $(tail -n 1 <<<"$one")"
two=$(askchip 2)
[[ $two == *"the PIN came out"* ]] || fail "two were not enough: $two"
tell "| alice and bob: $(tail -n 1 <<<"$two") (not shown)"

step "2. Connected side: the pipeline files requests for a real file"
head -c 3000000 /dev/urandom >"$out/firmware.bin"
tell "firmware.bin, sha256 $(sha256sum "$out/firmware.bin" | cut -c1-32)..."

verify_raw() { # key sig
	local pub=$CON_DIR/state/enrol/keys/$1.pem f=$out/firmware.bin
	case $1 in
	fw-rsa | fw-p256)
		openssl dgst -sha256 -verify "$pub" -signature "$2" "$f" ;;
	fw-p384)
		openssl dgst -sha384 -verify "$pub" -signature "$2" "$f" ;;
	fw-pss)
		openssl dgst -sha256 -sigopt rsa_padding_mode:pss \
		    -sigopt rsa_pss_saltlen:32 -verify "$pub" \
		    -signature "$2" "$f" ;;
	fw-ed25519)
		openssl dgst -sha512 -binary -out "$out/firmware.sha512" "$f"
		openssl pkeyutl -verify -pubin -inkey "$pub" -rawin \
		    -in "$out/firmware.sha512" -sigfile "$2" ;;
	fw-cms)
		openssl cms -verify -binary -inform DER -in "$2" \
		    -content "$f" -purpose any -out /dev/null \
		    -CAfile "$CON_DIR/state/enrol/certs/fw-cms.pem" 2>&1 ;;
	esac
}

file_request() { # key format scan
	coldseal request create --product router --version 1.2.3 \
	    --key $1 --format $2 --requester-key "$COLDSEAL_REQUESTER" \
	    --user ci --system builder-7 \
	    --pipeline https://ci.example/router --run 4711 \
	    --commit 0123456789abcdef0123456789abcdef01234567 \
	    --evidence "$3" --out "$out/$1.req" "$out/firmware.bin" >/dev/null
	coldseal media write "$COLDSEAL_IN" "$out/$1.req" >/dev/null
	run_con intake
}
scan_make "$out/firmware.bin" "$CON_DIR/scanner.pem" "$out/bad.dsse" \
    CVE-2026-1=critical CVE-2026-2=low || fail "no scan"
scan_make "$out/firmware.bin" "$CON_DIR/scanner.pem" "$out/clean.dsse" \
    CVE-2026-2=low || fail "no scan"

n=1
con_start "$CON_DIR" || fail "the console did not come up"
printf '%s\n' "$con_out" >>"$log"
file_request fw-p256 raw "$out/bad.dsse"
[[ $con_out == *EVIDENCE-SEVERITY* ]] || fail "a critical finding passed"
tell "with a scan that found CVE-2026-1, critical, the appliance says:"
say_line "EVIDENCE-SEVERITY|found:.*CVE"
tell "fixed and scanned again:"
for key in fw-p256 fw-p384 fw-rsa fw-pss fw-ed25519 fw-cms; do
	n=$((n + 1))
	format=raw
	suffix=sig
	if [ $key = fw-cms ]; then
		format=cms
		suffix=p7s
	fi
	file_request $key $format "$out/clean.dsse"
	[[ $con_out == *"accepted as request $n"* ]] || fail "intake of $key"
	if [ $n = 2 ]; then
		tell "request create -> media write -> a FAT32 image"
		step "3. Appliance: intake reads the image, people decide"
		say_line "accepted"
		run_con "sign $n"
		[[ $con_out == *QUORUM-SHORT* ]] || fail "no quorum needed?"
		tell "sign without approvals:"
		say_line "QUORUM-SHORT"
	fi
	con_approve $n alice || fail "alice"
	[ $n = 2 ] && say_line "token|approved"
	if [ $n = 2 ]; then
		con_approve $n alice || fail "alice again"
		tell "alice once more:"
		say_line "APPROVAL-TWICE"
	fi
	con_approve $n bob || fail "bob"
	[ $n = 2 ] && say_line "token|approved"
	[ $n = 2 ] && step "4. The TPM releases the PIN, the HSM signs"
	run_con "sign $n"
	[[ $con_out == *"signatures made"* ]] || fail "signing with $key"
	[ $n = 2 ] && say_line "signatures made"
	run_con "export $n"
	[[ $con_out == *"safe to remove"* ]] || fail "export of $key"
	[ $n = 2 ] && say_line "COLDSEAL|safe"
	[ $n = 2 ] && step "5. Connected side: stock openssl on each signature"
	coldseal media read "$COLDSEAL_OUT" --out "$out/$key.rsp" >/dev/null
	coldseal response verify "$out/$key.rsp" --policy "$COLDSEAL_POLICY" \
	    --record-key "$COLDSEAL_RECORD_KEY" --log-key "$COLDSEAL_LOG_KEY" \
	    --artifact "$out/firmware.bin" >"$out/$key.verify" ||
	    fail "response verify $key"
	coldseal response extract "$out/$key.rsp" --out "$out/$key" >/dev/null
	verdict=$(verify_raw $key "$out/$key/firmware.bin.$suffix" | tail -n 1)
	tell "$(printf '%-11s %s' "$key" "$verdict")"
	case $verdict in
	"Verified OK" | *"erification successful"* | \
	    "Signature Verified Successfully") ;;
	*) fail "openssl did not accept $key" ;;
	esac
done
con_end
printf '%s\n' "$con_out" >>"$log"

step "6. The auditor: verify the whole log, import it"
coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD \
    --out "$out/audit.bundle" >/dev/null
coldseal audit verify "$out/audit.bundle" --log-key "$COLDSEAL_LOG_KEY" |
    sed 's/^/   | /' | head -n 4
coldseal audit import "$out/audit.bundle" --db "$out/audit.db" \
    --log-key "$COLDSEAL_LOG_KEY" | sed 's/^/   | /' | head -n 3
mkdir -p "$out/bundle"
tar -C "$out/bundle" -xf "$out/audit.bundle"
(cd "$out/bundle" && sha256sum --quiet -c manifest) ||
    fail "sha256sum on the bundle"
tell "stock tar and sha256sum agree with every member of the bundle"
cp "$(dirname "$0")/lib/gocheck.go" "$out/"
coldseal audit report --db "$out/audit.db" --out "$out/report.html" ||
    fail "no report"
tell "report.html tells auditors who signed what, and what is not proven"
cp -r "$CON_DIR/state/enrol" "$out/enrol"
cp "$log" "$out/console.txt"
step "Done.  Everything is in demo/: requests, responses, signatures,"
echo "audit.bundle, audit.db, report.html, enrol/ (public keys), console.txt"
