//! The limits' configuration: each language's defaults, and the ceiling that the engine's owner sets.
//!
//! The built-in configuration is [`BUILTIN_LIMITS`], a commented YAML file; a file of the owner's own replaces what
//! it names.

use crate::Language;
use crate::limits::{
    Amount, ByteSize, LimitError, LimitErrorKind, LimitName, LimitOverrides, Limits, split_number,
};
use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// The built-in configuration as a YAML file (`config/resource_limits.yaml`), with comments.
pub const BUILTIN_LIMITS: &str = include_str!("../config/resource_limits.yaml");

/// The JSON schema of such a file (`config/schema/resource_limits.schema.json`).
pub const LIMITS_SCHEMA: &str = include_str!("../config/schema/resource_limits.schema.json");

/// Each language's limits, and the ceiling on what a caller may ask for.
///
/// Every language's limits lie within the ceiling: no value of this type breaks that.
///
/// ```
/// use bailiwick::{ByteSize, Language, LimitOverrides, LimitsConfig};
///
/// let config = LimitsConfig::builtin();
/// let limits = config.resolve(Language::Python, &LimitOverrides::new().memory(ByteSize::from_mb(64)))?;
/// assert_eq!(limits.memory, ByteSize::from_mb(64));
/// assert_eq!(limits.wall_time.as_secs(), 30);
///
/// let greedy = LimitOverrides::new().memory(ByteSize::from_mb(4096));
/// let refused = config.resolve(Language::Python, &greedy).unwrap_err();
/// assert_eq!(refused.to_string(), "memory for python: 4 GB asked for, the ceiling is 2 GB");
/// # Ok::<(), bailiwick::LimitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LimitsConfig {
    python: Limits,
    javascript: Limits,
    shell: Limits,
    ceiling: Limits,
}

impl Default for LimitsConfig {
    /// As [`builtin`](Self::builtin).
    fn default() -> Self {
        Self::builtin()
    }
}

impl LimitsConfig {
    /// The built-in configuration. Its defaults are listed at [`Limits`]; its ceiling:
    ///
    /// - `memory`: 2 GB
    /// - `cpu_cores`: 4
    /// - `wall_time`: 10 min
    /// - `processes`: 64
    /// - `disk`: 1 GB
    /// - `fuel`: 8,000,000,000,000 units
    /// - `output`: 100 MB
    /// - `open_files`: 1024
    #[must_use]
    pub fn builtin() -> Self {
        // The same as the file says, so that an engine starts without reading YAML; a test compares the two.
        let python = Limits {
            memory: ByteSize::from_mb(512),
            cpu_cores: 1.0,
            wall_time: Duration::from_secs(30),
            processes: 5,
            disk: ByteSize::from_mb(100),
            fuel: Some(200_000_000_000),
            output: ByteSize::from_mb(10),
            open_files: 64,
        };
        Self {
            javascript: Limits {
                memory: ByteSize::from_mb(256),
                wall_time: Duration::from_secs(15),
                ..python.clone()
            },
            shell: Limits {
                memory: ByteSize::from_mb(128),
                wall_time: Duration::from_secs(10),
                fuel: None,
                ..python.clone()
            },
            ceiling: Limits {
                memory: ByteSize::from_mb(2048),
                cpu_cores: 4.0,
                wall_time: Duration::from_secs(600),
                processes: 64,
                disk: ByteSize::from_mb(1024),
                fuel: Some(8_000_000_000_000),
                output: ByteSize::from_mb(100),
                open_files: 1024,
            },
            python,
        }
    }

    /// The built-in configuration, with what the YAML `text` says in place of its own. `name` is what errors call
    /// the text: a file's path, as a rule.
    ///
    /// # Errors
    /// The text is not YAML, holds an unknown key or a value of the wrong type, or a limit that makes no sense or
    /// lies above the ceiling. The error names file, line and key.
    pub fn from_yaml(name: &str, text: &str) -> Result<Self, ConfigError> {
        let file: File = parse_yaml(name, text)?;
        let mut config = Self::builtin();
        file.python.apply(&mut config.python);
        file.javascript.apply(&mut config.javascript);
        file.shell.apply(&mut config.shell);
        file.ceiling.apply(&mut config.ceiling);
        for language in Language::ALL {
            config.for_language_ref(language).check(language, &config.ceiling).map_err(|error| {
                let (line, key) = locate(text, &error);
                ConfigError {
                    name: name.to_owned(),
                    line,
                    column: None,
                    kind: ConfigErrorKind::Limit { key, error: Box::new(error) },
                }
            })?;
        }
        Ok(config)
    }

