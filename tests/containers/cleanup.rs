//! Nothing is left, whatever happens, and everything is on record.

use super::{bailiwick, builder, containers_of_pid, docker, on_docker, output, soon};
use bailiwick::{ContainersConfig, History, HistoryOptions, Language};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Runs of the test below.
const RUNS: usize = 200;
/// How many at once.
const AT_ONCE: usize = 6;

/// A few random bits for each run, the same in every test run.
fn dice(n: usize) -> u64 {
    let mut x = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^= x >> 31;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^ (x >> 29)
}

/// Every process of the machine that is a runner of ours.
fn runners() -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command.starts_with(b"/opt/bailiwick/runner\0")
    })
    .collect()
}

#[test]
#[ignore = "needs a Docker daemon"]
fn two_hundred_runs_with_random_kills_leave_nothing_and_lose_nothing() {
    let home = tempfile::tempdir().unwrap();
    let volumes = docker(&["volume", "ls", "-q"]);
    let next = AtomicUsize::new(0);
    let pids = Mutex::new(Vec::new());
    let one = |n: usize| {
        let dice = dice(n);
        let code =
            if dice & 8 == 0 { "echo started; sleep 0.2; echo done" } else { "echo started; sleep 100" };
        let mut child = bailiwick(home.path())
            .args(["run", "--timeout", "3", "-l", "shell", "-c", code])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        pids.lock().unwrap().push(child.id());
        // From here on it has begun, and the history knows.
        let mut first = [0; 8];
        child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        assert_eq!(&first, b"started\n");
        std::thread::sleep(Duration::from_millis(dice >> 8 & 0x7f));
        let pid = Pid::from_child(&child);
        match dice & 7 {
            0..=2 => kill_process(pid, Signal::KILL).unwrap(),
            3 => kill_process(pid, Signal::INT).unwrap(),
            4 | 5 => {
                for id in containers_of_pid(child.id()) {
                    let how = if dice & 16 == 0 { &["kill"][..] } else { &["rm", "-f"] };
                    // It may have ended meanwhile.
                    let _ = Command::new("docker").args(how).arg(id).output();
                }
            }
            _ => {}
        }
        child.wait().unwrap();
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    if n >= RUNS {
                        return;
                    }
                    one(n);
                }
            });
        }
    });
    let pids = pids.into_inner().unwrap();
    soon("every container gone", || pids.iter().all(|pid| containers_of_pid(*pid).is_empty()));
    assert_eq!(docker(&["volume", "ls", "-q"]), volumes);
    // Other tests may have some; none may be older than this test's last run.
    let after = runners();
    soon("every runner gone", || runners().iter().all(|pid| !after.contains(pid)));
    let history =
        History::open(&home.path().join(".local/state/bailiwick"), HistoryOptions::default()).unwrap();
    let records = history.recent(RUNS * 2).unwrap();
    assert_eq!(records.len(), RUNS, "every run is on record");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn what_a_dead_engine_left_is_removed_and_what_a_live_one_has_is_not() {
    let image = super::engine().image(Language::Shell).unwrap().name;
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap();
    let label = |boot: &str, pid: u32, start: &str| {
        format!("bailiwick.engine={} {} {pid} {start}", boot.trim(), namespace.display())
    };
    let start_of = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().to_owned()
    };
    let mut gone = Command::new("true").spawn().unwrap();
    let (dead_pid, dead_start) = (gone.id(), start_of(gone.id()));
    gone.wait().unwrap();
    let mut alive = Command::new("sleep").arg("600").spawn().unwrap();
    let create = |label: &str| {
        docker(&["create", "--label", label, "--network", "none", &image, "shell", "cold", "64"])
    };
    let dead = create(&label(&boot, dead_pid, &dead_start));
    let reused = create(&label(&boot, alive.id(), "1"));
    let keep = [
        create(&label(&boot, alive.id(), &start_of(alive.id()))),
        create(&label("another-machine", dead_pid, &dead_start)),
        create("bailiwick.engine=what is this"),
    ];
    let engine = builder(ContainersConfig::default()).build().unwrap();
    output(&engine.execute_blocking("echo", Language::Shell, &on_docker()).unwrap());
    let exists = |id: &str| {
        let mut inspect = Command::new("docker");
        inspect.args(["inspect", id]).stdout(Stdio::null()).stderr(Stdio::null());
        inspect.status().unwrap().success()
    };
    soon("the dead engine's container gone", || !exists(&dead) && !exists(&reused));
    for id in &keep {
        assert!(exists(id), "a container of an engine that may live was removed");
        docker(&["rm", id]);
    }
    alive.kill().unwrap();
    alive.wait().unwrap();
}

#[test]
#[ignore = "needs a Docker daemon"]
fn processes_that_the_code_leaves_behind_end_with_it() {
    let result = super::shell("for i in 1 2 3; do (setsid sleep 1000 &) ; done; echo left");
    assert_eq!(output(&result), "left\n");
    let env = super::engine().prepare_environment(Language::Shell).unwrap();
    output(&env.execute_blocking("sleep 1000 & echo $!", &on_docker()).unwrap());
    assert!(super::engine().cleanup_environment(env.id()));
    soon("their end", || {
        !std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            std::fs::read(entry.path().join("cmdline")).unwrap_or_default() == b"sleep\x001000\x00"
        })
    });
}
