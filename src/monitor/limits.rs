//! What a target is held against: limits, how far each is used, and the alerts on the way there.

use super::usage::ResourceUsage;
use crate::limits::{Amount, ByteSize, LimitName, Limits};
use std::time::Duration;

/// The time over which the use of processors is judged: over less of it, ticks of 10 ms say too little.
pub(super) const CPU_WINDOW: Duration = Duration::from_secs(1);

/// How far above its limit a measured use of processors has to be to count as above: ticks and late samples make a
/// guest that is held at exactly one core look like 0.97 to 1.03 of it.
pub(super) const CPU_MARGIN: f64 = 1.1;

/// What a monitored target may use. What is `None` is not looked at.
///
/// ```
/// # use bailiwick::{ByteSize, monitor::MonitorLimits};
/// let limits = MonitorLimits::new().memory(ByteSize::from_mb(64)).processes(5);
/// assert_eq!(limits.disk, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MonitorLimits {
    /// Memory held.
    pub memory: Option<ByteSize>,
    /// Cores kept busy, on average over the last second; exceeded from a tenth above on, because a use is measured
    /// no more exactly than that. A target is not judged by it before it has been watched for a second.
    pub cpu_cores: Option<f64>,
    /// Time on the clock since monitoring began.
    pub wall_time: Option<Duration>,
    /// Processes alive at once.
    pub processes: Option<u32>,
    /// Disk, as [`ResourceUsage::disk`] counts it.
    pub disk: Option<ByteSize>,
}

impl MonitorLimits {
    /// No limit at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds memory against this.
    #[must_use]
    pub fn memory(mut self, memory: ByteSize) -> Self {
        self.memory = Some(memory);
        self
    }

    /// Holds the cores kept busy against this.
    #[must_use]
    pub fn cpu_cores(mut self, cores: f64) -> Self {
        self.cpu_cores = Some(cores);
        self
    }

    /// Holds the time on the clock against this.
    #[must_use]
    pub fn wall_time(mut self, time: Duration) -> Self {
        self.wall_time = Some(time);
        self
    }

    /// Holds the number of processes against this.
    #[must_use]
    pub fn processes(mut self, processes: u32) -> Self {
        self.processes = Some(processes);
        self
    }

    /// Holds disk against this.
    #[must_use]
    pub fn disk(mut self, disk: ByteSize) -> Self {
        self.disk = Some(disk);
        self
    }

    /// How `usage` stands to each limit that is set and whose use is known, one after the other.
    pub(super) fn checks(
        &self,
        usage: &ResourceUsage,
        cpu: Option<CpuRate>,
    ) -> impl Iterator<Item = LimitCheck> {
        let size = |limit, used: Option<ByteSize>, allowed: Option<ByteSize>| {
            let (used, allowed) = used.zip(allowed)?;
            let fraction = ratio(used.bytes() as f64, allowed.bytes() as f64);
            Some(LimitCheck::new(limit, Amount::Size(used), Amount::Size(allowed), fraction))
        };
        let memory = size(LimitName::Memory, Some(usage.memory), self.memory);
        let cores = self.cpu_cores.zip(cpu).map(|(allowed, rate)| {
            let fraction = ratio(rate.cores, allowed);
            let above = rate.settled && fraction > CPU_MARGIN;
            let standing = if above { Standing::Exceeded } else { Standing::Within };
            let (used, allowed) = (Amount::Cores(rate.cores), Amount::Cores(allowed));
            LimitCheck { limit: LimitName::CpuCores, used, allowed, fraction, standing, judged: rate.settled }
        });
        let wall = self.wall_time.map(|allowed| {
            let fraction = ratio(usage.wall.as_secs_f64(), allowed.as_secs_f64());
            LimitCheck::new(LimitName::WallTime, Amount::Time(usage.wall), Amount::Time(allowed), fraction)
        });
        let processes = usage.processes.zip(self.processes).map(|(used, allowed)| {
            let fraction = ratio(used.into(), allowed.into());
            let (used, allowed) = (Amount::Count(used.into()), Amount::Count(allowed.into()));
            LimitCheck::new(LimitName::Processes, used, allowed, fraction)
        });
        let disk = size(LimitName::Disk, usage.disk, self.disk);
        [memory, cores, wall, processes, disk].into_iter().flatten()
    }
}

