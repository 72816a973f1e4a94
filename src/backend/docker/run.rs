//! One job in a container: sent, watched, brought to its end, classified.

use super::container::{Container, Gone};
use super::error::{DockerError, DockerErrorKind};
use super::frames::{Counters, Frame, How, JobHead, Outgoing};
use crate::Language;
use crate::backend::{BackendErrorKind, Finished, Gauge, Job, Output, request};
use crate::control::{CancelToken, Stop, Wake};
use crate::limits::{ByteSize, Limits};
use crate::monitor::ResourceUsage;
use crate::outcome::{Artifact, ExceptionInfo, ExitKind, OutputStream, Value};
use crate::policy::{Admitted, path_problem};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long a runner that was told to stop a job may take to report it. Then the container is killed with what it had to say.
const STOP_GRACE: Duration = Duration::from_millis(1500);
/// How long a container may take to take in the input files.
const FILES_TIME: Duration = Duration::from_secs(60);
/// What a report holds at most, as in `wasm-runtimes/ABI.md`.
const MAX_REPORT: usize = 1 << 20;
/// How much of the end of standard error is looked through for the reason of a failure.
const TAIL: usize = 4096;
/// A workspace with less room than this at some time counts as one that was full.
const NEARLY_FULL: u64 = 64 << 10;

/// Wakes the loop below when its run is cancelled.
pub(super) struct Waker(pub(super) Notify);

impl Wake for Waker {
    fn wake(&self) {
        self.0.notify_one();
    }
}

/// Why a job did not come to an end of its own, or the backend's.
#[derive(Debug)]
pub(super) enum Failure {
    Docker(DockerError),
    Backend(BackendErrorKind),
}

impl From<DockerError> for Failure {
    fn from(error: DockerError) -> Self {
        Self::Docker(error)
    }
}

/// What is known of a job so far.
struct Running<'a> {
    limits: &'a Limits,
    output: Output,
    reports: [Option<String>; 4],
    counters: Counters,
    how: Option<How>,
    stop: Option<Stop>,
    artifacts: Vec<Artifact>,
    artifact_room: u64,
    left_out: u32,
    /// Whether the artifact that is arriving is kept.
    keep: bool,
    input_error: Option<(i32, String)>,
    gauge: Arc<Gauge>,
    start: Instant,
}

/// Whether a job goes on.
#[derive(PartialEq, Eq)]
enum Step {
    On,
    Stop(Stop),
    End,
}

impl Running<'_> {
    fn output(&mut self, stream: OutputStream, bytes: &[u8]) -> Step {
        self.output.write(stream, bytes).map_or_else(Step::Stop, |()| Step::On)
    }

    fn take(&mut self, frame: Frame) -> Result<Step, Gone> {
        match frame {
            Frame::Stdout(bytes) => return Ok(self.output(OutputStream::Stdout, &bytes)),
            Frame::Stderr(bytes) => return Ok(self.output(OutputStream::Stderr, &bytes)),
            Frame::Report { op, text } => {
                if let Some(slot) = self.reports.get_mut(usize::from(op).wrapping_sub(1)) {
                    let text = &text[..text.len().min(MAX_REPORT)];
                    *slot = Some(String::from_utf8_lossy(text).into_owned());
                }
            }
            Frame::Usage(counters) => {
                self.counters = counters;
                self.gauge.sample(usage(&counters, self.start.elapsed()));
            }
            Frame::Exit(how, counters) => {
                self.how = Some(how);
                self.counters = counters;
            }
            Frame::Artifact { size, path } => {
                let path = String::from_utf8(path).ok().filter(|path| path_problem(path).is_none());
                self.keep = false;
                match path {
                    Some(path) if size <= self.artifact_room => {
                        self.keep = true;
                        self.artifacts.push(Artifact::new(path, Vec::new()));
                    }
                    // A name that no input file could have either, or one that nobody can write down.
                    _ => self.left_out = self.left_out.saturating_add(1),
                }
            }
            Frame::ArtifactBytes(bytes) => {
                let len = bytes.len() as u64;
                if let Some(artifact) = self.artifacts.last_mut()
                    && self.keep
                    && len <= self.artifact_room
                {
                    self.artifact_room -= len;
                    artifact.bytes.extend_from_slice(&bytes);
                }
            }
            Frame::End { left_out } => {
                self.left_out = self.left_out.saturating_add(left_out);
                return Ok(Step::End);
            }
            Frame::Input { errno, path } => {
                self.input_error = Some((errno, String::from_utf8_lossy(&path).into_owned()));
            }
            Frame::Failed(why) => return Err(Gone::Nonsense(why)),
            Frame::Ready { .. } => {}
        }
        Ok(Step::On)
    }
}