    /// The built-in configuration, with what the YAML file at `path` says in place of its own.
    ///
    /// # Errors
    /// The file cannot be read, or as for [`from_yaml`](Self::from_yaml).
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        Self::from_yaml(&path.display().to_string(), &read(path)?)
    }

    /// The limits of a run in `language` whose caller asks for nothing.
    #[must_use]
    pub fn for_language(&self, language: Language) -> Limits {
        self.for_language_ref(language).clone()
    }

    fn for_language_ref(&self, language: Language) -> &Limits {
        match language {
            Language::Python => &self.python,
            Language::JavaScript => &self.javascript,
            Language::Shell => &self.shell,
        }
    }

    /// The most that a caller may ask for.
    #[must_use]
    pub fn ceiling(&self) -> &Limits {
        &self.ceiling
    }

    /// The same configuration under another ceiling.
    ///
    /// # Errors
    /// A language's own limits lie above it.
    pub fn with_ceiling(mut self, ceiling: Limits) -> Result<Self, LimitError> {
        for language in Language::ALL {
            self.for_language_ref(language).check(language, &ceiling)?;
        }
        self.ceiling = ceiling;
        Ok(self)
    }

    /// The same configuration with other limits for `language`.
    ///
    /// # Errors
    /// One of them makes no sense, or lies above the ceiling.
    pub fn with_language(mut self, language: Language, limits: Limits) -> Result<Self, LimitError> {
        limits.check(language, &self.ceiling)?;
        match language {
            Language::Python => self.python = limits,
            Language::JavaScript => self.javascript = limits,
            Language::Shell => self.shell = limits,
        }
        Ok(self)
    }

    /// The limits of a run in `language` whose caller asks for `asked`.
    ///
    /// Nothing is cut to fit: a run has the limits that were asked for, or there is none. A caller who asks for
    /// more wall time and says nothing of fuel gets more fuel in proportion, up to the ceiling, so that the clock
    /// still comes first.
    ///
    /// # Errors
    /// A limit lies above the ceiling, is zero or senseless, or is fuel for shell, which nothing meters.
    pub fn resolve(&self, language: Language, asked: &LimitOverrides) -> Result<Limits, LimitError> {
        let own = self.for_language_ref(language);
        let wall_time = asked.wall_time.unwrap_or(own.wall_time);
        let limits = Limits {
            memory: asked.memory.unwrap_or(own.memory),
            cpu_cores: asked.cpu_cores.unwrap_or(own.cpu_cores),
            wall_time,
            processes: asked.processes.unwrap_or(own.processes),
            disk: asked.disk.unwrap_or(own.disk),
            fuel: asked.fuel.or_else(|| own.fuel.map(|fuel| self.fuel_for(fuel, own.wall_time, wall_time))),
            output: asked.output.unwrap_or(own.output),
            open_files: asked.open_files.unwrap_or(own.open_files),
        };
        limits.check(language, &self.ceiling)?;
        Ok(limits)
    }

    /// `fuel`, meant for `own` wall time, in proportion to a longer one.
    fn fuel_for(&self, fuel: u64, own: Duration, asked: Duration) -> u64 {
        if asked <= own || own.is_zero() {
            return fuel;
        }
        // Nanoseconds in 128 bits: 2^64 units × 2^64 ns still fit.
        let scaled = u128::from(fuel).saturating_mul(asked.as_nanos()) / own.as_nanos();
        let scaled = u64::try_from(scaled).unwrap_or(u64::MAX);
        self.ceiling.fuel.map_or(scaled, |ceiling| scaled.min(ceiling))
    }
}

