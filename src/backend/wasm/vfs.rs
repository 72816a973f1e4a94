//! The file system that a guest sees. It lies in the host's memory and has no way to the host's own files.
//!
//! `/workspace` and `/tmp` are writable and count against the disk limit, `/usr` is read-only and comes with the guest.
//! Symbolic links are resolved inside this tree only, whatever they say.

use super::errno::Errno;
use super::usr::{UsrNode, UsrTree};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What each name in a directory costs of the disk limit beside its file's content, so that a flood of empty files, or of names
/// for one file, is bounded. It is more than the host's own cost of a name and its node.
const ENTRY_COST: u64 = 512;
/// The longest path that is looked at, in bytes, as `PATH_MAX`.
pub(crate) const MAX_PATH: usize = 4096;
/// The longest name of one entry, in bytes, as `NAME_MAX`.
const MAX_NAME: usize = 255;
/// How many symbolic links one path may pass, as Linux has it.
const MAX_LINKS: u32 = 40;
/// How deep directories may nest: paths are walked one by one, and whoever copies a tree recurses.
const MAX_DEPTH: usize = 256;
/// How many names one file may have.
const MAX_NLINK: u32 = 1024;
/// The modification time of everything under `/usr`, in nanoseconds: 1980-01-01, the same in every run, so that an import
/// system's cached listing from the snapshot stays valid.
const USR_MTIME: u64 = 315_532_800_000_000_000;

type Result<T> = std::result::Result<T, Errno>;

/// A node's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ino {
    /// A node of this file system.
    Own(u32),
    /// A node of the guest's read-only tree.
    Usr(u32),
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileType {
    Dir,
    File,
    Symlink,
}

/// What `stat` tells of a node. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    pub(crate) ino: u64,
    pub(crate) kind: FileType,
    pub(crate) nlink: u64,
    pub(crate) size: u64,
    pub(crate) accessed: u64,
    pub(crate) modified: u64,
    pub(crate) changed: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    Dir { entries: BTreeMap<String, Ino>, parent: u32 },
    File(Vec<u8>),
    Symlink(String),
}

#[derive(Clone, Debug)]
struct Node {
    kind: Kind,
    nlink: u32,
    opens: u32,
    accessed: u64,
    modified: u64,
    changed: u64,
}

/// Where a path leads: the directory that holds its last name, and the node itself if it exists.
pub(crate) struct Target {
    parent: Ino,
    name: String,
    /// The node, if there is one.
    pub(crate) found: Option<Ino>,
}

/// How to open a path.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OpenHow {
    pub(crate) create: bool,
    pub(crate) directory: bool,
    pub(crate) exclusive: bool,
    pub(crate) truncate: bool,
    pub(crate) follow: bool,
    pub(crate) write: bool,
}

/// A regular file found in the tree.
pub(crate) struct FoundFile<'a> {
    /// Its path relative to the directory that was searched.
    pub(crate) path: String,
    /// Its content.
    pub(crate) bytes: &'a [u8],
}

pub(crate) struct Vfs {
    nodes: Vec<Option<Node>>,
    free: Vec<u32>,
    usr: Arc<UsrTree>,
    quota: u64,
    used: u64,
    peak: u64,
    refused: bool,
}

const ROOT: u32 = 0;
const WORKSPACE: u32 = 1;
const TMP: u32 = 2;

impl Vfs {
    /// The root directory.
    pub(crate) const ROOT: Ino = Ino::Own(ROOT);
    /// `/workspace`.
    pub(crate) const WORKSPACE: Ino = Ino::Own(WORKSPACE);