/// Runs a job in a container that is ready for it.
pub(super) async fn run(container: &mut Container, job: &Job<'_>, last: bool) -> Result<Finished, Failure> {
    let admitted = job.admitted;
    let limits = admitted.limits();
    let mut running = Running {
        limits,
        output: Output::new(limits.output.as_usize(), job.sink.clone()),
        reports: Default::default(),
        counters: Counters::default(),
        how: None,
        stop: None,
        artifacts: Vec::new(),
        artifact_room: limits.disk.bytes(),
        left_out: 0,
        keep: false,
        input_error: None,
        gauge: Arc::clone(&job.gauge),
        start: Instant::now(),
    };
    if !admitted.files().is_empty() {
        let mut files = Outgoing::default();
        for file in admitted.files() {
            files.file(&file.path, &file.bytes);
        }
        // Before the run's clock starts: this is not the code's doing.
        let sent = tokio::time::timeout(FILES_TIME, container.send(&files)).await;
        if let Err(why) = sent.map_err(|_| "it takes no files".to_owned()).and_then(|sent| {
            sent.map_err(|gone| match gone {
                Gone::Ended(why) | Gone::Nonsense(why) => why,
            })
        }) {
            return Err(container.error(DockerErrorKind::Lost(why)).into());
        }
    }
    let mut frames = Outgoing::default();
    let head = JobHead {
        artifacts: admitted.collect_artifacts(),
        wall_ms: u32::try_from(limits.wall_time.as_millis()).unwrap_or(u32::MAX),
        sample_ms: job
            .gauge
            .every()
            .map_or(0, |every| u32::try_from(every.as_millis().max(1)).unwrap_or(u32::MAX)),
        disk: limits.disk.bytes(),
        artifact_bytes: limits.disk.bytes(),
    };
    let request = if admitted.language() == Language::Shell && !last {
        request::encode_code(&shell_code(admitted), admitted, true, last)
    } else {
        request::encode(admitted, true, last)
    };
    frames.job(&head, admitted.stdin(), &request);
    running.start = Instant::now();
    let deadline = running.start + limits.wall_time;
    let gone = drive(container, &frames, &mut running, &job.cancel, deadline).await.err();
    let wall = running.start.elapsed();
    if let Some((errno, path)) = running.input_error {
        // ENOSPC and EDQUOT, EFBIG.
        let full = matches!(errno, 28 | 122 | 27);
        return Err(Failure::Backend(BackendErrorKind::InputFile { path, full, limit: limits.disk }));
    }
    if let (Some(gone), None, None) = (gone, running.how, running.stop) {
        match gone {
            Gone::Nonsense(what) => {
                return Err(container.error(DockerErrorKind::Lost(what)).into());
            }
            // Only the kernel ends process 1 without our asking; anything else is an error of the backend's.
            Gone::Ended(_) => {
                container.why_gone().await?;
                running.counters.out_of_memory = Some(1);
                running.how = Some(How::Signaled(9));
            }
        }
    }
    Ok(running.finish(admitted.language(), wall, last))
}

