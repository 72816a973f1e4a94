//! Findings as a compiler prints them.
use super::finding::{Action, Finding, SecurityResult};
use super::source::Source;
use std::fmt::Write as _;

/// The widest piece of a source line that is shown, in characters.
const MAX_SHOWN: usize = 160;

/// One finding with its source line and a caret:
///
/// ```text
/// error[py-import-os]: module `os` is forbidden
///  --> main.py:1:8
///   |
/// 1 | import os
///   |        ^^
///   = help: use pathlib for paths
/// ```
#[must_use]
pub fn render_finding(finding: &Finding, file: &str, code: &str) -> String {
    let mut out = String::new();
    one(&mut out, finding, file, &Source::new(code));
    out
}

/// Every finding of a result, one after the other, each followed by an empty line; nothing if there are none.
#[must_use]
pub fn render(result: &SecurityResult, file: &str, code: &str) -> String {
    let mut out = render_findings(&result.findings, file, code);
    if result.omitted > 0 {
        let _ = writeln!(out, "note: {} more findings are not shown\n", result.omitted);
    }
    out
}

/// Findings one after the other, each followed by an empty line. Those in other files are named without a source line.
#[must_use]
pub fn render_findings(findings: &[Finding], file: &str, code: &str) -> String {
    let source = Source::new(code);
    let mut out = String::new();
    for finding in findings {
        one(&mut out, finding, file, &source);
        out.push('\n');
    }
    out
}

fn one(out: &mut String, finding: &Finding, file: &str, source: &Source<'_>) {
    let label = match finding.action {
        Action::Deny => "error",
        Action::Warn => "warning",
    };
    let number = finding.line.to_string();
    let pad = " ".repeat(number.len());
    let text: Vec<char> = source.line(finding.line).chars().collect();
    let start = (finding.column.max(1) - 1) as usize;
    let end = (finding.end_column.max(finding.column + 1) - 1) as usize;
    // A long line is shown around the finding, not from its beginning.
    let from = if start > MAX_SHOWN / 2 && text.len() > MAX_SHOWN { start - MAX_SHOWN / 2 } else { 0 };
    let shown: String = text.iter().skip(from).take(MAX_SHOWN).map(|&c| printable(c)).collect();
    let lead = if from > 0 { "..." } else { "" };
    let tail = if text.len() > from + MAX_SHOWN { "..." } else { "" };
    let caret = "^".repeat(end.min(from + MAX_SHOWN).saturating_sub(start).max(1));
    let gap = " ".repeat(start - from + lead.len());
    let _ = writeln!(out, "{label}[{}]: {}", finding.rule, clean(&finding.message));
    let name = clean(finding.file.as_deref().unwrap_or(file));
    let _ = writeln!(out, "{pad}--> {name}:{}:{}", finding.line, finding.column);
    // The source at hand is the code's own.
    if finding.file.is_none() {
        let _ = writeln!(out, "{pad} |");
        let _ = writeln!(out, "{number} | {lead}{shown}{tail}");
        let _ = writeln!(out, "{pad} | {gap}{caret}");
    }
    if let Some(help) = &finding.recommendation {
        let _ = writeln!(out, "{pad} = help: {}", clean(help));
    }
}

/// Untrusted text goes to a terminal: control characters and those that reorder text become visible.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

fn clean(text: &str) -> String {
    text.chars().map(printable).collect()
}
