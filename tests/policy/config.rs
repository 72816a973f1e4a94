//! Policy files: what they can say, and how mistakes are reported.
use bailiwick::Language::{self, JavaScript, Python, Shell};
use bailiwick::policy::{PolicyErrorKind, SecurityManager};

fn load(text: &str) -> SecurityManager {
    match SecurityManager::from_yaml("p.yaml", text) {
        Ok(policy) => policy,
        Err(error) => panic!("{error}\n{text}"),
    }
}

fn error(text: &str) -> String {
    SecurityManager::from_yaml("p.yaml", text).expect_err(text).to_string()
}

fn rules(policy: &SecurityManager, code: &str, language: Language) -> Vec<String> {
    policy.validate(code, language).denials().map(|f| format!("{}@{}:{}", f.rule, f.line, f.column)).collect()
}

/// The lists as a user would write them first.
const SHORT: &str = r#"
replaces: true
python:
  forbidden_imports: [os, subprocess, sys, socket]
  forbidden_functions: [eval, exec, compile]
  forbidden_patterns: ['__import__', 'globals\(\)', 'locals\(\)', 'while\s+True']
javascript:
  forbidden_patterns: ["require('fs')", "require('child_process')", 'process.exit', 'eval(', 'fetch\(']
shell:
  forbidden_commands: [rm, sudo, chmod, chown]
  forbidden_patterns: ['>/dev/', curl, wget, 'mkfs\.\w+']
"#;

#[test]
fn short_lists_make_rules() {
    let p = load(SHORT);
    assert_eq!(rules(&p, "import os.path as p", Python), ["py-import-os@1:8"]);
    assert_eq!(rules(&p, "e = eval", Python), ["py-function-eval@1:5"]);
    assert_eq!(rules(&p, "__import__('json')", Python), ["py-pattern-1@1:1"]);
    assert_eq!(rules(&p, "g = 1\nglobals ()", Python), ["py-pattern-2@2:1"]);
    assert_eq!(rules(&p, "while  True: pass", Python), ["py-pattern-4@1:1"]);
    assert_eq!(rules(&p, "x = 'while True'\n# while True\nf'while True'", Python), [] as [&str; 0]);
    assert!(rules(&p, "x = f'{while True}'", Python).contains(&"py-pattern-4@1:8".to_owned()));
    assert_eq!(rules(&p, "require ( \"fs\" )", JavaScript), ["js-pattern-1@1:1"]);
    assert_eq!(rules(&p, "x = 1; process['exit']()", JavaScript), ["js-pattern-3@1:8"]);
    assert_eq!(rules(&p, "  eval (x)", JavaScript), ["js-pattern-4@1:3"]);
    assert_eq!(rules(&p, "fetch('x')", JavaScript), ["js-pattern-5@1:1"]);
    assert_eq!(rules(&p, "'eval(x)'; medieval(x); `eval(`; /eval(/", JavaScript), [] as [&str; 0]);
    assert_eq!(rules(&p, "process.exitCode = 1", JavaScript), [] as [&str; 0]);
    assert_eq!(rules(&p, "ls; r'm' x", Shell), ["sh-command-rm@1:5"]);
    assert_eq!(rules(&p, "ls > /dev/null", Shell), ["sh-pattern-1@1:6"]);
    assert_eq!(rules(&p, "  curl x", Shell), ["sh-pattern-2@1:3"]);
    assert_eq!(rules(&p, "mkfs.ext4 x; echo 'mkfs.ext4'", Shell), ["sh-pattern-4@1:1"]);
    // A file that stands alone still denies what nobody can read.
    assert_eq!(rules(&p, "print(", Python), ["syntax-error@1:7"]);
    // What is not in its lists is allowed.
    assert!(p.validate_python("().__class__.__base__.__subclasses__()").is_allowed());
    assert_eq!(p.name(), "p.yaml");
}

#[test]
fn a_file_extends_a_profile() {
    let p = load(
        "extends: default\nname: mine\ndisable: [py-import-sys]\npython:\n  forbidden_imports: [requests]\n  forbidden_attributes: [read_text]\n  forbidden_names: [input]\n  rules:\n    - {id: py-import-os, imports: [os], action: warn, severity: low, message: 'hm, {name}', recommendation: r}\n    - {id: loops, patterns: ['for\\s+_'], message: no loops}\n",
    );
    assert_eq!(p.name(), "mine");
    assert!(p.validate_python("import sys").is_allowed());
    let os = p.validate_python("import os");
    assert!(os.is_allowed());
    assert_eq!(
        (os.findings[0].message.as_str(), os.findings[0].recommendation.as_deref()),
        ("hm, os", Some("r"))
    );
    assert_eq!(rules(&p, "import requests", Python), ["py-import-requests@1:8"]);
    assert_eq!(rules(&p, "p.read_text()", Python), ["py-attribute-read-text@1:3"]);
    assert_eq!(rules(&p, "input()", Python), ["py-name-input@1:1"]);
    assert_eq!(rules(&p, "for _ in x: pass", Python), ["loops@1:1"]);
    assert_eq!(rules(&p, "import subprocess", Python), ["py-import-subprocess@1:8"]);
    let p = load(
        "extends: permissive\njavascript: {forbidden_imports: [fs], forbidden_functions: [Math.random], forbidden_names: [fetch]}",
    );
    assert!(p.validate_python("import os").is_allowed());
    assert_eq!(rules(&p, "import 'node:fs'", JavaScript), ["js-import-fs@1:1"]);
    assert_eq!(rules(&p, "Math['random']()", JavaScript), ["js-function-math-random@1:1"]);
    assert_eq!(rules(&p, "fetch(x)", JavaScript), ["js-name-fetch@1:1"]);
}

