# SPDX-License-Identifier: GPL-2.0-only
#
# The code blocks of a text: fenced ones of Markdown, those of
# the directive code-block of reStructuredText. Each goes to a file DIR/NNN, and
# for each a line is printed: NNN, its line in the text, its language, the name
# of the file it is to be saved as, the file of ours it is from (the one that the
# text named last), the part of the tests that runs it; "-" where there is none.
#
#	awk -v dir=DIR -f doc.awk TEXT
#
# A block of any other kind has the language "unknown".

function start(language)
{
	nr++
	file = sprintf("%s/%03d", dir, nr)
	printf "" >file
	line = FNR
	lang = language
	name = "-"
	inside = 1
}

function stop()
{
	print sprintf("%03d", nr), line, lang, name, from, part
	close(file)
	inside = 0
	part = "-"
}

function unknown()
{
	start("unknown")
	stop()
}

BEGIN { from = part = "-" }

markdown == "" { markdown = FILENAME ~ /\.md$/ }

# --- inside of a block

inside && markdown {
	if (/^```/)
		stop()
	else
		print >file
	next
}

inside {
	if (!body && /^   :name: /) {
		name = $2
		next
	}
	if (/^   / || /^$/) {
		# An empty line belongs to it only if more follows
		if (/^$/) {
			if (body)
				empty++
			next
		}
		for (; empty; empty--)
			print "" >file
		body = 1
		print substr($0, 4) >file
		next
	}
	stop()
	empty = 0
}

# --- outside

/^(<!--|\.\.) run by: / { part = $4; next }

markdown && /^```/ {
	start(substr($1, 4) == "" ? "unknown" : substr($1, 4))
	if ($2 ~ /^name=/)
		name = substr($2, 6)
	next
}

!markdown && /^\.\. code-block:: / { start($3); body = empty = 0; next }

markdown && /^(    |\t)/ && last == "" { unknown() }
!markdown && /^ *\.\. (code|sourcecode|highlight|parsed-literal|literalinclude)/ {
	unknown()
}
!markdown && /::$/ && !/^ *\.\. / { unknown() }

{
	last = $0
	text = $0
	while (match(text, /(Documentation|tools|drivers|include|scripts)\/[A-Za-z0-9_\/.-]+\.[a-z]+/)) {
		from = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
	}
}

END { if (inside) stop() }
