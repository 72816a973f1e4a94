//! The `bailiwick` command. See `bailiwick help`.

mod commands;
mod source;

use clap::{Parser, Subcommand};
use std::fmt;
use std::process::ExitCode;

/// Runs code that nobody has vetted: Python and JavaScript in a fresh WebAssembly sandbox each, shell and native packages in containers.
#[derive(Debug, Parser)]
#[command(name = "bailiwick", version, about, arg_required_else_help = true, after_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "\
Exit status of `run`: the guest's own; 124 a time or fuel limit; 126 denied by policy; 130 interrupted;
134 the guest crashed; 137 a memory limit; 141 an output limit; 125 the sandbox itself failed, or bad usage.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run code in a sandbox
    Run(Box<commands::run::Args>),
    /// Judge code by policy without running it
    Check(commands::check::Args),
    /// Show the latest executions
    History(commands::history::Args),
    /// Say what works on this machine and what does not
    Doctor(commands::doctor::Args),
    /// The interpreters that come with this program
    #[command(subcommand)]
    Runtimes(commands::runtimes::Args),
    /// The images that containers are made from
    #[cfg(feature = "docker")]
    #[command(subcommand)]
    Images(commands::images::Args),
}

/// Exit status of a failure that is not the guest's.
pub(crate) const STATUS_FAILED: u8 = 125;

/// Why the command gives up, for a person to read.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string() }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// What a command comes to: its exit status.
pub(crate) type Outcome = Result<u8, Failure>;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // What cannot be printed cannot be helped.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { STATUS_FAILED } else { 0 });
        }
    };
    let outcome = match cli.command {
        Command::Run(args) => commands::run::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::History(args) => commands::history::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Runtimes(args) => commands::runtimes::run(&args),
        #[cfg(feature = "docker")]
        Command::Images(args) => commands::images::run(&args),
    };
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            note(&failure.message);
            ExitCode::from(STATUS_FAILED)
        }
    }
}

/// Says something about the run on standard error, apart from what the guest says.
pub(crate) fn note(message: &str) {
    use std::io::Write;
    // With nowhere to say it, the exit status still says it.
    let _ = writeln!(std::io::stderr(), "bailiwick: {message}");
}

/// Prints to standard output; a reader that has gone away is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format_args!("cannot write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
