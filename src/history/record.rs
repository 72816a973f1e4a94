//! What the history holds of one execution.

use crate::Language;
use crate::limits::Limits;
use crate::outcome::{BackendName, ExecutionId, ExecutionResult, ExitKind, PolicyVerdict, Usage};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The most findings of one execution that are recorded. The guest's code decides how many there are; a reader
/// has seen enough after these, and [`ExecutionRecord::findings_left_out`] counts the rest.
pub const MAX_FINDINGS: usize = 100;

/// The most bytes of an exception's or a trap's message that are recorded. The guest writes it, at any length.
pub const MAX_MESSAGE: usize = 4 * 1024;

/// The most bytes of code that are recorded where the owner wants the code. Longer code has its digest alone.
pub const MAX_CODE: usize = 1024 * 1024;

/// A moment, to the millisecond.
///
/// As text and in JSON it is written as RFC 3339 has it, in UTC: `2026-11-24T20:45:07.123Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last millisecond that RFC 3339 can write, at the end of the year 9999.
    const LAST: u64 = 253_402_300_799_999;

    /// Now, by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self::from_unix_millis(u64::try_from(since.as_millis()).unwrap_or(Self::LAST))
    }

    /// `millis` milliseconds after the start of 1970, or the end of the year 9999 if that comes first.
    #[must_use]
    pub fn from_unix_millis(millis: u64) -> Self {
        Self(millis.min(Self::LAST))
    }

    /// Milliseconds since the start of 1970.
    #[must_use]
    pub fn unix_millis(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, millis) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of the day that comes `days` after 1970-01-01.
///
/// Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day is their last one.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// The days from 1970-01-01 to a day of 1970 or later; the inverse of [`civil_from_days`].
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719_468
}

/// Text is no [`Timestamp`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseTimestampError {
    /// What was given.
    pub text: String,
}

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no time such as 2026-11-24T20:45:07.123Z", self.text)
    }
}

impl std::error::Error for ParseTimestampError {}

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    /// Reads the form that [`Display`](fmt::Display) writes, and no other.
    fn from_str(text: &str) -> Result<Self, ParseTimestampError> {
        let part = |range: std::ops::Range<usize>| {
            let digits = text.get(range)?;
            digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?
        };
        let read = || {
            let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
            let (hour, minute, second) = (part(11..13)?, part(14..16)?, part(17..19)?);
            if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
                return None;
            }
            let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
            Some(Self(seconds * 1000 + part(20..23)?))
        };
        // Writing it again tells everything else: separators, a 31st of June, a 25th hour.
        read()
            .filter(|time| time.to_string() == text)
            .ok_or_else(|| ParseTimestampError { text: text.to_owned() })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Where an execution stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RecordState {
    /// It began, and the process that runs it is alive.
    Running,
    /// It ended, in whatever way: [`ExecutionRecord::exit`] says which.
    Finished,
    /// It began, and the process that ran it died or gave it up before it ended.
    Interrupted,
}

impl RecordState {
    /// The lower-case name: `running`, `finished` or `interrupted`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for RecordState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One execution, as the history has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExecutionRecord {
    /// The execution's name.
    pub id: ExecutionId,
    /// When it began.
    pub started_at: Timestamp,
    /// Where it stands.
    pub state: RecordState,
    /// The language of the code.
    pub language: Language,
    /// The backend that ran it; `None` if nothing ran.
    pub backend: Option<BackendName>,
    /// The SHA-256 digest of the code's bytes, in hexadecimal.
    pub code_sha256: String,
    /// The code itself, if the history's owner wants it ([`HistoryOptions::store_code`]) and it is no longer than
    /// [`MAX_CODE`].
    ///
    /// [`HistoryOptions::store_code`]: super::HistoryOptions::store_code
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What policy said of it, with at most [`MAX_FINDINGS`] findings.
    pub policy: PolicyVerdict,
    /// How many findings more there were.
    pub findings_left_out: usize,
    /// The limits it ran under.
    pub limits: Limits,
    /// How it ended, with messages of at most [`MAX_MESSAGE`] bytes; `None` unless it is finished.
    pub exit: Option<ExitKind>,
    /// What it used; `None` unless it is finished.
    pub usage: Option<Usage>,
    /// Bytes it wrote to standard output; `None` unless it is finished.
    pub stdout_bytes: Option<u64>,
    /// Bytes it wrote to standard error; `None` unless it is finished.
    pub stderr_bytes: Option<u64>,
}

