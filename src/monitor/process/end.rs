//! Ending a whole tree of processes, and nothing else.

use super::table;
use super::tree::ProcessTree;
use crate::monitor::error::MonitorErrorKind;
use rustix::io::Errno;
use rustix::process::{Signal, getpid, pidfd_send_signal};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How long killed processes may take to be gone. Most are within a millisecond; one that waits for a device that does
/// not answer never is.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// How often the tree is looked at for processes that were forked since the last look, before it is killed as it is.
/// Every look halts all who could fork, so two or three are enough even for a fork bomb.
const MAX_HALTS: usize = 16;

/// The time between looks at whether the killed are gone.
const RETRY: Duration = Duration::from_millis(1);

impl ProcessTree {
    /// Kills every process of the tree; `false` if there was none left.
    ///
    /// They are halted first, until a look finds no new one: a child that is forked between a look and the death of
    /// its parent belongs to no tree any more, and would be missed.
    pub(in crate::monitor) fn end(&mut self) -> Result<bool, MonitorErrorKind> {
        let deadline = Instant::now() + GONE_WITHIN;
        self.scan(true)?;
        if self.members.contains_key(&getpid().as_raw_pid()) {
            return Err(MonitorErrorKind::OwnProcess { pid: self.root() });
        }
        let mut ended_any = false;
        loop {
            let mut halted = HashSet::new();
            for _ in 0..MAX_HALTS {
                let new: Vec<_> = self.living().map(|member| (member.seen.pid, member.seen.start)).collect();
                let before = halted.len();
                for process in new {
                    if halted.insert(process) {
                        // One that cannot be halted cannot be killed, which is told below.
                        _ = self.signal(process.0, Signal::STOP);
                    }
                }
                if halted.len() == before {
                    break;
                }
                if self.scan(false).is_err() {
                    // Those that are halted have to be killed all the same.
                    break;
                }
            }

            let mut refused = HashSet::new();
            for (pid, start) in halted {
                match self.signal(pid, Signal::KILL) {
                    Ok(sent) => ended_any |= sent,
                    Err(Errno::PERM) => drop(refused.insert((pid, start))),
                    // A handle could not be had, as when all file descriptors are in use: the next round tries again.
                    Err(_) => {}
                }
            }

            self.scan(true)?;
            let left: Vec<_> = self.living().map(|member| (member.seen.pid, member.seen.start)).collect();
            if left.is_empty() {
                return Ok(ended_any);
            }
            if let Some((pid, _)) = left.iter().copied().min()
                && left.iter().all(|process| refused.contains(process))
            {
                return Err(MonitorErrorKind::NotPermitted { pid: pid.unsigned_abs() });
            }
            if Instant::now() >= deadline {
                let left = u32::try_from(left.len()).unwrap_or(u32::MAX);
                return Err(MonitorErrorKind::StillAlive { left });
            }
            std::thread::sleep(RETRY);
        }
    }

    /// Sends a signal to the very process that was seen under this id; `false` if it is no more.
    fn signal(&self, pid: i32, signal: Signal) -> Result<bool, Errno> {
        let Some(member) = self.members.get(&pid) else { return Ok(false) };
        let sent = match &member.handle {
            Some(handle) => pidfd_send_signal(handle, signal),
            None => match table::handle(pid, member.seen.start)? {
                Some(handle) => pidfd_send_signal(handle, signal),
                None => return Ok(false),
            },
        };
        match sent {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    fn sleeper() -> Child {
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    /// What a tree is left with when its process has ended and another has the same id: another start time, and
    /// either no handle or one of the dead.
    fn tree_of_one_before(child: &Child, dead: Option<&mut Child>) -> ProcessTree {
        let mut tree = ProcessTree::open(child.id()).unwrap();
        let member = tree.members.get_mut(&child.id().try_into().unwrap()).unwrap();
        member.seen.start -= 1;
        member.handle = None;
        if let Some(dead) = dead {
            let pid = dead.id().try_into().unwrap();
            let start = table::see(pid).unwrap().unwrap().start;
            member.handle = Some(table::handle(pid, start).unwrap().unwrap());
            dead.kill().unwrap();
            dead.wait().unwrap();
        }
        tree
    }

    #[test]
    fn a_process_that_has_the_id_of_a_dead_one_is_spared() {
        let mut child = sleeper();
        let pid = child.id().try_into().unwrap();
        // No signal goes to it, whether a handle is held or not, and no look takes it for the dead one.
        for dead in [None, Some(&mut sleeper())] {
            let mut tree = tree_of_one_before(&child, dead);
            assert_eq!(tree.signal(pid, Signal::KILL), Ok(false));
            assert!(!tree.end().unwrap());
            assert!(tree.members.is_empty());
        }
        assert!(child.try_wait().unwrap().is_none());

        // The very one is killed, whether a handle is held or not.
        let mut tree = ProcessTree::open(child.id()).unwrap();
        tree.members.get_mut(&pid).unwrap().handle = None;
        assert!(tree.end().unwrap());
        assert!(child.try_wait().unwrap().is_some());
        assert!(!tree.end().unwrap());
    }
}
