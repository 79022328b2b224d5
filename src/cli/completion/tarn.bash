# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Completion of tarn(1). What can be typed is asked of the command, so that this needs not know its verbs.

_tarn_help() { LD_PRELOAD='' "$@" --help 2>/dev/null </dev/null; }

_tarn() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} help words=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words=$(_tarn_help "$1" | sed -nE '/^Subcommands:/,/^$/s/^  ([a-z][a-z-]*).*/\1/p; s/^  (-[^ :={]*).*/\1/p' | tr , '\n')
    else
        help=$(_tarn_help "$1" "${COMP_WORDS[1]}")
        if [[ $before == -* ]]; then  # an option that takes one of a few words
            words=$(sed -nE "s/^  (.*,)?$before [^ ]*:\{([^}]*)\}.*/\2/p" <<<"$help" | tr , ' ')
        fi
        if [[ -z $words && $word == -* ]]; then
            words=$(sed -nE 's/^  (-[^ :={]*).*/\1/p' <<<"$help" | tr , '\n')
        elif [[ -z $words && $help == *'Usage: tarn '*CMD* ]]; then
            mapfile -t COMPREPLY < <(compgen -c -- "$word")
            return
        fi
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

# Files, where there is nothing else.
complete -o default -F _tarn tarn
