//! A process's own journal: one line appended for each event, with one `write`, by the thread whose event it is.
//!
//! What was written is in the system's page cache and so outlives the process, whatever kills it. A journal belongs
//! to the one history that made it, which holds an exclusive lock on it for as long as it lives; the lock goes
//! with the process. So anyone who obtains a lock on a journal knows that its owner is dead.
//!
//! A line is `checksum kind id json`, where the checksum (16 digits) covers everything after it, the kind is `b`
//! (begun) or `e` (ended), and the JSON is [`Begun`](super::record::Begun) or [`Ended`](super::record::Ended). A line
//! that does not match its checksum is no event.

use crate::outcome::ExecutionId;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What the name of every journal begins with; its owner's id follows.
const PREFIX: &str = "journal-";

/// What the name of a journal begins with until its owner has locked it.
const UNLOCKED_PREFIX: &str = "new-";

/// How many bytes of a journal are read at once.
const CHUNK: usize = 4 << 20;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Begun,
    Ended,
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Self::Begun => 'b',
            Self::Ended => 'e',
        }
    }
}

/// One event, as a line holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event<'a> {
    pub(super) kind: Kind,
    pub(super) id: ExecutionId,
    pub(super) json: &'a str,
}

/// The 64-bit FNV-1a hash: enough to tell a torn line from a whole one.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The line for an event whose JSON `write` writes.
pub(super) fn line(
    kind: Kind,
    id: ExecutionId,
    value: &impl serde::Serialize,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = Vec::with_capacity(1024);
    // The checksum's place.
    line.extend_from_slice(&[b'0'; 16]);
    // Writing to a vector cannot fail.
    let _ = write!(line, " {} {id} ", kind.letter());
    serde_json::to_writer(&mut line, value)?;
    let sum = checksum(&line[17..]);
    let _ = write!(&mut line[..16], "{sum:016x}");
    line.push(b'\n');
    Ok(line)
}

/// The event in `line`, which has no line feed; `None` if it is torn or was never one.
fn parse(line: &[u8]) -> Option<Event<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    let (sum, rest) = line.split_at_checked(16)?;
    let rest = rest.strip_prefix(' ')?;
    if u64::from_str_radix(sum, 16).ok()? != checksum(rest.as_bytes()) {
        return None;
    }
    let (kind, rest) = rest.split_once(' ')?;
    let kind = match kind {
        "b" => Kind::Begun,
        "e" => Kind::Ended,
        _ => return None,
    };
    let (id, json) = rest.split_once(' ')?;
    Some(Event { kind, id: id.parse().ok()?, json })
}

/// The events in a stretch of a journal.
#[derive(Debug, Default)]
pub(super) struct Batch {
    text: Vec<u8>,
    /// Bytes of whole lines, from the first one on.
    pub(super) whole: u64,
}

impl Batch {
    /// The events, in the order in which they were written.
    pub(super) fn events(&self) -> impl Iterator<Item = Event<'_>> {
        self.lines().filter_map(parse)
    }

    /// How many whole lines are no events: damage, where a last line without its line feed is only a write
    /// that its process did not live to finish.
    pub(super) fn damaged_lines(&self) -> usize {
        self.lines().filter(|line| parse(line).is_none()).count()
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
    }
}

/// Reads the whole lines of `file` between two offsets, [`CHUNK`] bytes of them or the first one if that is longer.
pub(super) fn read(file: &File, from: u64, to: u64) -> io::Result<Batch> {
    let mut text = Vec::new();
    let mut want = CHUNK;
    loop {
        let have = text.len();
        let left = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX).saturating_sub(have);
        text.resize(have + left.min(want), 0);
        let mut filled = have;
        while filled < text.len() {
            match file.read_at(&mut text[filled..], from + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        text.truncate(filled);
        if let Some(end) = text[have..].iter().rposition(|&byte| byte == b'\n') {
            text.truncate(have + end + 1);
            return Ok(Batch { whole: text.len() as u64, text });
        }
        // No line has ended: at the end of the file there is none, and before it the line is longer than this.
        if filled == have || left <= want {
            return Ok(Batch::default());
        }
        want = want.saturating_mul(2);
    }
}

/// Someone's journal, by name.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) owner: String,
    pub(super) path: PathBuf,
}

/// Every journal in `dir`, dead ones and live ones.
pub(super) fn list(dir: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if let Some(owner) = entry.file_name().to_str().and_then(|name| name.strip_prefix(PREFIX)) {
            entries.push(Entry { owner: owner.to_owned(), path: entry.path() });
        }
    }
    Ok(entries)
}

/// Whether the journal of `owner` is still there.
pub(super) fn exists(dir: &Path, owner: &str) -> bool {
    dir.join(format!("{PREFIX}{owner}")).exists()
}

/// Opens a journal to read it, if it is still there. Never through a symbolic link.
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the owner of `journal` is alive. Asking disturbs nobody: those who ask share the lock.
pub(super) fn is_alive(journal: &File) -> io::Result<bool> {
    match journal.try_lock_shared() {
        Ok(()) => journal.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes over the journal of a dead owner: true if it is ours to read and remove. False while its owner lives,
/// while somebody else is at it, and where somebody else has removed it.
pub(super) fn adopt(journal: &File) -> io::Result<bool> {
    match journal.try_lock() {
        Ok(()) => Ok(journal.metadata()?.nlink() > 0),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes journals that their owners died over before they had locked them. `is_old` tells whether one of this
/// age is: a young one may be somebody's who is about to lock it.
pub(super) fn remove_stillborn(dir: &Path, min_age: std::time::Duration) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let stillborn = entry.file_name().to_str().is_some_and(|name| name.starts_with(UNLOCKED_PREFIX));
        if stillborn {
            let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age >= min_age) {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

/// Our own journal.
#[derive(Debug)]
pub(super) struct Journal {
    pub(super) owner: String,
    path: PathBuf,
    file: File,
    /// Bytes in the file.
    len: u64,
}

impl Journal {
    /// Makes a journal in `dir`, empty and locked.
    ///
    /// It has another name until it is locked, so that nobody takes it for a dead owner's.
    pub(super) fn create(dir: &Path) -> io::Result<Self> {
        let owner = ExecutionId::new().to_string();
        let unlocked = dir.join(format!("{UNLOCKED_PREFIX}{owner}"));
        let file = OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(&unlocked)?;
        file.try_lock()?;
        let path = dir.join(format!("{PREFIX}{owner}"));
        std::fs::rename(&unlocked, &path)?;
        Ok(Self { owner, path, file, len: 0 })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Another handle of the same file, to read it by.
    pub(super) fn reader(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Appends `line`, whole or not at all.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(line) {
            // Half a line would spoil the next one.
            self.file.set_len(self.len)?;
            return Err(error);
        }
        self.len += line.len() as u64;
        Ok(())
    }

    /// Empties the journal, whose events are elsewhere by now.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.len = 0;
        Ok(())
    }

    /// Removes the journal, whose events are elsewhere by now.
    pub(super) fn remove(&self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}
