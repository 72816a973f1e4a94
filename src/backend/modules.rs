//! Which modules an interpreter has of its own, as code imports them.
//!
//! The lists are made by asking the interpreters; a test asks them again.

use crate::Language;
use std::collections::HashSet;
use std::sync::LazyLock;

type Names = LazyLock<HashSet<&'static str>>;

/// Whether the wasm guest of a language has this module.
#[cfg(feature = "wasm")]
pub(crate) fn guest_has(language: Language, module: &str) -> bool {
    static PYTHON: Names =
        LazyLock::new(|| include_str!("../../wasm-runtimes/modules/python.txt").lines().collect());
    static JAVASCRIPT: Names =
        LazyLock::new(|| include_str!("../../wasm-runtimes/modules/javascript.txt").lines().collect());
    match language {
        Language::Python => PYTHON.contains(module),
        Language::JavaScript => JAVASCRIPT.contains(module),
        Language::Shell => false,
    }
}

/// Whether the native interpreter of a language has this module, without any package.
#[cfg(feature = "docker")]
pub(crate) fn interpreter_has(language: Language, module: &str) -> bool {
    static PYTHON: Names =
        LazyLock::new(|| include_str!("../../containers/modules/python.txt").lines().collect());
    static JAVASCRIPT: Names =
        LazyLock::new(|| include_str!("../../containers/modules/javascript.txt").lines().collect());
    match language {
        Language::Python => PYTHON.contains(module),
        Language::JavaScript => JAVASCRIPT.contains(module),
        Language::Shell => false,
    }
}
