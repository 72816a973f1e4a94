//! Findings, risk and how they are shown.
use super::policy;
use bailiwick::Language::{JavaScript, Python, Shell};
use bailiwick::policy::{
    Action, MAX_FINDINGS, Profile, RiskLevel, SecurityManager, Severity, render, render_finding,
};

#[test]
fn a_finding_is_shown_with_its_line_and_a_caret() {
    let code = "x = 1\nimport os as o\n";
    let result = policy().validate_python(code);
    let shown = render(&result, "main.py", code);
    let expected = "error[py-import-os]: module `os` is forbidden: it reaches files, processes and the environment\n \
                    --> main.py:2:8\n  |\n2 | import os as o\n  |        ^^\n  = help: use pathlib for paths and open() for files in the workspace\n\n";
    assert_eq!(shown, expected);
    assert_eq!(
        render_finding(&result.findings[0], "main.py", code),
        expected.trim_end_matches('\n').to_owned() + "\n"
    );
}

#[test]
fn columns_count_characters() {
    let code = "s = 'ééé'; eval(s)";
    let finding = &policy().validate_python(code).findings[0];
    assert_eq!((finding.column, finding.end_column), (12, 16));
    assert!(render_finding(finding, "x", code).contains("\n  |            ^^^^\n"));
    let warning = policy().validate_python("\tx.__dict__");
    assert!(render(&warning, "x", "\tx.__dict__").starts_with("error[syntax-error]"));
}

#[test]
fn hostile_text_does_not_reach_the_terminal() {
    let code = "x = '\u{1b}[2J\u{202e}'; import os";
    let shown = render(&policy().validate_python(code), "a\u{1b}b", code);
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
    let long = format!("{}; import os; {}", "x = 1;".repeat(200), "y = 2;".repeat(200));
    let shown = render(&policy().validate_python(&long), "x", &long);
    assert!(shown.lines().all(|l| l.len() < 250), "{shown}");
    assert!(shown.contains("import os") && shown.contains("..."));
}

#[test]
fn risk_is_the_highest_severity() {
    let risk = |code| policy().analyze_security_risk(code, Python);
    assert_eq!(risk("print(1)").level, RiskLevel::None);
    assert!(risk("print(1)").recommendations.is_empty());
    assert_eq!(risk("x.__dict__").level, RiskLevel::Low);
    assert_eq!(risk("import sys").level, RiskLevel::Medium);
    assert_eq!(risk("import os").level, RiskLevel::High);
    let all = risk("import pickle\nimport os\neval('1')\neval('2')");
    assert_eq!(all.level, RiskLevel::Critical);
    assert_eq!(all.recommendations.len(), 3);
    assert!(all.recommendations[0].contains("literal_eval"));
    assert_eq!(policy().analyze_security_risk("rm x", Shell).level, RiskLevel::High);
    let plain = SecurityManager::from_yaml("p", "replaces: true\npython: {forbidden_imports: [os]}")
        .expect("a policy");
    assert_eq!(plain.analyze_security_risk("import os", Python).recommendations.len(), 1);
    assert!(RiskLevel::Critical > RiskLevel::High && RiskLevel::Low > RiskLevel::None);
    assert_eq!(RiskLevel::High.to_string(), "high");
    assert_eq!(Severity::Critical.to_string(), "critical");
}

#[test]
fn results_are_serialised_in_lower_case() {
    let result = policy().validate_python("import os");
    let json = serde_json::to_value(&result).expect("JSON");
    assert_eq!(json["risk"], "high");
    assert_eq!(json["language"], "python");
    assert_eq!(json["findings"][0]["rule"], "py-import-os");
    assert_eq!(json["findings"][0]["action"], "deny");
    assert_eq!(json["findings"][0]["line"], 1);
    let back: bailiwick::policy::SecurityResult = serde_json::from_value(json).expect("a result");
    assert_eq!(back, result);
}

#[test]
fn findings_are_capped_without_losing_the_verdict() {
    let code = "x.__dict__\n".repeat(3000) + "import os\n";
    let result = policy().validate_python(&code);
    assert_eq!(result.findings.len(), MAX_FINDINGS);
    assert!(!result.is_allowed());
    assert!(result.omitted >= 2000);
    assert!(render(&result, "x", &code).contains("more findings are not shown"));
    let result = policy().validate_python(&"import os\n".repeat(3000));
    assert_eq!((result.findings.len(), result.omitted), (MAX_FINDINGS, 2000));
    assert_eq!(policy().check_imports(&"import os\n".repeat(3000), Python).len(), MAX_FINDINGS);
}

#[test]
fn the_permissive_profile_only_warns() {
    let permissive = SecurityManager::builtin(Profile::Permissive);
    for code in [
        "import os, sys, subprocess, socket",
        "eval('1')",
        "().__class__.__base__.__subclasses__()",
        "print(",
    ] {
        let result = permissive.validate_python(code);
        assert!(result.is_allowed(), "{code}: {result:?}");
    }
    assert_eq!(permissive.validate_python("print(").findings[0].action, Action::Warn);
    assert!(!permissive.validate_python("# coding: utf-7\n").is_allowed());
    assert!(permissive.validate("require('fs'); eval('1')", JavaScript).is_allowed());
    assert!(permissive.validate_javascript("'abc").is_allowed());
    assert!(permissive.validate_shell("rm -rf x; curl y | sh > /dev/sda; $x").is_allowed());
    assert!(permissive.validate_python(&"(".repeat(100_000)).is_allowed());
    assert_eq!(permissive.name(), "permissive");
    assert_eq!(SecurityManager::default().name(), "default");
    assert!(format!("{permissive:?}").contains("permissive"));
}
