//! Sessions that are fed, and containers. Real processes are in `tests/monitor.rs`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::control::lock;
use crate::limits::{Amount, ByteSize, LimitName};
use serde_json::json;
use std::error::Error;
use std::time::Instant;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn kb(n: u64) -> ByteSize {
    ByteSize::from_kb(n)
}

fn fed(limits: MonitorLimits) -> MonitoringSession {
    ResourceMonitor::new(limits).start_monitoring(MonitorTarget::Feed(None)).unwrap()
}

fn kind(result: Result<impl fmt::Debug, MonitorError>) -> MonitorErrorKind {
    result.unwrap_err().kind
}

#[test]
fn metrics_are_by_the_nearest_rank() {
    let session = fed(MonitorLimits::new());
    // 200 samples, 10 ms apart, in an order that is not that of their sizes: 1 to 200 KB, each once. The time on
    // processors grows by 1 ms four times and by 6 ms the fifth.
    let mut cpu = Duration::ZERO;
    for n in 1..=200 {
        cpu += ms(if n % 5 == 0 { 6 } else { 1 });
        session.record(ResourceUsage::new(ms(10 * n), cpu, kb(n * 7 % 200 + 1))).unwrap();
    }
    let metrics = session.performance_metrics();
    assert_eq!((metrics.duration, metrics.cpu, metrics.samples), (ms(2000), ms(400), 200));
    let memory = metrics.memory;
    assert_eq!((memory.p50, memory.p95, memory.p99, memory.peak), (kb(100), kb(190), kb(198), kb(200)));
    assert_eq!(memory.mean.bytes(), 1024 * 201 / 2);
    let cores = metrics.cpu_cores;
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    assert!(near(cores.p50, 0.1) && near(cores.p95, 0.6) && near(cores.p99, 0.6), "{cores:?}");
    assert!(near(cores.mean, 0.2) && near(cores.peak, 0.6), "{cores:?}");
    assert_eq!((metrics.disk, metrics.peak_processes, metrics.timeline.len()), (None, None, 200));
}

#[test]
fn one_sample_is_enough() {
    let session = fed(MonitorLimits::new());
    assert_eq!(session.performance_metrics(), PerformanceMetrics::default());
    assert_eq!(session.check_limits(), LimitStatus::default());
    let usage =
        ResourceUsage::new(ms(4), ms(3), kb(5)).with_peak_memory(kb(9)).with_disk(kb(1)).with_processes(1);
    session.record(usage).unwrap();
    assert_eq!(session.current_usage(), usage);
    assert_eq!(
        serde_json::to_value(session.performance_metrics()).unwrap(),
        json!({
            "duration_ms": 4.0,
            "samples": 1,
            "cpu_ms": 3.0,
            "cpu_cores": { "peak": 0.75, "mean": 0.75, "p50": 0.75, "p95": 0.75, "p99": 0.75 },
            "memory_bytes": { "peak": 9216, "mean": 5120, "p50": 5120, "p95": 5120, "p99": 5120 },
            "disk_bytes": 1024,
            "peak_processes": 1,
            "timeline": [{
                "wall_ms": 4.0, "cpu_ms": 3.0, "memory_bytes": 5120, "peak_memory_bytes": 9216,
                "disk_bytes": 1024, "processes": 1
            }],
        })
    );
}

#[test]
fn a_long_timeline_is_thinned_and_forgets_no_peak() {
    let session = fed(MonitorLimits::new());
    let count = 35_002;
    for n in 1..=count {
        // The one peak is at a sample that thinning drops.
        let memory = if n == 20_002 { kb(500) } else { kb(n % 100) };
        session.record(ResourceUsage::new(ms(n), ms(n / 2), memory)).unwrap();
    }
    let metrics = session.performance_metrics();
    assert_eq!((metrics.samples, metrics.memory.peak), (count, kb(500)));
    assert_eq!(metrics.cpu, ms(count / 2));
    // Every fourth one, and the last.
    let walls: Vec<_> = metrics.timeline.iter().map(|sample| sample.wall).collect();
    let expected: Vec<_> = (1..=count).step_by(4).chain([count]).map(ms).collect();
    assert_eq!(walls, expected);
    assert!(walls.len() <= MAX_TIMELINE + 1);
}

