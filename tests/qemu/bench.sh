#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The stick to its hash through intake, against dd and sha256sum on the same
# image in the same guest; the link against bare transfers over the same
# cable.  Writes BUILD/bench-usb.json.  usage: bench.sh BUILD
set -u
build=$1
. "$(dirname "$0")/../lib/tap.sh"
. "$(dirname "$0")/host.sh"
guest_work usbbench
mib=32
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
    -out "$work/key.pem" 2>/dev/null || bail "no key"
head -c $((mib << 20)) /dev/urandom >"$work/artifact"
coldseal request create --product router --version 1 --key k --format raw \
    --requester-key "$work/key.pem" --out "$work/a.req" "$work/artifact" \
    >/dev/null || bail "no request"
truncate -s 64M "$work/in.img"
coldseal media write "$work/in.img" "$work/a.req" >/dev/null ||
    bail "no medium"
echo $(($(stat -c %s "$work/a.req") / 65536 + 1)) >"$work/count"
guest_files bench "$work/count:/count" "$CON_BIN"/coldseal-{usb,intake} \
    "$GUEST_DIR/bin/use_stick" "$build/bench/bench_link" \
    "$(command -v dd):/usr/bin/stock-dd" \
    "$(command -v sha256sum):/usr/bin/stock-sha256sum"
guest bench 400 bench -device qemu-xhci,id=x \
    $(guest_stick 1 "$work/in.img") >"$work/tap"
out=$work/bench.out
grep -q '^guest: all' "$out" || bail "the guest: $(tail -n 20 "$out")"

best() { # NAME: the shortest of the times, as bytes a second
	sed -n "s/^$1: \([0-9]*\)\$/\1/p" "$out" | sort -n | head -n 1 |
	    awk -v n=$((mib << 20)) '{ printf "%d", n / $1 * 1000 }'
}
{
	jq -cn --argjson v "$(best intake)" --argjson f "$(best dd)" \
	    '{name: "media.read", value: $v, floor: $f}'
	sed -n 's/^link: //p' "$out" | jq -cs 'max_by(.link / .raw) |
	    {name: "link.throughput", value: .link, floor: .raw}'
} | jq -s 'map(. + {unit: "byte/s",
    ratio: (.value / .floor * 1000 | round / 1000)})' \
    >"$build/bench-usb.json"
jq -r '.[] | "\(.name) \(.value) \(.floor) \(.unit) \(.ratio) >= 0.9"' \
    "$build/bench-usb.json"
echo "written: $build/bench-usb.json"
