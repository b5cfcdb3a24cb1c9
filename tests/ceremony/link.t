#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The USB link, with a socket for the cable: a whole ceremony over it, and what
# a closed link, a second host, kills and pulled cables leave.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
con_work link
con_rehearse
state=$CON_DIR/state
tests=${CS_TESTS:-build/tests}

request() { # VERSION ARTIFACT...: $work/VERSION.req
	local v=$1
	shift
	coldseal request create --product router --version "$v" --key fw-p256 \
	    --format raw --requester-key "$COLDSEAL_REQUESTER" \
	    --out "$work/$v.req" "$@" >/dev/null || bail "no request"
}
link() { # VERB ARGS...
	local verb=$1
	shift
	coldseal link "$verb" --device "${cable:-$COLDSEAL_LINK}" "$@"
}
# A command at the console that waits for a host: up to its question.
con_begin() { # LINE
	con_out=
	con_send "$1"
	con_until '^waiting for a host at the link; Enter stops it: $|^coldseal> $'
}
con_finish() { # after the host is done
	con_until '^(waiting.*: )?coldseal> $'
}

echo "the firmware" >"$work/a"
request 1 "$work/a"
con_start "$CON_DIR" || bail "no console: $con_out"

# --- closed -----------------------------------------------------------------
refuses "a link that was never opened" 6 LINK-CLOSED link status
con link
like "the console says so" "$con_out" 'link +closed'
con "intake link"
like "no intake without it" "$con_out" 'LINK-NOT-OPEN'
con "link close"
like "none to close" "$con_out" 'LINK-NOT-OPEN'
con "link ajar"
like "another word" "$con_out" 'USAGE'

# --- a ceremony -------------------------------------------------------------
link status --wait >"$work/waited" 2>"$work/waited.err" &
waiter=$!
con "link open"
like "opened" "$con_out" 'link +OPEN'
wait $waiter
is "a host that waited sees it" "$?" 0
like "and who it is" "$(cat "$work/waited")" 'rehearsal.coldseal.example'
con "link open"
like "once" "$con_out" 'LINK-OPEN'
refuses "nobody asked for a bundle" 1 LINK-NOT-ASKED link send "$work/1.req"
refuses "there are no files" 6 LINK-NO-FILE link receive --out "$work"
con_begin "intake link" || bail "no intake: $con_out"
exits "a request is sent" 0 link send "$work/1.req"
like "and its result is told" "$tap_out" 'request 1: pending'
con_finish
like "the console, too" "$con_out" 'accepted as request 1'
exits "the same again is known without being sent" 0 link send "$work/1.req"
like "by its result" "$tap_out" 'request 1: pending'
con_approve 1 alice
con_approve 1 bob
con "sign 1"
like "signed" "$con_out" 'signatures made'
con_begin "export 1 link" || bail "no export: $con_out"
mkdir "$work/got"
exits "the files are fetched" 0 link receive --out "$work/got" --wait
con_finish
like "the console says that they are" "$con_out" 'exported over the link'
sha=$(sha256sum <"$work/got/COLDSEAL.RSP" | cut -c 1-64)
like "with their digests" "$con_out" "$sha"
exits "the response verifies" 0 coldseal response verify \
    "$work/got/COLDSEAL.RSP" --policy "$COLDSEAL_POLICY" \
    --log-key "$COLDSEAL_LOG_KEY" --record-key "$COLDSEAL_RECORD_KEY" \
    --artifact "$work/a"
exits "and the audit bundle" 0 coldseal audit verify "$work/got/COLDSEAL.AUD" \
    --log-key "$COLDSEAL_LOG_KEY"
mkdir "$work/again"
exits "they may be fetched again" 0 link receive --out "$work/again"
ok "as they were" cmp "$work/got/COLDSEAL.RSP" "$work/again/COLDSEAL.RSP"
con "export 1"
coldseal media read "$COLDSEAL_OUT" --out "$work/rsp" >/dev/null
ok "over a medium it is the same response" cmp "$work/got/COLDSEAL.RSP" \
    "$work/rsp"
con "log 12"
like "logged: opened" "$con_out" 'link.open'
like "and exported" "$con_out" 'export'

# --- one host at a time -----------------------------------------------------
request 2 "$work/a"
link send --wait "$work/2.req" >"$work/first.out" 2>"$work/first.err" &
first=$!
ok "a host that waits for somebody" \
    file_says "$work/first.err" 'type intake link' $first
refuses "a second host is shown out" 1 LINK-BUSY link status
con_begin "intake link" || bail "no intake: $con_out"
wait $first
is "the first one goes on when somebody comes" "$?" 0
con_finish
like "and is taken in" "$con_out" 'accepted as request 2'

