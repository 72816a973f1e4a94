"""Tests of worker.py; see workers.py."""
import os
import subprocess

from workers import LAST, PYTHON, VALUE, Worker, holds, lacks, once, same


def has(module):
    return subprocess.run([PYTHON, '-c', f'import {module}'], capture_output=True).returncode == 0


def test_the_last_expression_is_the_value():
    for code, value in [
        ('1 + 1', 2), ('x = 3\nx * 2', 6), ("[1, 2.5, 'ä', None, True, {'k': (1, 2)}]", [1, 2.5, 'ä', None, True, {'k': [1, 2]}]),
        ("'text'", 'text'), ('None', None), (r"'\x01\"\\\n\u2028'", '\x01"\\\n\u2028'), ('10**30', 10**30), ('-0.0', -0.0), ('{}', {}),
    ]:
        r = once('python', code)
        same((r.code, 1 in r.told, r.value), (0, True, value), r)
    for code, text in [
        ('object', "<class 'object'>"), ("float('nan')", 'nan'), ('{1: 2}', '{1: 2}'), ('{1, 2}', '{1, 2}'), (r"'\ud800'", r"'\ud800'"),
        ('import enum\nclass A(enum.IntEnum):\n B = 1\nA.B', '<A.B: 1>'), ('class L(list): pass\nL([1])', '[1]'),
        ("class A:\n def __repr__(self): raise ValueError('no')\nA()", '<unprintable A object>'),
        ('a = []\na.append(a)\na', '[[...]]'),
    ]:
        r = once('python', code)
        same((r.code, r.text, r.err), (0, text, ''), r)
    same(once('python', 'x = 1').told, {})
    same(once('python', '1 + 1', flags=LAST).told, {})
    same(once('python', "'''only a string'''").value, 'only a string')
    r = once('python', "['x' * 2000000]")
    same((list(r.told), len(r.text)), ([2], 1 << 20))


def test_futures_and_names_hold_for_the_last_expression():
    r = once('python', 'from __future__ import annotations\nfrom __future__ import generator_stop\n__name__')
    same(r.value, '__main__', r)
    r = once('python', 'import sys\nsys.modules["__main__"].x = 5\nx, __doc__, __file__ if "__file__" in globals() else None')
    same(r.value, [5, None, None], r)
    same(once('python', '__file__', filename='main.py').value, 'main.py')


def test_main_holds_nothing_of_the_workers():
    r = once('python', 'print(sorted(n for n in dir() if n not in ("__annotations__", "__builtins__")))\nimport sys\n'
             'print([m for m in sys.modules if "worker" in m], [k for k in vars(sys) if "worker" in k])')
    same(r.out, "['__doc__', '__loader__', '__name__', '__package__', '__spec__']\n[] []\n", r)


def test_a_traceback_shows_the_codes_own_frames():
    r = once('python', "def f():\n    return 1 / 0\n\nprint('before')\nf()\n")
    same((r.code, r.out, r.error), (1, 'before\n', ('ZeroDivisionError', 'division by zero')), r)
    same(r.err.startswith('Traceback (most recent call last):\n'), True, r)
    holds(r.err, 'line 2, in f\n    return 1 / 0')
    same(r.err.count('  File '), 2, r)
    r = once('python', 'def f():\n  raise OSError(1)\ntry:\n  f()\nexcept OSError as e:\n  raise KeyError("k") from e', filename='main.py')
    same((r.error, r.err.count('  File "main.py"'), r.err.count('  File ')), (('KeyError', "'k'"), 3, 3), r)
    holds(r.err, 'direct cause')
    r = once('python', 'import traceback\ndef f(): 1/0\ntry: f()\nexcept Exception: print(traceback.format_exc())')
    holds(r.out, 'in f\n    def f(): 1/0')
    r = once('python', 'import inspect\ndef f():\n    return 1\nprint(inspect.getsource(f))')
    holds(r.out, 'def f():\n    return 1\n')


