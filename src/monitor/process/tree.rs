//! Who belongs to a tree of processes, and what they have used.
//!
//! The system links a process to its parent only, and only while that lives: a child whose parent ends is given to
//! another. So everything that was seen once is remembered by its id and the time it started, and a process is taken
//! for one of the tree if
//!
//! - its parent is one, or was one until just now, or
//! - it is in a session that one of the tree was seen to begin (`setsid`) and that others of the tree have been in
//!   ever since: a session is only ever inherited, or
//! - it is in such a process group, and its parent is in another session, which is what being given to another looks
//!   like.
//!
//! **What cannot be seen**: a process that leaves its session and loses its parent between two looks, before anyone
//! saw it. Nothing in `/proc` connects it to the tree then. Code that means to hide is for a container, where the
//! kernel keeps count.

use super::table::{self, Seen};
use crate::limits::ByteSize;
use crate::monitor::error::MonitorErrorKind;
use crate::monitor::usage::{RawUsage, Sighting};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// The most handles that one tree holds open, so that a fork bomb does not use up the host's file descriptors. Those
/// beyond are had when they are needed, from the id and the start time.
const MAX_HANDLES: usize = 256;

/// The most processes whose shared pages are told apart at each look: each costs a walk through its page tables.
const MAX_PROPORTIONAL: usize = 64;

/// How many looks it takes until processes that were found not to belong are looked at again: by then their ids may
/// name others. In between, a look reads the tree's own processes and new ones.
const LOOKS_BETWEEN_FULL: u32 = 10;

/// One process of the tree.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) seen: Seen,
    pub(super) handle: Option<OwnedFd>,
    /// Bytes handed to storage, as last read.
    written: Option<u64>,
}

/// Something that each process counts for itself and for the children that it waited for.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    ticks: u64,
    written: u64,
}

/// A process and all that came of it.
#[derive(Debug)]
pub(in crate::monitor) struct ProcessTree {
    root: u32,
    pub(super) members: HashMap<i32, Member>,
    /// Sessions that members began, and that members have been in ever since.
    sessions: HashSet<i32>,
    /// Process groups of the same kind.
    groups: HashSet<i32>,
    /// Processes that do not belong, with their sessions.
    foreign: HashMap<i32, i32>,
    looks: u32,
    /// What ended members used that nobody waited for who is in the tree.
    lost: Counted,
    /// What the members had used when monitoring began.
    before: Counted,
    /// The most told so far: what is told never falls.
    told: Counted,
    /// Whether anybody's writing could be read.
    written_known: bool,
}

impl ProcessTree {
    /// The tree of the process with this id, as it is now.
    pub(in crate::monitor) fn open(pid: u32) -> Result<Self, MonitorErrorKind> {
        let no_such = MonitorErrorKind::NoSuchProcess { pid };
        let Some(root) = i32::try_from(pid).ok().filter(|pid| *pid > 0) else { return Err(no_such) };
        let Some(seen) = table::see(root)? else { return Err(no_such) };
        let handle = match table::handle(root, seen.start) {
            Ok(Some(handle)) => handle,
            Ok(None) => return Err(no_such),
            Err(Errno::NOSYS) => return Err(MonitorErrorKind::Unsupported),
            Err(error) => return Err(MonitorErrorKind::System(error.into())),
        };
        let member = Member { seen, handle: Some(handle), written: table::written(root) };
        let mut tree = Self {
            root: pid,
            members: HashMap::from([(root, member)]),
            sessions: HashSet::new(),
            groups: HashSet::new(),
            foreign: HashMap::new(),
            looks: 1,
            lost: Counted::default(),
            before: Counted::default(),
            told: Counted::default(),
            written_known: false,
        };
        tree.scan(true)?;
        if tree.living().next().is_none() {
            return Err(no_such);
        }
        tree.before = tree.counted();
        Ok(tree)
    }

    /// The id that the tree was opened with.
    pub(super) fn root(&self) -> u32 {
        self.root
    }

