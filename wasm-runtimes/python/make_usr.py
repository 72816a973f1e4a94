"""Copies the parts of the library that a guest needs to DEST/usr and compiles them. Run by the native interpreter:

    python -S -I make_usr.py LIB DEST TZDATA [FILE=REPLACEMENT...]
"""

import importlib._bootstrap_external as external
import os
import sys
import _imp

LEFT_OUT = {
    # Whole packages and modules that cannot work, or that nobody runs in a sandbox.
    '__pycache__', 'ctypes', 'curses', 'dbm', 'ensurepip', 'idlelib', 'lib2to3', 'pydoc_data', 'site-packages',
    'test', 'tests', 'tkinter', 'turtledemo', 'venv', 'turtle.py', '_aix_support.py', '_android_support.py', '_apple_support.py',
    '_ios_support.py', '_osx_support.py', 'antigravity.py', 'webbrowser.py', 'windows_events.py', 'windows_utils.py', 'pty.py',
    'tty.py', 'zipapp.py', 'popen_fork.py', 'popen_forkserver.py', 'popen_spawn_posix.py', 'popen_spawn_win32.py',
}

# Of the interactive interpreter, what pydoc (and so help()) needs.
PYREPL = {'__init__.py', 'pager.py'}

SYSCONFIG = '''\
# What of the build's configuration is true in a sandbox. The build machine's own would say where it was built.
build_time_vars = {
    'ABIFLAGS': '', 'EXT_SUFFIX': '.cpython-313-wasm32-wasi.so', 'MULTIARCH': 'wasm32-wasi', 'MACHDEP': 'wasi',
    'HOST_GNU_TYPE': 'wasm32-unknown-wasi', 'SOABI': 'cpython-313-wasm32-wasi', 'Py_DEBUG': 0, 'Py_GIL_DISABLED': 0,
    'Py_ENABLE_SHARED': 0, 'WITH_PYMALLOC': 1, 'SIZEOF_VOID_P': 4, 'TZPATH': '/usr/share/zoneinfo', 'VERSION': '3.13',
    'prefix': '/usr', 'exec_prefix': '/usr', 'LIBDIR': '/usr/lib', 'LIBDEST': '/usr/lib/python3.13',
    'BINDIR': '/usr/bin', 'INCLUDEPY': '/usr/include/python3.13', 'CC': '', 'CFLAGS': '', 'LDFLAGS': '',
}
'''


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data)


def read(path):
    with open(path, 'rb') as file:
        return file.read()


def copy(source, dest, compiled):
    """Copies a tree in a fixed order."""
    for name in sorted(os.listdir(source)):
        path = os.path.join(source, name)
        if name in LEFT_OUT or (source.endswith('/_pyrepl') and name not in PYREPL):
            continue
        if os.path.isdir(path):
            copy(path, os.path.join(dest, name), compiled)
        elif not compiled:
            write(os.path.join(dest, name), read(path))
        elif name.endswith('.py'):
            module(os.path.join(dest, name), read(path))


def module(dest, source):
    """Writes a module and its compiled form, which is never checked against the source (PEP 552's unchecked hash)."""
    shown = '/' + dest[dest.index('usr/'):]
    write(dest, source)
    code = compile(source, shown, 'exec', dont_inherit=True, optimize=0)
    source_hash = _imp.source_hash(external._RAW_MAGIC_NUMBER, source)
    pyc = external._code_to_hash_pyc(code, source_hash, False)
    head, tail = os.path.split(dest)
    write(os.path.join(head, '__pycache__', tail[:-3] + '.cpython-313.pyc'), pyc)


def main(lib, dest, tzdata):
    library = os.path.join(dest, 'usr/lib/python3.13')
    copy(lib, library, True)
    module(os.path.join(library, '_sysconfigdata__wasi_wasm32-wasi.py'), SYSCONFIG.encode())
    # The wheel's data is a package; a directory of zones has no __init__.py and no metadata files.
    zones = os.path.join(dest, 'usr/share/zoneinfo')
    copy(os.path.join(tzdata, 'tzdata/zoneinfo'), zones, False)
    for root, _, names in os.walk(zones):
        for name in names:
            if name.endswith('.py') or name in ('leapseconds', 'tzdata.zi'):
                os.remove(os.path.join(root, name))


main(*sys.argv[1:])
