# SPDX-License-Identifier: Apache-2.0
# The leaves of the appliance in $CON_DIR, as long as one entry bundle holds
# them.  Source it after console.sh.
#
#	leaves		all, oldest first: a leaf is one line, with its length
#			before it
#	of EVENT JQ	of the last leaf of an event
#	events N	the events of the last N, in one line
leaves() {
	local log=$CON_DIR/state/log
	grep -aoE '\{"boot".*\}$' \
	    "$log/tile/entries/000.p/$(sed -n 2p "$log/checkpoint")"
}
of() {
	leaves | jq -r "select(.event == \"$1\") | $2" | tail -n 1
}
events() {
	leaves | tail -n "$1" | jq -r .event | paste -sd ' '
}