/// What a YAML text says.
pub(crate) fn parse_yaml<T: DeserializeOwned + Default>(name: &str, text: &str) -> Result<T, ConfigError> {
    // The parser takes a file without a document for a fault; here it is one that changes nothing.
    let blank = text.lines().all(|line| matches!(line.trim_start().chars().next(), None | Some('#')));
    if blank {
        return Ok(T::default());
    }
    serde_yaml::from_str(text).map_err(|error| ConfigError::from_parser(name, &error))
}

/// The text of a configuration file.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError {
        name: path.display().to_string(),
        line: None,
        column: None,
        kind: ConfigErrorKind::Read(error),
    })
}

/// A time with its unit, for a field of another file's.
#[cfg(feature = "docker")]
pub(crate) fn time_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Time::deserialize(deserializer).map(|time| time.0)
}

/// A size with its unit, for a field of another file's.
#[cfg(feature = "docker")]
pub(crate) fn size_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ByteSize>, D::Error> {
    Size::deserialize(deserializer).map(|size| Some(size.0))
}

/// The file as it is written.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    python: Section,
    javascript: Section,
    shell: Section,
    ceiling: Section,
}

/// Some limits of one language, or of the ceiling.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Section {
    memory: Option<Size>,
    cpu_cores: Option<f64>,
    wall_time: Option<Time>,
    processes: Option<u32>,
    disk: Option<Size>,
    fuel: Option<Fuel>,
    output: Option<Size>,
    open_files: Option<u32>,
}

impl Section {
    fn apply(self, limits: &mut Limits) {
        let Self { memory, cpu_cores, wall_time, processes, disk, fuel, output, open_files } = self;
        limits.memory = memory.map_or(limits.memory, |size| size.0);
        limits.cpu_cores = cpu_cores.unwrap_or(limits.cpu_cores);
        limits.wall_time = wall_time.map_or(limits.wall_time, |time| time.0);
        limits.processes = processes.unwrap_or(limits.processes);
        limits.disk = disk.map_or(limits.disk, |size| size.0);
        limits.fuel = fuel.map_or(limits.fuel, |fuel| fuel.0);
        limits.output = output.map_or(limits.output, |size| size.0);
        limits.open_files = open_files.unwrap_or(limits.open_files);
    }
}

/// A size with its unit. A plain number is refused: some would mean bytes by it, and some megabytes.
struct Size(ByteSize);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl Visitor<'_> for SizeVisitor {
            type Value = Size;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size with its unit, such as `512 MB`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
                if split_number(text).1.is_empty() {
                    return Err(E::invalid_value(de::Unexpected::Str(text), &self));
                }
                text.parse().map(Size).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}

/// A time with its unit.
struct Time(Duration);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimeVisitor;
        impl Visitor<'_> for TimeVisitor {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time with its unit, such as `30 s`, `500 ms` or `10 min`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
                let (number, unit) = split_number(text);
                let seconds = match unit {
                    "ms" => 0.001,
                    "s" => 1.0,
                    "min" => 60.0,
                    "h" => 3600.0,
                    _ => return Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                };
                // Rounded to whole nanoseconds: 1.001 × 1 is not quite a thousand and one milliseconds.
                number
                    .parse::<f64>()
                    .ok()
                    .and_then(|n| Duration::try_from_secs_f64((n * seconds * 1e9).round() / 1e9).ok())
                    .map(Time)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(TimeVisitor)
    }
}

/// Units of fuel, or `none`.
struct Fuel(Option<u64>);

impl<'de> Deserialize<'de> for Fuel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FuelVisitor;
        impl Visitor<'_> for FuelVisitor {
            type Value = Fuel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of units, such as `200_000_000_000`, or `none`")
            }

            fn visit_u64<E: de::Error>(self, units: u64) -> Result<Fuel, E> {
                Ok(Fuel(Some(units)))
            }

            // YAML takes a number with underscores for text.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Fuel, E> {
                if text == "none" {
                    return Ok(Fuel(None));
                }
                let units = text.replace('_', "").parse();
                units
                    .map(|units| Fuel(Some(units)))
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(FuelVisitor)
    }
}

