#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An auditor's import: media that are lost, doubled and swapped, logs that
# fork or were set back, damage of every kind, a process that is killed, a
# disk that is full.  Real FAT images, a real database; the log is made by
# tests/lib/mkevents and tests/lib/mklog.  audit_import_pg.t runs it on a
# PostgreSQL server.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/stocktar.sh"
. "$here/../lib/auditdb.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
tools=$(cd "${CS_TEST_BIN:-$bin/../tests}" && pwd) || bail "no test tools"
cs=$bin/coldseal
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-audit.XXXXXX") || bail "no folder"
trap 'adb_end; rm -rf "$work"' EXIT
cd "$work" || bail "no folder"
adb_begin || bail "no database"
adb_drop a
adb_use a
origin=test.example/log
"$tools/mklog" --vkey "$origin" >log.vkey || bail "no key"

log() { # out leaves [variant at]
	"$tools/mklog" "$origin" "$2" "$1" "${@:3}" || bail "mklog $*"
}
part() { # out from leaves
	"$tools/mklog" --from "$2" "$origin" "$3" "$1" || bail "mklog $*"
}
import() { # bundle [option ...]
	"$cs" audit import "${adb[@]}" --log-key log.vkey "$@"
}
verdict() { # bundle [option ...]
	run import --json "$@"
	v=$(jq -r .verdict <<<"$tap_out")
}
gives() { # name verdict bundle [option ...]
	verdict "${@:3}"
	is "$1: $2" "$v" "$2"
}
forget() {
	adb_drop a
	rm -rf a.db.tiles datasette.yaml
}
q() { adb_sql a "$@"; }
dump() { adb_dump a; }
size() {
	q 'SELECT coalesce(max(size), 0) FROM checkpoint' \
	    'SELECT count(*) FROM event' | paste -sd ' '
}
# What was accepted, byte for byte: rows, tiles, notes.
state() {
	{
		dump
		(cd a.db.tiles && find checkpoint checkpoints tile imports \
		    blobs -type f -print0 2>/dev/null | sort -z |
		    xargs -0 sha256sum)
	} | sha256sum
}
untouched() { # name
	is "$1: what was accepted is untouched" "$(state)" "$before"
}

# --- media, as an auditor gets them --------------------------------------
medium() { # image bundle
	truncate -s 48M "$1"
	mkfs.vfat -F 32 "$1" >/dev/null || bail "no mkfs.vfat"
	mcopy -i "$1" "$2" ::COLDSEAL.AUD || bail "no medium"
}
arrives() { # name verdict image
	rm -f arrived
	"$cs" media read "$3" --file COLDSEAL.AUD --out arrived >/dev/null ||
	    bail "media read $3"
	gives "$1" "$2" arrived
}
log first 300
part second 300 700
part third 700 1100
part fourth 1100 1500
for m in first second third fourth; do
	medium "$m.img" "$m"
done
arrives "medium 1" OK first.img
arrives "medium 2, from leaf 300 on" OK second.img
is "700 leaves" "$(size)" "700 700"
arrives "medium 2 again" DUPLICATE second.img
is "exit 0" "$tap_status" 0
arrives "medium 1 after 2" STALE first.img
is "exit 0" "$tap_status" 0
arrives "medium 4 without 3" GAP fourth.img
is "exit 1" "$tap_status" 1
like "it says which" "$tap_err" "AUDIT-GAP"
like "leaves are missing" "$tap_err" "leaves 700 to 1023 are missing"
is "700 leaves are accepted" "$(size)" "700 700"
is "the bundle is kept" "$(ls a.db.tiles/pending)" 1024-1500
is "kept, says --json" "$(jq -c '[.kept, .bundle_first]' <<<"$tap_out")" \
    '[true,1024]'
run "$cs" audit status "${adb[@]}" --json
is "status tells of the gap" "$(jq -c .gaps <<<"$tap_out")" \
    '[[700,1024,1500]]'
arrives "medium 3 comes" OK third.img
is "and 4 is taken with it" "$(size)" "1500 1500"
is "one followed" "$(jq .followed <<<"$tap_out")" 1
is "nothing is kept any more" "$(ls a.db.tiles/pending)" ""
in_order=$(dump | grep -v 'INTO checkpoint' | sha256sum)
refuses "an incremental bundle is none by itself" 1 LOG-MISSING \
    "$cs" audit verify fourth --log-key log.vkey
