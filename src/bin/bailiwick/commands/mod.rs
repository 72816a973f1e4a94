//! One module per subcommand.

pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod history;
pub(crate) mod run;
pub(crate) mod runtimes;

use crate::note;
use bailiwick::Progress;
use std::io::IsTerminal;

/// Shows the steps that take seconds.
pub(crate) fn show_progress(progress: Progress) {
    match progress {
        Progress::Compiling(language) => {
            note(&format!("compiling the {language} guest for this machine, once; this takes a few seconds"));
        }
        Progress::Compiled(language, took) if std::io::stderr().is_terminal() => {
            note(&format!("compiled the {language} guest in {:.1} s", took.as_secs_f64()));
        }
        Progress::NotKept(language) => {
            note(&format!(
                "the compiled {language} guest cannot be kept (is the disk full?): the next run compiles it again"
            ));
        }
        Progress::Waiting(language) => {
            note(&format!("waiting for another process that compiles the {language} guest"));
        }
        _ => {}
    }
}
