#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What auditors ask of a real ceremony's log: trace, log, export, who-can-sign.
# audit_questions_pg.t asks a PostgreSQL server.
set -u
here=$(cd "$(dirname "$0")" && pwd)
CS_TOP=${CS_TOP:-$(cd "$here/../.." && pwd)}
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/story.sh"
. "$here/../lib/verify.sh"
. "$here/../lib/auditdb.sh"
con_work ask
trap 'adb_end; con_cleanup' EXIT
story
cd "$work" || bail "no folder"
adb_begin || bail "no database"
adb_drop a
adb_use a
tiles=$work/a.db.tiles
coldseal audit import "$work/audit.bundle" "${adb[@]}" \
    --log-key "$work/log.vkey" >/dev/null || bail "no import"
mkdir "$work/bundle"
tar -C "$work/bundle" -xf "$work/audit.bundle"
# the leaves, by the README's own lines
(cd "$work" && verify_block 5 >leaves.sh && bash leaves.sh) || bail "no leaves"
leaf() { # JQ: number of the first leaf that it is true of
	jq -c "$1" "$work/leaves.jsonl" | grep -n -m1 true | cut -d : -f 1 |
	    awk '{ print $1 - 1 }'
}
ask() { # VERB [ARG...]
	coldseal audit "$1" "${adb[@]}" "${@:2}"
}
signed=$work/signed
sha() { sha256sum <"$1" | cut -c 1-64; }

# --- trace -------------------------------------------------------------------
exits "trace: a file" 0 ask trace "$signed/loader.bin"
sig=$(leaf ".data.artifact == \"$(sha "$signed/loader.bin")\"")
is "its name" "$(sed -n 's/^artifact  *//p' <<<"$tap_out")" "$story_name"
is "its digest" "$(sed -n 's/^sha256  *//p' <<<"$tap_out")" \
    "$(sha "$signed/loader.bin")"
like "its leaf" "$tap_out" "^signed .*leaf $sig\$"
for want in '^product +router 1\.2\.3$' \
    '^key +fw-p256, format raw, domain release$' \
    "^signature +$(sha "$signed"/fw-p256/_*.sig)\$" \
    '^  by +ci$' '^  system +builder-7$' '^  run +4711$' '^  branch +main$' \
    '^  pipeline +https://ci.example/router$' \
    '^  commit +0123456789abcdef0123456789abcdef01234567$' \
    '^  user +eve"><img src=x onerror=alert\(1\)>$' \
    "^evidence +$(sha "$work/scan.json")  scan.json\$" \
    '^approved .*  alice$' '^approved .*  bob$' \
    '^policy +version 1, rule router-release$' '^  in force +since leaf 0$' \
    '^boot +1$' '^  TPM +counter [0-9]+, image version 1, ' \
    '^ceremony +[0-9a-f]{64}$' '^outcome +signed  leaf ' \
    '^exported .*, counter [0-9]+$' '^  medium +[0-9a-f]{64}  COLDSEAL.RSP$' \
    "^checkpoint +$(wc -l <"$work/leaves.jsonl") leaves, imported 20"; do
	like "trace: $want" "$tap_out" "$want"
done
like "the medium is the one that was read" "$tap_out" \
    "^  medium +$(sha "$work/fw-p256.rsp")  COLDSEAL.RSP\$"
exits "trace: a signature's file" 0 ask trace \
    "$signed/fw-ed25519/firmware.bin.sig"
like "is of that key" "$tap_out" '^key +fw-ed25519,'
exits "trace: a digest" 0 ask trace "$(sha "$signed/firmware.bin")"
is "has all of its signatures" "$(grep -c '^artifact ' <<<"$tap_out")" 6
exits "trace --json" 0 ask trace "$signed/firmware.bin" --json
printf '%s\n' "$tap_out" >"$work/trace.json"
is "counts them" "$(jq .found "$work/trace.json")" 6
is "one line of canonical JSON" "$(cat "$work/trace.json")" \
    "$(jq -cS . "$work/trace.json")"
