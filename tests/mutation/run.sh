#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Takes the checks of the policy manual out, one at a time, and expects the
# test that tests/mutation/table names for it to fail.  What is compiled is a
# copy below BUILD/mutation: the source itself is not touched.  "make mutation"
# says how to compile and link.  usage: run.sh BUILD [LINE-OF-TABLE...]
set -u
here=$(dirname "$0")
. "$here/../lib/tap.sh"
build=$1
shift
only=" $* "
out=$build/mutation
rm -rf "$out"
mkdir -p "$out"
: "${CS_COMPILE:?}" "${CS_LINK:?}" "${CS_LIBS:?}"

rows=$(awk -f "$here/rows.awk" "$here/table") || bail "the table is malformed"

# Its tests pass as they are; else that they fail says nothing.
base() { # program
	if ! timeout 300 "$build/tests/$1" >"$out/$1.base" 2>&1; then
		bail "$1 fails without any mutation: $out/$1.base"
	fi
}

# Says "killed", or why the mutation is not.
mutant() { # number program test file old new
	local dir=$out/$1 object status=0
	mkdir -p "$dir"
	if ! OLD=$5 NEW=$6 awk -f "$here/mutate.awk" "$4" \
	    >"$dir/$(basename "$4")"; then
		echo "the text is not exactly once in $4"
		return
	fi
	object=$dir/mutant.o
	if ! $CS_COMPILE -O0 -g0 -w -c -o "$object" "$dir/$(basename "$4")" \
	    >"$dir/log" 2>&1 ||
	    # the archive's object of that name is not taken any more
	    ! $CS_LINK -o "$dir/$2" "$build/tests/unit/$2.o" "$object" \
	    "$build/tests/mutation/only.o" "$build/test.a" $CS_LIBS \
	    >>"$dir/log" 2>&1; then
		echo "it does not build: $dir/log"
		return
	fi
	# a shell of its own: what it says of a crash goes to the log
	(CS_TEST_ONLY=$3 timeout --kill-after=5 60 "$dir/$2" || exit $?) \
	    >"$dir/log" 2>&1 || status=$?
	rm -f "$dir/$2" "$object"
	if [ "$status" = 0 ]; then
		echo "it survives $2"
	elif [ "$status" = 124 ] || [ "$status" -gt 128 ] || # hangs, crashes
	    grep -qx "\[  FAILED  \] $3" "$dir/log"; then
		echo killed
	else
		echo "$2 ends with $status, and $3 did not fail: $dir/log"
	fi
}
export -f mutant
export out build here

for program in $(cut -f 5 <<<"$rows" | grep '^test_' | sort -u); do
	base "$program"
done
n=0
while IFS=$'\t' read -r at _ sentence id program test file old new; do
	[ "$id" = - ] && continue
	[ "$only" = "  " ] || [[ $only = *" $at "* ]] || continue
	n=$((n + 1))
	names[n]="$id, $file, row $at: ${sentence:0:60}"
	printf '%s\0' "$n" "$program" "$test" "$file" "$old" "$new"
done <<<"$rows" >"$out/jobs"
[ "$n" != 0 ] || bail "no such line: $*"
xargs -0 -P "$(nproc)" -n 6 bash -c 'mutant "$@" >"$out/$1.says"' _ \
    <"$out/jobs"
plan "$n"
for ((i = 1; i <= n; i++)); do
	says=$(cat "$out/$i.says" 2>/dev/null)
	if [ "$says" = killed ]; then
		tap_result 0 "${names[i]}"
	else
		tap_result 1 "${names[i]}" || diag "${says:-it did not run}"
	fi
done
done_testing