/// What the shell of an environment reads: its arguments and variables, then the code, which begins on the first line all the same.
fn shell_code(admitted: &Admitted<'_>) -> String {
    let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut code = String::from("set --");
    for arg in admitted.args() {
        code.push(' ');
        code.push_str(&quote(arg));
    }
    code.push_str("; ");
    for (key, value) in admitted.env() {
        // A name that no shell variable can have is not for this shell.
        if key.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
            && !key.starts_with(|c: char| c.is_ascii_digit())
        {
            code.push_str(&format!("export {key}={}; ", quote(value)));
        }
    }
    code.push_str(admitted.code());
    code
}

/// Sends the job and takes what comes until its end, stopping it when it is time.
async fn drive(
    container: &mut Container,
    frames: &Outgoing,
    running: &mut Running<'_>,
    cancel: &CancelToken,
    deadline: Instant,
) -> Result<(), Gone> {
    let waker = Arc::new(Waker(Notify::new()));
    let wake: Arc<dyn Wake> = waker.clone();
    cancel.add_waker(&wake);
    let mut until = deadline;
    if cancel.is_cancelled() {
        running.stop = Some(Stop::Cancelled);
        return Ok(());
    }
    // A daemon that takes nothing more must not hold the run up.
    tokio::select! {
        sent = container.send(frames) => sent?,
        () = tokio::time::sleep_until(deadline.into()) => {
            running.stop = Some(Stop::TimedOut);
            return Ok(());
        }
        () = cancelled(cancel, &waker) => {
            running.stop = Some(Stop::Cancelled);
            return Ok(());
        }
    }
    loop {
        let step = tokio::select! {
            frame = container.next() => running.take(frame?)?,
            () = tokio::time::sleep_until(until.into()) => {
                if running.stop.is_some() {
                    // It was told, and does not answer: the container goes as it is.
                    return Ok(());
                }
                Step::Stop(Stop::TimedOut)
            }
            () = cancelled(cancel, &waker), if running.stop.is_none() => Step::Stop(Stop::Cancelled),
        };
        match step {
            Step::On => {}
            Step::End => return Ok(()),
            Step::Stop(why) => {
                if running.stop.is_none() {
                    running.stop = Some(why);
                    until = Instant::now() + STOP_GRACE;
                    container.send(&Outgoing::stop()).await?;
                }
            }
        }
    }
}

pub(super) async fn cancelled(cancel: &CancelToken, waker: &Waker) {
    while !cancel.is_cancelled() {
        waker.0.notified().await;
    }
}

