//! The resource monitor, against real processes.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bailiwick::limits::LimitName;
use bailiwick::monitor::{
    Alert, MonitorError, MonitorErrorKind, MonitorLimits, MonitorTarget, SessionState, Standing,
};
use bailiwick::{ByteSize, MonitoringSession, ResourceMonitor};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Runs a shell script, and kills what came of it at the end of the test.
struct Shell(Child);

impl Shell {
    fn new(script: &str) -> Self {
        Self::with(Command::new("sh").args(["-c", script]))
    }

    fn with(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Ends the `read` that it waits in.
    fn go(&mut self) {
        self.0.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// The next line that it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::with_capacity(1, self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// The next line that it prints, a process id.
    fn pid_line(&mut self) -> u32 {
        self.line().parse().unwrap()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        _ = monitor().start_monitoring(MonitorTarget::Process(self.pid())).and_then(|tree| tree.terminate());
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn monitor() -> ResourceMonitor {
    ResourceMonitor::builder(MonitorLimits::new()).interval(Duration::from_millis(20)).build().unwrap()
}

fn watch(shell: &Shell) -> MonitoringSession {
    monitor().start_monitoring(MonitorTarget::Process(shell.pid())).unwrap()
}

/// Waits until this is so, which on a busy machine may take a while.
fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process runs; a zombie does not.
fn runs(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit(") ").next().unwrap().starts_with('Z')
}

fn kind(result: Result<impl std::fmt::Debug, MonitorError>) -> MonitorErrorKind {
    result.unwrap_err().kind
}

#[test]
fn a_tree_of_three_levels_is_seen() {
    let mut shell = Shell::new("sh -c 'sleep 60 & echo $!; wait' & wait");
    let grandchild = shell.pid_line();
    let session = watch(&shell);
    eventually("three processes", || session.current_usage().processes == Some(3));
    assert!(session.current_usage().memory > ByteSize::ZERO);
    assert!(session.terminate().unwrap());
    assert!(!runs(grandchild));

    // And one that is alone is one.
    let shell = Shell::with(Command::new("sleep").arg("60"));
    assert_eq!(watch(&shell).current_usage().processes, Some(1));
}

#[test]
fn a_busy_loop_uses_one_core_and_a_sleeping_one_none() {
    let busy = Shell::new("while :; do :; done");
    let idle = Shell::with(Command::new("sleep").arg("60"));
    let (busy, idle) = (watch(&busy), watch(&idle));
    eventually("some work", || busy.current_usage().cpu >= Duration::from_millis(300));
    let (used, rested) = (busy.sample().unwrap(), idle.sample().unwrap());
    assert!(used.cpu <= used.wall + Duration::from_millis(20), "{used:?}");
    assert!(rested.cpu <= Duration::from_millis(20), "{rested:?}");
    let metrics = busy.performance_metrics();
    assert!(metrics.samples >= 3 && metrics.timeline.is_sorted_by_key(|sample| (sample.wall, sample.cpu)));
    // Others share the cores, so that it may have had less than one.
    assert!((0.01..=1.1).contains(&metrics.cpu_cores.mean), "{:?}", metrics.cpu_cores);
    assert!(idle.performance_metrics().cpu_cores.mean < metrics.cpu_cores.mean / 5.0);
}

#[test]
fn the_time_of_those_that_ended_is_not_lost() {
    // Each of these lives for some milliseconds, most of them between two samples.
    let busy = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
    let mut shell =
        Shell::new(&format!("for n in 1 2 3 4 5 6 7 8 9 10; do sh -c '{busy}'; done; echo done; sleep 60"));
    let session = watch(&shell);
    assert_eq!(shell.line(), "done");
    let cpu = session.sample().unwrap().cpu;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", shell.pid())).unwrap();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    // utime, stime, cutime, cstime: in ticks of 10 ms.
    let ticks: u64 = fields[11..15].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    let whole = Duration::from_millis(ticks * 10);
    assert!(whole >= Duration::from_millis(50), "{whole:?}");
    assert!(cpu + Duration::from_millis(20) >= whole && cpu <= whole, "{cpu:?} of {whole:?}");
}

#[test]
fn an_orphan_counts_for_as_long_as_it_runs_and_after() {
    // The middle shell ends, and nobody in the tree waits for the busy one.
    let mut shell = Shell::new("sh -c 'sh -c \"while :; do :; done\" & echo $! $$; read go'; sleep 60");
    let line = shell.line();
    let pids: Vec<u32> = line.split(' ').map(|pid| pid.parse().unwrap()).collect();
    let session = watch(&shell);
    eventually("three shells", || session.current_usage().processes == Some(3));
    shell.go();
    eventually("the middle one's end", || !runs(pids[1]));
    let before = session.sample().unwrap().cpu;
    eventually("more work", || session.current_usage().cpu >= before + Duration::from_millis(200));
    let before = session.sample().unwrap().cpu;
    assert!(Command::new("kill").args(["-9", &pids[0].to_string()]).status().unwrap().success());
    eventually("the shell alone with its sleep", || session.current_usage().processes == Some(2));
    assert!(session.sample().unwrap().cpu >= before);
}

#[test]
fn memory_that_grows_is_seen() {
    // Each doubling of the string is held by the shell.
    let mut shell = Shell::new(
        "s=xxxxxxxxxxxxxxxx; echo small; read go; i=0; \
         while [ $i -lt 20 ]; do s=$s$s; i=$((i+1)); done; echo big; sleep 60",
    );
    let session = watch(&shell);
    assert_eq!(shell.line(), "small");
    let small = session.sample().unwrap().memory;
    shell.go();
    assert_eq!(shell.line(), "big");
    let usage = session.sample().unwrap();
    assert!(usage.memory.bytes() >= small.bytes() + 10 * 1024 * 1024, "{small} {usage:?}");
    assert!(small < ByteSize::from_mb(8), "{small}");
    assert!(session.performance_metrics().memory.peak >= usage.memory);
}

#[test]
fn what_is_written_is_seen() {
    let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let mut command = Command::new("sh");
    command
        .current_dir(&dir)
        .args(["-c", "read go; dd if=/dev/zero of=f bs=1024 count=4096 2>/dev/null; echo done; sleep 60"]);
    let mut shell = Shell::with(&mut command);
    let session = watch(&shell);
    assert!(session.current_usage().disk.unwrap() < ByteSize::from_mb(1));
    shell.go();
    assert_eq!(shell.line(), "done");
    let disk = session.sample().unwrap().disk.unwrap();
    assert!((ByteSize::from_mb(4)..ByteSize::from_mb(6)).contains(&disk), "{disk}");
}

#[test]
fn an_alert_is_raised_once() {
    let raised = Arc::new(Mutex::new(Vec::<Alert>::new()));
    let sink = Arc::clone(&raised);
    let monitor = ResourceMonitor::builder(MonitorLimits::new().processes(2))
        .interval(Duration::from_millis(20))
        .thresholds([0.9])
        .on_alert(move |alert| sink.lock().unwrap().push(*alert))
        .build()
        .unwrap();
    let mut shell = Shell::new("sleep 60 & echo up; wait");
    let quiet = Shell::with(Command::new("sleep").arg("60"));
    assert_eq!(shell.line(), "up");
    let session = monitor.start_monitoring(MonitorTarget::Process(shell.pid())).unwrap();
    let twin = monitor.start_monitoring(MonitorTarget::Process(quiet.pid())).unwrap();
    eventually("some samples", || twin.performance_metrics().samples > 5);
    eventually("some samples", || session.performance_metrics().samples > 5);
    assert_eq!(session.check_limits().standing(), Standing::Near);
    assert!(!session.terminate_if_exceeded().unwrap());
    let alerts = session.alerts();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!((alerts[0].limit, alerts[0].threshold), (LimitName::Processes, 0.9));
    assert_eq!(*raised.lock().unwrap(), alerts);
    assert_eq!((twin.alerts(), twin.check_limits().standing()), (vec![], Standing::Within));
    session.terminate().unwrap();
}

#[test]
fn terminate_kills_the_whole_tree_and_nothing_else() {
    let mut bystander = Shell::new("sleep 60 & echo $!; wait");
    let spared = bystander.pid_line();
    // A grandchild with a session of its own, and some below it; then its parent ends.
    let mut shell = Shell::new(
        "sh -c 'setsid sh -c \"sleep 60 & echo \\$!; sleep 60 & echo \\$!; wait\" & read go'; sleep 60",
    );
    let (first, second) = (shell.pid_line(), shell.pid_line());
    let session = watch(&shell);
    eventually("two shells, the session and two in it", || session.current_usage().processes == Some(5));
    shell.go();
    let alone = || std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", shell.pid())).unwrap();
    eventually("the shell with its own sleep only", || {
        let children = alone();
        let comm = std::fs::read_to_string(format!("/proc/{}/comm", children.trim()));
        comm.is_ok_and(|comm| comm == "sleep\n")
    });
    assert_eq!(session.sample().unwrap().processes, Some(5));
    assert!(runs(first) && runs(second));
    assert!(session.terminate().unwrap());
    assert!(!runs(first) && !runs(second) && !runs(shell.pid()));
    assert_eq!(session.state(), SessionState::Terminated);
    assert!(!session.terminate().unwrap());
    assert!(runs(spared) && runs(bystander.pid()) && runs(std::process::id()));
    assert!(watch(&bystander).terminate().unwrap());
    assert!(!runs(spared));
}

#[test]
fn a_tree_that_forks_all_the_time_leaves_nothing_behind() {
    // In no session or group of its own, so that only parents tell who belongs.
    let mark = format!("60.{}", std::process::id());
    let left = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let lines = all.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
        lines.filter(|line| line.ends_with(format!("sleep\0{mark}\0").as_bytes())).count()
    };
    let shell = Shell::new(&format!("n=0; while [ $n -lt 2000 ]; do sleep {mark} & n=$((n+1)); done; wait"));
    let session = watch(&shell);
    eventually("some of them", || left() > 20);
    assert!(session.terminate().unwrap());
    assert_eq!(left(), 0);
}

#[test]
fn what_exceeds_a_limit_is_ended_and_what_does_not_is_not() {
    let monitor = ResourceMonitor::builder(MonitorLimits::new().processes(3))
        .interval(Duration::from_millis(20))
        .terminate_when_exceeded(true)
        .build()
        .unwrap();
    let script = |count: u32| format!("{} echo up; wait", "sleep 60 &".repeat(count as usize));
    let (mut three, mut four) = (Shell::new(&script(2)), Shell::new(&script(3)));
    assert_eq!((three.line(), four.line()), ("up".to_owned(), "up".to_owned()));
    let within = monitor.start_monitoring(MonitorTarget::Process(three.pid())).unwrap();
    let above = monitor.start_monitoring(MonitorTarget::Process(four.pid())).unwrap();
    eventually("its end", || above.state() == SessionState::Terminated);
    assert!(!runs(four.pid()));
    let status = above.check_limits();
    assert_eq!(status.exceeded().map(|check| check.limit).collect::<Vec<_>>(), [LimitName::Processes]);
    assert!(matches!(kind(above.sample()), MonitorErrorKind::Over));
    eventually("some samples", || within.performance_metrics().samples > 5);
    assert_eq!((within.state(), runs(three.pid())), (SessionState::Running, true));
    within.terminate().unwrap();

    // The same when asked for.
    let mut two = Shell::new(&script(1));
    assert_eq!(two.line(), "up");
    let monitor = ResourceMonitor::new(MonitorLimits::new().processes(1));
    let session = monitor.start_monitoring(MonitorTarget::Process(two.pid())).unwrap();
    assert!(session.terminate_if_exceeded().unwrap());
    assert!(!runs(two.pid()));
}

#[test]
fn processes_that_are_not_there_are_told_apart() {
    for pid in [0, u32::MAX, 4_194_305] {
        let result = monitor().start_monitoring(MonitorTarget::Process(pid));
        assert!(matches!(kind(result), MonitorErrorKind::NoSuchProcess { pid: told } if told == pid));
    }
    // A zombie has ended, though it is still listed.
    let mut shell = Shell::with(&mut Command::new("true"));
    eventually("its end", || !runs(shell.pid()));
    let result = monitor().start_monitoring(MonitorTarget::Process(shell.pid()));
    assert!(matches!(kind(result), MonitorErrorKind::NoSuchProcess { .. }));
    shell.0.wait().unwrap();
    let result = monitor().start_monitoring(MonitorTarget::Process(shell.pid()));
    assert!(matches!(kind(result), MonitorErrorKind::NoSuchProcess { .. }));
}

#[test]
fn a_target_that_ends_ends_the_session() {
    let shell = Shell::new("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
    let session = watch(&shell);
    eventually("its end", || session.state() == SessionState::Ended);
    assert!(!session.terminate().unwrap());
    assert!(matches!(kind(session.sample()), MonitorErrorKind::Over));
    let metrics = session.performance_metrics();
    // It had not been waited for, so that its time could be read to the end.
    assert!(metrics.cpu > Duration::ZERO && metrics.cpu == session.current_usage().cpu);
    assert!(metrics.memory.p50 > ByteSize::ZERO);
}

#[test]
fn this_process_is_watched_and_never_killed() {
    let session = monitor().start_monitoring(MonitorTarget::Process(std::process::id())).unwrap();
    assert!(session.sample().unwrap().memory > ByteSize::ZERO);
    let own = std::process::id();
    assert!(matches!(kind(session.terminate()), MonitorErrorKind::OwnProcess { pid } if pid == own));
    assert_eq!(session.state(), SessionState::Running);
}

/// The half of the next test that runs as another user.
#[test]
fn as_another_user() {
    let Ok(pid) = std::env::var("MONITOR_PROCESS_OF_ANOTHER") else { return };
    let pid = pid.parse().unwrap();
    let session = monitor().start_monitoring(MonitorTarget::Process(pid)).unwrap();
    let usage = session.sample().unwrap();
    assert_eq!((usage.processes, usage.disk), (Some(1), None));
    assert!(usage.memory > ByteSize::ZERO);
    assert!(matches!(kind(session.terminate()), MonitorErrorKind::NotPermitted { pid: told } if told == pid));
    assert!(runs(pid));
    println!("refused");
}

#[test]
fn a_process_of_another_user_is_watched_and_not_killed() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can run the other half as another user");
        return;
    }
    let shell = Shell::with(Command::new("sleep").arg("60"));
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path(), mode).unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "as_another_user", "--nocapture"]).uid(65534).gid(65534).current_dir("/");
    let output = command.env("MONITOR_PROCESS_OF_ANOTHER", shell.pid().to_string()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("refused"), "{told}");
    assert!(runs(shell.pid()));
    // Its owner may.
    assert!(watch(&shell).terminate().unwrap());
    assert!(!runs(shell.pid()));
}

