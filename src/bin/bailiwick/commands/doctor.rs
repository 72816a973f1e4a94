//! `bailiwick doctor`

use super::show_progress;
use crate::{Outcome, print};
#[cfg(feature = "docker")]
use bailiwick::{BackendChoice, ImageState, Language};
use bailiwick::{
    ExecutionContext, ExecutionEngine, Guest, HistoryPlace, default_cache_dir, default_history_dir,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A file that says where and how containers run
    #[cfg(feature = "docker")]
    #[arg(long, value_name = "FILE")]
    containers: Option<PathBuf>,
}

/// How well one thing works.
enum Health {
    Good,
    /// It works, less well than it could.
    Worse,
    Bad,
}

struct Report {
    text: String,
    bad: bool,
}

impl Report {
    fn add(&mut self, health: &Health, what: &str, details: &str) {
        let sign = match health {
            Health::Good => "ok  ",
            Health::Worse => "warn",
            Health::Bad => {
                self.bad = true;
                "FAIL"
            }
        };
        self.text.push_str(&format!("{sign}  {what}: {details}\n"));
    }
}

pub(crate) fn run(args: &Args) -> Outcome {
    let mut report = Report { text: String::new(), bad: false };
    report.add(&Health::Good, "version", env!("CARGO_PKG_VERSION"));
    for guest in Guest::all() {
        match guest.verify() {
            Ok(wasm) => report.add(
                &Health::Good,
                &format!("{} guest", guest.language),
                &format!("{} bytes, as pinned", wasm.len()),
            ),
            Err(error) => report.add(&Health::Bad, &format!("{} guest", guest.language), &error.to_string()),
        }
    }
    directory(
        &mut report,
        "cache of compiled guests",
        default_cache_dir(),
        "XDG_CACHE_HOME",
        "each process compiles them anew",
    );
    directory(
        &mut report,
        "history",
        default_history_dir(),
        "XDG_STATE_HOME",
        "executions are recorded in their own process only",
    );
    kernel(&mut report);
    runs(&mut report);
    #[cfg(feature = "docker")]
    docker(&mut report, args);
    print(&report.text)?;
    Ok(u8::from(report.bad))
}

/// Whether a directory of ours can be written to.
fn directory(report: &mut Report, what: &str, dir: Option<PathBuf>, variable: &str, otherwise: &str) {
    let Some(dir) = dir else {
        report.add(
            &Health::Worse,
            what,
            &format!("no place: set HOME or {variable}. Until then {otherwise}"),
        );
        return;
    };
    match probe(&dir) {
        Ok(()) => report.add(&Health::Good, what, &dir.display().to_string()),
        Err(error) => report.add(
            &Health::Worse,
            what,
            &format!("{} cannot be used ({error}): make it writable for you alone, or set {variable}. Until then {otherwise}", dir.display()),
        ),
    }
}

fn probe(dir: &Path) -> std::io::Result<()> {
    bailiwick::check_cache_dir(dir)?;
    let file = dir.join(format!(".probe.{}", std::process::id()));
    fs::write(&file, b"probe")?;
    fs::remove_file(file)
}

/// Whether the kernel can tell which pages a run wrote.
fn kernel(report: &mut Report) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    let mut numbers = release.split('.').map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= (6, 7) {
        report.add(&Health::Good, "kernel", &format!("{release}, with PAGEMAP_SCAN"));
    } else {
        report.add(
            &Health::Worse,
            "kernel",
            &format!("{release}: from 6.7 on (PAGEMAP_SCAN) each run is faster"),
        );
    }
}