    /// Looks at the whole tree once more.
    pub(in crate::monitor) fn look(&mut self) -> Result<Sighting, MonitorErrorKind> {
        self.scan(self.looks.is_multiple_of(LOOKS_BETWEEN_FULL))?;
        self.looks = self.looks.wrapping_add(1);
        let totals = self.totals();
        let mut living: Vec<_> = self.living().map(|member| &member.seen).collect();
        if living.is_empty() {
            return Ok(Sighting::Ended(Some(totals)));
        }
        // The same ones at each look, so that their numbers can be compared.
        living.sort_unstable_by_key(|seen| (seen.start, seen.pid));
        let sizes =
            living.iter().enumerate().map(|(n, seen)| table::memory(seen, n < MAX_PROPORTIONAL).bytes());
        let memory = ByteSize::from_bytes(sizes.fold(0, u64::saturating_add));
        let processes = u32::try_from(living.len()).ok();
        Ok(Sighting::Running(RawUsage { memory, processes, ..totals }))
    }

    /// The running totals as they were at the last look, without memory and processes.
    pub(in crate::monitor) fn totals(&self) -> RawUsage {
        let ticks = self.told.ticks.saturating_sub(self.before.ticks);
        let written = self.told.written.saturating_sub(self.before.written);
        RawUsage {
            cpu: duration(ticks),
            disk: self.written_known.then_some(ByteSize::from_bytes(written)),
            ..RawUsage::default()
        }
    }

    /// The members that run.
    pub(super) fn living(&self) -> impl Iterator<Item = &Member> {
        self.members.values().filter(|member| member.seen.alive)
    }

    fn counted(&self) -> Counted {
        let mut sum = self.lost;
        for member in self.members.values() {
            sum.ticks += member.seen.own + member.seen.waited;
            sum.written += member.written.unwrap_or_default();
        }
        sum
    }

    /// Brings the members up to date. `full` looks at every process of the system, and not only at the tree's own and
    /// at new ones.
    pub(super) fn scan(&mut self, full: bool) -> Result<(), MonitorErrorKind> {
        let pids = table::pids().map_err(MonitorErrorKind::System)?;
        if full {
            self.foreign.clear();
        } else {
            self.foreign.retain(|pid, _| pids.binary_search(pid).is_ok());
        }
        let mut fresh = HashMap::new();
        for pid in pids {
            if self.foreign.contains_key(&pid) {
                continue;
            }
            match table::see(pid) {
                Ok(Some(seen)) => drop(fresh.insert(pid, seen)),
                Ok(None) => {}
                // One that cannot be read and is ours has not ended for that.
                Err(error) if self.members.contains_key(&pid) => return Err(error),
                Err(_) => {}
            }
        }
        let gone = self.update(&fresh);
        self.adopt(&fresh, &gone);

        let sum = self.counted();
        self.told.ticks = self.told.ticks.max(sum.ticks);
        self.told.written = self.told.written.max(sum.written);
        Ok(())
    }

    /// Brings the known members up to date, and returns those that have ended and were waited for.
    fn update(&mut self, fresh: &HashMap<i32, Seen>) -> HashMap<i32, Member> {
        let gone: HashMap<_, _> = self
            .members
            .extract_if(|pid, member| fresh.get(pid).is_none_or(|seen| seen.start != member.seen.start))
            .collect();

        // What was counted by those that ended is either counted again by the nearest ancestor that lives, which
        // waited for them, or by nobody. Which one shows in how far that ancestor's own count has grown.
        let mut ended: HashMap<i32, Counted> = HashMap::new();
        for member in gone.values() {
            let counted = Counted {
                ticks: member.seen.own + member.seen.waited,
                written: member.written.unwrap_or_default(),
            };
            let mut ancestor = member.seen.parent;
            // No chain is longer than there are members in it.
            for _ in 0..gone.len() {
                match gone.get(&ancestor) {
                    Some(above) => ancestor = above.seen.parent,
                    None => break,
                }
            }
            let sum = match self.members.get(&ancestor) {
                Some(above) if above.seen.start <= member.seen.start => ended.entry(ancestor).or_default(),
                Some(_) | None => &mut self.lost,
            };
            sum.ticks += counted.ticks;
            sum.written += counted.written;
        }
        for (pid, member) in &mut self.members {
            let Some(now) = fresh.get(pid) else { continue };
            let written = table::written(*pid);
            self.written_known |= written.is_some();
            if let Some(ended) = ended.get(pid) {
                let ticks = now.waited.saturating_sub(member.seen.waited);
                self.lost.ticks += ended.ticks.saturating_sub(ticks);
                let grown = written.unwrap_or_default().saturating_sub(member.written.unwrap_or_default());
                self.lost.written += ended.written.saturating_sub(grown);
            }
            member.seen = *now;
            // A zombie's count may no longer be readable.
            member.written = written.max(member.written);
        }
        gone
    }

