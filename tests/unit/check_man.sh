#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each man page names exactly the options that --help of its verbs lists.
set -u
here=$(dirname "$0")
. "$here/../lib/tap.sh"
bin=${CS_BIN:-build/bin}/coldseal
pages=$here/../../host-tools
[ -x "$bin" ] || bail "no $bin"

# long options in one .Ss section of a page: only its list items
of_page() { # page section
	awk -v want="$2" '/^\.S[sh] / {
		in_it = (substr($0, 5) == want)
	} in_it && /^\.It Fl -/ { print "--" substr($3, 2) }' "$1" | sort
}
of_help() { # group and, if it has one, verb
	"$bin" "$@" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort
}

while read -r group verb; do
	page=$pages/coldseal-$group.1
	name="$group${verb:+ $verb}"
	[ -f "$page" ] || { ok "page of $group" false; continue; }
	help=$(of_help "$group" ${verb:+"$verb"})
	like "$name has options" "$help" '^--help$'
	is "$name: page and --help agree" "$(of_page "$page" "$name")" "$help"
	like "coldseal.1 lists $name" "$(cat "$pages/coldseal.1")" \
	    "^\.It $name Ta"
	page_verbs="${page_verbs:-}$name
"
done < <("$bin" help |
    sed -n 's/^  \([a-z-]*\)\( [a-z-]*\)\{0,1\}  .*/\1\2/p')

# no section for a verb that is not there
for page in "$pages"/coldseal-*.1; do
	while read -r section; do
		like "$(basename "$page"): $section exists" "$page_verbs" \
		    "^$section\$"
	done < <(sed -n 's/^\.Ss //p' "$page")
done
if command -v mandoc >/dev/null; then
	for page in "$pages"/coldseal*.1; do
		# cross references are to pages that are not installed here
		is "mandoc has nothing to say on $(basename "$page")" \
		    "$(mandoc -T lint -W warning "$page" 2>&1)" ""
	done
fi
done_testing
