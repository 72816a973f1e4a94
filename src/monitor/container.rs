//! A container as something to monitor. Its backend knows how to ask and how to kill.

use super::usage::RawUsage;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What a backend has to know of one of its containers.
pub(crate) trait ContainerStats: Send + Sync {
    /// The newest numbers of the container; `None` once it has ended.
    ///
    /// One thread asks for all containers and processes of a monitor, so this returns what came last of a stream, and
    /// waits for nothing.
    fn sample(&self) -> Result<Option<RawUsage>, Box<dyn Error + Send + Sync>>;

    /// Kills the container, and returns once that is done or has failed: `false` if it had ended before.
    fn kill(&self) -> Result<bool, Box<dyn Error + Send + Sync>>;
}

/// A container that can be monitored. The backend that started the container makes one.
#[derive(Clone)]
pub struct ContainerTarget {
    pub(super) stats: Arc<dyn ContainerStats>,
}

impl ContainerTarget {
    pub(crate) fn new(stats: Arc<dyn ContainerStats>) -> Self {
        Self { stats }
    }
}

impl fmt::Debug for ContainerTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerTarget").finish_non_exhaustive()
    }
}
