//! Containers that a crashed engine left behind: known by their labels, removed when the next engine starts.
//!
//! Hardly ever is there one. A container ends of itself when its engine's connection is gone, and the daemon then removes it. Left
//! over is what was made and never started, and what a daemon that crashed itself did not clean up.

use super::daemon::Daemon;
use bollard::query_parameters::ListContainersOptionsBuilder;
use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

const LABEL_ENGINE: &str = "bailiwick.engine";

/// Which process an engine lives in. Written into a label, so that another engine can tell whether it is still alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// Of this start of this machine.
    boot: String,
    /// Of this pid namespace: in another one, the same number is another process.
    namespace: String,
    pid: u32,
    /// In clock ticks since the start of the machine: a process id is used again, with another start.
    start: u64,
}

impl Owner {
    /// This process. `None` where the system does not tell who it is; then nothing is ever reaped.
    pub(super) fn this() -> Option<Self> {
        let pid = std::process::id();
        Some(Self {
            boot: fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned(),
            namespace: fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.to_owned(),
            pid,
            start: start_of(pid)?,
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let owner = Self {
            boot: parts.next()?.to_owned(),
            namespace: parts.next()?.to_owned(),
            pid: parts.next()?.parse().ok()?,
            start: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(owner)
    }

    fn text(&self) -> String {
        format!("{} {} {} {}", self.boot, self.namespace, self.pid, self.start)
    }

    /// The labels of a container of this engine's.
    pub(super) fn labels(this: Option<&Self>) -> HashMap<String, String> {
        HashMap::from([(LABEL_ENGINE.to_owned(), this.map_or_else(|| "unknown".to_owned(), Self::text))])
    }

    /// Whether `this` process can tell for sure that the owner is dead.
    fn is_dead(&self, this: &Self) -> bool {
        if self.boot != this.boot || self.namespace != this.namespace {
            // Another machine's, perhaps, or another container's: alive for all that is known here.
            return false;
        }
        start_of(self.pid) != Some(self.start)
    }
}

/// When a process started; `None` if there is none of this number.
fn start_of(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the numbers after it do not.
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

/// Removes what dead engines left. Quietly: what cannot be removed now is found again by the next engine.
pub(super) async fn reap(daemon: &Arc<Daemon>, this: &Owner) {
    let filters = HashMap::from([("label", vec![LABEL_ENGINE])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let Ok(containers) = daemon.docker.list_containers(Some(options)).await else { return };
    for container in containers {
        let owner = container.labels.as_ref().and_then(|labels| labels.get(LABEL_ENGINE));
        let dead = owner.and_then(|text| Owner::parse(text)).is_some_and(|owner| owner.is_dead(this));
        if let (true, Some(id)) = (dead, container.id) {
            daemon.remove(id);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_dead_is_dead() {
        let this = Owner::this().unwrap();
        assert_eq!(Owner::parse(&this.text()), Some(this.clone()));
        assert!(!this.is_dead(&this), "this very process");
        let reused = Owner { start: this.start + 1, ..this.clone() };
        assert!(reused.is_dead(&this), "the same number, another process");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let other = Owner { pid: child.id(), start: start_of(child.id()).unwrap(), ..this.clone() };
        assert!(!other.is_dead(&this), "a child that has not been waited for");
        child.wait().unwrap();
        assert!(other.is_dead(&this), "a child that is gone");
        assert!(!Owner { boot: "x".to_owned(), ..other.clone() }.is_dead(&this), "on another machine");
        assert!(!Owner { namespace: "pid:[1]".to_owned(), ..other }.is_dead(&this), "in another namespace");
        for text in ["", "a b c d", "a b 1", "a b 1 2 3", "unknown"] {
            assert_eq!(Owner::parse(text), None, "{text}");
        }
    }
}
