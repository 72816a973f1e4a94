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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;
    use tempfile::TempDir;

    fn file(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file
    }

    /// Every event of a journal that holds `text`.
    fn events(text: &[u8]) -> Vec<(Kind, ExecutionId, String)> {
        let batch = read(&file(text), 0, text.len() as u64).unwrap();
        batch.events().map(|event| (event.kind, event.id, event.json.to_owned())).collect()
    }

    #[test]
    fn lines_are_read_back_and_torn_ones_are_none() {
        let (a, b) = (ExecutionId::new(), ExecutionId::new());
        let mut text = line(Kind::Begun, a, &json!({ "code": "\n \u{1f40d} \"" })).unwrap();
        let first = text.len();
        text.extend(line(Kind::Ended, b, &json!("interrupted")).unwrap());
        let all = events(&text);
        assert_eq!(all[0], (Kind::Begun, a, r#"{"code":"\n 🐍 \""}"#.to_owned()));
        assert_eq!(all[1], (Kind::Ended, b, r#""interrupted""#.to_owned()));
        // Cut anywhere, and cut anywhere with another line after it.
        let third = line(Kind::Begun, b, &json!(3)).unwrap();
        for len in 0..text.len() {
            let whole = usize::from(len >= first);
            assert_eq!(events(&text[..len]), all[..whole], "{len}");
            let mut followed = text[..len].to_vec();
            followed.push(b'\n');
            followed.extend(&third);
            let found = events(&followed);
            // All but the last line feed is a whole line again.
            let whole = whole + usize::from(len == first - 1 || len == text.len() - 1);
            assert_eq!(found.len(), whole + 1, "{len}");
            assert_eq!(found[..whole], all[..whole], "{len}");
        }
        // One bit wrong anywhere.
        for at in 0..first - 1 {
            let mut damaged = text.clone();
            damaged[at] ^= 2;
            assert_eq!(events(&damaged), all[1..], "{at}");
            assert!(read(&file(&damaged), 0, damaged.len() as u64).unwrap().damaged_lines() >= 1);
        }
    }

    #[test]
    fn a_line_of_a_right_checksum_may_be_no_event_all_the_same() {
        for rest in ["b", "x 1 2", "b no-id {}", "b 0", ""] {
            let text = format!("{:016x} {rest}\n", checksum(rest.as_bytes()));
            assert_eq!(events(text.as_bytes()), [], "{rest}");
        }
    }

    #[test]
    fn long_journals_and_long_lines_are_read_piece_by_piece() {
        let id = ExecutionId::new();
        let mut text = Vec::new();
        for size in [10, CHUNK - 10, 3 * CHUNK, 5, CHUNK / 2, CHUNK / 2, 7] {
            text.extend(line(Kind::Begun, id, &json!("x".repeat(size))).unwrap());
        }
        text.extend_from_slice(b"torn");
        let file = file(&text);
        let (mut at, mut sizes) = (0, Vec::new());
        loop {
            let batch = read(&file, at, text.len() as u64).unwrap();
            if batch.whole == 0 {
                break;
            }
            sizes.extend(batch.events().map(|event| event.json.len() - 2));
            at += batch.whole;
        }
        assert_eq!(sizes, [10, CHUNK - 10, 3 * CHUNK, 5, CHUNK / 2, CHUNK / 2, 7]);
        assert_eq!(at, text.len() as u64 - 4);
    }

    #[test]
    fn only_old_stillborn_journals_are_removed() {
        let dir = TempDir::new().unwrap();
        let stillborn = dir.path().join("new-1");
        std::fs::write(&stillborn, "").unwrap();
        std::fs::write(dir.path().join("other"), "").unwrap();
        remove_stillborn(dir.path(), Duration::from_secs(60)).unwrap();
        assert!(stillborn.exists());
        remove_stillborn(dir.path(), Duration::ZERO).unwrap();
        assert!(!stillborn.exists() && dir.path().join("other").exists());
    }

    #[test]
    fn the_lock_tells_the_living_from_the_dead() {
        let dir = TempDir::new().unwrap();
        let journal = Journal::create(dir.path()).unwrap();
        let entry = list(dir.path()).unwrap().remove(0);
        assert_eq!(entry.owner, journal.owner);
        let other = open(&entry.path).unwrap().unwrap();
        assert!(is_alive(&other).unwrap() && !adopt(&other).unwrap());
        drop(journal);
        assert!(!is_alive(&other).unwrap());
        let asking = open(&entry.path).unwrap().unwrap();
        asking.lock_shared().unwrap();
        assert!(!is_alive(&other).unwrap(), "those who ask do not look alive to each other");
        assert!(!adopt(&other).unwrap(), "but put off those who would take over");
        drop(asking);
        assert!(adopt(&other).unwrap());
        drop(other);
        let other = open(&entry.path).unwrap().unwrap();
        std::fs::remove_file(&entry.path).unwrap();
        assert!(!adopt(&other).unwrap(), "somebody else has done it");
        assert!(open(&entry.path).unwrap().is_none());
    }
}
