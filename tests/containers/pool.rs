//! Containers that wait.

use super::{builder, docker_if_there, output, soon};
use bailiwick::{
    BackendChoice, ByteSize, ContainersConfig, ExecutionContext, ExecutionEngine, Language, LimitOverrides,
    PoolConfig,
};
use std::collections::HashSet;
use std::time::Duration;

fn pooled(size: u32, idle: Duration) -> ExecutionEngine {
    let mut config = ContainersConfig::default();
    let mut pool = PoolConfig::new(size);
    pool.idle = idle;
    config.shell.pool = Some(pool.clone());
    config.python.pool = Some(pool);
    builder(config).build().unwrap()
}

fn plain() -> ExecutionContext {
    ExecutionContext::new().backend(BackendChoice::Docker)
}

/// Names the container that it runs in, by its own layer of the file system, and what a run before it would have left.
const WHICH: &str = "grep -o 'upperdir=[^,]*' /proc/mounts; ls -A /workspace /tmp | grep -v :";

#[test]
#[ignore = "needs a Docker daemon"]
fn each_is_handed_out_once_and_replaced() {
    let engine = pooled(2, Duration::from_secs(600));
    soon("a full pool", || engine.containers_waiting(Language::Shell) == 2);
    let mut seen = HashSet::new();
    for _ in 0..6 {
        soon("a container", || engine.containers_waiting(Language::Shell) > 0);
        let result = engine.execute_blocking(WHICH, Language::Shell, &plain()).unwrap();
        let which = output(&result);
        assert!(seen.insert(which.clone()), "handed out twice: {which}");
        assert!(engine.execute_blocking("echo > left", Language::Shell, &plain()).unwrap().is_success());
    }
    soon("a full pool again", || engine.containers_waiting(Language::Shell) == 2);
}

#[test]
#[ignore = "needs a Docker daemon"]
fn many_at_once_never_share_one() {
    let engine = pooled(3, Duration::from_secs(600));
    soon("a full pool", || engine.containers_waiting(Language::Shell) == 3);
    let runs: Vec<_> = (0..8)
        .map(|_| {
            let engine = engine.clone();
            std::thread::spawn(move || {
                output(&engine.execute_blocking(WHICH, Language::Shell, &plain()).unwrap())
            })
        })
        .collect();
    let seen: HashSet<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
    assert_eq!(seen.len(), 8);
}

#[test]
#[ignore = "needs a Docker daemon"]
fn one_that_died_while_it_waited_is_not_handed_out() {
    let engine = pooled(1, Duration::from_secs(600));
    soon("a full pool", || engine.containers_waiting(Language::Python) == 1);
    let mine = super::containers_of_pid(std::process::id());
    let waiting: Vec<_> = mine
        .iter()
        .filter(|id| {
            let command = docker_if_there(&["inspect", "-f", "{{json .Config.Cmd}}", id]);
            command.as_deref() == Some("[\"python\",\"warm\",\"65\"]")
        })
        .collect();
    for id in waiting {
        docker_if_there(&["kill", id]);
    }
    let result = engine.execute_blocking("print('well')", Language::Python, &plain()).unwrap();
    assert_eq!(output(&result), "well\n");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_job_of_other_limits_gets_a_container_of_its_own() {
    let engine = pooled(1, Duration::from_secs(600));
    soon("a full pool", || engine.containers_waiting(Language::Shell) == 1);
    let other = plain().limits(LimitOverrides::new().memory(ByteSize::from_mb(64)));
    let result = engine.execute_blocking("echo ok", Language::Shell, &other).unwrap();
    assert_eq!(output(&result), "ok\n");
    assert_eq!(engine.containers_waiting(Language::Shell), 1, "none was taken");
    let longer = plain().limits(LimitOverrides::new().wall_time(Duration::from_secs(30)));
    assert_eq!(output(&engine.execute_blocking("echo ok", Language::Shell, &longer).unwrap()), "ok\n");
    assert_eq!(engine.containers_waiting(Language::Shell), 0, "time is not the container's");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn one_that_nobody_wants_is_removed_until_the_next_job() {
    let engine = pooled(1, Duration::from_millis(1500));
    soon("a full pool", || engine.containers_waiting(Language::Shell) == 1);
    soon("an empty pool", || engine.containers_waiting(Language::Shell) == 0);
    assert!(engine.execute_blocking("echo", Language::Shell, &plain()).unwrap().is_success());
    soon("a full pool again", || engine.containers_waiting(Language::Shell) == 1);
}

#[test]
#[ignore = "needs a Docker daemon"]
fn nothing_waits_on_when_the_engine_is_gone() {
    let engine = pooled(2, Duration::from_secs(600));
    soon("a full pool", || engine.containers_waiting(Language::Shell) == 2);
    let before: HashSet<_> = super::containers_of_pid(std::process::id()).into_iter().collect();
    assert!(before.len() >= 2);
    drop(engine);
    // Other tests of this process have containers of their own.
    soon("its containers gone", || {
        let now: HashSet<_> = super::containers_of_pid(std::process::id()).into_iter().collect();
        before.intersection(&now).count() + 2 <= before.len()
    });
}
