//! Ordinary programs, which the default policy must let run.
use super::allowed;
use bailiwick::Language::{JavaScript, Python, Shell};

#[test]
fn ordinary_python_runs() {
    allowed(
        Python,
        &[
            "print(1+1)",
            "",
            "\n\n# nothing\n",
            "def fib(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a\n\nprint([fib(i) for i in range(10)])\n",
            "from dataclasses import dataclass, field\nfrom typing import Self\n\n@dataclass(slots=True)\nclass Node:\n    value: int\n    children: list[Self] = field(default_factory=list)\n\n    def __repr__(self):\n        return f'{self.__class__.__name__}({self.value!r})'\n\n    def __eq__(self, other):\n        return type(self) is type(other) and self.value == other.value\n\n    def __hash__(self):\n        return hash(self.value)\n",
            "import json, csv, io, re\nfrom collections import Counter, defaultdict\n\ntext = 'the cat sat'\ncounts = Counter(re.findall(r'\\w+', text))\nout = io.StringIO()\nw = csv.writer(out)\nw.writerows(counts.most_common())\nprint(json.dumps(dict(counts), indent=2), out.getvalue())\n",
            "import numpy as np\nimport pandas as pd\n\ndf = pd.DataFrame({'a': np.arange(5), 'b': list('abcde')})\nprint(df.groupby('b')['a'].sum().reset_index())\nprint(df.query('a > 2'))\n",
            "import asyncio\n\nasync def work(n):\n    await asyncio.sleep(0.01)\n    return n * 2\n\nasync def main():\n    print(await asyncio.gather(*(work(i) for i in range(3))))\n\nif __name__ == '__main__':\n    asyncio.run(main())\n",
            "class Meta(type):\n    registry = {}\n    def __new__(mcs, name, bases, ns, **kw):\n        cls = super().__new__(mcs, name, bases, ns)\n        mcs.registry[name] = cls\n        return cls\n\nclass Base(metaclass=Meta):\n    def __init_subclass__(cls, **kw):\n        super().__init_subclass__(**kw)\n",
            "import ast\n\nclass V(ast.NodeVisitor):\n    def visit(self, node):\n        method = getattr(self, 'visit_' + node.__class__.__name__, self.generic_visit)\n        return method(node)\n",
            "import logging\nlogging.basicConfig(level=logging.INFO)\nlog = logging.getLogger(__name__)\nlog.info('x %s', 1)\n",
            "from functools import wraps\n\ndef traced(fn):\n    @wraps(fn)\n    def inner(*args, **kwargs):\n        print(fn.__name__, args)\n        return fn(*args, **kwargs)\n    return inner\n",
            "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    print(type(e).__name__, e)\nfinally:\n    pass\n",
            "def f(command):\n    match command.split():\n        case ['go', ('north' | 'south') as d]:\n            return d\n        case {'k': v, **rest}:\n            return v\n        case [x, *xs] if xs:\n            return x\n        case _:\n            return None\n",
            "from pathlib import Path\nPath('out.txt').write_text('hello')\nwith open('out.txt') as f:\n    print(f.read())\n",
            "import sqlite3\ndb = sqlite3.connect(':memory:')\ndb.execute('create table t(a)')\nprint(db.execute('select 1').fetchall())\n",
            "template = 'Hello {name}, {items[0]} and {obj.title}'\nprint(template.format(name='x', items=[1], obj=o))\n",
            "data = {'class': 1, 'os': 2, 'eval': 3}\nprint(data['eval'], data.get('os'))\n",
            "import unittest\n\nclass T(unittest.TestCase):\n    def test_x(self):\n        self.assertEqual(1, 1)\n\nunittest.main(exit=False)\n",
            "import random, math, statistics, itertools, hashlib, base64, uuid, datetime, decimal\nprint(random.random(), math.pi, hashlib.sha256(b'x').hexdigest(), base64.b64encode(b'x').decode())\n",
            "names = ['upper', 'lower']\nfor n in names:\n    print(getattr('x', n)())\n",
            "import concurrent.futures, threading, multiprocessing\nwith concurrent.futures.ThreadPoolExecutor() as ex:\n    print(list(ex.map(len, ['a'])))\n",
        ],
    );
}

