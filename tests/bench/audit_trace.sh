#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# audit_trace.sh DB: "coldseal audit trace" of files spread over a log, each a
# process of its own.  Prints {"median", "worst", "n", "leaves"}, in ms.
set -euo pipefail
db=$1
n=25
total=$(sqlite3 -readonly "$db" 'SELECT count(*) FROM signature')
for i in $(seq 0 $((n - 1))); do
	digest=$(sqlite3 -readonly "$db" "SELECT artifact FROM signature
	    ORDER BY idx LIMIT 1 OFFSET $((total * i / n))")
	t=$(date +%s%N)
	coldseal audit trace "$digest" --db "$db" --json >/dev/null
	echo $(($(date +%s%N) - t))
done | sort -n | jq -sc --argjson l "$(sqlite3 -readonly "$db" \
    'SELECT max(size) FROM checkpoint')" '{median: (.[length / 2 | floor] /
    1e6), worst: (.[-1] / 1e6), n: length, leaves: $l}'
