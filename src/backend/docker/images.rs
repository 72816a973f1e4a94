//! The images: what they are made of, whether they are there and up to date, how they are built.

use super::daemon::Daemon;
use super::error::{DockerError, DockerErrorKind};
use crate::Language;
use bollard::body_full;
use bollard::errors::Error;
use bollard::query_parameters::BuildImageOptionsBuilder;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;

const LABEL_VERSION: &str = "bailiwick.version";
const LABEL_INPUTS: &str = "bailiwick.inputs";

/// A file of the build context. All of them come with this crate, so that an image can be built wherever it is installed.
struct Input {
    path: &'static str,
    bytes: &'static [u8],
    executable: bool,
}

macro_rules! input {
    ($path:literal) => {
        Input {
            path: $path,
            bytes: include_bytes!(concat!("../../../containers/", $path)),
            executable: false,
        }
    };
    ($path:literal, executable) => {
        Input { path: $path, bytes: include_bytes!(concat!("../../../containers/", $path)), executable: true }
    };
}

/// Those that every image has.
static COMMON: &[Input] =
    &[input!("dist/runner-x86_64", executable), input!("dist/runner-aarch64", executable)];
static PYTHON: &[Input] = &[input!("Dockerfile.python"), input!("requirements.txt"), input!("worker.py")];
static JAVASCRIPT: &[Input] = &[
    input!("Dockerfile.javascript"),
    input!("package.json"),
    input!("package-lock.json"),
    input!("worker.js"),
];
static SHELL: &[Input] = &[input!("Dockerfile.shell"), input!("worker.sh")];

fn inputs(language: Language) -> impl Iterator<Item = &'static Input> {
    let own = match language {
        Language::Python => PYTHON,
        Language::JavaScript => JAVASCRIPT,
        Language::Shell => SHELL,
    };
    own.iter().chain(COMMON)
}

fn dockerfile(language: Language) -> &'static str {
    match language {
        Language::Python => "Dockerfile.python",
        Language::JavaScript => "Dockerfile.javascript",
        Language::Shell => "Dockerfile.shell",
    }
}

/// The name of the image that this crate builds for a language.
pub(super) fn name(language: Language) -> String {
    format!("bailiwick/{language}:{}", env!("CARGO_PKG_VERSION"))
}

/// A digest in hexadecimal digits.
fn hex(hash: Sha256) -> String {
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What an image of ours is made from, as one number. Two images of the same number differ in their base at most.
fn digest(language: Language) -> String {
    let mut hash = Sha256::new();
    for input in inputs(language) {
        hash.update((input.path.len() as u64).to_le_bytes());
        hash.update(input.path);
        hash.update((input.bytes.len() as u64).to_le_bytes());
        hash.update(input.bytes);
    }
    hex(hash)
}

/// The packages that an image adds to its interpreter, as code imports them, from the files that the image is built from.
pub(super) fn packages(language: Language) -> &'static [String] {
    static TABLES: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| {
        let requirements = include_str!("../../../containers/requirements.txt");
        let python = requirements
            .lines()
            .filter_map(|line| line.trim().strip_prefix("# imports:"))
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect();
        let package: serde_json::Value =
            serde_json::from_str(include_str!("../../../containers/package.json")).unwrap_or_default();
        let javascript = package["dependencies"].as_object().into_iter().flatten();
        [python, javascript.map(|(name, _)| name.clone()).collect()]
    });
    match language {
        Language::Python => &TABLES[0],
        Language::JavaScript => &TABLES[1],
        Language::Shell => &[],
    }
}

/// How an image stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageState {
    /// It was built from what comes with this crate.
    Current,
    /// It was built from other inputs, by another version.
    Stale,
    /// It is one of the user's own, which has no label of ours. Its containers tell whether it fits.
    Unknown,
    /// It is not there.
    Missing,
}

/// An image that containers of a language are made from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ImageReport {
    /// The language.
    pub language: Language,
    /// The image's name.
    pub name: String,
    /// How it stands.
    pub state: ImageState,
    /// Its size in bytes, if it is there.
    pub size: Option<u64>,
    /// The version of this crate that it was built by, if it says so.
    pub built_by: Option<String>,
    /// What it adds to its interpreter, as code imports it.
    pub packages: Vec<String>,
}

/// What to build an image with.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BuildOptions {
    /// The image to start from, in place of the usual public one.
    pub base: Option<String>,
    /// The name of the result, in place of the usual one.
    pub tag: Option<String>,
    /// Build arguments: `PIP_INDEX_URL`, say.
    pub args: Vec<(String, String)>,
    /// The network of the build's steps: `host`, say.
    pub network: Option<String>,
    /// Whether every step is done anew.
    pub no_cache: bool,
}

