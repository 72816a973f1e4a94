"""The Python interpreter of a container: takes requests from the runner and runs them. PROTOCOL.md and
../wasm-runtimes/ABI.md say what both sides send; what a program sees is what ../wasm-runtimes/python/guest.c lets it see.

Run as `python3 -I worker.py cold|warm|shared`. Imports little: each module costs every cold start its time."""
import atexit
import builtins
import gc
import io
import os
import sys
import time

FLAG_VALUE, FLAG_LAST = 2, 8
JSON, REPR, TYPE, MESSAGE = 1, 2, 3, 4
# The most that is reported at once, and how deep JSON may nest; see ABI.md.
REPORT_MAX = 1 << 20
JSON_DEPTH = 100
# The bits of `co_flags` that stand for `from __future__ import ...` (PyCF_MASK).
FUTURES = 0x1FE0000
HERE = os.path.dirname(os.path.abspath(__file__))
THIS_FILE = sys._getframe().f_code.co_filename
WORKSPACE = os.getcwd()
OWN_PID = os.getpid()
register_at_exit = atexit.register


# ---- the runner ----

class Door:
    """The socket to the runner. No child process gets it, and it lies where a program's own descriptors do not."""

    def __init__(self):
        most = os.sysconf('SC_OPEN_MAX')
        self.fd = os.dup2(3, 1023 if most < 0 else min(most - 1, 1023), inheritable=False)
        os.close(3)
        self.identity = self.who()
        os.register_at_fork(after_in_child=self.close)

    def who(self):
        status = os.fstat(self.fd)
        return status.st_dev, status.st_ino

    def close(self):
        fd, self.fd = self.fd, None
        if fd is not None:
            os.close(fd)

    def send(self, kind, payload=b''):
        """Tells the runner. False: the program closed the socket, and its number may by now be a file of the program's."""
        try:
            if self.fd is None or self.who() != self.identity:
                return False
            frame = memoryview(kind + len(payload).to_bytes(4, 'little') + payload)
            while frame:
                frame = frame[os.write(self.fd, frame):]
            return True
        except OSError:
            return False

    def read(self, size):
        parts = []
        while size > 0:
            try:
                part = os.read(self.fd, min(size, 1 << 20))
            except OSError:
                part = b''
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b''.join(parts)

    def next(self):
        """The next request; None: the runner is gone."""
        while self.fd is not None:
            head = self.read(5)
            body = None if head is None else self.read(int.from_bytes(head[1:], 'little'))
            if body is None:
                return None
            if head[:1] == b'q':
                return body
        return None

    def tell(self, op, text):
        """Reports a str (it may hold lone surrogates) or bytes, cut at a character's end."""
        if isinstance(text, str):
            try:
                text = text[:REPORT_MAX].encode()
            except UnicodeEncodeError:
                text = text[:REPORT_MAX].encode('utf-8', 'backslashreplace')
        end = min(len(text), REPORT_MAX)
        while 0 < end < len(text) and text[end] & 0xC0 == 0x80:
            end -= 1
        self.send(b'p', bytes((op,)) + text[:end])


class Request:
    """A request as in ABI.md. ValueError when it is none."""

    def __init__(self, data):
        self.data, self.at = data, 0
        if self.u32() != 1:
            raise ValueError('version')
        self.flags = self.u32()
        self.code = self.text()
        self.filename = self.str()
        self.argv = [self.str() for _ in range(self.u32())]
        self.env = [self.str() for _ in range(self.u32())]
        del self.data

    def u32(self):
        end = self.at + 4
        if end > len(self.data):
            raise ValueError('too short')
        value = int.from_bytes(self.data[self.at:end], 'little')
        self.at = end
        return value

    def text(self):
        end = self.u32() + self.at
        if end > len(self.data):
            raise ValueError('too short')
        value = self.data[self.at:end]
        self.at = end
        return value

    def str(self):
        return self.text().decode('utf-8', 'surrogateescape')


# ---- the last expression's value ----

ESCAPES = {n: f'\\u{n:04x}' for n in range(32)}
ESCAPES.update({ord(c): '\\' + e for c, e in zip('"\\\n\r\t\b\f', '"\\nrtbf')})


class NotPlain(Exception):
    """The value has no JSON form."""


