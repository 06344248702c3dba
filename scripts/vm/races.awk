# SPDX-License-Identifier: GPL-2.0-only
#
# Of the data races in a kernel's log, which are those of our modules? Those in
# which one of the accesses was made by a module (all modules of these machines
# are ours), or on behalf of one by each of both tasks: by a helper of the
# kernel, on data that nobody locked.
#
# Prints the log with the title of all others changed, so that they are not
# taken for failures: the kernel itself has many, most of them intended.

function text(line)
{
	sub(/\r$/, "", line)
	sub(/^\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? /, "", line)
	return line
}

# The end of a report, or of the log in the midst of one: then it is ours
function flush(known,  i)
{
	if (known && !ours && (accesses < 2 || callers < accesses))
		sub(/BUG: KCSAN: /, "not of a module: ", line[1])
	for (i = 1; i <= n; i++)
		print line[i]
	n = 0
}

/BUG: KCSAN: / {
	flush(0)
	n = ours = accesses = callers = frame = 0
	line[++n] = $0
	next
}

!n {
	print
	next
}

{
	line[++n] = $0
	bare = text($0)
}

bare ~ /^=====/ {
	flush(1)
	next
}

# The frames of an access follow; the first one made it
bare ~ /^[a-z].* (to|of) .* by (task|interrupt)/ {
	accesses++
	frame = 1
	called = 0
	next
}

# What an interrupt came upon did not make its accesses.
bare ~ /^ asm_(sysvec|common_interrupt|exc)/ {
	frame = 0
	next
}

bare ~ /^ .*\+0x/ && frame {
	if (bare ~ /\[[a-z0-9_]+\]$/) {
		ours += frame == 1
		callers += !called++
	}
	frame += bare !~ /^ _*(mem(cpy|set|move|cmp)|(raw_)?copy_(from|to)_user|strn?(len|cpy|cmp)|strs?cpy)[a-z_]*\+/
	next
}

{
	frame = 0
}

END {
	flush(0)
}
