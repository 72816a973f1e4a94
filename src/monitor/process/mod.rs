//! A process and all that came of it, watched through `/proc`.

#[cfg(target_os = "linux")]
mod end;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(target_os = "linux")]
pub(super) use tree::ProcessTree;

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub(super) use other::ProcessTree;
