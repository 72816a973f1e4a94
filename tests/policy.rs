//! The policy, seen from outside: each attack with a harmless twin.
#[path = "policy/config.rs"]
mod config;
#[path = "policy/hostile.rs"]
mod hostile;
#[path = "policy/javascript.rs"]
mod javascript;
#[path = "policy/ordinary.rs"]
mod ordinary;
#[path = "policy/python.rs"]
mod python;
#[path = "policy/report.rs"]
mod report;
#[path = "policy/shell.rs"]
mod shell;
#[path = "policy/speed.rs"]
mod speed;

use bailiwick::Language;
use bailiwick::policy::{Profile, SecurityManager, SecurityResult, render};

/// Code that the first Python parser refuses and the second reads.
const SECOND_PARSER: &str = "\nf\"{x[\"a\"]}\"\n";

fn policy() -> SecurityManager {
    SecurityManager::builtin(Profile::Default)
}

/// Findings as `rule@line:column`, denials only.
fn denials(result: &SecurityResult) -> Vec<String> {
    result.denials().map(|f| format!("{}@{}:{}", f.rule, f.line, f.column)).collect()
}

/// Each of `cases` is code, and the rule that denies it with its place; that rule must be among the denials.
#[track_caller]
fn denied(language: Language, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (code, expected) in cases {
        let result = policy().validate(code, language);
        let found = denials(&result);
        // Only the second Python parser reads nested quotes; it has to lead to the same findings at the same places.
        if language == Language::Python && !expected.starts_with("syntax-error") {
            let second = denials(&policy().validate(&format!("{code}{SECOND_PARSER}"), language));
            if second != found {
                wrong.push(format!("{code:?}\n  first parser {found:?}, second {second:?}"));
            }
        }
        if result.is_allowed() || !found.iter().any(|f| f == expected) {
            wrong.push(format!(
                "{code:?}\n  expected {expected}, denied by {found:?}; all: {}",
                render(&result, "x", code)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// None of `cases` is denied.
#[track_caller]
fn allowed(language: Language, cases: &[&str]) {
    let mut wrong = Vec::new();
    for code in cases {
        let result = policy().validate(code, language);
        if !result.is_allowed() {
            wrong.push(format!("{code:?}\n{}", render(&result, "x", code)));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Each of `cases` is allowed, with this warning at this place.
#[track_caller]
fn warned(language: Language, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (code, expected) in cases {
        let result = policy().validate(code, language);
        let found: Vec<String> =
            result.warnings().map(|f| format!("{}@{}:{}", f.rule, f.line, f.column)).collect();
        if !result.is_allowed() || !found.iter().any(|f| f == expected) {
            wrong.push(format!(
                "{code:?}\n  expected warning {expected}, got {found:?}; denied {:?}",
                denials(&result)
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