    /// An empty workspace of at most `quota` bytes.
    pub(crate) fn new(usr: Arc<UsrTree>, quota: u64) -> Self {
        let now = now();
        let dir = |entries| Node {
            kind: Kind::Dir { entries, parent: ROOT },
            nlink: 1,
            opens: 0,
            accessed: now,
            modified: now,
            changed: now,
        };
        let root = BTreeMap::from([
            ("tmp".to_owned(), Ino::Own(TMP)),
            ("usr".to_owned(), Ino::Usr(0)),
            ("workspace".to_owned(), Ino::Own(WORKSPACE)),
        ]);
        let nodes = vec![Some(dir(root)), Some(dir(BTreeMap::new())), Some(dir(BTreeMap::new()))];
        Self { nodes, free: Vec::new(), usr, quota, used: 0, peak: 0, refused: false }
    }

    /// Sets the disk limit for what follows; what is there already stays.
    pub(crate) fn set_quota(&mut self, quota: u64) {
        self.quota = quota;
        self.peak = self.used;
        self.refused = false;
    }

    /// The bytes in use at the moment.
    pub(crate) fn used(&self) -> u64 {
        self.used
    }

    /// The most bytes that were in use at once since the limit was set.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// Whether something was refused because the disk limit was reached.
    pub(crate) fn refused(&self) -> bool {
        self.refused
    }

    fn node(&self, id: u32) -> Result<&Node> {
        self.nodes.get(id as usize).and_then(Option::as_ref).ok_or(Errno::Badf)
    }

    fn node_mut(&mut self, id: u32) -> Result<&mut Node> {
        self.nodes.get_mut(id as usize).and_then(Option::as_mut).ok_or(Errno::Badf)
    }

    fn usr_node(&self, id: u32) -> Result<&UsrNode> {
        self.usr.node(id).ok_or(Errno::Io)
    }

    /// Takes `bytes` from what is left of the disk limit.
    fn charge(&mut self, bytes: u64) -> Result<()> {
        if bytes > self.quota.saturating_sub(self.used) {
            self.refused = true;
            return Err(Errno::Nospc);
        }
        self.used += bytes;
        self.peak = self.peak.max(self.used);
        Ok(())
    }

