//! What a session's samples come to.

use super::usage::ResourceUsage;
use crate::limits::{ByteSize, millis};
use serde::Serialize;
use std::time::Duration;

/// The most samples that a session keeps, about 1 MB of them: a quarter of an hour at ten a second. One that watches for
/// longer drops every other one and then keeps every second, fourth, eighth one that comes.
pub const MAX_TIMELINE: usize = 10_000;

/// The peak, the mean and the percentiles of something sampled.
///
/// Percentiles are by the nearest rank: `p95` is the least sample that is no less than 95 % of all, and so always one that
/// was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Summary<T> {
    /// The most.
    pub peak: T,
    /// The mean.
    pub mean: T,
    /// Half of the samples are no more than this.
    pub p50: T,
    /// 95 % of them are no more than this.
    pub p95: T,
    /// 99 % of them are no more than this.
    pub p99: T,
}

impl<T: Copy + Default> Summary<T> {
    fn new(sorted: &[T], peak: T, mean: T) -> Self {
        let rank = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { peak, mean, p50: rank(50), p95: rank(95), p99: rank(99) }
    }
}

/// What came of a session so far.
///
/// Peaks, means and totals count every sample; percentiles those of the timeline.
///
/// In JSON: `duration_ms`, `samples`, `cpu_ms`, `cpu_cores` and `memory_bytes` (each `{peak, mean, p50, p95, p99}`),
/// `disk_bytes`, `peak_processes`, `timeline` (a list of [`ResourceUsage`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PerformanceMetrics {
    /// Time on the clock from the beginning of the session to its last sample.
    #[serde(rename = "duration_ms", with = "millis")]
    pub duration: Duration,
    /// How many samples were taken.
    pub samples: u64,
    /// Time on processors in all.
    #[serde(rename = "cpu_ms", with = "millis")]
    pub cpu: Duration,
    /// Cores kept busy from one sample to the next (samples of processes and containers that come less than 50 ms
    /// after another one, as when asked for, are passed over); the mean is over the whole time.
    pub cpu_cores: Summary<f64>,
    /// Memory held. The peak is more than the largest sample where the target keeps its own mark.
    #[serde(rename = "memory_bytes")]
    pub memory: Summary<ByteSize>,
    /// The most disk used; `None` where that is not known.
    #[serde(rename = "disk_bytes")]
    pub disk: Option<ByteSize>,
    /// The most processes at once; `None` where they are not counted.
    pub peak_processes: Option<u32>,
    /// The samples, oldest first, thinned to at most [`MAX_TIMELINE`] and the last one.
    pub timeline: Vec<ResourceUsage>,
}

/// Cores kept busy from one sample to the next.
#[derive(Debug)]
struct Rates {
    /// Samples that are less than this apart tell nothing: time on processors is counted in steps.
    apart: Duration,
    base: ResourceUsage,
}

impl Rates {
    fn new(apart: Duration) -> Self {
        Self { apart, base: ResourceUsage::default() }
    }

    /// The cores kept busy since the sample before; `None` if it is too near.
    fn next(&mut self, usage: &ResourceUsage) -> Option<f64> {
        if usage.wall < self.base.wall + self.apart {
            return None;
        }
        let cores = usage.cores_since(&self.base)?;
        self.base = *usage;
        Some(cores)
    }
}

/// The samples of a session.
#[derive(Debug)]
pub(super) struct Timeline {
    kept: Vec<ResourceUsage>,
    /// Of this many samples that come, one is kept.
    stride: u64,
    samples: u64,
    last: Option<ResourceUsage>,
    /// Whether `last` is also the last of `kept`.
    last_kept: bool,
    memory_sum: u128,
    rates: Rates,
    peak_cores: f64,
    peak_processes: Option<u32>,
    peak_disk: Option<ByteSize>,
}

impl Timeline {
    /// An empty one, whose samples tell the use of processors where they are at least `apart` from each other.
    pub(super) fn new(apart: Duration) -> Self {
        Self {
            kept: Vec::new(),
            stride: 1,
            samples: 0,
            last: None,
            last_kept: false,
            memory_sum: 0,
            rates: Rates::new(apart),
            peak_cores: 0.0,
            peak_processes: None,
            peak_disk: None,
        }
    }

    /// The newest sample; all zero if there is none.
    pub(super) fn last(&self) -> ResourceUsage {
        self.last.unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The newest of the samples kept that is at least as old as `wall`.
    pub(super) fn at(&self, wall: Duration) -> Option<&ResourceUsage> {
        let after = self.kept.partition_point(|sample| sample.wall <= wall);
        after.checked_sub(1).map(|index| &self.kept[index])
    }

    pub(super) fn push(&mut self, usage: ResourceUsage) {
        if let Some(cores) = self.rates.next(&usage) {
            self.peak_cores = self.peak_cores.max(cores);
        }
        self.last_kept = self.samples.is_multiple_of(self.stride);
        if self.last_kept {
            if self.kept.len() == MAX_TIMELINE {
                let mut index = 0;
                self.kept.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.stride *= 2;
                // The length is even, so that this sample is one of those that the doubled stride keeps.
            }
            self.kept.push(usage);
        }
        self.samples += 1;
        self.memory_sum += u128::from(usage.memory.bytes());
        self.peak_processes = self.peak_processes.max(usage.processes);
        self.peak_disk = self.peak_disk.max(usage.disk);
        self.last = Some(usage);
    }

    /// Puts the sums of an ended target into its last sample: it has no memory and no processes to be sampled.
    pub(super) fn amend(&mut self, wall: Duration, cpu: Duration, disk: Option<ByteSize>) {
        let Some(last) = &mut self.last else { return };
        last.wall = last.wall.max(wall);
        last.cpu = last.cpu.max(cpu);
        last.disk = last.disk.max(disk);
        self.peak_disk = self.peak_disk.max(disk);
        if self.last_kept
            && let Some(kept) = self.kept.last_mut()
        {
            *kept = *last;
        }
    }

    pub(super) fn metrics(&self) -> PerformanceMetrics {
        let last = self.last();
        let mut timeline = Vec::with_capacity(self.kept.len() + usize::from(!self.last_kept));
        timeline.extend_from_slice(&self.kept);
        if !self.last_kept {
            timeline.extend(self.last);
        }

        let mut memory: Vec<_> = timeline.iter().map(|sample| sample.memory).collect();
        memory.sort_unstable();
        let mean = self.memory_sum.checked_div(self.samples.into()).unwrap_or_default();
        // A mean of 64-bit numbers is one.
        let mean = ByteSize::from_bytes(u64::try_from(mean).unwrap_or(u64::MAX));
        let memory = Summary::new(&memory, last.peak_memory, mean);

        let origin = ResourceUsage::default();
        let mut rates = Rates::new(self.rates.apart);
        let mut cores: Vec<_> = timeline.iter().filter_map(|sample| rates.next(sample)).collect();
        cores.sort_unstable_by(f64::total_cmp);
        // The last interval may have been amended since its sample came.
        let peak = cores.last().copied().unwrap_or_default().max(self.peak_cores);
        let cpu_cores = Summary::new(&cores, peak, last.cores_since(&origin).unwrap_or_default());

        PerformanceMetrics {
            duration: last.wall,
            samples: self.samples,
            cpu: last.cpu,
            cpu_cores,
            memory,
            disk: self.peak_disk,
            peak_processes: self.peak_processes,
            timeline,
        }
    }
}