#[test]
fn no_thread_is_left() {
    // The tests beside this one have threads too, so it counts in a process of its own.
    if std::env::var_os("MONITOR_ALONE").is_none() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "no_thread_is_left", "--nocapture", "--test-threads=1"]);
        assert!(command.env("MONITOR_ALONE", "1").status().unwrap().success());
        return;
    }
    let count = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = count();
    let shells: Vec<_> = (0..5).map(|_| Shell::with(Command::new("sleep").arg("60"))).collect();
    let monitor = monitor();
    for _ in 0..3 {
        let watch = |shell: &Shell| monitor.start_monitoring(MonitorTarget::Process(shell.pid())).unwrap();
        let mut sessions: Vec<_> = shells.iter().map(watch).collect();
        let fed = monitor.start_monitoring(MonitorTarget::Feed(None)).unwrap();
        assert_eq!(count(), before + 1);
        sessions.truncate(1);
        assert_eq!(count(), before + 1);
        sessions[0].stop();
        eventually("the thread's end", || count() == before);
        assert_eq!(sessions[0].state(), SessionState::Stopped);
        assert!(matches!(kind(sessions[0].terminate()), MonitorErrorKind::Over));
        drop((sessions, fed));
    }
    let fds = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = fds();
    let session = monitor.start_monitoring(MonitorTarget::Process(shells[0].pid())).unwrap();
    eventually("a handle", || fds() > before);
    drop(session);
    eventually("no handle", || fds() == before);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let build = |set: fn(_) -> bailiwick::monitor::MonitorBuilder| {
        set(ResourceMonitor::builder(MonitorLimits::new())).build()
    };
    assert!(build(|b| b.interval(Duration::from_millis(10)).thresholds([0.5, 1.5])).is_ok());
    for (set, setting) in [
        (build(|b| b.interval(Duration::ZERO)), "interval"),
        (build(|b| b.interval(Duration::MAX)), "interval"),
        (build(|b| b.thresholds([0.5, f64::NAN])), "thresholds"),
        (build(|b| b.thresholds([0.0])), "thresholds"),
        (build(|b| b.thresholds((1..=17).map(f64::from))), "thresholds"),
    ] {
        assert!(matches!(kind(set), MonitorErrorKind::Setting { name, .. } if name == setting));
    }
}
