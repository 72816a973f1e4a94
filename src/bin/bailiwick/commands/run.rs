//! `bailiwick run`

use super::show_progress;
use crate::source::{self, SourceArgs};
use crate::{Failure, Outcome, note, print};
use bailiwick::limits::ByteSize;
use bailiwick::policy::render_findings;
use bailiwick::{
    Artifact, BackendChoice, CancelToken, ExecutionContext, ExecutionEngine, ExecutionResult, ExitKind,
    HistoryPlace, LimitOverrides, LimitsConfig, OutputStream, PerformanceMetrics, ResourceUsage,
};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::fs;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// Where to run it
    #[arg(long, value_name = "auto|wasm|docker", default_value = "auto", value_parser = parse_backend)]
    backend: BackendChoice,
    /// Wall-clock limit in seconds
    #[arg(long, value_name = "SECS", value_parser = parse_seconds)]
    timeout: Option<Duration>,
    /// Memory limit in MB (1 MB is 1,048,576 bytes)
    #[arg(long, value_name = "N")]
    memory_mb: Option<u64>,
    /// Instruction limit, in units of fuel
    #[arg(long, value_name = "N")]
    fuel: Option<u64>,
    /// Limit of standard output and error together, in KB
    #[arg(long, value_name = "N")]
    max_output_kb: Option<u64>,
    /// Limit of the files in the sandbox, in MB
    #[arg(long, value_name = "N")]
    disk_mb: Option<u64>,
    /// A variable for the guest's environment; may be repeated
    #[arg(long, value_name = "K=V", value_parser = parse_env)]
    env: Vec<(String, String)>,
    /// Standard input for the guest: a file, or - for this command's own; empty otherwise
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,
    /// A file to put into the workspace, under its own name or another; may be repeated
    #[arg(long = "file", value_name = "HOST[:GUEST]")]
    files: Vec<String>,
    /// Put the files that the run leaves behind into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The policy to judge the code by
    #[arg(long, value_name = "default|permissive|FILE", default_value = "default")]
    policy: String,
    /// A file with limits in place of the default ones
    #[arg(long, value_name = "FILE")]
    limits: Option<PathBuf>,
    /// A file that says where and how containers run
    #[cfg(feature = "docker")]
    #[arg(long, value_name = "FILE")]
    containers: Option<PathBuf>,
    /// Show what the run uses while it runs, and what that came to
    #[arg(long)]
    stats: bool,
    /// Print the whole result as one JSON object
    #[arg(long)]
    json: bool,
    /// Arguments for the guest
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

fn parse_backend(text: &str) -> Result<BackendChoice, String> {
    match text {
        "auto" => Ok(BackendChoice::Auto),
        "wasm" => Ok(BackendChoice::Wasm),
        "docker" => Ok(BackendChoice::Docker),
        _ => Err("use auto, wasm or docker".to_owned()),
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "not a number of seconds that time can have".to_owned())
}

pub(crate) fn parse_env(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// `HOST`, or `HOST:GUEST`.
fn read_input(spec: &str) -> Result<(String, Vec<u8>), Failure> {
    let (host, guest) = match spec.rsplit_once(':') {
        Some((host, guest)) if !host.is_empty() && !guest.is_empty() => (Path::new(host), guest.to_owned()),
        _ => {
            let host = Path::new(spec);
            let name = host.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| {
                Failure::new(format_args!("--file {spec}: give the file a name: {spec}:NAME"))
            })?;
            (host, name.to_owned())
        }
    };
    let bytes = fs::read(host)
        .map_err(|error| Failure::new(format_args!("cannot read {}: {error}", host.display())))?;
    Ok((guest, bytes))
}