# --- stopped, and too late --------------------------------------------------
head -c 3000000 /dev/urandom >"$work/big"
request 3 "$work/big"
# half of it
sever() { # BYTES VICTIM COMMAND...: through a cable that is cut
	local bytes=$1 victim=$2 proxy
	shift 2
	"$tests/linkproxy" "$work/cut" "${COLDSEAL_LINK#unix:}" "$bytes" \
	    "$victim" >"$work/cut.log" 2>&1 &
	proxy=$!
	file_says "$work/cut.log" ready $proxy || bail "no proxy"
	{ cable=unix:$work/cut "$@"; } >"$work/host.out" 2>&1
	wait $proxy
}
con_begin "intake link" || bail "no intake: $con_out"
ok "a cable that is cut half way" sever 1500000 nobody link send "$work/3.req"
like "is told to the host" "$(cat "$work/host.out")" 'LINK-(GONE|SHORT)'
exits "the appliance has a part of it" 0 link status --json
like "and says so" "$tap_out" '"state":"taking"'
refuses "another bundle must wait" 1 LINK-OTHER link send "$work/2.req"
con_send ""
con_until '^coldseal> $'
like "Enter stops it, with an ID" "$con_out" 'LINK-STOPPED'
exits "and the host can read that" 0 link status
like "there" "$tap_out" 'LINK-STOPPED'
con list
unlike "nothing was taken in" "$con_out" '^ +3 '
con "log 3"
like "the refusal is logged" "$con_out" 'intake.refused'
refuses "what was stopped is not resumed without somebody" 1 LINK-NOT-ASKED \
    link send "$work/3.req"
con_begin "export 1 link" || bail "no export: $con_out"
con_send ""
con_until '^coldseal> $'
like "an export that nobody fetches is stopped" "$con_out" 'LINK-STOPPED'
con "log 1"
unlike "and not logged as one" "$con_out" 'export'
refuses "its files are gone" 6 LINK-NO-FILE link receive --out "$work/got"

# --- kill -9 of the host ----------------------------------------------------
sent_at() { # sed expression over --json
	printf '%s' "$tap_out" | jq -r "$1"
}
n=3
size=$(stat -c %s "$work/3.req")
for bytes in 1 4096 6000 8192 12288 16384 16385 20480 200000 700001 \
    $((size + 10000)); do
	con_begin "intake link" || bail "no intake: $con_out"
	sever "$bytes" host link send "$work/$n.req"
	exits "killed after $bytes bytes: it goes on" 0 link send --json \
	    "$work/$n.req"
	like "from where the appliance has it" "$(sent_at .resumed_at)" '^[0-9]+$'
	[ "$bytes" -lt 700000 ] || [ "$bytes" -gt "$size" ] ||
	    ok "which is not the beginning" \
		test "$(sent_at .resumed_at)" -gt 300000
	con_finish
	like "accepted once" "$con_out" "accepted as request $n"
	n=$((n + 1))
	request $n "$work/big"
done
con list
is "as many requests as were sent" \
    "$(grep -cE '^ +[0-9]+ +(pending|signed)' <<<"$con_out")" $((n - 1))
con_begin "export 1 link" || bail "no export: $con_out"
for bytes in 1 12288 20480 60000; do
	sever "$bytes" host link receive --out "$work/got"
	is "killed after $bytes bytes of an export: no new file" \
	    "$(sha256sum <"$work/got/COLDSEAL.RSP" | cut -c 1-64)" "$sha"
done
rm -rf "$work/got"
mkdir "$work/got"
exits "and it is fetched by the next" 0 link receive --out "$work/got"
con_finish
like "and done" "$con_out" 'exported over the link'

# --- kill -9 of coldseal-link -----------------------------------------------
link_pid() {
	local p
	for p in $(cat "/proc/$con_pid/task/$con_pid/children"); do
		[ "$(cat "/proc/$p/comm")" = coldseal-link ] && echo "$p"
	done
}
for bytes in 1 4096 12288 16384 20481 900000 $((size + 10000)); do
	con_begin "intake link" || bail "no intake: $con_out"
	sever "$bytes" "$(link_pid)" link send "$work/$n.req"
	con_finish
	like "coldseal-link killed after $bytes bytes: said" "$con_out" \
	    'LINK-GONE|accepted as'
	like "the host is told, too" "$(cat "$work/host.out")" 'LINK-'
	con list
	unlike "nothing is half taken" "$con_out" "^ +$n +refused"
	con link
	like "the link is closed" "$con_out" 'closed'
	con "link open"
	like "and opens again" "$con_out" 'OPEN'
	con_begin "intake link" || bail "no intake: $con_out"
	exits "the next host sends it whole" 0 link send "$work/$n.req"
	con_finish
	like "and it is there" "$con_out" "request $n"
	n=$((n + 1))
	request $n "$work/big"
done
con "log 40"
like "a link that died is logged" "$con_out" 'link.close'

con_end
con_start "$CON_DIR" || bail "no console: $con_out"
con link
like "a start closes it" "$con_out" 'link +closed'
con "log 6"
like "the shutdown had logged it" "$con_out" 'link.close'
con_end
done_testing
