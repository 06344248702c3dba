# SPDX-License-Identifier: GPL-2.0-only
# bash completion for bpfmapctl
# shellcheck shell=bash

# What names a map: its kind in $1, completed as $2
_bpfmapctl_map()
{
	case $1 in
	pinned)
		[[ $2 ]] || set -- "$1" /sys/fs/bpfmap/
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		;;
	id)
		mapfile -t COMPREPLY < <(compgen -W "$("$_bpfmapctl" map show 2>/dev/null |
			sed -n 's/^\([0-9]*\): .*/\1/p')" -- "$2")
		;;
	name)
		mapfile -t COMPREPLY < <(compgen -W "$("$_bpfmapctl" map show 2>/dev/null |
			sed -n 's/.*  name \([^ ]*\)  .*/\1/p')" -- "$2")
		;;
	esac
}

_bpfmapctl_types()
{
	"$_bpfmapctl" map help 2>&1 | sed -n '/TYPE := {/,/}/p' |
		sed 's/.*TYPE := {//; s/}//'
}

# _bpfmapctl_words VERB PREVIOUS - the words that may follow
_bpfmapctl_words()
{
	local data='hex u8 u16 u32 u64 s8 s16 s32 s64 be16 be32 be64 str ip ip6 mac pad file'

	case $2 in
	key|value)
		[[ $1 == create ]] || echo "$data id name pinned"
		return
		;;
	format) echo 'json binary'; return ;;
	inner_map|into) echo 'id name pinned'; return ;;
	interval|times|rows|offset|entries|flags|extra|numa|cpu) return ;;
	esac
	case $1 in
	create) echo 'type key value entries name flags inner_map dev extra numa' ;;
	update) echo 'key value cpu any noexist exist' ;;
	push|enqueue) echo value ;;
	lookup) echo 'key value cpu' ;;
	getnext|delete) echo key ;;
	dump) echo 'watch interval times' ;;
	export) echo 'to format drain' ;;
	import) echo 'pin into from name inner_map' ;;
	diff) echo 'id name pinned file' ;;
	top) echo 'interval times rows offset' ;;
	event_pipe) echo times ;;
	esac
}

_bpfmapctl()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local _bpfmapctl=${COMP_WORDS[0]} i=1 verb noun
	local verbs='show list help dump update lookup getnext delete pin create
		peek push enqueue pop dequeue freeze count clear export import
		diff top event_pipe'

	COMPREPLY=()
	while [[ ${COMP_WORDS[i]} == -* && $i -lt $COMP_CWORD ]]; do
		((i++))
	done
	noun=${COMP_WORDS[i]} verb=${COMP_WORDS[i + 1]}
	if ((COMP_CWORD == i)); then
		mapfile -t COMPREPLY < <(compgen -W 'map help version --json
			--pretty --pins --no-batch --debug --legacy --nomount
			--help --version' -- "$cur")
	elif [[ $noun != map ]]; then
		return
	elif ((COMP_CWORD == i + 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
	elif [[ $prev == id || $prev == pinned ]] ||
		[[ $prev == name && $verb != create && $verb != import ]]; then
		_bpfmapctl_map "$prev" "$cur"
	elif [[ $prev == type && $verb == create ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_bpfmapctl_types)" -- "$cur")
	elif [[ $prev == to || $prev == from || $prev == file ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	elif ((COMP_CWORD == i + 2)) && [[ $verb == create ]] ||
		[[ $prev == pin && $verb == import ]] ||
		((COMP_CWORD == i + 4)) && [[ $verb == pin ]]; then
		_bpfmapctl_map pinned "$cur"
	elif ((COMP_CWORD == i + 2)) && [[ $verb != import && $verb != help ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'id name pinned' -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W \
			"$(_bpfmapctl_words "$verb" "$prev")" -- "$cur")
	fi
}

complete -F _bpfmapctl bpfmapctl
