//! The directories of this user's that the engine keeps things in.

use std::path::PathBuf;

/// `bailiwick` under the directory that `variable` names, or else under `in_home` in the user's home, if either is known.
pub(crate) fn own_dir(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(in_home)))?;
    Some(base.join("bailiwick"))
}
