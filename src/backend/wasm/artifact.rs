//! The guests: the modules that come with this crate, and their native code in the private cache.
//!
//! Loading native code is the one thing here that the compiler cannot vouch for, so it is done in one place: from a file
//! that this user alone can have written, whose name says which module it was made from and by which compiler.

use super::usr::{Archive, UsrTree};
use crate::Language;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime::{Engine, Module};

/// The custom section that holds what stands under `/usr`.
pub(super) const USR_SECTION: &str = "bailiwick.usr";
/// The largest guest that is unpacked: ours are about 40 MB.
const MAX_WASM: usize = 256 << 20;

/// A guest that comes with this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guest {
    /// The language it runs.
    pub language: Language,
    /// The interpreter's name: `CPython`, `quickjs-ng`.
    pub interpreter: &'static str,
    compressed: &'static [u8],
}

/// The guests' pins: version, sizes and digests.
static MANIFEST: &str = include_str!("../../../wasm-runtimes/manifest.toml");

static GUESTS: [Guest; 2] = [
    Guest {
        language: Language::Python,
        interpreter: "CPython",
        compressed: include_bytes!("../../../wasm-runtimes/dist/python.wasm.zst"),
    },
    Guest {
        language: Language::JavaScript,
        interpreter: "quickjs-ng",
        compressed: include_bytes!("../../../wasm-runtimes/dist/javascript.wasm.zst"),
    },
];

/// What the manifest says of a guest.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct GuestPin {
    /// The interpreter's version.
    pub version: String,
    /// SHA-256 of the compressed module, in hexadecimal.
    pub sha256: String,
    /// SHA-256 of the module itself, in hexadecimal.
    pub wasm_sha256: String,
    /// The module's size in bytes.
    pub wasm_bytes: u64,
}

/// Why a guest cannot be had.
#[derive(Debug)]
#[non_exhaustive]
pub struct ArtifactError {
    /// The guest's language.
    pub language: Language,
    /// What went wrong.
    pub kind: ArtifactErrorKind,
}

/// What can go wrong with a guest's module.
#[derive(Debug)]
#[non_exhaustive]
pub enum ArtifactErrorKind {
    /// The module that this binary carries is not the one that the manifest pins.
    Corrupt {
        /// The digest that the manifest pins.
        expected: String,
        /// The digest of what is there.
        found: String,
    },
    /// The manifest cannot be read, or does not name the guest.
    Manifest(String),
    /// It cannot be unpacked.
    Unpack(io::Error),
    /// wasmtime does not take it.
    Compile(String),
}

impl fmt::Display for ArtifactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} guest cannot be used: ", self.language)?;
        match &self.kind {
            ArtifactErrorKind::Corrupt { expected, found } => {
                write!(
                    f,
                    "its module has the digest {found}, not {expected}; build this program again from clean sources"
                )
            }
            ArtifactErrorKind::Manifest(what) => write!(f, "wasm-runtimes/manifest.toml: {what}"),
            ArtifactErrorKind::Unpack(error) => write!(f, "its module does not unpack: {error}"),
            ArtifactErrorKind::Compile(error) => write!(f, "its module does not compile: {error}"),
        }
    }
}

impl std::error::Error for ArtifactError {}

/// What the engine is busy with before a first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Compiling a guest to native code has begun; it takes seconds, once per version of the guest and machine.
    Compiling(Language),
    /// It is done.
    Compiled(Language, Duration),
    /// It is done, but the native code could not be written to the cache: the next process compiles anew.
    NotKept(Language),
    /// Another process is compiling the same guest into the same cache; waiting for it.
    Waiting(Language),
}

/// Is told of the engine's progress.
pub(crate) type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

