# SPDX-License-Identifier: GPL-2.0-only
#
# In the machine: run the programs of a list, one after the other. A line of the list
# is NAME, SECONDS that it may take, and COMMAND, with tabs in between. Each reports
# how it ended, so that one that dies is not overlooked; what it leaves behind is
# removed by /init.
# shellcheck shell=sh
tab=$(printf '\t')
while IFS=$tab read -r name seconds command <&3; do
	echo "# program $name"
	began=$(date +%s)
	/init "$seconds" sh -c "$command" 2>&1 3<&-
	status=$?
	echo
	echo "# $(($(date +%s) - began)) seconds"
	echo "# status $status"
done 3<"$1"
