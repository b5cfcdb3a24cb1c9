#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every header compiles alone.  usage: headers.sh CC FLAGS...
set -u
bad=0
for h in lib/*.h usb-transfer/*.h tpm/*.h hsm/*.h appliance/*.h \
    host-tools/*.h tests/lib/*.h; do
	[ -e "$h" ] || continue
	if ! echo "#include \"$h\"" | "$@" -fsyntax-only -x c -; then
		echo "lint: $h does not compile alone" >&2
		bad=1
	fi
done
[ $bad = 0 ] && echo "lint: headers compile alone"
exit $bad
