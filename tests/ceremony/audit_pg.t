#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What only a server has: many logs in one database, many importers, roles that
# may only ask, a connection that is lost; and that every table, view and
# report is the one that SQLite gives.  A real PostgreSQL, started here.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lib/tap.sh"
. "$here/../lib/postgres.sh"
bin=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
tools=$(cd "${CS_TEST_BIN:-$bin/../tests}" && pwd) || bail "no test tools"
cs=$bin/coldseal
work=$(mktemp -d "${TMPDIR:-/tmp}/cs-pg.XXXXXX") || bail "no folder"
trap 'pg_stop; rm -rf "$work"' EXIT
cd "$work" || bail "no folder"
pg_start "$work/pg" || bail "no server"
pg_sql postgres "CREATE DATABASE audit"
uri=$(pg_uri audit)
origin=test.example/log
"$tools/mklog" --vkey "$origin" >log.vkey || bail "no key"
"$tools/mkevents" "$origin" 3000 ev || bail mkevents
"$tools/mkevents" "$origin" 1234 evp || bail mkevents
on() { # SCHEMA VERB [ARG...]
	"$cs" audit "$2" --db "$uri#$1" --tiles "$1.tiles" "${@:3}"
}
import() { # SCHEMA bundle [option ...]
	on "$1" import --log-key log.vkey --json "${@:2}"
}
verdict() { # SCHEMA bundle [option ...]
	run import "$@"
	v=$(jq -r .verdict <<<"$tap_out" 2>/dev/null)
}
sql() { # SCHEMA SQL
	pg_sql audit "SET search_path = $1" -c "$2"
}
size() { # SCHEMA
	sql "$1" "SELECT (SELECT max(size) FROM checkpoint),
	    (SELECT count(*) FROM event)"
}

