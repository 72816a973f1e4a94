//! One target being watched.

use super::container::ContainerTarget;
use super::error::{MonitorError, MonitorErrorKind};
use super::limits::{Alert, CPU_WINDOW, CpuRate, LimitCheck, LimitStatus, MonitorLimits};
use super::metrics::{PerformanceMetrics, Timeline};
use super::process::ProcessTree;
use super::sampler::Sampler;
use super::usage::{RawUsage, ResourceUsage, Sighting};
use super::{MAX_ALERTS, Settings};
use crate::control::{CancelToken, lock};
use crate::limits::LimitName;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The least time between two samples of a process or a container that says how many cores it kept busy: time on
/// processors is counted in ticks of 10 ms.
const RATED_APART: Duration = Duration::from_millis(50);

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionState {
    /// The target is watched.
    Running,
    /// The target has ended of itself, or another ended it.
    Ended,
    /// The session ended the target.
    Terminated,
    /// [`MonitoringSession::stop`] was called.
    Stopped,
}

/// A target being watched, until it ends or this is dropped.
///
/// From [`ResourceMonitor::start_monitoring`](super::ResourceMonitor::start_monitoring). What it has gathered can still
/// be asked for when the target has ended.
pub struct MonitoringSession {
    watch: Arc<Watch>,
    /// `None` where nothing has to be asked for samples.
    sampler: Option<Arc<Sampler>>,
}

/// Where samples come from and what ends the target.
pub(super) enum Source {
    Process(Box<Mutex<ProcessTree>>),
    Container(ContainerTarget),
    Feed(Option<CancelToken>),
}

/// What a session shares with the thread that samples.
pub(super) struct Watch {
    id: u64,
    source: Source,
    limits: MonitorLimits,
    settings: Arc<Settings>,
    started: Instant,
    state: Mutex<State>,
}

struct State {
    phase: SessionState,
    timeline: Timeline,
    /// For each limit, one bit for each threshold that its use is above.
    above: [u16; 5],
    alerts: Vec<Alert>,
    failure: Option<MonitorError>,
}

impl State {
    /// The cores kept busy over the last second, or since the beginning if that is less.
    fn cpu_rate(&self) -> Option<CpuRate> {
        let last = self.timeline.last();
        let since = last.wall.checked_sub(CPU_WINDOW);
        let base = since.and_then(|since| self.timeline.at(since)).copied().unwrap_or_default();
        let cores = last.cores_since(&base)?;
        Some(CpuRate { cores, settled: since.is_some() })
    }
}

impl Watch {
    pub(super) fn new(id: u64, source: Source, limits: MonitorLimits, settings: Arc<Settings>) -> Self {
        let apart = match source {
            Source::Process(_) | Source::Container(_) => RATED_APART,
            Source::Feed(_) => Duration::ZERO,
        };
        let state = State {
            phase: SessionState::Running,
            timeline: Timeline::new(apart),
            above: [0; 5],
            alerts: Vec::new(),
            failure: None,
        };
        Self { id, source, limits, settings, started: Instant::now(), state: Mutex::new(state) }
    }

    pub(super) fn is_running(&self) -> bool {
        lock(&self.state).phase == SessionState::Running
    }

    pub(super) fn interval(&self) -> Duration {
        self.settings.interval
    }