pub(crate) fn run(args: &Args) -> Outcome {
    let source = args.source.read()?;
    let limits = match &args.limits {
        Some(path) => LimitsConfig::from_file(path)?,
        None => LimitsConfig::builtin(),
    };
    let builder = ExecutionEngine::builder()
        .policy(source::policy(&args.policy)?)
        .limits(limits)
        .history(HistoryPlace::Default)
        .max_sandboxes(1)
        .on_progress(show_progress);
    #[cfg(feature = "docker")]
    let builder = builder.containers(super::containers(args.containers.as_deref())?);
    let engine = builder.build()?;
    for notice in engine.notices() {
        note(notice);
    }
    let cancel = CancelToken::new();
    let signal = watch_signals(&cancel)?;
    let closed = Arc::new(AtomicBool::new(false));
    let mut context = context(args, source.from_stdin)?
        .cancel_token(cancel.clone())
        .filename(&source.name)
        .es_module(source.module);
    let line = Arc::new(Live::new(args.stats && !args.json));
    if args.stats {
        let line = Arc::clone(&line);
        context = context.on_usage(STATS_INTERVAL, move |usage| line.show(usage));
    }
    if !args.json {
        context = context.on_output(pass_on(cancel, Arc::clone(&closed), Arc::clone(&line)));
    }
    let result = engine.execute_blocking(&source.code, source.language, &context);
    line.clear();
    let result = result?;
    if let Some(dir) = &args.out {
        keep(&result.artifacts, dir)?;
        if result.artifacts_left_out > 0 {
            note(&format!(
                "{} files are not in {}: more than 4096, more than the disk limit together, or of a name that cannot be kept",
                result.artifacts_left_out,
                dir.display()
            ));
        }
    }
    if args.json {
        let json = serde_json::to_string(&result).map_err(Failure::new)?;
        print(&(json + "\n"))?;
    } else {
        explain(&result, &source, args);
        if let Some(metrics) = &result.metrics {
            summarise(&result, metrics);
        }
    }
    if closed.load(Ordering::SeqCst) {
        // As a program ends whose reader went away.
        return Ok(141);
    }
    let status = match (&result.exit, signal.load(Ordering::SeqCst)) {
        (ExitKind::Cancelled, caught @ 1..) => 128 + caught,
        (exit, _) => exit.exit_status(),
    };
    Ok(u8::try_from(status).unwrap_or(1))
}

/// How often the live line is renewed.
const STATS_INTERVAL: Duration = Duration::from_millis(100);

/// The line on a terminal that shows what the run uses. It stands where the guest's next output will, and makes room for that.
struct Live {
    wanted: bool,
    shown: AtomicBool,
}

impl Live {
    fn new(wanted: bool) -> Self {
        Self { wanted: wanted && io::stderr().is_terminal(), shown: AtomicBool::new(false) }
    }

    fn show(&self, usage: &ResourceUsage) {
        if self.wanted {
            self.shown.store(true, Ordering::SeqCst);
            // A line that cannot be shown is nobody's loss.
            let _ = write!(io::stderr(), "\r\x1b[K{}", describe(usage));
        }
    }

    fn clear(&self) {
        if self.shown.swap(false, Ordering::SeqCst) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn describe(usage: &ResourceUsage) -> String {
    let mut text = format!(
        "{:.1} s, processor {:.1} s, memory {}",
        usage.wall.as_secs_f64(),
        usage.cpu.as_secs_f64(),
        megabytes(usage.memory)
    );
    if let Some(disk) = usage.disk {
        text.push_str(&format!(", disk {}", megabytes(disk)));
    }
    if let Some(processes) = usage.processes {
        text.push_str(&format!(", {processes} {}", if processes == 1 { "process" } else { "processes" }));
    }
    text
}

fn megabytes(size: ByteSize) -> String {
    format!("{:.1} MB", size.bytes() as f64 / f64::from(1 << 20))
}

/// What the run's use came to.
fn summarise(result: &ExecutionResult, metrics: &PerformanceMetrics) {
    let usage = &result.usage;
    note(&format!(
        "{:.3} s, processor {:.3} s, memory {} at most (95th percentile {}), disk {}, {} samples",
        usage.wall.as_secs_f64(),
        usage.cpu.as_secs_f64(),
        megabytes(usage.peak_memory),
        megabytes(metrics.memory.p95),
        megabytes(usage.disk),
        metrics.samples
    ));
}

fn context(args: &Args, code_from_stdin: bool) -> Result<ExecutionContext, Failure> {
    let mut limits = LimitOverrides::new();
    if let Some(time) = args.timeout {
        limits = limits.wall_time(time);
    }
    if let Some(mb) = args.memory_mb {
        limits = limits.memory(ByteSize::from_mb(mb));
    }
    if let Some(fuel) = args.fuel {
        limits = limits.fuel(fuel);
    }
    if let Some(kb) = args.max_output_kb {
        limits = limits.output(ByteSize::from_kb(kb));
    }
    if let Some(mb) = args.disk_mb {
        limits = limits.disk(ByteSize::from_mb(mb));
    }
    let mut context =
        ExecutionContext::new().limits(limits).backend(args.backend).collect_artifacts(args.out.is_some());
    for (key, value) in &args.env {
        context = context.env(key, value);
    }
    for arg in &args.args {
        context = context.arg(arg);
    }
    for spec in &args.files {
        let (path, bytes) = read_input(spec)?;
        context = context.file(path, bytes);
    }
    if let Some(path) = &args.stdin {
        context = context.stdin(read_stdin(path, code_from_stdin)?);
    }
    Ok(context)
}

fn read_stdin(path: &Path, taken: bool) -> Result<Vec<u8>, Failure> {
    if path != Path::new("-") {
        return fs::read(path)
            .map_err(|error| Failure::new(format_args!("cannot read {}: {error}", path.display())));
    }
    if taken {
        return Err(Failure::new("standard input cannot be both the code and the guest's input"));
    }
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format_args!("cannot read standard input: {error}")))?;
    Ok(bytes)
}