def test_exceptions_of_modules_are_named_in_full():
    same(once('python', "import json\njson.loads('{')").error[0], 'json.decoder.JSONDecodeError')
    same(once('python', "class A:\n class E(Exception): pass\nraise A.E('m')").error, ('A.E', 'm'))
    r = once('python', 'class E(Exception):\n def __str__(self): 1/0\nraise E')
    same((r.code, r.error), (1, ('E', '')), r)
    r = once('python', 'raise ExceptionGroup("g", [ValueError(1)])')
    same(r.error[0], 'ExceptionGroup')
    lacks(r.err, 'worker.py')


def test_syntax_errors_are_shown_as_python_shows_them():
    r = once('python', 'x = (\n')
    same((r.code, r.error[0]), (1, 'SyntaxError'), r)
    holds(r.err, "'(' was never closed")
    same(r.err.startswith('  File "<string>", line 1\n    x = (\n'), True, r)
    r = once('python', 'print("not run")\nreturn 3\n')
    holds(r.err, 'line 2\n    return 3\n')
    same(r.out, '')
    same(once('python', 'a\0b').error[0], 'SyntaxError')
    same(once('python', '\ufeff1 + 1').value, 2)


def test_exit_codes_are_the_codes_own():
    for code, expected in [
        ("import sys; sys.exit(3)", 3), ('raise SystemExit', 0), ('import os; os._exit(7)', 7), ('import sys; sys.exit(-1)', 255),
        ('raise SystemExit(10**30)', 255), ('raise KeyboardInterrupt', 130), ('exit(4)', 4), ('raise SystemExit(True)', 1), ('raise SystemExit(256)', 0),
    ]:
        r = once('python', code)
        same(r.code, expected, code)
        if 'Keyboard' in code:
            same(r.error, ('KeyboardInterrupt', ''))
        else:
            same((r.told, r.err), ({}, ''))
    r = once('python', "import sys; print('kept'); sys.exit('reason')")
    same((r.code, r.out, r.err), (1, 'kept\n', 'reason\n'))


def test_the_end_is_that_of_a_program():
    r = once('python', '''
import atexit, sys, threading, time
class A:
    def __del__(self): print('del')
a = A()
atexit.register(print, 'bye')
def work():
    time.sleep(0.2)
    print('thread')
threading.Thread(target=work).start()
f = open('out.txt', 'w')
f.write('buffered')
print('end', end='')
''')
    same((r.code, r.out, r.err), (0, 'endthread\nbye\ndel\n', ''), r)
    with Worker('python') as w:
        w.run("f = open('out.txt', 'w')\nf.write('buffered')")
        same(w.read('out.txt'), 'buffered')
    r = once('python', "import os\nprint('lost', end='')\nos.close(1)")
    same(r.code, 120, r)
    r = once('python', 'import sys\nsys.excepthook = lambda *a: print("hook", a[0].__name__)\n1/0')
    same((r.code, r.out, r.err, r.error[0]), (1, 'hook ZeroDivisionError\n', '', 'ZeroDivisionError'), r)
    r = once('python', 'import sys\nsys.excepthook = lambda *a: [][1]\n1/0')
    holds(r.err, 'Error in sys.excepthook:\n')
    holds(r.err, 'Original exception was:\n')
    same(r.code, 1)
    r = once('python', 'import sys\nprint(sys.exc_info())\nimport atexit\natexit.register(lambda: print(sys.exc_info()))\n1/0')
    same(r.out, '(None, None, None)\n' * 2, r)


