//! One container: made, attached to, spoken with, removed.

use super::daemon::{Daemon, describe};
use super::error::{DockerError, DockerErrorKind};
use super::frames::{Frame, Incoming, Outgoing, VERSION};
use super::spec::Spec;
use crate::Language;
use crate::backend::Place;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::ContainerUpdateBody;
use bollard::query_parameters::{AttachContainerOptionsBuilder, EventsOptionsBuilder};
use futures_util::{Stream, StreamExt};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::oneshot;

type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>;

/// What the runner says when memory ran out before the interpreter had started.
const OUT_OF_MEMORY: &str = "out of memory";

/// A live container. Dropping it kills and removes it.
pub(super) struct Container {
    daemon: Arc<Daemon>,
    id: String,
    image: String,
    input: Pin<Box<dyn AsyncWrite + Send>>,
    output: Output,
    incoming: Incoming,
    started: SystemTime,
    /// `None` while it waits in a pool.
    place: Option<Place>,
}

/// Removes a container whose start did not come to its end.
struct Unfinished<'a> {
    daemon: &'a Arc<Daemon>,
    id: Option<String>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            self.daemon.remove(id);
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.daemon.remove(std::mem::take(&mut self.id));
    }
}

/// Why there is no further frame.
#[derive(Debug)]
pub(super) enum Gone {
    /// The stream ended, or broke.
    Ended(String),
    /// What came is not in the protocol.
    Nonsense(String),
}

impl Container {
    /// Makes a container, attaches to it and starts it. Whoever stops waiting leaves nothing behind.
    pub(super) async fn start(
        daemon: &Arc<Daemon>,
        spec: &Spec<'_>,
        place: Option<Place>,
    ) -> Result<Self, DockerError> {
        let (sender, receiver) = oneshot::channel();
        let (body, image, language) = (spec.body(), spec.image.to_owned(), spec.language);
        let (task_daemon, busy) = (Arc::clone(daemon), daemon.busy());
        daemon.handle.spawn(async move {
            // A container that nobody takes is dropped here, and so removed.
            let _ = sender.send(Self::start_here(task_daemon, body, image, language, place).await);
            drop(busy);
        });
        receiver.await.unwrap_or_else(|_| {
            Err(daemon.error(DockerErrorKind::Start("the engine is going down".to_owned())))
        })
    }

    async fn start_here(
        daemon: Arc<Daemon>,
        body: bollard::models::ContainerCreateBody,
        image: String,
        language: Language,
        place: Option<Place>,
    ) -> Result<Self, DockerError> {
        let started = SystemTime::now();
        let created = daemon.docker.create_container(None, body).await.map_err(|error| match error {
            Error::DockerResponseServerError { status_code: 404, .. } => {
                daemon.error(DockerErrorKind::NoImage { image: image.clone(), language })
            }
            error => daemon.classify(error),
        })?;
        let mut unfinished = Unfinished { daemon: &daemon, id: Some(created.id.clone()) };
        let options =
            AttachContainerOptionsBuilder::new().stdin(true).stdout(true).stderr(true).stream(true).build();
        let attached = daemon
            .docker
            .attach_container(&created.id, Some(options))
            .await
            .map_err(|error| daemon.classify(error))?;
        daemon.docker.start_container(&created.id, None).await.map_err(|error| match error {
            Error::DockerResponseServerError { message, .. } if message.contains(super::spec::RUNNER) => {
                daemon.error(DockerErrorKind::NoRunner {
                    image: image.clone(),
                    seen: "it has none at all".to_owned(),
                })
            }
            Error::DockerResponseServerError { message, .. } => {
                daemon.error(DockerErrorKind::Start(message.trim().to_owned()))
            }
            error => daemon.classify(error),
        })?;
        unfinished.id = None;
        drop(unfinished);
        Ok(Self {
            id: created.id,
            image,
            input: attached.input,
            output: attached.output,
            incoming: Incoming::default(),
            started,
            daemon,
            place,
        })
    }

