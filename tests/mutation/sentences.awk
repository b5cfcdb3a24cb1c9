# SPDX-License-Identifier: Apache-2.0
# The sentences of a page of the manual, one a line, its spaces single.  A
# sentence ends with its block, or at a full stop before two spaces or the end
# of a line.  A block is a paragraph, an entry of a list, a heading or a row of
# a table: fields are names with spaces before and behind, values have tabs.
# The example, a JSON object that stands alone, is none.
function flush(	n, i, s) {
	n = split(block, s, /\.(  |\n)/)
	for (i = 1; i <= n; i++) {
		gsub(/[ \t\n]+/, " ", s[i])
		gsub(/^ | $/, "", s[i])
		if (s[i] != "")
			print s[i] (i < n ? "." : "")
	}
	block = ""
	entry = 0
}
/^\{$/ { flush(); example = 1 }
example { example = !/^\}$/; next }
/^$/ { flush(); next }
/^[0-9]+\. / { flush(); print; next }
/^- / || /^\t[^\t]/ || /^[^\t]+\t/ { flush() }
/^  +[a-z_]+(, [a-z_]+)*(  |$)/ && !entry { flush() }
/^- / { entry = 1; sub(/^- /, "") }
{ block = block $0 "\n" }
END { flush() }
