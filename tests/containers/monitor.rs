//! The monitor on containers: those of the engine's own, and anybody's.

use super::{docker, engine, on_docker, output, run, soon};
use bailiwick::monitor::{MonitorTarget, SessionState};
use bailiwick::{ByteSize, Language, LimitsConfig, ResourceMonitor};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A container that somebody else started, and that is gone with the test.
struct Busy(String);

impl Busy {
    fn start(code: &str) -> Self {
        let image = engine().image(Language::Shell).unwrap().name;
        Self(docker(&["run", "-d", "--rm", "--network", "none", "--entrypoint", "bash", &image, "-c", code]))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = std::process::Command::new("docker").args(["rm", "-f", &self.0]).output();
    }
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_container_of_anybodys_is_measured_and_ended() {
    let busy = Busy::start("while :; do :; done");
    let monitor =
        ResourceMonitor::builder(&LimitsConfig::builtin().for_language(Language::Shell)).build().unwrap();
    let target = engine().container_target(&busy.0).unwrap();
    let session = monitor.start_monitoring(MonitorTarget::Container(target)).unwrap();
    soon("a second of processor time", || session.current_usage().cpu >= Duration::from_secs(1));
    let usage = session.current_usage();
    assert!(usage.memory > ByteSize::from_kb(100) && usage.processes == Some(1), "{usage:?}");
    assert!(usage.cpu <= usage.wall * 2, "{usage:?}");
    assert!(!session.terminate_if_exceeded().unwrap(), "it is within its limits");
    assert!(session.terminate().unwrap());
    soon("its end", || session.state() != SessionState::Running);
    assert!(engine().container_target(&busy.0).is_err(), "it is gone");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn one_that_exceeds_a_limit_is_ended_by_the_monitor() {
    let hungry = Busy::start("x=a; while [ ${#x} -lt 60000000 ]; do x=$x$x; done; sleep 60");
    let mut limits = LimitsConfig::builtin().for_language(Language::Shell);
    limits.memory = ByteSize::from_mb(32);
    let monitor = ResourceMonitor::builder(&limits).terminate_when_exceeded(true).build().unwrap();
    let target = engine().container_target(&hungry.0).unwrap();
    let session = monitor.start_monitoring(MonitorTarget::Container(target)).unwrap();
    soon("its end", || session.state() == SessionState::Terminated);
    assert!(session.alerts().iter().any(|alert| alert.threshold >= 1.0), "{:?}", session.alerts());
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_run_is_measured_while_it_runs() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let samples = Arc::clone(&seen);
    let context =
        on_docker().on_usage(Duration::from_millis(20), move |usage| samples.lock().unwrap().push(*usage));
    let code = "x = bytearray(30_000_000)\nopen('f', 'wb').write(b'x' * 2_000_000)\ni = 0\nfor i in range(4_000_000): pass\nimport time; time.sleep(0.1)";
    let result = run(Language::Python, code, &context);
    output(&result);
    let seen = seen.lock().unwrap();
    assert!(seen.len() >= 3, "{} samples", seen.len());
    assert!(seen.windows(2).all(|pair| pair[0].wall <= pair[1].wall && pair[0].cpu <= pair[1].cpu));
    assert!(seen.iter().any(|usage| usage.processes == Some(1)));
    let usage = &result.usage;
    assert!(usage.peak_memory >= ByteSize::from_mb(28), "{usage:?}");
    assert!(usage.disk >= ByteSize::from_bytes(2_000_000) && usage.disk < ByteSize::from_mb(3), "{usage:?}");
    assert!(usage.cpu > Duration::from_millis(20) && usage.cpu <= usage.wall * 2, "{usage:?}");
    let metrics = result.metrics.unwrap();
    assert_eq!(metrics.samples as usize, seen.len());
    assert!(metrics.memory.peak >= metrics.memory.p50);
}