exits "unless that is said" 0 "$cs" audit verify fourth --incremental \
    --log-key log.vkey
like "and it says how far" "$tap_out" "from leaf 1024 on"

# nothing new but leaves of the last tile: the edge is with the auditor
part fifth 1500 1520
gives "no hash tile above has changed" OK fifth
is "1520 leaves" "$(size)" "1520 1520"

forget
arrives "swapped: 3 first" GAP third.img
like "from the first leaf on" "$tap_err" "leaves 0 to 511 are missing"
arrives "then 4" GAP fourth.img
arrives "then 2" GAP second.img
arrives "then 1" OK first.img
is "all are taken" "$(size)" "1500 1500"
is "three followed" "$(jq .followed <<<"$tap_out")" 3
is "the same rows as in order" \
    "$(dump | grep -v 'INTO checkpoint' | sha256sum)" \
    "$in_order"
forget
verdict third
log whole 1200
gives "a whole bundle overtakes a kept one" OK whole
is "which goes" "$(ls a.db.tiles/pending)" ""
forget
log bad 1100 tamper 1050
verdict first
refuses "a bundle with a changed leaf" 1 LOG-TAMPER import bad

# kept before its edge could be seen, and false
forget
verdict first
log false 530 tamper 520
mkdir fx
tar -C fx -xf false
part lean 512 530
rm -rf lx && mkdir lx && tar -C lx -xf lean
cp fx/tile/entries/002.p/18 lx/tile/entries/002.p/18
(cd lx && { sed -n 's/^.*  //p' manifest; } >../lean.names
    sha256sum $(cat ../lean.names) >manifest)
{ echo manifest; cat lean.names; } >members
stock_tar -C lx --no-recursion -cf lean -T members
gives "its edge is missing" GAP lean
part middle 300 513
verdict middle
is "it follows, and is seen" "$v $tap_status" "TAMPER 1"
is "the one before it is accepted" "$(size)" "513 513"
is "it is not tried again" "$(ls a.db.tiles/pending)" bad-512-530
gives "and stands in no way" DUPLICATE middle

# --- fork, rollback ------------------------------------------------------
forget
verdict first
verdict second
before=$(state)
log fork-same 700 fork 650
log fork-old 300 fork 299
log fork-more 1100 fork 600
log fork-new 1100 fork 700
dump | grep -v 'INTO fork' | sha256sum >rows
for f in same old more; do
	gives "FORK: $f" FORK fork-$f
	is "exit 1" "$tap_status" 1
	like "AUDIT-FORK" "$tap_err" AUDIT-FORK
done
is "rows are as before" \
    "$(dump | grep -v 'INTO fork' | sha256sum)" "$(cat rows)"
is "both notes of each are kept" \
    "$(q 'SELECT count(*) FROM fork') $(ls a.db.tiles/forks |
	wc -l)" "3 3"
