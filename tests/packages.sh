#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of the list of Debian packages.  usage:
# packages.sh LIST
set -eu
list=$(sed 's/#.*//' "$1" | tr -s ' \n' ' ')
missing=
for p in $list; do
	if ! dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
	    grep -q 'ok installed'; then
		missing="$missing $p"
	fi
done
[ -n "$missing" ] || exit 0
echo "installing with apt-get:$missing"
sudo=
if [ "$(id -u)" != 0 ]; then
	sudo=sudo
fi
$sudo apt-get update -q >/dev/null
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q \
    --no-install-recommends $missing >/dev/null
