"""Tests the workers of containers without Docker: plays the runner for each of them. Run: python3 tests/docker/workers.py [WORD...]
(only the tests whose names hold one of the words). PYTHON and NODE name other interpreters. Exits with 1 on a failure."""
import fcntl
import json
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Another folder that has the workers, as in an image.
WORKERS = os.environ.get('WORKERS', os.path.join(ROOT, 'containers'))
PYTHON = os.environ.get('PYTHON', sys.executable)
NODE = os.environ.get('NODE', 'node')
TIMEOUT = 60
VALUE, MODULE, LAST = 2, 4, 8


class Result:
    """What one run gave."""

    def __init__(self):
        self.code, self.out, self.err, self.told, self.seconds = None, '', '', {}, 0

    @property
    def value(self):
        return json.loads(self.told[1]) if 1 in self.told else None

    @property
    def text(self):
        return self.told.get(2)

    @property
    def error(self):
        return (self.told.get(3), self.told.get(4))

    def __repr__(self):
        return f'code {self.code}, out {self.out!r}, err {self.err!r}, told {self.told!r}'


def text(s):
    data = s if isinstance(s, bytes) else s.encode()
    return struct.pack('<I', len(data)) + data


class Worker:
    """A worker process, and this end of its socket."""

    def __init__(self, language, mode='cold', files=()):
        self.place = tempfile.mkdtemp(prefix='workers-')
        self.language = language
        for name, content in files:
            path = os.path.join(self.place, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w') as file:
                file.write(content)
        command = {
            'python': [PYTHON, '-I', f'{WORKERS}/worker.py', mode],
            'javascript': [NODE, f'{WORKERS}/worker.js', mode],
            'shell': ['bash', '--norc', '--noprofile', f'{WORKERS}/worker.sh'],
        }[language]
        self.socket, theirs = socket.socketpair()
        self.input = os.memfd_create('stdin')
        passed = [fcntl.fcntl(theirs, fcntl.F_DUPFD, 20)]
        place_fds = f'exec 3<&{passed[0]} {passed[0]}<&-'
        if language == 'shell':
            self.code = os.memfd_create('code')
            passed.append(fcntl.fcntl(self.code, fcntl.F_DUPFD, 30))
            place_fds += f' 5<&{passed[1]} {passed[1]}<&-'
        env = {'HOME': self.place, 'PATH': os.environ['PATH'], 'LANG': 'C.UTF-8', 'TZ': 'UTC', 'TMPDIR': '/tmp', 'PWD': self.place}
        if language == 'python' and 'PYENV_VERSION' in os.environ:
            env['PYENV_VERSION'] = os.environ['PYENV_VERSION']
        self.process = subprocess.Popen(
            ['bash', '-c', place_fds + '; exec "$@"', 'bash', *command], stdin=self.input, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, pass_fds=passed, cwd=self.place, env=env)
        theirs.close()
        for fd in passed:
            os.close(fd)
        self.pipes = {1: self.process.stdout.fileno(), 2: self.process.stderr.fileno()}
        for fd in self.pipes.values():
            os.set_blocking(fd, False)
        self.received = b''

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()
        os.close(self.input)
        shutil.rmtree(self.place, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.place, name)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def frames(self):
        """What came on the socket, frame by frame."""
        while len(self.received) >= 5:
            length = struct.unpack_from('<I', self.received, 1)[0]
            if len(self.received) < 5 + length:
                return
            frame = self.received[:1], self.received[5:5 + length]
            self.received = self.received[5 + length:]
            yield frame

    def run(self, code, flags=VALUE | LAST, filename='<string>', argv=(), env=(), stdin='', raw=None):
        """Runs code and waits until the worker says that it is done, or is gone."""
        os.ftruncate(self.input, 0)
        os.pwrite(self.input, stdin.encode(), 0)
        os.lseek(self.input, 0, os.SEEK_SET)
        if self.language == 'shell':
            os.ftruncate(self.code, 0)
            os.pwrite(self.code, code.encode(), 0)
            os.lseek(self.code, 0, os.SEEK_SET)
            self.socket.sendall(b'run\n')
        else:
            request = struct.pack('<II', 1, flags) + text(code) + text(filename)
            for strings in argv, env:
                request += struct.pack('<I', len(strings)) + b''.join(map(text, strings))
            if raw is not None:
                request = raw
            self.socket.sendall(b'q' + struct.pack('<I', len(request)) + request)
        result, out, start, done = Result(), {1: b'', 2: b''}, time.monotonic(), False
        watched = [self.socket, *self.pipes.values()]
        while watched and not done:
            if time.monotonic() - start > TIMEOUT:
                raise TimeoutError(f'no end of {code!r}: {out}')
            for ready in select.select(watched, [], [], 1)[0]:
                if ready is self.socket:
                    try:
                        data = self.socket.recv(1 << 16)
                    except ConnectionResetError:
                        data = b''
                    if not data:
                        watched.remove(self.socket)
                    self.received += data
                    if self.language == 'shell':
                        if b'\n' in self.received:
                            line, self.received = self.received.split(b'\n', 1)
                            result.code, done = int(line), True
                        continue
                    for kind, payload in self.frames():
                        if kind == b'p':
                            result.told[payload[0]] = payload[1:].decode()
                        elif kind == b'x':
                            result.code, done = struct.unpack('<i', payload)[0], True
                else:
                    for which, fd in self.pipes.items():
                        if fd == ready and not self.take(which, out):
                            watched.remove(fd)
        if result.code is None:
            result.code = self.process.wait(TIMEOUT)
        result.seconds = time.monotonic() - start
        for which in self.pipes:
            self.take(which, out)
        result.out, result.err = (out[which].decode('utf-8', 'replace') for which in (1, 2))
        return result

    def take(self, which, out):
        """Reads all that a pipe holds. False: it is at its end."""
        while True:
            try:
                data = os.read(self.pipes[which], 1 << 16)
            except BlockingIOError:
                return True
            if not data:
                return False
            out[which] += data


checks = 0


def same(got, expected, result=None):
    global checks
    checks += 1
    if got != expected:
        raise AssertionError(f'got {got!r}, expected {expected!r}' + (f'; {result!r}' if result is not None else ''))


def holds(got, part):
    global checks
    checks += 1
    if part not in got:
        raise AssertionError(f'{part!r} is not in {got!r}')


def lacks(got, part):
    global checks
    checks += 1
    if part in got:
        raise AssertionError(f'{part!r} is in {got!r}')


def once(language, code, files=(), mode='cold', **kwargs):
    """One run as a program of its own."""
    with Worker(language, mode, files) as worker:
        return worker.run(code, **kwargs)


def main():
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import worker_tests_javascript
    import worker_tests_python
    import worker_tests_shell
    failed = passed = 0
    for module in worker_tests_python, worker_tests_javascript, worker_tests_shell:
        for name, test in vars(module).items():
            if not name.startswith('test_') or (sys.argv[1:] and not any(word in f'{module.__name__}.{name}' for word in sys.argv[1:])):
                continue
            try:
                test()
                passed += 1
            except Exception:
                failed += 1
                print(f'FAILED {module.__name__}.{name}')
                traceback.print_exc(limit=-3)
    print(f'{passed} tests passed, {failed} failed, {checks} checks')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.modules['workers'] = sys.modules['__main__']
    sys.exit(main())
