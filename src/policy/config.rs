//! The shape of a policy file (YAML), and how one file builds on another.
use super::error::{PolicyError, PolicyErrorKind};
use super::finding::{Action, Severity};
use super::rules::{Detector, Language3, Matchers, PatternSpec, RuleSource};
use super::{DEFAULT_YAML, PERMISSIVE_YAML, Profile};
use serde::Deserialize;
use std::collections::HashSet;

/// A policy file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyFile {
    /// The version of this format. There is only 1.
    #[serde(default)]
    #[expect(dead_code, reason = "it is checked as it is read")]
    version: Version,
    /// A name for reports; the file's name if absent.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// The profile that this file adds to.
    #[serde(default)]
    pub(crate) extends: Option<Profile>,
    /// Whether this file stands alone.
    #[serde(default)]
    pub(crate) replaces: Option<bool>,
    /// Ids of inherited rules to leave out.
    #[serde(default)]
    pub(crate) disable: Vec<String>,
    #[serde(default)]
    python: PythonSection,
    #[serde(default)]
    javascript: JavascriptSection,
    #[serde(default)]
    shell: ShellSection,
}

/// The format's version, `1`.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "u32")]
pub(crate) struct Version;

impl TryFrom<u32> for Version {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == 1 { Ok(Self) } else { Err(format!("unknown version {version}, expected 1")) }
    }
}

fn deny() -> Action {
    Action::Deny
}

fn high() -> Severity {
    Severity::High
}

/// A section for one language: the user's short lists, and rules in full. Each language takes only the matchers that
/// mean something in it, so that a list under the wrong language is an unknown key.
macro_rules! section {
    ($section:ident, $rule:ident, $prefix:literal, { $($field:ident, $short:ident, $part:literal, $ty:ty;)* }) => {
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $section {
            $(#[serde(default)] $short: Vec<$ty>,)*
            #[serde(default)]
            rules: Vec<$rule>,
        }

        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $rule {
            id: RuleId,
            #[serde(default = "high")]
            severity: Severity,
            #[serde(default = "deny")]
            action: Action,
            #[serde(default)]
            message: Option<String>,
            #[serde(default)]
            recommendation: Option<String>,
            #[serde(default)]
            detects: Vec<Detector>,
            #[serde(default)]
            except: Vec<PatternSpec>,
            $(#[serde(default)] $field: Vec<$ty>,)*
        }

        impl $section {
            /// Every rule of the section, those from the short lists first.
            fn into_rules(self) -> Vec<RuleSource> {
                let mut out = Vec::new();
                $(for (i, item) in self.$short.into_iter().enumerate() {
                    let id = short_id($prefix, $part, i, AsRef::<str>::as_ref(&item));
                    let matchers = Matchers { $field: vec![item], ..Matchers::default() };
                    out.push(RuleSource::short(id, matchers));
                })*
                for rule in self.rules {
                    out.push(RuleSource {
                        id: rule.id.0,
                        severity: rule.severity,
                        action: rule.action,
                        message: rule.message,
                        recommendation: rule.recommendation,
                        matchers: Matchers { detects: rule.detects, except: rule.except, $($field: rule.$field,)* ..Matchers::default() },
                    });
                }
                out
            }
        }
    };
}

section!(PythonSection, PythonRule, "py", {
    imports, forbidden_imports, "import", String;
    functions, forbidden_functions, "function", String;
    attributes, forbidden_attributes, "attribute", String;
    names, forbidden_names, "name", String;
    patterns, forbidden_patterns, "pattern", PatternSpec;
});
section!(JavascriptSection, JavascriptRule, "js", {
    imports, forbidden_imports, "import", String;
    functions, forbidden_functions, "function", String;
    names, forbidden_names, "name", String;
    patterns, forbidden_patterns, "pattern", PatternSpec;
});
section!(ShellSection, ShellRule, "sh", {
    commands, forbidden_commands, "command", String;
    patterns, forbidden_patterns, "pattern", PatternSpec;
});

/// A rule's id: letters, digits and `-`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct RuleId(String);

impl TryFrom<String> for RuleId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        if !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            Ok(Self(id))
        } else {
            Err(format!("rule id `{id}` may hold only letters, digits and `-`"))
        }
    }
}

/// `py-import-os` for an item that makes a good id, else `py-pattern-1` by place in its list.
fn short_id(prefix: &str, part: &str, index: usize, item: &str) -> String {
    let plain =
        !item.is_empty() && item.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    if plain && part != "pattern" {
        let item = item.trim_matches('_').replace(['.', '_'], "-").to_ascii_lowercase();
        format!("{prefix}-{part}-{item}")
    } else {
        format!("{prefix}-{part}-{}", index + 1)
    }
}