    fn refund(&mut self, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// The entry `name` of the directory `dir`.
    fn lookup(&self, dir: Ino, name: &str) -> Result<Option<Ino>> {
        match dir {
            Ino::Own(id) => match &self.node(id)?.kind {
                Kind::Dir { entries, .. } => Ok(entries.get(name).copied()),
                Kind::File(_) | Kind::Symlink(_) => Err(Errno::Notdir),
            },
            Ino::Usr(id) => match self.usr_node(id)? {
                UsrNode::Dir { entries, .. } => Ok(entries.get(name).map(|id| Ino::Usr(*id))),
                UsrNode::File { .. } => Err(Errno::Notdir),
            },
        }
    }

    fn parent(&self, dir: Ino) -> Result<Ino> {
        match dir {
            Ino::Own(id) => match &self.node(id)?.kind {
                Kind::Dir { parent, .. } => Ok(Ino::Own(*parent)),
                Kind::File(_) | Kind::Symlink(_) => Err(Errno::Notdir),
            },
            Ino::Usr(0) => Ok(Self::ROOT),
            Ino::Usr(id) => match self.usr_node(id)? {
                UsrNode::Dir { parent, .. } => Ok(Ino::Usr(*parent)),
                UsrNode::File { .. } => Err(Errno::Notdir),
            },
        }
    }

    /// What the node is.
    pub(crate) fn file_type(&self, ino: Ino) -> Result<FileType> {
        Ok(match ino {
            Ino::Own(id) => match self.node(id)?.kind {
                Kind::Dir { .. } => FileType::Dir,
                Kind::File(_) => FileType::File,
                Kind::Symlink(_) => FileType::Symlink,
            },
            Ino::Usr(id) => match self.usr_node(id)? {
                UsrNode::Dir { .. } => FileType::Dir,
                UsrNode::File { .. } => FileType::File,
            },
        })
    }

    /// Walks `path` from the directory `start`. A last symbolic link is followed if `follow` says so.
    pub(crate) fn resolve(&self, start: Ino, path: &str, follow: bool) -> Result<Target> {
        if path.is_empty() {
            return Err(Errno::Noent);
        }
        if path.len() > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        // The names still to walk, last first; a link puts its own in front of them.
        let mut todo: Vec<String> = Vec::new();
        let push = |todo: &mut Vec<String>, path: &str| {
            // A trailing slash asks for a directory, as a last `.` does.
            let dir = path.ends_with('/').then_some(".");
            todo.extend(dir.into_iter().chain(path.rsplit('/').filter(|p| !p.is_empty())).map(str::to_owned));
        };
        push(&mut todo, path);
        let mut dir = if path.starts_with('/') { Self::ROOT } else { start };
        let mut links = 0;
        let mut here = Target { parent: dir, name: ".".to_owned(), found: Some(dir) };
        while let Some(name) = todo.pop() {
            if name.len() > MAX_NAME {
                return Err(Errno::Nametoolong);
            }
            let last = todo.is_empty();
            let found = match name.as_str() {
                "." => {
                    self.lookup(dir, ".")?;
                    Some(dir)
                }
                ".." => Some(self.parent(dir)?),
                _ => self.lookup(dir, &name)?,
            };
            let Some(ino) = found else {
                // Only a trailing `.` may follow a name that is to be created (`mkdir a/`).
                if last || todo.iter().all(|rest| rest == ".") {
                    return Ok(Target { parent: dir, name, found: None });
                }
                return Err(Errno::Noent);
            };
            if (!last || follow)
                && let Ino::Own(id) = ino
                && let Kind::Symlink(to) = &self.node(id)?.kind
            {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::Loop);
                }
                if to.starts_with('/') {
                    dir = Self::ROOT;
                }
                push(&mut todo, to);
                here = Target { parent: dir, name: ".".to_owned(), found: Some(dir) };
                continue;
            }
            here = Target { parent: dir, name, found: Some(ino) };
            if !last {
                if self.file_type(ino)? != FileType::Dir {
                    return Err(Errno::Notdir);
                }
                dir = ino;
            }
        }
        Ok(here)
    }

    /// Walks `path` to a node that must exist.
    pub(crate) fn find(&self, start: Ino, path: &str, follow: bool) -> Result<Ino> {
        self.resolve(start, path, follow)?.found.ok_or(Errno::Noent)
    }

    fn depth(&self, mut dir: Ino) -> Result<usize> {
        let mut depth = 0;
        while dir != Self::ROOT {
            dir = self.parent(dir)?;
            depth += 1;
        }
        Ok(depth)
    }

    /// The writable directory that `target` would be made in.
    fn writable_dir(&self, target: &Target) -> Result<u32> {
        match target.parent {
            // The root itself is fixed: /workspace, /tmp and /usr can be neither replaced nor joined by others.
            Ino::Own(ROOT) => Err(Errno::Acces),
            Ino::Own(id) => Ok(id),
            Ino::Usr(_) => Err(Errno::Rofs),
        }
    }

    fn entries_mut(&mut self, dir: u32) -> Result<&mut BTreeMap<String, Ino>> {
        let now = now();
        let node = self.node_mut(dir)?;
        node.modified = now;
        node.changed = now;
        match &mut node.kind {
            Kind::Dir { entries, .. } => Ok(entries),
            Kind::File(_) | Kind::Symlink(_) => Err(Errno::Notdir),
        }
    }

    fn create(&mut self, target: &Target, kind: Kind) -> Result<Ino> {
        if target.found.is_some() {
            return Err(Errno::Exist);
        }
        let dir = self.writable_dir(target)?;
        // A directory that was removed while it was the cwd takes no new entries.
        if self.node(dir)?.nlink == 0 {
            return Err(Errno::Noent);
        }
        if matches!(kind, Kind::Dir { .. }) && self.depth(target.parent)? >= MAX_DEPTH {
            return Err(Errno::Nametoolong);
        }
        let extra = if let Kind::Symlink(to) = &kind { to.len() as u64 } else { 0 };
        self.charge(ENTRY_COST + extra)?;
        let now = now();
        let node = Some(Node { kind, nlink: 1, opens: 0, accessed: now, modified: now, changed: now });
        let id = if let Some(id) = self.free.pop() {
            self.nodes[id as usize] = node;
            id
        } else {
            let id = u32::try_from(self.nodes.len()).map_err(|_| Errno::Nospc)?;
            self.nodes.push(node);
            id
        };
        self.entries_mut(dir)?.insert(target.name.clone(), Ino::Own(id));
        Ok(Ino::Own(id))
    }

    /// Gives a node's room back once it has neither a name nor an open descriptor.
    fn reap(&mut self, id: u32) {
        let Some(slot) = self.nodes.get_mut(id as usize) else { return };
        let Some(node) = slot.as_ref().filter(|node| node.nlink == 0 && node.opens == 0) else { return };
        let content = match &node.kind {
            Kind::File(bytes) => bytes.len() as u64,
            Kind::Symlink(to) => to.len() as u64,
            Kind::Dir { .. } => 0,
        };
        *slot = None;
        self.free.push(id);
        self.refund(content);
    }

    /// Opens `path`; the node stays until [`Self::close`] even if its name goes.
    pub(crate) fn open(&mut self, start: Ino, path: &str, how: OpenHow) -> Result<Ino> {
        let target = self.resolve(start, path, how.follow && !how.exclusive)?;
        let ino = match target.found {
            Some(_) if how.create && how.exclusive => return Err(Errno::Exist),
            Some(ino) => ino,
            None if how.create && path.ends_with('/') => return Err(Errno::Isdir),
            None if how.create => self.create(&target, Kind::File(Vec::new()))?,
            None => return Err(Errno::Noent),
        };
        let kind = self.file_type(ino)?;
        match kind {
            FileType::Symlink => return Err(Errno::Loop),
            FileType::Dir if how.write || how.truncate => return Err(Errno::Isdir),
            FileType::File if how.directory => return Err(Errno::Notdir),
            FileType::Dir | FileType::File => {}
        }
        match ino {
            Ino::Usr(_) if how.write || how.truncate => return Err(Errno::Rofs),
            Ino::Usr(_) => {}
            Ino::Own(id) => {
                if how.truncate {
                    self.set_size(ino, 0)?;
                }
                self.node_mut(id)?.opens += 1;
            }
        }
        Ok(ino)
    }

    /// Ends one opening of `ino`.
    pub(crate) fn close(&mut self, ino: Ino) {
        if let Ino::Own(id) = ino
            && let Ok(node) = self.node_mut(id)
        {
            node.opens = node.opens.saturating_sub(1);
            self.reap(id);
        }
    }

    /// Copies bytes from `position` on into `buf`; 0 at the end.
    pub(crate) fn read(&mut self, ino: Ino, position: u64, buf: &mut [u8]) -> Result<usize> {
        match ino {
            Ino::Usr(id) => self.usr.read(id, position, buf).map_err(|_| Errno::Io),
            Ino::Own(id) => match &self.node(id)?.kind {
                Kind::File(bytes) => {
                    let start = usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
                    let n = buf.len().min(bytes.len() - start);
                    buf[..n].copy_from_slice(&bytes[start..start + n]);
                    Ok(n)
                }
                Kind::Dir { .. } => Err(Errno::Isdir),
                Kind::Symlink(_) => Err(Errno::Inval),
            },
        }
    }

    /// The file's length, for seeking and appending.
    pub(crate) fn size(&self, ino: Ino) -> Result<u64> {
        self.stat(ino).map(|stat| stat.size)
    }

    /// Writes as much of `data` at `position` as the disk limit has room for. A gap before it counts as written.
    pub(crate) fn write(&mut self, ino: Ino, position: u64, data: &[u8]) -> Result<usize> {
        let Ino::Own(id) = ino else { return Err(Errno::Rofs) };
        if data.is_empty() {
            return Ok(0);
        }
        let old = self.size(ino)?;
        let room = self.quota.saturating_sub(self.used);
        let end = position.checked_add(data.len() as u64).ok_or(Errno::Fbig)?;
        let end = end.min(old.saturating_add(room));
        if end <= position {
            self.refused = true;
            return Err(Errno::Nospc);
        }
        if end > old {
            self.set_size(ino, end)?;
        }
        let now = now();
        let node = self.node_mut(id)?;
        node.modified = now;
        node.changed = now;
        let Kind::File(bytes) = &mut node.kind else { return Err(Errno::Isdir) };
        let (start, end) = (index(position)?, index(end)?);
        let n = end - start;
        bytes[start..end].copy_from_slice(&data[..n]);
        Ok(n)
    }

    /// Cuts or extends a file with zeros.
    pub(crate) fn set_size(&mut self, ino: Ino, size: u64) -> Result<()> {
        let Ino::Own(id) = ino else { return Err(Errno::Rofs) };
        let Kind::File(bytes) = &self.node(id)?.kind else { return Err(Errno::Isdir) };
        let old = bytes.len() as u64;
        self.charge(size.saturating_sub(old))?;
        self.refund(old.saturating_sub(size));
        let now = now();
        let node = self.node_mut(id)?;
        node.modified = now;
        node.changed = now;
        let Kind::File(bytes) = &mut node.kind else { return Err(Errno::Isdir) };
        let len = index(size)?;
        if len > bytes.len() && bytes.try_reserve(len - bytes.len()).is_err() {
            // The host itself is short of memory: the guest's disk is full, and the host goes on.
            self.refund(size - old);
            return Err(Errno::Nospc);
        }
        bytes.resize(len, 0);
        if len == 0 {
            *bytes = Vec::new();
        }
        Ok(())
    }

    /// What `stat` tells.
    pub(crate) fn stat(&self, ino: Ino) -> Result<Stat> {
        let kind = self.file_type(ino)?;
        Ok(match ino {
            Ino::Own(id) => {
                let node = self.node(id)?;
                let size = match &node.kind {
                    Kind::Dir { entries, .. } => entries.len() as u64,
                    Kind::File(bytes) => bytes.len() as u64,
                    Kind::Symlink(to) => to.len() as u64,
                };
                let Node { nlink, accessed, modified, changed, .. } = *node;
                Stat { ino: 1 + u64::from(id), kind, nlink: nlink.into(), size, accessed, modified, changed }
            }
            Ino::Usr(id) => {
                let size = match self.usr_node(id)? {
                    UsrNode::Dir { entries, .. } => entries.len() as u64,
                    UsrNode::File { len, .. } => *len,
                };
                let (accessed, modified, changed) = (USR_MTIME, USR_MTIME, USR_MTIME);
                let ino = (1 << 32) + u64::from(id);
                Stat { ino, kind, nlink: 1, size, accessed, modified, changed }
            }
        })
    }

    /// Sets the access and modification time where given, in nanoseconds since 1970.
    pub(crate) fn set_times(&mut self, ino: Ino, accessed: Option<u64>, modified: Option<u64>) -> Result<()> {
        let Ino::Own(id) = ino else { return Err(Errno::Rofs) };
        let node = self.node_mut(id)?;
        node.accessed = accessed.unwrap_or(node.accessed);
        node.modified = modified.unwrap_or(node.modified);
        node.changed = now();
        Ok(())
    }

    /// The names in a directory with their nodes, sorted, without `.` and `..`.
    pub(crate) fn list(&self, dir: Ino) -> Result<Vec<(String, Ino)>> {
        match dir {
            Ino::Own(id) => match &self.node(id)?.kind {
                Kind::Dir { entries, .. } => Ok(entries.iter().map(|(n, i)| (n.clone(), *i)).collect()),
                Kind::File(_) | Kind::Symlink(_) => Err(Errno::Notdir),
            },
            Ino::Usr(id) => match self.usr_node(id)? {
                UsrNode::Dir { entries, .. } => {
                    Ok(entries.iter().map(|(name, id)| (name.clone(), Ino::Usr(*id))).collect())
                }
                UsrNode::File { .. } => Err(Errno::Notdir),
            },
        }
    }

    /// Makes a directory.
    pub(crate) fn create_dir(&mut self, start: Ino, path: &str) -> Result<()> {
        let target = self.resolve(start, path, false)?;
        if target.found.is_some() {
            return Err(Errno::Exist);
        }
        let parent = self.writable_dir(&target)?;
        self.create(&target, Kind::Dir { entries: BTreeMap::new(), parent }).map(|_| ())
    }

    /// Makes a symbolic link at `path` that says `to`.
    pub(crate) fn symlink(&mut self, to: &str, start: Ino, path: &str) -> Result<()> {
        if to.is_empty() || to.len() > MAX_PATH {
            return Err(if to.is_empty() { Errno::Noent } else { Errno::Nametoolong });
        }
        let target = self.resolve(start, path, false)?;
        self.create(&target, Kind::Symlink(to.to_owned())).map(|_| ())
    }

    /// What a symbolic link says.
    pub(crate) fn read_link(&self, start: Ino, path: &str) -> Result<&str> {
        let Ino::Own(id) = self.find(start, path, false)? else { return Err(Errno::Inval) };
        match &self.node(id)?.kind {
            Kind::Symlink(to) => Ok(to),
            Kind::Dir { .. } | Kind::File(_) => Err(Errno::Inval),
        }
    }

    /// Gives a file a second name.
    pub(crate) fn link(&mut self, from: Ino, old: &str, follow: bool, to: Ino, new: &str) -> Result<()> {
        let ino = self.find(from, old, follow)?;
        let target = self.resolve(to, new, false)?;
        if target.found.is_some() {
            return Err(Errno::Exist);
        }
        let dir = self.writable_dir(&target)?;
        let Ino::Own(id) = ino else { return Err(Errno::Rofs) };
        if self.file_type(ino)? == FileType::Dir {
            return Err(Errno::Perm);
        }
        if self.node(id)?.nlink >= MAX_NLINK {
            return Err(Errno::Mlink);
        }
        self.charge(ENTRY_COST)?;
        self.node_mut(id)?.nlink += 1;
        self.entries_mut(dir)?.insert(target.name, ino);
        Ok(())
    }

    fn unname(&mut self, target: &Target, ino: Ino) -> Result<()> {
        if matches!(target.name.as_str(), "." | "..") {
            return Err(Errno::Inval);
        }
        let dir = self.writable_dir(target)?;
        self.entries_mut(dir)?.remove(&target.name);
        self.refund(ENTRY_COST);
        if let Ino::Own(id) = ino {
            let node = self.node_mut(id)?;
            node.nlink = node.nlink.saturating_sub(1);
            node.changed = now();
            self.reap(id);
        }
        Ok(())
    }

    /// Removes a name of a file or link.
    pub(crate) fn unlink(&mut self, start: Ino, path: &str) -> Result<()> {
        let target = self.resolve(start, path, false)?;
        let ino = target.found.ok_or(Errno::Noent)?;
        if self.file_type(ino)? == FileType::Dir {
            return Err(Errno::Isdir);
        }
        self.unname(&target, ino)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_dir(&mut self, start: Ino, path: &str) -> Result<()> {
        let target = self.resolve(start, path, false)?;
        let ino = target.found.ok_or(Errno::Noent)?;
        if self.file_type(ino)? != FileType::Dir {
            return Err(Errno::Notdir);
        }
        if !self.list(ino)?.is_empty() {
            return Err(Errno::Notempty);
        }
        self.unname(&target, ino)
    }

    /// Moves a name, replacing what may be replaced.
    pub(crate) fn rename(&mut self, from: Ino, old: &str, to: Ino, new: &str) -> Result<()> {
        let source = self.resolve(from, old, false)?;
        let ino = source.found.ok_or(Errno::Noent)?;
        let target = self.resolve(to, new, false)?;
        if [&source, &target].iter().any(|t| matches!(t.name.as_str(), "." | "..")) {
            return Err(Errno::Inval);
        }
        let from_dir = self.writable_dir(&source)?;
        let to_dir = self.writable_dir(&target)?;
        let is_dir = self.file_type(ino)? == FileType::Dir;
        if is_dir {
            // A directory cannot move into itself.
            let mut above = target.parent;
            while above != Self::ROOT {
                if above == ino {
                    return Err(Errno::Inval);
                }
                above = self.parent(above)?;
            }
            if self.depth(target.parent)? >= MAX_DEPTH {
                return Err(Errno::Nametoolong);
            }
        }
        if let Some(replaced) = target.found {
            if replaced == ino {
                return Ok(());
            }
            match (is_dir, self.file_type(replaced)? == FileType::Dir) {
                (true, false) => return Err(Errno::Notdir),
                (false, true) => return Err(Errno::Isdir),
                (true, true) if !self.list(replaced)?.is_empty() => return Err(Errno::Notempty),
                (true, true) | (false, false) => self.unname(&target, replaced)?,
            }
        }
        self.entries_mut(from_dir)?.remove(&source.name);
        self.entries_mut(to_dir)?.insert(target.name, ino);
        if let Ino::Own(id) = ino {
            let node = self.node_mut(id)?;
            node.changed = now();
            if let Kind::Dir { parent, .. } = &mut node.kind {
                *parent = to_dir;
            }
        }
        Ok(())
    }

    /// Puts a file of the host's caller into the workspace, with the directories above it.
    pub(crate) fn put(&mut self, path: &str, content: &[u8]) -> Result<()> {
        let mut made = String::new();
        let parents = path.rsplit_once('/').map_or("", |(parents, _)| parents);
        for part in parents.split('/').filter(|part| !part.is_empty()) {
            made.push_str(part);
            match self.create_dir(Self::WORKSPACE, &made) {
                Ok(()) | Err(Errno::Exist) => made.push('/'),
                Err(errno) => return Err(errno),
            }
        }
        let how = OpenHow { create: true, truncate: true, write: true, ..OpenHow::default() };
        let ino = self.open(Self::WORKSPACE, path, how)?;
        let written = self.write(ino, 0, content);
        self.close(ino);
        if written? < content.len() { Err(Errno::Nospc) } else { Ok(()) }
    }

    /// Every regular file under the workspace. Links are left out: what they name is in the tree itself or nowhere.
    pub(crate) fn workspace_files(&self) -> Vec<FoundFile<'_>> {
        let mut found = Vec::new();
        let mut todo = vec![(String::new(), WORKSPACE)];
        while let Some((prefix, id)) = todo.pop() {
            let Ok(Node { kind: Kind::Dir { entries, .. }, .. }) = self.node(id) else { continue };
            for (name, ino) in entries {
                let Ino::Own(id) = *ino else { continue };
                let path = format!("{prefix}{name}");
                match self.node(id).map(|node| &node.kind) {
                    Ok(Kind::Dir { .. }) => todo.push((path + "/", id)),
                    Ok(Kind::File(bytes)) => found.push(FoundFile { path, bytes }),
                    Ok(Kind::Symlink(_)) | Err(_) => {}
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }
}

fn index(position: u64) -> Result<usize> {
    usize::try_from(position).map_err(|_| Errno::Fbig)
}

/// Nanoseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
