#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The report: of a real ceremony, of logs with every kind of finding, of names
# that attack it, and at 10,000 signatures; looked at in Chromium.
set -u
here=$(cd "$(dirname "$0")" && pwd)
CS_TOP=${CS_TOP:-$(cd "$here/../.." && pwd)}
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/story.sh"
. "$here/../lib/verify.sh"
. "$here/../lib/browser.sh"
con_work rep
pictures=${CS_TESTS:-$work}/pictures
mkdir -p "$pictures" || bail "no folder for pictures"
import() { # NAME BUNDLE VKEY
	coldseal audit import "$2" --db "$work/$1.db" --log-key "$3" \
	    >"$work/import.log" 2>&1 || bail "no import: $(cat "$work/import.log")"
}
report() { # NAME [OPTION...]
	coldseal audit report --db "$work/$1.db" --out "$work/$1.html" "${@:2}"
}
page() { # NAME: the page as text, one line
	tr '\n' ' ' <"$work/$1.html"
}
# A log out of lines of JSON on stdin; each finding's page is another.
made() { # NAME
	jq -cS . >"$work/$1.jsonl" || bail "jq"
	"$CS_TEST_BIN/mklog" --two fake.example/log "@$work/$1.jsonl" \
	    "$work/$1.bundle" || bail "mklog"
	import "$1" "$work/$1.bundle" "$work/fake.vkey"
}
"$CS_TEST_BIN/mklog" --vkeys fake.example/log >"$work/fake.vkey"
fake() { # N EACH [ODD]: leaves
	jq -ncS --argjson n "$1" --argjson each "$2" --arg odd "${3-}" \
	    -f "$here/../lib/fakelog.jq"
}

# --- a real ceremony ---------------------------------------------------------
story
import story "$work/audit.bundle" "$work/log.vkey"
exits "the report of a ceremony" 0 report story
like "its verdict" "$(page story)" '<b>VERIFIED</b>'
like "its origin" "$(page story)" '<h1>rehearsal.coldseal.example/log1</h1>'
root=$(sed -n 3p <(tar -C "$work" -xOf "$work/audit.bundle" checkpoint) |
    base64 -d | od -An -v -t x1 | tr -d ' \n')
like "its root" "$(page story | sed 's/<[^>]*>//g; s/ //g')" "$root"
like "its root in words" "$(page story)" 'class="words">([A-Za-z]+ ){31}[A-Za-z]+<'
like "the note as it was signed" "$(cat "$work/story.html")" \
    '^— rehearsal.coldseal.example/log1 [A-Za-z0-9+/=]+$'
for title in "A rehearsal" "Requests that were refused at intake" \
    "Approvals that were refused" "Requests that somebody rejected" \
    "Accepted requests that are still open"; do
	like "finding: $title" "$(page story)" "<b>$title</b>: 1"
done
like "who can sign now" "$(page story)" \
    'any 2 of <span>alice</span>, <span>bob</span>, <span>carol</span>'
like "the policy in words" "$(page story)" 'The artifact itself must be on'
like "what is not proven" "$(page story)" 'not signed. Whoever doubts it'

# what it prints is what the README has and strangers.t runs
sed -n '/<pre class="cmd">/,/<\/pre>/p' "$work/story.html" |
    sed 's/.*<pre class="cmd">//; s/<\/pre>//; s/&gt;/>/g; s/&lt;/</g
	s/&quot;/"/g; s/&#39;/'"'"'/g; s/&amp;/\&/g' |
    grep -v '^$' >"$work/printed"
is "its commands are the README's" "$(cat "$work/printed")" \
    "$(verify_text "$CS_TOP/README.md" | grep -v '^# ' | grep -v '^$')"

# --- one file, and nothing that runs -----------------------------------------
policy=$(grep -o 'http-equiv="Content-Security-Policy" content="[^"]*"' \
    "$work/story.html")
like "the page's policy" "$policy" "default-src 'none'; style-src 'sha256-"
hash=$(sed -n '/<style>/,/<\/style>/p' "$work/story.html" |
    sed '1s/.*<style>//; $s/<\/style>.*//' | perl -pe 'chomp if eof' |
    openssl dgst -sha256 -binary | base64)
