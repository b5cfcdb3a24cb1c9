# SPDX-License-Identifier: Apache-2.0
# Auditors' databases of either engine, by name, below the working folder:
# files of SQLite's, or with AUDIT_DB=postgresql databases of a server that is
# started here.  The evidence of NAME is NAME.db.tiles in both.
#
#	adb_begin		before the first
#	adb_end			in the test's trap
#	adb_use NAME		$adb: the options that name it
#	adb_sql NAME SQL ...	rows as sqlite3 prints them
#	adb_dump NAME		all rows, "INTO table" in each line, and what
#				the tables are
#	adb_copy FROM TO	the database, not the evidence
#	adb_drop NAME		the database, not the evidence
. "$(dirname "${BASH_SOURCE[0]}")/postgres.sh"
AUDIT_DB=${AUDIT_DB:-sqlite}

adb_server() { [ "$AUDIT_DB" = postgresql ]; }

adb_begin() {
	adb_at=$PWD
	adb_server || return 0
	pg_start "$PWD/pg"
}

adb_end() {
	adb_server || return 0
	pg_stop
}

adb_use() { # NAME
	if adb_server; then
		adb=(--db "$(pg_uri "$1")" --tiles "$adb_at/$1.db.tiles")
	else
		adb=(--db "$adb_at/$1.db")
	fi
}

adb_sql() { # NAME SQL ...
	local s
	if adb_server; then
		for s in "${@:2}"; do
			pg_sql "$1" "$s"
		done
	else
		sqlite3 "$adb_at/$1.db" "${@:2}"
	fi
}

adb_dump() { # NAME
	local t
	adb_server || {
		sqlite3 "$adb_at/$1.db" .dump
		return
	}
	for t in $(pg_sql "$1" "SELECT relname FROM pg_class
	    WHERE relkind = 'r' AND relnamespace = 'coldseal'::regnamespace
	    ORDER BY 1"); do
		pg_sql "$1" "COPY (SELECT * FROM $t ORDER BY 1, 2) TO STDOUT" |
		    sed "s/^/INSERT INTO $t VALUES /"
	done
	pg_sql "$1" "SELECT indexdef FROM pg_indexes
	    WHERE schemaname = 'coldseal' ORDER BY 1"
	pg_sql "$1" "SELECT conrelid::regclass, conname,
	    pg_get_constraintdef(oid) FROM pg_constraint
	    WHERE connamespace = 'coldseal'::regnamespace ORDER BY 1, 2"
}

adb_drop() { # NAME
	if adb_server; then
		pg_sql postgres "DROP DATABASE IF EXISTS $1"
		pg_sql postgres "CREATE DATABASE $1"
	else
		rm -f "$adb_at/$1.db" "$adb_at/$1.db-journal"
	fi
}

adb_copy() { # FROM TO
	if adb_server; then
		pg_sql postgres "DROP DATABASE IF EXISTS $2"
		pg_sql postgres "CREATE DATABASE $2 TEMPLATE $1"
	else
		rm -f "$adb_at/$2.db-journal"
		cp "$adb_at/$1.db" "$adb_at/$2.db"
	fi
}
