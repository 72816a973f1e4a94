//! What a container is made of. Pure: limits and names in, the body of the request to the daemon out.

use crate::Language;
use crate::limits::Limits;
use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig, ResourcesUlimits,
    RestartPolicy, RestartPolicyNameEnum,
};
use std::collections::HashMap;

/// Where the runner lies in every image of ours.
pub(super) const RUNNER: &str = "/opt/bailiwick/runner";
/// What the runner has open at most: its streams, the kernel's counters, and a directory for each level that it collects files from.
const RUNNER_FILES: i64 = 160;
/// The user that everything in a container runs as.
const USER: &str = "1000:1000";

/// How a container's interpreter is started, as `containers/PROTOCOL.md` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mode {
    /// For one job.
    Cold,
    /// For one job, with what takes long imported before.
    Warm,
    /// For the jobs of an environment.
    Shared,
}

impl Mode {
    fn as_str(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
            Self::Shared => "shared",
        }
    }
}

/// Threads and processes that are not the code's: the runner, and what an interpreter starts for itself.
fn own_processes(language: Language) -> u32 {
    match language {
        Language::Python | Language::Shell => 1,
        // Node's own: one of the inspector's, one for delayed tasks, and libuv's four when files are read asynchronously.
        Language::JavaScript => 8,
    }
}

/// Files that an interpreter has open for itself: the worker's socket, and what Node's event loop is made of.
fn own_files(language: Language) -> u32 {
    match language {
        Language::Python => 1,
        Language::JavaScript => 20,
        Language::Shell => 0,
    }
}

/// What is asked of the daemon.
pub(super) struct Spec<'a> {
    pub(super) image: &'a str,
    pub(super) language: Language,
    pub(super) mode: Mode,
    pub(super) limits: &'a Limits,
    pub(super) labels: HashMap<String, String>,
    pub(super) oci_runtime: Option<&'a str>,
    /// How many processors the daemon's machine has.
    pub(super) processors: Option<i64>,
}

impl Spec<'_> {
    /// The body of the request. Closed in every respect:
    ///
    /// - no network, no bind mount, no volume, no device, no socket, nothing of the host's environment
    /// - a read-only root; /workspace and /tmp are each a tmpfs of the disk limit, whose sum the runner watches
    /// - no capability, no new privileges, the daemon's seccomp filter, user 1000
    /// - memory with swap, processors, processes and open files limited; no core dumps
    /// - no log, so that output fills no disk of the host's
    /// - removed by the daemon itself when it ends, which it does when the engine's end of its standard input is gone
    pub(super) fn body(&self) -> ContainerCreateBody {
        let limits = self.limits;
        let bytes = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let memory = bytes(limits.memory.bytes());
        let disk = limits.disk.bytes();
        let tmpfs = format!(
            "rw,nosuid,nodev,exec,size={disk},mode=0755,uid=1000,gid=1000,nr_inodes={}",
            inodes(disk)
        );
        let ulimit = |name: &str, n: i64| ResourcesUlimits {
            name: Some(name.to_owned()),
            soft: Some(n),
            hard: Some(n),
        };
        // More processors than there are is no limit, and the daemon refuses it.
        let cores = self.processors.map_or(limits.cpu_cores, |n| limits.cpu_cores.min(n as f64));
        let host = HostConfig {
            memory: Some(memory),
            memory_swap: Some(memory),
            nano_cpus: Some((cores * 1e9) as i64),
            pids_limit: Some(i64::from(limits.processes + own_processes(self.language))),
            ulimits: Some(vec![
                // The runner needs some of its own, and holds the code to its limit.
                ulimit("nofile", i64::from(limits.open_files) + RUNNER_FILES),
                ulimit("core", 0),
                ulimit("memlock", 65536),
            ]),
            network_mode: Some("none".to_owned()),
            readonly_rootfs: Some(true),
            tmpfs: Some(HashMap::from([
                ("/workspace".to_owned(), tmpfs.clone()),
                ("/tmp".to_owned(), tmpfs),
            ])),
            shm_size: Some(bytes(disk.min(64 << 20))),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
            privileged: Some(false),
            ipc_mode: Some("private".to_owned()),
            cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
            log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
            restart_policy: Some(RestartPolicy {
                name: Some(RestartPolicyNameEnum::NO),
                maximum_retry_count: None,
            }),
            auto_remove: Some(true),
            // The runner is process 1 and does what an init does; a further one before it could be killed from inside.
            init: Some(false),
            oom_score_adj: Some(500),
            runtime: self.oci_runtime.map(str::to_owned),
            ..HostConfig::default()
        };
        ContainerCreateBody {
            image: Some(self.image.to_owned()),
            hostname: Some("sandbox".to_owned()),
            user: Some(USER.to_owned()),
            working_dir: Some("/workspace".to_owned()),
            entrypoint: Some(vec![RUNNER.to_owned()]),
            cmd: Some(vec![
                self.language.to_string(),
                self.mode.as_str().to_owned(),
                (limits.open_files + own_files(self.language)).to_string(),
            ]),
            env: Some(Vec::new()),
            labels: Some(self.labels.clone()),
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            open_stdin: Some(true),
            // The engine's connection is the only one: when it is gone, so is the container's reason to be.
            stdin_once: Some(true),
            tty: Some(false),
            network_disabled: Some(true),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        }
    }
}

/// How many files a disk limit allows: a name costs the kernel about a kilobyte.
fn inodes(disk: u64) -> u64 {
    (disk / 1024).clamp(256, 200_000)
}
