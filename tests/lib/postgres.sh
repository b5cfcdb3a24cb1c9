# SPDX-License-Identifier: Apache-2.0
# A PostgreSQL server of a test's own: a new cluster in a folder of the test,
# reached through a socket there and in no other way.
#
#	pg_start FOLDER		$pg_uri is its database "audit", as its owner
#	pg_stop			immediately, as a crash
#	pg_again		the same cluster once more
#	pg_sql SQL [psql option ...]	as the owner
#
# PostgreSQL does not run as root: the user postgres does then.
pg_as=()
if [ "$(id -u)" -eq 0 ]; then
	pg_as=(setpriv --reuid postgres --regid postgres --init-groups)
fi
pg_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

pg_start() { # FOLDER
	pg_dir=$1
	mkdir -p "$pg_dir" && [ -x "$pg_bin/initdb" ] || return 1
	if [ "$(id -u)" -eq 0 ]; then
		chown postgres: "$pg_dir" || return 1
	fi
	(cd / && "${pg_as[@]}" "$pg_bin/initdb" -D "$pg_dir/data" -U owner \
	    -A trust -E UTF8 --locale=C --no-sync) >/dev/null || return 1
	pg_again || return 1
	pg_uri="postgresql://owner@/audit?host=$pg_dir"
	psql -X -q "postgresql://owner@/postgres?host=$pg_dir" \
	    -c 'CREATE DATABASE audit' || return 1
}

pg_again() {
	(cd / && "${pg_as[@]}" "$pg_bin/pg_ctl" -w -s -D "$pg_dir/data" \
	    -l "$pg_dir/log" -o "-k $pg_dir -c listen_addresses=''" start) \
	    >/dev/null </dev/null
}

pg_stop() {
	(cd / && "${pg_as[@]}" "$pg_bin/pg_ctl" -w -s -D "$pg_dir/data" \
	    -m immediate stop) >/dev/null 2>&1
}

pg_sql() { # SQL [psql option ...]
	psql -X -q -A -t -v ON_ERROR_STOP=1 "$pg_uri" "${@:2}" -c "$1"
}
