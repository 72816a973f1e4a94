//! One sample of what a target uses.

use crate::limits::{ByteSize, millis};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a target uses at one moment.
///
/// What each number covers depends on the target:
///
/// | | a process and its descendants | a container | a run that is fed |
/// |---|---|---|---|
/// | `wall` | since monitoring began | since monitoring began | as told |
/// | `cpu` | since monitoring began; counted in ticks of the system, mostly 10 ms | since it began | as told |
/// | `memory` | proportional set size where it can be read; else, and beyond 64 processes, resident set size, which counts shared pages each time | as its cgroup counts it | as told |
/// | `disk` | bytes handed to storage since monitoring began; `None` where the owner is someone else | as its runtime tells | as told |
/// | `processes` | those alive, without zombies | as its cgroup counts them, threads included | as told |
///
/// In JSON: `wall_ms`, `cpu_ms` (milliseconds, with a fraction), `memory_bytes`, `peak_memory_bytes`, `disk_bytes`,
/// `processes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResourceUsage {
    /// Time on the clock, by a clock that is never set.
    #[serde(rename = "wall_ms", with = "millis")]
    pub wall: Duration,
    /// Time on processors: two busy cores use two seconds a second.
    #[serde(rename = "cpu_ms", with = "millis")]
    pub cpu: Duration,
    /// Memory held.
    #[serde(rename = "memory_bytes")]
    pub memory: ByteSize,
    /// The most memory held so far: the largest sample, or more where the target keeps its own mark.
    #[serde(rename = "peak_memory_bytes")]
    pub peak_memory: ByteSize,
    /// Disk used; `None` where it is not known.
    #[serde(rename = "disk_bytes")]
    pub disk: Option<ByteSize>,
    /// Processes; `None` where they are not counted.
    pub processes: Option<u32>,
}

impl ResourceUsage {
    /// A sample with this much time, and `memory` as its own peak; disk and processes are not known.
    #[must_use]
    pub fn new(wall: Duration, cpu: Duration, memory: ByteSize) -> Self {
        Self { wall, cpu, memory, peak_memory: memory, disk: None, processes: None }
    }

    /// The same with the most memory held so far, where the target knows better than its samples tell.
    #[must_use]
    pub fn with_peak_memory(mut self, peak: ByteSize) -> Self {
        self.peak_memory = peak;
        self
    }

    /// The same with this much disk.
    #[must_use]
    pub fn with_disk(mut self, disk: ByteSize) -> Self {
        self.disk = Some(disk);
        self
    }

    /// The same with this many processes.
    #[must_use]
    pub fn with_processes(mut self, processes: u32) -> Self {
        self.processes = Some(processes);
        self
    }

    /// Cores kept busy on average between `earlier` and this; `None` if no time has passed between them.
    #[must_use]
    pub fn cores_since(&self, earlier: &Self) -> Option<f64> {
        let wall = self.wall.checked_sub(earlier.wall)?.as_secs_f64();
        let cpu = self.cpu.saturating_sub(earlier.cpu).as_secs_f64();
        (wall > 0.0).then(|| cpu / wall)
    }
}

/// What a source tells of its target. The session adds the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RawUsage {
    /// Time on processors, a running total from whatever start.
    pub(crate) cpu: Duration,
    /// Memory held.
    pub(crate) memory: ByteSize,
    /// The most memory held so far, where the target keeps that mark.
    pub(crate) peak_memory: Option<ByteSize>,
    /// Disk used, where that is known.
    pub(crate) disk: Option<ByteSize>,
    /// Processes, where they are counted.
    pub(crate) processes: Option<u32>,
}

/// What a source sees when it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sighting {
    /// The target is there.
    Running(RawUsage),
    /// It has ended, and this is the sum of it where that can still be read: the running totals count, its memory
    /// and processes are gone.
    Ended(Option<RawUsage>),
}