#[test]
fn an_alert_is_raised_at_each_crossing_upward() {
    let raised = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&raised);
    let monitor = ResourceMonitor::builder(MonitorLimits::new().memory(kb(100)))
        .on_alert(move |alert| lock(&sink).push((alert.threshold, alert.usage.memory)))
        .build()
        .unwrap();
    let session = monitor.start_monitoring(MonitorTarget::Feed(None)).unwrap();
    let twin = monitor.start_monitoring(MonitorTarget::Feed(None)).unwrap();
    assert_ne!(session.id(), twin.id());
    for (n, size) in [79, 80, 99, 100, 101, 85, 100, 79, 101, 101].into_iter().enumerate() {
        session.record(ResourceUsage::new(ms(n as u64), ms(0), kb(size))).unwrap();
        twin.record(ResourceUsage::new(ms(n as u64), ms(0), kb(size * 3 / 4))).unwrap();
    }
    let expected = [(0.8, kb(80)), (1.0, kb(100)), (1.0, kb(100)), (0.8, kb(101)), (1.0, kb(101))];
    assert_eq!(*lock(&raised), expected);
    let alerts = session.alerts();
    assert_eq!(
        alerts.iter().map(|alert| (alert.threshold, alert.usage.memory)).collect::<Vec<_>>(),
        expected
    );
    assert!(alerts.iter().all(|alert| alert.session == session.id() && alert.limit == LimitName::Memory));
    assert_eq!(twin.alerts(), []);
}

#[test]
fn each_limit_is_checked() {
    let limits =
        MonitorLimits::new().memory(kb(100)).cpu_cores(1.0).wall_time(ms(2500)).processes(5).disk(kb(10));
    let session = fed(limits);
    let usage = |wall, cpu| ResourceUsage::new(ms(wall), ms(cpu), kb(100)).with_disk(kb(11));
    // Less than a second says nothing of cores, however busy they were.
    session.record(usage(500, 1000)).unwrap();
    let standings = || {
        let checks = session.check_limits().checks;
        checks.iter().map(|check| (check.limit, check.standing)).collect::<Vec<_>>()
    };
    let (within, near, exceeded) = (Standing::Within, Standing::Near, Standing::Exceeded);
    let rest = |wall, cores| {
        vec![
            (LimitName::Memory, near),
            (LimitName::CpuCores, cores),
            (LimitName::WallTime, wall),
            (LimitName::Disk, exceeded),
        ]
    };
    assert_eq!(standings(), rest(within, within));
    // Over the last second from here on: 1.05, which is 1 as far as can be told; then 1.2.
    session.record(usage(1500, 2050)).unwrap();
    assert_eq!(standings(), rest(within, near));
    session.record(usage(2500, 3250)).unwrap();
    assert_eq!(standings(), rest(near, exceeded));
    session.record(usage(2501, 3250).with_processes(5)).unwrap();
    let status = session.check_limits();
    assert_eq!(status.of(LimitName::WallTime).unwrap().standing, exceeded);
    let processes = status.of(LimitName::Processes).unwrap();
    assert_eq!((processes.standing, processes.fraction), (near, 1.0));
    assert_eq!((processes.used, processes.allowed), (Amount::Count(5), Amount::Count(5)));
    assert_eq!(status.of(LimitName::Fuel), None);
}

#[test]
fn samples_out_of_order_are_refused() {
    let session = fed(MonitorLimits::new());
    let usage = |wall, cpu| ResourceUsage::new(ms(wall), ms(cpu), kb(1));
    session.record(usage(10, 5)).unwrap();
    session.record(usage(10, 5)).unwrap();
    assert!(matches!(kind(session.record(usage(9, 6))), MonitorErrorKind::OutOfOrder));
    assert!(matches!(kind(session.record(usage(11, 4))), MonitorErrorKind::OutOfOrder));
    session.stop();
    assert!(matches!(kind(session.record(usage(20, 6))), MonitorErrorKind::Over));
    assert_eq!(session.performance_metrics().samples, 2);
}

#[test]
fn a_fed_run_is_ended_through_its_token() {
    let limits = MonitorLimits::new().memory(kb(10));
    let monitor = ResourceMonitor::builder(limits).terminate_when_exceeded(true).build().unwrap();
    let (token, other) = (CancelToken::new(), CancelToken::new());
    let session = monitor.start_monitoring(MonitorTarget::Feed(Some(token.clone()))).unwrap();
    let twin = monitor.start_monitoring(MonitorTarget::Feed(Some(other.clone()))).unwrap();
    session.record(ResourceUsage::new(ms(1), ms(1), kb(11))).unwrap();
    twin.record(ResourceUsage::new(ms(1), ms(1), kb(10))).unwrap();
    assert!(token.is_cancelled() && !other.is_cancelled());
    // Its last sample is still to come.
    session.record(ResourceUsage::new(ms(2), ms(2), kb(1))).unwrap();
    assert!(session.terminate().unwrap());

    let nothing = monitor.start_monitoring(MonitorTarget::Feed(None)).unwrap();
    assert!(matches!(kind(nothing.terminate()), MonitorErrorKind::NothingToEnd));
    // Other limits than the monitor's own.
    let wide = monitor.start_monitoring_with(MonitorTarget::Feed(None), MonitorLimits::new()).unwrap();
    wide.record(ResourceUsage::new(ms(1), ms(1), kb(11))).unwrap();
}

