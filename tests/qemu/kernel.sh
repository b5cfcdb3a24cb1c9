#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fetches this Debian's generic kernel ("cloud" has no USB) and unpacks it
# below DIR, installing nothing: DIR/vmlinuz, DIR/release, DIR/root with the
# modules.  usage: kernel.sh DIR
set -euo pipefail
dir=$1
[ ! -s "$dir/release" ] || exit 0

say() {
	echo "kernel: $*" >&2
}
as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
newest() { # the package that linux-image-amd64 stands for
	apt-cache depends linux-image-amd64 2>/dev/null |
	    sed -n 's/^ *Depends: \(linux-image-[0-9].*-amd64\)$/\1/p' |
	    head -n 1
}
fetch() {
	local p
	p=$(newest)
	[ -n "$p" ] || return 1
	(cd "$dir/deb" && apt-get download -q "$p" >apt.log 2>&1)
}

rm -rf "$dir"
mkdir -p "$dir/deb" "$dir/root"
if ! fetch; then
	as_root apt-get update -q >/dev/null
	fetch || { say "apt-get gives no kernel; $dir/deb/apt.log"; exit 1; }
fi
deb=$(echo "$dir"/deb/linux-image-*.deb)
dpkg -x "$deb" "$dir/root"
# /lib/modules in Debian 12, /usr/lib/modules in 13; depmod -b wants /lib
[ -d "$dir/root/lib" ] || ln -s usr/lib "$dir/root/lib"
release=$(ls "$dir/root/lib/modules")
depmod -b "$dir/root" "$release"
cp "$dir/root/boot/vmlinuz-$release" "$dir/vmlinuz"
rm -rf "$dir/deb"
echo "$release" >"$dir/release"
say "$(basename "$deb")"
