//! A container's control group, read where the daemon is on this machine: exact at any moment, and there even where the daemon itself
//! cannot read it.

use crate::limits::ByteSize;
use crate::monitor::RawUsage;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const ROOT: &str = "/sys/fs/cgroup";

/// The files of one control group that hold the numbers.
#[derive(Debug)]
pub(super) struct Cgroup {
    cpu: PathBuf,
    /// In version 2 the processor's time is one of several lines, in microseconds; in version 1 the file's only number, in nanoseconds.
    is_v2: bool,
    memory: PathBuf,
    peak: PathBuf,
    processes: PathBuf,
}

impl Cgroup {
    /// The control group of the container `id`, whose first process is `pid`. `None` if the daemon is on another machine, or in another
    /// container: then no process of this number is in a group of that name.
    pub(super) fn of(id: &str, pid: i64) -> Option<Self> {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        Self::find(id, &groups, Path::new(ROOT)).filter(|cgroup| cgroup.read().is_some())
    }

    fn find(id: &str, groups: &str, root: &Path) -> Option<Self> {
        let path = |controller: &str| {
            groups.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':');
                let controllers = parts.nth(1)?;
                let path = parts.next()?;
                (controllers.split(',').any(|name| name == controller) && path.contains(id))
                    .then(|| path.trim_start_matches('/').to_owned())
            })
        };
        if let (Some(memory), Some(cpu), Some(pids)) = (path("memory"), path("cpuacct"), path("pids")) {
            let memory = root.join("memory").join(memory);
            return Some(Self {
                cpu: root.join("cpuacct").join(cpu).join("cpuacct.usage"),
                is_v2: false,
                peak: memory.join("memory.max_usage_in_bytes"),
                memory: memory.join("memory.usage_in_bytes"),
                processes: root.join("pids").join(pids).join("pids.current"),
            });
        }
        // The only controllers of version 2 have no name there.
        let group = root.join(path("")?);
        Some(Self {
            cpu: group.join("cpu.stat"),
            is_v2: true,
            memory: group.join("memory.current"),
            peak: group.join("memory.peak"),
            processes: group.join("pids.current"),
        })
    }

    /// What the group uses; `None` once it is gone.
    pub(super) fn read(&self) -> Option<RawUsage> {
        let number = |path: &Path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        let cpu = if self.is_v2 {
            let stat = fs::read_to_string(&self.cpu).ok()?;
            let line = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
            Duration::from_micros(line.trim().parse().ok()?)
        } else {
            Duration::from_nanos(number(&self.cpu)?)
        };
        Some(RawUsage {
            cpu,
            memory: ByteSize::from_bytes(number(&self.memory)?),
            peak_memory: number(&self.peak).map(ByteSize::from_bytes),
            disk: None,
            processes: number(&self.processes).and_then(|n| u32::try_from(n).ok()),
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_found_and_read() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("cpuacct/docker/abc/cpuacct.usage", "1500000000\n");
        write("memory/docker/abc/memory.usage_in_bytes", "4096\n");
        write("memory/docker/abc/memory.max_usage_in_bytes", "8192\n");
        write("pids/docker/abc/pids.current", "3\n");
        let groups = "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n3:pids:/docker/abc\n0::/\n";
        let usage = Cgroup::find("abc", groups, root.path()).unwrap().read().unwrap();
        let v1 = RawUsage {
            cpu: Duration::from_millis(1500),
            memory: ByteSize::from_bytes(4096),
            peak_memory: Some(ByteSize::from_bytes(8192)),
            disk: None,
            processes: Some(3),
        };
        assert_eq!(usage, v1);
        write("system.slice/docker-abc.scope/cpu.stat", "usage_usec 1500000\nuser_usec 1\n");
        write("system.slice/docker-abc.scope/memory.current", "4096\n");
        write("system.slice/docker-abc.scope/pids.current", "3\n");
        let v2 = Cgroup::find("abc", "0::/system.slice/docker-abc.scope\n", root.path()).unwrap();
        assert_eq!(v2.read().unwrap(), RawUsage { peak_memory: None, ..v1 });
        assert!(Cgroup::find("other", groups, root.path()).is_none(), "somebody else's");
        fs::remove_dir_all(root.path().join("system.slice")).unwrap();
        assert_eq!(v2.read(), None, "it has ended");
    }
}
