//! The frames of `containers/PROTOCOL.md`: what is sent to a container's runner, and what comes back.
//!
//! What comes back is made in a container that hostile code runs in. Nothing here trusts a length.

use bollard::container::LogOutput;
use std::fmt;

/// The longest frame that a runner sends: a report of 1 MiB, with room for its head.
const MAX_FRAME: usize = (1 << 20) + 64;

/// The version of the protocol that the runner must speak.
pub(super) const VERSION: u32 = 1;

/// Frames to the runner, in the order in which they are sent.
#[derive(Default)]
pub(super) struct Outgoing {
    pub(super) bytes: Vec<u8>,
}

/// What a job is, beside its request.
pub(super) struct JobHead {
    pub(super) artifacts: bool,
    pub(super) wall_ms: u32,
    pub(super) sample_ms: u32,
    pub(super) disk: u64,
    pub(super) artifact_bytes: u64,
}

impl Outgoing {
    fn frame(&mut self, kind: u8, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        self.bytes.push(kind);
        // `admit` bounds what a request holds, and `file` what a frame of data does.
        self.bytes.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
    }

    /// A file for the workspace.
    pub(super) fn file(&mut self, path: &str, bytes: &[u8]) {
        self.frame(b'f', &[&0o644_u32.to_le_bytes(), &len32(path.as_bytes()), path.as_bytes()]);
        for chunk in bytes.chunks(1 << 20) {
            self.frame(b'd', &[chunk]);
        }
    }

    pub(super) fn job(&mut self, head: &JobHead, stdin: &[u8], request: &[u8]) {
        self.frame(
            b'j',
            &[
                &u32::from(head.artifacts).to_le_bytes(),
                &head.wall_ms.to_le_bytes(),
                &head.sample_ms.to_le_bytes(),
                &head.disk.to_le_bytes(),
                &head.artifact_bytes.to_le_bytes(),
                &len32(stdin),
                stdin,
                &len32(request),
                request,
            ],
        );
    }

    pub(super) fn stop() -> Self {
        let mut out = Self::default();
        out.frame(b's', &[]);
        out
    }
}

fn len32(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// What the kernel counted for one job. `None` where it does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) cpu_us: Option<u64>,
    pub(super) memory: Option<u64>,
    pub(super) peak_memory: Option<u64>,
    pub(super) disk: Option<u64>,
    pub(super) peak_disk: Option<u64>,
    pub(super) processes: Option<u64>,
    pub(super) peak_processes: Option<u64>,
    pub(super) out_of_memory: Option<u64>,
    pub(super) refused_processes: Option<u64>,
}

/// How a job ended, by the runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// With this exit code, and the worker goes on.
    Done(i32),
    /// As the engine asked.
    Stopped,
    /// Because all files together were over the disk limit.
    OverDisk,
}

/// A frame from the runner.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Ready { version: u32 },
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Report { op: u8, text: Vec<u8> },
    Usage(Counters),
    Exit(How, Counters),
    Artifact { size: u64, path: Vec<u8> },
    ArtifactBytes(Vec<u8>),
    End { left_out: u32 },
    Input { errno: i32, path: Vec<u8> },
    Failed(String),
}

/// The runner, or whatever stands in its place, said something that is not in the protocol.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAFrame(String);

impl fmt::Display for NotAFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Puts frames together from the pieces in which they arrive.
#[derive(Default)]
pub(super) struct Incoming {
    buffer: Vec<u8>,
    start: usize,
}

impl Incoming {
    /// Takes in a piece. What the container writes to its own stderr is never a frame: the runner does not write there, so it
    /// is the container runtime, or an image without our runner.
    pub(super) fn push(&mut self, piece: LogOutput) -> Result<(), NotAFrame> {
        let bytes = match piece {
            LogOutput::StdOut { message } => message,
            LogOutput::StdErr { message } | LogOutput::Console { message } | LogOutput::StdIn { message } => {
                return Err(NotAFrame(String::from_utf8_lossy(&message).chars().take(300).collect()));
            }
        };
        if self.start > 0 && self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        self.buffer.extend_from_slice(&bytes);
        Ok(())
    }

    /// The next whole frame, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, NotAFrame> {
        let rest = &self.buffer[self.start..];
        let Some((&[kind, a, b, c, d], body)) = rest.split_first_chunk::<5>() else { return Ok(None) };
        let len = u32::from_le_bytes([a, b, c, d]) as usize;
        if len > MAX_FRAME {
            let text = String::from_utf8_lossy(&rest[..rest.len().min(200)]).into_owned();
            return Err(NotAFrame(format!("what it says is not in the protocol: {text}")));
        }
        let Some(body) = body.get(..len) else {
            if self.start > (1 << 20) {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
            return Ok(None);
        };
        let frame = parse(kind, body).ok_or_else(|| {
            NotAFrame(format!("a frame `{}` of {len} bytes is not in the protocol", kind as char))
        })?;
        self.start += 5 + len;
        Ok(Some(frame))
    }
}