#[test]
fn ordinary_javascript_runs() {
    allowed(
        JavaScript,
        &[
            "console.log(1+1)",
            "",
            "const fib = n => n < 2 ? n : fib(n - 1) + fib(n - 2);\nconsole.log([...Array(10).keys()].map(fib));",
            "class Stack {\n  #items = [];\n  static of(...xs) { const s = new this(); xs.forEach(x => s.push(x)); return s; }\n  push(x) { this.#items.push(x); return this; }\n  get size() { return this.#items.length; }\n  *[Symbol.iterator]() { yield* this.#items; }\n}\nconsole.log(Stack.of(1, 2).size);",
            "const { a, b: { c = 1 } = {}, ...rest } = obj ?? {};\nconst s = `total: ${items.reduce((t, { price }) => t + price / 2, 0).toFixed(2)} of ${`n${1}`}`;",
            "async function main() {\n  const results = await Promise.all([1, 2].map(async x => x * 2));\n  for await (const r of results) console.log(r);\n}\nmain().catch(e => { console.error(e); });",
            "const m = 'a-b'.match(/^(\\w+)-(?<last>[^/]+)$/u);\nif (m) console.log(m.groups.last);\nconst parts = '2024/01/02'.split('/').map(Number);",
            "export default function handler(req) { return { status: 200, body: JSON.stringify(req) }; }",
            "import _ from 'lodash';\nimport { add } from './math.mjs';\nconsole.log(_.chunk([1, 2, 3], 2), add(1, 2));",
            "const timer = setInterval(() => { clearInterval(timer); }, 10);",
            "label: for (let i = 0; i < 3; i++) { for (;;) { if (i % 2) continue label; break label; } }",
            "const p = new Proxy({}, { get(target, key) { return Reflect.get(target, key); } });",
            "switch (x) { case 'a': case 'b': break; default: throw new TypeError('x') }",
            "const self = this; const window = {}; self.x = 1;",
            "let x = a / b; let y = x /* c */ / 2; // d / e\nlet z = (x + y) / (x - y);",
            "Object.entries(o).sort(([, a], [, b]) => b - a).forEach(([k, v]) => console.log(k, v));",
        ],
    );
}

#[test]
fn ordinary_shell_runs() {
    allowed(
        Shell,
        &[
            "echo hello",
            "",
            "#!/bin/sh\nset -eu\nfor f in *.txt; do\n  wc -l \"$f\"\ndone\n",
            "#!/bin/bash\nset -euo pipefail\ncount=0\nwhile IFS= read -r line; do\n  count=$((count + 1))\ndone < input.txt\necho \"lines: $count\"\n",
            "name=${1:-world}\necho \"hello $name\"\n",
            "if [ -d src ] && [ -n \"$(ls src)\" ]; then\n  find src -name '*.c' -print | sort > files.txt\nelse\n  echo none >&2\nfi\n",
            "awk -F, '{ s += $2 } END { print s }' data.csv",
            "sed -e 's/a/b/g' -e '/^#/d' in > out 2>/dev/null",
            "greet() {\n  local who=\"$1\"\n  printf 'hi %s\\n' \"$who\"\n}\ngreet bob\n",
            "case \"$1\" in\n  start|stop) echo \"$1\" ;;\n  -h|--help) cat <<EOF\nusage: $0 start|stop\nEOF\n  ;;\n  *) exit 2 ;;\nesac\n",
            "mkdir -p a/b && cp -r x a/b && tar czf a.tgz a && ls -l a.tgz",
            "seq 1 10 | paste -sd+ | bc",
            "arr=(a b c)\nfor i in \"${!arr[@]}\"; do echo \"$i ${arr[$i]}\"; done\n",
            "diff <(sort a) <(sort b) || true",
            "trap 'echo bye' EXIT\nsleep 0.1 &\nwait $!\n",
            "until [[ $n -ge 3 && ! -e stop ]]; do n=$((n+1)); done",
            "python3 script.py | tee out.log",
            "echo \"it's $(date +%F)\" | tr a-z A-Z",
        ],
    );
}
