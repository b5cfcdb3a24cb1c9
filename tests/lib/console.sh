# SPDX-License-Identifier: Apache-2.0
# Drives the appliance's console as a person would: waits for a question,
# answers it.  Source it; needs bash.  No sleeps: it reads until a prompt.
#
#	con_work NAME		programs on the path; $work, a folder that goes away
#				with the test, and with what runs below it
#	con_rehearse [ARGS]	a rehearsal in $CON_DIR; its env is set
#	con_start DIR [ARGS]	start "coldseal-rehearsal console"
#	con LINE [ANSWER...]	one command; answers go to its questions in
#				turn ("PIN of", "type APPROVE" ...); paging
#				is answered by itself.  Output in $con_out.
#	con_until RE		reads up to a prompt that matches RE
#	con_send LINE
#	con_end			end of input; waits for the appliance
#
# CON_BIN is the folder of the programs.  The first two need tap.sh.

con_cleanup() {
	coldseal-rehearsal down "$CON_DIR" >/dev/null 2>&1
	rm -rf "$work"
}
con_work() {
	CON_BIN=$(cd "${CS_BIN:-build/bin}" && pwd) || bail "no programs"
	PATH=$CON_BIN:$PATH
	work=$(mktemp -d "${TMPDIR:-/tmp}/cs-$1.XXXXXX") || bail "no folder"
	CON_DIR=$work/r
	trap con_cleanup EXIT
}
con_rehearse() {
	coldseal-rehearsal up "$CON_DIR" "$@" >"$work/up.log" 2>&1 ||
	    bail "no rehearsal: $(cat "$work/up.log")"
	. "$CON_DIR/env"
}

con_out=
con_line=
con_prompt='^(coldseal> |-- Enter for more, q to stop: |type (APPROVE|REJECT) to .*: |PIN of .*: |port that holds your token: |reason for the rejection: |type (LAST TRY|ERASE) to go on: )$'

# Descriptors of our own: bash closes those of a coprocess that has ended,
# with what it said last still unread.
con_start() {
	if [ -n "${con_fd-}" ]; then
		exec {con_fd}<&- {con_in}>&-
	fi
	coproc CON { exec "$CON_BIN/coldseal-rehearsal" console "$@" 2>&1; }
	con_pid=$CON_PID
	exec {con_in}>&"${CON[1]}" {con_fd}<&"${CON[0]}"
	con_until '^coldseal> $'
}

# Reads up to a prompt; 1 if the appliance ended instead.
con_until() {
	local c want=${1:-$con_prompt}
	con_line=
	while IFS= read -r -N1 -u "$con_fd" c; do
		con_out+=$c
		if [ "$c" = $'\n' ]; then
			con_line=
			continue
		fi
		con_line+=$c
		if [[ $c = ' ' && $con_line =~ $want ]]; then
			return 0
		fi
	done
	return 1
}

con_send() {
	printf '%s\n' "$1" >&"$con_in" 2>/dev/null
}

con() {
	local answers=("${@:2}") n=0
	con_out=
	con_send "$1" || return 1
	while con_until; do
		case $con_line in
		"coldseal> ") return 0 ;;
		"-- Enter"*) con_send "" ;;
		*)
			con_send "${answers[n]-}"
			n=$((n + 1))
			;;
		esac
	done
	return 1
}

con_approve() { # N NAME [PIN]
	con "approve $1 $2" APPROVE "${3-$(cat "$CON_DIR/approvers/$2/pin")}"
}

con_end() {
	local status=0
	con_out=
	con_send shutdown 2>/dev/null || true
	con_until '^never$' || true
	wait "$con_pid" || status=$?
	con_status=$status
}
