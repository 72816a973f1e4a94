//! What a check reports: findings, the verdict over them, and the risk that they add up to.
use crate::Language;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most findings that one check keeps. A hostile source could otherwise make the report far larger than itself.
pub const MAX_FINDINGS: usize = 1000;

/// How bad it is when a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Could be used to get around the policy.
    Medium,
    /// Reaches what the policy forbids.
    High,
    /// Reaches the machine, or hides what it does.
    Critical,
}

impl Severity {
    /// The lower-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a finding does to the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The code must not run.
    Deny,
    /// The code may run; the finding is reported.
    Warn,
}

/// One match of one rule, at one place.
///
/// Lines and columns count from 1; columns are in characters. `end_column` is one past the last marked character
/// of the same line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// The rule's id, for instance `py-import-os`.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it denies the code.
    pub action: Action,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Column one past the end of what is marked, on the same line.
    pub end_column: u32,
    /// What was found.
    pub message: String,
    /// What to do instead, if the rule says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recommendation: Option<String>,
    /// The input file that it was found in; `None` for the code itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
}

/// The risk that findings add up to: the highest severity among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskLevel {
    /// Nothing was found.
    #[default]
    None,
    /// Only findings of low severity.
    Low,
    /// Something that could be used to get around the policy.
    Medium,
    /// Something that the policy forbids, or nearly.
    High,
    /// Something that reaches the machine, or hides what it does.
    Critical,
}

impl RiskLevel {
    /// The lower-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The highest severity among `findings`.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        findings.iter().map(|f| Self::from(f.severity)).max().unwrap_or_default()
    }
}

impl From<Severity> for RiskLevel {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Low => Self::Low,
            Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        }
    }
}

impl fmt::Display for RiskLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The verdict of a policy on one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SecurityResult {
    /// The language that the code was judged as.
    pub language: Language,
    /// The highest severity among the findings.
    pub risk: RiskLevel,
    /// What was found, in the order of the source; at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many findings there were beyond those kept.
    pub omitted: usize,
}

impl SecurityResult {
    /// Sorts the findings by place, drops doubles and caps their number. When any is left out, a denial is kept in
    /// preference to a warning, so that the cap never changes the verdict.
    pub(crate) fn new(language: Language, mut findings: Vec<Finding>, mut omitted: usize) -> Self {
        let key = |f: &Finding| (f.line, f.column, f.end_column);
        findings.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.rule.cmp(&b.rule)));
        findings.dedup_by(|b, a| key(a) == key(b) && a.rule == b.rule);
        if findings.len() > MAX_FINDINGS {
            omitted += findings.len() - MAX_FINDINGS;
            findings.sort_by_key(|f| f.action == Action::Warn);
            findings.truncate(MAX_FINDINGS);
            findings.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.rule.cmp(&b.rule)));
        }
        Self { language, risk: RiskLevel::of(&findings), findings, omitted }
    }

    /// Adds what was found in an input file.
    pub(crate) fn add_file(&mut self, other: Self, file: &str) {
        self.risk = self.risk.max(other.risk);
        self.omitted += other.omitted;
        for mut finding in other.findings {
            finding.file = Some(file.to_owned());
            // The first denial is kept whatever the number, so that the cap never changes the verdict.
            if self.findings.len() < MAX_FINDINGS || finding.action == Action::Deny && self.is_allowed() {
                self.findings.push(finding);
            } else {
                self.omitted += 1;
            }
        }
    }

    /// Whether the code may run: no finding denies it.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.denials().next().is_none()
    }

    /// The findings that deny the code.
    pub fn denials(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.action == Action::Deny)
    }

    /// The findings that are only reported.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.action == Action::Warn)
    }
}

/// An import that the policy forbids.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForbiddenImport {
    /// The module as the code names it, for instance `os.path`.
    pub module: String,
    /// The rule that forbids it, with its place.
    pub finding: Finding,
}

/// How risky a source is, why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RiskAnalysis {
    /// The overall level.
    pub level: RiskLevel,
    /// What the level rests on.
    pub findings: Vec<Finding>,
    /// What to do, each said once, the most pressing first.
    pub recommendations: Vec<String>,
}
