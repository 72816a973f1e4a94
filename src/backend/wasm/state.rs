//! What the host keeps for one guest instance: its files, its output, its memory accounts and its report.

use super::errno::Errno;
use super::vfs::{Ino, Vfs};
use crate::backend::{Gauge, Output};
use crate::control::RunControl;
use crate::limits::ByteSize;
use crate::monitor::ResourceUsage;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::{Memory, ResourceLimiter};
use wasmtime_wasi::p1::WasiP1Ctx;

/// The most bytes of a value, exception type or message that are kept: they are shown to people and models.
pub(crate) const MAX_REPORT: usize = 1 << 20;
/// The most table elements a guest may hold; ours need about 6,000 and never grow them.
const MAX_TABLE_ELEMENTS: usize = 100_000;
/// How much of the host's memory the directory listings that a guest is in the middle of reading may take. One of 200,000 names, as many as
/// the default disk limit has room for, takes less.
const MAX_LISTINGS: usize = 32 << 20;
/// The descriptor of the preopened root directory.
pub(crate) const PREOPEN_FD: u32 = 3;

/// An open descriptor.
#[derive(Clone, Debug)]
pub(crate) enum Desc {
    Stdin,
    Stdout,
    Stderr,
    Dir { ino: Ino, preopen: bool, listing: Option<Arc<[(String, Ino)]>> },
    File { ino: Ino, position: u64, read: bool, write: bool, append: bool },
}

/// The open descriptors of a guest.
#[derive(Debug)]
pub(crate) struct Fds {
    slots: Vec<Option<Desc>>,
    limit: usize,
    /// Bytes in the listings of all descriptors.
    listings: usize,
}

fn listing_cost(listing: Option<&Arc<[(String, Ino)]>>) -> usize {
    let entry = size_of::<(String, Ino)>();
    listing.map_or(0, |names| names.iter().map(|(name, _)| entry + name.len()).sum())
}

impl Fds {
    pub(crate) fn new() -> Self {
        let root = Desc::Dir { ino: Vfs::ROOT, preopen: true, listing: None };
        let slots = [Desc::Stdin, Desc::Stdout, Desc::Stderr, root].map(Some).to_vec();
        Self { slots, limit: 0, listings: 0 }
    }

    /// Sets how many descriptors may be open, the three standard streams included; the root that a guest is given does not count.
    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.limit = limit as usize + 1;
    }

    pub(crate) fn get(&self, fd: u32) -> Result<&Desc, Errno> {
        self.slots.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Desc, Errno> {
        self.slots.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    /// Whether another descriptor may be opened.
    pub(crate) fn room(&self) -> Result<(), Errno> {
        let open = self.slots.iter().flatten().count();
        if open < self.limit { Ok(()) } else { Err(Errno::Mfile) }
    }

    /// Takes the lowest free number, as POSIX has it.
    pub(crate) fn insert(&mut self, desc: Desc) -> u32 {
        let free = self.slots.iter().position(Option::is_none).unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[free] = Some(desc);
        // The limit keeps the table far below 2^32.
        u32::try_from(free).unwrap_or(u32::MAX)
    }

    /// Keeps a directory's listing while it is read, or drops it.
    pub(crate) fn set_listing(&mut self, fd: u32, new: Option<Arc<[(String, Ino)]>>) -> Result<(), Errno> {
        let cost = listing_cost(new.as_ref());
        if self.listings.saturating_add(cost) > MAX_LISTINGS {
            return Err(Errno::Nomem);
        }
        if let Desc::Dir { listing, .. } = self.get_mut(fd)? {
            let old = std::mem::replace(listing, new);
            self.listings = self.listings.saturating_sub(listing_cost(old.as_ref())) + cost;
        }
        Ok(())
    }

    pub(crate) fn take(&mut self, fd: u32) -> Result<Desc, Errno> {
        let desc = self.slots.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::Badf)?;
        self.forget(&desc);
        Ok(desc)
    }

    /// Puts `desc` where `fd` is and returns what was there.
    pub(crate) fn put(&mut self, fd: u32, desc: Desc) -> Option<Desc> {
        if let Desc::Dir { listing, .. } = &desc {
            self.listings += listing_cost(listing.as_ref());
        }
        let old = self.slots.get_mut(fd as usize)?.replace(desc);
        if let Some(old) = &old {
            self.forget(old);
        }
        old
    }

    fn forget(&mut self, desc: &Desc) {
        if let Desc::Dir { listing, .. } = desc {
            self.listings = self.listings.saturating_sub(listing_cost(listing.as_ref()));
        }
    }
}