    /// What the sampling thread does when this is due. A failure is kept for the session to tell, and the next
    /// sample is taken all the same.
    pub(super) fn tick(&self) {
        let failed = match self.observe() {
            Ok(_) if self.settings.terminate => self.end_if_exceeded().map(drop),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = failed
            && !matches!(error.kind, MonitorErrorKind::Over)
        {
            lock(&self.state).failure = Some(error);
        }
    }

    /// Takes a sample.
    pub(super) fn observe(&self) -> Result<ResourceUsage, MonitorError> {
        if !self.is_running() {
            return Err(MonitorErrorKind::Over.into());
        }
        let sighting = match &self.source {
            Source::Process(tree) => lock(tree).look()?,
            Source::Container(target) => match target.stats.sample() {
                Ok(Some(raw)) => Sighting::Running(raw),
                Ok(None) => Sighting::Ended(None),
                Err(error) => return Err(MonitorErrorKind::Container(error).into()),
            },
            Source::Feed(_) => return Ok(lock(&self.state).timeline.last()),
        };
        let mut state = lock(&self.state);
        // It may have been stopped while the source was looked at.
        if state.phase != SessionState::Running {
            return Err(MonitorErrorKind::Over.into());
        }
        // The clock is read under the lock, so that samples taken at once are in order.
        let wall = self.started.elapsed();
        match sighting {
            Sighting::Running(raw) => {
                let last = state.timeline.last();
                let peak = last.peak_memory.max(raw.memory).max(raw.peak_memory.unwrap_or_default());
                let usage = ResourceUsage {
                    wall,
                    // Running totals: one that falls is a source that lost sight of something.
                    cpu: raw.cpu.max(last.cpu),
                    memory: raw.memory,
                    peak_memory: peak,
                    disk: raw.disk,
                    processes: raw.processes,
                };
                let alerts = self.push(&mut state, usage);
                drop(state);
                self.raise(&alerts);
                Ok(usage)
            }
            Sighting::Ended(totals) => {
                state.phase = SessionState::Ended;
                if let Some(RawUsage { cpu, disk, .. }) = totals {
                    state.timeline.amend(wall, cpu, disk);
                }
                Ok(state.timeline.last())
            }
        }
    }

    fn record(&self, mut usage: ResourceUsage) -> Result<(), MonitorError> {
        match &self.source {
            Source::Feed(_) => {}
            Source::Process(_) | Source::Container(_) => return Err(MonitorErrorKind::NotFed.into()),
        }
        let mut state = lock(&self.state);
        if state.phase != SessionState::Running {
            return Err(MonitorErrorKind::Over.into());
        }
        let last = state.timeline.last();
        if usage.wall < last.wall || usage.cpu < last.cpu {
            return Err(MonitorErrorKind::OutOfOrder.into());
        }
        usage.peak_memory = usage.peak_memory.max(usage.memory).max(last.peak_memory);
        let alerts = self.push(&mut state, usage);
        drop(state);
        self.raise(&alerts);
        if self.settings.terminate {
            self.end_if_exceeded()?;
        }
        Ok(())
    }

    /// Adds a sample, and returns the alerts that it gives rise to.
    fn push(&self, state: &mut State, usage: ResourceUsage) -> Vec<Alert> {
        state.timeline.push(usage);
        let rate = state.cpu_rate();
        let mut alerts = Vec::new();
        for check in self.limits.checks(&usage, rate) {
            let Some(above) = slot(check.limit).map(|slot| &mut state.above[slot]) else { continue };
            for (bit, threshold) in self.settings.thresholds.iter().enumerate() {
                let was = *above & (1 << bit) != 0;
                let is = check.reaches(*threshold);
                if is && !was {
                    *above |= 1 << bit;
                    alerts.push(self.alert(&check, *threshold, usage));
                } else if !is && was {
                    *above &= !(1 << bit);
                }
            }
        }
        let room = MAX_ALERTS.saturating_sub(state.alerts.len());
        state.alerts.extend_from_slice(&alerts[..alerts.len().min(room)]);
        alerts
    }

    fn alert(&self, check: &LimitCheck, threshold: f64, usage: ResourceUsage) -> Alert {
        let LimitCheck { limit, used, allowed, .. } = *check;
        Alert { session: self.id, limit, threshold, used, allowed, usage }
    }

    /// Tells the callback, which may call anything of this session: no lock is held.
    fn raise(&self, alerts: &[Alert]) {
        if let Some(on_alert) = &self.settings.on_alert {
            for alert in alerts {
                on_alert(alert);
            }
        }
    }

    fn check(&self) -> LimitStatus {
        let state = lock(&self.state);
        if state.timeline.is_empty() {
            return LimitStatus::default();
        }
        let rate = state.cpu_rate();
        let lowest = self.settings.thresholds.first().copied();
        let last = state.timeline.last();
        let checks = self.limits.checks(&last, rate);
        LimitStatus { checks: checks.map(|check| check.near(lowest)).collect() }
    }

    fn end_if_exceeded(&self) -> Result<bool, MonitorError> {
        if self.check().is_exceeded() { self.end() } else { Ok(false) }
    }

    fn end(&self) -> Result<bool, MonitorError> {
        match lock(&self.state).phase {
            SessionState::Running => {}
            SessionState::Ended | SessionState::Terminated => return Ok(false),
            SessionState::Stopped => return Err(MonitorErrorKind::Over.into()),
        }
        let (ended, totals) = match &self.source {
            Source::Process(tree) => {
                let mut tree = lock(tree);
                let ended = tree.end()?;
                (ended, Some(tree.totals()))
            }
            Source::Container(target) => (target.stats.kill().map_err(MonitorErrorKind::Container)?, None),
            Source::Feed(Some(token)) => {
                token.cancel();
                (true, None)
            }
            Source::Feed(None) => return Err(MonitorErrorKind::NothingToEnd.into()),
        };
        let mut state = lock(&self.state);
        match (&self.source, state.phase) {
            // A run that is told to stop is still fed its last sample.
            (Source::Feed(_), _) => {}
            // The sampling thread may have seen the end of it before this did.
            (_, SessionState::Running | SessionState::Ended) if ended => {
                state.phase = SessionState::Terminated;
            }
            (_, SessionState::Running) => state.phase = SessionState::Ended,
            (_, SessionState::Ended | SessionState::Terminated | SessionState::Stopped) => {}
        }
        if let Some(RawUsage { cpu, disk, .. }) = totals {
            state.timeline.amend(self.started.elapsed(), cpu, disk);
        }
        Ok(ended)
    }
}

/// Where a limit has its bits in [`State::above`].
fn slot(limit: LimitName) -> Option<usize> {
    match limit {
        LimitName::Memory => Some(0),
        LimitName::CpuCores => Some(1),
        LimitName::WallTime => Some(2),
        LimitName::Processes => Some(3),
        LimitName::Disk => Some(4),
        LimitName::Fuel | LimitName::Output | LimitName::OpenFiles => None,
    }
}

impl MonitoringSession {
    pub(super) fn new(watch: Arc<Watch>, sampler: Option<Arc<Sampler>>) -> Self {
        Self { watch, sampler }
    }

