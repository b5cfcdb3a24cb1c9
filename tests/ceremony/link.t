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
con_end
con_start "$CON_DIR" || bail "no console: $con_out"
con link
like "a start closes it" "$con_out" 'link +closed'
con "log 6"
like "the shutdown had logged it" "$con_out" 'link.close'
con_end
done_testing
