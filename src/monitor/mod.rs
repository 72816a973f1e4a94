//! Watching what code uses while it runs: processes, containers and wasm runs.
//!
//! ```
//! use bailiwick::monitor::{MonitorLimits, MonitorTarget};
//! use bailiwick::{ByteSize, ResourceMonitor, ResourceUsage};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), bailiwick::monitor::MonitorError> {
//! let monitor = ResourceMonitor::new(MonitorLimits::new().memory(ByteSize::from_mb(64)));
//!
//! // A process is watched as `MonitorTarget::Process(child.id())`; this one tells what it uses by itself.
//! let session = monitor.start_monitoring(MonitorTarget::Feed(None))?;
//! let (wall, cpu) = (Duration::from_millis(20), Duration::from_millis(15));
//! session.record(ResourceUsage::new(wall, cpu, ByteSize::from_mb(70)))?;
//!
//! assert!(session.check_limits().is_exceeded());
//! assert_eq!(session.alerts().len(), 2); // at 80 % and at the limit
//! assert_eq!(session.performance_metrics().cpu_cores.mean, 0.75);
//! # Ok(())
//! # }
//! ```

mod container;
mod error;
mod limits;
mod metrics;
mod process;
mod sampler;
mod session;
#[cfg(test)]
mod tests;
mod usage;
pub(crate) use container::ContainerStats;
pub use container::ContainerTarget;
pub use error::{MonitorError, MonitorErrorKind};
pub use limits::{Alert, LimitCheck, LimitStatus, MonitorLimits, Standing};
pub use metrics::{MAX_TIMELINE, PerformanceMetrics, Summary};
pub use session::{MonitoringSession, SessionState};
pub(crate) use usage::RawUsage;
pub use usage::ResourceUsage;

use crate::control::CancelToken;
use process::ProcessTree;
use sampler::Sampler;
use session::{Source, Watch};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often a target is sampled unless it is said otherwise.
pub const DEFAULT_INTERVAL: Duration = Duration::from_millis(100);

/// The least interval that may be asked for; ticks of 10 ms are what the system counts in.
pub const MIN_INTERVAL: Duration = Duration::from_millis(10);

/// The fractions of a limit at which an alert is raised unless it is said otherwise.
pub const DEFAULT_THRESHOLDS: [f64; 2] = [0.8, 1.0];

/// The most thresholds that a monitor can have.
pub const MAX_THRESHOLDS: usize = 16;

/// The most alerts that a session keeps: a target that swings around a threshold raises one at every other sample.
pub const MAX_ALERTS: usize = 1_000;

/// What can be watched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MonitorTarget {
    /// The process of this id and all its descendants, as `std::process::Child::id` tells it. Only on Linux.
    ///
    /// Descendants are found by their parents, and once found are known for good. One that loses its parent before it
    /// was ever seen is found by its session or process group if these began within the tree; one that leaves those too
    /// in that time is not found. To hold code that means to hide, run it in a container.
    ///
    /// What a process used that ended between two samples is counted if it was waited for within the tree, as shells do.
    Process(u32),
    /// A container.
    Container(ContainerTarget),
    /// A run that is watched by whoever runs it, who tells what it uses by [`MonitoringSession::record`]. The token, if
    /// there is one, is cancelled to end the run. No thread is needed for it.
    Feed(Option<CancelToken>),
}

/// Watches what code uses, holds that against limits, and raises alerts.
///
/// All targets of one monitor are sampled by one thread, which ends with the last of their sessions.
#[derive(Clone)]
pub struct ResourceMonitor {
    settings: Arc<Settings>,
    limits: MonitorLimits,
    sampler: Arc<Sampler>,
    next_id: Arc<AtomicU64>,
}

type OnAlert = Box<dyn Fn(&Alert) + Send + Sync>;

/// What all sessions of a monitor have in common.
struct Settings {
    interval: Duration,
    /// In ascending order.
    thresholds: Vec<f64>,
    on_alert: Option<OnAlert>,
    terminate: bool,
}

/// Sets up a [`ResourceMonitor`].
#[must_use]
pub struct MonitorBuilder {
    settings: Settings,
    limits: MonitorLimits,
}

impl ResourceMonitor {
    /// A monitor that holds what it watches against these limits.
    ///
    /// The defaults:
    ///
    /// - a sample every 100 ms
    /// - an alert at 80 % and at 100 % of a limit, kept in [`MonitoringSession::alerts`] and told to nobody
    /// - what exceeds a limit goes on until [`MonitoringSession::terminate_if_exceeded`] is called
    #[must_use]
    pub fn new(limits: impl Into<MonitorLimits>) -> Self {
        Self::from_builder(Self::builder(limits))
    }