def test_arguments_environment_and_input():
    r = once('python', "import sys, os, time\nprint(sys.argv, os.environ['K'], os.getenv('TZ'), time.tzname[0], sys.path[0] == os.getcwd())\n"
             "print(input().upper())\nprint(sys.stdin.read())\nsys.stdin.name", argv=['prog.py', 'a', 'b c'], env=['K=v', 'TZ=Asia/Tokyo'],
             stdin='first\nsecond\n')
    same(r.out, "['prog.py', 'a', 'b c'] v Asia/Tokyo JST True\nFIRST\nsecond\n\n", r)
    same(r.value, '<stdin>')
    same(once('python', "import sys\nprint(repr(sys.stdin.read()))\ntry:\n input()\nexcept EOFError: print('end')").out, "''\nend\n")
    same(once('python', 'import sys; sys.argv', filename='x.py').value, ['x.py'])


def test_children_get_no_socket():
    r = once('python', 'import os, subprocess\nprint(subprocess.run(["ls", "/proc/self/fd"], capture_output=True, text=True, close_fds=False).stdout.split())\n'
             'print([f for f in os.listdir("/proc/self/fd") if int(f) < 1000])')
    same(r.out.splitlines()[0], "['0', '1', '2', '3']", r)
    r = once('python', "import os\nif os.fork() == 0:\n    assert not [f for f in os.listdir('/proc/self/fd') if int(f) > 5]\n    os._exit(0)\nos.wait()[1]")
    same(r.value, 0, r)
    # A child that runs off the end of the code ends, and says nothing.
    with Worker('python', 'shared') as w:
        r = w.run("import os\npid = os.fork()\nif pid: print(os.waitpid(pid, 0)[1])\nelse: print('child')\npid > 0", flags=VALUE)
        same((r.out, r.value), ('child\n0\n', True), r)
        same(w.run('1', flags=VALUE).value, 1)
    # A program that closes every descriptor loses the report, and keeps its file.
    with Worker('python') as w:
        r = w.run("import os\nos.closerange(3, 4096)\nfor i in range(2000): f = os.open('f', os.O_RDWR | os.O_CREAT)\n1", flags=VALUE | LAST)
        same(w.read('f'), '', r)
    with Worker('python', 'shared') as w:
        same(w.run('import os\nos.closerange(3, 4096)\nraise SystemExit(9)', flags=VALUE).code, 9)


def test_imports_come_from_the_workspace():
    r = once('python', 'import helper, pkg\nhelper.VALUE + pkg.f()', files=[('helper.py', 'VALUE = 42\n'), ('pkg/__init__.py', 'from .inner import f\n'), ('pkg/inner.py', 'def f(): return 1\n')])
    same(r.value, 43, r)
    with Worker('python', files=[('helper.py', '')]) as w:
        w.run('import helper')
        same(os.listdir(w.place), ['helper.py'])
    with Worker('python', 'shared') as w:
        r = w.run('try: import late\nexcept ImportError: print("none")', flags=0)
        with open(w.path('late.py'), 'w') as f:
            f.write('x = 1')
        same(w.run('import late\nlate.x', flags=VALUE).value, 1)


def test_multiprocessing_and_pickle_know_main():
    r = once('python', 'import multiprocessing as m\ndef f(x): return x * 2\nif __name__ == "__main__":\n    with m.get_context("fork").Pool(2) as p: print(p.map(f, [1, 2]))\n')
    same((r.out, r.err), ('[2, 4]\n', ''), r)
    same(once('python', 'import pickle\nclass A: pass\ntype(pickle.loads(pickle.dumps(A()))) is A').value, True)
    same(once('python', 'import subprocess, sys\nsubprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, text=True).stdout').value, '1\n')


def test_a_request_that_is_none():
    with Worker('python') as w:
        r = w.run('', raw=b'\x01\0\0\0')
        same((r.code, r.err), (125, 'bailiwick: the request is malformed\n'))