    /// Takes in those that belong and were not known.
    fn adopt(&mut self, fresh: &HashMap<i32, Seen>, gone: &HashMap<i32, Member>) {
        // While one of ours is in a session, its number names no other.
        let held: HashSet<_> = self.members.values().map(|member| member.seen.session).collect();
        self.sessions.retain(|session| held.contains(session));
        let held: HashSet<_> = self.members.values().map(|member| member.seen.group).collect();
        self.groups.retain(|group| held.contains(group));
        for member in self.members.values() {
            begun(&mut self.sessions, &mut self.groups, &member.seen);
        }

        let mut others: Vec<_> =
            fresh.values().filter(|seen| !self.members.contains_key(&seen.pid)).collect();
        // Parents before their children, so that mostly one pass is enough.
        others.sort_unstable_by_key(|seen| (seen.start, seen.pid));
        let mut room =
            MAX_HANDLES.saturating_sub(self.members.values().filter(|m| m.handle.is_some()).count());
        loop {
            let before = others.len();
            others.retain(|seen| {
                let belongs = self.belongs(seen, fresh, gone);
                if belongs {
                    begun(&mut self.sessions, &mut self.groups, seen);
                    let handle =
                        if room > 0 { table::handle(seen.pid, seen.start).ok().flatten() } else { None };
                    room -= usize::from(handle.is_some());
                    let written = table::written(seen.pid);
                    self.written_known |= written.is_some();
                    self.members.insert(seen.pid, Member { seen: **seen, handle, written });
                }
                !belongs
            });
            if others.len() == before {
                break;
            }
        }
        for seen in others {
            // One whose parent is not known may yet turn out to belong.
            if seen.parent == 0 || fresh.contains_key(&seen.parent) || self.foreign.contains_key(&seen.parent)
            {
                self.foreign.insert(seen.pid, seen.session);
            }
        }
    }

    fn belongs(&self, seen: &Seen, fresh: &HashMap<i32, Seen>, gone: &HashMap<i32, Member>) -> bool {
        let parent = match self.members.get(&seen.parent) {
            Some(parent) => Some(parent),
            // It ended while the table was read, unless its id names another by now.
            None if fresh.contains_key(&seen.parent) => None,
            None => gone.get(&seen.parent),
        };
        if parent.is_some_and(|parent| parent.seen.start <= seen.start)
            || self.sessions.contains(&seen.session)
        {
            return true;
        }
        let parent_session =
            fresh.get(&seen.parent).map(|parent| parent.session).or(self.foreign.get(&seen.parent).copied());
        self.groups.contains(&seen.group) && parent_session.is_some_and(|session| session != seen.session)
    }
}

/// Notes the session and the group that a member leads, and so began.
fn begun(sessions: &mut HashSet<i32>, groups: &mut HashSet<i32>, seen: &Seen) {
    if seen.session == seen.pid {
        sessions.insert(seen.session);
    }
    if seen.group == seen.pid {
        groups.insert(seen.group);
    }
}

fn duration(ticks: u64) -> Duration {
    let per_second = procfs::ticks_per_second();
    let nanos = u128::from(ticks) * 1_000_000_000 / u128::from(per_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
