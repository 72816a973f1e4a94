//! The database: where the journals' events end up.
//!
//! Write-ahead logging with `synchronous=NORMAL`: a commit costs no `fsync`, and power loss may cost the last
//! commits but never the database. What kills the process alone costs nothing, as what was committed is in the system's page
//! cache by then. `FULL` would add an `fsync` (milliseconds) to every commit for a promise that the journals do not
//! make either.

use super::journal::{Event, Kind};
use super::record::{Begun, Ended, ExecutionRecord};
use crate::outcome::ExecutionId;
use rusqlite::config::DbConfig;
use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// How long to wait for another process's transaction. They last milliseconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// The version of the tables below. A database of another version is left alone.
pub(super) const SCHEMA_VERSION: i64 = 1;

/// - `runs`: `begun` and `ended` are JSON as the journals have them; `owner` is the journal's.
/// - `unfinished`: finds the runs of an owner who died.
/// - `executions`: the same for people with an SQL prompt.
const SCHEMA: &str = "
CREATE TABLE runs (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    begun TEXT NOT NULL,
    ended TEXT
) STRICT;
CREATE INDEX unfinished ON runs (owner) WHERE ended IS NULL;
CREATE TABLE recoveries (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    moved_to TEXT NOT NULL
) STRICT;
CREATE VIEW executions AS SELECT
    lower(hex(id)) AS id,
    begun ->> '$.started_at' AS started_at,
    begun ->> '$.language' AS language,
    coalesce(ended ->> '$.finished.backend', begun ->> '$.backend') AS backend,
    begun ->> '$.code_sha256' AS code_sha256,
    begun ->> '$.policy.allowed' AS allowed,
    begun ->> '$.policy.risk' AS risk,
    ended ->> '$.finished.exit.kind' AS exit,
    ended ->> '$.finished.usage.wall_ms' AS wall_ms
FROM runs;
";

/// Opens the database at `path`, which exists, and makes its tables if it is empty.
///
/// The second value is the version found, if that is not ours; the connection is of no use then.
pub(super) fn open(path: &Path) -> rusqlite::Result<Result<Connection, i64>> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // A checkpoint at every close would `fsync` at the end of each short-lived process. See `checkpoint`.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let version = |c: &Connection| c.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    match version(&connection)? {
        SCHEMA_VERSION => return Ok(Ok(connection)),
        0 => {}
        other => return Ok(Err(other)),
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version(&transaction)? == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()?;
    Ok(Ok(connection))
}

/// Whether the error says that the file is no database, or a damaged one.
pub(super) fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Folds the write-ahead log into the database and empties it, or as much of that as can be done without waiting
/// for anybody. Emptied, because whoever opens the database first reads all of the log.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match done {
        // The next one will find it free.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        done => done,
    }
}

/// Begins to write, as soon as nobody else does.
pub(super) fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Puts `events` of the journal of `owner` in. Doing so again changes nothing.
pub(super) fn insert<'a>(
    transaction: &Transaction<'_>,
    owner: &str,
    events: impl Iterator<Item = Event<'a>>,
) -> rusqlite::Result<()> {
    // A run mostly begins and ends within one batch, and then is one row written once.
    let mut begun: Vec<(ExecutionId, &str)> = Vec::new();
    let mut ended: HashMap<ExecutionId, &str> = HashMap::new();
    for event in events {
        match event.kind {
            Kind::Begun => begun.push((event.id, event.json)),
            Kind::Ended => {
                ended.insert(event.id, event.json);
            }
        }
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO runs (id, owner, begun, ended) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET ended = coalesce(excluded.ended, ended)",
    )?;
    for (id, begun) in begun {
        insert.execute(params![id.as_bytes(), owner, begun, ended.remove(&id)])?;
    }
    let mut update = transaction.prepare_cached("UPDATE runs SET ended = ?2 WHERE id = ?1")?;
    for (id, ended) in ended {
        update.execute(params![id.as_bytes(), ended])?;
    }
    Ok(())
}

/// Marks what `owner`, who is dead, has begun and not ended.
pub(super) fn interrupt(transaction: &Transaction<'_>, owner: &str) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE runs SET ended = '\"interrupted\"' WHERE owner = ?1 AND ended IS NULL")?
        .execute([owner])
        .map(drop)
}

