//! Nothing of one run is seen in another, and nothing of the host in any.

use crate::{On, exception, output, shown};
use bailiwick::{ExecutionContext, ExitKind, Language};
use std::collections::HashSet;

fn nothing_is_left_for_the_next_run(on: On) {
    let leave = "import builtins, sys, os\nbuiltins.leak = 'secret'\nsys.modules['leak'] = sys\nos.environ['LEAK'] = 'secret'\n\
        for d in ('/workspace', '/tmp', '/dev/shm', '/var/tmp', '/run', '/home'):\n    try:\n        open(d + '/leak', 'w').write('secret')\n        print('wrote', d)\n    except OSError: pass\n\
        left = 'secret-marker-' * 1000";
    let wrote = output(&on.python(leave));
    assert!(wrote.starts_with("wrote /workspace\nwrote /tmp\n"), "{wrote}");
    let look = "import builtins, sys, os\nprint(hasattr(builtins, 'leak'), 'leak' in sys.modules, 'LEAK' in os.environ, 'left' in globals(), os.listdir('/workspace'), \
        [n for n in os.listdir('/tmp')], [d for d in ('/dev/shm', '/var/tmp', '/run', '/home') if os.path.exists(d + '/leak')])";
    for _ in 0..3 {
        assert_eq!(output(&on.python(look)), "False False False False [] [] []\n");
    }
    assert!(on.javascript("globalThis.leak = 1; Array.prototype.leak = 1; process.env.LEAK = '1'; require('fs').writeFileSync('leak', ''); 0").is_success());
    let look = "console.log(typeof leak, [].leak, process.env.LEAK, require('fs').readdirSync('.'))";
    assert_eq!(output(&on.javascript(look)), "undefined undefined undefined []\n");
}

fn input_of_one_run_is_not_the_nexts(on: On) {
    let context =
        ExecutionContext::new().stdin("secret").file("secret", "s").arg("secret").env("SECRET", "s");
    assert!(on.run(Language::Python, "pass", context).is_success());
    let look = "import sys, os\nprint(sys.stdin.read(), os.listdir('.'), sys.argv, 'SECRET' in os.environ)";
    assert_eq!(output(&on.python(look)), " [] ['<string>'] False\n");
}

fn each_run_is_random_anew(on: On) {
    let code = "import random, uuid, os\nprint(random.random(), uuid.uuid4(), os.urandom(8).hex())";
    let js = "console.log(Math.random(), crypto.randomUUID())";
    let mut seen = HashSet::new();
    for _ in 0..5 {
        for text in [output(&on.python(code)), output(&on.javascript(js))] {
            for word in text.split_whitespace() {
                assert!(seen.insert(word.to_owned()), "{word} came twice");
            }
        }
    }
    assert_eq!(seen.len(), 25);
}

fn the_clock_is_live(on: On) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    for text in [
        output(&on.python("import time\nprint(time.time())")),
        output(&on.javascript("console.log(Date.now() / 1000)")),
    ] {
        let told: f64 = text.trim().parse().unwrap();
        assert!((told - now).abs() < 60.0, "{told} {now}");
    }
}

fn there_is_no_network(on: On) {
    for code in [
        "import socket\nsocket.create_connection(('127.0.0.1', 80), 1)",
        "import socket\nsocket.create_connection(('192.0.2.1', 80), 1)",
        "import urllib.request\nurllib.request.urlopen('http://example.org/', timeout=1)",
    ] {
        let result = on.python(code);
        assert!(matches!(result.exit, ExitKind::Exception { .. }), "{code}: {}", shown(&result));
    }
    if !on.is_wasm() {
        assert_eq!(output(&on.python("import socket\nprint(socket.if_nameindex())")), "[(1, 'lo')]\n");
    }
}

fn the_host_is_out_of_reach(on: On) {
    for code in [
        "open('/etc/x', 'w')",
        "open('/usr/x', 'w')",
        "open('/x', 'w')",
        "import os\nos.mkdir('/d')",
        "open('/etc/shadow')",
        "open('/root/.bashrc')",
        "open('/var/run/docker.sock')",
        "import os\nos.unlink(os.__file__)",
        "import os\nos.setuid(0)",
    ] {
        let (kind, _) = exception(&on.python(code));
        assert!(
            ["PermissionError", "FileNotFoundError", "OSError", "AttributeError"].contains(&kind.as_str()),
            "{code}: {kind}"
        );
    }
    // A variable of the process that the tests run in.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    assert_eq!(output(&on.python("import os\nprint('CARGO_MANIFEST_DIR' in os.environ)")), "False\n");
    assert_eq!(output(&on.javascript("console.log(process.env.CARGO_MANIFEST_DIR)")), "undefined\n");
    assert_eq!(
        output(&on.python("with open('x', 'w') as f: f.write('mine')\nprint(open('x').read())")),
        "mine\n"
    );
}

on_every_backend!(
    nothing_is_left_for_the_next_run,
    input_of_one_run_is_not_the_nexts,
    each_run_is_random_anew,
    the_clock_is_live,
    there_is_no_network,
    the_host_is_out_of_reach,
);
