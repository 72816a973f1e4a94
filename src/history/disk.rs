//! A history in a directory: the journals, the database, and what moves events from the ones to the other.
//!
//! - `journal-ID`: one for each history that is open; see [`journal`].
//! - `history.sqlite`: see [`store`].
//! - `lock`: held shared by whoever uses the database, and alone by whoever makes it or moves it aside.
//! - `damaged-ID.*`: what was found damaged, the newest few.
//!
//! An event is in the journal until the database has it: the journal is emptied after the commit. Whoever reads
//! journals first and the database second misses nothing.

use super::journal::{self, Event, Journal, Kind};
use super::record::{Begun, Ended, ExecutionRecord, Timestamp};
use super::store::{self, Row};
use super::{HistoryError, HistoryErrorKind, HistoryOptions, Recovery, RecoveryKind};
use crate::outcome::ExecutionId;
use rusqlite::Connection;
use std::collections::{BTreeMap, HashMap};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long events may wait for company before they are moved, so that many share a transaction.
const BATCH_DELAY: Duration = Duration::from_millis(100);

/// How long to wait before another try after the database could not be written.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// How often to look for the journals of dead processes.
const ADOPT_INTERVAL: Duration = Duration::from_secs(60);

/// From this size on, a journal is emptied even if events come in all the time: they wait for one small
/// transaction (about a millisecond, once in some ten thousand runs).
const EMPTY_AT: u64 = 8 << 20;

/// The most that is moved while events wait.
const MOVED_WAITING: u64 = 128 * 1024;

/// How often to go on moving what came in meanwhile, so as to get a long journal down to [`MOVED_WAITING`].
const MOVE_ROUNDS: usize = 16;

/// From this size on, the database's write-ahead log is folded into it, which takes two `fsync`s.
const CHECKPOINT_AT: u64 = 4 << 20;

/// The most a journal may hold. Whoever would begin a run on a longer one first moves events to the database.
const MAX_JOURNAL: u64 = 64 << 20;

/// A journal that is no longer than this when its history is closed may wait for others, so many of them.
const SMALL_JOURNAL: u64 = 64 << 10;
const MAX_WAITING: usize = 64;

/// How many damaged databases, and how many damaged journals, are kept.
const MAX_ASIDE: usize = 3;

/// How old a journal without an owner has to be to be removed; locking one takes microseconds.
const STILLBORN_AGE: Duration = Duration::from_secs(3600);

/// What the work on the database ran into.
enum Fail {
    Sql(rusqlite::Error),
    Io(io::Error),
}

