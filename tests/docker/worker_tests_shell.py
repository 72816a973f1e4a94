"""Tests of worker.sh; see workers.py."""
from workers import Worker, holds, lacks, once, same


def test_a_run_answers_with_its_exit_code():
    with Worker('shell') as w:
        r = w.run('echo hi; echo oh >&2')
        same((r.code, r.out, r.err), (0, 'hi\n', 'oh\n'))
        same(w.run('false').code, 1)
        same(w.run('(exit 7)').code, 7)
        same(w.run('').code, 0)
        same(w.run('echo alive').out, 'alive\n')


def test_variables_functions_and_directory_stay():
    with Worker('shell') as w:
        w.run('x=1; declare -A m=([k]=v); f() { echo "f $x $1"; }; mkdir d; cd d; set -o pipefail; set -- a b')
        r = w.run('f z; echo "${m[k]} $# $2"; basename "$PWD"; false | true; echo $?')
        same(r.out, 'f 1 z\nv 2 b\nd\n1\n', r)


def test_standard_input_is_the_runs_own():
    with Worker('shell') as w:
        same(w.run('read a; echo "<$a>"', stdin='one\ntwo\n').out, '<one>\n')
        same(w.run('cat', stdin='three\n').out, 'three\n')
        same(w.run('cat').out, '')


def test_no_descriptor_reaches_the_code():
    with Worker('shell') as w:
        r = w.run('ls /proc/self/fd | tr "\\n" " "; sleep 0 & wait; echo x >&3')
        same(r.out.split(), ['0', '1', '2', '3'], r)  # 3 is the folder that ls reads
        holds(r.err, 'Bad file descriptor')
        same(w.run('exec 3>f 5>g; echo in >&3; cat f').out, 'in\n')
        same(w.run('echo still').out, 'still\n')


def test_messages_name_the_codes_lines():
    r = once('shell', 'echo 1\nnosuchcommand\necho $LINENO')
    same(r.out, '1\n3\n', r)
    holds(r.err, 'bash: line 2: nosuchcommand: command not found')
    lacks(r.err, 'worker')
    r = once('shell', 'if true; then')
    same(r.code != 0, True)
    holds(r.err, 'syntax error')


def test_an_exit_trap_runs_at_the_runs_end():
    with Worker('shell') as w:
        same(w.run('trap "echo bye" EXIT; echo hi; (exit 3)').out, 'hi\nbye\n')
        r = w.run('echo next; (exit 2)')
        same((r.out, r.code), ('next\n', 2))


def test_only_helpers_with_the_prefix_are_there():
    r = once('shell', 'compgen -v | grep -i bailiwick | grep -v ^__bailiwick_; compgen -A function | grep -v ^__bailiwick_; echo "$0"')
    same(r.out, 'bash\n', r)


def test_errexit_holds_and_loses_nothing():
    with Worker('shell') as w:
        same(w.run('set -e; true').code, 0)
        same(w.run('echo on; [[ $- = *e* ]] && echo yes').out, 'on\nyes\n')
        w.run('x=kept; f() { echo f; }; cd /; s="two\nlines"')
        same(w.run('false; echo not reached').out, '')
        same(w.process.wait(10), 1)
        again = Worker('shell')
    with again:
        r = again.run('echo "$x"; f; pwd; echo "$s"; [[ $- = *e* ]] && echo yes')
        same(r.out, 'kept\nf\n/\ntwo\nlines\nyes\n', r)


def test_exit_ends_the_shell_with_its_code():
    with Worker('shell') as w:
        r = w.run('y=2; echo a; exit 4; echo b')
        same((r.code, r.out), (4, 'a\n'), r)
    with Worker('shell') as w:
        same(w.run('echo "$y"').out, '2\n')
    with Worker('shell') as w:
        same(w.run('echo "[$y]"').out, '[]\n', 'taken over once')
        r = w.run('set -u; echo $unset')
        same(r.code != 0, True)
        holds(r.err, 'unset: unbound variable')
    with Worker('shell') as w:
        same(w.run('[[ $- = *u* ]] && echo yes; set +u').out, 'yes\n')


def test_xtrace_shows_the_code_only():
    with Worker('shell') as w:
        w.run('set -x')
        r = w.run('echo a')
        same(r.out, 'a\n')
        lacks(r.err, 'bailiwick')
