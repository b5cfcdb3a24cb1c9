#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An appliance whose clock is behind the last logged time: the log was written
# by a core whose clock was ahead (tests/lib/fake_clock.c), then the clock is
# right again.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/console.sh"
. "$here/../lib/change.sh"
con_work clock
con_rehearse
bin=$CON_BIN
fake=$(cd "${CS_TEST_BIN:-$bin/../tests}" && pwd)/fake_clock.so
[ -e "$fake" ] || bail "no $fake"

# the same programs, but the core is ahead
mkdir "$work/ahead"
cp "$bin"/coldseal* "$work/ahead"
cat >"$work/ahead/coldseal-core" <<END
#!/bin/sh
ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$fake CS_FAKE_AHEAD=3600 \
    exec $bin/coldseal-core "\$@"
END

request() { # OUT VERSION
	coldseal request create --product router --version "$2" --key fw-p256 \
	    --format raw --requester-key "$COLDSEAL_REQUESTER" --out "$1" \
	    "$work/a" >/dev/null
}
echo one >"$work/a"
request "$work/1.req" 1
request "$work/2.req" 2

CON_BIN=$work/ahead
con_start "$CON_DIR" || bail "no console: $con_out"
con status
clock=$(sed -n 's/^ *clock *\([^,]*\), last logged time \([^ ]*\).*/\1 \2/p' \
    <<<"$con_out" | tail -n 1)
ok "a clock that is an hour ahead" \
    test "${clock% *}" '>' "$(date -u -d '+50 minutes' +%Y-%m-%dT%H:%M:%SZ)"
ok "and is logged" \
    test "${clock#* }" '>' "$(date -u -d '+50 minutes' +%Y-%m-%dT%H:%M:%SZ)"
put "$work/1.req"
con_end

CON_BIN=$bin
con_out=
con_start "$CON_DIR" || bail "no console: $con_out"
like "the banner says that the clock is behind" "$con_out" \
    "CLOCK-FLOOR: the clock is behind the last logged time"
like "with both times" "$con_out" \
    "the clock says 20[-0-9]+T[0-9:]+Z, the last logged time is 20"
# the end of the last boot was logged after its status was read
last=$(sed -n 's/.*the last logged time is \(20[-0-9T:]*Z\).*/\1/p' \
    <<<"$con_out" | head -n 1)
ok "the one that was logged" test ! "$last" '<' "${clock#* }"
like "and that nothing else is wrong" "$con_out" \
    "keys and certificates are not the problem"
con status
like "status says it" "$con_out" "THE CLOCK IS WRONG"
coldseal media write "$COLDSEAL_IN" "$work/2.req" >/dev/null
for verb in intake "approve 1 alice" "sign 1"; do
	con "$verb"
	like "$verb: refused by its name" "$con_out" "CLOCK-FLOOR"
	is "$verb: and only that" \
	    "$(grep -oE '[A-Z]+(-[A-Z]+)+:' <<<"$con_out" | sort -u)" \
	    "CLOCK-FLOOR:"
done
con "log 5"
like "the fault is in the log" "$con_out" "clock.fault"
con_end
is "the appliance ends well" "$con_status" 0

# the clock is set right again: nothing stays
CON_BIN=$work/ahead
con_out=
con_start "$CON_DIR" || bail "no console: $con_out"
is "no fault once the clock is right" "$(grep -c CLOCK <<<"$con_out")" 0
con intake
is "and intake goes on" "$(grep -c CLOCK <<<"$con_out")" 0
con_end

# or, with the fault still there, people say what time it is
CON_BIN=$bin
con_start "$CON_DIR" || bail "no console: $con_out"
like "the clock is wrong again" "$con_out" "CLOCK-FLOOR"
change_file "$work/set.req" clock.set --seconds 3600 \
    --reason "an hour behind, by the radio clock"
put "$work/set.req"
like "a request to set it is taken in" "$con_out" 'clock.set'
n=$(last_request)
con_approve "$n" alice
con_approve "$n" bob
con "apply $n"
like "and made" "$con_out" 'the clock is set by \+3600 s'
con status
unlike "the clock is right" "$con_out" 'THE CLOCK IS WRONG'
coldseal media write "$COLDSEAL_IN" "$work/2.req" >/dev/null
con intake
like "and intake goes on" "$con_out" 'request 2 was taken in before'
con_end
done_testing
