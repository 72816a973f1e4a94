//! Python: judged on the syntax tree, with either of two parsers.
//!
//! 1. [`scan`] walks the text once, without recursion: how deep could it nest, is there anything that parsers read
//!    differently.
//! 2. rustpython-parser reads it. What it refuses, or might cut into other pieces than Python 3.13 does, goes to ruff's
//!    parser; where the text has something on which parsers are known to differ, both read it and both are judged.
//! 3. Either tree is lowered to one small form ([`ir`]), and [`judge`] applies the rules to that.
//!
//! Deep code is parsed, judged and dropped on a thread with a stack of known size; code deeper than that is refused
//! without being parsed.
mod ir;
mod judge;
mod ruff;
mod rustpython;
mod scan;
mod value;

use super::Imported;
use super::pattern::Pattern;
use super::rules::{Detector, Report, RuleIx};
use super::source::Source;

/// Up to this depth, code is parsed on the caller's stack: at most 8 KB a level, so 1 MB.
const SHALLOW: usize = 120;
/// Deeper code than this is refused. CPython's own parser gives up at about the same depth.
const MAX_DEPTH: usize = 5000;
/// The stack for code between the two: more than 50 KB a level, reserved but touched only as needed.
const DEEP_STACK_BYTES: usize = 256 << 20;

/// Judges Python code; returns what it imports.
pub(super) fn check(source: &Source<'_>, report: &mut Report<'_>) -> Vec<Imported> {
    let text = source.text;
    let scan = scan::scan(text, MAX_DEPTH, !report.rules.patterns.is_empty());
    if let Some(at) = scan.null {
        report.detect(Detector::NullByte, at, at + 1, "", || "a null byte, which Python refuses".to_owned());
    }
    if let Some((start, end, name)) = scan::declared_encoding(text)
        && !scan::encoding_is_harmless(name, text)
    {
        report.detect(Detector::SourceEncoding, start, end, name, || {
            format!("source encoding `{name}` makes the interpreter read other text than was checked")
        });
    }
    if scan.depth > MAX_DEPTH {
        let at = scan.depth_at;
        report.detect(Detector::TooDeep, at, at + 1, "", || {
            format!("nested deeper than {MAX_DEPTH} levels, so it was not parsed")
        });
        return Vec::new();
    }
    if let Some((start, end)) = scan.long_number {
        report.detect(Detector::SyntaxError, start, end, "", || {
            format!("a number of {} digits, which Python refuses", end - start)
        });
        return Vec::new();
    }
    if let Some(blanked) = &scan.blanked {
        for (pattern, ix) in &report.rules.patterns {
            textual_matches(pattern, *ix, blanked, report);
        }
    }
    if scan.depth <= SHALLOW {
        return parse_and_judge(text, &scan, report);
    }
    match on_deep_stack(|| parse_and_judge(text, &scan, report)) {
        Some(imported) => imported,
        None => {
            // No thread to be had, or it died: nothing was judged, so nothing may pass.
            let at = scan.depth_at;
            report
                .detect(Detector::TooDeep, at, at + 1, "", || "nested too deep to be parsed here".to_owned());
            Vec::new()
        }
    }
}

/// Runs `f` on a thread with a deep stack and waits for it; `None` if the thread cannot be had.
fn on_deep_stack<T: Send>(f: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("policy-parse".into()).stack_size(DEEP_STACK_BYTES);
        thread.spawn_scoped(scope, f).ok()?.join().ok()
    })
}

fn textual_matches(pattern: &Pattern, ix: RuleIx, blanked: &str, report: &mut Report<'_>) {
    pattern.find_in(
        blanked,
        |_| None,
        |start, end| {
            report.add(ix, start, end, &pattern.text, || format!("code matches pattern `{}`", pattern.text));
        },
    );
}

fn parse_and_judge(text: &str, scan: &scan::Scan, report: &mut Report<'_>) -> Vec<Imported> {
    // A little more than the scan's bound: the lowering counts statements and expressions alike.
    let limit = scan.depth * 2 + 64;
    let first = if scan.nested_quotes { Err((0, String::new())) } else { rustpython::parse(text, limit) };
    let second = if first.is_err() || scan.odd { Some(ruff::parse(text, limit)) } else { None };
    let mut imported = Vec::new();
    let mut judged = false;
    let mut error = None;
    let trees = [Some(first), second].into_iter().flatten();
    for tree in trees {
        match tree {
            Ok(tree) if tree.too_deep => {
                let at = scan.depth_at;
                report.detect(Detector::TooDeep, at, at + 1, "", || {
                    "nested deeper than was foreseen".to_owned()
                });
                return imported;
            }
            Ok(tree) => {
                let found = judge::judge(&tree, text, report);
                if !judged {
                    imported = found;
                }
                judged = true;
            }
            Err(e) => error = Some(e),
        }
    }
    if !judged && let Some((at, message)) = error {
        report.detect(Detector::SyntaxError, at, at + 1, "", || {
            format!("syntax error: {}", super::rules::shorten(&lower_first(&message)))
        });
    }
    imported
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

/// Plain patterns have no form of their own in Python.
pub(crate) fn normalise_literal(text: &str) -> String {
    text.trim().to_owned()
}

/// A pattern that is a name, or a name with empty or open brackets, such as `__import__`, `globals()`, `globals\(\)` or
/// `eval\(`: it is judged on the tree, where aliases and white space do not matter. The name, if so.
pub(crate) fn structural(pattern: &Pattern) -> Option<&str> {
    let text = pattern.text.trim();
    let text = text.trim_start_matches("\\b");
    let name = ["\\(\\)", "()", "\\(", "("].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
    let identifier = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    identifier.then_some(name)
}