gives "a known fork" FORK fork-same
is "is kept once" "$(q 'SELECT count(*) FROM fork')" 3
ok "proof for strangers: both notes verify" bash -c '
	for k in stored other; do
		jq -r .$k a.db.tiles/forks/*.json | head -n 1 | base64 -d |
		    head -n 1 | grep -qx "$0" || exit 1
	done' "$origin"
refuses "status: exit 1 after a fork" 1 AUDIT-FORK "$cs" audit status \
    "${adb[@]}"
forget
verdict first
verdict second
mkdir anchors
tar -xOf third checkpoint >anchors/1100
tar -xOf first checkpoint >anchors/300
tar -xOf fork-new checkpoint >anchors/fork
before=$(state)
gives "a receipt of more" ROLLBACK second --receipt anchors/1100
is "exit 1" "$tap_status" 1
like "it says how much" "$tap_err" "the receipt is of 1100"
untouched ROLLBACK
gives "of less" DUPLICATE second --receipt anchors/300
gives "a receipt of another history" FORK third --receipt anchors/fork
tar -xOf fourth checkpoint >anchors/1500
gives "new leaves, a receipt of more" ROLLBACK third --receipt anchors/1500
gives "new leaves, receipts of as much" OK third --receipt anchors/1100 --receipt anchors/300
"$tools/mklog" other.example/log 5 other
tar -xOf other checkpoint >anchors/other
refuses "a receipt of another log" 1 NOTE-KEY import third \
    --receipt anchors/other

# --- receipts --------------------------------------------------------------
openssl genpkey -algorithm ed25519 -out aud.pem
receipt() { # option ...
	"$cs" audit receipt "${adb[@]:0:2}" --key aud.pem \
	    --name audit.example/coldseal "$@"
}
exits "audit receipt" 0 receipt --out RCP --vkey aud.vkey
like "of what was accepted" "$tap_out" "leaves  *1100"
tar -xOf RCP receipt >rcp
is "the appliance's note, and one line more" "$(head -n -1 rcp)" \
    "$(cat a.db.tiles/checkpoint)"
# with stock tools: c2sp.org/tlog-cosignature
tail -n 1 rcp | sed 's/.* //' | base64 -d >blob
at=$((16#$(od -An -tx1 -j 4 -N 8 blob | tr -d ' ')))
{ printf 'cosignature/v1\ntime %s\n' "$at"; sed '/^$/,$d' rcp; } >message
tail -c 64 blob >sig
openssl pkey -in aud.pem -pubout -out aud.pub
ok "openssl verifies it" openssl pkeyutl -verify -pubin -inkey aud.pub -rawin \
    -in message -sigfile sig
ok "its time is now" test $(($(date +%s) - at)) -lt 600
{ printf 'audit.example/coldseal\n\004'
	openssl pkey -in aud.pem -pubout -outform DER | tail -c 32; } |
    sha256sum | cut -c 1-8 >id
is "its key ID is C2SP's" "$(od -An -tx1 -N 4 blob | tr -d ' ')" "$(cat id)"
is "and that of the verifier key" "$(cut -d + -f 2 aud.vkey)" "$(cat id)"
exits "goes to a medium" 0 "$cs" media write rcp.img RCP
exits "and comes back" 0 "$cs" media read rcp.img --file COLDSEAL.RCP --out r2
ok "the same" cmp RCP r2
gives "is taken as a receipt" DUPLICATE third --receipt RCP
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem \
    2>/dev/null
refuses "a key of another type" 3 COSIGN-KEY "$cs" audit receipt "${adb[@]:0:2}" \
    --key ec.pem --name x --out no
refuses "a name with a space" 3 COSIGN-KEY "$cs" audit receipt "${adb[@]:0:2}" \
    --key aud.pem --name 'a b' --out no
refuses "nothing to write" 2 USAGE receipt
ok "nothing is written" test ! -e no
cp -a a.db.tiles keep.tiles && adb_copy a keep
forget
verdict first
refuses "set back to medium 1, with the receipt: ROLLBACK" 1 AUDIT-ROLLBACK \
    import second --receipt RCP
forget
adb_copy keep a && mv keep.tiles a.db.tiles

# --- rebuild -------------------------------------------------------------
dump >was
exits "audit rebuild" 0 "$cs" audit rebuild "${adb[@]}"
ok "gives the same database" cmp <(dump) was
adb_drop a
exits "also from nothing" 0 "$cs" audit rebuild "${adb[@]}"
ok "the same" cmp <(dump) was
adb_server || {
	is "application_id, user_version, journal_mode" "$(q \
	    'PRAGMA application_id' 'PRAGMA user_version' \
	    'PRAGMA journal_mode' | paste -sd ' ')" "1129529685 2 delete"
	is "foreign keys hold" "$(q 'PRAGMA foreign_key_check')" ""
	is "integrity" "$(q 'PRAGMA integrity_check')" ok
}
adb_drop a
refuses "import cannot go on without it" 3 AUDIT-STORE import fourth
exits "rebuild again" 0 "$cs" audit rebuild "${adb[@]}"
flip() { # file offset
	printf '\x55' | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
flip a.db.tiles/tile/entries/001 300
refuses "rebuild: a damaged leaf" 1 LOG-TAMPER "$cs" audit rebuild "${adb[@]}"
is "the database stays" "$(size)" "1100 1100"
ok "nothing half is left" test ! -e a.db.rebuild
refuses "status sees it" 1 LOG-TAMPER "$cs" audit status "${adb[@]}"
adb_use none
refuses "rebuild without tiles" 3 AUDIT-STORE "$cs" audit rebuild \
    "${adb[@]}"
adb_use a

# --- the questions' rows -------------------------------------------------
"$tools/mkevents" "$origin" 3000 ev || bail mkevents
forget
gives "a log of all events" OK ev
is "signatures" "$(q 'SELECT count(*) FROM v_signatures')" 900
is "of a request" "$(q "SELECT count(DISTINCT artifact) FROM v_signatures
    WHERE request = (SELECT request FROM v_signatures WHERE idx = 5)")" 3
is "a signature" "$(q "SELECT product, version, signing_key, format, name,
    requester, system, run, boot, time FROM v_signatures WHERE idx = 15")" \
    "switch|1.0|fw-p256|raw|fw-0.bin|ci|ci.example|1|1|2026-11-18T11:06:55Z"
is "approvals" "$(q "SELECT person, decision, count(*) FROM v_approvals
    GROUP BY 1, 2 ORDER BY 1, 2" | paste -sd ' ')" \
    "alice|approve|150 bob|approve|150 carol|approve|150 dave|approve|150"
is "requests" "$(q 'SELECT result, count(*) FROM v_requests GROUP BY 1')" \
    "signed|294"
is "a request" "$(q "SELECT requester, user_name, system, pipeline, run, branch,
    artifacts, rule, threshold FROM v_requests WHERE idx = 10")" \
    "ci|runner|ci.example|release|1|main|3|firmware|2"
is "refusals" "$(q "SELECT check_id, product, person, count(*) FROM v_refusals
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3" | head -n 1)" "EVAL-RULE|router|ci|2"
is "events of a product" "$(q "SELECT count(*) FROM v_events
    WHERE product = 'router'")" 1000
is "evidence" "$(q "SELECT name, length(sha256), count(*) FROM v_evidence
    GROUP BY 1, 2")" "sbom|64|294"
is "exports" "$(q 'SELECT file, size, count(*) FROM v_exports
    GROUP BY 1, 2')" \
    "COLDSEAL.RSP|4096|300"
is "every leaf is an event" "$(q 'SELECT count(*), min(idx), max(idx)
    FROM v_events')" "3000|0|2999"
adb_server || {
	is "digests are hex text" "$(q "SELECT typeof(artifact),
	    length(artifact) FROM signature LIMIT 1")" "text|64"
	is "tables are STRICT" "$(q "SELECT count(*) FROM pragma_table_list
	    WHERE schema = 'main' AND type = 'table'
	    AND name NOT LIKE 'sqlite%' AND NOT strict")" 0
	is "no raw leaf in it" "$(grep -c '"boot":' a.db)" 0
}
is "a session" "$(q "SELECT w.word, seconds, length(ceremony) FROM session s
    JOIN word w ON w.id = s.domain LIMIT 1")" "firmware|3600|64"
adb_server || {
	ok "datasette.yaml" grep -qx '  "a":' datasette.yaml
	is "a question uses an index" "$(q "EXPLAIN QUERY PLAN SELECT * FROM
	    v_signatures WHERE artifact = 'x'" | grep -c SCAN)" 0
}
dump >was
"$cs" audit rebuild "${adb[@]}" >/dev/null
ok "rebuilt: the same" cmp <(dump) was
forget
for n in 700 1234 2048 2999; do
	rm -rf evp
	"$tools/mkevents" "$origin" $n evp
	verdict evp
done
verdict ev
rows() { grep -v -e 'INTO checkpoint' -e '^CREATE INDEX' "$1" | sort; }
ok "in five parts: the same rows" cmp <(rows <(dump)) \
    <(rows was)
dump >was
"$cs" audit rebuild "${adb[@]}" >/dev/null
ok "rebuilt: the same" cmp <(dump) was

# --- bad input -----------------------------------------------------------
forget
verdict first
verdict second
before=$(state)
log t 1100 tamper 1050
log h 1100 hash 1050
log m 1100 missing 1050
log c 1100 form 1050
log r 1100 root 0
log big 1100 huge 52
log none 0
bad() { # name verdict CHECK-ID leaf-or-file file [option ...]
	gives "$1" "$2" "$5" "${@:6}"
	like "$1: $3" "$tap_err" "$3:"
	like "$1: names it" "$tap_err" "$4"
	untouched "$1"
}
bad "a changed leaf" TAMPER LOG-TAMPER "leaf 1050" t
bad "its tile" TAMPER LOG-TAMPER "tile/0/004.p/76" t
bad "a changed hash" TAMPER LOG-TAMPER "leaf 1050" h
bad "half an entry" TAMPER LOG-FORMAT "leaf 1050" m
bad "a leaf that is not canonical" TAMPER AUDIT-LEAF "leaf 1050" c
bad "in which file" TAMPER AUDIT-LEAF "tile/entries/004" c
bad "another root" TAMPER AUDIT-ROOT "1100 leaves" r
bad "a size of 2^52" TAMPER LOG-MISSING "leaf 1024" big
gives "a size of 0, after more" STALE none
folder() { # a fresh unpacked log of 1100 leaves
	rm -rf f
	mkdir f
	tar -C f -xf whole1100
}
log whole1100 1100
folder
rm f/tile/entries/002
bad "a lost entry bundle" TAMPER LOG-MISSING "tile/entries/002" f
bad "its first leaf" TAMPER LOG-MISSING "leaf 512" f
folder
truncate -s -1 f/tile/entries/002
bad "a short entry bundle" TAMPER LOG-FORMAT "leaf 767" f
folder
printf '\0\0' >>f/tile/entries/002
bad "bytes after an entry bundle" TAMPER LOG-FORMAT "2 bytes" f
folder
truncate -s -32 f/tile/0/002
bad "a short tile" TAMPER LOG-FORMAT "tile/0/002" f
folder
mv f/tile/0/004.p/76 f/tile/0/004.p/77
bad "a tile of another width" TAMPER LOG-MISSING "tile/0/004" f
folder
cp f/tile/entries/001 x
cp f/tile/entries/002 f/tile/entries/001
cp x f/tile/entries/002
bad "entry bundles in another order" TAMPER LOG-TAMPER "leaf 256" f
folder
# two neighbours change places: both are genuine
perl -e 'undef $/; open F, "+<", $ARGV[0]; $_ = <F>; my ($at, $i) = (0, 0);
    for (; $i < 10; $i++) { $at += 2 + unpack("n", substr($_, $at, 2)) }
    my $a = 2 + unpack("n", substr($_, $at, 2));
    my $b = 2 + unpack("n", substr($_, $at + $a, 2));
    my $s = substr($_, $at + $a, $b) . substr($_, $at, $a);
    seek F, 0, 0; substr($_, $at, $a + $b) = $s; print F $_' \
    f/tile/entries/003
bad "two leaves in another order" TAMPER LOG-TAMPER "leaf 778" f
folder
flip f/tile/1/000.p/4 40
bad "a changed upper tile" TAMPER LOG-TAMPER "tile/1/000.p/4" f
folder
mv f/tile/entries/003 x
ln -s "$work/x" f/tile/entries/003
run import f
is "a link: exit 4" "$tap_status" 4
like "it is named" "$tap_err" "tile/entries/003"
untouched "a link"
folder
rm -r f/tile/entries/004.p f/tile/0/004.p
bad "the tail is dropped" TAMPER LOG-MISSING "leaf 1024" f

note() { # sed-script: the checkpoint of the folder, changed
	folder
	sed -i "$1" f/checkpoint
}
refused() { # name status CHECK-ID
	refuses "$1: $3" "$2" "$3" import f
	untouched "$1"
}
note 's/$/\r/'
refused "CRLF" 3 NOTE-SYNTAX
note '1s/^/\xef\xbb\xbf/'
refused "a byte order mark" 3 NOTE-SYNTAX
note '2s/^/0/'
refused "a leading zero" 1 NOTE-SIGNATURE
note '2s/.*/0/'
refused "size 0" 1 NOTE-SIGNATURE
note '1s/test/best/'
refused "an unknown origin" 1 NOTE-SIGNATURE
note '$d'
refused "no signature" 3 NOTE-SYNTAX
note '$s/=*$//'
refused "a signature line that is cut" 3 NOTE-SYNTAX
folder
tail -n 1 f/checkpoint | sed "s#$origin#stranger.example#" >>f/checkpoint
gives "a line by an unknown key is passed over" OK f
forget
verdict first
verdict second
before=$(state)
folder
tail -n 1 f/checkpoint | sed 's/...=*$/AAA=/' >line
cat line >>f/checkpoint
run import f
like "a bad line by a known key: refused" "$tap_status $tap_err" \
    '^[13] NOTE-S(YNTAX|IGNATURE)'