/// The least id that an execution which began `millis` after the start of 1970 can have.
pub(super) fn least_id(millis: u64) -> [u8; 16] {
    let mut id = [0; 16];
    // A version 7 UUID begins with 48 bits of milliseconds.
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}

/// Removes what began before `oldest` and what is beyond the newest `max_records`, so that less than an eighth
/// more than `max_records` stay.
pub(super) fn prune(
    transaction: &Transaction<'_>,
    oldest: [u8; 16],
    max_records: u64,
) -> rusqlite::Result<()> {
    transaction.prepare_cached("DELETE FROM runs WHERE id < ?1")?.execute([oldest])?;
    let max = i64::try_from(max_records).unwrap_or(i64::MAX);
    // Counting rows reads them all; their numbers tell at once that there cannot be too many. The slack makes
    // the count rare where the history is full.
    let span: i64 = transaction
        .prepare_cached("SELECT coalesce((SELECT max(seq) FROM runs) - (SELECT min(seq) FROM runs) + 1, 0)")?
        .query_row([], |row| row.get(0))?;
    if span > max.saturating_add(max / 8) {
        transaction
            .prepare_cached(
                "DELETE FROM runs WHERE id <= (SELECT id FROM runs ORDER BY id DESC LIMIT 1 OFFSET ?1)",
            )?
            .execute([max])?;
    }
    Ok(())
}

/// A run as the database or a journal has it.
pub(super) struct Row {
    pub(super) id: ExecutionId,
    pub(super) owner: String,
    pub(super) begun: Begun<'static>,
    pub(super) ended: Option<Ended<'static>>,
}

impl Row {
    /// A row of what a journal's events say; `None` if that is not what this version writes.
    pub(super) fn parse(id: ExecutionId, owner: String, begun: &str, ended: Option<&str>) -> Option<Self> {
        let begun = serde_json::from_str(begun).ok()?;
        let ended = match ended {
            None => None,
            Some(json) => Some(serde_json::from_str(json).ok()?),
        };
        Some(Self { id, owner, begun, ended })
    }

    /// The record; `alive` tells of the owner.
    pub(super) fn into_record(self, alive: bool) -> ExecutionRecord {
        ExecutionRecord::assemble(self.id, self.begun, self.ended, alive)
    }
}

/// The newest `limit` runs that began at `oldest` or later, newest first. A row that cannot be read is left out.
pub(super) fn newest(connection: &Connection, oldest: [u8; 16], limit: u64) -> rusqlite::Result<Vec<Row>> {
    let mut select = connection.prepare_cached(
        "SELECT id, owner, begun, ended FROM runs WHERE id >= ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = select.query(params![oldest, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (id, owner) = (row.get::<_, [u8; 16]>(0), row.get(1));
        let (begun, ended) = (row.get::<_, String>(2), row.get::<_, Option<String>>(3));
        if let (Ok(id), Ok(owner), Ok(begun), Ok(ended)) = (id, owner, begun, ended)
            && let Some(row) = Row::parse(ExecutionId::from_bytes(id), owner, &begun, ended.as_deref())
        {
            found.push(row);
        }
    }
    Ok(found)
}

/// How `id` ended, if it has.
pub(super) fn ended(connection: &Connection, id: ExecutionId) -> rusqlite::Result<Option<Ended<'static>>> {
    let ended: Option<Option<String>> = connection
        .prepare_cached("SELECT ended FROM runs WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(ended.flatten().and_then(|json| serde_json::from_str(&json).ok()))
}

/// Notes that a damaged file was moved aside.
pub(super) fn note_recovery(
    connection: &Connection,
    at_millis: u64,
    kind: &str,
    moved_to: &Path,
) -> rusqlite::Result<()> {
    let at = i64::try_from(at_millis).unwrap_or(i64::MAX);
    connection
        .prepare_cached("INSERT INTO recoveries (at, kind, moved_to) VALUES (?1, ?2, ?3)")?
        .execute(params![at, kind, moved_to.to_string_lossy()])
        .map(drop)
}

/// What was noted: time, kind and path, newest first.
pub(super) fn recoveries(
    connection: &Connection,
    limit: u64,
) -> rusqlite::Result<Vec<(u64, String, String)>> {
    connection
        .prepare_cached("SELECT at, kind, moved_to FROM recoveries ORDER BY seq DESC LIMIT ?1")?
        .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
            Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?, row.get(2)?))
        })?
        .collect()
}
