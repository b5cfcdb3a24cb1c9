# SPDX-License-Identifier: Apache-2.0
# TAP for shell tests: source it, call ok/is/like/..., end with done_testing.
# The last line says "N passed, M failed" and the exit status follows it.
tap_n=0
tap_failed=0
tap_plan=

tap_result() { # status name
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %d - %s\n' "$tap_n" "$2"
	else
		tap_failed=$((tap_failed + 1))
		printf 'not ok %d - %s\n' "$tap_n" "$2"
	fi
	return "$1"
}

diag() { # text
	printf '%s\n' "$1" | sed 's/^/# /'
}

plan() { # number of tests
	tap_plan=$1
	printf '1..%d\n' "$1"
}

bail() { # why
	printf 'Bail out! %s\n' "$1"
	exit 255
}

ok() { # name command [argument ...]
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		tap_result 0 "$name"
	else
		tap_result 1 "$name" || diag "$out"
	fi
}

is() { # name got wanted
	if [ "$2" = "$3" ]; then
		tap_result 0 "$1"
	else
		tap_result 1 "$1" || diag "got: $2"
		diag "wanted: $3"
	fi
}

like() { # name text extended-regular-expression
	if printf '%s' "$2" | grep -Eq -- "$3"; then
		tap_result 0 "$1"
	else
		tap_result 1 "$1" || diag "got: $2"
		diag "no match of: $3"
	fi
}

unlike() { # name text extended-regular-expression
	if printf '%s' "$2" | grep -Eq -- "$3"; then
		tap_result 1 "$1" || diag "got: $2"
		diag "a match of: $3"
	else
		tap_result 0 "$1"
	fi
}

# Runs a command; leaves its status, stdout and stderr in tap_status, tap_out,
# tap_err.
run() { # command [argument ...]
	local err
	err=$(mktemp "${TMPDIR:-/tmp}/tap.XXXXXX")
	tap_out=$("$@" 2>"$err") && tap_status=0 || tap_status=$?
	tap_err=$(cat "$err")
	rm -f "$err"
}

exits() { # name wanted-status command [argument ...]
	local name=$1 want=$2
	shift 2
	run "$@"
	if [ "$tap_status" -eq "$want" ]; then
		tap_result 0 "$name"
	else
		tap_result 1 "$name" || diag "status $tap_status, not $want"
		diag "$tap_out"
		diag "$tap_err"
	fi
}

# One test: the exit status and the check ID on stderr.
refuses() { # name status CHECK-ID command [argument ...]
	local name=$1 want=$2 id=$3
	shift 3
	run "$@"
	if [ "$tap_status" -eq "$want" ] &&
	    printf '%s' "$tap_err" | grep -q "$id:"; then
		tap_result 0 "$name"
	else
		tap_result 1 "$name" ||
		    diag "status $tap_status, not $want; no $id?"
		diag "$tap_out"
		diag "$tap_err"
	fi
}

# Waits until a growing file has a line that matches; 1 if the process that
# writes it ends before, or after half a minute.
file_says() { # FILE RE PID
	timeout 30 grep -qE -m1 -e "$2" \
	    < <(tail -n +1 -s 0.1 -f --pid="$3" "$1" 2>/dev/null)
}

done_testing() {
	[ -n "$tap_plan" ] || printf '1..%d\n' "$tap_n"
	if [ -n "$tap_plan" ] && [ "$tap_plan" -ne "$tap_n" ]; then
		diag "planned $tap_plan tests, ran $tap_n"
		tap_failed=$((tap_failed + 1))
	fi
	printf '%d passed, %d failed\n' "$((tap_n - tap_failed))" \
	    "$tap_failed"
	[ "$tap_failed" -eq 0 ]
	exit
}
