//! The WASI preview 1 functions that a guest imports.
//!
//! Arguments, environment, randomness and the process functions are wasmtime-wasi's. Whatever touches a file, an output
//! or the clock is ours: files lie in [`Vfs`](super::vfs::Vfs), output is bounded as it is written, and a sleep ends at the run's
//! deadline. All of it is synchronous and allocates nothing in proportion to what a guest asks for.

use super::errno::Errno;
use super::state::{Desc, GuestState, MAX_REPORT, PREOPEN_FD};
use super::vfs::{self, FileType, Ino, MAX_PATH, OpenHow, Stat};
use crate::control::Stop;
use crate::outcome::OutputStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::{Caller, Extern, Linker};

/// How many buffers one read or write may name, as `IOV_MAX`.
const MAX_IOVS: u32 = 1024;
/// How many events one poll may wait for.
const MAX_SUBSCRIPTIONS: u32 = 1024;
/// The module name of preview 1.
const WASI: &str = "wasi_snapshot_preview1";

/// Why a call does not succeed: the guest is told, or the run ends here.
enum Fault {
    Errno(Errno),
    Stop(Stop),
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

type Done = Result<(), Fault>;

/// The guest's linear memory, every access checked.
struct Mem<'a>(&'a mut [u8]);

impl Mem<'_> {
    fn slice(&self, at: u32, len: u32) -> Result<&[u8], Errno> {
        let start = at as usize;
        self.0.get(start..start + len as usize).ok_or(Errno::Fault)
    }

    fn slice_mut(&mut self, at: u32, len: u32) -> Result<&mut [u8], Errno> {
        let start = at as usize;
        self.0.get_mut(start..start + len as usize).ok_or(Errno::Fault)
    }

    fn array<const N: usize>(&self, at: u32) -> Result<[u8; N], Errno> {
        self.0.get(at as usize..).and_then(|rest| rest.first_chunk()).copied().ok_or(Errno::Fault)
    }

    fn u16(&self, at: u32) -> Result<u16, Errno> {
        self.array(at).map(u16::from_le_bytes)
    }

    fn u32(&self, at: u32) -> Result<u32, Errno> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn u64(&self, at: u32) -> Result<u64, Errno> {
        self.array(at).map(u64::from_le_bytes)
    }

    fn put(&mut self, at: u32, bytes: &[u8]) -> Result<(), Errno> {
        let start = at as usize;
        self.0.get_mut(start..start + bytes.len()).ok_or(Errno::Fault)?.copy_from_slice(bytes);
        Ok(())
    }

    fn put_u32(&mut self, at: u32, value: u32) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    fn put_u64(&mut self, at: u32, value: u64) -> Result<(), Errno> {
        self.put(at, &value.to_le_bytes())
    }

    fn path(&self, at: u32, len: u32) -> Result<&str, Errno> {
        if len as usize > MAX_PATH {
            return Err(Errno::Nametoolong);
        }
        let path = std::str::from_utf8(self.slice(at, len)?).map_err(|_| Errno::Ilseq)?;
        if path.contains('\0') { Err(Errno::Inval) } else { Ok(path) }
    }

    /// The buffer that entry `i` of an iovec array names.
    fn iov(&self, iovs: u32, i: u32) -> Result<(u32, u32), Errno> {
        let entry = iovs.checked_add(i * 8).ok_or(Errno::Fault)?;
        Ok((self.u32(entry)?, self.u32(entry.checked_add(4).ok_or(Errno::Fault)?)?))
    }
}