/// What is known of an execution when it begins.
#[derive(Clone, Debug)]
pub struct BeginRecord<'a> {
    /// The execution's name.
    pub id: ExecutionId,
    /// The language of the code.
    pub language: Language,
    /// The backend that will run it, if it is known already and anything will run.
    pub backend: Option<BackendName>,
    /// The code. Its digest is recorded, and the code itself only if the history's owner wants it.
    pub code: &'a str,
    /// What policy said of it.
    pub policy: &'a PolicyVerdict,
    /// The limits it will run under.
    pub limits: &'a Limits,
}

/// What is known of an execution when it has ended.
#[derive(Clone, Debug)]
pub struct FinishRecord<'a> {
    /// The backend that ran it; `None` leaves what was said at the beginning.
    pub backend: Option<BackendName>,
    /// How it ended.
    pub exit: &'a ExitKind,
    /// What it used.
    pub usage: &'a Usage,
    /// Bytes it wrote to standard output.
    pub stdout_bytes: u64,
    /// Bytes it wrote to standard error.
    pub stderr_bytes: u64,
}

impl<'a> From<&'a ExecutionResult> for FinishRecord<'a> {
    fn from(result: &'a ExecutionResult) -> Self {
        Self {
            backend: result.backend,
            exit: &result.exit,
            usage: &result.usage,
            stdout_bytes: result.stdout.len() as u64,
            stderr_bytes: result.stderr.len() as u64,
        }
    }
}

/// [`BeginRecord`] as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Begun<'a> {
    started_at: Timestamp,
    language: Language,
    backend: Option<BackendName>,
    code_sha256: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
    policy: Cow<'a, PolicyVerdict>,
    #[serde(default)]
    findings_left_out: usize,
    limits: Cow<'a, Limits>,
}

impl<'a> Begun<'a> {
    pub(super) fn new(begin: &BeginRecord<'a>, store_code: bool) -> Self {
        let BeginRecord { id: _, language, backend, code, policy, limits } = *begin;
        let findings_left_out = policy.findings.len().saturating_sub(MAX_FINDINGS);
        let policy = if findings_left_out == 0 {
            Cow::Borrowed(policy)
        } else {
            Cow::Owned(PolicyVerdict {
                allowed: policy.allowed,
                risk: policy.risk,
                findings: policy.findings[..MAX_FINDINGS].to_vec(),
            })
        };
        Self {
            started_at: Timestamp::now(),
            language,
            backend,
            code_sha256: Cow::Owned(hex(&Sha256::digest(code.as_bytes()))),
            code: (store_code && code.len() <= MAX_CODE).then_some(Cow::Borrowed(code)),
            policy,
            findings_left_out,
            limits: Cow::Borrowed(limits),
        }
    }
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 0xf]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// How an execution's record ended: [`FinishRecord`] as it is kept, or the news that none will come.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ended<'a> {
    Finished {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        backend: Option<BackendName>,
        exit: Cow<'a, ExitKind>,
        usage: Cow<'a, Usage>,
        stdout_bytes: u64,
        stderr_bytes: u64,
    },
    Interrupted,
}

impl<'a> From<&FinishRecord<'a>> for Ended<'a> {
    fn from(finish: &FinishRecord<'a>) -> Self {
        let FinishRecord { backend, exit, usage, stdout_bytes, stderr_bytes } = *finish;
        Self::Finished {
            backend,
            exit: with_short_messages(exit),
            usage: Cow::Borrowed(usage),
            stdout_bytes,
            stderr_bytes,
        }
    }
}

