//! What a run may use: the limits themselves, what a caller asks for, and why a request is refused.
//!
//! The owner's file that sets them is read in [`crate::config`].

use crate::Language;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The least memory that a limit may name: a smaller number is bytes written where megabytes were meant, and
/// no guest starts in it.
pub const MIN_MEMORY: ByteSize = ByteSize::from_mb(1);

/// The least share of a core that a limit may name; container runtimes refuse less.
pub const MIN_CPU_CORES: f64 = 0.01;

/// The least wall time that a limit may name; below it no interpreter answers.
pub const MIN_WALL_TIME: Duration = Duration::from_millis(1);

/// The fewest open files that a limit may name: the three standard streams and one file.
pub const MIN_OPEN_FILES: u32 = 4;

/// A number of bytes.
///
/// **1 KB is 1,024 bytes, 1 MB is 1,024 KB, 1 GB is 1,024 MB**, however the unit is written (`MB` and `MiB` are
/// the same), as memory is sold and as container runtimes read their own flags.
///
/// In JSON it is a plain number of bytes.
///
/// ```
/// # use bailiwick::ByteSize;
/// let size: ByteSize = "512 MB".parse()?;
/// assert_eq!(size.bytes(), 512 * 1024 * 1024);
/// assert_eq!(size, "512MiB".parse()?);
/// assert_eq!(size.to_string(), "512 MB");
/// # Ok::<(), bailiwick::limits::ParseByteSizeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// No bytes.
    pub const ZERO: Self = Self(0);

    const KB: u64 = 1024;
    const MB: u64 = 1024 * Self::KB;
    const GB: u64 = 1024 * Self::MB;

    /// `bytes` bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// `kilobytes` × 1,024 bytes, or the largest size there is if that is more than 64 bits hold.
    #[must_use]
    pub const fn from_kb(kilobytes: u64) -> Self {
        Self(kilobytes.saturating_mul(Self::KB))
    }

    /// `megabytes` × 1,024 × 1,024 bytes, or the largest size there is if that is more than 64 bits hold.
    #[must_use]
    pub const fn from_mb(megabytes: u64) -> Self {
        Self(megabytes.saturating_mul(Self::MB))
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as a `usize`, or the largest `usize` where it does not fit.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl From<u64> for ByteSize {
    fn from(bytes: u64) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ByteSize {
    /// The largest unit that leaves at least one, with one decimal where it is not whole: `512 MB`, `1.5 KB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..Self::KB => return write!(f, "{} bytes", self.0),
            Self::KB..Self::MB => (Self::KB, "KB"),
            Self::MB..Self::GB => (Self::MB, "MB"),
            Self::GB.. => (Self::GB, "GB"),
        };
        if self.0.is_multiple_of(unit) {
            write!(f, "{} {name}", self.0 / unit)
        } else {
            let units = self.0 as f64 / unit as f64;
            write!(f, "{units:.1} {name}")
        }
    }
}

/// Text is no [`ByteSize`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseByteSizeError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub kind: ParseByteSizeErrorKind,
}

/// What is wrong with the text of a [`ByteSize`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseByteSizeErrorKind {
    /// It does not begin with a number.
    NoNumber,
    /// What follows the number is no unit.
    UnknownUnit,
    /// It is a fraction of a byte, or more than 64 bits hold.
    OutOfRange,
}

impl fmt::Display for ParseByteSizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.text;
        match self.kind {
            ParseByteSizeErrorKind::NoNumber => write!(f, "`{text}` is no size: write one as in `512 MB`"),
            ParseByteSizeErrorKind::UnknownUnit => {
                write!(f, "`{text}` has an unknown unit: use bytes, KB, MB or GB")
            }
            ParseByteSizeErrorKind::OutOfRange => {
                write!(f, "`{text}` is no whole number of bytes below 2^64")
            }
        }
    }
}

impl std::error::Error for ParseByteSizeError {}

impl FromStr for ByteSize {
    type Err = ParseByteSizeError;

