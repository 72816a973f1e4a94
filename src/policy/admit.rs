//! The one way in: from what a caller asks to what a backend may run.

use super::{Import, SecurityManager, SecurityResult};
use crate::Language;
use crate::config::LimitsConfig;
use crate::limits::{LimitError, Limits};
use crate::request::{ExecutionContext, InputFile};
use std::fmt;
use std::path::Path;

/// The longest source that is taken: checking and compiling it costs the host's own time before any limit of the guest's applies.
pub const MAX_CODE: usize = super::MAX_SOURCE_BYTES;
/// How many input files, arguments and variables one request may have.
const MAX_ITEMS: usize = 4096;
/// The longest name, argument, variable or path, in bytes.
const MAX_TEXT: usize = 128 << 10;

/// A request that has passed policy. Only [`admit`] makes one, so a backend cannot be given anything else.
#[derive(Clone, Debug)]
pub(crate) struct Admitted<'a> {
    language: Language,
    code: &'a str,
    context: &'a ExecutionContext,
    limits: Limits,
    imports: Vec<Import>,
}

impl Admitted<'_> {
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    pub(crate) fn code(&self) -> &str {
        self.code
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the code and the input files beside it import, of what is not among those files.
    pub(crate) fn imports(&self) -> &[Import] {
        &self.imports
    }

    pub(crate) fn filename(&self) -> &str {
        self.context.filename.as_deref().unwrap_or("<string>")
    }

    pub(crate) fn args(&self) -> &[String] {
        &self.context.args
    }

    pub(crate) fn env(&self) -> &[(String, String)] {
        &self.context.env
    }

    pub(crate) fn stdin(&self) -> &[u8] {
        &self.context.stdin
    }

    pub(crate) fn files(&self) -> &[InputFile] {
        &self.context.files
    }

    pub(crate) fn is_module(&self) -> bool {
        self.context.module
    }

    pub(crate) fn wants_value(&self) -> bool {
        !self.context.no_value
    }

    pub(crate) fn collect_artifacts(&self) -> bool {
        self.context.artifacts
    }
}

/// A request that makes no sense, whatever its code does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestError {
    /// The part of the request.
    pub field: RequestField,
    /// The value, shortened.
    pub value: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestField {
    /// The code.
    Code,
    /// The path of an input file.
    File,
    /// The name of a variable, or its value.
    Env,
    /// An argument.
    Arg,
    /// The name that tracebacks show.
    Filename,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = match self.field {
            RequestField::Code => "code",
            RequestField::File => "input file",
            RequestField::Env => "environment variable",
            RequestField::Arg => "argument",
            RequestField::Filename => "file name",
        };
        if self.value.is_empty() {
            write!(f, "{field}: {}", self.problem)
        } else {
            write!(f, "{field} `{}`: {}", self.value, self.problem)
        }
    }
}

impl std::error::Error for RequestError {}

/// What became of a request at the gate.
pub(crate) enum Admission<'a> {
    /// It may run.
    Granted(Admitted<'a>, SecurityResult),
    /// Policy refuses it.
    Denied(SecurityResult, Limits),
}

/// Why a request cannot even be judged.
pub(crate) enum Refused {
    Request(RequestError),
    Limit(LimitError),
}

/// Judges a request. Every part that carries code or a path is looked at, not the code alone.
pub(crate) fn admit<'a>(
    policy: &SecurityManager,
    limits: &LimitsConfig,
    language: Language,
    code: &'a str,
    context: &'a ExecutionContext,
) -> Result<Admission<'a>, Refused> {
    check_request(code, context).map_err(Refused::Request)?;
    let limits = limits.resolve(language, &context.limits).map_err(Refused::Limit)?;
    let (mut verdict, mut imports) = policy.validate_imports(code, language);
    for file in &context.files {
        // A module that the code can import, or a script that it can run, is code too.
        if let Some(written_in) = Language::from_path(Path::new(&file.path)) {
            let text = String::from_utf8_lossy(&file.bytes);
            let (judged, imported) = policy.validate_imports(&text, written_in);
            verdict.add_file(judged, &file.path);
            if written_in == language {
                imports.extend(imported);
            }
        }
    }
    if verdict.is_allowed() {
        imports.retain(|import| !comes_with(&import.module, &context.files));
        let admitted = Admitted { language, code, context, limits, imports };
        Ok(Admission::Granted(admitted, verdict))
    } else {
        Ok(Admission::Denied(verdict, limits))
    }
}

/// Whether a module is one of the input files, or a directory of theirs.
fn comes_with(module: &str, files: &[InputFile]) -> bool {
    module.starts_with(['.', '/'])
        || files.iter().any(|file| {
            let first = file.path.split('/').next().unwrap_or_default();
            // Packages of JavaScript may lie in a directory of their own.
            first == module || first == "node_modules" || first.split('.').next() == Some(module)
        })
}

fn check_request(code: &str, context: &ExecutionContext) -> Result<(), RequestError> {
    let fail = |field, value: &str, problem| {
        Err(RequestError { field, value: value.chars().take(80).collect(), problem })
    };
    if code.len() > MAX_CODE {
        return fail(RequestField::Code, "", "is longer than 16 MiB");
    }
    for (field, count) in [
        (RequestField::File, context.files.len()),
        (RequestField::Env, context.env.len()),
        (RequestField::Arg, context.args.len()),
    ] {
        if count > MAX_ITEMS {
            return fail(field, "", "there are more than 4096 of them");
        }
    }
    for file in &context.files {
        if let Some(problem) = path_problem(&file.path) {
            return fail(RequestField::File, &file.path, problem);
        }
    }
    for (key, value) in &context.env {
        if key.is_empty() || key.contains('=') {
            return fail(RequestField::Env, key, "a name is not empty and has no `=`");
        }
        if key.contains('\0') || value.contains('\0') {
            return fail(RequestField::Env, key, "contains a null byte");
        }
        if key.len() + value.len() > MAX_TEXT {
            return fail(RequestField::Env, key, "is longer than 128 KiB");
        }
    }
    for arg in &context.args {
        if arg.contains('\0') {
            return fail(RequestField::Arg, arg, "contains a null byte");
        }
        if arg.len() > MAX_TEXT {
            return fail(RequestField::Arg, arg, "is longer than 128 KiB");
        }
    }
    if let Some(name) = &context.filename
        && (name.is_empty() || name.len() > 4096 || name.contains(['\0', '\n']))
    {
        return fail(RequestField::Filename, name, "is empty, too long, or has a null byte or a line break");
    }
    Ok(())
}

/// Why a path cannot name a file in the workspace.
pub(crate) fn path_problem(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        Some("is empty")
    } else if path.len() > 1024 {
        Some("is longer than 1024 bytes")
    } else if path.contains(['\0', '\\']) {
        Some("contains a null byte or a backslash")
    } else if path.starts_with('/') {
        Some("is absolute: give a path relative to the workspace")
    } else if path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        Some("has an empty, `.` or `..` part")
    } else if path.split('/').any(|part| part.len() > 255) {
        Some("has a part longer than 255 bytes")
    } else {
        None
    }
}