is "each is the leaf that was signed" "$(jq -cS '.signatures[].signature |
    del(.leaf) | .time = (.time | fromdate)' "$work/trace.json")" \
    "$(jq -cS --arg d "$(sha "$signed/firmware.bin")" 'select(.event ==
    "signature" and .data.artifact == $d) | .time = .time.claimed' \
    "$work/leaves.jsonl")"
is "with two approvals each" "$(jq -c '[.signatures[].approvals[] |
    .data.person] | unique, length' "$work/trace.json" | tr '\n' ' ')" \
    '["alice","bob"] 12 '
is "its session, intake, intent, outcome, boot" "$(jq -r '.signatures[0] |
    [.session, .intake, .intent, .outcome, .boot | .event] | join(" ")' \
    "$work/trace.json")" "session intake.accepted sign.intent sign.outcome boot"
echo never >"$work/never"
refuses "a file that was never signed" 6 AUDIT-NOT-FOUND ask trace \
    "$work/never"
like "in words" "$tap_err" "is in none of $(wc -l <"$work/leaves.jsonl") leaves"
run ask trace "$work/never" --json
is "and as JSON" "$(jq -c '[.found, .signatures]' <<<"$tap_out")" '[0,[]]'
refuses "a file that is not there" 4 IO ask trace "$work/nothing"
refuses "half a digest" 4 IO ask trace cf0b22569d7def0a
refuses "a folder" 3 HOST-NOT-FILE ask trace "$work"
refuses "no database" 4 AUDIT-DB coldseal audit trace "$work/never" \
    --db "$work/none.db"
adb_server && refuses "nor one on the server" 4 AUDIT-DB-SERVER \
    coldseal audit trace "$work/never" --db "$(pg_uri none)" --tiles "$tiles"
is "none is made" "$(ls "$work/none.db" 2>/dev/null)" ""

# --- log ---------------------------------------------------------------------
lines() { wc -l <<<"$1"; }
exits "log" 0 ask log
is "has every leaf" "$(lines "$tap_out")" "$(wc -l <"$work/leaves.jsonl")"
exits "log --json" 0 ask log --json
is "gives the leaves as they are" "$(jq -cS .leaf <<<"$tap_out")" \
    "$(cat "$work/leaves.jsonl")"
is "with their numbers" "$(jq .idx <<<"$tap_out" | head -n 3 | tr '\n' ' ')" \
    "0 1 2 "
only() { # NAME JQ OPTION...
	run ask log --json "${@:3}"
	is "log ${*:3}" "$(jq -cS .leaf <<<"$tap_out")" \
	    "$(jq -cS "select($2)" "$work/leaves.jsonl")"
}
only person '.data.person == "carol"' --person carol
only type '.event == "approval.refused"' --type approval.refused
only key "[.data.request] | inside([$(jq -c 'select(.data.key == "fw-rsa") |
    .data.request' "$work/leaves.jsonl" | sort -u | paste -sd,)])" --key fw-rsa
only product "[.data.request] | inside([$(jq -c 'select(.data.product ==
    "camera") | .data.request' "$work/leaves.jsonl" | sort -u |
    paste -sd,)])" --product camera
only "person and type" '.data.person == "bob" and .event == "approval"' \
    --person bob --type approval
