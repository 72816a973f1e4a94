//! Shell: rules on the commands that a script runs, patterns on a normal form of them.
//!
//! [`parser`] takes quoting off and finds every simple command, in pipelines, substitutions, here-documents, functions and
//! code in strings (`sh -c`, `eval`); [`judge`] follows wrappers (`env`, `xargs`, `sudo`) to the command that is run. A
//! command whose name cannot be told is a finding.
mod judge;
mod parser;

use super::normal::Normal;
use super::rules::{Detector, Report};
use super::source::Source;
use judge::{Judge, Variables, clean_path, fields};
use parser::Script;
use std::cell::Cell;

/// Judges a shell script.
pub(crate) fn check(source: &Source<'_>, report: &mut Report<'_>) {
    if let Some(at) = source.text.find('\0') {
        report.detect(Detector::NullByte, at, at + 1, "", || {
            "a null byte, which shells drop or stop at".to_owned()
        });
    }
    let budget = Cell::new(source.text.len() * 8 + (1 << 20));
    judge_script(source.text, report, &Variables::new(), 0, None, &budget);
}

/// Judges a script that is nested `depth` deep; `fixed` is the place of the string that it stands in, if it does.
/// `budget` is how many more bytes of code in strings are looked at: here-documents in here-documents would otherwise
/// double the work at each level.
fn judge_script(
    text: &str,
    report: &mut Report<'_>,
    outer: &Variables,
    depth: usize,
    fixed: Option<(usize, usize)>,
    budget: &Cell<usize>,
) {
    let place = |at: usize| fixed.unwrap_or((at, at + 1));
    let cost = text.len() + outer.len() * 64;
    if cost > budget.get() {
        let (start, end) = place(0);
        report
            .detect(Detector::TooDeep, start, end, "", || "too much code in strings to be judged".to_owned());
        return;
    }
    budget.set(budget.get() - cost);
    let script = parser::parse(text, depth);
    if let Some(at) = script.too_deep {
        let (start, end) = place(at);
        report.detect(Detector::TooDeep, start, end, "", || {
            format!("nested deeper than {} levels, so it was not judged", parser::MAX_DEPTH)
        });
    }
    for &(at, what) in &script.errors {
        let (start, end) = place(at);
        report.detect(Detector::SyntaxError, start, end, what, || format!("syntax error: {what}"));
    }
    let variables = judge::variables(&script, outer);
    let normal = normal_text(&script, &variables);
    for (pattern, ix) in &report.rules.patterns {
        pattern.find_in(
            &normal.text,
            |at| normal.data_end(at),
            |start, end| {
                let (start, end) = fixed.unwrap_or_else(|| normal.source(start, end));
                report.add(*ix, start, end, &pattern.text, || {
                    format!("command matches pattern `{}`", pattern.text)
                });
            },
        );
    }
    let mut judge = Judge { report, variables, depth, fixed, budget };
    for command in &script.commands {
        judge.command(command);
    }
}

/// The normal form: words with quotes taken off and one space between them, redirections without space or number, one
/// command to a line unless `|`, `&&` or the like joins them.
fn normal_text(script: &Script, variables: &Variables) -> Normal {
    let mut normal = Normal::default();
    for command in &script.commands {
        let mut first = true;
        for field in command.words.iter().flat_map(|w| fields(w, variables)) {
            if !first {
                normal.add(" ", field.start, field.start, false);
            }
            normal.add(&field.text, field.start, field.end, field.quoted && !first);
            first = false;
        }
        for redirect in &command.redirects {
            let (start, end) = (redirect.target.start, redirect.target.end);
            if !first {
                normal.add(" ", start, start, false);
            }
            first = false;
            normal.add(redirect.operator, start, end, false);
            for field in fields(&redirect.target, variables) {
                let path = clean_path(&field.text);
                normal.add(&path, start, end, redirect.operator == "<<<");
            }
        }
        let separator = if command.separator.is_empty() { "\n" } else { command.separator };
        let end = command.words.last().map_or(0, |w| w.end);
        normal.add(separator, end, end, false);
    }
    normal
}

/// A plain pattern in the normal form: `> "/dev/"` becomes `>/dev/`.
pub(crate) fn normalise_literal(text: &str) -> String {
    let normal = normal_text(&parser::parse(text, 0), &Variables::new());
    normal.text.trim_end_matches('\n').to_owned()
}
