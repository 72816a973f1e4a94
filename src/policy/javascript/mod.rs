//! JavaScript: rules on folded tokens, patterns on a normal form of the text.
//!
//! [`lexer`] tells code from comments, strings, templates and regular expressions; where a slash could be read in two
//! ways it says so instead of guessing. [`normal`] folds what can be written in many ways into one; [`judge`] applies
//! the rules that are about names and modules, and patterns run on the folded text with places mapped back.
mod judge;
mod lexer;
mod normal;

use super::Imported;
use super::rules::{Detector, Report};
use super::source::Source;

/// Judges JavaScript code; returns what it imports.
pub(super) fn check(source: &Source<'_>, report: &mut Report<'_>) -> Vec<Imported> {
    let lexed = lexer::lex(source.text);
    if let Some((at, what)) = lexed.unterminated {
        report.detect(Detector::SyntaxError, at, at + 1, what, || {
            format!("syntax error: {what} without an end")
        });
    }
    if let Some(at) = lexed.null {
        report.detect(Detector::NullByte, at, at + 1, "", || "a null byte in code".to_owned());
    }
    for (at, why) in lexed.ambiguous {
        report.detect(Detector::AmbiguousSource, at, at + 1, "", || why.to_owned());
    }
    let pieces = normal::fold(lexed.tokens);
    let imported = judge::judge(&pieces, report);
    let rules = report.rules;
    if !rules.patterns.is_empty() {
        let normal = normal::text(&pieces);
        for (pattern, ix) in &rules.patterns {
            pattern.find_in(
                &normal.text,
                |at| normal.data_end(at),
                |start, end| {
                    let (start, end) = normal.source(start, end);
                    report.add(*ix, start, end, &pattern.text, || {
                        format!("code matches pattern `{}`", pattern.text)
                    });
                },
            );
        }
    }
    imported
}

/// A plain pattern in the normal form: `require("fs")` becomes `require('fs')`.
pub(crate) fn normalise_literal(text: &str) -> String {
    normal::text(&normal::fold(lexer::lex(text).tokens)).text
}