#[test]
fn mistakes_name_file_line_and_key() {
    assert_eq!(
        error("version: 1\n").lines().next(),
        Some(
            "p.yaml:1:1: say what this policy starts from: either `extends: default`, `extends: permissive` or `replaces: true`"
        )
    );
    assert!(error("extends: default\nreplaces: true").starts_with("p.yaml:2:1: say what"));
    let e = error("replaces: true\npython:\n  forbiden_imports: [os]\n");
    assert!(e.starts_with("p.yaml:3:3: python: unknown field `forbiden_imports`, expected one of"), "{e}");
    let e = error("replaces: true\npython:\n  forbidden_commands: [rm]\n");
    assert!(e.starts_with("p.yaml:3:3: python: unknown field `forbidden_commands`"), "{e}");
    let e = error("replaces: true\nshell:\n  rules:\n    - id: x\n      comands: [rm]\n");
    assert!(e.starts_with("p.yaml:5:7: shell.rules[0]: unknown field `comands`"), "{e}");
    let e = error("replaces: true\njavascript:\n  forbidden_patterns:\n    - 'ok'\n    - 'x(?P<'\n");
    assert!(e.starts_with("p.yaml:5:8: javascript.forbidden_patterns: pattern `x(?P<`"), "{e}");
    let e = error("replaces: true\nshell: {forbidden_patterns: ['']}");
    assert!(e.contains("an empty pattern would match everything"), "{e}");
    let e = error("replaces: true\nshell: {forbidden_patterns: ['(a{1000}){1000}']}");
    assert!(e.contains("size limit"), "{e}");
    let e = error(
        "replaces: true\npython:\n  rules:\n    - {id: a, imports: [x]}\n    - {id: a, imports: [y]}\n",
    );
    assert_eq!(e, "p.yaml:5:12: rule `a` is defined twice");
    let e = error("replaces: true\npython:\n  rules:\n    - {id: empty}\n");
    assert_eq!(e, "p.yaml:4:12: rule `empty` has nothing to match");
    assert_eq!(
        error("extends: default\ndisable:\n  - py-import-oss\n"),
        "p.yaml:3:5: `disable` names rule `py-import-oss`, which the policy that this one extends does not have"
    );
    assert!(error("extends: default\ndisable: [syntax-error]\n").contains("cannot be disabled"));
    assert!(
        error("extends: none").starts_with("p.yaml:1:10: extends: unknown variant `none`"),
        "{}",
        error("extends: none")
    );
    assert!(error("replaces: true\nversion: 2").contains("unknown version 2"));
    assert!(
        error("replaces: true\npython: {rules: [{id: 'a b', imports: [x]}]}")
            .contains("may hold only letters")
    );
    assert!(error("replaces: true\npython: {rules: [{imports: [x]}]}").contains("missing field `id`"));
    assert!(
        error("replaces: true\npython: {rules: [{id: x, detects: [magic]}]}")
            .contains("unknown variant `magic`")
    );
    assert!(error("a: [").starts_with("p.yaml:"));
    assert!(error("").starts_with("p.yaml:1:1: say what"));
}

#[test]
fn files_are_read_from_disk() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("p.yaml");
    let missing = SecurityManager::from_file(&path).expect_err("no file");
    assert!(matches!(missing.kind(), PolicyErrorKind::Read(_)));
    assert!(std::error::Error::source(&missing).is_some());
    assert!(missing.to_string().contains("p.yaml: cannot be read"));
    std::fs::write(&path, SHORT).expect("written");
    let policy = SecurityManager::from_file(&path).expect("a policy");
    assert!(!policy.validate_python("import os").is_allowed());
    std::fs::write(&path, "replaces: true\nx: 1").expect("written");
    let wrong = SecurityManager::from_file(&path).expect_err("a wrong key");
    assert_eq!(wrong.location(), Some((2, 1)));
    assert!(matches!(wrong.kind(), PolicyErrorKind::Parse(_)));
    assert!(wrong.name().ends_with("p.yaml"));
    assert!(std::error::Error::source(&wrong).is_none());
}

#[test]
fn the_schema_knows_every_key_of_the_shipped_files() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let schema =
        std::fs::read_to_string(root.join("schema/security_policies.schema.json")).expect("the schema");
    let schema: serde_json::Value = serde_json::from_str(&schema).expect("JSON");
    for file in ["security_policies.yaml", "security_policies.permissive.yaml"] {
        let text = std::fs::read_to_string(root.join(file)).expect("the file");
        let value: serde_yaml::Value = serde_yaml::from_str(&text).expect("YAML");
        for (key, section) in value.as_mapping().expect("a mapping") {
            let key = key.as_str().expect("a key");
            let known = &schema["properties"][key];
            assert!(known.is_object(), "{key}");
            let Some(rules) = section.get("rules").and_then(|r| r.as_sequence()) else { continue };
            for rule in rules {
                for (part, _) in rule.as_mapping().expect("a rule") {
                    let part = part.as_str().expect("a key");
                    let at = format!("{key}Rule");
                    assert!(schema["$defs"][&at]["properties"][part].is_object(), "{key}: {part}");
                }
            }
        }
    }
}