impl BuildOptions {
    /// Builds as the Dockerfile has it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

pub(super) async fn report(
    daemon: &Daemon,
    language: Language,
    name: &str,
    packages: Vec<String>,
) -> Result<ImageReport, DockerError> {
    let mut report = ImageReport {
        language,
        name: name.to_owned(),
        state: ImageState::Missing,
        size: None,
        built_by: None,
        packages,
    };
    let image = match daemon.docker.inspect_image(name).await {
        Ok(image) => image,
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => return Ok(report),
        Err(error) => return Err(daemon.classify(error)),
    };
    report.size = image.size.and_then(|size| u64::try_from(size).ok());
    let labels = image.config.and_then(|config| config.labels).unwrap_or_default();
    report.built_by = labels.get(LABEL_VERSION).cloned();
    report.state = match labels.get(LABEL_INPUTS) {
        Some(inputs) if *inputs == digest(language) => ImageState::Current,
        Some(_) => ImageState::Stale,
        None => ImageState::Unknown,
    };
    Ok(report)
}

/// The build context, a tar archive. The same inputs make the same bytes, so that the daemon's cache knows them again.
fn context(language: Language) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for input in inputs(language) {
        let mut header = tar::Header::new_gnu();
        header.set_size(input.bytes.len() as u64);
        header.set_mode(if input.executable { 0o755 } else { 0o644 });
        header.set_mtime(0);
        tar.append_data(&mut header, input.path, input.bytes)?;
    }
    let mut bytes = tar.into_inner()?;
    bytes.flush()?;
    Ok(bytes)
}

/// Builds an image; `progress` gets what the build prints, line by line.
pub(super) async fn build(
    daemon: &Daemon,
    language: Language,
    options: &BuildOptions,
    mut progress: impl FnMut(&str),
) -> Result<String, DockerError> {
    let failed = |why: String| daemon.error(DockerErrorKind::Build(why));
    let tag = options.tag.clone().unwrap_or_else(|| name(language));
    let mut args: HashMap<String, String> = options.args.iter().cloned().collect();
    if let Some(base) = &options.base {
        args.insert("BASE".to_owned(), base.clone());
    }
    let labels = HashMap::from([
        (LABEL_VERSION, env!("CARGO_PKG_VERSION").to_owned()),
        (LABEL_INPUTS, digest(language)),
    ]);
    let mut builder = BuildImageOptionsBuilder::new()
        .dockerfile(dockerfile(language))
        .t(&tag)
        .rm(true)
        .forcerm(true)
        .nocache(options.no_cache)
        .buildargs(&args)
        .labels(&labels);
    if let Some(network) = &options.network {
        builder = builder.networkmode(network);
    }
    let context = context(language).map_err(|error| failed(error.to_string()))?;
    // A step may be silent for minutes.
    let docker = daemon.docker.clone().with_timeout(std::time::Duration::from_secs(3600));
    let mut stream =
        std::pin::pin!(docker.build_image(builder.build(), None, Some(body_full(context.into()))));
    let mut line = String::new();
    while let Some(info) = stream.next().await {
        let info = info.map_err(|error| match error {
            Error::DockerStreamError { error } => failed(error.trim().to_owned()),
            error => daemon.classify(error),
        })?;
        if let Some(error) = info.error_detail {
            return Err(failed(error.message.unwrap_or_default().trim().to_owned()));
        }
        if let Some(status) = info.status {
            progress(&match info.id {
                Some(id) => format!("{id}: {status}"),
                None => status,
            });
        }
        line.push_str(info.stream.as_deref().unwrap_or_default());
        while let Some(end) = line.find('\n') {
            let rest = line.split_off(end + 1);
            progress(line.trim_end());
            line = rest;
        }
    }
    if !line.trim().is_empty() {
        progress(line.trim_end());
    }
    Ok(tag)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_runners_are_what_was_built_from_their_source() {
        let sums = include_str!("../../../containers/dist/SHA256SUMS");
        let files = [
            ("runner-x86_64", COMMON[0].bytes),
            ("runner-aarch64", COMMON[1].bytes),
            ("../runner/runner.c", include_bytes!("../../../containers/runner/runner.c").as_slice()),
        ];
        for (name, bytes) in files {
            let line = sums.lines().find(|line| line.ends_with(&format!("  {name}"))).unwrap();
            assert!(
                line.starts_with(&hex(Sha256::new_with_prefix(bytes))),
                "{name}: run containers/runner/build.sh"
            );
        }
    }

    #[test]
    fn the_table_of_packages_is_read_from_the_images_inputs() {
        let python = packages(Language::Python);
        for name in ["numpy", "pandas", "matplotlib", "sklearn", "PIL", "dateutil"] {
            assert!(python.iter().any(|known| known == name), "{name}");
        }
        assert_eq!(packages(Language::JavaScript), ["lodash"]);
        assert!(packages(Language::Shell).is_empty());
    }

    #[test]
    fn the_same_inputs_make_the_same_context() {
        for language in Language::ALL {
            assert_eq!(context(language).unwrap(), context(language).unwrap());
            assert_eq!(digest(language).len(), 64);
        }
        assert_ne!(digest(Language::Python), digest(Language::Shell));
    }
}
