# SPDX-License-Identifier: GPL-2.0-only
#
# Counts test cases in TAP or in the kernel's nested KTAP. Prints what is wrong
# and at last "PASSED FAILED SKIPPED ASSERTIONS".
#
# Only leaves count: a result that sums up results below it does not, unless it
# failed although none of them did. A plan that is not kept is a failure, and so
# is a program without one. Programs are told apart by the lines
#	# program NAME	and	# status N
# A run with no such lines is that of one program, the kernel.

function fail(text)
{
	failed++
	print "not ok: " (program ? program ": " : "") text
}

# Close the list of results at a depth: were there as many as planned?
function close_list(depth)
{
	if (depth in plan && plan[depth] != results[depth])
		fail("planned " plan[depth] " results, got " results[depth] + 0)
	delete plan[depth]
	delete results[depth]
	delete bad[depth]
}

function close_program(  depth)
{
	for (depth = 9; depth >= 0; depth--)
		close_list(depth)
	if (!cases && !failed_here())
		fail("no result at all")
	else if (!planned)
		fail("no plan")
}

function failed_here()
{
	return failed > failed_before
}

function open_program(name)
{
	program = name
	cases = planned = 0
	failed_before = failed
}

BEGIN {
	open_program("")
}

{
	sub(/\r$/, "")
	sub(/^\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? /, "")	# the kernel's time
}

/^# program / {
	if (program)
		fail("ended without a status")
	open_program($3)
	next
}

/^# status / {
	close_program()
	if ($3 != 0 && !failed_here())
		fail("exit status " $3 " with no test failed")
	else if ($3 > 1)
		print "# " program ": exit status " $3
	if ($3 == 0 && failed_here())
		print "# " program ": exit status 0 with tests failed"
	program = ""
	closed = 1
	next
}

/^#? *# [0-9]+ assertions?/ {
	sub(/^[# ]+/, "")
	assertions += $1
}

match($0, /^ *1\.\.[0-9]+/) {
	indent = match($0, /[^ ]/) - 1
	depth = int(indent / 4)
	sub(/^ *1\.\./, "")
	plan[depth] = $1 + 0
	planned = 1
	next
}

/^ *(not )?ok [0-9]+/ {
	ok = !/^ *not /
	depth = int((match($0, /[^ ]/) - 1) / 4)
	below = results[depth + 1]
	below_bad = bad[depth + 1]
	close_list(depth + 1)
	results[depth]++
	if (!ok)
		bad[depth]++
	sub(/^ */, "")
	if (/# SKIP/) {
		skipped += !below
		cases++
	} else if (below) {
		if (!ok && !below_bad)
			fail($0)
	} else {
		cases++
		if (ok)
			passed++
		else
			fail($0)
	}
}

END {
	if (program)
		fail("ended without a status")
	else if (!closed)
		close_program()
	print passed + 0, failed + 0, skipped + 0, assertions + 0
}