/// Runs a host function on the guest's memory and state.
fn host(
    caller: &mut Caller<'_, GuestState>,
    f: impl FnOnce(&mut Mem<'_>, &mut GuestState) -> Done,
) -> wasmtime::Result<i32> {
    let memory = match caller.data().memory {
        Some(memory) => memory,
        // Only while constructors run, before the host has seen the exports.
        None => match caller.get_export("memory") {
            Some(Extern::Memory(memory)) => memory,
            _ => return Ok(Errno::Fault as i32),
        },
    };
    let (bytes, state) = memory.data_and_store_mut(caller);
    match f(&mut Mem(bytes), state) {
        Ok(()) => Ok(0),
        Err(Fault::Errno(errno)) => Ok(errno as i32),
        Err(Fault::Stop(stop)) => Err(wasmtime::Error::new(stop)),
    }
}

fn dir(state: &GuestState, fd: u32) -> Result<Ino, Errno> {
    match state.fds.get(fd)? {
        Desc::Dir { ino, .. } => Ok(*ino),
        Desc::File { .. } | Desc::Stdin | Desc::Stdout | Desc::Stderr => Err(Errno::Notdir),
    }
}

/// The file behind a descriptor that may be positioned.
fn file(state: &GuestState, fd: u32) -> Result<Ino, Errno> {
    match state.fds.get(fd)? {
        Desc::File { ino, .. } => Ok(*ino),
        Desc::Dir { .. } => Err(Errno::Isdir),
        Desc::Stdin | Desc::Stdout | Desc::Stderr => Err(Errno::Spipe),
    }
}

fn readable(state: &GuestState, fd: u32) -> Result<Ino, Errno> {
    let ino = file(state, fd)?;
    if matches!(state.fds.get(fd)?, Desc::File { read: true, .. }) { Ok(ino) } else { Err(Errno::Badf) }
}

fn writable(state: &GuestState, fd: u32) -> Result<Ino, Errno> {
    let ino = file(state, fd)?;
    if matches!(state.fds.get(fd)?, Desc::File { write: true, .. }) { Ok(ino) } else { Err(Errno::Badf) }
}

fn set_position(state: &mut GuestState, fd: u32, to: u64) -> Result<(), Errno> {
    if let Desc::File { position, .. } = state.fds.get_mut(fd)? {
        *position = to;
    }
    Ok(())
}

fn read(mem: &mut Mem<'_>, state: &mut GuestState, fd: u32, iovs: (u32, u32), out: u32) -> Done {
    state.control.check()?;
    let desc = state.fds.get(fd)?.clone();
    let mut total = 0;
    for i in 0..iovs.1.min(MAX_IOVS) {
        let (at, len) = mem.iov(iovs.0, i)?;
        let buf = mem.slice_mut(at, len)?;
        let n = match &desc {
            Desc::Stdin => {
                let stdio = &mut state.stdio;
                let left = stdio.stdin.get(stdio.stdin_position..).unwrap_or_default();
                let n = left.len().min(buf.len());
                buf[..n].copy_from_slice(&left[..n]);
                stdio.stdin_position += n;
                n
            }
            Desc::File { ino, position, read: true, .. } => state.fs.read(*ino, position + total, buf)?,
            Desc::Dir { .. } => return Err(Errno::Isdir.into()),
            Desc::File { .. } | Desc::Stdout | Desc::Stderr => return Err(Errno::Badf.into()),
        };
        total += n as u64;
        if n < len as usize {
            break;
        }
    }
    if let Desc::File { position, .. } = desc {
        set_position(state, fd, position + total)?;
    }
    mem.put_u32(out, u32::try_from(total).map_err(|_| Errno::Inval)?)?;
    Ok(())
}

fn pread(mem: &mut Mem<'_>, state: &mut GuestState, fd: u32, iovs: (u32, u32), from: u64, out: u32) -> Done {
    state.control.check()?;
    let ino = readable(state, fd)?;
    let mut total = 0;
    for i in 0..iovs.1.min(MAX_IOVS) {
        let (at, len) = mem.iov(iovs.0, i)?;
        let n = state.fs.read(ino, from.checked_add(total).ok_or(Errno::Inval)?, mem.slice_mut(at, len)?)?;
        total += n as u64;
        if n < len as usize {
            break;
        }
    }
    mem.put_u32(out, u32::try_from(total).map_err(|_| Errno::Inval)?)?;
    Ok(())
}

/// Writes the buffers at `start` of a file; returns where the last byte went.
fn write_file(
    mem: &Mem<'_>,
    state: &mut GuestState,
    ino: Ino,
    start: u64,
    iovs: (u32, u32),
) -> Result<u64, Fault> {
    state.control.check()?;
    let mut position = start;
    for i in 0..iovs.1.min(MAX_IOVS) {
        let (at, len) = mem.iov(iovs.0, i)?;
        match state.fs.write(ino, position, mem.slice(at, len)?) {
            Ok(n) => {
                position += n as u64;
                if n < len as usize {
                    break;
                }
            }
            // What went before is written: the guest hears of the fault at its next write.
            Err(_) if position > start => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(position)
}

fn write(mem: &mut Mem<'_>, state: &mut GuestState, fd: u32, iovs: (u32, u32), out: u32) -> Done {
    let stream = match state.fds.get(fd)? {
        Desc::Stdout => OutputStream::Stdout,
        Desc::Stderr => OutputStream::Stderr,
        Desc::Stdin => return Err(Errno::Badf.into()),
        Desc::Dir { .. } => return Err(Errno::Badf.into()),
        Desc::File { ino, position, append, .. } => {
            let (ino, position, append) = (*ino, *position, *append);
            writable(state, fd)?;
            let start = if append { state.fs.size(ino)? } else { position };
            let end = write_file(mem, state, ino, start, iovs)?;
            set_position(state, fd, end)?;
            mem.put_u32(out, u32::try_from(end - start).map_err(|_| Errno::Inval)?)?;
            return Ok(());
        }
    };
    state.control.check()?;
    let mut total = 0;
    for i in 0..iovs.1.min(MAX_IOVS) {
        let (at, len) = mem.iov(iovs.0, i)?;
        state.stdio.output.write(stream, mem.slice(at, len)?)?;
        total += len;
    }
    state.stdio.last_write = Some(Instant::now());
    mem.put_u32(out, total)?;
    Ok(())
}

fn filetype(kind: FileType) -> u8 {
    match kind {
        FileType::Dir => 3,
        FileType::File => 4,
        FileType::Symlink => 7,
    }
}

fn put_stat(mem: &mut Mem<'_>, at: u32, stat: Stat) -> Result<(), Errno> {
    let mut out = [0; 64];
    out[0] = 1; // one device
    out[8..16].copy_from_slice(&stat.ino.to_le_bytes());
    out[16] = filetype(stat.kind);
    out[24..32].copy_from_slice(&stat.nlink.to_le_bytes());
    out[32..40].copy_from_slice(&stat.size.to_le_bytes());
    out[40..48].copy_from_slice(&stat.accessed.to_le_bytes());
    out[48..56].copy_from_slice(&stat.modified.to_le_bytes());
    out[56..64].copy_from_slice(&stat.changed.to_le_bytes());
    mem.put(at, &out)
}

/// A pipe has no preview 1 type of its own; a stream socket is what isatty() and fstat() take for one.
const PIPE: u8 = 6;

fn fd_filestat_get(mem: &mut Mem<'_>, state: &GuestState, fd: u32, out: u32) -> Done {
    match state.fds.get(fd)? {
        Desc::Stdin | Desc::Stdout | Desc::Stderr => {
            let mut stat = [0; 64];
            stat[16] = PIPE;
            mem.put(out, &stat)?;
        }
        Desc::Dir { ino, .. } | Desc::File { ino, .. } => put_stat(mem, out, state.fs.stat(*ino)?)?,
    }
    Ok(())
}

mod right {
    pub(super) const FD_READ: u64 = 1 << 1;
    pub(super) const FD_SEEK: u64 = 1 << 2;
    pub(super) const FD_TELL: u64 = 1 << 5;
    pub(super) const FD_WRITE: u64 = 1 << 6;
    pub(super) const FD_ALLOCATE: u64 = 1 << 8;
    pub(super) const FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
    pub(super) const ALL: u64 = (1 << 30) - 1;
}

fn fd_fdstat_get(mem: &mut Mem<'_>, state: &GuestState, fd: u32, out: u32) -> Done {
    let seek = right::FD_SEEK | right::FD_TELL;
    let change = right::FD_WRITE | right::FD_ALLOCATE | right::FD_FILESTAT_SET_SIZE;
    let (kind, flags, rights): (u8, u16, u64) = match state.fds.get(fd)? {
        Desc::Stdin => (PIPE, 0, right::ALL & !seek & !change),
        Desc::Stdout | Desc::Stderr => (PIPE, 0, right::ALL & !seek & !right::FD_READ),
        Desc::Dir { .. } => (filetype(FileType::Dir), 0, right::ALL & !seek),
        Desc::File { read, write, append, .. } => {
            let not = if *read { 0 } else { right::FD_READ } | if *write { 0 } else { change };
            (filetype(FileType::File), u16::from(*append), right::ALL & !not)
        }
    };
    let mut stat = [0; 24];
    stat[0] = kind;
    stat[2..4].copy_from_slice(&flags.to_le_bytes());
    stat[8..16].copy_from_slice(&rights.to_le_bytes());
    stat[16..24].copy_from_slice(&right::ALL.to_le_bytes());
    mem.put(out, &stat)?;
    Ok(())
}

fn fd_readdir(
    mem: &mut Mem<'_>,
    state: &mut GuestState,
    fd: u32,
    buf: (u32, u32),
    cookie: u64,
    used: u32,
) -> Done {
    state.control.check()?;
    let ino = dir(state, fd)?;
    // The listing is taken once, so that entries made or removed meanwhile shift none of the others.
    let names = match state.fds.get(fd)? {
        Desc::Dir { listing: Some(names), .. } if cookie != 0 => Arc::clone(names),
        _ => {
            state.fds.set_listing(fd, None)?;
            let names: Arc<[(String, Ino)]> = state.fs.list(ino)?.into();
            state.fds.set_listing(fd, Some(Arc::clone(&names)))?;
            names
        }
    };
    let mut written = 0;
    let start = usize::try_from(cookie).map_err(|_| Errno::Inval)?;
    let dots = [(".".to_owned(), ino), ("..".to_owned(), ino)];
    for (i, (name, ino)) in dots.iter().chain(names.iter()).enumerate().skip(start) {
        // A name may have gone since; it is listed all the same, with an unknown type.
        let kind = state.fs.file_type(*ino).map_or(0, filetype);
        let id = state.fs.stat(*ino).map_or(0, |stat| stat.ino);
        let mut entry = Vec::with_capacity(24 + name.len());
        entry.extend_from_slice(&(i as u64 + 1).to_le_bytes());
        entry.extend_from_slice(&id.to_le_bytes());
        entry.extend_from_slice(&u32::try_from(name.len()).map_err(|_| Errno::Nametoolong)?.to_le_bytes());
        entry.extend_from_slice(&[kind, 0, 0, 0]);
        entry.extend_from_slice(name.as_bytes());
        let room = (buf.1 - written) as usize;
        let n = entry.len().min(room);
        mem.put(buf.0.checked_add(written).ok_or(Errno::Fault)?, &entry[..n])?;
        written += u32::try_from(n).map_err(|_| Errno::Inval)?;
        if n < entry.len() || written == buf.1 {
            break;
        }
    }
    if written < buf.1 {
        // That was the end of it.
        state.fds.set_listing(fd, None)?;
    }
    mem.put_u32(used, written)?;
    Ok(())
}

fn fd_seek(mem: &mut Mem<'_>, state: &mut GuestState, fd: u32, offset: i64, whence: u32, out: u32) -> Done {
    let ino = file(state, fd)?;
    let Desc::File { position, .. } = state.fds.get(fd)? else { return Err(Errno::Spipe.into()) };
    let base = match whence {
        0 => 0,
        1 => *position,
        2 => state.fs.size(ino)?,
        _ => return Err(Errno::Inval.into()),
    };
    let to = base.checked_add_signed(offset).filter(|to| i64::try_from(*to).is_ok()).ok_or(Errno::Inval)?;
    set_position(state, fd, to)?;
    mem.put_u64(out, to)?;
    Ok(())
}

fn fd_renumber(state: &mut GuestState, from: u32, to: u32) -> Done {
    state.fds.get(from)?;
    state.fds.get(to)?;
    if from != to && from != PREOPEN_FD && to != PREOPEN_FD {
        let desc = state.fds.take(from)?;
        if let Some(old) = state.fds.put(to, desc) {
            release(state, &old);
        }
    }
    Ok(())
}

fn release(state: &mut GuestState, desc: &Desc) {
    match desc {
        Desc::File { ino, .. } | Desc::Dir { ino, .. } => state.fs.close(*ino),
        Desc::Stdin | Desc::Stdout | Desc::Stderr => {}
    }
}

fn fd_close(state: &mut GuestState, fd: u32) -> Done {
    if fd == PREOPEN_FD {
        return Err(Errno::Notsup.into());
    }
    let desc = state.fds.take(fd)?;
    release(state, &desc);
    Ok(())
}

fn times(accessed: u64, modified: u64, flags: u32) -> Result<(Option<u64>, Option<u64>), Errno> {
    let pick = |time: u64, set: bool, set_now: bool| match (set, set_now) {
        (true, true) => Err(Errno::Inval),
        (true, false) => Ok(Some(time)),
        (false, true) => Ok(Some(vfs::now())),
        (false, false) => Ok(None),
    };
    let accessed = pick(accessed, flags & 1 != 0, flags & 2 != 0)?;
    Ok((accessed, pick(modified, flags & 4 != 0, flags & 8 != 0)?))
}

struct PathOpen {
    follow: bool,
    oflags: u32,
    rights: u64,
    fdflags: u32,
}

fn path_open(
    mem: &mut Mem<'_>,
    state: &mut GuestState,
    fd: u32,
    path: (u32, u32),
    how: &PathOpen,
    out: u32,
) -> Done {
    state.control.check()?;
    let start = dir(state, fd)?;
    state.fds.room()?;
    let path = mem.path(path.0, path.1)?;
    let write = how.rights & (right::FD_WRITE | right::FD_ALLOCATE | right::FD_FILESTAT_SET_SIZE) != 0;
    let directory = how.oflags & 2 != 0;
    let open = OpenHow {
        create: how.oflags & 1 != 0,
        directory,
        exclusive: how.oflags & 4 != 0,
        truncate: how.oflags & 8 != 0,
        follow: how.follow,
        // Who asks for a directory with all rights means that directory, not writing to it.
        write: write && !directory,
    };
    let ino = state.fs.open(start, path, open)?;
    let desc = match state.fs.file_type(ino)? {
        FileType::Dir => Desc::Dir { ino, preopen: false, listing: None },
        FileType::File | FileType::Symlink => Desc::File {
            ino,
            position: 0,
            read: how.rights & right::FD_READ != 0,
            write,
            append: how.fdflags & 1 != 0,
        },
    };
    let fd = state.fds.insert(desc);
    mem.put_u32(out, fd)?;
    Ok(())
}

fn clock(state: &GuestState, id: u32) -> Result<u64, Errno> {
    match id {
        0 => Ok(vfs::now()),
        1 => u64::try_from(state.epoch.elapsed().as_nanos()).map_err(|_| Errno::Inval),
        2 | 3 => Ok(thread_cpu().saturating_sub(state.cpu_start)),
        _ => Err(Errno::Inval),
    }
}

/// The calling thread's CPU time in nanoseconds.
pub(crate) fn thread_cpu() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

fn poll_oneoff(mem: &mut Mem<'_>, state: &GuestState, subs: u32, events: u32, n: u32, out: u32) -> Done {
    if n == 0 || n > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval.into());
    }
    mem.slice(subs, n * 48)?;
    mem.slice(events, n * 32)?;
    let now = Instant::now();
    // When the event of each subscription comes; descriptors here are always ready.
    let due = |mem: &Mem<'_>, at: u32| -> Result<(Instant, Option<Errno>), Errno> {
        match mem.array::<1>(at + 8)?[0] {
            0 => {
                let (id, timeout, flags) = (mem.u32(at + 16)?, mem.u64(at + 24)?, mem.u16(at + 40)?);
                let wait = if flags & 1 == 0 {
                    timeout
                } else {
                    match clock(state, id) {
                        Ok(time) => timeout.saturating_sub(time),
                        Err(errno) => return Ok((now, Some(errno))),
                    }
                };
                // Years away is as good as never: the run's own deadline comes first.
                let wait = Duration::from_nanos(wait).min(Duration::from_secs(365 * 24 * 3600));
                Ok((now + wait, None))
            }
            1 | 2 => Ok((now, state.fds.get(mem.u32(at + 16)?).err())),
            _ => Err(Errno::Inval),
        }
    };
    let mut first: Option<Instant> = None;
    for i in 0..n {
        let (at, _) = due(mem, subs + i * 48)?;
        first = Some(first.map_or(at, |first| first.min(at)));
    }
    let first = first.ok_or(Errno::Inval)?;
    state.control.sleep_until(first)?;
    let mut count = 0;
    for i in 0..n {
        let sub = subs + i * 48;
        let (at, errno) = due(mem, sub)?;
        if at > first {
            continue;
        }
        let mut event = [0; 32];
        event[..8].copy_from_slice(&mem.array::<8>(sub)?);
        event[8..10].copy_from_slice(&errno.map_or(0, |errno| errno as u16).to_le_bytes());
        let tag = mem.array::<1>(sub + 8)?[0];
        event[10] = tag;
        // How much can be read or written at once: a byte at least.
        event[16] = u8::from(tag != 0);
        mem.put(events + count * 32, &event)?;
        count += 1;
    }
    mem.put_u32(out, count)?;
    Ok(())
}

