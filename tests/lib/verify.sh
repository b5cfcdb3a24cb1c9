# SPDX-License-Identifier: Apache-2.0
# The commands of README.md, "Verify everything without us", as a stranger
# would type them.  Source it.
#
#	verify_text FILE	all of them, from the README
#	verify_block N [FILE]	the Nth block, 1 is the first; a comment line
#				begins each
#	verify_count [FILE]

verify_text() {
	awk '/^## / { on = /^## Verify everything without us/ }
	    on && /^    / { print substr($0, 5) }' "$1"
}
verify_block() {
	verify_text "${2:-$CS_TOP/README.md}" |
	    awk -v n="$1" '/^# / { i++ } i == n'
}
verify_count() {
	verify_text "${1:-$CS_TOP/README.md}" | grep -c '^# '
}
