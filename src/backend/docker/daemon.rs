//! The connection to a Docker daemon: what it can do, and the removal of containers that are done with.

use super::error::{DockerError, DockerErrorKind};
use crate::control::lock;
use bollard::Docker;
use bollard::errors::Error;
use bollard::models::SystemInfo;
use bollard::query_parameters::RemoveContainerOptionsBuilder;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Where the daemon is when nobody says otherwise.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";
/// How long the daemon may take for a plain answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// How long an engine that ends waits for its containers to be gone.
const REMOVAL_TIME: Duration = Duration::from_secs(15);

/// The address of the daemon: the one that was asked for, or `DOCKER_HOST`, or the usual socket.
pub(super) fn host(asked: Option<&str>) -> String {
    let from_environment = || std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
    asked.map(str::to_owned).or_else(from_environment).unwrap_or_else(|| DEFAULT_HOST.to_owned())
}

/// A daemon that answered.
pub(super) struct Daemon {
    pub(super) docker: Docker,
    pub(super) host: String,
    pub(super) info: SystemInfo,
    pub(super) handle: Handle,
    removals: Arc<Removals>,
}

/// How many containers are being made or removed at the moment.
#[derive(Default)]
pub(super) struct Removals {
    under_way: Mutex<usize>,
    done: Condvar,
}

impl Removals {
    /// Waits until no container is being made or removed.
    pub(super) fn wait(&self) {
        let under_way = lock(&self.under_way);
        // A daemon that does not answer is not waited for any longer; the next engine finds what it left.
        let _ = self
            .done
            .wait_timeout_while(under_way, REMOVAL_TIME, |n| *n > 0)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

pub(super) struct Removal(Arc<Removals>);

impl Removal {
    fn start(removals: &Arc<Removals>) -> Self {
        *lock(&removals.under_way) += 1;
        Self(Arc::clone(removals))
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        *lock(&self.0.under_way) -= 1;
        self.0.done.notify_all();
    }
}

impl Daemon {
    /// Connects, and asks what the daemon is.
    pub(super) async fn connect(
        asked: Option<&str>,
        handle: Handle,
        removals: Arc<Removals>,
    ) -> Result<Self, DockerError> {
        let host = host(asked);
        let failed = |error: Error| classify(&host, error);
        let docker = Docker::connect_with_host(&host).map_err(failed)?.with_timeout(ANSWER_TIME);
        let docker = docker.negotiate_version().await.map_err(failed)?;
        let info = docker.info().await.map_err(failed)?;
        let daemon = Self { docker, host, info, handle, removals };
        if let Some(what) = daemon.not_closed() {
            return Err(daemon.error(DockerErrorKind::Unsafe(what)));
        }
        Ok(daemon)
    }

    /// What makes this daemon's containers less closed than they must be, if anything.
    fn not_closed(&self) -> Option<&'static str> {
        if self.info.os_type.as_deref().is_some_and(|os| os != "linux") {
            return Some("does not run Linux containers");
        }
        let options = self.info.security_options.iter().flatten();
        let seccomp = options.filter(|option| option.contains("seccomp")).all(|o| !o.contains("unconfined"));
        let has = self.info.security_options.iter().flatten().any(|option| option.contains("seccomp"));
        (!has || !seccomp).then_some("has no seccomp filter")
    }

    /// The limit that this daemon cannot hold a container to, if there is one. All of them always apply.
    pub(super) fn unenforceable(&self) -> Option<&'static str> {
        let lacks = |has: Option<bool>| has == Some(false);
        if lacks(self.info.memory_limit) {
            Some("the memory limit (its kernel has no memory controller)")
        } else if lacks(self.info.swap_limit) {
            Some(
                "the memory limit (its kernel does not count swap: boot it with swapaccount=1, or use cgroup v2)",
            )
        } else if lacks(self.info.cpu_cfs_quota) || lacks(self.info.cpu_cfs_period) {
            Some("the limit on processor time (cpu_cores)")
        } else if lacks(self.info.pids_limit) {
            Some("the limit on processes (its kernel has no pids controller)")
        } else {
            None
        }
    }

    pub(super) fn error(&self, kind: DockerErrorKind) -> DockerError {
        DockerError { host: self.host.clone(), kind }
    }

    /// What an error of the client's means.
    pub(super) fn classify(&self, error: Error) -> DockerError {
        classify(&self.host, error)
    }

    /// While this is held, an engine that ends waits.
    pub(super) fn busy(&self) -> Removal {
        Removal::start(&self.removals)
    }

    /// Kills and removes a container in the background. An engine that ends waits for it.
    pub(super) fn remove(self: &Arc<Self>, id: String) {
        let daemon = Arc::clone(self);
        let removal = self.busy();
        self.handle.spawn(async move {
            daemon.remove_now(&id).await;
            drop(removal);
        });
    }

    /// Kills and removes a container. One that is gone, or about to be, is what was wanted.
    pub(super) async fn remove_now(&self, id: &str) {
        let until = Instant::now() + REMOVAL_TIME;
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        while Instant::now() < until {
            match self.docker.remove_container(id, Some(options.clone())).await {
                Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => return,
                // A daemon that is busy, or is being started anew.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

/// The first I/O error in an error's chain of causes.
fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<std::io::ErrorKind> {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        at = error.source();
    }
    None
}

/// What went wrong, with all its causes.
pub(super) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(cause) = at {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        at = cause.source();
    }
    text
}

pub(super) fn classify(host: &str, error: Error) -> DockerError {
    use std::io::ErrorKind;
    let kind = match &error {
        Error::UnsupportedURISchemeError { uri } => DockerErrorKind::Address(uri.clone()),
        Error::InvalidURIError { .. } | Error::InvalidURIPartsError { .. } | Error::URLParseError { .. } => {
            DockerErrorKind::Address(host.to_owned())
        }
        Error::SocketNotFoundError(_) => DockerErrorKind::NoDaemon("there is no such socket".to_owned()),
        Error::RequestTimeoutError => DockerErrorKind::NoDaemon(format!("no answer within {ANSWER_TIME:?}")),
        Error::DockerResponseServerError { message, .. } => {
            DockerErrorKind::Refused(message.trim().to_owned())
        }
        other => match io_kind(other) {
            Some(ErrorKind::PermissionDenied) => DockerErrorKind::NotPermitted,
            Some(ErrorKind::NotFound) => DockerErrorKind::NoDaemon("there is no such socket".to_owned()),
            Some(ErrorKind::ConnectionRefused) => DockerErrorKind::NoDaemon("connection refused".to_owned()),
            _ => DockerErrorKind::NoDaemon(describe(other)),
        },
    };
    DockerError { host: host.to_owned(), kind }
}