/// The line and the key of the limit that is at fault: its own, or the ceiling's where the file says nothing of the
/// limit itself.
fn locate(text: &str, error: &LimitError) -> (Option<usize>, ConfigKey) {
    let own = ConfigKey { section: error.language.as_str(), limit: error.limit };
    if let Some(line) = line_of(text, own) {
        return (Some(line), own);
    }
    match error.kind {
        LimitErrorKind::AboveCeiling { .. } => {
            let ceiling = ConfigKey { section: "ceiling", limit: error.limit };
            match line_of(text, ceiling) {
                Some(line) => (Some(line), ceiling),
                None => (None, own),
            }
        }
        LimitErrorKind::BelowFloor { .. } | LimitErrorKind::NotANumber | LimitErrorKind::NotMetered => {
            (None, own)
        }
    }
}

/// The line, from 1, that holds `key`, in YAML written in blocks. In YAML of another form there may be none.
fn line_of(text: &str, key: ConfigKey) -> Option<usize> {
    let is = |line: &str, name: &str| {
        line.trim_start().strip_prefix(name).is_some_and(|after| after.trim_start().starts_with(':'))
    };
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let indented = line.starts_with([' ', '\t']);
        if !indented && !line.trim().is_empty() && !line.starts_with('#') {
            inside = is(line, key.section);
        } else if inside && indented && is(line, key.limit.as_str()) {
            return Some(index + 1);
        }
    }
    None
}

/// The name of a limit in the file: `python.memory`, `ceiling.fuel`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigKey {
    /// The language's name, or `ceiling`.
    pub section: &'static str,
    /// The limit.
    pub limit: LimitName,
}

impl fmt::Display for ConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.section, self.limit)
    }
}

/// A configuration file is not what it should be.
#[derive(Debug)]
pub struct ConfigError {
    /// The file, or what the text was called.
    pub name: String,
    /// The line, from 1, where one is known.
    pub line: Option<usize>,
    /// The column, from 1, where one is known.
    pub column: Option<usize>,
    /// What is wrong.
    pub kind: ConfigErrorKind,
}

/// What is wrong with a configuration file.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// It cannot be read.
    Read(std::io::Error),
    /// It is not YAML, or holds a key that is not known or a value of the wrong type.
    Parse {
        /// What the parser says: the key, and what was expected there.
        message: String,
    },
    /// A limit lies above the ceiling or makes no sense.
    Limit {
        /// The limit's key, or the ceiling's where the file lowers that alone.
        key: ConfigKey,
        /// Why it cannot be.
        error: Box<LimitError>,
    },
}

impl ConfigError {
    fn from_parser(name: &str, error: &serde_yaml::Error) -> Self {
        let mut message = error.to_string();
        let (mut line, mut column) = (None, None);
        if let Some(at) = error.location() {
            (line, column) = (Some(at.line()), Some(at.column()));
            if let Some(end) = message.find(&format!(" at line {} column {}", at.line(), at.column())) {
                message.truncate(end);
            }
        }
        Self { name: name.to_owned(), line, column, kind: ConfigErrorKind::Parse { message } }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        match &self.kind {
            ConfigErrorKind::Read(error) => write!(f, ": cannot be read: {error}"),
            ConfigErrorKind::Parse { message } => write!(f, ": {message}"),
            ConfigErrorKind::Limit { key, error } => {
                write!(f, ": {key}: ")?;
                let asked = error.asked;
                match error.kind {
                    LimitErrorKind::AboveCeiling { ceiling: Amount::Unlimited }
                    | LimitErrorKind::NotANumber => error.fmt(f),
                    LimitErrorKind::AboveCeiling { ceiling } => write!(
                        f,
                        "the default for {}, {asked}, is above the ceiling, {ceiling}",
                        error.language
                    ),
                    LimitErrorKind::BelowFloor { floor } => {
                        write!(f, "{asked} is below the least that makes sense, {floor}")
                    }
                    LimitErrorKind::NotMetered => {
                        write!(f, "{} runs without a {} meter", error.language, error.limit)
                    }
                }
            }
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ConfigErrorKind::Read(error) => Some(error),
            ConfigErrorKind::Limit { error, .. } => Some(&**error),
            ConfigErrorKind::Parse { .. } => None,
        }
    }
}