only nobody 'false' --person nobody
when=$(jq -r 'select(.event == "boot" and .boot == 2) | .time.claimed |
    todate' "$work/leaves.jsonl")
at=$(date -u -d "$when" +%s)
only from ".time.claimed >= $at" --from "$when"
only until ".time.claimed <= $at" --until "$when"
run ask log --limit 3 --json
is "log --limit: the last of them" "$(jq .leaf -cS <<<"$tap_out")" \
    "$(tail -n 3 "$work/leaves.jsonl")"
run ask log --type signature --limit 1
like "for people" "$tap_out" \
    '^ +[0-9]+  20[0-9-]+T[0-9:]+Z  signature +product=router .*key=fw-cms'
run ask log --type intake.accepted --limit 1
like "quotes are told apart" "$(ask log --person carol)" \
    'reason="not "this" & one"'
refuses "a time of another form" 2 USAGE ask log --from yesterday
refuses "--limit 0" 2 USAGE ask log --limit 0
refuses "a full disk" 4 IO bash -c \
    "coldseal audit log ${adb[*]} >/dev/full"

# --- export ------------------------------------------------------------------
exits "export --jsonl: every leaf" 0 ask export --jsonl --out "$work/all"
ok "byte for byte" cmp "$work/all" "$work/leaves.jsonl"
for what in signatures signature-approvals requests evidence approvals \
    refusals outcomes boots policies exports checkpoints events; do
	exits "export --what $what --csv" 0 ask export --what "$what" --csv \
	    --out "$work/t.csv"
	view=v_${what//-/_}
	sqlite3 "$work/rows.db" ".import --csv $work/t.csv t" 2>"$work/err"
	is "sqlite3 reads it, every row" \
	    "$(sqlite3 "$work/rows.db" 'SELECT count(*) FROM t')" \
	    "$(adb_sql a "SELECT count(*) FROM $view")"
	rm -f "$work/rows.db"
	run ask export --what "$what" --jsonl
	is "as JSON, the same" "$(jq -c 'length > 1' <<<"$tap_out" |
	    grep -c true)" \
	    "$(adb_sql a "SELECT count(*) FROM $view")"
done
adb_copy a f
cp -r "$tiles" "$work/f.db.tiles"
adb_sql f "UPDATE signature SET name = '=HYPERLINK(\"x\")'"
adb_use f
run ask export --what signatures --csv
adb_use a
like "no formula for a spreadsheet" "$tap_out" ",\"'=HYPERLINK\\(\"\"x\"\"\\)\","
is "rows end as RFC 4180 has it" "$(ask export --what boots --csv |
    grep -vc "$(printf '\r')\$")" 0
refuses "neither --csv nor --jsonl" 2 USAGE ask export
refuses "both" 2 USAGE ask export --csv --jsonl
refuses "--csv of leaves" 2 USAGE ask export --csv
refuses "something else" 2 USAGE ask export --csv --what secrets
run bash -c "ulimit -f 1; trap '' XFSZ
    coldseal audit export ${adb[*]} --jsonl --out $work/all"
is "no room: exit status" "$tap_status" 4
ok "and the old file stays" cmp "$work/all" "$work/leaves.jsonl"

# --- who-can-sign ------------------------------------------------------------
exits "who-can-sign" 0 ask who-can-sign
is "says what the policy says, and where it was granted" \
    "$(grep -v 'granted at leaf 0$' <<<"$tap_out")" \
    "$(coldseal who-can-sign --policy "$COLDSEAL_POLICY")"
is "for every row" "$(grep -c 'granted at leaf 0$' <<<"$tap_out")" 7
exits "for a person" 0 ask who-can-sign --person alice --key fw-rsa --json
is "as JSON" "$(jq -c '[.[] | .key, .threshold, .granted_at_leaf]' \
    <<<"$tap_out")" '["fw-rsa",2,0]'
run ask who-can-sign --csv
like "as a table" "$tap_out" '^"product"'
exits "in ten years" 0 ask who-can-sign --at 2099-01-01T00:00:00Z
like "nobody" "$tap_out" 'NOBODY: the'
refuses "before the log began" 6 AUDIT-POLICY ask who-can-sign \
    --at 2001-01-01T00:00:00Z
refuses "a name that is not there" 1 AUTHORITY-NAME ask who-can-sign \
    --person mallory
refuses "--json and --csv" 2 USAGE ask who-can-sign --json --csv