def json_bytes(value):
    """What json.dumps(value, ensure_ascii=False, separators=(',', ':')) gives, for plain values only; exact types, so
    that no method of the program's own runs."""
    parts = []
    left = REPORT_MAX

    def put(text):
        nonlocal left
        data = text.encode()
        left -= len(data)
        if left < 0:
            raise NotPlain
        parts.append(data)

    def write(value, depth):
        kind = type(value)
        if kind is str:
            put(f'"{value.translate(ESCAPES)}"')
        elif value is None:
            put('null')
        elif kind is bool:
            put('true' if value else 'false')
        elif kind is int:
            put(str(value))
        elif kind is float:
            if value - value != 0:
                raise NotPlain
            put(repr(value))
        elif depth >= JSON_DEPTH:
            raise NotPlain
        elif kind is list or kind is tuple:
            put('[')
            for i, item in enumerate(value):
                if i:
                    put(',')
                write(item, depth + 1)
            put(']')
        elif kind is dict:
            put('{')
            first = True
            for key, item in value.items():
                if type(key) is not str:
                    raise NotPlain
                put(f'"{key.translate(ESCAPES)}":' if first else f',"{key.translate(ESCAPES)}":')
                first = False
                write(item, depth + 1)
            put('}')
        else:
            raise NotPlain

    write(value, 0)
    return b''.join(parts)


def report_value(door, value):
    """Never fails, whatever the value's own methods do."""
    try:
        door.tell(JSON, json_bytes(value))
        return
    except Exception:  # a lone surrogate, a list that another thread changes, and what is not plain
        pass
    try:
        text = repr(value)
    except BaseException:
        # As C's %T: the full name.
        kind = type(value)
        name = kind.__qualname__
        if kind.__module__ not in ('builtins', '__main__'):
            name = f'{kind.__module__}.{name}'
        text = f'<unprintable {name} object>'
    door.tell(REPR, text)


# ---- running ----

def parse(request):
    """The code objects of the body and of the last expression, or None for what is not there. Both are compiled before
    either runs: a syntax error anywhere means that nothing happens."""
    code, filename = request.code, request.filename
    if code.startswith(b'\xef\xbb\xbf'):
        code = code[3:]
    if b'\0' in code:
        raise SyntaxError('source code string cannot contain null bytes')
    source = code.decode('utf-8', 'surrogateescape')
    if not request.flags & FLAG_VALUE:
        return compile(source, filename, 'exec', 0, True), None
    import _ast
    try:
        module = compile(source, filename, 'exec', _ast.PyCF_ONLY_AST, True)
        statements, last = module.body, None
        if statements and type(statements[-1]) is _ast.Expr:
            last = _ast.Expression(statements.pop().value)
        body = compile(module, filename, 'exec', 0, True) if statements or last is None else None
        if last is not None:
            last = compile(last, filename, 'eval', body.co_flags & FUTURES if body else 0, True)
        return body, last
    except SyntaxError as error:
        # One that only the compiler finds has no source line, since the code is in no file.
        lines = source.split('\n')
        if error.text is None and error.filename == filename and error.lineno and error.lineno <= len(lines):
            error.text = lines[error.lineno - 1] + '\n'
        raise


def hide_worker(error):
    """Takes this file's frames out of the tracebacks of an exception and of those that it came from."""
    seen = set()
    todo = [error]
    while todo:
        error = todo.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        frames = []
        tb = error.__traceback__
        while tb is not None:
            if tb.tb_frame.f_code.co_filename != THIS_FILE:
                frames.append(tb)
            tb = tb.tb_next
        following = None
        for tb in reversed(frames):
            if tb.tb_next is not following:
                tb.tb_next = following
            following = tb
        error.__traceback__ = following
        todo += (error.__cause__, error.__context__)
        if isinstance(error, BaseExceptionGroup):
            todo += error.exceptions


def show(error):
    """Prints a traceback as the interpreter would."""
    if sys.stderr is None:
        return
    if sys.version_info >= (3, 13):
        sys.__excepthook__(type(error), error, error.__traceback__)
    else:
        # Before 3.13 the interpreter looks for source lines in files only.
        import traceback
        traceback.print_exception(error)
    sys.stderr.flush()


def system_exit_code(error):
    code = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        # As C takes it: what does not fit a long is -1.
        return int(code) & 0xFF if -1 << 63 <= code < 1 << 63 else 0xFF
    try:
        print(code, file=sys.stderr, flush=True)
    except BaseException:
        pass
    return 1


