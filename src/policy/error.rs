//! What can be wrong with a policy file.
use std::fmt;

/// A policy file could not be used. It displays as `config/x.yaml:12:3: unknown field ...`.
#[derive(Debug)]
pub struct PolicyError {
    name: String,
    location: Option<(usize, usize)>,
    kind: PolicyErrorKind,
}

/// What was wrong with a policy file.
#[derive(Debug)]
#[non_exhaustive]
pub enum PolicyErrorKind {
    /// The file could not be read.
    Read(std::io::Error),
    /// It is not YAML, or has a key or a value that a policy does not have.
    Parse(String),
    /// It says neither `extends` nor `replaces: true`, or both.
    Base,
    /// The same rule id appears twice in one file.
    DuplicateRule {
        /// The id.
        id: String,
    },
    /// `disable` names a rule that the base does not have.
    UnknownRule {
        /// The id.
        id: String,
    },
    /// The rule guards the check itself: it can be set to `warn`, not disabled.
    Undisableable {
        /// The id.
        id: String,
    },
    /// The rule has nothing to match.
    EmptyRule {
        /// The id.
        id: String,
    },
}

impl PolicyError {
    pub(crate) fn new(name: &str, location: Option<(usize, usize)>, kind: PolicyErrorKind) -> Self {
        Self { name: name.to_owned(), location, kind }
    }

    /// What was wrong.
    #[must_use]
    pub fn kind(&self) -> &PolicyErrorKind {
        &self.kind
    }

    /// The file's name as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Line and column, both from 1, where known.
    #[must_use]
    pub fn location(&self) -> Option<(usize, usize)> {
        self.location
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some((line, column)) = self.location {
            write!(f, ":{line}:{column}")?;
        }
        f.write_str(": ")?;
        match &self.kind {
            PolicyErrorKind::Read(e) => write!(f, "cannot be read: {e}"),
            PolicyErrorKind::Parse(message) => f.write_str(message),
            PolicyErrorKind::Base => f.write_str(
                "say what this policy starts from: either `extends: default`, `extends: permissive` or `replaces: true`",
            ),
            PolicyErrorKind::DuplicateRule { id } => write!(f, "rule `{id}` is defined twice"),
            PolicyErrorKind::UnknownRule { id } => {
                write!(f, "`disable` names rule `{id}`, which the policy that this one extends does not have")
            }
            PolicyErrorKind::Undisableable { id } => {
                write!(f, "rule `{id}` cannot be disabled: define it with `action: warn` instead")
            }
            PolicyErrorKind::EmptyRule { id } => write!(f, "rule `{id}` has nothing to match"),
        }
    }
}

impl std::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            PolicyErrorKind::Read(e) => Some(e),
            _ => None,
        }
    }
}
