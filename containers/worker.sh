# The shell of an environment: runs one piece of code after another in the same bash. The runner writes a line on descriptor 3 when
# there is code at descriptor 5; the answer is a line with the exit code. The code, and what it starts, see neither descriptor.
#
# Variables, functions, options and the working directory stay from one run to the next; an EXIT trap runs when its run ends. What
# could not be kept out of it:
# - `exit`, a failing command after `set -e`, an unset variable after `set -u`, and `exec COMMAND` end this shell. The runner tells the
#   exit code and starts another shell, which takes over what the EXIT trap below wrote: variables, functions, directory and options.
#   Lost are background jobs, open descriptors and traps; everything, if the code called `exec` or had an EXIT trap of its own.
# - NUL ends the code. What `exec` makes of descriptors 3 and 5 holds until the end of the run.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    # As `bash -c`, and all in one line: messages of the code then begin with `bash: line 3:`, with the code's own line.
    __bailiwick_code=". '$0'; while __bailiwick_next; do eval \"\$__bailiwick_code\" 3>&- 5>&-; { __bailiwick_after; } 2>/dev/null; __bailiwick_done; done; trap - EXIT"
    exec bash --norc --noprofile -c "$__bailiwick_code" bash
fi

# Reads the next piece of code. No local variables in these functions: the code may call a variable readonly that has their name.
__bailiwick_next() {
    builtin read -r -u 3 __bailiwick_words || return 1
    IFS= builtin read -r -d '' __bailiwick_code </dev/fd/5
    # Options that would end the loop, or show it, are on while the code runs only.
    [[ $__bailiwick_flags = *e* ]] && __bailiwick_code="set -e;$__bailiwick_code"
    [[ $__bailiwick_flags = *u* ]] && __bailiwick_code="set -u;$__bailiwick_code"
    [[ $__bailiwick_flags = *x* ]] && __bailiwick_code="set -x;$__bailiwick_code"
    return 0
}

# Called where its own trace by `set -x` is not seen.
__bailiwick_after() {
    __bailiwick_status=$? __bailiwick_flags=$-
    set +euxv
}

# Answers. An EXIT trap that the code set has its turn first.
__bailiwick_done() {
    __bailiwick_words=$(trap -p EXIT 3>&- 5>&-)
    if [ "$__bailiwick_words" != "$__bailiwick_trap" ]; then
        trap __bailiwick_keep EXIT
        builtin eval "__bailiwick_words=($__bailiwick_words)"
        builtin eval "${__bailiwick_words[2]-}" 3>&- 5>&-
    fi
    unset __bailiwick_code __bailiwick_words
    builtin printf '%d\n' "$__bailiwick_status" >&3
}

# Writes down what the next shell takes over.
__bailiwick_keep() {
    [[ $- = *[eu]* ]] && __bailiwick_flags=$-
    set +euxv
    {
        declare -p
        declare -f
        alias -p
        shopt -p
        # While it still reads this, these two could end the next shell.
        set +o | grep -v -e errexit -e nounset
        printf '__bailiwick_flags=%q\ncd -- %q\n' "$__bailiwick_flags" "$PWD"
    } >"$__bailiwick_kept" 2>/dev/null 3>&- 5>&-
}

__bailiwick_flags=
__bailiwick_kept=${TMPDIR:-/tmp}/.bailiwick-shell
if [ -f "$__bailiwick_kept" ]; then
    # A variable that is read-only in every bash does not hinder the rest.
    . "$__bailiwick_kept" 3>&- 5>&- >/dev/null 2>&1
    rm -f "$__bailiwick_kept" 3>&- 5>&-
fi
trap __bailiwick_keep EXIT
__bailiwick_trap=$(trap -p EXIT 3>&- 5>&-)