def finish_exception(door, error):
    """Shows what nothing caught, as the interpreter would on its way out. Returns the exit code."""
    if isinstance(error, SystemExit):
        return system_exit_code(error)
    hide_worker(error)
    try:
        hook = getattr(sys, 'excepthook', None)
        if hook is None:
            print('sys.excepthook is missing', file=sys.stderr)
        if hook is None or hook is sys.__excepthook__:
            show(error)
        else:
            hook(type(error), error, error.__traceback__)
    except SystemExit as leave:
        return system_exit_code(leave)
    except BaseException as failure:
        failure.__context__ = None
        hide_worker(failure)
        try:
            print('Error in sys.excepthook:', file=sys.stderr)
            show(failure)
            print('\nOriginal exception was:', file=sys.stderr)
            show(error)
        except BaseException:
            pass
    kind = type(error)
    name, module = kind.__qualname__, getattr(kind, '__module__', None)
    if isinstance(module, str) and module not in ('builtins', '__main__'):
        name = f'{module}.{name}'
    try:
        message = str(error)
    except BaseException:
        message = ''
    door.tell(TYPE, name)
    door.tell(MESSAGE, message)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def run(door, request, main):
    """Runs a request's code in `main`. Returns the exit code."""
    sys.argv = request.argv or [request.filename]
    sys.orig_argv = [sys.executable, *sys.argv]
    for pair in request.env:
        key, equals, value = pair.partition('=')
        if key and equals:
            os.environ[key] = value
            if key == 'TZ':
                time.tzset()
    sources.keep(request)
    if not request.filename.startswith('<'):
        main['__file__'] = request.filename
    try:
        body, last = parse(request)
        if body is not None:
            exec(body, main)
            body = None
        if last is not None:
            value = eval(last, main)
            report_value(door, value)
            value = None
        return 0
    except BaseException as error:
        caught = error
    # Out here nothing is "being handled": a program's hooks see what they would in an interpreter of its own.
    code = finish_exception(door, caught)
    caught.__traceback__ = None
    return code


# ---- what is done when a module is imported ----

class Sources:
    """The code of requests for linecache: it is in no file, and tracebacks and inspect show its lines all the same."""

    def __init__(self):
        self.texts = {}

    def keep(self, request):
        self.texts[request.filename] = request.code
        if 'linecache' in sys.modules:
            self.hand_over(sys.modules['linecache'])

    def hand_over(self, linecache):
        cache = getattr(linecache, 'cache', None)
        while self.texts and isinstance(cache, dict):
            filename, code = self.texts.popitem()
            lines = [line + '\n' for line in code.decode('utf-8', 'replace').split('\n')]
            # No time of change: linecache does not look for a file.
            cache[filename] = len(code), None, lines, filename


sources = Sources()


def prepare_matplotlib():
    """Gives matplotlib a directory of its own with the fonts that the image has listed; else it would list them anew, warn,
    and leave its files in the workspace."""
    os.environ.setdefault('MPLBACKEND', 'agg')
    if 'MPLCONFIGDIR' in os.environ:
        return
    try:
        place = f'/tmp/.matplotlib-{os.getpid()}-{time.time_ns()}'
        os.mkdir(place, 0o700)
        os.environ['MPLCONFIGDIR'] = place
        for entry in os.scandir(HERE + '/matplotlib'):
            if entry.is_file():
                with open(entry.path, 'rb') as old, open(f'{place}/{entry.name}', 'wb') as new:
                    new.write(old.read())
    except OSError:
        pass


def save_figures(pyplot):
    """Writes every open figure to the next free figure-N.png of the workspace, and closes them all."""
    n = 1
    for number in pyplot.get_fignums():
        while True:
            path = f'{WORKSPACE}/figure-{n}.png'
            try:
                file = open(path, 'xb')
                break
            except FileExistsError:
                n += 1
        try:
            with file:
                pyplot.figure(number).savefig(file, format='png')
        except BaseException:
            os.unlink(path)
            raise
    pyplot.close('all')