impl From<rusqlite::Error> for Fail {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<io::Error> for Fail {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// An open history: what its handles and its thread share.
struct Disk {
    dir: PathBuf,
    options: HistoryOptions,
    lock: File,
    owner: String,
    journal: Mutex<Journal>,
    /// The journal's file again, to read it while others write.
    reader: File,
    store: Mutex<Store>,
    /// Whether there are events that the thread has not been told of.
    dirty: AtomicBool,
    stop: Mutex<bool>,
    wake: Condvar,
}

/// The database, and how far this history's journal has been moved to it.
#[derive(Default)]
struct Store {
    open: Option<Open>,
    moved: u64,
    adopted: Option<Instant>,
}

/// A connection, and the file it is to, by device and inode.
struct Open {
    connection: Connection,
    file: (u64, u64),
}

/// A lock on the `lock` file, for as long as this lives.
struct Locked<'a>(&'a File);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // It cannot fail on an open file; if it did, the lock would go with the process.
        let _ = self.0.unlock();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the mutexes guard is consistent between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle on an open history; the last one to go moves what is left to the database.
pub(super) struct Handle {
    disk: Arc<Disk>,
    thread: Option<JoinHandle<()>>,
}

impl Handle {
    pub(super) fn open(dir: &Path, options: HistoryOptions) -> Result<Self, HistoryError> {
        let fail = |kind: fn(io::Error) -> HistoryErrorKind| {
            move |error| HistoryError { path: dir.to_owned(), kind: kind(error) }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(fail(HistoryErrorKind::CreateDirectory))?;
        // SQLite is told to follow no links, and counts those on the way to the directory too.
        let dir = dir.canonicalize().map_err(fail(HistoryErrorKind::CreateDirectory))?;
        let fail = |kind: fn(io::Error) -> HistoryErrorKind| {
            let path = dir.clone();
            move |error| HistoryError { path, kind: kind(error) }
        };
        let mode = std::fs::metadata(&dir).map_err(fail(HistoryErrorKind::CreateDirectory))?.mode();
        if mode & 0o022 != 0 {
            let kind = HistoryErrorKind::NotPrivate { mode: mode & 0o7777 };
            return Err(HistoryError { path: dir, kind });
        }
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join("lock"))
            .map_err(fail(HistoryErrorKind::Lock))?;
        let journal = Journal::create(&dir).map_err(fail(HistoryErrorKind::Journal))?;
        let reader = journal.reader().map_err(fail(HistoryErrorKind::Journal))?;
        let disk = Arc::new(Disk {
            owner: journal.owner.clone(),
            journal: Mutex::new(journal),
            reader,
            lock,
            options,
            store: Mutex::default(),
            // So that a history which stays open looks for dead journals at once.
            dirty: AtomicBool::new(true),
            stop: Mutex::new(false),
            wake: Condvar::new(),
            dir: dir.clone(),
        });
        let mover = Arc::clone(&disk);
        let thread = std::thread::Builder::new()
            .name("bailiwick-history".to_owned())
            .spawn(move || mover.move_until_stopped())
            .map_err(fail(HistoryErrorKind::Thread))?;
        Ok(Self { disk, thread: Some(thread) })
    }

    pub(super) fn store_code(&self) -> bool {
        self.disk.options.store_code
    }

    pub(super) fn begin(&self, id: ExecutionId, begun: &Begun<'_>) -> Result<(), HistoryError> {
        self.disk.append(Kind::Begun, id, begun)
    }

    pub(super) fn end(&self, id: ExecutionId, ended: &Ended<'_>) -> Result<(), HistoryError> {
        self.disk.append(Kind::Ended, id, ended)
    }

    pub(super) fn recent(&self, limit: usize) -> Result<Vec<ExecutionRecord>, HistoryError> {
        self.disk.recent(limit)
    }

    pub(super) fn flush(&self) -> Result<(), HistoryError> {
        self.disk.move_events(true)
    }

    pub(super) fn recoveries(&self) -> Result<Vec<Recovery>, HistoryError> {
        let mut store = locked(&self.disk.store);
        let found =
            self.disk.with_store(&mut store, |connection, _| Ok(store::recoveries(connection, 100)?))?;
        let recovery = |(at, kind, moved_to): (u64, String, String)| Recovery {
            at: Timestamp::from_unix_millis(at),
            kind: if kind == RecoveryKind::Journal.as_str() {
                RecoveryKind::Journal
            } else {
                RecoveryKind::Database
            },
            moved_to: moved_to.into(),
        };
        Ok(found.into_iter().map(recovery).collect())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        *locked(&self.disk.stop) = true;
        self.disk.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // It only fails if the thread panicked; what it left undone is done below.
            let _ = thread.join();
        }
        // Opening the database costs a process that lives for milliseconds more than its run. Readers read journals too, and the next
        // process that finds many of them moves them all.
        if self.disk.leaves_its_journal() {
            return;
        }
        // What cannot be moved now stays in the journal, for whoever opens the history next.
        if self.disk.has_work().unwrap_or(true) && self.disk.move_events(true).is_err() {
            return;
        }
        let _ = locked(&self.disk.journal).remove();
    }
}