    /// Reads a number and a unit: `512 MB`, `512MiB`, `1.5 gb`, `10k`, `4096` (bytes). Case and the space between
    /// do not matter.
    fn from_str(text: &str) -> Result<Self, ParseByteSizeError> {
        let fail = |kind| ParseByteSizeError { text: text.to_owned(), kind };
        let (number, unit) = split_number(text);
        let unit = match unit.to_ascii_lowercase().as_str() {
            "" | "b" | "byte" | "bytes" => 1,
            "k" | "kb" | "kib" => Self::KB,
            "m" | "mb" | "mib" => Self::MB,
            "g" | "gb" | "gib" => Self::GB,
            _ if number.is_empty() => return Err(fail(ParseByteSizeErrorKind::NoNumber)),
            _ => return Err(fail(ParseByteSizeErrorKind::UnknownUnit)),
        };
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(unit).map(Self).ok_or_else(|| fail(ParseByteSizeErrorKind::OutOfRange));
        }
        let fraction: f64 = number.parse().map_err(|_| {
            // All digits: a number, but one that no u64 holds.
            let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            fail(if digits { ParseByteSizeErrorKind::OutOfRange } else { ParseByteSizeErrorKind::NoNumber })
        })?;
        let bytes = fraction * unit as f64;
        // 2^53: up to here an f64 holds every whole number.
        if bytes.fract() != 0.0 || !(0.0..=9_007_199_254_740_992.0).contains(&bytes) {
            return Err(fail(ParseByteSizeErrorKind::OutOfRange));
        }
        Ok(Self(bytes as u64))
    }
}

/// A number and what follows it, both without the white space around them.
pub(crate) fn split_number(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;
        impl Visitor<'_> for SizeVisitor {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of bytes, or a size with its unit such as `512 MB`")
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(SizeVisitor)
    }
}

/// A [`Duration`] in JSON: milliseconds, with a fraction where there is one.
pub(crate) mod millis {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::time::Duration;

    /// The milliseconds in `time`.
    pub(crate) fn from_duration(time: Duration) -> f64 {
        let nanos = time.as_nanos() as f64;
        nanos / 1e6
    }

    pub(crate) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(from_duration(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let millis = f64::deserialize(deserializer)?;
        // Rounded to whole nanoseconds, so that what was written is read back.
        Duration::try_from_secs_f64((millis * 1e6).round() / 1e9)
            .map_err(|_| de::Error::custom("not a number of milliseconds"))
    }
}

/// What one run may use: every limit, none of them open but fuel where nothing meters it.
///
/// One comes from [`LimitsConfig::for_language`](crate::config::LimitsConfig::for_language) or, with what the
/// caller asks for, from [`LimitsConfig::resolve`](crate::config::LimitsConfig::resolve). The built-in defaults:
///
/// - `memory`: 512 MB for Python, 256 MB for JavaScript, 128 MB for shell
/// - `cpu_cores`: 1
/// - `wall_time`: 30 s for Python, 15 s for JavaScript, 10 s for shell
/// - `processes`: 5
/// - `disk`: 100 MB
/// - `fuel`: 200,000,000,000 units; none for shell, which no interpreter of ours meters
/// - `output`: 10 MB
/// - `open_files`: 64
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Limits {
    /// Memory in all: every linear memory and table of a wasm guest, everything in a container.
    #[serde(rename = "memory_bytes")]
    pub memory: ByteSize,
    /// Cores, in whole or in part. A wasm guest runs on one thread and so never uses more than one.
    pub cpu_cores: f64,
    /// Time on the clock from the guest's first instruction, sleeping and waiting included.
    #[serde(rename = "wall_time_ms", with = "millis")]
    pub wall_time: Duration,
    /// Processes and threads at once, the first one included. A wasm guest can start none.
    pub processes: u32,
    /// Bytes in the files of the workspace.
    #[serde(rename = "disk_bytes")]
    pub disk: ByteSize,
    /// Units of wasmtime fuel, about one for each wasm instruction; `None` where the run is not metered.
    ///
    /// Fuel that comes from the defaults is a backstop for the wall clock and is left out where there is no meter
    /// (containers); fuel that a caller asked for ([`LimitOverrides::fuel`]) has to be enforced by the backend.
    pub fuel: Option<u64>,
    /// Bytes written to standard output and standard error together.
    #[serde(rename = "output_bytes")]
    pub output: ByteSize,
    /// Files open at once, the three standard streams included.
    pub open_files: u32,
}

/// What a caller asks for in place of the language's own limits: lower, or higher up to the owner's ceiling.
/// What is left `None` stays as it is.
///
/// ```
/// # use bailiwick::{ByteSize, LimitOverrides};
/// # use std::time::Duration;
/// let asked = LimitOverrides::new().memory(ByteSize::from_mb(64)).wall_time(Duration::from_secs(2));
/// assert_eq!(asked.disk, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LimitOverrides {
    /// In place of [`Limits::memory`].
    pub memory: Option<ByteSize>,
    /// In place of [`Limits::cpu_cores`].
    pub cpu_cores: Option<f64>,
    /// In place of [`Limits::wall_time`].
    pub wall_time: Option<Duration>,
    /// In place of [`Limits::processes`].
    pub processes: Option<u32>,
    /// In place of [`Limits::disk`].
    pub disk: Option<ByteSize>,
    /// In place of [`Limits::fuel`].
    pub fuel: Option<u64>,
    /// In place of [`Limits::output`].
    pub output: Option<ByteSize>,
    /// In place of [`Limits::open_files`].
    pub open_files: Option<u32>,
}

