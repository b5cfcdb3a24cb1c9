#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs tests (cmocka binaries, TAP scripts, fuzz corpus replays), two at a
# time, and counts.  usage: run.sh LOGDIR TEST...
set -u
logs=$1
shift
rm -rf "$logs"
mkdir -p "$logs"

run_one() {
	local t=$1 log status=0
	log=$2/$(basename "$1").log
	local limit=(timeout --kill-after=10 600) # no test can hang the suite
	case $t in
	*.t | *.sh) "${limit[@]}" bash "$t" >"$log" 2>&1 || status=$? ;;
	*/replay/*) "${limit[@]}" "$t" "tests/fuzz/corpus/$(basename "${t#*fuzz_}")" \
	    >"$log" 2>&1 || status=$? ;;
	*) "${limit[@]}" "$t" >"$log" 2>&1 || status=$? ;;
	esac
	echo "$status" >"$log.status"
	if [ "$status" = 0 ]; then
		echo "  ok    $(basename "$t")"
	else
		echo "  FAIL  $(basename "$t") (status $status), $log"
	fi
}
export -f run_one
printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -I{} bash -c \
    'run_one "$1" "$2"' _ {} "$logs"

passed=0
failed=0
for t in "$@"; do
	log=$logs/$(basename "$t").log
	p=$(grep -cE '^(\[       OK \]|ok )' "$log")
	f=$(grep -cE '^(\[  FAILED  \] [a-z_0-9]+$|not ok )' "$log")
	status=$(cat "$log.status" 2>/dev/null || echo 99)
	# a test that counts nothing counts as one; a crash as a failure
	if [ "$status" != 0 ] && [ "$f" = 0 ]; then
		f=1
	elif [ "$status" = 0 ] && [ "$p" = 0 ]; then
		p=1
	fi
	if [ "$f" != 0 ]; then
		echo "--- $log"
		tail -n 40 "$log"
	fi
	passed=$((passed + p))
	failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