/// A container that uses 1 KB more at each look, and that can be ended from outside or fail.
#[derive(Default)]
struct Pretend {
    looks: Mutex<u64>,
    ended: Mutex<bool>,
    failing: Mutex<bool>,
}

impl ContainerStats for Pretend {
    fn sample(&self) -> Result<Option<RawUsage>, Box<dyn Error + Send + Sync>> {
        if *lock(&self.failing) {
            return Err("no such container".into());
        }
        let mut looks = lock(&self.looks);
        *looks += 1;
        let usage = RawUsage {
            cpu: ms(*looks),
            memory: kb(*looks),
            peak_memory: Some(kb(1000)),
            disk: Some(kb(2)),
            processes: Some(3),
        };
        Ok((!*lock(&self.ended)).then_some(usage))
    }

    fn kill(&self) -> Result<bool, Box<dyn Error + Send + Sync>> {
        Ok(!std::mem::replace(&mut *lock(&self.ended), true))
    }
}

fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !so() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(ms(2));
    }
}

#[test]
fn containers_are_sampled_and_ended() {
    let limits = MonitorLimits::new().memory(kb(5));
    let monitor = ResourceMonitor::builder(limits).interval(ms(10)).terminate_when_exceeded(true).build();
    let monitor = monitor.unwrap();
    let start = |pretend: &Arc<Pretend>| {
        let target = MonitorTarget::Container(ContainerTarget::new(pretend.clone()));
        monitor.start_monitoring(target)
    };

    let greedy = Arc::new(Pretend::default());
    let session = start(&greedy).unwrap();
    eventually("its end", || session.state() == SessionState::Terminated);
    assert!(*lock(&greedy.ended));
    let usage = session.current_usage();
    assert_eq!((usage.cpu, usage.memory, usage.peak_memory), (ms(6), kb(6), kb(1000)));
    assert_eq!((usage.disk, usage.processes), (Some(kb(2)), Some(3)));
    assert!(matches!(kind(start(&greedy)), MonitorErrorKind::Over));

    // One that ends of itself, and one that cannot be looked at for a while.
    let brief = Arc::new(Pretend::default());
    let session = start(&brief).unwrap();
    *lock(&brief.ended) = true;
    eventually("its end", || session.state() == SessionState::Ended);

    let shaky = Arc::new(Pretend::default());
    *lock(&shaky.failing) = true;
    assert!(matches!(kind(start(&shaky)), MonitorErrorKind::Container(_)));
    *lock(&shaky.failing) = false;
    let session = start(&shaky).unwrap();
    *lock(&shaky.failing) = true;
    let mut failure = None;
    eventually("a failure", || {
        failure = session.take_failure();
        failure.is_some()
    });
    let failure = failure.unwrap();
    assert_eq!(failure.to_string(), "the container cannot be monitored: no such container");
    assert_eq!(session.state(), SessionState::Running);
    *lock(&shaky.failing) = false;
    eventually("its end", || session.state() == SessionState::Terminated);
}

#[test]
fn a_callback_that_panics_stops_no_sampling_and_one_that_ends_its_session_does_not_hang() {
    let session: Arc<Mutex<Option<MonitoringSession>>> = Arc::default();
    let held = Arc::clone(&session);
    let monitor = ResourceMonitor::builder(MonitorLimits::new().memory(kb(10)))
        .interval(ms(10))
        .thresholds([0.3, 1.1])
        .on_alert(move |alert| {
            assert!(alert.threshold > 1.0, "a panic that this test expects");
            drop(lock(&held).take());
        })
        .build()
        .unwrap();
    let pretend = Arc::new(Pretend::default());
    let target = MonitorTarget::Container(ContainerTarget::new(pretend.clone()));
    *lock(&session) = Some(monitor.start_monitoring(target).unwrap());
    eventually("the session's end", || lock(&session).is_none());
    assert!(*lock(&pretend.looks) >= 11);
}
