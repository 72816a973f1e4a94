//! The same jobs on every backend: a wasm guest, a new container, a container from the pool, and, to compare with, a bare
//! subprocess of this machine's own interpreter and `docker run`. Everything that a user waits for is counted.
//!
//! Groups that need a Docker daemon and images (`bailiwick images build`) are left out where there is none.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]

use bailiwick::policy::{Profile, SecurityManager};
use bailiwick::{
    BackendChoice, ContainersConfig, ExecutionContext, ExecutionEngine, HistoryPlace, ImageState, Language,
    PoolConfig,
};
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime,
};
use std::process::{Command, Stdio};
use std::time::Duration;

const PANDAS: &str = "import pandas as pd\nprint(pd.DataFrame({'a': [1, 2, 3]}).sum())";

fn engine(pool: usize) -> ExecutionEngine {
    let mut containers = ContainersConfig::default();
    if let Ok(pool @ 1..) = u32::try_from(pool) {
        containers.python.pool = Some(PoolConfig::new(pool));
        containers.javascript.pool = Some(PoolConfig::new(pool));
        containers.shell.pool = Some(PoolConfig::new(pool));
    }
    ExecutionEngine::builder()
        .policy(SecurityManager::builtin(Profile::Permissive))
        .history(HistoryPlace::Memory(1000))
        .containers(containers)
        .build()
        .unwrap()
}

fn job(engine: &ExecutionEngine, language: Language, code: &str, backend: BackendChoice) {
    let context = ExecutionContext::new().backend(backend);
    let result = engine.execute_blocking(code, language, &context).unwrap();
    assert!(result.is_success(), "{}: {}", result.exit, result.stderr_text());
}

const POOL: usize = 2;

fn wait_for_pool(engine: &ExecutionEngine, language: Language) {
    while engine.containers_waiting(language) < POOL {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A full pool is waited for before the clock starts: what is measured is a hit.
fn warm(group: &mut BenchmarkGroup<'_, WallTime>, engine: &ExecutionEngine, language: Language, code: &str) {
    group.bench_function("docker, warm", |b| {
        b.iter_batched(
            || wait_for_pool(engine, language),
            |()| job(engine, language, code, BackendChoice::Docker),
            BatchSize::PerIteration,
        );
    });
}

fn subprocess(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, program: &str, args: &[&str]) {
    let run = || Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if run().is_ok_and(|status| status.success()) {
        group.bench_function(name, |b| b.iter(|| assert!(run().unwrap().success())));
    } else {
        eprintln!("{name}: left out, {program} does not run it here");
    }
}

fn backends(c: &mut Criterion) {
    let cold = engine(0);
    let docker = |language| matches!(cold.image(language), Ok(image) if image.state == ImageState::Current);
    let jobs = [
        ("python print", Language::Python, "print(1+1)", "python3", "-c"),
        ("javascript print", Language::JavaScript, "console.log(1+1)", "node", "-e"),
        ("shell echo", Language::Shell, "echo hi | tr a-z A-Z", "bash", "-c"),
    ];
    for (name, language, code, program, flag) in jobs {
        let mut group = c.benchmark_group(name);
        group.sample_size(20);
        if language != Language::Shell {
            cold.warm_up(language).unwrap();
            group.bench_function("wasm", |b| b.iter(|| job(&cold, language, code, BackendChoice::Wasm)));
        }
        if docker(language) {
            group.bench_function("docker, cold", |b| {
                b.iter(|| job(&cold, language, code, BackendChoice::Docker));
            });
            let pooled = engine(POOL);
            warm(&mut group, &pooled, language, code);
        } else {
            eprintln!("{name}: no Docker daemon, or no current image: left out");
        }
        subprocess(&mut group, "subprocess", program, &[flag, code]);
        group.finish();
    }
    if docker(Language::Python) {
        let mut group = c.benchmark_group("python pandas");
        group.sample_size(20);
        group.bench_function("docker, cold", |b| {
            b.iter(|| job(&cold, Language::Python, PANDAS, BackendChoice::Docker));
        });
        let pooled = engine(POOL);
        warm(&mut group, &pooled, Language::Python, PANDAS);
        let image = cold.image(Language::Python).unwrap().name;
        let python = "/opt/bailiwick/python/bin/python3";
        let args = ["run", "--rm", "--network", "none", "--entrypoint", python, &image, "-c", PANDAS];
        subprocess(&mut group, "docker run", "docker", &args);
        group.finish();
    }
}

criterion_group!(benches, backends);
criterion_main!(benches);
