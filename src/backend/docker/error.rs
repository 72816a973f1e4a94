//! What can go wrong between the engine and a Docker daemon.

use crate::Language;
use std::fmt;
use std::time::Duration;

/// The Docker backend could not do its work.
#[derive(Debug)]
#[non_exhaustive]
pub struct DockerError {
    /// The daemon's address.
    pub host: String,
    /// What went wrong.
    pub kind: DockerErrorKind,
}

/// What can go wrong in the Docker backend.
#[derive(Debug)]
#[non_exhaustive]
pub enum DockerErrorKind {
    /// No daemon answers.
    NoDaemon(String),
    /// A daemon is there, and this user may not use it.
    NotPermitted,
    /// The address is of a form that is not understood.
    Address(String),
    /// The daemon cannot keep containers as closed as this crate asks for.
    Unsafe(&'static str),
    /// The daemon has no such container runtime.
    NoRuntime {
        /// The runtime that was asked for.
        runtime: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// The image is not there.
    NoImage {
        /// The image.
        image: String,
        /// The language that it is for.
        language: Language,
    },
    /// The image has no runner of ours, or another version of it.
    NoRunner {
        /// The image.
        image: String,
        /// What was seen instead.
        seen: String,
    },
    /// A container did not start.
    Start(String),
    /// A container's memory ran out before its interpreter had started.
    NoMemory,
    /// A container did not start in this time.
    StartTimeout(Duration),
    /// The container, or the daemon, went away in the middle of a run.
    Lost(String),
    /// An image could not be built.
    Build(String),
    /// The daemon refused something.
    Refused(String),
}

impl fmt::Display for DockerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match &self.kind {
            DockerErrorKind::NoDaemon(why) => write!(
                f,
                "no Docker daemon answers at {host} ({why}): start one, or set DOCKER_HOST to where it is"
            ),
            DockerErrorKind::NotPermitted => write!(
                f,
                "this user may not use the Docker daemon at {host}: join the group `docker`, or use a rootless daemon and set DOCKER_HOST"
            ),
            DockerErrorKind::Address(host) => {
                write!(f, "`{host}` is not an address of a Docker daemon: use unix://PATH or tcp://HOST:PORT")
            }
            DockerErrorKind::Unsafe(what) => {
                write!(f, "the Docker daemon at {host} {what}, so nothing is run there")
            }
            DockerErrorKind::NoRuntime { runtime, known } => write!(
                f,
                "the Docker daemon at {host} has no container runtime `{runtime}`; it has {}",
                known.join(", ")
            ),
            DockerErrorKind::NoImage { image, language } => {
                write!(f, "the image {image} is not there: build it with `bailiwick images build {language}`")
            }
            DockerErrorKind::NoRunner { image, seen } => write!(
                f,
                "the image {image} has no runner of this version ({seen}): build it anew with `bailiwick images build`, an image of your own on a base of yours with `--base`"
            ),
            DockerErrorKind::Start(why) => write!(f, "a container did not start: {why}"),
            DockerErrorKind::NoMemory => {
                f.write_str("a container's memory limit is less than its interpreter itself takes")
            }
            DockerErrorKind::StartTimeout(wait) => {
                write!(
                    f,
                    "a container did not start within {wait:?}: see whether the daemon at {host} is overloaded"
                )
            }
            DockerErrorKind::Lost(why) => write!(
                f,
                "the container was lost in the middle of the run ({why}): the Docker daemon at {host} was stopped, or somebody else removed it"
            ),
            DockerErrorKind::Build(why) => write!(f, "the image could not be built: {why}"),
            DockerErrorKind::Refused(why) => write!(f, "the Docker daemon at {host} refused: {why}"),
        }
    }
}

impl std::error::Error for DockerError {}