untouched "a bad line"
refuses "another appliance's bundle" 1 NOTE-KEY import other
untouched "another appliance's"
"$tools/mklog" --vkey other.example/log >other.vkey
refuses "even with its key" 1 AUDIT-OTHER-LOG "$cs" audit import other \
    "${adb[@]}" --log-key other.vkey
untouched "with its key"

# names and links in the archive itself; the manifest names them, too
rm -rf ar
mkdir ar
tar -C ar -xf whole1100
cp ar/manifest manifest
{ echo manifest; sed 's/^.*  //' manifest; } >members
archive() { # name: the member checkpoint under another one
	sed "s#  checkpoint\$#  $1#" manifest >ar/manifest
	stock_tar -C ar --no-recursion -P --transform "s#^checkpoint\$#$1#" \
	    -cf ar.tar -T members
}
archive checkpoint
ok "stock tar makes the same bundle" cmp ar.tar whole1100
for n in ../up /abs tile/0/../000; do
	archive "$n"
	refuses "a member $n" 3 BUNDLE-NAME import ar.tar
	untouched "$n"
done
cp manifest ar/manifest
mv ar/checkpoint x && ln -s /etc/passwd ar/checkpoint
stock_tar -C ar --no-recursion -cf ar.tar -T members
refuses "a link in it" 3 BUNDLE-HEADER import ar.tar
untouched "a link in it"
head -c 20000 whole1100 >cut
refuses "a bundle that is cut" 3 BUNDLE-TRUNCATED import cut
untouched "cut"

