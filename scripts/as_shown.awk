# SPDX-License-Identifier: GPL-2.0-only
#
# Is the output of a command what a text shows? "..." there stands for anything.
# Before the output a line "@@ begin", behind it "@@ end STATUS".
#
#	awk -v shown=FILE -f as_shown.awk OUTPUT

BEGIN {
	while ((getline line <shown) > 0)
		want = want line "\n"
}
/^@@ begin / { next }
/^@@ end / { status = $3; next }
{ got = got $0 "\n" }
END {
	sub(/\n+$/, "", want)
	sub(/\n+$/, "", got)
	nr = split(want, piece, /\.\.\./)
	rest = got
	ok = status == "0"
	for (i = 1; i <= nr && ok; i++) {
		at = piece[i] == "" ? 1 : index(rest, piece[i])
		if (piece[i] == "" && i == nr && nr > 1) {
			rest = ""
			at = 1
		}
		ok = at && (i > 1 || at == 1)
		rest = substr(rest, at + length(piece[i]))
	}
	if (want == "" && got == "")
		rest = ""
	if (ok && rest == "")
		exit 0
	print "status " status "\n--- got\n" got "\n--- shown\n" want
	exit 1
}
