#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What coldseal does against the floor, measured in the same run on the same
# token and file.  Prints a table, writes BUILD/bench.json.  usage: run.sh BUILD
set -euo pipefail
build=$1
here=$(cd "$(dirname "$0")" && pwd)
CON_BIN=$(readlink -f "$build/bin")
bench=$(readlink -f "$build/bench/bench")
. "$here/../lib/console.sh"
PATH=$CON_BIN:$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-bench.XXXXXX")
CON_DIR=$work/r
rows=$work/rows
cleanup() {
	coldseal-rehearsal down "$CON_DIR" >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap cleanup EXIT
die() {
	echo "bench: $*" >&2
	printf '%s\n' "$con_out" >&2
	exit 1
}
now() { date +%s%N; }
row() { # NAME VALUE FLOOR UNIT GOAL; FLOOR and GOAL may be null
	jq -cn --arg n "$1" --argjson v "$2" --argjson f "$3" --arg u "$4" \
	    --arg goal "$5" '{name: $n, value: $v, floor: $f, unit: $u,
	    ratio: (if $f == null then null else ($v / $f * 1000 | round) /
	    1000 end)}' >>"$rows"
	jq -r --arg goal "$5" '[.name, .value, (.floor // "-"), .unit,
	    (.ratio // "-"), $goal] | @tsv' <(tail -n 1 "$rows") |
	    awk -F '\t' '{ printf "%-24s %14s %14s %-8s %7s  %s\n",
	    $1, $2, $3, $4, $5, $6 }'
}

coldseal-rehearsal up "$CON_DIR" --approvers 2 \
    --key ssh,release,ecdsa-p256-sha256,sshsig \
    --key mini,release,ed25519-blake2b,minisign \
    --key sfy,release,ed25519-sha512,signify \
    --key att,release,ecdsa-p256-sha256,dsse \
    --key note,release,ed25519-sha512,note \
    --key mod,release,rsa3072-pkcs1-sha256,kmod \
    --key pgp,release,ed25519-sha512,openpgp-clear >"$work/up" 2>&1 ||
    die "no rehearsal: $(cat "$work/up")"
. "$CON_DIR/env"
con_start "$CON_DIR" || die "no console"
request() { # KEY ARGS...; FORMAT of the key if it is not raw
	local key=$1
	shift
	coldseal request create --product router --version 1 --key "$key" \
	    --format "${FORMAT:-raw}" --requester-key "$COLDSEAL_REQUESTER" \
	    --out "$work/req" "$@" >/dev/null
	coldseal media write "$COLDSEAL_IN" "$work/req" >/dev/null
}
# all questions of an approval, without reading a thousand artifacts aloud
approve() { # N NAME
	con_out=
	con_send "approve $1 $2"
	while con_until; do
		case $con_line in
		"coldseal> ") return ;;
		"-- Enter"*) con_send q ;;
		type*) con_send APPROVE ;;
		PIN*) con_send "$(cat "$CON_DIR/approvers/$2/pin")" ;;
		esac
	done
	die "the appliance ended"
}

number=0
content() { # of artifact I of a batch
	case ${FORMAT-} in
	dsse) ;;
	kmod) printf '\177ELF%028d%s\n' 0 "$1" && return ;;
	*) echo "$1" && return ;;
	esac
	printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{'
	printf '"name":"%s","digest":{"sha256":"00"}}],"predicateType":' "$1"
	printf '"https://slsa.dev/verification_summary/v1"}'
}
sign_bench() { # NAME KEY ARTIFACTS GOAL
	local i best=0 t floor rate
	for i in $(seq 1 "$3"); do
		content "$1 $i" >"$work/f.$i"
		echo "$work/f.$i"
	done >"$work/list"
	for i in 1 2 3; do
		number=$((number + 1))
		request "$2" --list "$work/list"
		con intake || die "no intake"
		approve $number alice
		approve $number bob
		t=$(now)
		con "sign $number" || die "no signing"
		t=$(($(now) - t))
		[[ $con_out == *"signatures made"* ]] || die "not signed"
		rate=$((1000000000 * $3 / (t / 1000) * 1000 / 1000000))
		[ $rate -gt $best ] && best=$rate
	done
	floor=$("$bench" sign "$CON_DIR/state" "$2" "$3")
	row "$1" "$best" "$(jq .both <<<"$floor")" sig/s "$4"
	row "$1.csign" "$(jq .csign <<<"$floor")" null sig/s ""
	rm -f "$work"/f.*
}

printf '%-24s %14s %14s %-8s %7s  %s\n' name value floor unit ratio goal
sign_bench sign.p256 fw-p256 10000 '>= 0.9'
sign_bench sign.rsa3072 fw-rsa 2000 '>= 0.9'
# the others, by the floor of one signature of their key
FORMAT=kmod sign_bench sign.kmod mod 2000 '>= 0.9'
FORMAT=cms sign_bench sign.cms fw-cms 2000 '>= 0.9'
FORMAT=sshsig sign_bench sign.sshsig ssh 10000 '>= 0.9'
FORMAT=signify sign_bench sign.signify sfy 10000 '>= 0.9'
FORMAT=dsse sign_bench sign.dsse att 10000 '>= 0.9'
FORMAT=note sign_bench sign.note note 10000 '>= 0.9'
FORMAT=openpgp-clear sign_bench sign.openpgp-clear pgp 10000 '>= 0.9'
FORMAT=minisign sign_bench sign.minisign mini 10000 '>= 0.4, it has two'