like "allows this style" "$policy" "'sha256-$hash'"
is "and nothing else" "$(sed "s/.*style-src '[^']*'//" <<<"$policy")" \
    "; base-uri 'none'; form-action 'none'\""
no_markup() { # NAME FILE: no element or attribute that loads or runs
	is "$1: nothing loads or runs" "$(tr '\n' ' ' <"$2" |
	    grep -oiE '<(script|img|iframe|object|embed|link|base|form|video)[ >/]|<[a-z][^>]* (on[a-z]+|style|src|srcset|href|data|action)="?[^"#][^>]*>' |
	    grep -v '^<a href="#' | head -n 3)" ""
}
no_markup "a ceremony" "$work/story.html"

# --- as a browser sees it ----------------------------------------------------
look() { # NAME
	browse "$work/$1.html" "$pictures/report-$1" ||
	    bail "no browser: $(tail -n 3 "$pictures/report-$1.err")"
	is "$1: the browser complains of nothing" \
	    "$(cat "$pictures/report-$1.console")" ""
	is "$1: and asks nobody" "$(cat "$pictures/report-$1.hosts")" ""
	no_markup "$1, in the browser" "$pictures/report-$1.dom"
	ok "$1: a picture" test "$(stat -c %s "$pictures/report-$1.png")" \
	    -gt 60000
}
rows() { # NAME SECTION: of tables
	sed -n "/<section id=\"$2\">/,/<\/section>/p" \
	    "$pictures/report-$1.dom" | grep -o '<tr><td' | wc -l
}
look story
is "a row for each signature" "$(rows story signatures)" 7
is "and for each decision" "$(rows story approvals)" 15
like "a name is text" "$(cat "$pictures/report-story.dom")" \
    '&lt;script&gt;alert\("x"\)&lt;/script&gt;\.bin'
# the same look at a page that does ask and complain: it would be seen
sed 's|</section>|<img src="http://127.0.0.1:9/x"><script>1</script>&|' \
    "$work/story.html" >"$work/broken.html"
browse "$work/broken.html" "$work/broken" || bail "no browser"
like "the page's policy holds against markup that got in" \
    "$(cat "$work/broken.console")" "violates.*Content Security Policy"
is "so that even then nobody is asked" "$(cat "$work/broken.hosts")" ""
sed -i 's|<meta http-equiv="Content-Security-Policy"[^>]*>||' \
    "$work/broken.html"
browse "$work/broken.html" "$work/broken" || bail "no browser"
like "without it they would be" "$(cat "$work/broken.hosts")" '127.0.0.1:9'
browse_with "$work/browser" "$work/story.html" --no-pdf-header-footer \
    --print-to-pdf="$pictures/report-story.pdf" >/dev/null 2>&1
like "it prints, what is folded too" "$(pdftotext \
    "$pictures/report-story.pdf" - | tr '\n' ' ')" 'wrong PINs, unknown tokens'

# --- names that attack -------------------------------------------------------
rtl=$(printf '\xe2\x80\xae\xd7\xa9\xd7\x9c\xe2\x80\x8b')
odd="\"'><script>alert(1)</script><img src=//a.example/x onerror=alert(1)>&lt;$rtl$(
    printf 'n%.0s' {1..400})"
fake 12 2 "$odd" | made odd
exits "a report of hostile names" 0 report odd
look odd
like "direction marks are named" "$(cat "$work/odd.html")" \
    '\[U\+202E\].*\[U\+200B\]'
is "and none is left" "$(grep -c "$(printf '\xe2\x80\xae')" "$work/odd.html")" 0
like "the longest name is whole" "$(cat "$work/odd.html")" 'n{400}'

# --- every finding, and what is without one ----------------------------------
fake 40 2 | made clean
exits "a log without faults" 0 report clean
like "nothing to answer" "$(page clean)" 'Nothing in it calls for an answer'
is "no finding but refusals" "$(grep -o '<b>[A-Z][^<]*</b>: [0-9]*' \
    "$work/clean.html")" "<b>Requests that were refused at intake</b>: 4"