    /// The number of the session, unlike that of any other of its monitor. Alerts carry it.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.watch.id
    }

    /// How far it has come.
    #[must_use]
    pub fn state(&self) -> SessionState {
        lock(&self.watch.state).phase
    }

    /// The newest sample: at most one interval old while the target runs, and its last one afterwards; all zero if a
    /// session that is fed has had none.
    #[must_use]
    pub fn current_usage(&self) -> ResourceUsage {
        lock(&self.watch.state).timeline.last()
    }

    /// Takes a sample now, beside those at each interval, and returns it. If that shows that the target has ended, the
    /// session is over, with the target's running totals in its last sample.
    ///
    /// A session that is fed returns what it was fed last.
    ///
    /// # Errors
    ///
    /// - [`MonitorErrorKind::Over`] if the session is over
    /// - [`MonitorErrorKind::System`] or [`MonitorErrorKind::Container`] if the target could not be looked at
    pub fn sample(&self) -> Result<ResourceUsage, MonitorError> {
        self.watch.observe()
    }

    /// Puts a sample into a session of [`MonitorTarget::Feed`](super::MonitorTarget::Feed). Its `wall` and `cpu` are
    /// running totals, its `peak_memory` is raised to the most that any sample had.
    ///
    /// Alerts come of it as of any other sample. If the monitor terminates what exceeds its limits, that is done here
    /// too.
    ///
    /// # Errors
    ///
    /// - [`MonitorErrorKind::NotFed`] if the session has another target
    /// - [`MonitorErrorKind::Over`] if it was stopped
    /// - [`MonitorErrorKind::OutOfOrder`] if `wall` or `cpu` is less than in the sample before
    /// - [`MonitorErrorKind::NothingToEnd`] if a limit is exceeded, the monitor terminates what exceeds its limits, and
    ///   this session has nothing that it could
    pub fn record(&self, usage: ResourceUsage) -> Result<(), MonitorError> {
        self.watch.record(usage)
    }

    /// How the newest sample stands to each limit; nothing if there is no sample.
    #[must_use]
    pub fn check_limits(&self) -> LimitStatus {
        self.watch.check()
    }

    /// Ends the target if the newest sample exceeds a limit. Returns whether this ended it.
    ///
    /// # Errors
    ///
    /// As [`terminate`](Self::terminate).
    pub fn terminate_if_exceeded(&self) -> Result<bool, MonitorError> {
        self.watch.end_if_exceeded()
    }

    /// Ends the target: kills every process of the tree, or the container, or cancels the run. Returns whether this
    /// ended it, `false` if it had ended before.
    ///
    /// When this returns, processes are gone, or zombies that their parents have yet to wait for; a run that is fed
    /// has been told to stop.
    ///
    /// # Errors
    ///
    /// - [`MonitorErrorKind::OwnProcess`] if this process is itself in the tree; nothing was ended
    /// - [`MonitorErrorKind::NotPermitted`] if some processes belong to someone else; the others were ended
    /// - [`MonitorErrorKind::StillAlive`] if some are still there 5 s after they were killed
    /// - [`MonitorErrorKind::NothingToEnd`] for a session that is fed and has no token
    /// - [`MonitorErrorKind::Over`] if the session was stopped
    /// - [`MonitorErrorKind::System`] or [`MonitorErrorKind::Container`] if the system or the container's runtime
    ///   failed
    ///
    /// # Security
    ///
    /// A process is killed through a handle to that very process, never by its id, which may name another by then.
    pub fn terminate(&self) -> Result<bool, MonitorError> {
        self.watch.end()
    }

    /// What came of all samples so far.
    #[must_use]
    pub fn performance_metrics(&self) -> PerformanceMetrics {
        lock(&self.watch.state).timeline.metrics()
    }

    /// The first [`MAX_ALERTS`] alerts that were raised, oldest first. Later ones went to the callback only.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        lock(&self.watch.state).alerts.clone()
    }

    /// Why the newest failed sample failed, or why the target could not be ended at an interval, if that happened since
    /// this was last called. Failures do not end a session.
    #[must_use]
    pub fn take_failure(&self) -> Option<MonitorError> {
        lock(&self.watch.state).failure.take()
    }

    /// Takes no more samples. What was gathered stays; the target goes on.
    pub fn stop(&self) {
        {
            let mut state = lock(&self.watch.state);
            if state.phase == SessionState::Running {
                state.phase = SessionState::Stopped;
            }
        }
        if let Some(sampler) = &self.sampler {
            sampler.remove(&self.watch);
        }
    }
}

impl Drop for MonitoringSession {
    fn drop(&mut self) {
        if self.sampler.is_some() {
            self.stop();
        }
    }
}

impl fmt::Debug for MonitoringSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonitoringSession")
            .field("id", &self.watch.id)
            .field("state", &self.state())
            .field("usage", &self.current_usage())
            .finish_non_exhaustive()
    }
}
