# SPDX-License-Identifier: Apache-2.0
# Changes by ceremony, as administrators make them.  Source it after
# console.sh, with a rehearsal in $CON_DIR.
#
#	put FILE		onto the IN medium, and "intake"
#	last_request		the number of the newest request
#	get_response OUT	the response on the OUT medium
#	next_policy OLD.dsse NEW.json JQ-PROGRAM [JQ-OPTIONS]
#				the next version, chained; writes OLD.dsse
#				from the appliance if it is not there
#	sign_next OLD.dsse NEW.json NEW.dsse NAME...
#	change_file OUT ACTION OPTIONS...
#	change_file_unchecked OUT NEW.dsse REASON
#				a policy update that the host would refuse

put() {
	coldseal media write "$COLDSEAL_IN" "$1" >/dev/null || return 1
	con intake
}

last_request() {
	sqlite3 "$CON_DIR/state/index.db" \
	    "SELECT max(n) FROM request WHERE state = 'pending'"
}

get_response() {
	local d
	d=$(mktemp -d "$work/out.XXXXXX")
	coldseal media read "$COLDSEAL_OUT" "$d" >/dev/null
	mv "$d/COLDSEAL.RSP" "$1"
}

payload() { jq -r .payload "$1" | base64 -d; }

next_policy() {
	local old=$1 new=$2 program=$3
	shift 3
	[ -f "$old" ] || cp "$CON_DIR/state/policy.dsse" "$old"
	payload "$old" | jq "$@" --arg previous \
	    "$(payload "$old" | sha256sum | cut -d ' ' -f 1)" \
	    ".predicate | .version += 1 | .previous = \$previous |
	    $program" >"$new"
}

sign_next() {
	local old=$1 from=$2 out=$3 p
	shift 3
	for p in "$@"; do
		SOFTHSM2_CONF=$CON_DIR/approvers/$p/softhsm2.conf \
		    coldseal policy sign --policy "$from" --previous "$old" \
		    --key "$(jq -r .uri "$CON_DIR/approvers/$p/key.json")" \
		    --module "$(jq -r .module "$CON_DIR/state/site.json")" \
		    --pin-file "$CON_DIR/approvers/$p/pin" \
		    --out "$out.new" >/dev/null || return 1
		mv "$out.new" "$out"
		from=$out
	done
}

change_file() {
	local out=$1
	shift
	coldseal change create "$@" --requester-key "$COLDSEAL_REQUESTER" \
	    --out "$out" >/dev/null
}