/// One setter for each limit, for chaining.
macro_rules! setters {
    ($($field:ident: $type:ty),* $(,)?) => {
        impl LimitOverrides {
            $(
                #[doc = concat!("Asks for this in place of [`Limits::", stringify!($field), "`].")]
                #[must_use]
                pub fn $field(mut self, $field: $type) -> Self {
                    self.$field = Some($field);
                    self
                }
            )*
        }
    };
}

setters! {
    memory: ByteSize,
    cpu_cores: f64,
    wall_time: Duration,
    processes: u32,
    disk: ByteSize,
    fuel: u64,
    output: ByteSize,
    open_files: u32,
}

impl LimitOverrides {
    /// Asks for nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// The name of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitName {
    /// [`Limits::memory`]
    Memory,
    /// [`Limits::cpu_cores`]
    CpuCores,
    /// [`Limits::wall_time`]
    WallTime,
    /// [`Limits::processes`]
    Processes,
    /// [`Limits::disk`]
    Disk,
    /// [`Limits::fuel`]
    Fuel,
    /// [`Limits::output`]
    Output,
    /// [`Limits::open_files`]
    OpenFiles,
}

impl LimitName {
    /// The limit's name in the configuration file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::CpuCores => "cpu_cores",
            Self::WallTime => "wall_time",
            Self::Processes => "processes",
            Self::Disk => "disk",
            Self::Fuel => "fuel",
            Self::Output => "output",
            Self::OpenFiles => "open_files",
        }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much of something a limit allows, in the limit's own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Amount {
    /// Bytes.
    Size(ByteSize),
    /// Time.
    Time(Duration),
    /// Cores.
    Cores(f64),
    /// Processes, open files or units of fuel.
    Count(u64),
    /// No limit at all.
    Unlimited,
}

impl Amount {
    /// Whether this is more than `other`. Amounts of different limits are not compared.
    pub(crate) fn exceeds(self, other: Self) -> bool {
        match (self, other) {
            (_, Self::Unlimited) => false,
            (Self::Unlimited, _) => true,
            (Self::Size(a), Self::Size(b)) => a > b,
            (Self::Time(a), Self::Time(b)) => a > b,
            // A NaN is above everything, and so refused.
            (Self::Cores(a), Self::Cores(b)) => a.partial_cmp(&b).is_none_or(Ordering::is_gt),
            (Self::Count(a), Self::Count(b)) => a > b,
            (Self::Size(_) | Self::Time(_) | Self::Cores(_) | Self::Count(_), _) => false,
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => size.fmt(f),
            Self::Time(time) => write!(f, "{time:?}"),
            Self::Cores(cores) => write!(f, "{cores} cores"),
            Self::Count(count) => count.fmt(f),
            Self::Unlimited => f.write_str("no limit"),
        }
    }
}

