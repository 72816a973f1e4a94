//! Python: what must be seen through, and what must be left alone.
use super::{allowed, denied, policy, warned};
use bailiwick::Language::Python;

#[test]
fn imports_are_seen_however_they_are_written() {
    denied(
        Python,
        &[
            ("import os", "py-import-os@1:8"),
            ("import json, os", "py-import-os@1:14"),
            ("import os as o", "py-import-os@1:8"),
            ("import os.path as p", "py-import-os@1:8"),
            ("from os import *", "py-import-os@1:6"),
            ("from  os.path  import join", "py-import-os@1:7"),
            ("from os import system as s", "py-import-os@1:6"),
            ("import subprocess", "py-import-subprocess@1:8"),
            ("import sys", "py-import-sys@1:8"),
            ("import socket", "py-import-socket@1:8"),
            ("import _socket", "py-import-socket@1:8"),
            ("import posix", "py-import-os@1:8"),
            ("def f():\n    import os\n", "py-import-os@2:12"),
            ("if 1: import os", "py-import-os@1:14"),
            ("class A:\n  def __del__(self):\n    import os", "py-import-os@3:12"),
            ("class A:\n  def __eq__(self, o):\n    from subprocess import run", "py-import-subprocess@3:10"),
            ("x = 1; import\tos", "py-import-os@1:15"),
            ("import importlib", "py-import-machinery@1:8"),
            ("importlib = 1\nfrom importlib import import_module as i\nm = i('os')", "py-import-os@3:5"),
            ("from importlib import import_module\nimport_module('o' + 's')", "py-import-os@2:1"),
            ("import builtins", "py-import-machinery@1:8"),
            ("import builtins as b\nb.exec('1')", "py-eval@2:3"),
            ("import sys\nsys.modules['os'].system('x')", "py-import-os@2:13"),
            ("from glob import os", "py-import-os@1:18"),
            ("import tempfile\ntempfile._os.system('x')", "py-import-os@2:10"),
            ("import random as r\nq = r\nq._os", "py-import-os@3:3"),
            ("import glob\ndef f(): return glob\nf().os.system('x')", "py-import-os@3:5"),
            ("import glob\n[glob][0].os", "py-import-os@2:11"),
            ("import glob\ngetattr(glob, 'os')", "py-import-os@2:1"),
            ("import glob\nglob.__dict__['os']", "py-import-os@2:15"),
            ("import glob\nvars(glob)['os']", "py-import-os@2:12"),
        ],
    );
    allowed(
        Python,
        &[
            "import json, math, re",
            "import osmium",
            "from . import os_tools",
            "import shutil, pathlib, tempfile",
            "s = 'import os'",
            "# import os",
            "\"\"\"\nimport os\n\"\"\"",
            "x.os_name = 1",
            "class P:\n    def __init__(self):\n        self.os = 1\n        self.socket = None\n        print(self.os, self.socket)",
            "r = get()\nprint(r.code, r.trace, r.profile)",
        ],
    );
}

#[test]
fn functions_are_seen_behind_other_names() {
    denied(
        Python,
        &[
            ("eval('1')", "py-eval@1:1"),
            ("e = eval\ne('1')", "py-eval@1:5"),
            ("(eval)('1')", "py-eval@1:2"),
            ("x = [eval][0]('1')", "py-eval@1:6"),
            ("def f(e=eval): return e('1')", "py-eval@1:9"),
            ("lambda x=exec: x('1')", "py-eval@1:10"),
            ("@exec\ndef f(): pass", "py-eval@1:2"),
            ("f'{eval(\"1\")}'", "py-eval@1:4"),
            ("[c for c in map(eval, ['1'])]", "py-eval@1:17"),
            ("(e := exec)('1')", "py-eval@1:7"),
            ("match 1:\n  case _ if eval('1'): pass", "py-eval@2:13"),
            ("class A:\n  __getitem__ = exec", "py-eval@2:17"),
            ("compile('1', '', 'exec')", "py-eval@1:1"),
            ("__import__('os')", "py-dunder-import@1:1"),
            ("i = __import__\ni('os')", "py-import-os@2:1"),
            ("__builtins__['eval']('1')", "py-eval@1:14"),
            ("__builtins__.eval('1')", "py-eval@1:14"),
            ("__builtins__.__dict__['ev' + 'al']", "py-eval@1:23"),
            ("getattr(__builtins__, 'eval')('1')", "py-eval@1:1"),
            ("vars(__builtins__)['exec']", "py-eval@1:20"),
            ("__builtins__.get('eval')", "py-eval@1:1"),
            ("globals()", "py-globals@1:1"),
            ("g = globals\ng()", "py-globals@1:5"),
            ("locals ( )", "py-globals@1:1"),
            ("vars()", "py-globals@1:1"),
            ("ｅｖａｌ('1')", "py-eval@1:1"),
            ("import ｏs", "py-import-os@1:8"),
            ("𝓮𝔁𝓮𝓬('1')", "py-eval@1:1"),
            ("import asyncio\nasyncio.create_subprocess_shell('x')", "py-process@2:9"),
            ("from asyncio import create_subprocess_exec as c", "py-process@1:21"),
            ("breakpoint()", "py-process@1:1"),
        ],
    );
    allowed(
        Python,
        &[
            "import re\nre.compile('x').match('x')",
            "model.eval()",
            "from re import compile as c",
            "import ast\nast.literal_eval('1')",
            "evaluate = 1\nexecute = evaluate",
            "f(eval=True)",
            "print('eval(1)')",
            "print(f'eval(1) {1+1}')",
            "vars(x)",
            "é = 1\nprint(é)",
        ],
    );
}