finding() { # TITLE COUNT JQ [LEVEL]: the log of 40, changed by the filter
	jq -cs "$3 | .[]" "$work/clean.jsonl" | made f
	run report f
	like "finding: $1" "$(page f)" "<b>$1</b>: $2<"
	[ "${4-}" != serious ] || like "which is serious" "$(page f)" \
	    'VERIFIED, with serious findings'
	rm -rf "$work"/f.*
}
first() { # EVENT: jq path of the first such leaf
	echo "(first(to_entries[] | select(.value.event == \"$1\")).key)"
}
finding "Signatures that nobody approved" 1 \
    ".[$(first signature)].data.trace.approvers = []" serious
finding "Requesters who approved their own request" 1 \
    ".[$(first signature)].data.trace.requester = \"alice\"" serious
finding "Signatures without a ceremony that ended" 2 \
    "del(.[$(first sign.outcome)])" serious
finding "The TPM's counter went back" 1 \
    "(.[] | select(.event == \"boot\" and .boot == 2).data.counter) = 3" \
    serious
finding "An older image was booted" 1 \
    "(.[] | select(.event == \"boot\" and .boot == 2).data.image_version) = 2" \
    serious
unseal() { # MEMBERS: jq that adds a tpm.unseal after the first leaf of EVENT
	echo "(.[\$i] | .event = \"tpm.unseal\" | .data = {approvers: 2,
	    domain: \"release\", lockout_after: 0, lockout_before: 0,
	    lockout_max: 32, purpose: \"sign\", request: .data.request,
	    request_sha256: .data.request_sha256, result: \"released\"}
	    | .data += $1)"
}
after() { # EVENT JQ: one more leaf after the first of EVENT
	echo "$(first "$1") as \$i | .[:\$i + 1] + [$2] + .[\$i + 1:]"
}
finding "PINs that came out without a ceremony" 1 \
    "$(after intake.accepted "$(unseal '{}')")" serious
finding "Logs of an HSM that do not add up" 1 \
    "$(after sign.intent '.[$i] | .event = "hsm.log" | .data = {asked: 1,
    check: "HSM-LOG-FOREIGN", checks: ["HSM-LOG-FOREIGN"], domain: "release",
    entries: [], found: "2", request: .data.request, request_sha256:
    .data.request_sha256, unlogged_boots: 0, unlogged_logins: 0, used: 2}')" \
    serious
finding "PINs that the TPM did not give" 1 \
    "$(after sign.intent "$(unseal '{result: "refused", check: "TPM-QUORUM",
    found: "1 of 2"}')")"
finding "The TPM counted towards its lockout" 1 \
    "$(after sign.intent "$(unseal '{lockout_after: 3}')")"
finding "Console sessions that nobody ended" 1 \
    "$(after sign.outcome '.[$i] | .event = "console.close" | .data =
    {console: "serial", reason: "hang-up"}')"
# what the appliance always does calls for no answer
jq -cs "$(after sign.intent "$(unseal '{}')") | .[]" "$work/clean.jsonl" |
    made f
run report f
like "a PIN in its ceremony is no finding" "$(page f)" \
    'Nothing in it calls for an answer'
rm -rf "$work"/f.*
finding "Glass was broken" 1 \
    ".[$(first intake.accepted)].data.break_glass = \"fire\""
finding "Boots or exports that the log does not show" 1 \
    "del(.[$(first export)])"
finding "Signing or changes that failed" 1 \
    ".[$(first sign.outcome)].data.result = \"not-released\""
finding "Signing or changes without an outcome" 1 \
    "del(.[$(first sign.outcome)])"
finding "Clock faults" 1 \
    ".[$(first approval)] |= (.event = \"clock.fault\" | .data =
    {clock: 1, floor: 2})"
finding "Claimed times that go back" 1 \
    ".[$(first signature)].time.claimed -= 50"
finding "The log began after a recovery" 1 \
    '.[0].data.recovered_from = {checkpoint: "", origin: "old.example",
    root: "00", size: 12}'
finding "Events that this version does not know" 1 \
    ".[$(first approval)].event = \"tea.break\""
finding "Requests that somebody rejected" 1 \
    ".[$(first approval)].data.decision = \"reject\""