impl Guest {
    /// The guests that come with this crate.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &GUESTS
    }

    /// The guest for a language; shell has none.
    #[must_use]
    pub fn for_language(language: Language) -> Option<&'static Self> {
        GUESTS.iter().find(|guest| guest.language == language)
    }

    /// What the manifest says of this guest.
    ///
    /// # Errors
    /// If the manifest cannot be read or lacks the guest.
    pub fn pin(&self) -> Result<GuestPin, ArtifactError> {
        #[derive(Deserialize)]
        struct Manifest {
            artifact: std::collections::BTreeMap<String, GuestPin>,
        }
        let manifest: Manifest = toml::from_str(MANIFEST)
            .map_err(|error| self.error(ArtifactErrorKind::Manifest(error.to_string())))?;
        let name = self.language.as_str();
        manifest.artifact.get(name).cloned().ok_or_else(|| {
            self.error(ArtifactErrorKind::Manifest(format!("there is no section [artifact.{name}]")))
        })
    }

    fn error(&self, kind: ArtifactErrorKind) -> ArtifactError {
        ArtifactError { language: self.language, kind }
    }

    fn check(&self, bytes: &[u8], expected: &str) -> Result<(), ArtifactError> {
        let found = hex(&Sha256::digest(bytes));
        if found == expected {
            return Ok(());
        }
        Err(self.error(ArtifactErrorKind::Corrupt { expected: expected.to_owned(), found }))
    }

    /// Unpacks the module and proves it, packed and unpacked, against the manifest.
    ///
    /// # Errors
    /// If it does not unpack or is not what the manifest pins.
    pub fn verify(&self) -> Result<Vec<u8>, ArtifactError> {
        let pin = self.pin()?;
        self.check(self.compressed, &pin.sha256)?;
        let wasm = zstd::bulk::decompress(self.compressed, MAX_WASM)
            .map_err(|error| self.error(ArtifactErrorKind::Unpack(error)))?;
        self.check(&wasm, &pin.wasm_sha256)?;
        Ok(wasm)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A guest, ready to be instantiated.
pub(crate) struct Loaded {
    pub(crate) module: Module,
    pub(crate) usr: Arc<UsrTree>,
}

/// A directory that this user alone can write to, where native code is kept.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Takes `dir` as the cache, making it if need be.
    ///
    /// # Security
    /// What is loaded from there runs with the host's own rights. The directory must be ours, a real directory, and closed to
    /// everybody else; it is refused otherwise.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let meta = fs::symlink_metadata(dir)?;
        let refuse = |why: &str| {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", dir.display())))
        };
        if !meta.is_dir() {
            return refuse("is not a directory");
        }
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return refuse("belongs to another user");
        }
        if meta.mode() & 0o077 != 0 {
            return refuse("is open to other users: chmod 700 it");
        }
        Ok(Self { dir: dir.to_owned() })
    }

    fn open_file(&self, name: &str) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
            .open(self.dir.join(name))?;
        let meta = file.metadata()?;
        if meta.is_file() && meta.uid() == rustix::process::geteuid().as_raw() && meta.mode() & 0o022 == 0 {
            Ok(file)
        } else {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }

    /// Writes a file so that it is there whole or not at all.
    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.dir.join(format!(".{name}.{}", std::process::id()));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, self.dir.join(name))
        })();
        if written.is_err() {
            // The first error is the one that matters.
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}

/// The names of a guest's files in the cache.
struct Names {
    native: String,
    usr: String,
    /// Written last; holds the length of the native code, so that a file cut short by a full disk is known.
    mark: String,
}

impl Names {
    fn new(guest: &Guest, pin: &GuestPin, engine: &Engine) -> Self {
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let digest = pin.wasm_sha256.get(..16).unwrap_or(&pin.wasm_sha256);
        let stem = format!("{}-{digest}", guest.language);
        let native = format!("{stem}-{:016x}.cwasm", hasher.finish());
        Self { usr: format!("{stem}.usr"), mark: format!("{native}.ok"), native }
    }
}

/// Loads native code.
#[expect(unsafe_code, reason = "native code is trusted by where it lies; this is the one place that says so")]
fn load_native(engine: &Engine, file: File) -> wasmtime::Result<Module> {
    // SAFETY: `file` was opened by `Cache::open_file` in a directory that `Cache::open` found to be ours alone, so it is what
    // `compile` below wrote there with this engine's settings (its name has their hash, and wasmtime checks them again), and
    // nobody else can change it while it is mapped.
    unsafe { Module::deserialize_open_file(engine, file) }
}

fn from_cache(cache: &Cache, names: &Names, engine: &Engine) -> io::Result<Loaded> {
    let mut mark = String::new();
    cache.open_file(&names.mark)?.take(64).read_to_string(&mut mark)?;
    let native = cache.open_file(&names.native)?;
    let usr = cache.open_file(&names.usr)?;
    if mark.trim() != format!("{} {}", native.metadata()?.len(), usr.metadata()?.len()) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let module = load_native(engine, native).map_err(io::Error::other)?;
    Ok(Loaded { module, usr: Arc::new(UsrTree::new(Archive::File(usr))) })
}