# what the chip's part costs; no floor: nothing else does that
"${bench}_tpm" >"$work/tpm"
while read -r line; do
	name=tpm.$(jq -r .name <<<"$line")
	row "$name" "$(jq .ms <<<"$line")" null ms ""
	row "$name.commands" "$(jq .commands <<<"$line")" null commands ""
done <"$work/tpm"

# a policy of 1,000 principals, 500 keys and 2,000 rules, from its envelope to
# the decision on a request; and how many times as long as for a tenth of it
"${bench}_policy" >"$work/policy"
tenth=$(jq -s '.[0].ms' "$work/policy")
whole=$(jq -s '.[1].ms' "$work/policy")
row policy.evaluate.tenth "$tenth" null ms ""
row policy.evaluate "$whole" null ms '< 50 ms'
row policy.evaluate.growth "$(jq -n "$whole / $tenth * 10 | round / 10")" \
    null times '10 is linear'

# one artifact of 2 GiB; the image is in the cache for both
size=$((2 << 30))
openssl enc -aes-128-ctr -K "$(printf '0%.0s' {1..32})" \
    -iv "$(printf '0%.0s' {1..32})" -in /dev/zero 2>/dev/null |
    head -c $size >"$work/big" || true
rm -f "$COLDSEAL_IN"
request fw-p256 "$work/big"
rm -f "$work/big" "$work/req"
cat "$COLDSEAL_IN" >/dev/null
best=0
for i in 1 2 3; do
	t=$(now)
	con_out=
	con_send intake
	: >"$work/rss"
	if [ $i = 1 ]; then
		# the peak of each process, until the reader is gone
		while :; do
			seen=0
			for p in $(cat "/proc/$con_pid/task/$con_pid/children") \
			    "$con_pid"; do
				name=$(cat "/proc/$p/comm" 2>/dev/null) || continue
				hwm=$(sed -n 's/VmHWM:[^0-9]*\([0-9]*\).*/\1/p' \
				    "/proc/$p/status" 2>/dev/null) || continue
				echo "$name ${hwm:-0}" >>"$work/rss"
				[ "$name" = coldseal-intake ] && seen=1
			done
			[ $seen = 1 ] && started=1
			[ $seen = 0 ] && [ "${started-0}" = 1 ] && break
		done
		cp "$work/rss" "$work/rss.all"
		con_until '^coldseal> $' || die "ended"
		[[ $con_out == *accepted* ]] || die "no intake"
		continue
	fi
	con_until '^coldseal> $' || die "ended"
	t=$(($(now) - t))
	[[ $con_out == *"taken in before"* ]] && break
done
# a known request is answered before its artifacts are read: file it anew
intake_rate() {
	openssl enc -aes-128-ctr -K "$(printf '0%.0s' {1..32})" \
	    -iv "$(printf '0%.0s' {1..32})" -in /dev/zero 2>/dev/null |
	    head -c $((1 << 30)) >"$work/big" || true
	rm -f "$COLDSEAL_IN"
	request fw-p256 "$work/big"
	rm -f "$work/big" "$work/req"
	cat "$COLDSEAL_IN" >/dev/null
	t=$(now)
	con intake || die "ended"
	t=$(($(now) - t))
	[[ $con_out == *accepted* ]] || die "no intake"
	rate=$(((1 << 30) / (t / 1000) * 1000000))
	[ $rate -gt $best ] && best=$rate
	r=$("$bench" hash "$COLDSEAL_IN" | jq .rate)
	[ "$r" -gt "$floor_rate" ] && floor_rate=$r
	return 0
}
floor_rate=0
for i in 1 2 3; do
	intake_rate
done
row intake.hash "$best" "$floor_rate" byte/s '>= 0.9'
sort -k1,1 -k2,2n "$work/rss.all" | awk '{ m[$1] = $2 } END {
	for (n in m) print n, m[n] }' | sort | while read -r name kib; do
	row "intake.rss.${name#coldseal-}" "$kib" 32768 KiB '<= 1'
done
"$build/bench/bench_authority" | while read -r line; do
	row "authority.whole.$(jq -r .form <<<"$line")" \
	    "$(jq .ms <<<"$line")" 1000 ms '<= 1'
done
"$build/bench/bench_policy" | while read -r line; do
	row "policy.evaluate.$(jq -r .size <<<"$line")" \
	    "$(jq .ms <<<"$line")" 50 ms '<= 1'
done
con_end
. "$here/audit.sh"
jq -s . "$rows" >"$build/bench.json"
echo "written: $build/bench.json"
