//! One module per subcommand.

pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod history;
#[cfg(feature = "docker")]
pub(crate) mod images;
pub(crate) mod run;
pub(crate) mod runtimes;

use crate::note;
use bailiwick::Progress;
use std::io::IsTerminal;

/// Where and how containers run: as a file says, or as is built in.
#[cfg(feature = "docker")]
pub(crate) fn containers(
    file: Option<&std::path::Path>,
) -> Result<bailiwick::ContainersConfig, crate::Failure> {
    Ok(match file {
        Some(file) => bailiwick::ContainersConfig::from_file(file)?,
        None => bailiwick::ContainersConfig::default(),
    })
}

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
