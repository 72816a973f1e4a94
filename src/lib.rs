//! Bailiwick runs code that nobody has vetted.
mod language;
pub mod policy;
pub use language::Language;
