//! What a snapshot bakes in is renewed in each run, and nothing of one run is seen in another.

use super::{javascript, output, python};
use std::collections::HashSet;

#[test]
fn a_thousand_runs_give_a_thousand_random_values() {
    let code = "import random, uuid, os\nprint(random.random(), uuid.uuid4(), os.urandom(8).hex(), hash('bailiwick freshness'))";
    let mut seen: [HashSet<String>; 4] = Default::default();
    for _ in 0..1000 {
        let line = output(&python(code));
        for (seen, word) in seen.iter_mut().zip(line.split_whitespace()) {
            seen.insert(word.to_owned());
        }
    }
    let counts = seen.map(|seen| seen.len());
    assert_eq!(counts[..3], [1000; 3]);
    // A hash has 32 bits here: by chance, two of a thousand are the same once in ten thousand times.
    assert!(counts[3] >= 998, "string hashes repeat: {counts:?}");
}

#[test]
fn javascript_is_random_too() {
    let values: HashSet<String> =
        (0..200).map(|_| output(&javascript("console.log(Math.random(), crypto.randomUUID())"))).collect();
    assert_eq!(values.len(), 200);
    let math: HashSet<String> = (0..200).map(|_| output(&javascript("console.log(Math.random())"))).collect();
    assert_eq!(math.len(), 200);
}

#[test]
fn strings_of_the_snapshot_and_of_the_run_agree() {
    let code = "import sys\nname = ''.join(['ver', 'sion', '_info'])\n\
        print(getattr(sys, name) is sys.version_info, name in vars(sys), {n: 1 for n in vars(sys)}[name])\n\
        words = [''.join([a, b]) for a in ('x', 'yy', 'zzz') for b in map(str, range(500))]\n\
        d = {w: i for i, w in enumerate(words)}\nprint(all(d[''.join(list(w))] == i for i, w in enumerate(words)), len(set(words)))";
    assert_eq!(output(&python(code)), "True True 1\nTrue 1500\n");
}

#[test]
fn a_seed_still_fixes_the_sequence() {
    let code = "import random\nrandom.seed(7)\nprint(random.random(), random.randint(1, 10**9))";
    assert_eq!(output(&python(code)), output(&python(code)));
    assert_eq!(
        output(&python("import random\nrandom.seed(7)\nprint(random.random())")),
        "0.32383276483316237\n"
    );
    let state = "import random\ns = random.getstate()\na = random.random()\nrandom.setstate(s)\nprint(a == random.random())";
    assert_eq!(output(&python(state)), "True\n");
}

#[test]
fn nothing_is_left_for_the_next_run() {
    let leave = "import builtins, sys, os\nbuiltins.leak = 'secret'\nsys.modules['leak'] = sys\nos.environ['LEAK'] = 'secret'\n\
        open('/workspace/leak', 'w').write('secret'); open('/tmp/leak', 'w').write('secret')\nleft = 'secret-marker-' * 100000";
    assert!(python(leave).is_success());
    let look = "import builtins, sys, os\nprint(hasattr(builtins, 'leak'), 'leak' in sys.modules, 'LEAK' in os.environ, os.listdir('/workspace'), os.listdir('/tmp'), 'left' in globals())";
    for _ in 0..20 {
        assert_eq!(output(&python(look)), "False False False [] [] False\n");
    }
    assert!(javascript("globalThis.leak = 1; Array.prototype.leak = 1").is_success());
    assert_eq!(output(&javascript("console.log(typeof leak, [].leak)")), "undefined undefined\n");
}

#[test]
fn the_clock_is_live() {
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let guest: f64 = output(&python("import time\nprint(time.time())")).trim().parse().unwrap();
    assert!((guest - before).abs() < 60.0, "{guest} {before}");
    let guest: f64 = output(&javascript("console.log(Date.now() / 1000)")).trim().parse().unwrap();
    assert!((guest - before).abs() < 60.0, "{guest} {before}");
}
