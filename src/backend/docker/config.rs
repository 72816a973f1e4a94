//! The containers' configuration: the daemon, the images, how many containers there may be and how many wait.

use crate::Language;
use crate::config::{ConfigError, size_text, time_text};
use crate::limits::ByteSize;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// The built-in configuration as a YAML file (`config/containers.yaml`), with comments.
pub const BUILTIN_CONTAINERS: &str = include_str!("../../../config/containers.yaml");

/// The JSON schema of such a file (`config/schema/containers.schema.json`).
pub const CONTAINERS_SCHEMA: &str = include_str!("../../../config/schema/containers.schema.json");

/// Where and how containers run.
///
/// ```
/// use bailiwick::ContainersConfig;
///
/// let config = ContainersConfig::from_yaml("mine.yaml", "runtime: runsc\npython: { pool: { size: 2 } }")?;
/// assert_eq!(config.runtime.as_deref(), Some("runsc"));
/// assert_eq!(config.python.pool.map(|pool| pool.size), Some(2));
/// # Ok::<(), bailiwick::config::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContainersConfig {
    /// The daemon's address: `unix://PATH` or `tcp://HOST:PORT`. By default `DOCKER_HOST`, or the usual socket.
    pub host: Option<String>,
    /// The OCI runtime: `runsc` for gVisor, say. By default the daemon's own choice.
    pub runtime: Option<String>,
    /// How many containers may run code at once, environments included. 8 by default.
    pub max_containers: u32,
    /// How long a container may take to start. 30 s by default.
    #[serde(deserialize_with = "time_text")]
    pub start_timeout: Duration,
    /// Containers for Python.
    pub python: LanguageContainers,
    /// Containers for JavaScript.
    pub javascript: LanguageContainers,
    /// Containers for shell.
    pub shell: LanguageContainers,
}

/// A language's containers.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LanguageContainers {
    /// An image of one's own, in place of the one that `bailiwick images build` makes.
    pub image: Option<String>,
    /// What else the image has, as code imports it: such imports are sent to a container.
    pub packages: Vec<String>,
    /// Containers that wait with a started interpreter. None by default.
    pub pool: Option<PoolConfig>,
}

/// Containers that wait for one job each.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolConfig {
    /// How many wait.
    pub size: u32,
    /// The memory limit that each is made with, by default the language's default limit. A job of another limit gets a container of
    /// its own.
    #[serde(default, deserialize_with = "size_text")]
    pub memory: Option<ByteSize>,
    /// How long one waits before it is removed, until the next job asks for new ones. 10 minutes by default.
    #[serde(default = "idle", deserialize_with = "time_text")]
    pub idle: Duration,
}

fn idle() -> Duration {
    Duration::from_secs(600)
}

impl PoolConfig {
    /// So many containers, with the language's default memory limit, for 10 minutes.
    #[must_use]
    pub fn new(size: u32) -> Self {
        Self { size, memory: None, idle: idle() }
    }
}

impl Default for ContainersConfig {
    /// The built-in configuration:
    ///
    /// - `host`: `DOCKER_HOST`, or `unix:///var/run/docker.sock`
    /// - `runtime`: the daemon's own choice
    /// - `max_containers`: 8
    /// - `start_timeout`: 30 s
    /// - images that this crate builds, no pools
    fn default() -> Self {
        Self {
            host: None,
            runtime: None,
            max_containers: 8,
            start_timeout: Duration::from_secs(30),
            python: LanguageContainers::default(),
            javascript: LanguageContainers::default(),
            shell: LanguageContainers::default(),
        }
    }
}

impl ContainersConfig {
    /// The built-in configuration, with what the YAML `text` says in place of its own. `name` is what errors call the text.
    ///
    /// # Errors
    /// The text is not YAML, holds an unknown key, or a value that makes no sense. The error names file, line and key.
    pub fn from_yaml(name: &str, text: &str) -> Result<Self, ConfigError> {
        crate::config::parse_yaml(name, text)
    }

    /// [`Self::from_yaml`] of a file.
    ///
    /// # Errors
    /// As [`Self::from_yaml`], and if the file cannot be read.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = crate::config::read(path)?;
        Self::from_yaml(&path.display().to_string(), &text)
    }

    /// The containers of a language.
    #[must_use]
    pub fn language(&self, language: Language) -> &LanguageContainers {
        match language {
            Language::Python => &self.python,
            Language::JavaScript => &self.javascript,
            Language::Shell => &self.shell,
        }
    }
}