#[test]
fn attribute_walks_are_seen() {
    denied(
        Python,
        &[
            ("().__class__.__base__.__subclasses__()", "py-dunder-walk@1:14"),
            ("().__class__.__base__.__subclasses__()", "py-dunder-walk@1:23"),
            ("f.__globals__['x']", "py-dunder-walk@1:3"),
            ("print.__self__", "py-dunder-walk@1:7"),
            ("getattr((), '__subclasses__')", "py-dunder-walk@1:13"),
            ("getattr((), '__sub' + 'classes__')", "py-dunder-walk@1:13"),
            ("getattr((), '__sub' 'classes__')", "py-dunder-walk@1:13"),
            ("n = '__subclasses__'\ngetattr(int, n)", "py-dunder-walk@2:14"),
            ("a = '__glo'\nb = 'bals__'\ngetattr(f, a + b)", "py-dunder-walk@3:12"),
            ("g = getattr\ng(f, '__globals__')", "py-dunder-walk@2:6"),
            ("getattr(f, f'{\"__glo\"}bals__')", "py-dunder-walk@1:12"),
            ("getattr(f, '__slabolg__'[::-1])", "py-dunder-walk@1:12"),
            ("getattr(f, '__GLOBALS__'.lower())", "py-dunder-walk@1:12"),
            ("getattr(f, '_'.join(['', '', 'globals', '', '']))", "py-dunder-walk@1:12"),
            ("getattr(f, b'__globals__'.decode())", "py-dunder-walk@1:12"),
            ("getattr(f, '_' * 2 + 'globals' + '_' * 2)", "py-dunder-walk@1:12"),
            ("getattr(f, chr(95) + chr(95) + 'globals__')", "py-dunder-walk@1:12"),
            ("getattr(f, ''.join(chr(c) for c in x))", "py-opaque-name@1:12"),
            ("getattr(f, '__' + x)", "py-opaque-name@1:12"),
            ("getattr(f, '%s%s' % (a, b))", "py-opaque-name@1:12"),
            ("import base64\ngetattr(f, base64.b64decode('eA==').decode())", "py-opaque-name@2:12"),
            ("setattr(f, '__code__', g)", "py-dunder-walk@1:12"),
            ("f.__code__ = g", "py-dunder-walk@1:3"),
            ("f.__bases__ += (x,)", "py-dunder-walk@1:3"),
            ("object.__getattribute__(f, '__globals__')", "py-dunder-walk@1:28"),
            ("f.__getattribute__('__globals__')", "py-dunder-walk@1:20"),
            ("import operator\noperator.attrgetter('a.__globals__')", "py-dunder-walk@2:21"),
            ("from operator import attrgetter as a\na('__globals__')", "py-dunder-walk@2:3"),
            ("import operator\noperator.methodcaller('__subclasses__')", "py-dunder-walk@2:23"),
            ("type.__dict__[chr(95)]", "py-opaque-name@1:6"),
            ("type.__dict__['__subclasses__']", "py-dunder-walk@1:15"),
            ("x.__dict__[chr(n)]", "py-opaque-name@1:12"),
            ("x.__dict__['__globals__']", "py-dunder-walk@1:12"),
            ("'{0.__class__}'.format(x)", "py-format-dunder@1:1"),
            ("f = '{0.__class__.__init__.__globals__}'\nf.format(x)", "py-format-dunder@1:5"),
            ("('{0.__cl' + 'ass__}').format(x)", "py-format-dunder@1:2"),
            ("'{x.__class__[0]}'.format_map(d)", "py-format-dunder@1:1"),
            ("try: pass\nexcept E as e: e.__traceback__.tb_frame.f_globals", "py-dunder-walk@2:32"),
            ("match f:\n  case object(__globals__=g): pass", "py-dunder-walk@2:15"),
            ("class A:\n  __match_args__ = ('__globals__',)", "py-dunder-walk@2:21"),
            ("for n in ['__globals__', 'x']: getattr(f, n)", "py-dunder-walk@1:43"),
            ("(lambda: 0).__code__", "py-dunder-walk@1:13"),
            ("f'{f.__globals__}'", "py-dunder-walk@1:6"),
            ("f'{x:{f.__globals__}}'", "py-dunder-walk@1:9"),
            ("import string\nstring.Formatter().get_field('0.__globals__', a, k)", "py-dunder-walk@2:30"),
            ("import numpy as np\nnp.f2py.os.system('x')", "py-import-os@2:9"),
            ("from types import CodeType", "py-process@1:19"),
            ("x.__ｇlobals__", "py-dunder-walk@1:3"),
        ],
    );
    allowed(
        Python,
        &[
            "class A(B):\n    def __init__(self):\n        super().__init__()\n",
            "if __name__ == '__main__':\n    main()",
            "print(x.__class__.__name__)",
            "print('{0.__class__.__name__}'.format(x))",
            "'{0.name}'.format(x)",
            "getattr(self, 'visit_' + kind)()",
            "getattr(self, f'visit_{kind}')()",
            "getattr(x, 'name', None)",
            "self.__dict__.update(kw)",
            "x = '__globals__ is a dictionary'",
            "__all__ = ['a']\n__version__ = '1'",
            "def __getattr__(self, n): return self.x[n]",
            "'.'.join(names)",
            "match p:\n  case Point(x=0, y=0): pass",
        ],
    );
    warned(
        Python,
        &[
            ("getattr(x, name)", "py-dynamic-attribute@1:12"),
            ("x.__class__", "py-dunder-attribute@1:3"),
            ("x.__dict__", "py-dunder-attribute@1:3"),
            ("print('__globals__')", "py-dunder-string@1:7"),
            ("import pickle", "py-code-string@1:8"),
            ("import urllib.request", "py-network@1:8"),
            ("map(getattr, a, b)", "py-dynamic-attribute@1:5"),
        ],
    );
}