impl From<&Limits> for MonitorLimits {
    /// Every limit of a run that can be seen from outside: memory, cores, wall time, processes and disk. Fuel, output
    /// and open files are counted where they are spent.
    fn from(limits: &Limits) -> Self {
        Self {
            memory: Some(limits.memory),
            cpu_cores: Some(limits.cpu_cores),
            wall_time: Some(limits.wall_time),
            processes: Some(limits.processes),
            disk: Some(limits.disk),
        }
    }
}

/// Used by allowed; of nothing allowed, anything used is infinitely much.
fn ratio(used: f64, allowed: f64) -> f64 {
    if used == 0.0 { 0.0 } else { used / allowed }
}

/// Cores kept busy of late.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuRate {
    pub(super) cores: f64,
    /// Whether they were watched for long enough to be judged.
    pub(super) settled: bool,
}

/// Where the use of something stands to its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Below every alert threshold.
    Within,
    /// At or above the lowest alert threshold, and not above the limit.
    Near,
    /// Above the limit. All of the limit used and no more is [`Near`](Self::Near).
    Exceeded,
}

/// One limit, and how much of it is used.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LimitCheck {
    /// Which limit.
    pub limit: LimitName,
    /// How much is used.
    pub used: Amount,
    /// How much may be.
    pub allowed: Amount,
    /// `used` by `allowed`: 1 where the limit is reached.
    pub fraction: f64,
    /// What that means.
    pub standing: Standing,
    /// Whether it is known well enough to raise an alert.
    judged: bool,
}

impl LimitCheck {
    fn new(limit: LimitName, used: Amount, allowed: Amount, fraction: f64) -> Self {
        let standing = if used.exceeds(allowed) { Standing::Exceeded } else { Standing::Within };
        Self { limit, used, allowed, fraction, standing, judged: true }
    }

    /// Whether this much use reaches `threshold`, a fraction of the limit.
    pub(super) fn reaches(&self, threshold: f64) -> bool {
        // At the limit, where a guest may be held for as long as it runs, noise is no news.
        let margin = if self.limit == LimitName::CpuCores && threshold >= 1.0 { CPU_MARGIN } else { 1.0 };
        self.judged && self.fraction >= threshold * margin
    }

    /// The same, near its limit if it reaches `lowest`, the lowest alert threshold.
    pub(super) fn near(mut self, lowest: Option<f64>) -> Self {
        if self.standing == Standing::Within && lowest.is_some_and(|lowest| self.reaches(lowest)) {
            self.standing = Standing::Near;
        }
        self
    }
}

/// How a target stands to each of its limits.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LimitStatus {
    /// Every limit that is set and whose use is known.
    pub checks: Vec<LimitCheck>,
}

impl LimitStatus {
    /// The worst standing of all; within if there is no limit.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.checks.iter().map(|check| check.standing).max().unwrap_or(Standing::Within)
    }

    /// Whether any limit is exceeded.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.standing() == Standing::Exceeded
    }

    /// The limits that are exceeded.
    pub fn exceeded(&self) -> impl Iterator<Item = &LimitCheck> {
        self.checks.iter().filter(|check| check.standing == Standing::Exceeded)
    }

    /// The check of one limit; `None` if it is not set or its use is not known.
    #[must_use]
    pub fn of(&self, limit: LimitName) -> Option<&LimitCheck> {
        self.checks.iter().find(|check| check.limit == limit)
    }
}

/// A target came to use as much of a limit as a threshold says.
///
/// One is raised when the use crosses the threshold upward, and none again before it was below it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Alert {
    /// The session, as [`MonitoringSession::id`](super::MonitoringSession::id) names it.
    pub session: u64,
    /// Which limit.
    pub limit: LimitName,
    /// The threshold that was crossed, a fraction of the limit.
    pub threshold: f64,
    /// How much is used.
    pub used: Amount,
    /// How much may be.
    pub allowed: Amount,
    /// The sample that showed it.
    pub usage: ResourceUsage,
}