# --- the same as SQLite --------------------------------------------------
same() { # name SCHEMA file: every row of every table and view
	local t columns=0 differ=
	for t in $(sqlite3 "$3" "SELECT name FROM sqlite_schema
	    WHERE type IN ('table', 'view') ORDER BY 1"); do
		# when it was imported is the auditor's clock
		columns=$(sqlite3 "$3" "SELECT group_concat(name) FROM
		    pragma_table_info('$t') WHERE NOT ('$t' LIKE '%checkpoint%'
		    AND name IN ('imported', 'time'))")
		cmp -s <(sqlite3 "$3" "SELECT $columns FROM $t" | sort) \
		    <(sql "$2" "SELECT $columns FROM $t" | sort) ||
		    differ="$differ $t"
		is "$1: columns of $t" "$(sql "$2" "SELECT string_agg(attname,
		    ',' ORDER BY attnum) FROM pg_attribute WHERE attnum > 0
		    AND attrelid = '$t'::regclass")" "$(sqlite3 "$3" "SELECT
		    group_concat(name) FROM pragma_table_info('$t')")"
	done
	is "$1: every row is SQLite's" "$differ" ""
}
for f in evp ev; do
	"$cs" audit import --db s.db --log-key log.vkey $f >/dev/null
	verdict coldseal $f
	is "import $f" "$v" OK
done
same "two imports" coldseal s.db
is "as many foreign keys" "$(sql coldseal "SELECT count(*) FROM pg_constraint
    WHERE contype = 'f' AND convalidated
    AND connamespace = 'coldseal'::regnamespace")" \
    "$(sqlite3 s.db .schema | grep -o REFERENCES | wc -l)"
is "as many indexes" "$(sql coldseal "SELECT count(*) FROM pg_index i
    JOIN pg_class c ON c.oid = indexrelid WHERE NOT indisunique
    AND relnamespace = 'coldseal'::regnamespace")" \
    "$(sqlite3 s.db .schema | grep -c 'CREATE INDEX')"
far=9007199254740991
sqlite3 s.db "UPDATE event SET claimed = $far WHERE idx = 7"
sql coldseal "UPDATE event SET claimed = $far WHERE idx = 7"
same "a time that has no text" coldseal s.db
is "is NULL" "$(sql coldseal "SELECT time IS NULL FROM v_events
    WHERE idx = 7")" t
for w in s.db.tiles coldseal.tiles; do
	(cd $w && find . -type f ! -path './imports/*' -exec sha256sum {} + |
	    sort) >$w.sums
done
ok "the evidence is the same" cmp s.db.tiles.sums coldseal.tiles.sums
exits "rebuild" 0 on coldseal rebuild
"$cs" audit rebuild --db s.db >/dev/null
same "rebuilt" coldseal s.db
plain() { # file: a report without what differs by the clock
	sed -E 's/20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9:]+(Z| UTC)?/TIME/g' "$1"
}
exits "report" 0 on coldseal report --out pg.html
"$cs" audit report --db s.db --out s.html
is "is the same page" "$(plain pg.html | sha256sum)" \
    "$(plain s.html | sha256sum)"
pg_sql postgres "CREATE DATABASE words TEMPLATE template0
    LOCALE_PROVIDER icu ICU_LOCALE 'en'"
exits "a database that sorts as a dictionary" 0 "$cs" audit import ev \
    --db "$(pg_uri words)" --tiles words.tiles --log-key log.vkey
is "words are sorted byte by byte" "$(pg_sql words \
    "SELECT word FROM word ORDER BY word")" \
    "$(pg_sql words "SELECT word FROM word" | LC_ALL=C sort)"

# --- many logs, names, what is refused ------------------------------------
"$tools/mklog" --vkey plant.example/log >plant.vkey
"$tools/mkevents" plant.example/log 500 plant
plant() { # SCHEMA
	"$cs" audit import plant --db "$uri#$1" --tiles "$1.tiles" \
	    --log-key plant.vkey
}
exits "another appliance, another schema" 0 plant plant_1
is "both are there" "$(size coldseal) $(size plant_1)" "3000|3000 500|500"
refuses "another appliance, the same schema" 1 AUDIT-OTHER-LOG plant coldseal
is "one question to both" "$(pg_sql audit "SELECT count(*) FROM
    (SELECT * FROM coldseal.v_signatures UNION ALL
    SELECT * FROM plant_1.v_signatures) AS s")" 1050
refuses "a log that is not there" 6 AUDIT-EMPTY on plant_2 status
like "the logs that are" "$tap_err" '#coldseal, #plant_1'
pg_sql postgres "CREATE DATABASE empty"
refuses "no log at all" 6 AUDIT-EMPTY "$cs" audit status --tiles t \
    --db "$(pg_uri empty)"
for bad in '' Plant 1plant pg_x 'a-b' "$(printf 'a%.0s' {1..64})" 'a"b' a#b; do
	refuses "a schema \"$bad\"" 2 USAGE on "$bad" status
done
exits "of 63 letters" 0 plant "$(printf 'a%.0s' {1..63})"
refuses "no folder of tiles is said" 2 USAGE "$cs" audit status --db "$uri"
refuses "no URI" 2 USAGE "$cs" audit status --tiles t --db postgresql://[
refuses "a word that libpq does not know" 2 USAGE "$cs" audit status \
    --tiles t --db 'postgresql:///audit?schema=x'
for secret in "postgresql://owner:hunter2@/audit?host=$work/pg" \
    "$uri&password=hunter2" "$uri&sslpassword=hunter2"; do
	refuses "a password" 2 AUDIT-DB-PASSWORD "$cs" audit status \
	    --tiles t --db "$secret"
	like "what to do" "$tap_err" PGPASSFILE
	unlike "it is not said again" "$tap_err" hunter2
done
refuses "no server" 4 AUDIT-DB-SERVER "$cs" audit status --tiles t \
    --db "postgresql:///audit?host=$work/nowhere"
pg_sql postgres "CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1"
refuses "an encoding that has not all letters" 3 AUDIT-DB-FORMAT "$cs" audit \
    import ev --db "$(pg_uri latin)" --tiles t --log-key log.vkey
pg_sql audit "CREATE SCHEMA other" -c "CREATE TABLE other.log(x int)"
refuses "somebody else's schema" 3 AUDIT-DB-FORMAT import other ev
is "is untouched" "$(pg_sql audit "SELECT string_agg(relname, ' ') FROM pg_class
    WHERE relnamespace = 'other'::regnamespace")" log
for n in 2 4; do
	sql plant_1 "COMMENT ON TABLE log IS 'coldseal audit database $n'"
	refuses "version $n" 3 AUDIT-DB-FORMAT on plant_1 status
	refuses "no import into it" 3 AUDIT-DB-FORMAT plant plant_1
done
sql plant_1 "COMMENT ON TABLE log IS 'coldseal audit database 3'"
pg_sql audit "CREATE SCHEMA made"
exits "a schema that an administrator made" 0 plant made

# --- roles ----------------------------------------------------------------
pg_sql audit "CREATE ROLE auditor LOGIN"
reader=$(pg_uri audit auditor)
asks() { # VERB [ARG...]
	"$cs" audit "$1" --db "$reader#coldseal" --tiles coldseal.tiles "${@:2}"
}
refuses "a role without rights" 4 AUDIT-DB asks status
pg_sql audit "GRANT USAGE ON SCHEMA coldseal TO auditor" \
    -c "GRANT SELECT ON ALL TABLES IN SCHEMA coldseal TO auditor"
artifact=$(sql coldseal "SELECT artifact FROM v_signatures WHERE idx = 15")
openssl genpkey -algorithm ed25519 -out aud.pem
for ask in status "trace $artifact" "log --limit 3" "log --person alice" \
    "report --out r.html" "export --what signatures --csv" \
    "export --jsonl"; do
	# shellcheck disable=SC2086
	exits "a role that may only read: $ask" 0 asks $ask
done
exits "a role that may only read: receipt" 0 "$cs" audit receipt \
    --db "$reader#coldseal" --key aud.pem --name audit.example/x --out rcp
"$tools/mkevents" "$origin" 3500 more || bail mkevents
refuses "it cannot import" 4 AUDIT-DB asks import more --log-key log.vkey \
    --receipt rcp
is "what was accepted is untouched" "$(size coldseal)" "3000|3000"
ok "no tile is left of it" test ! -e coldseal.tiles/writing
refuses "nor rebuild" 4 AUDIT-DB asks rebuild
pg_sql audit "CREATE ROLE importer LOGIN" \
    -c "GRANT USAGE ON SCHEMA coldseal TO importer" \
    -c "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA coldseal TO importer"
exits "a role that may add rows imports" 0 "$cs" audit import more \
    --db "$(pg_uri audit importer)" --tiles coldseal.tiles --log-key log.vkey
is "more leaves" "$(size coldseal)" "3500|3500"
exits "a rebuild" 0 on coldseal rebuild
exits "keeps its rights" 0 asks status

# --- importers at once -----------------------------------------------------
"$tools/mkevents" "$origin" 2000 some || bail mkevents
waits_for() { # N: until as many importers wait for the lock
	local n=0 i
	for ((i = 0; i < 2000; i++)); do
		n=$(pg_sql audit "SELECT count(*) FROM pg_locks
		    WHERE locktype = 'advisory' AND NOT granted")
		[ "$n" = "$1" ] && return
	done
	return 1
}
mkfifo hold
psql -X -q -A -t "$uri" <hold >held 2>&1 &
holder=$!
exec 7>hold
echo "SELECT pg_advisory_lock($((0x43534155)), hashtext('race'));" >&7
for ((i = 0; i < 2000; i++)); do
	[ "$(pg_sql audit "SELECT count(*) FROM pg_locks
	    WHERE locktype = 'advisory' AND granted")" = 1 ] && break
done
pids=()
for i in 1 2 3; do
	"$cs" audit import ev --db "$uri#race" --tiles race$i.tiles \
	    --log-key log.vkey --json >race$i 2>race$i.err &
	pids+=($!)
done
ok "three that begin a log at once wait for each other" waits_for 3
echo '\q' >&7
exec 7>&-
wait "$holder"
wait "${pids[@]}"
is "one imports it, the others see that" \
    "$(jq -r .verdict race1 race2 race3 | sort | paste -sd ' ')" \
    "DUPLICATE DUPLICATE OK"
is "once" "$(size race)" "3000|3000"
pids=()
for f in evp some ev evp some ev; do
	import shared $f >>shared.out 2>>shared.err &
	pids+=($!)
done
wait "${pids[@]}"
is "six into one folder: all are taken" \
    "$(jq -r .verdict shared.out | grep -cE '^(OK|STALE|DUPLICATE)$')" 6
is "the newest stays" "$(size shared)" "3000|3000"
exits "the leaves are sound" 0 on shared status

# --- a connection that is lost ---------------------------------------------
lost() { # name, what ends it
	refuses "$1: lost" 4 AUDIT-DB-SERVER import lost ev
	is "$1: what was accepted before is untouched" "$(size lost)" \
	    "1234|1234"
}
again() {
	verdict lost ev
	is "imported again" "$v $(size lost)" "OK 3000|3000"
	exits "sound" 0 on lost status
	pg_sql audit "DROP SCHEMA lost CASCADE"
	rm -rf lost.tiles
	import lost evp >/dev/null
}
import lost evp >/dev/null
pg_sql audit "CREATE FUNCTION public.cut() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
for t in word event signature checkpoint; do
	sql lost "CREATE TRIGGER cut AFTER INSERT ON $t
	    EXECUTE FUNCTION public.cut()"
	lost "at the first rows of $t"
	sql lost "DROP TRIGGER cut ON $t"
	again
done
sql lost "CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON checkpoint
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.cut()"
lost "at the commit"
sql lost "DROP TRIGGER cut ON checkpoint"
again
sql lost "ALTER TABLE signature ADD CHECK (name <> 'fw-0.bin') NOT VALID"
refuses "a server that says no" 4 AUDIT-DB import lost ev
is "what was accepted before is untouched" "$(size lost)" "1234|1234"
ok "no tile is left of it" test ! -e lost.tiles/writing
exits "sound" 0 on lost status
sql lost "ALTER TABLE signature DROP CONSTRAINT signature_name_check"
again

# committed, and nobody is told: between the two a proxy that breaks off
cat >cut.pl <<'PERL'
use IO::Select; use IO::Socket::UNIX;
my ($from, $to) = @ARGV;
my $l = IO::Socket::UNIX->new(Local => $from, Listen => 1) or die;
syswrite STDOUT, "ready\n";
my $c = $l->accept; my $s = IO::Socket::UNIX->new(Peer => $to) or die;
my $sel = IO::Select->new($c, $s); my $commit = 0;
while (1) {
    for my $in ($sel->can_read) {
        sysread($in, my $b, 65536) or exit;
        exit if $commit && $in == $s;
        # the commit of the rows, not that of the first one, of the tables
        $commit = 1 if $in == $c && $b =~ /COMMIT\0/;
        my $out = $in == $c ? $s : $c;
        while (length $b) { substr($b, 0, syswrite($out, $b)) = "" }
    }
}
PERL
mkdir proxy
perl cut.pl proxy/.s.PGSQL.5432 pg/.s.PGSQL.5432 >proxy.out &
proxy=$!
ok "a proxy" file_says proxy.out ready $proxy
refuses "lost after the commit" 4 AUDIT-DB-SERVER "$cs" audit import ev \
    --db "postgresql://owner@/audit?host=$work/proxy#lost" \
    --tiles lost.tiles --log-key log.vkey
wait "$proxy"
is "the server has it" "$(size lost)" "3000|3000"
verdict lost ev
is "so it is said the next time" "$v" DUPLICATE
exits "and every leaf is there" 0 on lost status
ok "nothing is left of it" test ! -e lost.tiles/writing

pg_stop
refuses "the server crashed" 4 AUDIT-DB-SERVER on lost status
pg_again || bail "no server"
exits "and came back" 0 on lost status
done_testing
