//! Security policy: what code may say before it is run.
//!
//! A [`SecurityManager`] holds the rules of one policy file and judges sources by them, without ever running any:
//!
//! - **Python** on its syntax tree. `rustpython-parser` reads it first; what that refuses is read by ruff's parser, and
//!   both are judged by the same rules. Aliases, attributes, constant strings and `getattr` are followed as far as the
//!   source shows.
//! - **JavaScript** and **shell** on a normal form in which comments, quotes, escapes and white space are settled.
//!
//! What cannot be read is a finding (`syntax-error`, `too-deep`), never passed as safe. The checks are a first line: they
//! say early and readably what a program is about to try. The sandbox is what holds it.
//!
//! ```
//! use bailiwick::policy::{Profile, SecurityManager};
//! use bailiwick::Language;
//!
//! let policy = SecurityManager::builtin(Profile::Default);
//! assert!(policy.validate("print(1 + 1)", Language::Python).is_allowed());
//!
//! let result = policy.validate("import os as o", Language::Python);
//! assert!(!result.is_allowed());
//! assert_eq!(result.findings[0].rule, "py-import-os");
//! assert_eq!((result.findings[0].line, result.findings[0].column), (1, 8));
//! ```
mod admit;
mod config;
mod error;
mod finding;
mod javascript;
mod normal;
mod pattern;
mod python;
mod render;
mod rules;
mod shell;
mod source;

pub(crate) use admit::{Admission, Admitted, Refused, admit, path_problem};
pub use admit::{MAX_CODE, RequestError, RequestField};
pub use error::{PolicyError, PolicyErrorKind};
pub use finding::{
    Action, Finding, ForbiddenImport, MAX_FINDINGS, RiskAnalysis, RiskLevel, SecurityResult, Severity,
};
pub use render::{render, render_finding, render_findings};

use crate::Language;
use rules::{Detector, Report, Rules};
use serde::{Deserialize, Serialize};
use source::Source;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// The shipped default policy, as text.
pub const DEFAULT_YAML: &str = include_str!("../../config/security_policies.yaml");

/// The shipped permissive policy, as text.
pub const PERMISSIVE_YAML: &str = include_str!("../../config/security_policies.permissive.yaml");

/// Longer sources are refused unread: positions are kept in 32 bits, and checking must end soon whatever comes.
pub const MAX_SOURCE_BYTES: usize = 16 << 20;

/// A policy that ships with the engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Forbids what `config/security_policies.yaml` lists.
    #[default]
    Default,
    /// Forbids nothing that the sandbox itself contains, and only warns.
    Permissive,
}

/// Judges sources by the rules of one policy. Cheap to clone.
#[derive(Clone)]
pub struct SecurityManager {
    rules: Arc<Rules>,
}

impl fmt::Debug for SecurityManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityManager").field("name", &self.rules.name).finish_non_exhaustive()
    }
}

impl Default for SecurityManager {
    fn default() -> Self {
        Self::builtin(Profile::Default)
    }
}

/// What a check learnt besides its findings.
struct Checked {
    result: SecurityResult,
    imports: Vec<Imported>,
}

/// A module that code imports, with its place.
struct Imported {
    module: String,
    rule: Option<rules::RuleIx>,
    start: usize,
    end: usize,
    /// Whether the code itself says what to do if there is no such module.
    guarded: bool,
}

/// A module that code imports: for Python the top-level name, for JavaScript the name as written, without `node:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) module: String,
    /// Whether the code itself says what to do if there is no such module.
    pub(crate) guarded: bool,
}

impl SecurityManager {
    /// A policy that ships, compiled once per process.
    ///
    /// # Panics
    /// Never: the shipped files are part of the program and a test loads them.
    #[must_use]
    pub fn builtin(profile: Profile) -> Self {
        static DEFAULT: LazyLock<SecurityManager> = LazyLock::new(|| embedded("default", DEFAULT_YAML));
        static PERMISSIVE: LazyLock<SecurityManager> =
            LazyLock::new(|| embedded("permissive", PERMISSIVE_YAML));
        match profile {
            Profile::Default => DEFAULT.clone(),
            Profile::Permissive => PERMISSIVE.clone(),
        }
    }

    /// A policy from YAML text. `name` stands for the file in errors.
    ///
    /// The text says what it starts from: `extends: default`, `extends: permissive` or `replaces: true`.
    ///
    /// # Errors
    /// When the text is not a policy: the error names file, line, column and key.
    pub fn from_yaml(name: &str, text: &str) -> Result<Self, PolicyError> {
        config::load(name, text, false).map(|loaded| Self { rules: Arc::new(Rules::compile(&loaded)) })
    }