/// Rules of a policy by language, before they are compiled.
#[derive(Debug, Default, Clone)]
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) rules: Language3<Vec<RuleSource>>,
}

/// Parses a file and puts it on top of what it extends. `embedded` files (the shipped profiles) need no base.
pub(crate) fn load(name: &str, text: &str, embedded: bool) -> Result<Loaded, PolicyError> {
    let file: PolicyFile = if text.trim().is_empty() {
        PolicyFile::default()
    } else {
        serde_yaml::from_str(text).map_err(|e| parse_error(name, text, &e))?
    };
    let base = match (file.extends, file.replaces) {
        (Some(profile), None | Some(false)) => Some(profile),
        (None, Some(true)) => None,
        _ if embedded => None,
        _ => {
            let line = ["replaces", "extends"].iter().find_map(|key| locate(text, key, 0));
            return Err(PolicyError::new(name, Some(line.unwrap_or((1, 1))), PolicyErrorKind::Base));
        }
    };
    let mut loaded = match base {
        Some(Profile::Default) => load("default", DEFAULT_YAML, true)?,
        Some(Profile::Permissive) => load("permissive", PERMISSIVE_YAML, true)?,
        None => Loaded::default(),
    };
    loaded.name = file.name.unwrap_or_else(|| name.to_owned());
    for id in file.disable {
        let known = loaded.rules.iter().any(|rules| rules.iter().any(|r| r.id == id));
        let at = locate(text, &id, 0);
        if loaded.rules.iter().flatten().any(|r| r.id == id && r.matchers.detects.iter().any(|d| d.is_core()))
        {
            return Err(PolicyError::new(name, at, PolicyErrorKind::Undisableable { id }));
        }
        if !known {
            return Err(PolicyError::new(name, at, PolicyErrorKind::UnknownRule { id }));
        }
        loaded.rules.iter_mut().for_each(|rules| rules.retain(|r| r.id != id));
    }
    let sections = [file.python.into_rules(), file.javascript.into_rules(), file.shell.into_rules()];
    for (target, added) in loaded.rules.iter_mut().zip(sections) {
        merge(name, text, target, added)?;
    }
    Ok(loaded)
}

/// Adds rules; one with the id of an inherited rule takes its place.
fn merge(
    name: &str,
    text: &str,
    target: &mut Vec<RuleSource>,
    added: Vec<RuleSource>,
) -> Result<(), PolicyError> {
    let mut seen = HashSet::new();
    for rule in added {
        let id = rule.id.clone();
        let problem = if !seen.insert(id.clone()) {
            Some((1, PolicyErrorKind::DuplicateRule { id }))
        } else if rule.matchers.is_empty() {
            Some((0, PolicyErrorKind::EmptyRule { id }))
        } else {
            None
        };
        if let Some((nth, kind)) = problem {
            return Err(PolicyError::new(name, locate(text, &rule.id, nth), kind));
        }
        match target.iter_mut().find(|r| r.id == rule.id) {
            Some(inherited) => *inherited = rule,
            None => target.push(rule),
        }
    }
    Ok(())
}

fn parse_error(name: &str, text: &str, error: &serde_yaml::Error) -> PolicyError {
    let mut location = error.location().map(|l| (l.line(), l.column()));
    let mut message = error.to_string();
    // The place is shown in front; serde_yaml also puts it at the end.
    if let Some(cut) = message.rfind(" at line ") {
        message.truncate(cut);
    }
    // For a value in a list the parser tells where the list begins; the value is quoted in the message.
    let quoted = message.split('`').nth(1).filter(|q| !q.is_empty());
    if let (Some(quoted), Some((line, _))) = (quoted, location) {
        let rest = text.lines().enumerate().skip(line - 1);
        let found =
            rest.filter_map(|(i, l)| l.find(quoted).map(|at| (i + 1, l[..at].chars().count() + 1))).next();
        location = found.or(location);
    }
    PolicyError::new(name, location, PolicyErrorKind::Parse(message))
}

/// Where `needle` stands as a whole word in the text, the `nth` time (or the last time before that).
fn locate(text: &str, needle: &str, nth: usize) -> Option<(usize, usize)> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut found = None;
    let mut count = 0;
    for (number, line) in text.lines().enumerate() {
        let content = line.split('#').next().unwrap_or_default();
        for (at, _) in content.match_indices(needle) {
            let before = content[..at].chars().next_back().is_some_and(word);
            let after = content[at + needle.len()..].chars().next().is_some_and(word);
            if !before && !after && count <= nth {
                found = Some((number + 1, content[..at].chars().count() + 1));
                count += 1;
            }
        }
    }
    found
}
