# SPDX-License-Identifier: Apache-2.0
# A PostgreSQL server of a test's own: a new cluster in a folder of the test,
# reached through a socket there and in no other way.
#
#	pg_start FOLDER		initialised and started
#	pg_stop			immediately, as a crash
#	pg_again		the same cluster once more
#	pg_uri DATABASE [USER]	its URI
#	pg_sql DATABASE SQL [psql option ...]	as the owner, in #coldseal
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
		chown postgres: "$pg_dir" && chmod 711 "$(dirname "$pg_dir")" ||
		    return 1
	fi
	(cd / && "${pg_as[@]}" "$pg_bin/initdb" -D "$pg_dir/data" -U owner \
	    -A trust -E UTF8 --locale=C --no-sync) >/dev/null && pg_again
}

# what a crash of the machine would lose is not what is tested
pg_again() {
	(cd / && "${pg_as[@]}" "$pg_bin/pg_ctl" -w -s -D "$pg_dir/data" \
	    -l "$pg_dir/log" -o "-k $pg_dir -c listen_addresses='' -c fsync=off" \
	    start) >/dev/null </dev/null
}

pg_stop() {
	(cd / && "${pg_as[@]}" "$pg_bin/pg_ctl" -w -s -D "$pg_dir/data" \
	    -m immediate stop) >/dev/null 2>&1
}

pg_uri() { # DATABASE [USER]
	echo "postgresql://${2:-owner}@/$1?host=$pg_dir"
}

pg_sql() { # DATABASE SQL [psql option ...]
	PGOPTIONS='-c search_path=coldseal -c client_min_messages=warning' \
	    psql -X -q -A -t -v ON_ERROR_STOP=1 "$(pg_uri "$1")" -c "$2" "${@:3}"
}
