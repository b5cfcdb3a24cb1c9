# SPDX-License-Identifier: Apache-2.0
# Scans as a scanner makes them, with stock tools: jq writes the statement,
# printf makes DSSE's PAE, openssl signs it.  Source it.
#
#	scan_make ARTIFACT KEY OUT [ID=SEVERITY ...]

scan_make() {
	local artifact=$1 key=$2 out=$3 st=$3.st type now
	type=application/vnd.in-toto+json
	now=$(date -u +%FT%TZ)
	shift 3
	printf '%s\n' "$@" | jq -R 'select(. != "") | split("=") |
	    {id: .[0], severity: [{method: "nvd", score: .[1]}]}' |
	    jq -s --arg t "$now" --arg n "$(basename "$artifact")" \
	    --arg d "$(sha256sum "$artifact" | cut -d ' ' -f 1)" '{
	    _type: "https://in-toto.io/Statement/v1",
	    subject: [{name: $n, digest: {sha256: $d}}],
	    predicateType: "https://in-toto.io/attestation/vulns/v0.2",
	    predicate: {scanner: {uri: "pkg:github/example/scanner@v1",
	        result: .}, metadata: {scanStartedOn: $t,
	        scanFinishedOn: $t}}}' >"$st" || return 1
	{ printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(stat -c %s "$st")"
	cat "$st"; } | openssl dgst -sha256 -sign "$key" -out "$st.sig" ||
	    return 1
	jq -n --arg p "$(base64 -w 0 <"$st")" --arg t "$type" \
	    --arg s "$(base64 -w 0 <"$st.sig")" \
	    '{payload: $p, payloadType: $t, signatures: [{sig: $s}]}' >"$out"
	rm -f "$st" "$st.sig"
}
