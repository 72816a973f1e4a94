//! `bailiwick runtimes`

use super::show_progress;
use crate::{Outcome, note, print};
use bailiwick::{ExecutionEngine, Guest, HistoryPlace};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Args {
    /// Name the interpreters and their versions
    List,
    /// Compile them for this machine now, so that no run waits for it
    Precompile,
    /// Prove that they are what the manifest pins
    Verify,
}

pub(crate) fn run(args: &Args) -> Outcome {
    match args {
        Args::List => {
            for guest in Guest::all() {
                let pin = guest.pin()?;
                print(&format!(
                    "{:10}  {} {}  {:.1} MB  sha256 {}\n",
                    guest.language.to_string(),
                    guest.interpreter,
                    pin.version,
                    pin.wasm_bytes as f64 / 1e6,
                    pin.wasm_sha256
                ))?;
            }
        }
        Args::Precompile => {
            let engine = ExecutionEngine::builder()
                .history(HistoryPlace::Memory(1))
                .max_sandboxes(1)
                .on_progress(show_progress)
                .build()?;
            for notice in engine.notices() {
                note(notice);
            }
            for guest in Guest::all() {
                engine.warm_up(guest.language)?;
                print(&format!("{}: ready\n", guest.language))?;
            }
        }
        Args::Verify => {
            for guest in Guest::all() {
                let wasm = guest.verify()?;
                print(&format!("{}: {} bytes, as pinned\n", guest.language, wasm.len()))?;
            }
        }
    }
    Ok(0)
}
