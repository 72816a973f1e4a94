//! What the system's table of processes says, read through `/proc`.

use crate::limits::ByteSize;
use crate::monitor::error::MonitorErrorKind;
use procfs::ProcError;
use procfs::process::Process;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io;

/// One process as it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) pid: i32,
    /// When it started, in ticks since the system did: with the id, this names one process and never another.
    pub(super) start: u64,
    pub(super) parent: i32,
    pub(super) group: i32,
    pub(super) session: i32,
    /// Ticks that its own threads were on a processor, those that have ended included.
    pub(super) own: u64,
    /// Ticks of the children that it waited for, and of theirs.
    pub(super) waited: u64,
    /// Whether any thread of it runs. One that ended and was not waited for yet does not.
    pub(super) alive: bool,
    /// Whether its first thread has ended while others run. Files about memory are empty for such a thread.
    headless: bool,
    rss_pages: u64,
}

/// The ids of all processes, in ascending order.
pub(super) fn pids() -> io::Result<Vec<i32>> {
    let mut pids = Vec::with_capacity(512);
    for entry in std::fs::read_dir("/proc")? {
        if let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            pids.push(pid);
        }
    }
    pids.sort_unstable();
    Ok(pids)
}

/// The process of this id; `None` if there is none, or none that this user may see.
pub(super) fn see(pid: i32) -> Result<Option<Seen>, MonitorErrorKind> {
    let stat = match Process::new(pid).and_then(|process| process.stat()) {
        Ok(stat) => stat,
        Err(error) => return absent(error).map(|()| None),
    };
    let ended = matches!(stat.state, 'Z' | 'X' | 'x');
    // A zombie counts itself as its one thread.
    let headless = ended && stat.num_threads > 1;
    Ok(Some(Seen {
        pid,
        start: stat.starttime,
        parent: stat.ppid,
        group: stat.pgrp,
        session: stat.session,
        own: stat.utime.saturating_add(stat.stime),
        waited: u64::try_from(stat.cutime.saturating_add(stat.cstime)).unwrap_or_default(),
        alive: !ended || headless,
        headless,
        rss_pages: stat.rss,
    }))
}

/// Tells a process that is not there, which is no failure, from what is one.
fn absent(error: ProcError) -> Result<(), MonitorErrorKind> {
    match error {
        ProcError::NotFound(_) | ProcError::PermissionDenied(_) => Ok(()),
        // Between opening a file and reading it, the process ended.
        ProcError::Io(error, _) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Ok(()),
        ProcError::Io(error, _) => Err(MonitorErrorKind::System(error)),
        error @ (ProcError::Incomplete(_) | ProcError::Other(_) | ProcError::InternalError(_)) => {
            Err(MonitorErrorKind::System(io::Error::other(error)))
        }
    }
}

/// Memory that a process holds: its share of what it shares with others (`proportional`, which costs a walk through
/// its page tables), or all of that, where the former is not asked for or not to be had.
pub(super) fn memory(seen: &Seen, proportional: bool) -> ByteSize {
    let (tid, rss_pages) = match seen.headless.then(|| living_thread(seen.pid)).flatten() {
        Some(thread) => (thread.pid, thread.rss_pages),
        None => (seen.pid, seen.rss_pages),
    };
    let pss = if proportional { pss(tid) } else { None };
    pss.unwrap_or_else(|| ByteSize::from_bytes(rss_pages.saturating_mul(procfs::page_size())))
}

fn pss(pid: i32) -> Option<ByteSize> {
    let rollup = Process::new(pid).and_then(|process| process.smaps_rollup()).ok()?;
    let pss = rollup.memory_map_rollup.0.first()?.extension.map.get("Pss")?;
    Some(ByteSize::from_bytes(*pss))
}

/// A thread that runs, of a process whose first one does not. A thread has its own directory in `/proc`, though it
/// is not listed.
fn living_thread(pid: i32) -> Option<Seen> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let tids = tasks.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    tids.filter(|tid| *tid != pid).find_map(|tid| see(tid).ok()?.filter(|thread| !thread.headless))
}

/// Bytes that a process, and the children it waited for, handed to storage; `None` where this user may not know.
pub(super) fn written(pid: i32) -> Option<u64> {
    Process::new(pid).and_then(|process| process.io()).ok().map(|io| io.write_bytes)
}

/// A handle to the very process that `pid` and `start` name.
///
/// The handle is had first and the start looked at then: while the handle's process is there, its id names no other.
pub(super) fn handle(pid: i32, start: u64) -> Result<Option<OwnedFd>, Errno> {
    let Some(raw) = Pid::from_raw(pid) else { return Ok(None) };
    let fd = match pidfd_open(raw, PidfdFlags::empty()) {
        Ok(fd) => fd,
        // `INVAL` and `NOENT`: the id now names a thread.
        Err(Errno::SRCH | Errno::INVAL | Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error),
    };
    let same = see(pid).ok().flatten().is_some_and(|seen| seen.start == start);
    Ok(same.then_some(fd))
}
