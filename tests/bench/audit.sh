# SPDX-License-Identifier: Apache-2.0
# A log of a million events: verified, imported, continued.  run.sh sources
# this; alone: bash tests/bench/audit.sh BUILD
if ! declare -F row >/dev/null; then
	set -euo pipefail
	build=$1
	here=$(cd "$(dirname "$0")" && pwd)
	PATH=$(readlink -f "$build/bin"):$PATH
	work=$(mktemp -d "${TMPDIR:-/tmp}/cs-bench.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	now() { date +%s%N; }
	row() {
		awk -v n="$1" -v v="$2" -v f="$3" -v u="$4" -v g="$5" 'BEGIN {
		    printf "%-24s %14s %14s %-8s %7s  %s\n", n, v,
		    f == "null" ? "-" : f, u,
		    f == "null" ? "-" : sprintf("%.3f", v / f), g }'
	}
fi
audit_events=${AUDIT_EVENTS:-1000000}
audit_more=1000
audit_origin=bench.example/log
audit_tools=$(readlink -f "$build/tests")
audit_bench=$(readlink -f "$build/bench/bench_audit")
"$audit_tools/mklog" --vkey "$audit_origin" >"$work/audit.vkey"
"$audit_tools/mkevents" "$audit_origin" "$audit_events" "$work/log"
"$audit_tools/mkevents" "$audit_origin" $((audit_events + audit_more)) \
    "$work/more" "$audit_events"

# the best of a few, in turn with what they are compared with: milliseconds
audit_least() { # name value
	local -n least=$1
	[ -n "${least-}" ] && [ "$least" -le "$2" ] || least=$2
}
audit_ms() { # name command...
	local t
	t=$(now)
	"${@:2}" >/dev/null
	audit_least "$1" $((($(now) - t) / 1000000))
}
audit_import() { # folder
	coldseal audit import --db "$work/a.db" --log-key "$work/audit.vkey" \
	    "$1"
}
for _ in 1 2 3 4 5; do
	audit_ms audit_verify coldseal audit verify "$work/log" \
	    --log-key "$work/audit.vkey"
	audit_least audit_hash "$("$audit_bench" hash "$work/log" |
	    jq '.s * 1000 | floor')"
done
# somebody else's verifier on the same leaves: Go's sumdb/note and tlog
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$work/gocache GOFLAGS= \
    go build -o "$work/gocheck" "$here/../lib/gocheck.go"
for _ in 1 2; do
	audit_ms audit_go "$work/gocheck" log "$work/log" "$work/audit.vkey"
done
for _ in 1 2 3; do
	rm -rf "$work"/a.db* "$work/plain.db"
	audit_ms audit_first audit_import "$work/log"
	audit_least audit_plain "$("$audit_bench" insert "$work/a.db" \
	    "$work/plain.db" | jq '.s * 1000 | floor')"
	rm -f "$work/plain.db"
	audit_ms audit_next audit_import "$work/more"
done
# the peak of the import's memory, as the kernel has it
rm -rf "$work"/a.db*
audit_rss=$("$audit_bench" rss coldseal audit import --db "$work/a.db" \
    --log-key "$work/audit.vkey" "$work/log")
# a PostgreSQL server: ours, and its own COPY of these rows into such tables
# with such indexes and keys, in one transaction (pg_dump's)
audit_pg() (
	. "$here/../lib/postgres.sh"
	trap pg_stop EXIT
	pg_start "$work/pg" && pg_sql postgres "CREATE DATABASE audit" ||
	    exit 1
	audit_ms ours coldseal audit import --db "$(pg_uri audit)" \
	    --tiles "$work/pg.tiles" --log-key "$work/audit.vkey" "$work/log"
	pg_dump -n coldseal "$(pg_uri audit)" >"$work/pg.sql"
	pg_sql postgres "CREATE DATABASE plain"
	audit_ms plain psql -X -q -1 -v ON_ERROR_STOP=1 -f "$work/pg.sql" \
	    "$(pg_uri plain)"
	echo "$ours $plain"
)
read -r audit_pg_ours audit_pg_plain < <(audit_pg)
audit_s() { jq -n "$1 / 1000"; }
row audit.verify "$(audit_s "$audit_verify")" "$(audit_s "$audit_hash")" s \
    '<= 1.7'
row audit.verify.go "$(audit_s "$audit_go")" "$(audit_s "$audit_hash")" s ""
row audit.import "$(audit_s "$audit_first")" "$(audit_s "$audit_plain")" s \
    '<= 2, < 10 s'
row audit.import.pg "$(audit_s "$audit_pg_ours")" \
    "$(audit_s "$audit_pg_plain")" s ""
row audit.increment "$audit_next" "$((audit_first / 50))" ms '<= 1'
row audit.proof "$("$audit_bench" proof "$work/log" | jq .ms)" 5 ms '<= 1'
row audit.rss "$audit_rss" 65536 KiB '<= 1'
# a process for each file; the worst reads a cold index
"$here/audit_trace.sh" "$work/a.db" >"$work/trace"
row audit.trace "$(jq .median "$work/trace")" 50 ms '<= 1'
row audit.trace.worst "$(jq .worst "$work/trace")" null ms ""
rm -rf "$work"/a.db* "$work/log" "$work/more" "$work"/pg*