    /// Sets up a monitor, from the defaults that [`new`](Self::new) lists.
    pub fn builder(limits: impl Into<MonitorLimits>) -> MonitorBuilder {
        let settings = Settings {
            interval: DEFAULT_INTERVAL,
            thresholds: DEFAULT_THRESHOLDS.to_vec(),
            on_alert: None,
            terminate: false,
        };
        MonitorBuilder { settings, limits: limits.into() }
    }

    fn from_builder(builder: MonitorBuilder) -> Self {
        Self {
            settings: Arc::new(builder.settings),
            limits: builder.limits,
            sampler: Arc::default(),
            next_id: Arc::default(),
        }
    }

    /// Watches `target`, and takes the first sample of it, from now until it ends or the session is dropped.
    ///
    /// # Errors
    ///
    /// - [`MonitorErrorKind::NoSuchProcess`] if there is no such process, or it has ended
    /// - [`MonitorErrorKind::Over`] if the container has ended
    /// - [`MonitorErrorKind::Unsupported`] for a process anywhere but on Linux 5.3 or newer
    /// - [`MonitorErrorKind::System`] or [`MonitorErrorKind::Container`] if the target could not be looked at
    pub fn start_monitoring(&self, target: MonitorTarget) -> Result<MonitoringSession, MonitorError> {
        self.start_monitoring_with(target, self.limits)
    }

    /// The same, held against other limits than the monitor's own.
    ///
    /// # Errors
    ///
    /// As [`start_monitoring`](Self::start_monitoring).
    pub fn start_monitoring_with(
        &self,
        target: MonitorTarget,
        limits: impl Into<MonitorLimits>,
    ) -> Result<MonitoringSession, MonitorError> {
        let (source, sampled) = match target {
            MonitorTarget::Process(pid) => {
                (Source::Process(Box::new(Mutex::new(ProcessTree::open(pid)?))), true)
            }
            MonitorTarget::Container(target) => (Source::Container(target), true),
            MonitorTarget::Feed(token) => (Source::Feed(token), false),
        };
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let watch = Arc::new(Watch::new(id, source, limits.into(), Arc::clone(&self.settings)));
        if !sampled {
            return Ok(MonitoringSession::new(watch, None));
        }
        watch.observe()?;
        if !watch.is_running() {
            return Err(MonitorErrorKind::Over.into());
        }
        self.sampler.add(Arc::clone(&watch)).map_err(MonitorErrorKind::System)?;
        Ok(MonitoringSession::new(watch, Some(Arc::clone(&self.sampler))))
    }
}

impl fmt::Debug for ResourceMonitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceMonitor")
            .field("interval", &self.settings.interval)
            .field("thresholds", &self.settings.thresholds)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl MonitorBuilder {
    /// Takes a sample of each process and container this often. Where taking one costs more than a tenth of that
    /// time, they are taken less often.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval;
        self
    }

    /// Raises an alert at each of these fractions of a limit, in place of 0.8 and 1. The lowest is also where a limit
    /// counts as [near](Standing::Near). With none at all, nothing raises alerts and nothing is near.
    pub fn thresholds(mut self, thresholds: impl IntoIterator<Item = f64>) -> Self {
        self.settings.thresholds = thresholds.into_iter().collect();
        self
    }

    /// Calls this for each alert, on the thread that samples, or for a session that is fed on the one that feeds it.
    /// While it runs, nothing is sampled. It may call anything of any session.
    pub fn on_alert(mut self, on_alert: impl Fn(&Alert) + Send + Sync + 'static) -> Self {
        self.settings.on_alert = Some(Box::new(on_alert));
        self
    }

    /// Whether what exceeds a limit is ended at once, at the sample that shows it.
    pub fn terminate_when_exceeded(mut self, terminate: bool) -> Self {
        self.settings.terminate = terminate;
        self
    }

    /// The monitor.
    ///
    /// # Errors
    ///
    /// [`MonitorErrorKind::Setting`] if the interval is less than [`MIN_INTERVAL`] or more than a day, a threshold is
    /// not a positive number, or there are more than [`MAX_THRESHOLDS`] of them.
    pub fn build(mut self) -> Result<ResourceMonitor, MonitorError> {
        let longest = Duration::from_secs(24 * 60 * 60);
        if !(MIN_INTERVAL..=longest).contains(&self.settings.interval) {
            return Err(MonitorErrorKind::Setting { name: "interval", expected: "10 ms to a day" }.into());
        }
        let thresholds = &mut self.settings.thresholds;
        if thresholds.len() > MAX_THRESHOLDS || !thresholds.iter().all(|t| t.is_finite() && *t > 0.0) {
            let expected = "at most 16 numbers above 0";
            return Err(MonitorErrorKind::Setting { name: "thresholds", expected }.into());
        }
        thresholds.sort_unstable_by(f64::total_cmp);
        thresholds.dedup();
        Ok(ResourceMonitor::from_builder(self))
    }
}

impl fmt::Debug for MonitorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitorBuilder").field("limits", &self.limits).finish_non_exhaustive()
    }
}
