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
#	change_forge OUT FROM NEW.dsse
#				a policy update that the host would refuse
. "$(dirname "${BASH_SOURCE[0]}")/forge.sh"

put() {
	coldseal media write "$COLDSEAL_IN" "$1" >/dev/null || return 1
	con intake
}

last_request() {
	sqlite3 "$CON_DIR/state/index.db" \
	    "SELECT max(n) FROM request WHERE state = 'pending'"
}

get_response() {
	coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.RSP \
	    --out "$1" >/dev/null
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
	coldseal change create "$@" --key "$COLDSEAL_REQUESTER" \
	    --out "$out" >/dev/null
}

# From the bundle of another update: its documents and digests are replaced.
change_forge() {
	local out=$1 from=$2 new=$3 blob
	forge_open "$from"
	rm -rf "$forge/evidence"
	mkdir "$forge/evidence"
	blob=$(sha256sum "$new" | cut -c1-64)
	cp "$new" "$forge/evidence/$blob"
	forge_payload ".predicate.policy = {
	    sha256: \"$(payload "$new" | sha256sum | cut -c1-64)\",
	    version: $(payload "$new" | jq .predicate.version)} |
	    .predicate.id = \"$(od -An -N16 -tx1 /dev/urandom |
	    tr -d ' \n')\" |
	    .predicate.evidence = [{name: \"policy.dsse\",
	    sha256: \"$blob\", size: $(stat -c %s "$new")}]"
	forge_payload ".subject[0].digest.sha256 = \"$(jq -cSj .predicate \
	    "$work/payload" | sha256sum | cut -c1-64)\""
	forge_sign "$COLDSEAL_REQUESTER"
	forge_pack "$out"
}