/// A limit that cannot be: the request is refused, and nothing runs with another limit in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitError {
    /// The language that the limit was asked for.
    pub language: Language,
    /// Which limit.
    pub limit: LimitName,
    /// How much was asked for.
    pub asked: Amount,
    /// Why it is refused.
    pub kind: LimitErrorKind,
}

/// Why a limit is refused.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LimitErrorKind {
    /// It is more than the engine's owner allows.
    AboveCeiling {
        /// The most that may be asked for.
        ceiling: Amount,
    },
    /// It is zero, or too little for anything to run.
    BelowFloor {
        /// The least that may be asked for.
        floor: Amount,
    },
    /// It is not a number.
    NotANumber,
    /// Nothing counts it for this language: fuel for shell.
    NotMetered,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { language, limit, asked, kind } = self;
        match kind {
            LimitErrorKind::AboveCeiling { ceiling } => {
                write!(f, "{limit} for {language}: {asked} asked for, the ceiling is {ceiling}")
            }
            LimitErrorKind::BelowFloor { floor } => {
                write!(f, "{limit} for {language}: {asked} asked for, the least that makes sense is {floor}")
            }
            LimitErrorKind::NotANumber => {
                write!(f, "{limit} for {language}: {asked} asked for, not a number")
            }
            LimitErrorKind::NotMetered => {
                write!(
                    f,
                    "{limit} for {language}: {asked} asked for, but {language} runs without a {limit} meter"
                )
            }
        }
    }
}

impl std::error::Error for LimitError {}

impl Limits {
    /// Every limit with its amount, in the order of the configuration file.
    #[must_use]
    pub fn amounts(&self) -> [(LimitName, Amount); 8] {
        [
            (LimitName::Memory, Amount::Size(self.memory)),
            (LimitName::CpuCores, Amount::Cores(self.cpu_cores)),
            (LimitName::WallTime, Amount::Time(self.wall_time)),
            (LimitName::Processes, Amount::Count(self.processes.into())),
            (LimitName::Disk, Amount::Size(self.disk)),
            (LimitName::Fuel, self.fuel.map_or(Amount::Unlimited, Amount::Count)),
            (LimitName::Output, Amount::Size(self.output)),
            (LimitName::OpenFiles, Amount::Count(self.open_files.into())),
        ]
    }

    /// Whether each limit is one that a run in `language` can have under `ceiling`.
    pub(crate) fn check(&self, language: Language, ceiling: &Self) -> Result<(), LimitError> {
        for ((limit, asked), (_, ceiling)) in self.amounts().into_iter().zip(ceiling.amounts()) {
            let fail = |kind| Err(LimitError { language, limit, asked, kind });
            if let Amount::Cores(cores) = asked
                && !cores.is_finite()
            {
                return fail(LimitErrorKind::NotANumber);
            }
            if limit == LimitName::Fuel && language == Language::Shell {
                match asked {
                    Amount::Unlimited => continue,
                    Amount::Size(_) | Amount::Time(_) | Amount::Cores(_) | Amount::Count(_) => {
                        return fail(LimitErrorKind::NotMetered);
                    }
                }
            }
            let floor = limit.floor();
            if floor.exceeds(asked) {
                return fail(LimitErrorKind::BelowFloor { floor });
            }
            if asked.exceeds(ceiling) {
                return fail(LimitErrorKind::AboveCeiling { ceiling });
            }
        }
        Ok(())
    }
}

impl LimitName {
    /// The least that this limit may be.
    #[must_use]
    pub fn floor(self) -> Amount {
        match self {
            Self::Memory => Amount::Size(MIN_MEMORY),
            Self::CpuCores => Amount::Cores(MIN_CPU_CORES),
            Self::WallTime => Amount::Time(MIN_WALL_TIME),
            Self::Disk | Self::Output => Amount::Size(ByteSize::from_bytes(1)),
            Self::Processes | Self::Fuel => Amount::Count(1),
            Self::OpenFiles => Amount::Count(MIN_OPEN_FILES.into()),
        }
    }
}
