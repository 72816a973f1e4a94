//! `bailiwick doctor`

use super::show_progress;
use crate::{Outcome, print};
use bailiwick::{
    ExecutionContext, ExecutionEngine, Guest, HistoryPlace, default_cache_dir, default_history_dir,
};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

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

pub(crate) fn run(_: &Args) -> Outcome {
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
    report.add(
        &Health::Worse,
        "docker backend",
        "not in this version: shell, and Python with native packages, do not run",
    );
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