# --- the database is an index; the leaves decide -----------------------------
doctored() { # NAME SQL
	adb_copy a f
	adb_sql f "$2" || bail "SQL"
	refuses "a database that says otherwise: $1" 1 AUDIT-INDEX \
	    ask trace "${3:-$signed/loader.bin}"
}
adb_use f
doctored "another artifact's leaf" "UPDATE signature SET artifact =
    '$(sha "$work/never")' WHERE idx = $sig" "$work/never"
# every row of a table but the right one is of the signature's request
late=$signed/fw-ed25519/firmware.bin.sig
at=$(leaf ".data.signature_sha256 == \"$(sha "$late")\"")
request="(SELECT request FROM signature WHERE idx = $at)"
for table in intake intent outcome export; do
	doctored "another $table" "UPDATE $table SET request = CASE
	    WHEN request = $request THEN NULL ELSE $request END" "$late"
done
ceremony="(SELECT ceremony FROM v_signatures WHERE idx = $at)"
doctored "another session" "UPDATE session SET ceremony = CASE
    WHEN ceremony = $ceremony THEN 'x' ELSE $ceremony END" "$late"
doctored "another boot" \
    "UPDATE boot SET boot = CASE boot WHEN 2 THEN 9 ELSE 2 END" "$late"
doctored "another approval" "UPDATE intent_approval SET statement =
    (SELECT statement FROM approval ORDER BY idx LIMIT 1)" "$late"
adb_copy a f
policy=$(ls "$work/f.db.tiles/blobs" | head -n 400 | while read -r f; do
	[ "$f" != "$(adb_sql a 'SELECT envelope FROM v_policies')" ] ||
	    echo "$f"
done)
rm -rf "$work/f.db.tiles/blobs/$policy"
refuses "the policy's document is not there" 1 AUDIT-BLOB \
    ask who-can-sign
cp -r "$tiles/blobs/$policy" "$work/f.db.tiles/blobs/"
other=$(adb_sql a 'SELECT envelope FROM v_approvals LIMIT 1')
adb_sql f "UPDATE policy SET envelope = '$other'"
run ask who-can-sign
is "another document is no policy" "$((tap_status != 0))" 1
adb_copy a f
tile=$(find "$work/f.db.tiles/tile/entries" -type f)
chmod u+w "$tile"
printf x | dd of="$tile" bs=1 seek=60 conv=notrunc status=none
refuses "a leaf that changed on disk" 1 LOG-TAMPER ask log
refuses "is not exported" 1 LOG-TAMPER ask export --jsonl \
    --out "$work/tampered"
is "nor left behind" "$(ls "$work"/tampered* 2>/dev/null)" ""
# a leaf and its hash in the tile: only the proof up to the root tells
rm -rf "$work/f.db.tiles"
cp -r "$tiles" "$work/f.db.tiles"
hash=$(find "$work/f.db.tiles/tile/0" -type f)
chmod u+w "$tile" "$hash"
printf 2 | dd of="$tile" bs=1 seek=10 conv=notrunc status=none
sed -n 1p "$work/leaves.jsonl" | sed 's/"boot":1/"boot":2/' >"$work/forged"
(printf '\0'; cat "$work/forged") | openssl dgst -sha256 -binary |
    dd of="$hash" bs=1 conv=notrunc status=none
refuses "a leaf that changed with its hash" 1 LOG-TAMPER ask log
refuses "is not exported" 1 AUDIT-ROOT ask export --jsonl \
    --out "$work/tampered"
refuses "nor reported" 1 AUDIT-ROOT ask report \
    --out "$work/red.html"
like "but in red" "$(cat "$work/red.html")" 'AUDIT-ROOT'
head -n 3 "$tiles/checkpoint" >"$work/note"
cp "$work/note" "$work/f.db.tiles/checkpoint"
refuses "another checkpoint beside the database" 3 AUDIT-STORE \
    ask log
rm -rf "$work/f.db.tiles"
refuses "nothing beside the database" 3 AUDIT-STORE ask log
done_testing
