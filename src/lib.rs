//! Bailiwick runs code that nobody has vetted.
mod backend;
mod config;
mod control;
mod language;
pub mod limits;
pub mod outcome;
pub mod policy;
mod request;
pub use language::Language;
pub use limits::{LimitOverrides, LimitsConfig};
pub use request::*;
#[cfg(feature = "snapshot")]
pub use backend::wasm::snapshot;