/// Cancels the run at the first signal and ends the process at the second. Returns the last signal, 0 if none came.
fn watch_signals(cancel: &CancelToken) -> Result<Arc<AtomicI32>, Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let caught = Arc::new(AtomicI32::new(0));
    let (seen, cancel) = (Arc::clone(&caught), cancel.clone());
    std::thread::Builder::new().name("bailiwick-signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if seen.swap(signal, Ordering::SeqCst) != 0 {
                std::process::exit(128 + signal);
            }
            cancel.cancel();
        }
    })?;
    Ok(caught)
}

/// Writes the guest's output to our own as it comes. When nobody reads it any more, the guest is stopped.
fn pass_on(
    cancel: CancelToken,
    closed: Arc<AtomicBool>,
    line: Arc<Live>,
) -> impl Fn(OutputStream, &[u8]) + Send + Sync {
    move |stream, bytes| {
        line.clear();
        let written = match stream {
            OutputStream::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            OutputStream::Stderr => io::stderr().lock().write_all(bytes),
        };
        if written.is_err() {
            closed.store(true, Ordering::SeqCst);
            cancel.cancel();
        }
    }
}

/// Writes artifacts under `dir`. Nothing is written outside it, whatever links it holds.
fn keep(artifacts: &[Artifact], dir: &Path) -> Result<(), Failure> {
    let failed = |what: &str, error: io::Error| {
        Failure::new(format_args!("cannot write {what} under {}: {error}", dir.display()))
    };
    fs::create_dir_all(dir).map_err(|error| failed("anything", error))?;
    let root = Dir::open_ambient_dir(dir, ambient_authority()).map_err(|error| failed("anything", error))?;
    for artifact in artifacts {
        if let Some((parents, _)) = artifact.path.rsplit_once('/') {
            root.create_dir_all(parents).map_err(|error| failed(&artifact.path, error))?;
        }
        root.write(&artifact.path, &artifact.bytes).map_err(|error| failed(&artifact.path, error))?;
    }
    Ok(())
}

/// Says what a person should know that the guest's own output does not tell.
fn explain(result: &ExecutionResult, source: &source::Source, args: &Args) {
    match &result.exit {
        ExitKind::Denied => {
            // Nowhere to say it: the exit status says it.
            let _ = io::stderr()
                .write_all(render_findings(&result.policy.findings, &source.name, &source.code).as_bytes());
            note(&format!(
                "denied by the {} policy; nothing was run. --policy permissive relies on the sandbox alone",
                args.policy
            ));
        }
        ExitKind::TimedOut { .. } => note(&format!("{}: the time limit (--timeout)", result.exit)),
        ExitKind::FuelExhausted { .. } => note(&format!("{}: the instruction limit (--fuel)", result.exit)),
        ExitKind::MemoryLimit { .. } => note(&format!("{}: the memory limit (--memory-mb)", result.exit)),
        ExitKind::OutputLimit { .. } => note(&format!("{}: the output limit (--max-output-kb)", result.exit)),
        ExitKind::DiskLimit { .. } => note(&format!("{}: the disk limit (--disk-mb)", result.exit)),
        ExitKind::ProcessLimit { .. } => note(&format!("{}: the process limit", result.exit)),
        ExitKind::Trap { .. } => note(&format!("the guest {}", result.exit)),
        // The guest has said it itself, or there is nothing to say; a cancelled run ends as whoever cancelled it knows.
        _ => {}
    }
}