impl Running<'_> {
    fn finish(mut self, language: Language, wall: Duration, last: bool) -> Finished {
        let [json, repr, type_name, message] = std::mem::take(&mut self.reports);
        let exception =
            type_name.map(|type_name| ExceptionInfo { type_name, message: message.unwrap_or_default() });
        let value = Value::from_reports(json, repr);
        let exit = self.classify(language, exception);
        let last_seen = Counters { disk: self.counters.peak_disk, ..self.counters };
        self.gauge.sample(usage(&last_seen, wall));
        let reusable = match self.how {
            Some(How::Done(_)) => true,
            Some(How::Exited(_)) => language == Language::Shell && !last,
            Some(How::Signaled(_) | How::Stopped | How::OverDisk) | None => false,
        };
        Finished {
            exit,
            stdout: self.output.stdout,
            stderr: self.output.stderr,
            truncated: self.output.truncated,
            value,
            artifacts: self.artifacts,
            artifacts_left_out: self.left_out,
            fuel: None,
            reusable,
        }
    }

    fn classify(&self, language: Language, exception: Option<ExceptionInfo>) -> ExitKind {
        let limits = self.limits;
        let stopped = |stop| match stop {
            Stop::TimedOut => ExitKind::TimedOut { limit: limits.wall_time },
            Stop::Cancelled => ExitKind::Cancelled,
            Stop::OutputLimit => ExitKind::OutputLimit { limit: limits.output },
        };
        let (code, signal) = match (self.how, self.stop) {
            // What was written beyond the limit is lost, however the code went on.
            (_, Some(Stop::OutputLimit)) => return stopped(Stop::OutputLimit),
            (Some(How::OverDisk), _) => {
                return ExitKind::DiskLimit { limit: limits.disk, code: 1, exception };
            }
            // It had ended before the word to stop reached it.
            (Some(How::Exited(code) | How::Done(code)), _) => (code, None),
            (Some(How::Stopped) | None, Some(stop)) => return stopped(stop),
            (Some(How::Signaled(_)), Some(stop)) => return stopped(stop),
            (Some(How::Signaled(signal)), None) => (128 + signal, Some(signal)),
            (Some(How::Stopped) | None, None) => (137, Some(9)),
        };
        if code == 0 {
            return ExitKind::Exited { code };
        }
        let counted = |counter: Option<u64>| counter.is_some_and(|n| n > 0);
        if counted(self.counters.out_of_memory) || self.says_memory(language, signal, exception.as_ref()) {
            return ExitKind::MemoryLimit { limit: limits.memory, exception };
        }
        if self.was_full(signal, exception.as_ref()) {
            return ExitKind::DiskLimit { limit: limits.disk, code, exception };
        }
        if counted(self.counters.refused_processes) {
            return ExitKind::ProcessLimit { limit: limits.processes, code, exception };
        }
        match (exception, signal) {
            (Some(exception), _) => ExitKind::Exception { code, exception },
            (None, Some(signal)) => match crash(signal) {
                Some(what) => ExitKind::Trap { message: format!("killed by signal {signal} ({what})") },
                None => ExitKind::Exited { code },
            },
            (None, None) => ExitKind::Exited { code },
        }
    }

    fn tail(&self) -> &[u8] {
        &self.output.stderr[self.output.stderr.len().saturating_sub(TAIL)..]
    }

    fn tail_has(&self, text: &str) -> bool {
        self.tail().windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Whether the interpreter itself gave up for want of memory, before the kernel had to.
    fn says_memory(
        &self,
        language: Language,
        signal: Option<i32>,
        exception: Option<&ExceptionInfo>,
    ) -> bool {
        match language {
            Language::Python => exception
                .is_some_and(|e| e.type_name == "MemoryError" || e.type_name.ends_with("._ArrayMemoryError")),
            Language::JavaScript => {
                exception.is_some_and(|e| e.message.contains("Array buffer allocation failed"))
                    || (signal.is_some() && self.tail_has("heap out of memory"))
            }
            Language::Shell => false,
        }
    }

    fn was_full(&self, signal: Option<i32>, exception: Option<&ExceptionInfo>) -> bool {
        const SIGXFSZ: i32 = 25;
        let says = ["No space left on device", "ENOSPC", "disk is full", "File too large", "EFBIG"];
        let full = self.counters.peak_disk.is_some_and(|most| most + NEARLY_FULL >= self.limits.disk.bytes());
        signal == Some(SIGXFSZ)
            || match exception {
                Some(exception) => says.iter().any(|text| exception.message.contains(text)),
                None => full || self.tail_has(says[0]) || self.tail_has("File size limit exceeded"),
            }
    }
}

/// What the kernel counted, as the monitor has it.
fn usage(counters: &Counters, wall: Duration) -> ResourceUsage {
    let size = |n: Option<u64>| ByteSize::from_bytes(n.unwrap_or(0));
    let cpu = Duration::from_micros(counters.cpu_us.unwrap_or(0));
    let mut usage = ResourceUsage::new(wall, cpu, size(counters.memory))
        .with_peak_memory(size(counters.peak_memory.or(counters.memory)));
    if counters.disk.is_some() {
        usage = usage.with_disk(size(counters.disk));
    }
    match counters.processes.and_then(|n| u32::try_from(n).ok()) {
        // The runner is not the code's.
        Some(processes) => usage.with_processes(processes.saturating_sub(1)),
        None => usage,
    }
}

/// The signals that a process gets for a fault of its own.
fn crash(signal: i32) -> Option<&'static str> {
    Some(match signal {
        4 => "illegal instruction",
        6 => "aborted",
        7 => "bus error",
        8 => "arithmetic error",
        11 => "segmentation fault",
        31 => "a system call that is not allowed",
        _ => return None,
    })
}
