# SPDX-License-Identifier: Apache-2.0
# A ceremony for those who read its log: two boots, requests that are signed,
# refused, rejected and left open, artifacts with names of an attacker's
# choice.  Source it after tap.sh and console.sh; call con_work first.
#
#	story		leaves $work/audit.bundle and an earlier one,
#			$work/early.bundle; in $work/signed the artifacts and
#			their signatures; $work/log.vkey

story_request() { # OUT KEY FORMAT ARTIFACT... [options before]
	local out=$1 key=$2 format=$3
	shift 3
	coldseal request create --product "${story_product:-router}" \
	    --version 1.2.3 --key "$key" --format "$format" \
	    --requester-key "$COLDSEAL_REQUESTER" --user "$story_user" \
	    --system builder-7 --pipeline https://ci.example/router \
	    --run 4711 --branch main \
	    --commit 0123456789abcdef0123456789abcdef01234567 \
	    --out "$out" "$@" >/dev/null ||
	    bail "no request"
	coldseal media write "$COLDSEAL_IN" "$out" >/dev/null
	con intake || bail "no intake: $con_out"
}
story_sign() { # N KEY
	con_approve "$1" alice && con_approve "$1" bob || bail "no approval"
	con "sign $1" || bail "no signing"
	[[ $con_out == *"signatures made"* ]] || bail "not signed: $con_out"
	con "export $1" || bail "no export"
	coldseal media read "$COLDSEAL_OUT" --out "$work/$2.rsp" >/dev/null
	coldseal response extract "$work/$2.rsp" --out "$work/signed/$2" \
	    >/dev/null || bail "no signatures"
}

story_user='eve"><img src=x onerror=alert(1)>'
story_name='<script>alert("x")</script>.bin'
story() {
	local key
	con_rehearse
	mkdir -p "$work/signed"
	echo "the firmware" >"$work/signed/firmware.bin"
	echo "its loader" >"$work/signed/loader.bin"
	printf '%s\t%s\n' "$work/signed/firmware.bin" firmware.bin \
	    "$work/signed/loader.bin" "$story_name" >"$work/list"
	echo '{"scan": "clean"}' >"$work/scan.json"
	con_start "$CON_DIR" || bail "no console: $con_out"
	story_request "$work/1.req" fw-p256 raw --evidence "$work/scan.json" \
	    --list "$work/list"
	story_sign 1 fw-p256
	story_product=camera story_request "$work/2.req" fw-p256 raw \
	    "$work/signed/firmware.bin"
	story_request "$work/3.req" fw-p384 raw "$work/signed/firmware.bin"
	con_approve 3 alice || bail "no approval"
	coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD \
	    --out "$work/early.bundle" >/dev/null || bail "no audit bundle"
	con "approve 3 bob" APPROVE 000000 || bail "no console"
	con "reject 3 carol" 'not "this" & one' REJECT \
	    "$(cat "$CON_DIR/approvers/carol/pin")" || bail "no rejection"
	con_end
	con_start "$CON_DIR" || bail "no console: $con_out"
	set -- 4
	for key in fw-p384 fw-rsa fw-pss fw-ed25519; do
		story_request "$work/$1.req" $key raw \
		    "$work/signed/firmware.bin"
		story_sign "$1" $key
		set -- $(($1 + 1))
	done
	story_request "$work/8.req" fw-cms cms "$work/signed/firmware.bin"
	story_sign 8 fw-cms
	story_request "$work/9.req" fw-p256 raw "$work/signed/loader.bin"
	con_approve 9 alice || bail "no approval"
	con_end
	con_start "$CON_DIR" || bail "no console: $con_out"
	con "export 8" || bail "no export"
	coldseal media read "$COLDSEAL_OUT" --file COLDSEAL.AUD \
	    --out "$work/audit.bundle" >/dev/null || bail "no audit bundle"
	con_end
	cp "$COLDSEAL_LOG_KEY" "$work/log.vkey"
}