finding "Approvals that lapsed with the power" 1 \
    ".[$(first export)] |= (.event = \"session.end\" |
    .data |= del(.counter, .files))"
finding "Boots without a shutdown before them" 1 \
    "del(.[$(first shutdown)])"
finding "Accepted requests that are still open" 1 \
    "del(.[$(first sign.outcome)])"

# --- what does not hold is red, and the exit status says it ------------------
cp "$work/clean.db" "$work/index.db"
cp -r "$work/clean.db.tiles" "$work/index.db.tiles"
doctored() { # NAME SQL
	sqlite3 "$work/index.db" "$2"
	refuses "a database that says otherwise: $1" 1 AUDIT-INDEX report index
	like "and the page says so: $1" "$(page index)" '<b>NOT VERIFIED</b>'
	cp "$work/clean.db" "$work/index.db"
}
leaf=$(sqlite3 "$work/clean.db" 'SELECT max(idx) FROM signature')
doctored "another artifact" \
    "UPDATE signature SET artifact = 'ff' WHERE idx = $leaf"
doctored "another person" "UPDATE approval SET person = (SELECT id FROM word
    WHERE word = 'erin') WHERE idx = (SELECT idx FROM v_approvals WHERE
    person = 'alice' LIMIT 1)"
doctored "another event" "UPDATE event SET type = (SELECT id FROM word
    WHERE word = 'shutdown') WHERE idx = $leaf"
doctored "another time" "UPDATE event SET claimed = 1 WHERE idx = $leaf"
doctored "a signature less" "PRAGMA foreign_keys = OFF; DELETE FROM signature
    WHERE idx = $leaf"
doctored "an event more" "INSERT INTO event SELECT max(idx) + 1, type, boot,
    claimed, NULL, NULL FROM event"
tile=$(find "$work/index.db.tiles/tile/entries" -type f | sort | tail -n 1)
chmod u+w "$tile"
printf x | dd of="$tile" bs=1 seek=60 conv=notrunc status=none
refuses "a leaf that changed on disk" 1 LOG-TAMPER report index
like "is told in red" "$(page index)" 'class="verdict bad".*LOG-TAMPER'
look index

"$CS_TEST_BIN/mklog" --two fork.example 30 "$work/fork1" &&
    "$CS_TEST_BIN/mklog" --two fork.example 30 "$work/fork2" fork 20 ||
    bail "mklog"
"$CS_TEST_BIN/mklog" --vkeys fork.example >"$work/fork.vkey"
import fork "$work/fork1" "$work/fork.vkey"
run coldseal audit import "$work/fork2" --db "$work/fork.db" \
    --log-key "$work/fork.vkey"
refuses "a fork" 1 AUDIT-FORK report fork
like "is told in red, too" "$(page fork)" '<b>FORK</b>'

# newer leaves came, and the medium before them did not
"$CS_TEST_BIN/mklog" --two gap.example 100 "$work/gap1" &&
    "$CS_TEST_BIN/mklog" --two --from 600 gap.example 1000 "$work/gap2" ||
    bail "mklog"
"$CS_TEST_BIN/mklog" --vkeys gap.example >"$work/gap.vkey"
import gap "$work/gap1" "$work/gap.vkey"
run coldseal audit import "$work/gap2" --db "$work/gap.db" \
    --log-key "$work/gap.vkey"
like "a gap" "$tap_out$tap_err" GAP
exits "a report before it" 0 report gap
like "says that more is waiting" "$(page gap)" \
    'VERIFIED UP TO A GAP.*Bundles that wait for a medium</b>: 1<'

# --- a policy that a ceremony changed ----------------------------------------
. "$here/../lib/change.sh"
con_start "$CON_DIR" || bail "no console: $con_out"
next_policy "$work/v1.dsse" "$work/v2.json" \
    '.rules[0].approvals.threshold = 3'
sign_next "$work/v1.dsse" "$work/v2.json" "$work/v2.dsse" alice bob ||
    bail "no second policy"
change_file "$work/change.req" policy.update --policy "$work/v2.dsse" \
    --current "$work/v1.dsse" --reason "two & two are <not> enough" ||
    bail "no change"