/// Runs something in each guest.
fn runs(report: &mut Report) {
    let engine = ExecutionEngine::builder()
        .history(HistoryPlace::Memory(8))
        .max_sandboxes(1)
        .on_progress(show_progress)
        .build();
    let engine = match engine {
        Ok(engine) => engine,
        Err(error) => return report.add(&Health::Bad, "wasm backend", &error.to_string()),
    };
    for guest in Guest::all() {
        let what = format!("a run of {}", guest.language);
        if let Err(error) = engine.warm_up(guest.language) {
            report.add(&Health::Bad, &what, &error.to_string());
            continue;
        }
        let start = Instant::now();
        match engine.execute_blocking("1 + 1", guest.language, &ExecutionContext::new()) {
            Ok(result) if result.is_success() => {
                report.add(&Health::Good, &what, &format!("{:.2} ms", start.elapsed().as_secs_f64() * 1e3));
            }
            Ok(result) => report.add(&Health::Bad, &what, &result.exit.to_string()),
            Err(error) => report.add(&Health::Bad, &what, &error.to_string()),
        }
    }
}

/// Whether containers can run: the daemon, what it can enforce, the images, and a run in each. None of it is needed for Python and
/// JavaScript in wasm, so nothing here is a failure.
#[cfg(feature = "docker")]
fn docker(report: &mut Report, args: &Args) {
    const WITHOUT: &str = "Until then shell, and packages such as pandas, do not run";
    let config = match super::containers(args.containers.as_deref()) {
        Ok(config) => config,
        Err(error) => return report.add(&Health::Bad, "containers", &error.message),
    };
    let engine =
        ExecutionEngine::builder().history(HistoryPlace::Memory(8)).max_sandboxes(1).containers(config);
    let engine = match engine.build() {
        Ok(engine) => engine,
        Err(error) => return report.add(&Health::Bad, "docker backend", &error.to_string()),
    };
    let daemon = match engine.docker_daemon() {
        Ok(daemon) => daemon,
        Err(error) => {
            return report.add(&Health::Worse, "docker daemon", &format!("{error}. {WITHOUT}"));
        }
    };
    let details = format!(
        "{} at {}, storage {}, cgroup v{}, runc {}, runtimes {} (default {}), {}",
        daemon.version,
        daemon.host,
        daemon.storage,
        daemon.cgroup_version,
        daemon.runc,
        daemon.runtimes.join(" "),
        daemon.default_runtime,
        daemon.security.join(" ")
    );
    report.add(&Health::Good, "docker daemon", &details);
    match daemon.unenforceable {
        None => report.add(
            &Health::Good,
            "docker limits",
            "memory, swap, processors, processes, disk, files: all enforced",
        ),
        Some(limit) => report.add(
            &Health::Worse,
            "docker limits",
            &format!("it cannot enforce {limit}, so nothing is run there. {WITHOUT}"),
        ),
    }
    for language in Language::ALL {
        let what = format!("{language} image");
        match engine.image(language) {
            Err(error) => report.add(&Health::Worse, &what, &error.to_string()),
            Ok(image) => match image.state {
                ImageState::Missing => {
                    let details =
                        format!("{} is not there: bailiwick images build {language}. {WITHOUT}", image.name);
                    report.add(&Health::Worse, &what, &details);
                }
                ImageState::Stale => {
                    let details = format!("{} is stale: bailiwick images build {language}", image.name);
                    report.add(&Health::Worse, &what, &details);
                    container_run(report, &engine, language);
                }
                _ => {
                    report.add(&Health::Good, &what, &image.name);
                    container_run(report, &engine, language);
                }
            },
        }
    }
}

#[cfg(feature = "docker")]
fn container_run(report: &mut Report, engine: &ExecutionEngine, language: Language) {
    let what = format!("a container of {language}");
    let code = if language == Language::Shell { "true" } else { "1 + 1" };
    let context = ExecutionContext::new().backend(BackendChoice::Docker);
    let start = Instant::now();
    match engine.execute_blocking(code, language, &context) {
        Ok(result) if result.is_success() => {
            report.add(&Health::Good, &what, &format!("{:.0} ms", start.elapsed().as_secs_f64() * 1e3));
        }
        Ok(result) => report.add(&Health::Worse, &what, &result.exit.to_string()),
        Err(error) => report.add(&Health::Worse, &what, &error.to_string()),
    }
}