# --- read-only, full, killed ---------------------------------------------
part next 700 3300
fake=$tools/fake_disk.so
forget
verdict first
verdict second
rm -rf base
mkdir base
cp -a a.db.tiles base/
adb_copy a base
before=$(state)
again() {
	rm -rf a.db.tiles
	cp -a base/. .
	adb_copy base a
}
ended() { # mode: the import, at every operation of the disk
	local at=1 last=0 fine=0 wrong=0 status out
	while :; do
		again
		out=$(CS_DISK=$1 CS_DISK_AT=$at LD_PRELOAD=$fake "$cs" audit \
		    import next "${adb[@]}" --log-key log.vkey 2>/dev/null)
		status=$?
		case $status in
		0)
			# the last ones, which are after the commit, one by one
			[ $fine = 0 ] || break
			fine=1
			at=$((last + 1))
			continue
			;;
		137 | 4) ;;
		*) wrong=$((wrong + 1)) ;;
		esac
		# as it is now, and after the next import
		case $(size) in
		"700 700" | "3300 3300") ;;
		*) wrong=$((wrong + 1)) ;;
		esac
		verdict next
		case $v in
		OK | DUPLICATE) ;;
		*) wrong=$((wrong + 1)) ;;
		esac
		"$cs" audit status "${adb[@]}" >/dev/null 2>&1 ||
		    wrong=$((wrong + 1))
		[ "$(cd a.db.tiles && find tile -type f | sort |
		    sha256sum)" = "$tiles" ] || wrong=$((wrong + 1))
		[ ! -e a.db.tiles/writing ] || wrong=$((wrong + 1))
		last=$at
		at=$((at + 1 + (1 - fine) * at / 20))
	done
	diag "$1: the import takes about $at operations"
	is "$1 at any of them: the old state or the new" "$wrong" 0
	ok "$1: it was more than once" test "$at" -gt 30
}
verdict next
tiles=$(cd a.db.tiles && find tile -type f | sort | sha256sum)
ended kill
ended full
again
CS_DISK=full CS_DISK_AT=20 LD_PRELOAD=$fake "$cs" audit import next \
    "${adb[@]}" --log-key log.vkey >/dev/null 2>&1
untouched "a full disk"
if [ "$(id -u)" -eq 0 ]; then
	as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
	chmod 755 . && chmod -R a+rX a.db* next log.vkey
else
	as=()
	chmod -R a-w a.db*
fi
run "${as[@]}" "$cs" audit import next "${adb[@]}" \
    --log-key log.vkey
is "a read-only destination: exit 4" "$tap_status" 4
untouched "read-only"
chmod -R u+w a.db*
done_testing
