//! The execution history: a durable record of every execution, also of those that the host did not live to see end.
//!
//! # What is promised
//! - When [`History::begin`] or [`History::finish`] has returned, what it recorded survives the death of this
//!   process, `kill -9` included. It does not survive power loss in the seconds after.
//! - An execution whose process died shows as [`RecordState::Interrupted`].
//! - A damaged file is no reason to fail: it is moved aside, [`History::recoveries`] says so, and a new one is begun.
//! - The history is bounded by age and by count, and safe under any number of processes and threads.
//!
//! # How
//! Each open history has a journal of its own in the directory, and appends one line to it for each event, in the
//! thread whose event it is: a few microseconds, and all that a run waits for. A thread moves the lines to an
//! SQLite database in batches. Every open history also moves what dead ones have left.

mod disk;
mod journal;
mod record;
mod store;

use crate::outcome::ExecutionId;
pub use record::{
    BeginRecord, ExecutionRecord, FinishRecord, MAX_CODE, MAX_FINDINGS, MAX_MESSAGE, ParseTimestampError,
    RecordState, Timestamp,
};
use record::{Begun, Ended};
use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How much a history keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryOptions {
    /// Executions that began longer ago are removed.
    pub max_age: Duration,
    /// Executions beyond the newest so many are removed; up to an eighth more may still lie in the database.
    pub max_records: u64,
    /// Whether the code itself is recorded, and not its digest alone.
    pub store_code: bool,
}

impl Default for HistoryOptions {
    /// - `max_age`: 30 days
    /// - `max_records`: 100,000, some 100 MB
    /// - `store_code`: false
    fn default() -> Self {
        Self { max_age: Duration::from_secs(30 * 24 * 3600), max_records: 100_000, store_code: false }
    }
}

/// A damaged file was moved aside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovery {
    /// When.
    pub at: Timestamp,
    /// What it was.
    pub kind: RecoveryKind,
    /// Where it is now, unless it has been removed since: the newest three of a kind are kept.
    pub moved_to: PathBuf,
}

/// What a damaged file was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryKind {
    /// The database. What it held is in the new one only as far as a journal still had it.
    Database,
    /// A dead process's journal. Its undamaged lines are in the database.
    Journal,
}

impl RecoveryKind {
    /// The lower-case name: `database` or `journal`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Journal => "journal",
        }
    }
}

/// The execution history. Clones are handles on the same one.
///
/// When the last handle goes (and the last [`Pending`]), what is still in the journal is moved to the database; that
/// may wait for another process's transaction, for two seconds at most. A process that ends without it loses
/// nothing: whoever opens the history next moves it.
#[derive(Clone)]
pub struct History {
    kept: Kept,
}

/// Where a history is kept.
#[derive(Clone)]
enum Kept {
    Nowhere,
    Memory(Arc<Memory>),
    Disk(Arc<disk::Handle>),
}

/// The newest executions, oldest first.
struct Memory {
    max_records: usize,
    records: Mutex<VecDeque<ExecutionRecord>>,
}

impl Memory {
    fn with<T>(&self, work: impl FnOnce(&mut VecDeque<ExecutionRecord>) -> T) -> T {
        work(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = match &self.kept {
            Kept::Nowhere => "nowhere",
            Kept::Memory(_) => "memory",
            Kept::Disk(_) => "disk",
        };
        f.debug_struct("History").field("kept", &kept).finish_non_exhaustive()
    }
}

impl History {
    /// Opens the history in `dir`, and makes the directory (mode 0700) if there is none. Its files have mode 0600.
    ///
    /// The directory must lie on a local file system: locks and write-ahead logging want one.
    ///
    /// # Security
    /// A directory that others may write to is refused: they could replace the files.
    ///
    /// # Errors
    /// The directory cannot be made or written, or is not private. A damaged database is no error.
    pub fn open(dir: &Path, options: HistoryOptions) -> Result<Self, HistoryError> {
        Ok(Self { kept: Kept::Disk(Arc::new(disk::Handle::open(dir, options)?)) })
    }

    /// A history of the newest `max_records` executions that goes with this value, without their code.
    #[must_use]
    pub fn in_memory(max_records: usize) -> Self {
        Self { kept: Kept::Memory(Arc::new(Memory { max_records, records: Mutex::default() })) }
    }

    /// A history that keeps nothing.
    #[must_use]
    pub fn disabled() -> Self {
        Self { kept: Kept::Nowhere }
    }

    /// Records that an execution begins.
    ///
    /// # Errors
    /// The journal cannot be written, so the execution is not recorded.
    pub fn begin(&self, begin: &BeginRecord<'_>) -> Result<Pending, HistoryError> {
        match &self.kept {
            Kept::Nowhere => {}
            Kept::Memory(memory) => {
                let record = ExecutionRecord::assemble(begin.id, Begun::new(begin, false), None, true);
                memory.with(|records| {
                    records.push_back(record);
                    while records.len() > memory.max_records {
                        records.pop_front();
                    }
                });
            }
            Kept::Disk(handle) => handle.begin(begin.id, &Begun::new(begin, handle.store_code()))?,
        }
        Ok(Pending { id: begin.id, history: Some(self.clone()) })
    }

    /// Records how an execution ended.
    ///
    /// # Errors
    /// The journal cannot be written. The execution stays recorded as one that began.
    pub fn finish(&self, pending: Pending, finish: &FinishRecord<'_>) -> Result<(), HistoryError> {
        pending.finish(finish)
    }

