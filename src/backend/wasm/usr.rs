//! The read-only tree under `/usr` that comes with a guest: its standard library and data.
//!
//! It is a tar archive, carried in the guest module's custom section `bailiwick.usr`. Only an index of it is kept in
//! memory; contents are read where the archive lies, when a guest asks for them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

/// Where the archive's bytes are.
#[derive(Debug)]
pub(crate) enum Archive {
    /// There is none: `/usr` is an empty directory.
    Empty,
    /// In memory: used where no cache directory is to be had.
    Memory(Arc<[u8]>),
    /// In a file of the private cache directory.
    File(File),
}

impl Archive {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Empty => Ok(0),
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let n = buf.len().min(bytes.len() - start);
                buf[..n].copy_from_slice(&bytes[start..start + n]);
                Ok(n)
            }
            Self::File(file) => file.read_at(buf, offset),
        }
    }
}

struct Reader<'a> {
    archive: &'a Archive,
    position: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.archive.read_at(self.position, buf)?;
        self.position += n as u64;
        Ok(n)
    }
}

impl io::Seek for Reader<'_> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let target = match to {
            io::SeekFrom::Start(n) => Some(n),
            io::SeekFrom::Current(n) => self.position.checked_add_signed(n),
            io::SeekFrom::End(_) => None,
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// One entry of the tree.
#[derive(Debug)]
pub(crate) enum UsrNode {
    /// A directory and its parent.
    Dir { entries: BTreeMap<String, u32>, parent: u32 },
    /// A file: where its content starts in the archive, and its length.
    File { offset: u64, len: u64 },
}

/// The index of an archive. Node 0 is `/usr` itself.
#[derive(Debug)]
struct Index {
    nodes: Vec<UsrNode>,
}

impl Index {
    fn of(archive: &Archive) -> io::Result<Self> {
        let mut index = Self { nodes: vec![UsrNode::Dir { entries: BTreeMap::new(), parent: 0 }] };
        if matches!(archive, Archive::Empty) {
            return Ok(index);
        }
        let mut tar = tar::Archive::new(Reader { archive, position: 0 });
        for entry in tar.entries_with_seek()? {
            let entry = entry?;
            let path = entry.path()?;
            let Some(path) = path.to_str().and_then(|p| p.strip_prefix("usr/")) else { continue };
            let path = path.trim_end_matches('/');
            if path.is_empty() {
                continue;
            }
            let mut dir = 0;
            let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
            for part in parents.split('/').filter(|part| !part.is_empty()) {
                dir = index.child_dir(dir, part)?;
            }
            match entry.header().entry_type() {
                tar::EntryType::Directory => {
                    index.child_dir(dir, name)?;
                }
                tar::EntryType::Regular => {
                    let file = UsrNode::File { offset: entry.raw_file_position(), len: entry.size() };
                    index.insert(dir, name, file)?;
                }
                _ => {}
            }
        }
        Ok(index)
    }

    fn child_dir(&mut self, dir: u32, name: &str) -> io::Result<u32> {
        if let UsrNode::Dir { entries, .. } = &self.nodes[dir as usize]
            && let Some(found) = entries.get(name)
        {
            return Ok(*found);
        }
        self.insert(dir, name, UsrNode::Dir { entries: BTreeMap::new(), parent: dir })
    }

    fn insert(&mut self, dir: u32, name: &str, node: UsrNode) -> io::Result<u32> {
        let id = u32::try_from(self.nodes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        match &mut self.nodes[dir as usize] {
            UsrNode::Dir { entries, .. } => entries.insert(name.to_owned(), id),
            UsrNode::File { .. } => return Err(io::ErrorKind::InvalidData.into()),
        };
        self.nodes.push(node);
        Ok(id)
    }
}

/// The tree of one guest, shared by all its runs. The index is made when a guest first looks.
#[derive(Debug)]
pub(crate) struct UsrTree {
    archive: Archive,
    index: OnceLock<Option<Index>>,
}

impl UsrTree {
    /// A tree over `archive`; nothing is read yet.
    pub(crate) fn new(archive: Archive) -> Self {
        Self { archive, index: OnceLock::new() }
    }

    /// The node, unless the archive cannot be read.
    pub(crate) fn node(&self, id: u32) -> Option<&UsrNode> {
        self.index.get_or_init(|| Index::of(&self.archive).ok()).as_ref()?.nodes.get(id as usize)
    }

    /// Copies a file's bytes from `position` on into `buf` and returns how many there were.
    pub(crate) fn read(&self, id: u32, position: u64, buf: &mut [u8]) -> io::Result<usize> {
        let Some(UsrNode::File { offset, len }) = self.node(id) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let left = usize::try_from(len.saturating_sub(position)).unwrap_or(usize::MAX);
        let n = buf.len().min(left);
        self.archive.read_at(offset + position, &mut buf[..n])
    }
}