fn parse(kind: u8, body: &[u8]) -> Option<Frame> {
    let u32_at = |at: usize| Some(u32::from_le_bytes(body.get(at..at + 4)?.try_into().ok()?));
    let text_at = |at: usize| {
        let len = u32_at(at)? as usize;
        let text = body.get(at + 4..)?;
        (text.len() == len).then(|| text.to_vec())
    };
    Some(match kind {
        b'r' => Frame::Ready { version: u32_at(0)? },
        b'o' => Frame::Stdout(body.to_vec()),
        b'e' => Frame::Stderr(body.to_vec()),
        b'p' => Frame::Report { op: *body.first()?, text: body[1..].to_vec() },
        b'u' => Frame::Usage(counters(body)?),
        b'x' => {
            let code = i32::from_le_bytes(body.get(4..8)?.try_into().ok()?);
            let how = match u32_at(0)? {
                0 => How::Exited(code),
                1 => How::Signaled(code),
                2 => How::Done(code),
                3 => How::Stopped,
                4 => How::OverDisk,
                _ => return None,
            };
            Frame::Exit(how, counters(&body[8..])?)
        }
        b'a' => {
            Frame::Artifact { size: u64::from_le_bytes(body.get(..8)?.try_into().ok()?), path: text_at(8)? }
        }
        b'b' => Frame::ArtifactBytes(body.to_vec()),
        b'z' => Frame::End { left_out: u32_at(0)? },
        b'i' => Frame::Input { errno: u32_at(0)?.try_into().ok()?, path: text_at(4)? },
        b'!' => Frame::Failed(String::from_utf8_lossy(body).into_owned()),
        _ => return None,
    })
}

fn counters(body: &[u8]) -> Option<Counters> {
    let body: &[u8; 72] = body.try_into().ok()?;
    let mut numbers = body.chunks_exact(8).map(|n| {
        let n = u64::from_le_bytes([n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]]);
        (n != u64::MAX).then_some(n)
    });
    let mut next = || numbers.next().flatten();
    Some(Counters {
        cpu_us: next(),
        memory: next(),
        peak_memory: next(),
        disk: next(),
        peak_disk: next(),
        processes: next(),
        peak_processes: next(),
        out_of_memory: next(),
        refused_processes: next(),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn piece(bytes: &[u8]) -> LogOutput {
        LogOutput::StdOut { message: bytes.to_vec().into() }
    }

    #[test]
    fn frames_come_together_from_any_pieces() {
        let mut all = vec![b'r', 4, 0, 0, 0, 1, 0, 0, 0, b'o', 2, 0, 0, 0, b'h', b'i', b'z', 4, 0, 0, 0];
        all.extend([7, 0, 0, 0]);
        for size in 1..all.len() {
            let mut incoming = Incoming::default();
            let mut frames = Vec::new();
            for part in all.chunks(size) {
                incoming.push(piece(part)).unwrap();
                while let Some(frame) = incoming.next().unwrap() {
                    frames.push(frame);
                }
            }
            let expected =
                [Frame::Ready { version: 1 }, Frame::Stdout(b"hi".to_vec()), Frame::End { left_out: 7 }];
            assert_eq!(frames, expected);
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let hostile: &[&[u8]] = &[
            b"o\xff\xff\xff\xff",
            b"bash: no such file\n",
            b"x\x04\0\0\0\0\0\0\0",
            b"x\x50\0\0\0\x09\0\0\0",
            b"a\x0c\0\0\0\0\0\0\0\0\0\0\0\xff\0\0\0",
            b"r\0\0\0\0",
            b"p\0\0\0\0",
            b"u\x01\0\0\0x",
        ];
        for bytes in hostile {
            let mut incoming = Incoming::default();
            incoming.push(piece(bytes)).unwrap();
            let short = bytes[0] == b'x' && bytes[1] == 0x50;
            match incoming.next() {
                Ok(None) if short => {}
                Err(_) => {}
                other => panic!("{bytes:?}: {other:?}"),
            }
        }
        let from_runtime = LogOutput::StdErr { message: b"exec: not found".to_vec().into() };
        assert_eq!(Incoming::default().push(from_runtime), Err(NotAFrame("exec: not found".to_owned())));
    }
}