/// `exit` with no message longer than [`MAX_MESSAGE`].
fn with_short_messages(exit: &ExitKind) -> Cow<'_, ExitKind> {
    let too_long = |text: &str| text.len() > MAX_MESSAGE;
    let fits = match exit {
        ExitKind::Trap { message } => !too_long(message),
        ExitKind::Exited { .. }
        | ExitKind::Exception { .. }
        | ExitKind::FuelExhausted { .. }
        | ExitKind::TimedOut { .. }
        | ExitKind::MemoryLimit { .. }
        | ExitKind::OutputLimit { .. }
        | ExitKind::DiskLimit { .. }
        | ExitKind::ProcessLimit { .. }
        | ExitKind::Denied
        | ExitKind::Cancelled => {
            exit.exception().is_none_or(|e| !too_long(&e.message) && !too_long(&e.type_name))
        }
    };
    if fits {
        return Cow::Borrowed(exit);
    }
    let mut exit = exit.clone();
    match &mut exit {
        ExitKind::Trap { message } => shorten(message),
        ExitKind::Exception { exception, .. }
        | ExitKind::MemoryLimit { exception: Some(exception), .. }
        | ExitKind::DiskLimit { exception: Some(exception), .. }
        | ExitKind::ProcessLimit { exception: Some(exception), .. } => {
            shorten(&mut exception.message);
            shorten(&mut exception.type_name);
        }
        ExitKind::MemoryLimit { exception: None, .. }
        | ExitKind::DiskLimit { exception: None, .. }
        | ExitKind::ProcessLimit { exception: None, .. }
        | ExitKind::Exited { .. }
        | ExitKind::FuelExhausted { .. }
        | ExitKind::TimedOut { .. }
        | ExitKind::OutputLimit { .. }
        | ExitKind::Denied
        | ExitKind::Cancelled => {}
    }
    Cow::Owned(exit)
}

/// Cuts `text` to [`MAX_MESSAGE`] bytes, the mark that it was cut included.
fn shorten(text: &mut String) {
    const MARK: &str = "…";
    if text.len() > MAX_MESSAGE {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE - MARK.len()));
        text.push_str(MARK);
    }
}

impl ExecutionRecord {
    /// The record of what `begun` and `ended` say; `alive` tells whether an end may still come.
    pub(super) fn assemble(id: ExecutionId, begun: Begun<'_>, ended: Option<Ended<'_>>, alive: bool) -> Self {
        let mut record = Self {
            id,
            started_at: begun.started_at,
            state: if alive { RecordState::Running } else { RecordState::Interrupted },
            language: begun.language,
            backend: begun.backend,
            code_sha256: begun.code_sha256.into_owned(),
            code: begun.code.map(Cow::into_owned),
            policy: begun.policy.into_owned(),
            findings_left_out: begun.findings_left_out,
            limits: begun.limits.into_owned(),
            exit: None,
            usage: None,
            stdout_bytes: None,
            stderr_bytes: None,
        };
        if let Some(ended) = ended {
            record.end(ended);
        }
        record
    }

    /// Adds how it ended.
    pub(super) fn end(&mut self, ended: Ended<'_>) {
        match ended {
            Ended::Interrupted => self.state = RecordState::Interrupted,
            Ended::Finished { backend, exit, usage, stdout_bytes, stderr_bytes } => {
                self.state = RecordState::Finished;
                self.backend = backend.or(self.backend);
                self.exit = Some(exit.into_owned());
                self.usage = Some(usage.into_owned());
                self.stdout_bytes = Some(stdout_bytes);
                self.stderr_bytes = Some(stderr_bytes);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339_has_it() {
        // By `date -u --date=@SECONDS`.
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_001, "2024-02-29T23:59:59.001Z"),
            (1_795_552_307_123, "2026-11-24T20:31:47.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            let time = Timestamp::from_unix_millis(millis);
            assert_eq!(time.to_string(), text);
            assert_eq!(text.parse::<Timestamp>().unwrap(), time);
            assert_eq!(serde_json::to_string(&time).unwrap(), format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Timestamp>(&format!("\"{text}\"")).unwrap(), time);
        }
        assert_eq!(Timestamp::from_unix_millis(u64::MAX).unix_millis(), Timestamp::LAST);
        for day in 0..2_932_896 {
            let (year, month, of_month) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, of_month), day);
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026",
            "2026-11-24 20:45:07.123Z",
            "2026-11-24T20:45:07.123",
            "2026-11-24T20:45:07.123+00:00",
            "2026-11-24T20:45:07.1234Z",
            "2026-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-01-00T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T00:60:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "+026-01-01T00:00:00.000Z",
            "2026-01-01T00:00:00.é0Z",
        ] {
            let error = text.parse::<Timestamp>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")));
        }
        assert!(serde_json::from_str::<Timestamp>("\"soon\"").is_err());
    }

    #[test]
    fn states_have_names() {
        for state in [RecordState::Running, RecordState::Finished, RecordState::Interrupted] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.to_string());
        }
    }
}