#[test]
fn sources_that_read_in_two_ways_are_seen() {
    denied(
        Python,
        &[
            ("# coding: utf-7\nprint(1)", "source-encoding@1:11"),
            ("\n# -*- coding: rot13 -*-\nprint(1)", "source-encoding@2:15"),
            ("# coding: latin-1\nx = 'é'", "source-encoding@1:11"),
            ("print(1)\0", "null-byte@1:9"),
            ("# x\0\nprint(1)", "null-byte@1:4"),
            ("\u{feff}import os", "py-import-os@1:8"),
            ("\x0cimport os", "py-import-os@1:9"),
            ("# comment\rimport os", "py-import-os@2:8"),
            ("x = 1\r\nimport os\r\n", "py-import-os@2:8"),
            ("x = \\\n  eval('1')", "py-eval@2:3"),
            // Nested quotes, as from 3.12 on: only the second parser reads these.
            ("f\"{x[\"a\"]}{eval(\"1\")}\"", "py-eval@1:12"),
            ("f'{f'{f'{eval(1)}'}'}'", "py-eval@1:10"),
            ("f'{\n1 # }\n+ eval(1)}'", "py-eval@3:3"),
            ("type X = eval('1')", "py-eval@1:10"),
            ("def f[T: eval('1')](): pass", "py-eval@1:10"),
            ("def f[T = eval('1')](): pass", "py-eval@1:11"),
            ("def f(x: eval('1')): pass", "py-eval@1:10"),
            ("try: pass\nexcept* eval('1'): pass", "py-eval@2:9"),
            ("with eval('1') as x: pass", "py-eval@1:6"),
            ("with (a as b, eval('1') as c): pass", "py-eval@1:15"),
            ("async def f():\n  async for x in eval('1'): await eval('2')", "py-eval@2:18"),
            ("x: eval('1') = 2", "py-eval@1:4"),
            ("del x[eval('1')]", "py-eval@1:7"),
            ("assert x, eval('1')", "py-eval@1:11"),
            ("raise x from eval('1')", "py-eval@1:14"),
            ("while eval('1'): pass\nelse: exec('2')", "py-eval@2:7"),
            ("print(*eval('1'), **exec('2'))", "py-eval@1:21"),
            ("{**eval('1')}", "py-eval@1:4"),
            ("x[eval('1'):]", "py-eval@1:3"),
            ("class A(metaclass=eval('1')): pass", "py-eval@1:19"),
            ("def f():\n  yield eval('1')\n  yield from exec('2')\n  return eval('3')", "py-eval@3:14"),
            ("{k: eval(v) for k, v in x if exec(k)}", "py-eval@1:5"),
            ("a if eval('1') else b", "py-eval@1:6"),
            ("not -eval('1') < 2 and x", "py-eval@1:6"),
            ("import ｏs; x = 1", "py-import-os@1:8"),
        ],
    );
    denied(
        Python,
        &[
            ("print(", "syntax-error@1:7"),
            ("x = = 1", "syntax-error@1:5"),
            ("if True:\nprint(1)", "syntax-error@2:1"),
            ("def f(:\n  pass", "syntax-error@1:7"),
            ("'abc", "syntax-error@1:1"),
        ],
    );
    allowed(
        Python,
        &[
            "# coding: utf-8\nprint(1)",
            "# -*- coding: latin-1 -*-\nprint(1)",
            "#!/usr/bin/python\n# vim: set fileencoding=utf-8 :\nprint(1)",
            "print(1)\n# coding: rot13 is not read here, in line 2? it is not, line 1 is code",
            "\u{feff}print(1)",
            "x = '\x0c'",
            "f\"{x[\"a\"]}\"",
            "f'{x!r:>{width}}' f\"{{}}\"",
            "f'\\N{BULLET} {x}'",
            "type X = int\ndef f[T](x: T) -> T: return x",
        ],
    );
}