/// Compiles a guest, and keeps the native code in the cache if there is one.
fn compile(
    guest: &Guest,
    engine: &Engine,
    cache: Option<(&Cache, &Names)>,
    progress: &OnProgress,
) -> Result<Loaded, ArtifactError> {
    let wasm = guest.verify()?;
    let usr = custom_section(&wasm, USR_SECTION).unwrap_or_default();
    let refused = |error: wasmtime::Error| guest.error(ArtifactErrorKind::Compile(format!("{error:#}")));
    if let Some((cache, names)) = cache {
        let native = engine.precompile_module(&wasm).map_err(refused)?;
        let kept = cache
            .write_file(&names.native, &native)
            .and_then(|()| cache.write_file(&names.usr, usr))
            .and_then(|()| {
                cache.write_file(&names.mark, format!("{} {}\n", native.len(), usr.len()).as_bytes())
            })
            .and_then(|()| from_cache(cache, names, engine));
        // A full disk, say: the run goes on without the cache.
        if let Ok(loaded) = kept {
            return Ok(loaded);
        }
        progress(Progress::NotKept(guest.language));
    }
    let module = Module::new(engine, &wasm).map_err(refused)?;
    let archive = if usr.is_empty() { Archive::Empty } else { Archive::Memory(usr.into()) };
    Ok(Loaded { module, usr: Arc::new(UsrTree::new(archive)) })
}

/// Gets a guest ready: from the cache, or by compiling it. Processes that share a cache compile once.
pub(crate) fn load(
    guest: &Guest,
    engine: &Engine,
    cache: Option<&Cache>,
    progress: &OnProgress,
) -> Result<Loaded, ArtifactError> {
    let pin = guest.pin()?;
    let names = Names::new(guest, &pin, engine);
    let compile_now = |cache| {
        let start = Instant::now();
        progress(Progress::Compiling(guest.language));
        let loaded = compile(guest, engine, cache, progress)?;
        progress(Progress::Compiled(guest.language, start.elapsed()));
        Ok(loaded)
    };
    let Some(cache) = cache else { return compile_now(None) };
    if let Ok(loaded) = from_cache(cache, &names, engine) {
        return Ok(loaded);
    }
    let lock =
        OpenOptions::new().create(true).write(true).truncate(false).mode(0o600).open(cache.dir.join(".lock"));
    let Ok(lock) = lock else { return compile_now(None) };
    if lock.try_lock().is_err() {
        progress(Progress::Waiting(guest.language));
        if lock.lock().is_err() {
            return compile_now(None);
        }
    }
    if let Ok(loaded) = from_cache(cache, &names, engine) {
        return Ok(loaded);
    }
    compile_now(Some((cache, &names)))
}

/// The content of a custom section of a WebAssembly module.
fn custom_section<'a>(wasm: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let mut rest = wasm.get(8..)?;
    while let Some((id, after)) = rest.split_first() {
        let (len, after) = leb128(after)?;
        let (body, next) = after.split_at_checked(len)?;
        rest = next;
        if *id == 0 {
            let (name_len, body) = leb128(body)?;
            let (name, content) = body.split_at_checked(name_len)?;
            if name == wanted.as_bytes() {
                return Some(content);
            }
        }
    }
    None
}

fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (i, byte) in bytes.iter().enumerate().take(5) {
        value |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[i + 1..]));
        }
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_custom_section_is_found_among_others() {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        wasm.extend([1, 1, 0]); // an empty type section
        wasm.extend([0, 3, 1, b'a', 9]);
        wasm.extend([0, 4, 1, b'b', 7, 8]);
        assert_eq!(custom_section(&wasm, "b"), Some(&[7, 8][..]));
        assert_eq!(custom_section(&wasm, "c"), None);
        assert_eq!(custom_section(&wasm[..wasm.len() - 1], "b"), None);
        assert_eq!(custom_section(b"\0a", "b"), None);
    }

    #[test]
    fn the_cache_refuses_a_directory_that_others_can_write_to() {
        use std::os::unix::fs::PermissionsExt;
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("cache");
        Cache::open(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        let error = Cache::open(&dir).unwrap_err();
        assert!(error.to_string().contains("open to other users"), "{error}");
        let link = top.path().join("link");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink(&dir, &link).unwrap();
        assert!(Cache::open(&link).unwrap_err().to_string().contains("is not a directory"));
    }
}