impl Disk {
    fn database(&self) -> PathBuf {
        self.dir.join("history.sqlite")
    }

    fn fail(&self, fail: Fail) -> HistoryError {
        match fail {
            Fail::Sql(error) => {
                HistoryError { path: self.database(), kind: HistoryErrorKind::Database(Box::new(error)) }
            }
            Fail::Io(error) => {
                HistoryError { path: self.dir.clone(), kind: HistoryErrorKind::Journal(error) }
            }
        }
    }

    fn append(&self, kind: Kind, id: ExecutionId, value: &impl serde::Serialize) -> Result<(), HistoryError> {
        let line = journal::line(kind, id, value).map_err(|error| HistoryError {
            path: self.dir.clone(),
            kind: HistoryErrorKind::Encode(error),
        })?;
        let mut journal = locked(&self.journal);
        // Only who begins is held up. What has begun may end: there is no more of that than of the other.
        if kind == Kind::Begun && journal.len() > MAX_JOURNAL {
            drop(journal);
            self.move_events(false)?;
            journal = locked(&self.journal);
        }
        journal.append(&line).map_err(|error| self.fail(Fail::Io(error)))?;
        drop(journal);
        if !self.dirty.swap(true, Ordering::AcqRel) {
            // Under the lock, or the thread could look just before and fall asleep just after.
            let _guard = locked(&self.stop);
            self.wake.notify_all();
        }
        Ok(())
    }

    /// What the thread does.
    fn move_until_stopped(&self) {
        let mut stop = locked(&self.stop);
        let mut delay = BATCH_DELAY;
        loop {
            stop = self
                .wake
                .wait_while(stop, |stop| !*stop && !self.dirty.load(Ordering::Acquire))
                .unwrap_or_else(PoisonError::into_inner);
            (stop, _) = self
                .wake
                .wait_timeout_while(stop, delay, |stop| !*stop)
                .unwrap_or_else(PoisonError::into_inner);
            if *stop {
                return;
            }
            drop(stop);
            self.dirty.store(false, Ordering::Release);
            delay = match self.move_events(false) {
                Ok(()) => BATCH_DELAY,
                Err(_) => {
                    // The events are safe in the journal. `flush` tells whoever wants to know.
                    self.dirty.store(true, Ordering::Release);
                    RETRY_DELAY
                }
            };
            stop = locked(&self.stop);
        }
    }

    /// Whether a journal as short as ours can wait: the database was not used, and few others wait.
    fn leaves_its_journal(&self) -> bool {
        let len = locked(&self.journal).len();
        let unused = locked(&self.store).open.is_none();
        unused
            && (1..=SMALL_JOURNAL).contains(&len)
            && journal::list(&self.dir).is_ok_and(|journals| journals.len() < MAX_WAITING)
    }