def save_open_figures():
    pyplot = sys.modules.get('matplotlib.pyplot')
    # A child process has its parent's figures, and leaves them to it.
    if pyplot is None or not hasattr(pyplot, 'get_fignums') or os.getpid() != OWN_PID:
        return
    try:
        save_figures(pyplot)
    except Exception as error:
        print(f'bailiwick: a figure was not saved: {type(error).__name__}: {error}', file=sys.stderr)


def prepare_pyplot(pyplot):
    def show(*args, **kwargs):
        """Save every open figure as figure-1.png, figure-2.png, ... and close it: there is no screen."""
        save_figures(pyplot)

    show.__module__ = pyplot.__name__
    show.__qualname__ = 'show'
    pyplot.show = show
    # After pyplot's own callback, and so run before it: that one drops the figures.
    register_at_exit(save_open_figures)


class ImportHook:
    """First in sys.meta_path; passes on everything but the few modules for which there is something to do."""
    before = {'matplotlib': prepare_matplotlib}
    after = {'matplotlib.pyplot': prepare_pyplot, 'linecache': sources.hand_over}

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        before, after = cls.before.get(name), cls.after.get(name)
        if before is None and after is None:
            return None
        for finder in sys.meta_path:
            if finder is not cls:
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    break
        else:
            return None
        if before is not None:
            before()
        loader = spec.loader
        if after is not None and hasattr(loader, 'exec_module'):
            execute = loader.exec_module

            def exec_module(module):
                del loader.exec_module  # only this once: the loader is its own again
                execute(module)
                after(module)

            loader.exec_module = exec_module
        return spec


# ---- before and after a request ----

def renew_streams():
    """Streams on descriptors 0 to 2, where the program closed them; a stdin that knows nothing of what the one before read."""
    encoding, errors = 'utf-8', 'surrogateescape'
    try:
        raw = io.FileIO(0, 'r', closefd=False)
        raw.name = '<stdin>'
        sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(raw), encoding, errors)
        sys.stdin.mode = 'r'
    except OSError:
        sys.stdin = None
    for fd, name in (1, 'stdout'), (2, 'stderr'):
        stream = getattr(sys, f'__{name}__')
        if getattr(stream, 'closed', False):
            try:
                raw = io.FileIO(fd, 'w', closefd=False)
            except OSError:
                continue
            raw.name = f'<{name}>'
            fresh = io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors if fd == 1 else 'backslashreplace', line_buffering=True)
            fresh.mode = 'w'
            setattr(sys, f'__{name}__', fresh)
            if getattr(sys, name, None) is stream:
                setattr(sys, name, fresh)


def flush_open_files():
    """Writes what files that the program left open still buffer; an interpreter does so when it ends, and this one goes on."""
    files = []
    for item in gc.get_objects():
        kind = type(item)
        if kind is io.TextIOWrapper or kind is io.BufferedWriter or kind is io.BufferedRandom:
            files.append(item)
    # Text streams first: what they hold goes to the writers beneath.
    files.sort(key=lambda file: type(file) is not io.TextIOWrapper)
    for file in files:
        try:
            file.flush()
        except Exception:
            pass
    if 'logging' in sys.modules:
        for reference in list(getattr(sys.modules['logging'], '_handlerList', ())):
            try:
                reference().flush()
            except Exception:
                pass


class Farewells:
    """atexit in an environment: what the program registers runs when its run ends, what libraries register when the
    interpreter does."""

    def __init__(self):
        self.callbacks = []
        self.unregister = atexit.unregister

        def register(func, /, *args, **kwargs):
            if not callable(func):
                raise TypeError('the first argument must be callable')
            names = sys._getframe(1).f_globals
            if names.get('__name__') == '__main__' or str(names.get('__file__')).startswith(WORKSPACE + '/'):
                self.callbacks.append((func, args, kwargs))
                return func
            return register_at_exit(func, *args, **kwargs)

        def unregister(func, /):
            self.callbacks = [entry for entry in self.callbacks if not entry[0] == func]
            self.unregister(func)

        register.__doc__, unregister.__doc__ = atexit.register.__doc__, atexit.unregister.__doc__
        register.__module__ = unregister.__module__ = 'atexit'
        atexit.register, atexit.unregister = register, unregister

    def run(self):
        while self.callbacks:
            func, args, kwargs = self.callbacks.pop()
            try:
                func(*args, **kwargs)
            except SystemExit:
                pass
            except BaseException as error:
                hide_worker(error)
                try:
                    print(f'Exception ignored in atexit callback {func!r}:', file=sys.stderr)
                    show(error)
                except BaseException:
                    pass


