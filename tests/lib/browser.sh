# SPDX-License-Identifier: Apache-2.0
# A page as a real browser sees it: headless Chromium.  Source it; needs $work.
#
#	browse FILE OUT		OUT.png, what it shows; OUT.dom, what it made of
#				the markup; OUT.console, what it complained of;
#				OUT.hosts, whom the page made it ask.  1 if the
#				browser failed
# BROWSE_SIZE is the window, 1280,3000 unless set.

browse_with() { # FOLDER FILE [OPTION...]
	local home=$1 page
	page=$(readlink -f "$2")
	shift 2
	timeout 120 chromium --headless=new --no-sandbox --disable-gpu \
	    --disable-dev-shm-usage --user-data-dir="$home" --no-first-run \
	    --disable-background-networking --disable-component-update \
	    --disable-sync --disable-default-apps --disable-extensions \
	    --hide-scrollbars --window-size="${BROWSE_SIZE:-1280,3000}" \
	    "$@" "file://$page"
}
# What the browser asks by itself is what it asks for an empty page, too, and
# its maker's hosts at moments of its own.
browse_asked() { # NETLOG
	jq -r '.events[].params.url? // empty' "$1" | grep -v '^file:' |
	    sed 's|^\([a-z]*://[^/]*\).*|\1|' |
	    grep -vE '\.(google|googleapis|gstatic|gvt1)\.com(:443)?$' | sort -u
}
browse() { # FILE OUT
	local home=$work/browser
	rm -rf "$home"
	if [ ! -f "$work/browse.own" ]; then
		echo '<!DOCTYPE html><title>empty</title>' >"$work/empty.html"
		browse_with "$home" "$work/empty.html" --dump-dom \
		    --log-net-log="$work/net" >/dev/null 2>&1 || return 1
		browse_asked "$work/net" >"$work/browse.own"
	fi
	browse_with "$home" "$1" --enable-logging=stderr --log-level=0 \
	    --log-net-log="$work/net" --screenshot="$2.png" \
	    >/dev/null 2>"$2.err" || return 1
	browse_asked "$work/net" | comm -13 "$work/browse.own" - >"$2.hosts"
	sed -n 's/.*:CONSOLE[:(][0-9]*[])] *//p' "$2.err" >"$2.console"
	browse_with "$home" "$1" --dump-dom >"$2.dom" 2>/dev/null || return 1
	rm -rf "$home"
}