    /// Whether there is anything to move: events of ours, or a dead process's journal.
    fn has_work(&self) -> io::Result<bool> {
        if locked(&self.journal).len() > 0 {
            return Ok(true);
        }
        for entry in journal::list(&self.dir)? {
            if entry.owner != self.owner
                && let Some(file) = journal::open(&entry.path)?
                && !journal::is_alive(&file)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Moves our events to the database, and, if `adopt` or if it is time again, those of dead processes.
    fn move_events(&self, adopt: bool) -> Result<(), HistoryError> {
        let mut store = locked(&self.store);
        self.move_own(&mut store)?;
        if adopt || store.adopted.is_none_or(|at| at.elapsed() >= ADOPT_INTERVAL) {
            self.adopt_dead(&mut store)?;
            store.adopted = Some(Instant::now());
        }
        self.checkpoint(&mut store)
    }

    /// Moves what the journal holds by now, and empties it if nothing has come in meanwhile or if it is long.
    fn move_own(&self, store: &mut Store) -> Result<(), HistoryError> {
        let due = locked(&self.journal).len();
        for round in 0.. {
            let mut journal = locked(&self.journal);
            let end = journal.len();
            if store.moved >= end {
                if end > 0 {
                    journal.clear().map_err(|error| self.fail(Fail::Io(error)))?;
                    store.moved = 0;
                }
                break;
            }
            drop(journal);
            let long = end > EMPTY_AT;
            if store.moved >= due && (!long || round >= MOVE_ROUNDS) {
                break;
            }
            let wait = long && end - store.moved <= MOVED_WAITING;
            let emptied = self.with_store(store, |connection, moved| {
                let transaction = store::begin(connection)?;
                // Only now, when the transaction is ours and there is no other process to wait for.
                let mut held = wait.then(|| locked(&self.journal));
                let end = held.as_ref().map_or(end, |journal| journal.len());
                let mut at = *moved;
                while at < end {
                    let batch = journal::read(&self.reader, at, end)?;
                    store::insert(&transaction, &self.owner, batch.events())?;
                    // A stretch without a whole line cannot be: we wrote it. Passing over it beats staying at it.
                    at = if batch.whole == 0 { end } else { at + batch.whole };
                }
                store::prune(&transaction, self.oldest(), self.options.max_records)?;
                transaction.commit()?;
                *moved = end;
                if let Some(journal) = &mut held {
                    journal.clear()?;
                    *moved = 0;
                }
                Ok(held.is_some())
            })?;
            if emptied {
                break;
            }
        }
        Ok(())
    }

    /// Folds the write-ahead log into the database if it is long. By us and not by SQLite, which would do it within
    /// a commit, and so perhaps while events wait.
    fn checkpoint(&self, store: &mut Store) -> Result<(), HistoryError> {
        let log = std::fs::symlink_metadata(self.dir.join("history.sqlite-wal"));
        if log.is_ok_and(|log| log.len() >= CHECKPOINT_AT) {
            self.with_store(store, |connection, _| Ok(store::checkpoint(connection)?))?;
        }
        Ok(())
    }

    fn adopt_dead(&self, store: &mut Store) -> Result<(), HistoryError> {
        let entries = journal::list(&self.dir).map_err(|error| self.fail(Fail::Io(error)))?;
        for entry in entries.iter().filter(|entry| entry.owner != self.owner) {
            let adopted = journal::open(&entry.path).and_then(|file| match file {
                Some(file) if journal::adopt(&file)? => Ok(Some((file.metadata()?.len(), file))),
                Some(_) | None => Ok(None),
            });
            let Some((end, file)) = adopted.map_err(|error| self.fail(Fail::Io(error)))? else { continue };
            self.with_store(store, |connection, _| {
                let transaction = store::begin(connection)?;
                let (mut at, mut damaged) = (0, 0);
                while at < end {
                    let batch = journal::read(&file, at, end)?;
                    if batch.whole == 0 {
                        break;
                    }
                    damaged += batch.damaged_lines();
                    store::insert(&transaction, &entry.owner, batch.events())?;
                    at += batch.whole;
                }
                store::interrupt(&transaction, &entry.owner)?;
                store::prune(&transaction, self.oldest(), self.options.max_records)?;
                if damaged > 0 {
                    let to = self.aside();
                    let to = to.with_extension("journal");
                    store::note_recovery(
                        &transaction,
                        Timestamp::now().unix_millis(),
                        RecoveryKind::Journal.as_str(),
                        &to,
                    )?;
                    transaction.commit()?;
                    std::fs::rename(&entry.path, &to)?;
                    self.remove_old_aside()?;
                } else {
                    transaction.commit()?;
                    std::fs::remove_file(&entry.path)?;
                }
                Ok(())
            })?;
        }
        journal::remove_stillborn(&self.dir, STILLBORN_AGE).map_err(|error| self.fail(Fail::Io(error)))
    }

    /// The least id that is young enough to be kept.
    fn oldest(&self) -> [u8; 16] {
        let age = u64::try_from(self.options.max_age.as_millis()).unwrap_or(u64::MAX);
        store::least_id(Timestamp::now().unix_millis().saturating_sub(age))
    }

    fn recent(&self, limit: usize) -> Result<Vec<ExecutionRecord>, HistoryError> {
        struct Found {
            owner: String,
            begun: Option<String>,
            ended: Option<String>,
        }
        let limit = limit.min(usize::try_from(self.options.max_records).unwrap_or(usize::MAX));
        let oldest = self.oldest();
        let mut store = locked(&self.store);
        // The journals first, and of each whether its owner lives: what a dead one wrote is all there then.
        let mut alive = HashMap::new();
        let mut found: BTreeMap<ExecutionId, Found> = BTreeMap::new();
        let mut read_journals = || {
            for entry in journal::list(&self.dir)? {
                let Some(file) = journal::open(&entry.path)? else { continue };
                alive.insert(entry.owner.clone(), entry.owner == self.owner || journal::is_alive(&file)?);
                let (mut at, end) = (0, file.metadata()?.len());
                while at < end {
                    let batch = journal::read(&file, at, end)?;
                    if batch.whole == 0 {
                        break;
                    }
                    at += batch.whole;
                    for Event { kind, id, json } in batch.events() {
                        let run = found.entry(id).or_insert_with(|| Found {
                            owner: entry.owner.clone(),
                            begun: None,
                            ended: None,
                        });
                        match kind {
                            Kind::Begun => run.begun = Some(json.to_owned()),
                            Kind::Ended => run.ended = Some(json.to_owned()),
                        }
                    }
                }
            }
            Ok(())
        };
        read_journals().map_err(|error| self.fail(Fail::Io(error)))?;

        let mut rows: BTreeMap<ExecutionId, Row> = self
            .with_store(&mut store, |connection, _| Ok(store::newest(connection, oldest, limit as u64)?))?
            .into_iter()
            .map(|row| (row.id, row))
            .collect();
        for (id, run) in found {
            if let Some(begun) = run.begun {
                let row = Row::parse(id, run.owner, &begun, run.ended.as_deref());
                if let Some(row) = row.filter(|_| *id.as_bytes() >= oldest) {
                    let known = rows.remove(&id).and_then(|known| known.ended);
                    rows.insert(id, Row { ended: row.ended.or(known), ..row });
                }
            } else if let (Some(row), Some(ended)) = (rows.get_mut(&id), run.ended) {
                row.ended = serde_json::from_str(&ended).ok().or(row.ended.take());
            }
        }

        let mut records = Vec::new();
        for (id, mut row) in rows.into_iter().rev().take(limit) {
            let alive = match alive.get(&row.owner) {
                Some(&alive) => alive,
                None if row.ended.is_some() => false,
                // Its owner came after our look at the journals, or went long ago. If it is gone by now, the
                // database has all there is.
                None if journal::exists(&self.dir, &row.owner) => true,
                None => {
                    row.ended =
                        self.with_store(&mut store, |connection, _| Ok(store::ended(connection, id)?))?;
                    false
                }
            };
            records.push(row.into_record(alive));
        }
        Ok(records)
    }

    /// Runs `work` on the database, with how far our journal has been moved to it.
    ///
    /// A database that turns out to be damaged is moved aside, and `work` is done again on a new one; what our
    /// journal still holds is then moved once more.
    fn with_store<T>(
        &self,
        store: &mut Store,
        mut work: impl FnMut(&mut Connection, &mut u64) -> Result<T, Fail>,
    ) -> Result<T, HistoryError> {
        let lock_failed =
            |error| HistoryError { path: self.dir.clone(), kind: HistoryErrorKind::Lock(error) };
        let mut recovered = false;
        loop {
            self.lock.lock_shared().map_err(lock_failed)?;
            let shared = Locked(&self.lock);
            // Nobody moves the database aside while we hold the lock; somebody may have done so before.
            let current = store.open.as_mut().filter(|open| file_id(&self.database()) == Some(open.file));
            let Some(open) = current else {
                drop(shared);
                store.open = None;
                store.moved = 0;
                self.lock.lock().map_err(lock_failed)?;
                let _alone = Locked(&self.lock);
                store.open = Some(self.open_database()?);
                continue;
            };
            match work(&mut open.connection, &mut store.moved) {
                Err(Fail::Sql(error)) if store::is_corrupt(&error) && !recovered => {
                    recovered = true;
                    let damaged = open.file;
                    drop(shared);
                    store.open = None;
                    self.lock.lock().map_err(lock_failed)?;
                    let _alone = Locked(&self.lock);
                    if file_id(&self.database()) == Some(damaged) {
                        self.replace_database()?;
                    }
                }
                result => return result.map_err(|fail| self.fail(fail)),
            }
        }
    }

    /// Opens the database, or a new one if it is damaged or there is none. The lock is held alone.
    fn open_database(&self) -> Result<Open, HistoryError> {
        match self.try_open_database() {
            Err(Fail::Sql(error)) if store::is_corrupt(&error) => {
                self.replace_database()?;
                self.try_open_database()
            }
            result => result,
        }
        .map_err(|fail| self.fail(fail))?
        .map_err(|found| HistoryError {
            path: self.database(),
            kind: HistoryErrorKind::UnknownSchema { found },
        })
    }

    fn try_open_database(&self) -> Result<Result<Open, i64>, Fail> {
        let path = self.database();
        // By us and not by SQLite, for its mode. Only while the lock is held alone: closing a file drops all of
        // the process's POSIX locks on it, SQLite's among them.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        let file = file_id(&path).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(store::open(&path)?.map(|connection| Open { connection, file }))
    }

    /// Moves the database aside and begins another, which says so. The lock is held alone.
    fn replace_database(&self) -> Result<(), HistoryError> {
        let aside = self.aside().with_extension("sqlite");
        let (from, to) = (self.database(), aside.clone());
        let rename = |suffix: &str| {
            let with = |path: &Path| {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                PathBuf::from(name)
            };
            match std::fs::rename(with(&from), with(&to)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                result => result,
            }
        };
        ["", "-wal", "-shm"]
            .into_iter()
            .try_for_each(rename)
            .and_then(|()| self.remove_old_aside())
            .map_err(|error| HistoryError { path: from.clone(), kind: HistoryErrorKind::MoveAside(error) })?;
        let noted = self.try_open_database().and_then(|open| match open {
            Ok(open) => {
                let now = Timestamp::now().unix_millis();
                let kind = RecoveryKind::Database.as_str();
                Ok(store::note_recovery(&open.connection, now, kind, &aside)?)
            }
            // A new database has our version.
            Err(_) => Ok(()),
        });
        noted.map_err(|fail| self.fail(fail))
    }

    /// Where to move the next damaged file; it wants an extension.
    fn aside(&self) -> PathBuf {
        self.dir.join(format!("damaged-{}", ExecutionId::new()))
    }

    /// Removes all but the newest [`MAX_ASIDE`] damaged files of a kind.
    fn remove_old_aside(&self) -> io::Result<()> {
        let mut aside: HashMap<_, Vec<PathBuf>> = HashMap::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let path = entry?.path();
            let damaged = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with("damaged-"));
            if damaged && let Some(extension) = path.extension() {
                aside.entry(extension.to_owned()).or_default().push(path);
            }
        }
        for paths in aside.values_mut() {
            // Their names sort by time.
            paths.sort_unstable();
            let old = paths.len().saturating_sub(MAX_ASIDE);
            paths.iter().take(old).try_for_each(std::fs::remove_file)?;
        }
        Ok(())
    }
}

/// Device and inode of the file at `path`, if there is one.
fn file_id(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}
