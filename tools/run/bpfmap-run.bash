# SPDX-License-Identifier: GPL-2.0-only
# bash completion for bpfmap-run
# shellcheck shell=bash

_bpfmap_run()
{
	local cur=${COMP_WORDS[COMP_CWORD]} i

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-p|--pins) ((i++)) ;;
		-*) ;;
		*)
			# The program, and what it completes itself
			_command_offset "$i" 2>/dev/null
			return
			;;
		esac
	done
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W '--check --no-follow --pins --quiet
			--stats --help --version' -- "$cur")
		;;
	*) mapfile -t COMPREPLY < <(compgen -c -f -- "$cur") ;;
	esac
}
complete -F _bpfmap_run bpfmap-run