def flush_standard(code):
    """The exit code: 120 when standard output cannot be written, as CPython has it."""
    failed = False
    for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except AttributeError:
            pass
        except Exception:
            failed = True
    return 120 if failed else code


def finish(farewells, code):
    """What CPython does between a program's last line and its exit, as far as an interpreter that goes on can."""
    farewells.run()
    save_open_figures()
    flush_open_files()
    return flush_standard(code)


def leave(main, code):
    """Ends the process as CPython would, but for taking the interpreter apart: with pandas in it that alone takes longer than most
    programs."""
    try:
        if 'threading' in sys.modules:
            sys.modules['threading']._shutdown()
    except BaseException as error:
        print('Exception ignored in:', sys.modules['threading'], file=sys.stderr)
        show(error)
    atexit._run_exitfuncs()
    # The program's own objects go, with their __del__, in the order that CPython has: private names first.
    for names in [name for name in main if name[:1] == '_' and name[:2] != '__'], [name for name in main if name[:1] != '_']:
        for name in names:
            main[name] = None
    gc.collect()
    flush_open_files()
    os._exit(flush_standard(code))


# ---- the start ----

def warm_up():
    """Imports what takes long, and what programs use most; uses each once, so that its caches are filled."""
    import collections, datetime, decimal, functools, itertools, json, linecache, math, random, re, traceback  # noqa: E401,F401
    try:
        import numpy
    except ImportError:
        numpy = None
    try:
        import pandas
    except ImportError:
        pandas = None
    if numpy is not None:
        repr(numpy.arange(6.0).reshape(2, 3) @ numpy.ones((3, 2)))
    if pandas is not None:
        frame = pandas.DataFrame({'a': [1, 2], 'b': ['x', 'y'], 'c': [0.5, 1.5]})
        repr(frame), frame.sum(), repr(frame.groupby('b')['a'].sum()), repr(frame.describe())
    json.loads(json.dumps({'a': [1, 2.5, None]}))
    json_bytes([1, 2.5, {'a': None}])
    linecache.clearcache()
    gc.collect()
    gc.freeze()


def fresh_main():
    """A new __main__ in place of this file's. What the interpreter gives one of its own, and nothing else."""
    main = type(sys)('__main__')
    main.__builtins__ = builtins
    main.__loader__ = sys.modules['_frozen_importlib'].BuiltinImporter
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    sys.modules['__main__'] = main
    return vars(main)


def prepare_import():
    """The workspace comes first, and is looked at anew: the runner or an earlier run may have written there."""
    if WORKSPACE not in sys.path:
        sys.path.insert(0, WORKSPACE)
    for place in list(sys.path_importer_cache):
        if isinstance(place, str) and (place == WORKSPACE or place.startswith(WORKSPACE + '/')):
            sys.path_importer_cache.pop(place, None)


def serve(mode):
    door = Door()
    # The workspace is the program's: no __pycache__ there. Lines are written at once: a run may be stopped at any time.
    sys.dont_write_bytecode = True
    sys.stdout.reconfigure(line_buffering=True)
    sys.meta_path.insert(0, ImportHook)
    if mode != 'cold':
        warm_up()
    farewells = None
    main = fresh_main()
    door.send(b'r')
    first = True
    while True:
        data = door.next()
        if data is None:
            return 0
        if not first:
            renew_streams()
        first = False
        prepare_import()
        try:
            request = Request(data)
        except ValueError:
            os.write(2, b'bailiwick: the request is malformed\n')
            if farewells is None:
                return 125
            code, last = 125, False
        else:
            last = bool(request.flags & FLAG_LAST)
            if not last and farewells is None:
                farewells = Farewells()
            code = run(door, request, main)
        if last or os.getpid() != OWN_PID:
            if farewells is not None:
                register_at_exit(farewells.run)
            if os.getpid() == OWN_PID:
                leave(main, code)
            # The program forked. CPython does the rest.
            return code
        data = request = None
        code = finish(farewells, code)
        if not door.send(b'x', (code & 0xFF).to_bytes(4, 'little')):
            return code


if __name__ == '__main__':
    sys.exit(serve(sys.argv[1] if len(sys.argv) > 1 else 'cold'))
