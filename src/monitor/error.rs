//! Why something cannot be monitored, or cannot be ended.

use std::error::Error;
use std::{fmt, io};

/// The monitor could not do what it was asked to.
#[derive(Debug)]
#[non_exhaustive]
pub struct MonitorError {
    /// What went wrong.
    pub kind: MonitorErrorKind,
}

/// What can go wrong in the monitor.
#[derive(Debug)]
#[non_exhaustive]
pub enum MonitorErrorKind {
    /// There is no such process: there never was, or it has ended and was waited for.
    NoSuchProcess {
        /// The process id.
        pid: u32,
    },
    /// Processes of the tree belong to someone else, and go on.
    NotPermitted {
        /// The first of them.
        pid: u32,
    },
    /// This process is itself in the tree: ending the tree would end it too, so nothing was ended.
    OwnProcess {
        /// The root of the tree.
        pid: u32,
    },
    /// Processes were still there some time after they were killed, as those are that wait for a dead disk.
    StillAlive {
        /// How many.
        left: u32,
    },
    /// The session has no more samples to take: its target has ended, or it was stopped.
    Over,
    /// Samples are pushed into sessions of [`MonitorTarget::Feed`](super::MonitorTarget::Feed) only.
    NotFed,
    /// A fed sample is older than the one before it, or one of its running totals is less.
    OutOfOrder,
    /// The session was given nothing that would end what it watches.
    NothingToEnd,
    /// A setting that makes no sense.
    Setting {
        /// Which one.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// Processes are not monitored on this operating system.
    Unsupported,
    /// The container's runtime failed.
    Container(Box<dyn Error + Send + Sync>),
    /// The operating system refused to show a process, or to start the sampling thread.
    System(io::Error),
}

impl fmt::Display for MonitorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            MonitorErrorKind::NoSuchProcess { pid } => write!(f, "there is no process {pid}"),
            MonitorErrorKind::NotPermitted { pid } => {
                write!(f, "process {pid} belongs to another user and cannot be ended")
            }
            MonitorErrorKind::OwnProcess { pid } => {
                write!(f, "this process is part of the tree of process {pid}, so nothing was ended")
            }
            MonitorErrorKind::StillAlive { left } => {
                write!(f, "{left} processes were killed and are still there")
            }
            MonitorErrorKind::Over => f.write_str("the session is over"),
            MonitorErrorKind::NotFed => f.write_str("the session takes its own samples"),
            MonitorErrorKind::OutOfOrder => f.write_str("the sample is older than the one before it"),
            MonitorErrorKind::NothingToEnd => f.write_str("the session was given nothing to end"),
            MonitorErrorKind::Setting { name, expected } => write!(f, "`{name}` has to be {expected}"),
            MonitorErrorKind::Unsupported => f.write_str("processes are not monitored on this system"),
            MonitorErrorKind::Container(error) => write!(f, "the container cannot be monitored: {error}"),
            MonitorErrorKind::System(error) => write!(f, "the system refused: {error}"),
        }
    }
}

impl Error for MonitorError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            MonitorErrorKind::Container(error) => Some(&**error),
            MonitorErrorKind::System(error) => Some(error),
            MonitorErrorKind::NoSuchProcess { .. }
            | MonitorErrorKind::NotPermitted { .. }
            | MonitorErrorKind::OwnProcess { .. }
            | MonitorErrorKind::StillAlive { .. }
            | MonitorErrorKind::Over
            | MonitorErrorKind::NotFed
            | MonitorErrorKind::OutOfOrder
            | MonitorErrorKind::NothingToEnd
            | MonitorErrorKind::Setting { .. }
            | MonitorErrorKind::Unsupported => None,
        }
    }
}

impl From<MonitorErrorKind> for MonitorError {
    fn from(kind: MonitorErrorKind) -> Self {
        Self { kind }
    }
}
