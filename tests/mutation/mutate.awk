# SPDX-License-Identifier: Apache-2.0
# A file with the text OLD of the environment replaced by NEW; a space in OLD
# is any white space.  It fails if OLD is not there exactly once.
function pattern(text,	i, c, re) {
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == " ")
			re = re "[ \t\n]+"
		else if (c ~ /[A-Za-z0-9_]/)
			re = re c
		else
			re = re "\\" c
	}
	return re
}
{ all = all $0 "\n" }
END {
	re = pattern(ENVIRON["OLD"])
	if (!match(all, re))
		exit 1
	before = substr(all, 1, RSTART - 1)
	behind = substr(all, RSTART + RLENGTH)
	if (match(behind, re))
		exit 2
	printf "%s%s%s", before, ENVIRON["NEW"], behind
}
