# SPDX-License-Identifier: Apache-2.0
# Makes requests that the host tool would not make, with jq, openssl and tar.
#
#	forge_open BUNDLE	unpack into $forge
#	forge_payload JQ	edit the statement (canonical again)
#	forge_sign KEY		sign the payload into request.dsse
#	forge_pack BUNDLE [NAME...]	a canonical bundle of these members (or
#				all in order) with a right manifest
# needs $work
. "$(dirname "${BASH_SOURCE[0]}")/stocktar.sh"

forge_open() {
	forge=$work/forge
	rm -rf "$forge"
	mkdir -p "$forge"
	tar -C "$forge" -xf "$1"
	jq -r .payload "$forge/request.dsse" | base64 -d >"$work/payload"
}

forge_payload() {
	jq -cSj "$1" "$work/payload" >"$work/payload.new"
	mv "$work/payload.new" "$work/payload"
}

forge_sign() {
	{
		printf 'DSSEv1 28 application/vnd.in-toto+json %d ' \
		    "$(stat -c %s "$work/payload")"
		cat "$work/payload"
	} >"$work/pae"
	openssl dgst -sha256 -sign "$1" -out "$work/pae.sig" "$work/pae"
	jq -cnSj --arg p "$(base64 -w0 "$work/payload")" \
	    --arg s "$(base64 -w0 "$work/pae.sig")" \
	    --arg k "$(openssl pkey -in "$1" -pubout -outform DER |
	    sha256sum | cut -c1-64)" \
	    '{payload: $p, payloadType: "application/vnd.in-toto+json",
	    signatures: [{keyid: $k, sig: $s}]}' >"$forge/request.dsse"
}

forge_members() {
	local f
	echo type
	echo request.dsse
	for f in evidence artifacts; do
		if [ -d "$forge/$f" ]; then
			(cd "$forge" && find "$f" -type f | LC_ALL=C sort)
		fi
	done
}

forge_tar() { # OUT NAME...
	local out=$1
	shift
	stock_tar -C "$forge" -cf "$out" "$@"
}

forge_pack() {
	local out=$1 members
	shift
	if [ $# = 0 ]; then
		mapfile -t members < <(forge_members)
		set -- "${members[@]}"
	fi
	(cd "$forge" && sha256sum "$@") >"$forge/manifest"
	forge_tar "$out" manifest "$@"
}