    /// Waits until the interpreter in it waits for a job.
    pub(super) async fn ready(&mut self) -> Result<(), DockerError> {
        match self.next().await {
            Ok(Frame::Ready { version: VERSION }) => Ok(()),
            Ok(Frame::Ready { version }) => Err(self.no_runner(&format!("it speaks version {version}"))),
            Ok(Frame::Failed(why)) if why == OUT_OF_MEMORY => {
                Err(self.daemon.error(DockerErrorKind::NoMemory))
            }
            Ok(Frame::Failed(why)) => Err(self.daemon.error(DockerErrorKind::Start(why))),
            Ok(_) => Err(self.no_runner("it says something before it is ready")),
            Err(Gone::Nonsense(what)) => Err(self.no_runner(&what)),
            Err(Gone::Ended(why)) => Err(match self.why_gone().await {
                Ok(_) => self.daemon.error(DockerErrorKind::NoMemory),
                Err(_) => self.daemon.error(DockerErrorKind::Start(format!(
                    "it ended before it was ready{}{why}",
                    if why.is_empty() { "" } else { ": " }
                ))),
            }),
        }
    }

    fn no_runner(&self, seen: &str) -> DockerError {
        self.daemon
            .error(DockerErrorKind::NoRunner { image: self.image.clone(), seen: seen.trim().to_owned() })
    }

    /// Gives it a place among those that run code.
    pub(super) fn hold(&mut self, place: Place) {
        self.place = Some(place);
    }

    /// Changes the limits that can be changed while it lives.
    pub(super) async fn hold_to(&self, spec: &Spec<'_>) -> Result<(), DockerError> {
        let host = spec.body().host_config.unwrap_or_default();
        let update = ContainerUpdateBody {
            memory: host.memory,
            memory_swap: host.memory_swap,
            nano_cpus: host.nano_cpus,
            pids_limit: host.pids_limit,
            ..ContainerUpdateBody::default()
        };
        self.daemon
            .docker
            .update_container(&self.id, update)
            .await
            .map(|_| ())
            .map_err(|error| self.daemon.classify(error))
    }

    pub(super) fn error(&self, kind: DockerErrorKind) -> DockerError {
        self.daemon.error(kind)
    }

    /// The next frame. Safe to be dropped while it waits: nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Frame, Gone> {
        loop {
            if let Some(frame) = self.incoming.next().map_err(|error| Gone::Nonsense(error.to_string()))? {
                return Ok(frame);
            }
            match self.output.next().await {
                Some(Ok(piece)) => {
                    self.incoming.push(piece).map_err(|error| Gone::Nonsense(error.to_string()))?;
                }
                Some(Err(error)) => return Err(Gone::Ended(describe(&error))),
                None => return Err(Gone::Ended(String::new())),
            }
        }
    }

    pub(super) async fn send(&mut self, frames: &Outgoing) -> Result<(), Gone> {
        let sent = async {
            self.input.write_all(&frames.bytes).await?;
            self.input.flush().await
        };
        sent.await.map_err(|error| Gone::Ended(error.to_string()))
    }

    /// Whether the container is still there, as far as is known without asking anybody.
    pub(super) fn is_idle(&mut self) -> bool {
        use futures_util::FutureExt;
        // A healthy container that waits says nothing.
        self.next().now_or_never().is_none()
    }

    /// Why a container ended that should not have: `Ok` if its memory ran out, and took the runner too.
    pub(super) fn why_gone(&self) -> impl Future<Output = Result<(), DockerError>> + Send + use<> {
        why_gone(Arc::clone(&self.daemon), self.id.clone(), self.started)
    }
}

async fn why_gone(daemon: Arc<Daemon>, id: String, started: SystemTime) -> Result<(), DockerError> {
    let lost = |why: &str| daemon.error(DockerErrorKind::Lost(why.to_owned()));
    match daemon.docker.inspect_container(&id, None).await {
        Ok(found) => {
            let state = found.state.unwrap_or_default();
            if state.oom_killed == Some(true) {
                return Ok(());
            }
            if state.running == Some(true) {
                return Err(lost("the connection to it broke"));
            }
        }
        Err(Error::DockerResponseServerError { .. }) => {}
        Err(error) => return Err(lost(&describe(&error))),
    }
    let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let since = seconds(started.checked_sub(Duration::from_secs(1)).unwrap_or(started));
    let filters = HashMap::from([("container", vec![id.as_str()])]);
    let options = EventsOptionsBuilder::new()
        .since(&since.to_string())
        .until(&(seconds(SystemTime::now()) + 1).to_string())
        .filters(&filters)
        .build();
    let events: Vec<_> = daemon.docker.events(Some(options)).collect().await;
    let mut actions = events.iter().flatten().filter_map(|event| event.action.as_deref());
    if actions.clone().any(|action| action == "oom") {
        Ok(())
    } else if actions.any(|action| action.starts_with("kill")) {
        Err(lost("somebody else killed it"))
    } else {
        Err(lost("it ended, and the daemon does not say why"))
    }
}
