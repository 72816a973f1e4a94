//! A container as something to monitor: its control group where that can be read, else the daemon's stream of statistics, which has
//! numbers once a second.

use super::cgroup::Cgroup;
use super::daemon::{Daemon, describe};
use super::error::{DockerError, DockerErrorKind};
use crate::control::lock;
use crate::limits::ByteSize;
use crate::monitor::{ContainerStats, ContainerTarget, RawUsage};
use bollard::errors::Error;
use bollard::models::ContainerStatsResponse;
use bollard::query_parameters::{KillContainerOptionsBuilder, StatsOptionsBuilder};
use futures_util::StreamExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What came last, and whether more will come.
#[derive(Default)]
struct Latest {
    usage: RawUsage,
    ended: bool,
    failed: Option<String>,
}

/// Where the numbers come from.
enum Source {
    Cgroup(Cgroup),
    Stream { latest: Arc<Mutex<Latest>>, reader: tokio::task::JoinHandle<()> },
}

struct Stats {
    daemon: Arc<Daemon>,
    id: String,
    source: Source,
}

impl Drop for Stats {
    fn drop(&mut self) {
        if let Source::Stream { reader, .. } = &self.source {
            reader.abort();
        }
    }
}

impl ContainerStats for Stats {
    fn sample(&self) -> Result<Option<RawUsage>, Box<dyn std::error::Error + Send + Sync>> {
        match &self.source {
            Source::Cgroup(cgroup) => Ok(cgroup.read()),
            Source::Stream { latest, .. } => {
                let latest = lock(latest);
                match &latest.failed {
                    Some(why) => Err(why.clone().into()),
                    None => Ok((!latest.ended).then_some(latest.usage)),
                }
            }
        }
    }

    fn kill(&self) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        let options = KillContainerOptionsBuilder::new().signal("SIGKILL").build();
        let (daemon, id) = (Arc::clone(&self.daemon), self.id.clone());
        let (sender, killed) = std::sync::mpsc::channel();
        // On the backend's own thread: the caller may be inside another runtime, which cannot be blocked.
        self.daemon.handle.spawn(async move {
            let _ = sender.send(daemon.docker.kill_container(&id, Some(options)).await);
        });
        match killed.recv_timeout(Duration::from_secs(30)) {
            Ok(Ok(())) => Ok(true),
            // Gone, or not running.
            Ok(Err(Error::DockerResponseServerError { status_code: 404 | 409, .. })) => Ok(false),
            Ok(Err(error)) => Err(describe(&error).into()),
            Err(_) => Err("the daemon does not answer".into()),
        }
    }
}

fn usage(stats: &ContainerStatsResponse) -> RawUsage {
    let cpu = stats.cpu_stats.as_ref().and_then(|cpu| cpu.cpu_usage.as_ref()?.total_usage);
    let memory = stats.memory_stats.as_ref();
    let peak = memory.and_then(|memory| memory.max_usage).filter(|peak| *peak > 0);
    let processes = stats.pids_stats.as_ref().and_then(|pids| pids.current);
    RawUsage {
        cpu: Duration::from_nanos(cpu.unwrap_or(0)),
        memory: ByteSize::from_bytes(memory.and_then(|memory| memory.usage).unwrap_or(0)),
        peak_memory: peak.map(ByteSize::from_bytes),
        disk: None,
        processes: processes.and_then(|n| u32::try_from(n).ok()),
    }
}

/// Whether these are the numbers of a container that does not run: all that is left of it.
fn is_over(stats: &ContainerStatsResponse) -> bool {
    stats.pids_stats.as_ref().and_then(|pids| pids.current).is_none()
        && stats.memory_stats.as_ref().and_then(|memory| memory.usage).is_none()
}

/// Follows a container, of whoever's, until it ends.
pub(super) async fn follow(daemon: Arc<Daemon>, id: &str) -> Result<ContainerTarget, DockerError> {
    let refused = |why: &str| daemon.error(DockerErrorKind::Refused(format!("container {id}: {why}")));
    let found = daemon.docker.inspect_container(id, None).await.map_err(|error| daemon.classify(error))?;
    let state = found.state.unwrap_or_default();
    if state.running != Some(true) {
        return Err(refused("it does not run"));
    }
    // The full name, whatever it was called here.
    let id = found.id.as_deref().unwrap_or(id);
    if let Some(cgroup) = state.pid.and_then(|pid| Cgroup::of(id, pid)) {
        let source = Source::Cgroup(cgroup);
        return Ok(ContainerTarget::new(Arc::new(Stats { daemon, id: id.to_owned(), source })));
    }
    let options = StatsOptionsBuilder::new().stream(true).build();
    // The first number is needed before anybody asks; the stream begins with it.
    let first = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
    let first = daemon.docker.stats(id, Some(first)).next().await;
    let first = first.ok_or_else(|| refused("it has no numbers"))?.map_err(|error| daemon.classify(error))?;
    if is_over(&first) {
        return Err(refused("the daemon has no numbers of it"));
    }
    let latest = Arc::new(Mutex::new(Latest { usage: usage(&first), ..Latest::default() }));
    let (task_daemon, task_latest, task_id) = (Arc::clone(&daemon), Arc::clone(&latest), id.to_owned());
    let reader = daemon.handle.spawn(async move {
        let mut stream = std::pin::pin!(task_daemon.docker.stats(&task_id, Some(options)));
        loop {
            let next = stream.next().await;
            let mut latest = lock(&task_latest);
            match next {
                Some(Ok(stats)) if !is_over(&stats) => latest.usage = usage(&stats),
                Some(Err(error))
                    if !matches!(error, Error::DockerResponseServerError { status_code: 404, .. }) =>
                {
                    latest.failed = Some(describe(&error));
                    return;
                }
                _ => {
                    latest.ended = true;
                    return;
                }
            }
        }
    });
    Ok(ContainerTarget::new(Arc::new(Stats {
        daemon: Arc::clone(&daemon),
        id: id.to_owned(),
        source: Source::Stream { latest, reader },
    })))
}