fn random_get(mem: &mut Mem<'_>, state: &GuestState, at: u32, len: u32) -> Done {
    // In pieces, so that a gigabyte of it still ends at the deadline.
    for piece in mem.slice_mut(at, len)?.chunks_mut(1 << 20) {
        state.control.check()?;
        getrandom::fill(piece).map_err(|_| Errno::Io)?;
    }
    Ok(())
}

fn door(mem: &Mem<'_>, state: &mut GuestState, op: u32, at: u32, len: u32) -> Done {
    let bytes = mem.slice(at, len)?;
    let text = || {
        let kept = &bytes[..bytes.len().min(MAX_REPORT)];
        Some(String::from_utf8_lossy(kept).into_owned())
    };
    match op {
        1 => state.report.value_json = text(),
        2 => state.report.value_repr = text(),
        3 => state.report.exception_type = text(),
        4 => state.report.exception_message = text(),
        _ => return Err(Errno::Notsup.into()),
    }
    Ok(())
}

/// Defines every import that a guest may have.
#[expect(clippy::too_many_lines, reason = "one line per function of the interface reads best in one place")]
pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    type C<'a> = Caller<'a, GuestState>;
    wasmtime_wasi::p1::add_to_linker_sync(linker, |state: &mut GuestState| &mut state.wasi)?;
    linker.allow_shadowing(true);
    linker.func_wrap("bailiwick", "door", |mut c: C<'_>, op: u32, at: u32, len: u32| {
        host(&mut c, |mem, state| door(mem, state, op, at, len)).map(|errno| if errno == 0 { 0 } else { -1 })
    })?;
    linker.func_wrap(WASI, "clock_time_get", |mut c: C<'_>, id: u32, _precision: u64, out: u32| {
        host(&mut c, |mem, state| Ok(mem.put_u64(out, clock(state, id)?)?))
    })?;
    linker.func_wrap(WASI, "clock_res_get", |mut c: C<'_>, id: u32, out: u32| {
        host(&mut c, |mem, _| if id > 3 { Err(Errno::Inval.into()) } else { Ok(mem.put_u64(out, 1)?) })
    })?;
    linker.func_wrap(WASI, "random_get", |mut c: C<'_>, at: u32, len: u32| {
        host(&mut c, |mem, state| random_get(mem, state, at, len))
    })?;
    linker.func_wrap(WASI, "poll_oneoff", |mut c: C<'_>, subs: u32, events: u32, n: u32, out: u32| {
        host(&mut c, |mem, state| poll_oneoff(mem, state, subs, events, n, out))
    })?;
    linker.func_wrap(WASI, "fd_advise", |mut c: C<'_>, fd: u32, _offset: u64, _len: u64, _advice: u32| {
        host(&mut c, |_, state| Ok(file(state, fd).map(|_| ())?))
    })?;
    linker.func_wrap(WASI, "fd_allocate", |mut c: C<'_>, fd: u32, offset: u64, len: u64| {
        host(&mut c, |_, state| {
            let ino = writable(state, fd)?;
            let end = offset.checked_add(len).ok_or(Errno::Fbig)?;
            if end > state.fs.size(ino)? { Ok(state.fs.set_size(ino, end)?) } else { Ok(()) }
        })
    })?;
    linker
        .func_wrap(WASI, "fd_close", |mut c: C<'_>, fd: u32| host(&mut c, |_, state| fd_close(state, fd)))?;
    for name in ["fd_datasync", "fd_sync"] {
        linker.func_wrap(WASI, name, |mut c: C<'_>, fd: u32| {
            host(&mut c, |_, state| Ok(state.fds.get(fd).map(|_| ())?))
        })?;
    }
    linker.func_wrap(WASI, "fd_fdstat_get", |mut c: C<'_>, fd: u32, out: u32| {
        host(&mut c, |mem, state| fd_fdstat_get(mem, state, fd, out))
    })?;
    linker.func_wrap(WASI, "fd_fdstat_set_flags", |mut c: C<'_>, fd: u32, flags: u32| {
        host(&mut c, |_, state| match state.fds.get_mut(fd)? {
            Desc::File { append, .. } => {
                *append = flags & 1 != 0;
                Ok(())
            }
            Desc::Stdin | Desc::Stdout | Desc::Stderr | Desc::Dir { .. } => Ok(()),
        })
    })?;
    linker.func_wrap(
        WASI,
        "fd_fdstat_set_rights",
        |mut c: C<'_>, _fd: u32, _base: u64, _inheriting: u64| host(&mut c, |_, _| Err(Errno::Notsup.into())),
    )?;
    linker.func_wrap(WASI, "fd_filestat_get", |mut c: C<'_>, fd: u32, out: u32| {
        host(&mut c, |mem, state| fd_filestat_get(mem, state, fd, out))
    })?;
    linker.func_wrap(WASI, "fd_filestat_set_size", |mut c: C<'_>, fd: u32, size: u64| {
        host(&mut c, |_, state| {
            let ino = writable(state, fd)?;
            Ok(state.fs.set_size(ino, size)?)
        })
    })?;
    linker.func_wrap(
        WASI,
        "fd_filestat_set_times",
        |mut c: C<'_>, fd: u32, a: u64, m: u64, flags: u32| {
            host(&mut c, |_, state| {
                let ino = match state.fds.get(fd)? {
                    Desc::Dir { ino, .. } | Desc::File { ino, .. } => *ino,
                    Desc::Stdin | Desc::Stdout | Desc::Stderr => return Err(Errno::Inval.into()),
                };
                let (a, m) = times(a, m, flags)?;
                Ok(state.fs.set_times(ino, a, m)?)
            })
        },
    )?;
    linker.func_wrap(WASI, "fd_read", |mut c: C<'_>, fd: u32, iovs: u32, n: u32, out: u32| {
        host(&mut c, |mem, state| read(mem, state, fd, (iovs, n), out))
    })?;
    linker.func_wrap(WASI, "fd_pread", |mut c: C<'_>, fd: u32, iovs: u32, n: u32, from: u64, out: u32| {
        host(&mut c, |mem, state| pread(mem, state, fd, (iovs, n), from, out))
    })?;
    linker.func_wrap(WASI, "fd_write", |mut c: C<'_>, fd: u32, iovs: u32, n: u32, out: u32| {
        host(&mut c, |mem, state| write(mem, state, fd, (iovs, n), out))
    })?;
    linker.func_wrap(WASI, "fd_pwrite", |mut c: C<'_>, fd: u32, iovs: u32, n: u32, to: u64, out: u32| {
        host(&mut c, |mem, state| {
            let ino = writable(state, fd)?;
            let end = write_file(mem, state, ino, to, (iovs, n))?;
            Ok(mem.put_u32(out, u32::try_from(end - to).map_err(|_| Errno::Inval)?)?)
        })
    })?;
    linker.func_wrap(WASI, "fd_prestat_get", |mut c: C<'_>, fd: u32, out: u32| {
        host(&mut c, |mem, state| match state.fds.get(fd)? {
            Desc::Dir { preopen: true, .. } => Ok(mem.put_u64(out, 1 << 32)?),
            Desc::Dir { .. } | Desc::File { .. } | Desc::Stdin | Desc::Stdout | Desc::Stderr => {
                Err(Errno::Badf.into())
            }
        })
    })?;
    linker.func_wrap(WASI, "fd_prestat_dir_name", |mut c: C<'_>, fd: u32, at: u32, len: u32| {
        host(&mut c, |mem, state| match state.fds.get(fd)? {
            Desc::Dir { preopen: true, .. } if len >= 1 => Ok(mem.put(at, b"/")?),
            Desc::Dir { preopen: true, .. } => Err(Errno::Nametoolong.into()),
            Desc::Dir { .. } | Desc::File { .. } | Desc::Stdin | Desc::Stdout | Desc::Stderr => {
                Err(Errno::Badf.into())
            }
        })
    })?;
    linker.func_wrap(
        WASI,
        "fd_readdir",
        |mut c: C<'_>, fd: u32, at: u32, len: u32, cookie: u64, used: u32| {
            host(&mut c, |mem, state| fd_readdir(mem, state, fd, (at, len), cookie, used))
        },
    )?;
    linker.func_wrap(WASI, "fd_renumber", |mut c: C<'_>, from: u32, to: u32| {
        host(&mut c, |_, state| fd_renumber(state, from, to))
    })?;
    linker.func_wrap(WASI, "fd_seek", |mut c: C<'_>, fd: u32, offset: i64, whence: u32, out: u32| {
        host(&mut c, |mem, state| fd_seek(mem, state, fd, offset, whence, out))
    })?;
    linker.func_wrap(WASI, "fd_tell", |mut c: C<'_>, fd: u32, out: u32| {
        host(&mut c, |mem, state| fd_seek(mem, state, fd, 0, 1, out))
    })?;
    linker.func_wrap(WASI, "path_create_directory", |mut c: C<'_>, fd: u32, at: u32, len: u32| {
        host(&mut c, |mem, state| {
            let start = dir(state, fd)?;
            Ok(state.fs.create_dir(start, mem.path(at, len)?)?)
        })
    })?;
    linker.func_wrap(
        WASI,
        "path_filestat_get",
        |mut c: C<'_>, fd: u32, flags: u32, at: u32, len: u32, out: u32| {
            host(&mut c, |mem, state| {
                let ino = state.fs.find(dir(state, fd)?, mem.path(at, len)?, flags & 1 != 0)?;
                Ok(put_stat(mem, out, state.fs.stat(ino)?)?)
            })
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_filestat_set_times",
        |mut c: C<'_>, fd: u32, flags: u32, at: u32, len: u32, a: u64, m: u64, which: u32| {
            host(&mut c, |mem, state| {
                let ino = state.fs.find(dir(state, fd)?, mem.path(at, len)?, flags & 1 != 0)?;
                let (a, m) = times(a, m, which)?;
                Ok(state.fs.set_times(ino, a, m)?)
            })
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_link",
        |mut c: C<'_>, fd: u32, flags: u32, at: u32, len: u32, to_fd: u32, to: u32, to_len: u32| {
            host(&mut c, |mem, state| {
                let (from, into) = (dir(state, fd)?, dir(state, to_fd)?);
                Ok(state.fs.link(from, mem.path(at, len)?, flags & 1 != 0, into, mem.path(to, to_len)?)?)
            })
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_open",
        |mut c: C<'_>,
         fd: u32,
         flags: u32,
         at: u32,
         len: u32,
         oflags: u32,
         rights: u64,
         _inherit: u64,
         fdflags: u32,
         out: u32| {
            let how = PathOpen { follow: flags & 1 != 0, oflags, rights, fdflags };
            host(&mut c, |mem, state| path_open(mem, state, fd, (at, len), &how, out))
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_readlink",
        |mut c: C<'_>, fd: u32, at: u32, len: u32, buf: u32, buf_len: u32, used: u32| {
            host(&mut c, |mem, state| {
                let to = state.fs.read_link(dir(state, fd)?, mem.path(at, len)?)?.as_bytes();
                let n = to.len().min(buf_len as usize);
                mem.put(buf, &to[..n])?;
                Ok(mem.put_u32(used, u32::try_from(n).map_err(|_| Errno::Inval)?)?)
            })
        },
    )?;
    linker.func_wrap(WASI, "path_remove_directory", |mut c: C<'_>, fd: u32, at: u32, len: u32| {
        host(&mut c, |mem, state| {
            let start = dir(state, fd)?;
            Ok(state.fs.remove_dir(start, mem.path(at, len)?)?)
        })
    })?;
    linker.func_wrap(
        WASI,
        "path_rename",
        |mut c: C<'_>, fd: u32, at: u32, len: u32, to_fd: u32, to: u32, to_len: u32| {
            host(&mut c, |mem, state| {
                let (from, into) = (dir(state, fd)?, dir(state, to_fd)?);
                Ok(state.fs.rename(from, mem.path(at, len)?, into, mem.path(to, to_len)?)?)
            })
        },
    )?;
    linker.func_wrap(
        WASI,
        "path_symlink",
        |mut c: C<'_>, to: u32, to_len: u32, fd: u32, at: u32, len: u32| {
            host(&mut c, |mem, state| {
                let start = dir(state, fd)?;
                Ok(state.fs.symlink(mem.path(to, to_len)?, start, mem.path(at, len)?)?)
            })
        },
    )?;
    linker.func_wrap(WASI, "path_unlink_file", |mut c: C<'_>, fd: u32, at: u32, len: u32| {
        host(&mut c, |mem, state| {
            let start = dir(state, fd)?;
            Ok(state.fs.unlink(start, mem.path(at, len)?)?)
        })
    })?;
    Ok(())
}
