//! Rules, compiled for matching.
use super::config::Loaded;
use super::finding::{Action, Finding, MAX_FINDINGS, Severity};
use super::pattern::Pattern;
use super::source::Source;
use crate::Language;
use serde::Deserialize;
use std::collections::HashMap;

/// A value for each of the three languages.
#[derive(Debug, Default, Clone)]
pub(crate) struct Language3<T>(pub(crate) [T; 3]);

impl<T> Language3<T> {
    pub(crate) fn get(&self, language: Language) -> &T {
        match language {
            Language::Python => &self.0[0],
            Language::JavaScript => &self.0[1],
            Language::Shell => &self.0[2],
        }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.0.iter_mut()
    }
}

/// What the checks find by themselves, beyond lists of names and patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Detector {
    /// No parser can read the code.
    SyntaxError,
    /// The code is nested deeper than any parser is let loose on, or too large.
    TooDeep,
    /// A null byte.
    NullByte,
    /// A `# coding:` line that makes the interpreter read other text than the check does.
    SourceEncoding,
    /// Python: an attribute's name is computed from what cannot be known, in the open (`getattr(x, name)`).
    DynamicAttribute,
    /// Python: an attribute's or a module's name is put together in a way that hides it.
    OpaqueName,
    /// Python: a format string walks through dunder attributes.
    FormatAttribute,
    /// Python: a string is the name of a forbidden attribute.
    AttributeString,
    /// Python: a module is imported whose name cannot be known.
    DynamicImport,
    /// JavaScript: it can be read in two ways (a slash after a brace, an HTML-like comment).
    AmbiguousSource,
    /// JavaScript: a function is made from a string through `constructor`.
    FunctionConstructor,
    /// JavaScript: `require` or `import()` of what cannot be known.
    DynamicRequire,
    /// JavaScript: a member of a global object is reached by a computed name, or the object is passed on.
    DynamicGlobal,
    /// Shell: the command's name cannot be known.
    OpaqueCommand,
    /// Shell: a shell or an interpreter reads its program from a pipe.
    PipeToShell,
    /// Shell: a program or script in the workspace is run, which was not checked.
    LocalProgram,
}

impl Detector {
    const COUNT: usize = 16;

    /// Whether it guards the check itself: without it, code that nobody understood would pass.
    pub(crate) fn is_core(self) -> bool {
        match self {
            Self::SyntaxError | Self::TooDeep | Self::NullByte | Self::SourceEncoding => true,
            Self::DynamicAttribute
            | Self::OpaqueName
            | Self::FormatAttribute
            | Self::AttributeString
            | Self::DynamicImport
            | Self::AmbiguousSource
            | Self::FunctionConstructor
            | Self::DynamicRequire
            | Self::DynamicGlobal
            | Self::OpaqueCommand
            | Self::PipeToShell
            | Self::LocalProgram => false,
        }
    }

    const CORE: [(Self, &'static str); 4] = [
        (Self::SyntaxError, "syntax-error"),
        (Self::TooDeep, "too-deep"),
        (Self::NullByte, "null-byte"),
        (Self::SourceEncoding, "source-encoding"),
    ];
}

/// A pattern as written: plain text, or a regular expression (see [`Pattern`]).
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct PatternSpec(pub(crate) String);

impl AsRef<str> for PatternSpec {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PatternSpec {
    type Error = String;

    /// Compiles once to report a mistake where it stands in the file.
    fn try_from(text: String) -> Result<Self, String> {
        Pattern::compile(&text, str::to_owned).map(|_| Self(text))
    }
}

/// What a rule matches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matchers {
    pub(crate) imports: Vec<String>,
    pub(crate) functions: Vec<String>,
    pub(crate) attributes: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) commands: Vec<String>,
    pub(crate) patterns: Vec<PatternSpec>,
    /// What a match of `patterns` may begin with all the same.
    pub(crate) except: Vec<PatternSpec>,
    pub(crate) detects: Vec<Detector>,
}

impl Matchers {
    pub(crate) fn is_empty(&self) -> bool {
        let lists = [&self.imports, &self.functions, &self.attributes, &self.names, &self.commands];
        lists.iter().all(|l| l.is_empty()) && self.patterns.is_empty() && self.detects.is_empty()
    }
}

/// A rule as written.
#[derive(Clone, Debug)]
pub(crate) struct RuleSource {
    pub(crate) id: String,
    pub(crate) severity: Severity,
    pub(crate) action: Action,
    pub(crate) message: Option<String>,
    pub(crate) recommendation: Option<String>,
    pub(crate) matchers: Matchers,
}

impl RuleSource {
    /// A rule from one item of a short list: denied, high.
    pub(crate) fn short(id: String, matchers: Matchers) -> Self {
        Self {
            id,
            severity: Severity::High,
            action: Action::Deny,
            message: None,
            recommendation: None,
            matchers,
        }
    }
}

/// A rule's own part, without what it matches.
#[derive(Debug)]
pub(crate) struct Rule {
    id: String,
    severity: Severity,
    pub(crate) action: Action,
    message: Option<String>,
    recommendation: Option<String>,
}

/// An index into [`RuleSet::rules`].
pub(crate) type RuleIx = usize;

/// The rules of one language, indexed by what they match.
#[derive(Debug, Default)]
pub(crate) struct RuleSet {
    rules: Vec<Rule>,
    pub(crate) imports: HashMap<String, RuleIx>,
    pub(crate) functions: HashMap<String, RuleIx>,
    pub(crate) attributes: HashMap<String, RuleIx>,
    pub(crate) names: HashMap<String, RuleIx>,
    pub(crate) commands: HashMap<String, RuleIx>,
    pub(crate) patterns: Vec<(Pattern, RuleIx)>,
    detectors: [Option<RuleIx>; Detector::COUNT],
}

