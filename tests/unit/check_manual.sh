#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tests/mutation/table has every sentence of the policy manual, in its order,
# and what it says of checks, tests and sources is so.  "make mutation" shows
# that the tests fail without the checks.
set -u
here=$(dirname "$0")
. "$here/../lib/tap.sh"
top=$here/../..
tools=$here/../mutation
tmp=$(mktemp -d "${TMPDIR:-/tmp}/manual.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

none() { # name file: what is wrong, one a line
	is "$1" "$(head -n 5 "$2")" ""
}
rows() { # option of awk...
	awk "$@" -f "$tools/rows.awk" "$tools/table"
}
ids() { # .def file...
	sed -n 's/^CS_X([A-Z0-9_]*, "\([A-Z0-9-]*\)".*/\1/p' "$@" | sort -u
}

ok "the table is well-formed" eval 'rows >"$tmp/rows"'
for page in lib/PROTOCOL.policy lib/PROTOCOL.evidence; do
	awk -f "$tools/sentences.awk" "$top/$page" >"$tmp/page"
	rows -v sentences=1 | sed -n "s|^$page	||p" >"$tmp/table"
	diff "$tmp/table" "$tmp/page" >"$tmp/diff"
	none "$page: its sentences are those of the table" "$tmp/diff"
	ok "$page: there are sentences" test -s "$tmp/page"
done
is "no other page" "$(cut -f 2 "$tmp/rows" | sort -u | tr '\n' ' ')" \
    "lib/PROTOCOL.evidence lib/PROTOCOL.policy "

# Documents of other pages, and what only the core asks.
other='^(SIG-.*|FORMAT-.*|X509-.*|EFIVAR|RECORD-.*|TIME|REQ-TEXT|APPROVAL-AHEAD-REQUEST)$'
errors=$top/lib/errors
cut -f 4 "$tmp/rows" | grep -vx -- - | sort -u >"$tmp/used"
ids "$errors"/*.def | comm -13 - "$tmp/used" >"$tmp/unknown"
none "every check ID is one of lib/errors" "$tmp/unknown"
ids "$errors"/{doc,govern,evidence,format,json}.def | grep -Evx "$other" |
    comm -23 - "$tmp/used" >"$tmp/untold"
none "every check of policy, request, approval and evidence has a row" \
    "$tmp/untold"

: >"$tmp/no_test"
: >"$tmp/no_text"
while IFS=$'\t' read -r at _ _ id program test file old new; do
	[ "$id" != - ] || continue
	grep -qE "cmocka_unit_test[a-z_]*\($test[,)]" \
	    "$here/$program.c" 2>/dev/null ||
		echo "$at: no $test in $program" >>"$tmp/no_test"
	if ! OLD=$old NEW=$new awk -f "$tools/mutate.awk" "$top/$file" \
	    >"$tmp/mutant" 2>/dev/null; then
		echo "$at: not once in $file: $old" >>"$tmp/no_text"
	elif cmp -s "$tmp/mutant" "$top/$file"; then
		echo "$at: nothing changes: $old" >>"$tmp/no_text"
	fi
done <"$tmp/rows"
none "every test is there" "$tmp/no_test"
none "every source text is there once, and the edit changes it" "$tmp/no_text"

# the tools themselves
printf 'if (a &&\n\tb)\n\treturn 1;\nreturn 1;\n' >"$tmp/c"
edit() {
	OLD=$1 NEW=$2 awk -f "$tools/mutate.awk" "$tmp/c"
}
is "an edit spans lines" "$(edit 'if (a && b) return 1;' x)" \
    "$(printf 'x\nreturn 1;')"
exits "a text that is there twice" 2 edit 'return 1;' x
exits "a text that is not there" 1 edit 'return 2;' x
parse() {
	printf "$1" | awk -f "$tools/rows.awk"
}
exits "a row" 0 parse 'page p\n\ns\n\tA b c d\n\t-x\n\t+\n'
exits "a sentence without a check" 1 parse 'page p\n\ns\n\nt\n\t- no\n'
exits "a check without a replacement" 1 parse 'page p\n\ns\n\tA b c d\n\t-x\n'
exits "a check of three words" 1 parse 'page p\n\ns\n\tA b c\n\t-x\n\t+\n'
exits "a check of no sentence" 1 parse 'page p\n\n\tA b c d\n\t-x\n\t+\n'
is "sentences" "$(printf 'A\nb.  C.\n- D.  E\n  f.\n\n  name, x  G.\n  y\n' |
    awk -f "$tools/sentences.awk" | tr '\n' '/')" \
    "A b./C./D./E f./name, x G./y/"
done_testing