def test_an_environment_keeps_its_names():
    with Worker('python', 'shared') as w:
        same(w.run('import math\nx = 20\ndef f(): return x + 1\nopen("note", "w").write("kept")', flags=VALUE).code, 0)
        r = w.run('x += 1\nprint(math.floor(2.5), f(), open("note").read())\nx', flags=VALUE)
        same((r.out, r.value), ('2 22 kept\n', 21), r)
        r = w.run('raise ValueError("v")', flags=VALUE)
        same((r.code, r.error), (1, ('ValueError', 'v')), r)
        r = w.run('import sys; sys.exit(4)', flags=VALUE)
        same((r.code, r.told), (4, {}), r)
        same(w.run('input()', flags=VALUE, stdin='a\nb\n').value, 'a')
        same(w.run('input()', flags=VALUE, stdin='c\n').value, 'c')
        same(w.run('import sys; sys.stdin.close(); sys.stdout.close()', flags=0).code, 0)
        same(w.run('print(input())', flags=0, stdin='again').out, 'again\n')
        r = w.run('import atexit; atexit.register(print, "bye"); print("hi", end=" ")', flags=0)
        same(r.out, 'hi bye\n', r)
        same(w.run('print("next")', flags=0).out, 'next\n')
        w.run('g = open("g", "w"); g.write("pending")', flags=0)
        same(w.read('g'), 'pending')
        same(w.run('', raw=b'nonsense').code, 125)
        same(w.run('import os; os.environ["E"]', flags=VALUE, env=['E=1']).value, '1')
        r = w.run('def g():\n  return undefined\ng()', flags=VALUE)
        holds(r.err, 'in g\n    return undefined')
        r = w.run('f(), print("last")', flags=VALUE | LAST)
        same((r.code, r.out, w.process.wait(10)), (0, 'last\n', 0), r)


def test_output_is_written_line_by_line():
    r = once('python', 'import os\nprint("a")\nos.write(1, b"b\\n")\nprint("c", end="")\nos._exit(0)')
    same(r.out, 'a\nb\n', r)


def test_warm_says_ready_with_everything_imported():
    with Worker('python', 'warm') as w:
        r = w.run('import sys\n"json" in sys.modules, "linecache" in sys.modules')
        same(r.value, [True, True], r)
        same(r.err, '')


FIGURES = '''
import matplotlib.pyplot as plt
plt.plot([1, 2])
plt.figure(); plt.plot([2, 1])
plt.show()
print(plt.get_fignums(), plt.get_backend().lower())
plt.plot([3]); plt.savefig('mine.png')
'''


def test_figures_are_saved():
    if not has('matplotlib'):
        print('matplotlib is not there: figures are not tested')
        return
    with Worker('python', files=[('figure-2.png', 'taken')]) as w:
        r = w.run(FIGURES)
        same((r.code, r.out, r.err), (0, '[] agg\n', ''), r)
        same(sorted(os.listdir(w.place)), ['figure-1.png', 'figure-2.png', 'figure-3.png', 'figure-4.png', 'mine.png'])
        same(w.read('figure-2.png'), 'taken')
        with open(w.path('figure-3.png'), 'rb') as f:
            same(f.read(4), b'\x89PNG')
        print(f'a first plot takes {r.seconds:.2f} s')
    with Worker('python', 'shared') as w:
        w.run('import matplotlib.pyplot as plt\nplt.plot([1])', flags=0)
        same(os.listdir(w.place), ['figure-1.png'])
        r = w.run('plt.plot([1])\n1/0', flags=0)
        same(sorted(os.listdir(w.place)), ['figure-1.png', 'figure-2.png'])
        same(w.run('plt.get_fignums()', flags=VALUE).value, [])


def test_packages_work():
    if not has('pandas'):
        print('pandas is not there: it is not tested')
        return
    for mode in 'cold', 'warm':
        with Worker('python', mode) as w:
            r = w.run('import pandas as pd\ndf = pd.DataFrame({"a": [1, 2]})\nprint(df.sum()["a"])\ndf')
            same((r.code, r.out, r.text), (0, '3\n', '   a\n0  1\n1  2'), r)
            print(f'pandas, {mode}: {r.seconds:.3f} s')
