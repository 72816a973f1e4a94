//! Measurements, not checks: `CARGO_PROFILE_DEV_OPT_LEVEL=3 cargo test --test policy speed -- --ignored --nocapture`.
use super::policy;
use bailiwick::Language::{self, JavaScript, Python, Shell};
use std::hint::black_box;
use std::time::Instant;

fn measure(name: &str, language: Language, code: &str, rounds: u32) {
    let policy = policy();
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..rounds {
            black_box(policy.validate(black_box(code), language));
        }
        best = best.min(start.elapsed().as_secs_f64() / f64::from(rounds));
    }
    #[expect(clippy::cast_precision_loss, reason = "a measurement is shown, not used")]
    let rate = code.len() as f64 / best / 1e6;
    println!("{name:32} {:10.2} us {rate:8.1} MB/s ({} bytes)", best * 1e6, code.len());
}

#[test]
#[ignore = "a measurement: run by name"]
fn speed() {
    measure("python print(1+1)", Python, "print(1+1)", 20_000);
    measure("python import os (denied)", Python, "import os", 20_000);
    measure("python nested f-string", Python, "print(f\"{x[\"a\"]}\")", 20_000);
    measure("javascript console.log(1+1)", JavaScript, "console.log(1+1)", 20_000);
    measure("shell echo hi", Shell, "echo hi", 20_000);
    let python = "def fib(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return f'{a!r:>10}'\n\nclass A(B):\n    def __init__(self, x=None):\n        super().__init__()\n        self.items = [i * 2 for i in x if i]\n";
    measure("python, 10 lines", Python, python, 2000);
    measure("python, 1 MB", Python, &python.repeat(4000), 1);
    let javascript = "class Stack {\n  push(x) { this.items.push(x); return this; }\n}\nconst s = `n: ${items.reduce((t, p) => t + p / 2, 0).toFixed(2)}`; // sum\n";
    measure("javascript, 1 MB", JavaScript, &javascript.repeat(7500), 1);
    let shell = "for f in *.txt; do\n  wc -l \"$f\" | sort > out.txt 2>/dev/null\ndone\nif [ -d src ]; then echo \"$(ls src)\"; fi\n";
    measure("shell, 1 MB", Shell, &shell.repeat(9500), 1);
    measure(
        "python, 130 deep (own thread)",
        Python,
        &format!("{}1{}", "(".repeat(130), ")".repeat(130)),
        200,
    );
}