    /// A policy from a YAML file; see [`SecurityManager::from_yaml`].
    ///
    /// # Errors
    /// When the file cannot be read, or is not a policy.
    pub fn from_file(path: &Path) -> Result<Self, PolicyError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|e| PolicyError::new(&name, None, PolicyErrorKind::Read(e)))?;
        Self::from_yaml(&name, &text)
    }

    /// The policy's name: what its file calls itself, or else the file's own name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.rules.name
    }

    /// Judges `code`. Never runs it, never fails: what cannot be read is a finding.
    #[must_use]
    pub fn validate(&self, code: &str, language: Language) -> SecurityResult {
        self.check(code, language).result
    }

    /// Judges Python.
    #[must_use]
    pub fn validate_python(&self, code: &str) -> SecurityResult {
        self.validate(code, Language::Python)
    }

    /// Judges JavaScript.
    #[must_use]
    pub fn validate_javascript(&self, code: &str) -> SecurityResult {
        self.validate(code, Language::JavaScript)
    }

    /// Judges a shell script.
    #[must_use]
    pub fn validate_shell(&self, code: &str) -> SecurityResult {
        self.validate(code, Language::Shell)
    }

    /// The imports of `code` that a rule denies. Shell has none.
    #[must_use]
    pub fn check_imports(&self, code: &str, language: Language) -> Vec<ForbiddenImport> {
        let checked = self.check(code, language);
        let source = Source::new(code);
        let set = self.rules.sets.get(language);
        let mut out = Vec::new();
        for Imported { module, rule, start, end, .. } in checked.imports {
            let Some(ix) = rule else { continue };
            if set.rule(ix).action == Action::Deny {
                let mut report = Report::new(set, &source);
                report.add(ix, start, end, &module, || {
                    format!("import of module `{}`", rules::shorten(&module))
                });
                out.extend(
                    report
                        .finish(language)
                        .findings
                        .into_iter()
                        .map(|finding| ForbiddenImport { module: module.clone(), finding }),
                );
            }
            if out.len() >= MAX_FINDINGS {
                break;
            }
        }
        out
    }

    /// The modules that `code` imports, each once, in order of appearance: for Python the top-level names, for JavaScript
    /// the module's name as written, without `node:`. Names that are computed are not among them. Shell has none.
    #[must_use]
    pub fn imports(&self, code: &str, language: Language) -> Vec<String> {
        let mut seen = std::collections::HashSet::new();
        let imports = self.validate_imports(code, language).1.into_iter().map(|import| import.module);
        imports.filter(|module| seen.insert(module.clone())).collect()
    }

    /// Judges `code`, and says what it imports.
    pub(crate) fn validate_imports(&self, code: &str, language: Language) -> (SecurityResult, Vec<Import>) {
        let Checked { result, imports } = self.check(code, language);
        let imports = imports.into_iter().map(|Imported { module, guarded, .. }| Import {
            module: match language {
                Language::Python => module.split('.').next().unwrap_or_default().to_owned(),
                Language::JavaScript => module.strip_prefix("node:").unwrap_or(&module).to_owned(),
                Language::Shell => module,
            },
            guarded,
        });
        (result, imports.filter(|import| !import.module.is_empty()).collect())
    }

    /// How risky `code` is under this policy, why, and what to do about it.
    #[must_use]
    pub fn analyze_security_risk(&self, code: &str, language: Language) -> RiskAnalysis {
        let result = self.validate(code, language);
        let mut by_weight: Vec<&Finding> = result.findings.iter().collect();
        by_weight.sort_by_key(|f| (f.action == Action::Warn, std::cmp::Reverse(f.severity)));
        let mut recommendations: Vec<String> = Vec::new();
        for advice in by_weight.iter().filter_map(|f| f.recommendation.as_ref()) {
            if !recommendations.contains(advice) {
                recommendations.push(advice.clone());
            }
        }
        if !result.is_allowed() && recommendations.is_empty() {
            recommendations
                .push("remove what the findings mark, or choose a policy that allows it".to_owned());
        }
        RiskAnalysis { level: result.risk, findings: result.findings, recommendations }
    }

    fn check(&self, code: &str, language: Language) -> Checked {
        let set = self.rules.sets.get(language);
        if code.len() > MAX_SOURCE_BYTES {
            let empty = Source::new("");
            let mut report = Report::new(set, &empty);
            report.detect(Detector::TooDeep, 0, 1, "", || {
                format!("longer than {MAX_SOURCE_BYTES} bytes, so it was not read")
            });
            return Checked { result: report.finish(language), imports: Vec::new() };
        }
        let source = Source::new(code);
        let mut report = Report::new(set, &source);
        let imports = match language {
            Language::Python => python::check(&source, &mut report),
            Language::JavaScript => javascript::check(&source, &mut report),
            Language::Shell => {
                shell::check(&source, &mut report);
                Vec::new()
            }
        };
        Checked { result: report.finish(language), imports }
    }
}

fn embedded(name: &str, text: &str) -> SecurityManager {
    match config::load(name, text, true) {
        Ok(loaded) => SecurityManager { rules: Arc::new(Rules::compile(&loaded)) },
        Err(error) => panic!("the shipped policy `{name}` does not load: {error}"),
    }
}