/// Standard input and output of a run.
pub(crate) struct Stdio {
    pub(crate) stdin: Vec<u8>,
    pub(crate) stdin_position: usize,
    pub(crate) output: Output,
    pub(crate) last_write: Option<Instant>,
}

/// How long after a write a guest may take to note that it has written: hundreds of times what it does.
const NOTING_TIME: Duration = Duration::from_micros(200);

impl Stdio {
    /// Whether the guest may not have noted its last write yet.
    pub(crate) fn has_just_written(&self) -> bool {
        self.last_write.is_some_and(|at| at.elapsed() < NOTING_TIME)
    }
}

/// Bounds and measures what a guest holds of the host's memory, over all its linear memories and tables.
#[derive(Debug)]
pub(crate) struct Limiter {
    pub(crate) limit: usize,
    pub(crate) current: usize,
    pub(crate) peak: usize,
    /// Whether more was asked for than the limit allows.
    pub(crate) refused: bool,
}

impl Limiter {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, current: 0, peak: 0, refused: false }
    }

    fn grow(&mut self, from: usize, to: usize) -> bool {
        let total = self.current.saturating_add(to.saturating_sub(from));
        if total > self.limit {
            self.refused = true;
            return false;
        }
        self.current = total;
        self.peak = self.peak.max(total);
        true
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, from: usize, to: usize, max: Option<usize>) -> wasmtime::Result<bool> {
        if max.is_some_and(|max| to > max) {
            self.refused = true;
            return Ok(false);
        }
        Ok(self.grow(from, to))
    }

    fn table_growing(&mut self, from: usize, to: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        let element = size_of::<usize>();
        Ok(to <= MAX_TABLE_ELEMENTS && self.grow(from * element, to * element))
    }

    fn instances(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        2
    }
}

/// What the guest says of its run, beside its output.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) value_json: Option<String>,
    pub(crate) value_repr: Option<String>,
    pub(crate) exception_type: Option<String>,
    pub(crate) exception_message: Option<String>,
}

/// Everything that belongs to one guest instance.
pub(crate) struct GuestState {
    pub(crate) wasi: WasiP1Ctx,
    pub(crate) fs: Vfs,
    pub(crate) fds: Fds,
    pub(crate) stdio: Stdio,
    pub(crate) limiter: Limiter,
    pub(crate) control: RunControl,
    pub(crate) report: Report,
    pub(crate) memory: Option<Memory>,
    /// The zero of the guest's monotonic clock: when the instance was made.
    pub(crate) epoch: Instant,
    /// When the run began.
    pub(crate) start: Instant,
    /// The thread's CPU clock when the run began, in nanoseconds.
    pub(crate) cpu_start: u64,
    /// Where samples go, while the run is measured at an interval.
    pub(crate) gauge: Option<Arc<Gauge>>,
}

impl GuestState {
    /// What the run uses at the moment.
    pub(crate) fn usage(&self) -> ResourceUsage {
        let cpu = Duration::from_nanos(super::wasi::thread_cpu().saturating_sub(self.cpu_start));
        ResourceUsage::new(self.start.elapsed(), cpu, ByteSize::from_bytes(self.limiter.current as u64))
            .with_peak_memory(ByteSize::from_bytes(self.limiter.peak as u64))
            .with_disk(ByteSize::from_bytes(self.fs.used()))
            .with_processes(1)
    }
}
