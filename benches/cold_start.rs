//! A fresh sandbox, from the request to the result and the record: `cargo bench --bench cold_start`
//!
//! Each iteration judges the code by the default policy, makes a new instance, runs the code, records it and throws the instance away.
//! `python3_subprocess` is the same program in a new process of the `python3` on the path, where there is one.

use bailiwick::{ExecutionContext, ExecutionEngine, HistoryPlace, Language};
use criterion::{Criterion, criterion_group, criterion_main};
use std::process::Command;

fn cold_start(c: &mut Criterion) {
    let records = tempfile::tempdir().expect("a directory for the history");
    let engine = ExecutionEngine::builder()
        .history(HistoryPlace::Directory(records.path().to_owned()))
        .build()
        .expect("the engine starts");
    let context = ExecutionContext::new();
    let mut group = c.benchmark_group("cold_start");
    for (name, language, code) in
        [("python", Language::Python, "print(1+1)"), ("javascript", Language::JavaScript, "console.log(1+1)")]
    {
        engine.warm_up(language).expect("the guest loads");
        group.bench_function(name, |b| {
            b.iter(|| {
                let result = engine.execute_blocking(code, language, &context).expect("the engine works");
                assert_eq!(result.stdout, b"2\n");
            });
        });
    }
    if Command::new("python3").args(["-c", "pass"]).status().is_ok_and(|status| status.success()) {
        group.bench_function("python3_subprocess", |b| {
            b.iter(|| {
                let output =
                    Command::new("python3").args(["-c", "print(1+1)"]).output().expect("python3 runs");
                assert_eq!(output.stdout, b"2\n");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, cold_start);
criterion_main!(benches);