put "$work/change.req" || bail "no intake"
n=$(last_request)
con_approve "$n" alice && con_approve "$n" bob && con "apply $n" ||
    bail "no change"
[[ $con_out == *"version 2 is in force"* ]] || bail "no change: $con_out"
con_end
con_start "$CON_DIR" || bail "no console: $con_out"
con "export $n" || bail "no export"
coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD \
    --out "$work/law.bundle" >/dev/null || bail "no audit bundle"
con_end
cp "$work/story.db" "$work/law.db"
cp -r "$work/story.db.tiles" "$work/law.db.tiles"
import law "$work/law.bundle" "$work/log.vkey"
exits "two policies" 0 report law
like "the first in words" "$(page law)" 'Version 1, from leaf 0.*What it says'
like "the second by what it changed" "$(page law)" \
    'Version 2, from leaf [0-9]+.*What it changed:.*needs 3 of'
like "who can sign is by the newest" "$(page law)" \
    'By policy version 2, in force since leaf [0-9]+.*any 3 of'
like "the change itself" "$(page law)" \
    'policy.update.*>made<.*two &amp; two are &lt;not&gt; enough'
look law
is "a change that was made is no finding" "$(grep -c \
    'Signing or changes\|still open</b>: 2' "$work/law.html")" 0
is "all that policy diff says" "$(coldseal policy diff "$work/v1.dsse" \
    "$work/v2.dsse" |
    grep -vcFf <(sed -n 's/^<li>//p' "$work/law.html"))" 0
doc=$(sqlite3 "$work/law.db" 'SELECT envelope FROM v_policies LIMIT 1')
mv "$work/law.db.tiles/blobs/$doc" "$work/kept"
exits "a document that did not come is no reason for no report" 0 report law
like "but said" "$(page law)" "document cannot be used: AUDIT-BLOB"
mv "$work/kept" "$work/law.db.tiles/blobs/$doc"
sqlite3 "$work/law.db" "UPDATE policy SET envelope =
    '$(sha256sum <"$work/v2.dsse" | cut -c 1-64)'"
refuses "a policy that another leaf names" 1 AUDIT-INDEX coldseal audit \
    who-can-sign --db "$work/law.db" \
    --at "$(jq -r 'select(.idx == 0).time' <(coldseal audit export --jsonl \
    --what events --db "$work/law.db"))"

# --- 10,000 signatures -------------------------------------------------------
fake 2800 4 | made many
exits "a report of 10,080 signatures" 0 report many --rows 20000
rm -f "$work/many.html"
# sanitizers want more addresses than there is memory
limit=131072
(ulimit -v $limit; coldseal --version) >/dev/null 2>&1 || limit=unlimited
exits "with $limit KiB of addresses" 0 bash -c "ulimit -v $limit
    exec coldseal audit report --db $work/many.db --out $work/many.html \
    --rows 20000"
look many
is "all of them are there" "$(rows many signatures)" 10080
is "in pieces that open" "$(sed -n '/id="signatures"/,/<\/section>/p' \
    "$work/many.html" | grep -c '^<details')" 21
is "of which one is open" "$(sed -n '/id="signatures"/,/<\/section>/p' \
    "$work/many.html" | grep -c '^<details open')" 1
exits "--rows" 0 report many --rows 10
like "the newest of them" "$(page many)" 'These are the newest 10 of 10,080'
refuses "--rows 0" 2 USAGE report many --rows 0

# --- where it is written -----------------------------------------------------
before=$(sha256sum <"$work/story.html")
refuses "a folder that is not there" 4 IO coldseal audit report \
    --db "$work/story.db" --out "$work/none/r.html"
refuses "a device" 3 HOST-NOT-FILE coldseal audit report \
    --db "$work/story.db" --out /dev/full
run bash -c "ulimit -f 8; trap '' XFSZ
    coldseal audit report --db $work/story.db --out $work/story.html"
is "no room: exit status" "$tap_status" 4
is "and the old report stays" "$(sha256sum <"$work/story.html")" "$before"
is "with nothing beside it" "$(ls "$work" | grep -c 'story.html.')" 0
done_testing
