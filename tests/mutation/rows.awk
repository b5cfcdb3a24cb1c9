# SPDX-License-Identifier: Apache-2.0
# The table as lines of fields between tabs: the line of the table, the page,
# the sentence, then either "-" and why nothing is checked, or the check ID,
# the test program, its test, the source file, the text and what replaces it.
# With sentences=1 only the page and the sentence, each of them once.
function sentence_ends() {
	if (text != "" && sentences)
		print page "\t" text
	if (text != "" && !said)
		bad("the sentence before has neither a check nor a -")
	text = ""
	said = 0
}
function bad(why) {
	printf "tests/mutation/table:%d: %s\n", FNR, why > "/dev/stderr"
	failed = 1
}
function edit_ends() {
	if (step != 0)
		bad("a check has a line of four words, one of - and one of +")
	step = 0
}
/^#/ { next }
/^$/ { edit_ends(); sentence_ends(); next }
/^page / { edit_ends(); sentence_ends(); page = $2; next }
/^[^\t]/ {
	if (said)
		bad("an empty line goes before a sentence")
	text = text (text == "" ? "" : " ") $0
	next
}
text == "" || page == "" { bad("no sentence"); next }
/^\t- [^-]/ && step == 0 {
	if (!sentences)
		print FNR "\t" page "\t" text "\t-\t" substr($0, 4)
	said = 1
	next
}
/^\t-/ && step == 1 { old = substr($0, 3); step = 2; next }
/^\t\+/ && step == 2 {
	if (!sentences)
		print at "\t" page "\t" text "\t" check "\t" old "\t" \
		    substr($0, 3)
	step = 0
	said = 1
	next
}
{
	if (step != 0 || NF != 4)
		bad("a check has a line of four words, one of - and one of +")
	check = $1 "\t" $2 "\t" $3 "\t" $4
	at = FNR
	step = 1
}
END {
	edit_ends()
	sentence_ends()
	exit failed
}