    fn end(&self, id: ExecutionId, ended: Ended<'_>) -> Result<(), HistoryError> {
        match &self.kept {
            Kept::Nowhere => Ok(()),
            Kept::Memory(memory) => {
                memory.with(|records| {
                    // It is among the last ones, or has been pushed out.
                    if let Some(record) = records.iter_mut().rev().find(|record| record.id == id) {
                        record.end(ended);
                    }
                });
                Ok(())
            }
            Kept::Disk(handle) => handle.end(id, &ended),
        }
    }

    /// The newest `limit` executions, newest first, of every process that records in the same directory.
    ///
    /// # Errors
    /// The directory or the database cannot be read. A damaged database is no error.
    pub fn recent(&self, limit: usize) -> Result<Vec<ExecutionRecord>, HistoryError> {
        match &self.kept {
            Kept::Nowhere => Ok(Vec::new()),
            Kept::Memory(memory) => {
                Ok(memory.with(|records| records.iter().rev().take(limit).cloned().collect()))
            }
            Kept::Disk(handle) => handle.recent(limit),
        }
    }

    /// Moves everything from this history's journal, and from those of dead ones, to the database.
    ///
    /// Nothing depends on it but who reads the database by other means.
    ///
    /// # Errors
    /// The database cannot be written. The journals keep what they hold.
    pub fn flush(&self) -> Result<(), HistoryError> {
        match &self.kept {
            Kept::Nowhere | Kept::Memory(_) => Ok(()),
            Kept::Disk(handle) => handle.flush(),
        }
    }

    /// The damaged files that were moved aside, the newest first, at most 100 of them.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn recoveries(&self) -> Result<Vec<Recovery>, HistoryError> {
        match &self.kept {
            Kept::Nowhere | Kept::Memory(_) => Ok(Vec::new()),
            Kept::Disk(handle) => handle.recoveries(),
        }
    }
}

/// An execution that has begun. One that is dropped before it is finished is recorded as
/// [`RecordState::Interrupted`].
#[derive(Debug)]
#[must_use = "dropped, the execution is recorded as interrupted"]
pub struct Pending {
    id: ExecutionId,
    /// `None` once the end is recorded.
    history: Option<History>,
}

impl Pending {
    /// The execution's name.
    #[must_use]
    pub fn id(&self) -> ExecutionId {
        self.id
    }

    /// Records how the execution ended; the same as [`History::finish`].
    ///
    /// # Errors
    /// The journal cannot be written. The execution stays recorded as one that began.
    pub fn finish(mut self, finish: &FinishRecord<'_>) -> Result<(), HistoryError> {
        self.history.take().map_or(Ok(()), |history| history.end(self.id, finish.into()))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(history) = self.history.take() {
            // Unrecorded, it shows as interrupted once this process is gone.
            let _ = history.end(self.id, Ended::Interrupted);
        }
    }
}

/// The history cannot be opened, written or read.
#[derive(Debug)]
pub struct HistoryError {
    /// The file or the directory.
    pub path: PathBuf,
    /// What is wrong.
    pub kind: HistoryErrorKind,
}

/// What is wrong with a history.
#[derive(Debug)]
#[non_exhaustive]
pub enum HistoryErrorKind {
    /// The directory is not there and cannot be made, or cannot be looked at.
    CreateDirectory(std::io::Error),
    /// Others may write to the directory.
    NotPrivate {
        /// Its permission bits.
        mode: u32,
    },
    /// A journal cannot be made, written, read or removed.
    Journal(std::io::Error),
    /// The lock on the database's file cannot be had.
    Lock(std::io::Error),
    /// A damaged database cannot be moved aside.
    MoveAside(std::io::Error),
    /// The thread that moves events to the database cannot be started.
    Thread(std::io::Error),
    /// The database cannot be read or written.
    Database(Box<dyn std::error::Error + Send + Sync>),
    /// The database is of another version of Bailiwick's.
    UnknownSchema {
        /// The version of its tables.
        found: i64,
    },
    /// A record has no JSON form.
    Encode(serde_json::Error),
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.kind {
            HistoryErrorKind::CreateDirectory(error) => write!(f, "no history directory at {path}: {error}"),
            HistoryErrorKind::NotPrivate { mode } => {
                write!(
                    f,
                    "the history directory {path} can be written by others (mode {mode:04o}): chmod go-w it"
                )
            }
            HistoryErrorKind::Journal(error) => write!(f, "the history's journal in {path} failed: {error}"),
            HistoryErrorKind::Lock(error) => write!(f, "the history in {path} cannot be locked: {error}"),
            HistoryErrorKind::MoveAside(error) => {
                write!(f, "the history's damaged database {path} cannot be moved aside: {error}")
            }
            HistoryErrorKind::Thread(error) => write!(f, "no thread for the history in {path}: {error}"),
            HistoryErrorKind::Database(error) => write!(f, "the history's database {path} failed: {error}"),
            HistoryErrorKind::UnknownSchema { found } => {
                let ours = store::SCHEMA_VERSION;
                write!(f, "the history's database {path} has version {found}, this is for version {ours}")
            }
            HistoryErrorKind::Encode(error) => write!(f, "a record for {path} has no json form: {error}"),
        }
    }
}

impl std::error::Error for HistoryError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            HistoryErrorKind::CreateDirectory(error)
            | HistoryErrorKind::Journal(error)
            | HistoryErrorKind::Lock(error)
            | HistoryErrorKind::MoveAside(error)
            | HistoryErrorKind::Thread(error) => Some(error),
            HistoryErrorKind::Database(error) => Some(&**error),
            HistoryErrorKind::Encode(error) => Some(error),
            HistoryErrorKind::NotPrivate { .. } | HistoryErrorKind::UnknownSchema { .. } => None,
        }
    }
}
