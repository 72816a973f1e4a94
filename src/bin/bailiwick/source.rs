//! Where the code comes from: `-c CODE`, a file, or standard input.

use crate::Failure;
use bailiwick::Language;
use bailiwick::policy::{MAX_CODE, Profile, SecurityManager};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub(crate) struct SourceArgs {
    /// The language; taken from the file's extension otherwise, and python for -c and -
    #[arg(short, long, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// The code itself
    #[arg(short, long, value_name = "CODE", conflicts_with = "file")]
    code: Option<String>,
    /// A file with the code, or - for standard input
    #[arg(value_name = "FILE", required_unless_present = "code")]
    file: Option<PathBuf>,
}

/// Code, and what to call it.
pub(crate) struct Source {
    pub(crate) language: Language,
    pub(crate) code: String,
    /// The name that diagnostics show.
    pub(crate) name: String,
    /// Whether the file's extension asks for an ES module.
    pub(crate) module: bool,
    /// Whether it took standard input.
    pub(crate) from_stdin: bool,
}

impl SourceArgs {
    pub(crate) fn read(&self) -> Result<Source, Failure> {
        let (code, name, path) = match (&self.code, &self.file) {
            (Some(code), _) => (code.clone(), "<string>".to_owned(), None),
            (None, Some(path)) if path == Path::new("-") => {
                (read_text(io::stdin(), "<stdin>")?, "<stdin>".to_owned(), None)
            }
            (None, Some(path)) => {
                let name = path.display().to_string();
                let file = File::open(path)
                    .map_err(|error| Failure::new(format_args!("cannot read {name}: {error}")))?;
                (read_text(file, &name)?, name, Some(path))
            }
            (None, None) => return Err(Failure::new("no code was given: use -c CODE, a file, or -")),
        };
        let language = match (self.language, path) {
            (Some(language), _) => language,
            (None, None) => Language::Python,
            (None, Some(path)) => Language::from_path(path).ok_or_else(|| {
                Failure::new(format_args!("cannot tell the language of {name} from its extension: say -l python, javascript or shell"))
            })?,
        };
        let module = path.and_then(|path| path.extension()).is_some_and(|extension| extension == "mjs");
        Ok(Source { language, code, from_stdin: name == "<stdin>", name, module })
    }
}

fn read_text(from: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    // One byte more than is taken, so that the engine sees, and says, that it is too much.
    from.take(MAX_CODE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format_args!("cannot read {name}: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::new(format_args!("{name} is not UTF-8 text: the byte at offset {at} does not belong"))
    })
}

/// The policy that `--policy` names.
pub(crate) fn policy(name: &str) -> Result<SecurityManager, Failure> {
    match name {
        "default" => Ok(SecurityManager::builtin(Profile::Default)),
        "permissive" => Ok(SecurityManager::builtin(Profile::Permissive)),
        path => Ok(SecurityManager::from_file(Path::new(path))?),
    }
}