impl RuleSet {
    /// `normalise` turns a plain pattern into the form that the language's code is matched in; `structural` names what a
    /// pattern is about, if it can be judged on a syntax tree.
    fn compile(
        sources: &[RuleSource],
        normalise: impl Fn(&str) -> String,
        structural: impl Fn(&Pattern) -> Option<&str>,
    ) -> Self {
        let mut set = Self::default();
        for source in sources {
            let ix = set.rules.len();
            set.rules.push(Rule {
                id: source.id.clone(),
                severity: source.severity,
                action: source.action,
                message: source.message.clone(),
                recommendation: source.recommendation.clone(),
            });
            let m = &source.matchers;
            insert_all(&set.rules, &mut set.imports, &m.imports, ix);
            insert_all(&set.rules, &mut set.functions, &m.functions, ix);
            insert_all(&set.rules, &mut set.attributes, &m.attributes, ix);
            insert_all(&set.rules, &mut set.names, &m.names, ix);
            insert_all(&set.rules, &mut set.commands, &m.commands, ix);
            for pattern in &m.patterns {
                // Each was compiled when the file was read; here only the plain ones change.
                if let Ok(mut compiled) = Pattern::compile(&pattern.0, &normalise) {
                    compiled.except(m.except.iter().map(|e| e.0.as_str()), &normalise);
                    if let Some(name) = structural(&compiled) {
                        let name = [name.to_owned()];
                        insert_all(&set.rules, &mut set.names, &name, ix);
                        insert_all(&set.rules, &mut set.attributes, &name, ix);
                    } else {
                        set.patterns.push((compiled, ix));
                    }
                }
            }
            for &detector in &m.detects {
                set.detectors[detector as usize] = Some(ix);
            }
        }
        for (detector, id) in Detector::CORE {
            if set.detectors[detector as usize].is_none() {
                set.detectors[detector as usize] = Some(set.rules.len());
                set.rules.push(Rule {
                    id: id.to_owned(),
                    severity: Severity::High,
                    action: Action::Deny,
                    message: None,
                    recommendation: None,
                });
            }
        }
        set
    }

    pub(crate) fn detector(&self, detector: Detector) -> Option<RuleIx> {
        self.detectors[detector as usize]
    }

    pub(crate) fn rule(&self, ix: RuleIx) -> &Rule {
        &self.rules[ix]
    }
}

/// Where two rules match the same name, the one that denies wins, then the later one.
fn insert_all(rules: &[Rule], map: &mut HashMap<String, RuleIx>, names: &[String], ix: RuleIx) {
    for name in names {
        let entry = map.entry(name.clone()).or_insert(ix);
        if rules[ix].action == Action::Deny || rules[*entry].action == Action::Warn {
            *entry = ix;
        }
    }
}

/// Compiled rules for each language.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) name: String,
    pub(crate) sets: Language3<RuleSet>,
}

impl Rules {
    pub(crate) fn compile(loaded: &Loaded) -> Self {
        let [python, javascript, shell] = &loaded.rules.0;
        let sets = Language3([
            RuleSet::compile(python, super::python::normalise_literal, super::python::structural),
            RuleSet::compile(javascript, super::javascript::normalise_literal, |_| None),
            RuleSet::compile(shell, super::shell::normalise_literal, |_| None),
        ]);
        Self { name: loaded.name.clone(), sets }
    }
}

/// Collects findings for one source, up to a cap.
pub(crate) struct Report<'a> {
    pub(crate) rules: &'a RuleSet,
    source: &'a Source<'a>,
    findings: Vec<Finding>,
    denied: usize,
    omitted: usize,
}

impl<'a> Report<'a> {
    pub(crate) fn new(rules: &'a RuleSet, source: &'a Source<'a>) -> Self {
        Self { rules, source, findings: Vec::new(), denied: 0, omitted: 0 }
    }

    /// Adds a finding for `start..end`; `what` is the message of rules that carry none, and `name` stands in for
    /// `{name}` in those that do.
    pub(crate) fn add(
        &mut self,
        ix: RuleIx,
        start: usize,
        end: usize,
        name: &str,
        what: impl FnOnce() -> String,
    ) {
        let rule = self.rules.rule(ix);
        // Warnings stop at the cap, and denials at a cap of their own, so that warnings cannot crowd them out.
        let warn = rule.action == Action::Warn;
        let kept = if warn { self.findings.len() - self.denied } else { self.denied };
        if kept > MAX_FINDINGS {
            self.omitted += 1;
            return;
        }
        self.denied += usize::from(!warn);
        let (line, column, end_column) = self.source.span(start, end);
        let message = match &rule.message {
            Some(message) => message.replace("{name}", &shorten(name)),
            None => what(),
        };
        self.findings.push(Finding {
            rule: rule.id.clone(),
            severity: rule.severity,
            action: rule.action,
            line,
            column,
            end_column,
            message,
            recommendation: rule.recommendation.clone(),
            file: None,
        });
    }

    /// Adds a finding of a detector, if any rule turns it on.
    pub(crate) fn detect(
        &mut self,
        detector: Detector,
        start: usize,
        end: usize,
        name: &str,
        what: impl FnOnce() -> String,
    ) {
        if let Some(ix) = self.rules.detector(detector) {
            self.add(ix, start, end, name, what);
        }
    }

    pub(crate) fn finish(self, language: Language) -> super::SecurityResult {
        super::SecurityResult::new(language, self.findings, self.omitted)
    }
}

/// Names from hostile code go into messages cut to a readable length.
pub(crate) fn shorten(name: &str) -> String {
    const MAX: usize = 80;
    if name.chars().count() <= MAX {
        return name.to_owned();
    }
    name.chars().take(MAX).chain("...".chars()).collect()
}
