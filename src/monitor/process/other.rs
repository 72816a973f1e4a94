//! Where there is no `/proc` and no pidfd, processes are not monitored.

use crate::monitor::error::MonitorErrorKind;
use crate::monitor::usage::Sighting;
use std::convert::Infallible;

/// The tree of a process, which nobody can have here.
#[derive(Debug)]
pub(in crate::monitor) struct ProcessTree(Infallible);

impl ProcessTree {
    pub(in crate::monitor) fn open(_pid: u32) -> Result<Self, MonitorErrorKind> {
        Err(MonitorErrorKind::Unsupported)
    }

    pub(in crate::monitor) fn look(&mut self) -> Result<Sighting, MonitorErrorKind> {
        match self.0 {}
    }

    pub(in crate::monitor) fn end(&mut self) -> Result<bool, MonitorErrorKind> {
        match self.0 {}
    }

    pub(in crate::monitor) fn totals(&self) -> crate::monitor::usage::RawUsage {
        match self.0 {}
    }
}