#[test]
fn imports_are_listed() {
    let policy = policy();
    let code = "import numpy as np, os.path\nfrom pandas.core import x\nfrom . import y\nimport json\nimport numpy.linalg\ni = __import__('csv')";
    assert_eq!(policy.imports(code, Python), ["numpy", "os", "pandas", "json", "csv"]);
    let forbidden = policy.check_imports(code, Python);
    assert_eq!(forbidden.len(), 1);
    assert_eq!(
        (forbidden[0].module.as_str(), forbidden[0].finding.rule.as_str()),
        ("os.path", "py-import-os")
    );
    assert_eq!((forbidden[0].finding.line, forbidden[0].finding.column), (1, 21));
    assert!(policy.check_imports("import json, pickle", Python).is_empty());
}

/// Every file of the standard library of whatever Python is here must be read by one of the parsers.
#[test]
#[ignore = "takes a minute: run by name"]
fn a_whole_standard_library_is_read() {
    let Some(root) = std::env::var_os("PYTHON_LIB").map(std::path::PathBuf::from).or_else(|| {
        ["/usr/lib/python3.13", "/usr/lib/python3.11"]
            .map(std::path::PathBuf::from)
            .into_iter()
            .find(|p| p.is_dir())
    }) else {
        return;
    };
    let mut pending = vec![root];
    let (mut files, mut bytes) = (0, 0);
    let mut unread = Vec::new();
    let start = std::time::Instant::now();
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory that can be listed").flatten() {
            let path = entry.path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "py") {
                let Ok(text) = std::fs::read_to_string(&path) else { continue };
                (files, bytes) = (files + 1, bytes + text.len());
                let result = policy().validate_python(&text);
                for f in result.findings.iter().filter(|f| f.rule == "syntax-error" || f.rule == "too-deep") {
                    unread.push(format!("{}:{}: {}", path.display(), f.line, f.message));
                }
            }
        }
    }
    println!("{files} files, {bytes} bytes in {:?}", start.elapsed());
    unread.retain(|line| !line.contains("/bad") && !line.contains("lib2to3/tests/data"));
    assert!(unread.is_empty(), "{}", unread.join("\n"));
}
