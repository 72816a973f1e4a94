//! What a run came to: how it ended, what it wrote, used and left behind.
//!
//! What the guest did is data here, never an error of the engine's.

use crate::Language;
use crate::limits::{ByteSize, millis};
use crate::monitor::PerformanceMetrics;
use crate::policy::{Finding, RiskLevel, SecurityResult};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use uuid::Uuid;

/// The name of one execution. Ids sort by the time at which they were made (UUID version 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecutionId(#[serde(with = "id_text")] Uuid);

impl ExecutionId {
    /// A new id, like no other.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The sixteen bytes of the id, which sort as the ids do.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExecutionId({})", self.0.hyphenated())
    }
}

/// Text is no [`ExecutionId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseExecutionIdError {
    /// What was given.
    pub text: String,
}

impl fmt::Display for ParseExecutionIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no execution id", self.text)
    }
}

impl std::error::Error for ParseExecutionIdError {}

impl FromStr for ExecutionId {
    type Err = ParseExecutionIdError;

    fn from_str(text: &str) -> Result<Self, ParseExecutionIdError> {
        Uuid::try_parse(text).map(Self).map_err(|_| ParseExecutionIdError { text: text.to_owned() })
    }
}

/// An id in JSON: its text.
mod id_text {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::borrow::Cow;
    use uuid::Uuid;

    pub(super) fn serialize<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Uuid::try_parse(&text).map_err(|_| de::Error::custom(format_args!("`{text}` is no execution id")))
    }
}

/// One of the two streams that a guest writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The name of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BackendName {
    /// WebAssembly, inside the host process.
    Wasm,
    /// A container.
    Docker,
}

impl BackendName {
    /// The lower-case name: `wasm` or `docker`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wasm => "wasm",
            Self::Docker => "docker",
        }
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An exception that the guest did not catch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionInfo {
    /// The exception's type, as the language names it: `ZeroDivisionError`, `TypeError`. In JSON: `type`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The exception's message, without the traceback; that is on standard error.
    pub message: String,
}

/// How a run ended.
///
/// In JSON an object with the variant's name as `kind` (`exited`, `fuel_exhausted`, ...) and its fields beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExitKind {
    /// The guest ended of itself; 0 is success.
    Exited {
        /// The guest's own exit code.
        code: i32,
    },
    /// An exception that nobody caught ended the guest.
    Exception {
        /// The guest's own exit code, 1 for both interpreters.
        code: i32,
        /// The exception.
        exception: ExceptionInfo,
    },
    /// The guest executed as many instructions as it was allowed.
    FuelExhausted {
        /// Units of fuel.
        limit: u64,
    },
    /// The guest ran for as long as it was allowed.
    TimedOut {
        /// The wall-clock limit. In JSON: `limit_ms`.
        #[serde(rename = "limit_ms", with = "millis")]
        limit: Duration,
    },
    /// The guest needed more memory than it was allowed, and ended for the want of it.
    MemoryLimit {
        /// The memory limit. In JSON: `limit_bytes`.
        #[serde(rename = "limit_bytes")]
        limit: ByteSize,
        /// The guest's own exception (Python's `MemoryError`), where it saw the refusal first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exception: Option<ExceptionInfo>,
    },
    /// The guest wrote more output than it was allowed, and was stopped.
    OutputLimit {
        /// The output limit. In JSON: `limit_bytes`.
        #[serde(rename = "limit_bytes")]
        limit: ByteSize,
    },
    /// A write of the guest's was refused because the workspace was full, and the guest failed for it.
    DiskLimit {
        /// The disk limit. In JSON: `limit_bytes`.
        #[serde(rename = "limit_bytes")]
        limit: ByteSize,
        /// The guest's own exit code.
        code: i32,
        /// The guest's own exception (Python's `OSError`), where there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exception: Option<ExceptionInfo>,
    },
    /// The guest was refused another process, and failed for it.
    ProcessLimit {
        /// Processes at once.
        limit: u32,
        /// The guest's own exit code.
        code: i32,
        /// The guest's own exception, where there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exception: Option<ExceptionInfo>,
    },
    /// The guest crashed: a stack overflow, an access out of bounds, an `unreachable`.
    Trap {
        /// What went wrong, in one line.
        message: String,
    },
    /// Policy refused the code; nothing ran.
    Denied,
    /// The caller stopped the run.
    Cancelled,
}

impl ExitKind {
    /// Exit status of a run that time or fuel stopped, as `timeout(1)` has it.
    pub const STATUS_TIME: i32 = 124;
    /// Exit status of code that policy refused: found, but not to be executed.
    pub const STATUS_DENIED: i32 = 126;
    /// Exit status of a run that the caller stopped: 128 + SIGINT.
    pub const STATUS_CANCELLED: i32 = 130;
    /// Exit status of a guest that crashed: 128 + SIGABRT.
    pub const STATUS_TRAP: i32 = 134;
    /// Exit status of a run that memory stopped: 128 + SIGKILL, as the kernel's own out-of-memory killer has it.
    pub const STATUS_MEMORY: i32 = 137;
    /// Exit status of a run that wrote too much: 128 + SIGPIPE, as a writer has whose reader went away.
    pub const STATUS_OUTPUT: i32 = 141;

    /// The exit status of the `bailiwick` command for this ending.
    ///
    /// - the guest's own code for [`Exited`](Self::Exited), [`Exception`](Self::Exception),
    ///   [`DiskLimit`](Self::DiskLimit) and [`ProcessLimit`](Self::ProcessLimit). Only its low eight bits, as the
    ///   system passes on no more; where they are zero and the code is not, 1, so that failure stays failure.
    /// - 124 for [`FuelExhausted`](Self::FuelExhausted) and [`TimedOut`](Self::TimedOut)
    /// - 126 for [`Denied`](Self::Denied)
    /// - 130 for [`Cancelled`](Self::Cancelled)
    /// - 134 for [`Trap`](Self::Trap)
    /// - 137 for [`MemoryLimit`](Self::MemoryLimit)
    /// - 141 for [`OutputLimit`](Self::OutputLimit)
    #[must_use]
    pub fn exit_status(&self) -> i32 {
        match self {
            Self::Exited { code }
            | Self::Exception { code, .. }
            | Self::DiskLimit { code, .. }
            | Self::ProcessLimit { code, .. } => match code & 0xff {
                0 if *code != 0 => 1,
                low => low,
            },
            Self::FuelExhausted { .. } | Self::TimedOut { .. } => Self::STATUS_TIME,
            Self::MemoryLimit { .. } => Self::STATUS_MEMORY,
            Self::OutputLimit { .. } => Self::STATUS_OUTPUT,
            Self::Trap { .. } => Self::STATUS_TRAP,
            Self::Denied => Self::STATUS_DENIED,
            Self::Cancelled => Self::STATUS_CANCELLED,
        }
    }

    /// Whether the guest ended of itself with code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Exited { code: 0 })
    }

    /// The variant's name, as in JSON's `kind`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Exited { .. } => "exited",
            Self::Exception { .. } => "exception",
            Self::FuelExhausted { .. } => "fuel_exhausted",
            Self::TimedOut { .. } => "timed_out",
            Self::MemoryLimit { .. } => "memory_limit",
            Self::OutputLimit { .. } => "output_limit",
            Self::DiskLimit { .. } => "disk_limit",
            Self::ProcessLimit { .. } => "process_limit",
            Self::Trap { .. } => "trap",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
        }
    }

    /// The exception that the guest did not catch, where there was one.
    #[must_use]
    pub fn exception(&self) -> Option<&ExceptionInfo> {
        match self {
            Self::Exception { exception, .. } => Some(exception),
            Self::MemoryLimit { exception, .. }
            | Self::DiskLimit { exception, .. }
            | Self::ProcessLimit { exception, .. } => exception.as_ref(),
            Self::Exited { .. }
            | Self::FuelExhausted { .. }
            | Self::TimedOut { .. }
            | Self::OutputLimit { .. }
            | Self::Trap { .. }
            | Self::Denied
            | Self::Cancelled => None,
        }
    }
}

impl fmt::Display for ExitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited { code } => write!(f, "exited with code {code}"),
            Self::Exception { exception, .. } => write!(f, "uncaught {}", exception.type_name),
            Self::FuelExhausted { limit } => write!(f, "stopped after {limit} units of fuel"),
            Self::TimedOut { limit } => write!(f, "stopped after {limit:?}"),
            Self::MemoryLimit { limit, .. } => write!(f, "out of memory at {limit}"),
            Self::OutputLimit { limit } => write!(f, "stopped after {limit} of output"),
            Self::DiskLimit { limit, .. } => write!(f, "out of disk at {limit}"),
            Self::ProcessLimit { limit, .. } => write!(f, "out of processes at {limit}"),
            Self::Trap { message } => write!(f, "crashed: {message}"),
            Self::Denied => f.write_str("denied by policy"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// What a run used.
///
/// In JSON: `wall_ms`, `cpu_ms` (milliseconds, with a fraction), `fuel`, `peak_memory_bytes`, `disk_bytes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// Time on the clock.
    #[serde(rename = "wall_ms", with = "millis")]
    pub wall: Duration,
    /// Time on a processor.
    #[serde(rename = "cpu_ms", with = "millis")]
    pub cpu: Duration,
    /// Units of fuel; `None` where the run was not metered.
    pub fuel: Option<u64>,
    /// The most memory held at once.
    #[serde(rename = "peak_memory_bytes")]
    pub peak_memory: ByteSize,
    /// Bytes in the workspace's files at the end.
    #[serde(rename = "disk_bytes")]
    pub disk: ByteSize,
}

impl Usage {
    pub(crate) fn new(
        wall: Duration,
        cpu: Duration,
        fuel: Option<u64>,
        peak_memory: ByteSize,
        disk: ByteSize,
    ) -> Self {
        Self { wall, cpu, fuel, peak_memory, disk }
    }
}

/// The value of the guest's last expression.
///
/// In JSON an object with one key, which says how to read what it holds: `{"json": 45}`, or
/// `{"repr": "<object object at 0x1f0>"}`. So no value of a guest's can be mistaken for the other kind. A run
/// without a value has `null` in place of the object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// A value that JSON holds without loss.
    Json(serde_json::Value),
    /// How the language itself writes the value.
    Repr(String),
}

impl Value {
    /// The value that a guest wrote as JSON text, or the text itself as [`Repr`](Self::Repr) where it is not JSON
    /// or holds what a [`serde_json::Value`] would change: an integer of more than 64 bits.
    #[must_use]
    pub fn from_json_text(text: &str) -> Self {
        match serde_json::from_str(text) {
            Ok(value) if integers_fit(text) => Self::Json(value),
            Ok(_) | Err(_) => Self::Repr(text.to_owned()),
        }
    }

    /// What an interpreter reported: JSON where the value has such a form, else how the language writes it.
    pub(crate) fn from_reports(json: Option<String>, repr: Option<String>) -> Option<Self> {
        json.map(|text| Self::from_json_text(&text)).or(repr.map(Self::Repr))
    }
}

/// Whether every integer in `json` fits in 64 bits. `json` is valid JSON.
fn integers_fit(json: &str) -> bool {
    // Outside strings, only numbers hold these.
    let part_of_number = |c: char| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
    let mut rest = json;
    while let Some(start) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        rest = &rest[start..];
        if rest.starts_with('"') {
            let mut escaped = false;
            let end = rest[1..].find(|c| match c {
                _ if escaped => {
                    escaped = false;
                    false
                }
                '\\' => {
                    escaped = true;
                    false
                }
                other => other == '"',
            });
            rest = end.map_or("", |end| &rest[end + 2..]);
        } else {
            let end = rest.find(|c| !part_of_number(c)).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            let whole = !number.contains(['.', 'e', 'E']);
            if whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                return false;
            }
            rest = after;
        }
    }
    true
}

/// A file that a run left in its workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Artifact {
    /// Where it lay, relative to the workspace, with `/` between the parts.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// A file of these bytes at this path, relative to the workspace.
    #[must_use]
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), bytes: bytes.into() }
    }
}

/// Which of the two output streams were cut short at the output limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truncated {
    /// Standard output was.
    pub stdout: bool,
    /// Standard error was.
    pub stderr: bool,
}

impl Truncated {
    /// Whether either was.
    #[must_use]
    pub fn any(self) -> bool {
        self.stdout || self.stderr
    }
}

/// What policy said of the code and of the files that came with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVerdict {
    /// Whether it was let through.
    pub allowed: bool,
    /// How risky it looks.
    pub risk: RiskLevel,
    /// What was found in it.
    pub findings: Vec<Finding>,
}

impl From<SecurityResult> for PolicyVerdict {
    fn from(result: SecurityResult) -> Self {
        Self { allowed: result.is_allowed(), risk: result.risk, findings: result.findings }
    }
}

/// Everything that came of one execution.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExecutionResult {
    /// The execution's name, the same as in the history.
    pub execution_id: ExecutionId,
    /// The language of the code.
    pub language: Language,
    /// The backend that ran it; `None` if nothing ran.
    pub backend: Option<BackendName>,
    /// Why it was that backend.
    pub routing: String,
    /// How it ended.
    pub exit: ExitKind,
    /// What it wrote to standard output, up to the output limit.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, up to the output limit.
    pub stderr: Vec<u8>,
    /// Which of the two streams were cut short.
    pub truncated: Truncated,
    /// The value of the last expression, where there is one.
    pub value: Option<Value>,
    /// The files it left in its workspace, where they were asked for.
    pub artifacts: Vec<Artifact>,
    /// How many files it left that are not among the artifacts: too many, too large together, or of a name that cannot be kept.
    pub artifacts_left_out: u32,
    /// What it used.
    pub usage: Usage,
    /// What its use came to over time, where [`on_usage`](crate::ExecutionContext::on_usage) asked for samples.
    pub metrics: Option<PerformanceMetrics>,
    /// What policy said of it.
    pub policy: PolicyVerdict,
}

impl ExecutionResult {
    /// A result with this ending and nothing else: no backend, no output, no value, no artifacts, no usage.
    #[must_use]
    pub fn new(id: ExecutionId, language: Language, exit: ExitKind, policy: PolicyVerdict) -> Self {
        Self {
            execution_id: id,
            language,
            backend: None,
            routing: String::new(),
            exit,
            stdout: Vec::new(),
            stderr: Vec::new(),
            truncated: Truncated::default(),
            value: None,
            artifacts: Vec::new(),
            artifacts_left_out: 0,
            usage: Usage::default(),
            metrics: None,
            policy,
        }
    }

    /// Standard output as text, with U+FFFD for what is not UTF-8.
    #[must_use]
    pub fn stdout_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stdout)
    }

    /// Standard error as text, with U+FFFD for what is not UTF-8.
    #[must_use]
    pub fn stderr_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.stderr)
    }

    /// Whether the guest ended of itself with code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.exit.is_success()
    }

    /// The object that the command prints for `--json`:
    ///
    /// - `execution_id`, `language`, `backend` (null if nothing ran), `routing` (why that backend): text
    /// - `exit`: an object with `kind`, the kind's own fields (see [`ExitKind`]) and `status`, the command's exit
    ///   status
    /// - `stdout`, `stderr`: text, with U+FFFD for what is not UTF-8
    /// - `truncated`: `{stdout, stderr}`, two booleans
    /// - `value`: the value of the last expression, as JSON or as the text that the language itself writes for it; `value_kind` says
    ///   which: `json`, `repr`, or null if there is no value
    /// - `artifacts`: a list of `{path, bytes}`, where `bytes` is the file's size
    /// - `artifacts_left_out`: how many files are not in that list
    /// - `usage`: see [`Usage`]
    /// - `policy`: `{risk, findings}`; that policy denied the code is in `exit`
    /// - `metrics`: only if samples were asked for; see [`PerformanceMetrics`]
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut exit = json!(self.exit);
        exit["status"] = json!(self.exit.exit_status());
        let artifacts: Vec<_> =
            self.artifacts.iter().map(|a| json!({ "path": a.path, "bytes": a.bytes.len() })).collect();
        let mut json = json!({
            "execution_id": self.execution_id,
            "language": self.language,
            "backend": self.backend,
            "routing": self.routing,
            "exit": exit,
            "stdout": self.stdout_text(),
            "stderr": self.stderr_text(),
            "truncated": self.truncated,
            "value": match &self.value {
                Some(Value::Json(value)) => value.clone(),
                Some(Value::Repr(text)) => json!(text),
                None => serde_json::Value::Null,
            },
            "value_kind": match &self.value {
                Some(Value::Json(_)) => Some("json"),
                Some(Value::Repr(_)) => Some("repr"),
                None => None,
            },
            "artifacts": artifacts,
            "artifacts_left_out": self.artifacts_left_out,
            "usage": self.usage,
            "policy": { "risk": self.policy.risk, "findings": self.policy.findings },
        });
        if let Some(metrics) = &self.metrics {
            json["metrics"] = json!(metrics);
        }
        json
    }
}

impl Serialize for ExecutionResult {
    /// As [`to_json`](Self::to_json): for people and programs to read, without the artifacts' contents.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;

    fn exception() -> ExceptionInfo {
        ExceptionInfo { type_name: "ZeroDivisionError".to_owned(), message: "division by zero".to_owned() }
    }

    /// Each ending, its exit status, its JSON and its text.
    fn endings() -> Vec<(ExitKind, i32, serde_json::Value, &'static str)> {
        let limit = ByteSize::from_mb(1);
        let bytes = 1_048_576;
        let exception_json = json!({ "type": "ZeroDivisionError", "message": "division by zero" });
        vec![
            (ExitKind::Exited { code: 0 }, 0, json!({ "kind": "exited", "code": 0 }), "exited with code 0"),
            (ExitKind::Exited { code: 3 }, 3, json!({ "kind": "exited", "code": 3 }), "exited with code 3"),
            (
                ExitKind::Exception { code: 1, exception: exception() },
                1,
                json!({ "kind": "exception", "code": 1, "exception": exception_json }),
                "uncaught ZeroDivisionError",
            ),
            (
                ExitKind::FuelExhausted { limit: 5 },
                124,
                json!({ "kind": "fuel_exhausted", "limit": 5 }),
                "stopped after 5 units of fuel",
            ),
            (
                ExitKind::TimedOut { limit: Duration::from_micros(1500) },
                124,
                json!({ "kind": "timed_out", "limit_ms": 1.5 }),
                "stopped after 1.5ms",
            ),
            (
                ExitKind::MemoryLimit { limit, exception: None },
                137,
                json!({ "kind": "memory_limit", "limit_bytes": bytes }),
                "out of memory at 1 MB",
            ),
            (
                ExitKind::MemoryLimit { limit, exception: Some(exception()) },
                137,
                json!({ "kind": "memory_limit", "limit_bytes": bytes, "exception": exception_json }),
                "out of memory at 1 MB",
            ),
            (
                ExitKind::OutputLimit { limit },
                141,
                json!({ "kind": "output_limit", "limit_bytes": bytes }),
                "stopped after 1 MB of output",
            ),
            (
                ExitKind::DiskLimit { limit, code: 2, exception: None },
                2,
                json!({ "kind": "disk_limit", "limit_bytes": bytes, "code": 2 }),
                "out of disk at 1 MB",
            ),
            (
                ExitKind::ProcessLimit { limit: 5, code: 1, exception: None },
                1,
                json!({ "kind": "process_limit", "limit": 5, "code": 1 }),
                "out of processes at 5",
            ),
            (
                ExitKind::Trap { message: "unreachable".to_owned() },
                134,
                json!({ "kind": "trap", "message": "unreachable" }),
                "crashed: unreachable",
            ),
            (ExitKind::Denied, 126, json!({ "kind": "denied" }), "denied by policy"),
            (ExitKind::Cancelled, 130, json!({ "kind": "cancelled" }), "cancelled"),
        ]
    }

    #[test]
    fn every_ending_has_its_status_json_and_text() {
        for (exit, status, json, text) in endings() {
            assert_eq!(exit.exit_status(), status, "{exit:?}");
            assert_eq!(serde_json::to_value(&exit).unwrap(), json);
            assert_eq!(serde_json::from_value::<ExitKind>(json.clone()).unwrap(), exit);
            assert_eq!(json["kind"], exit.kind());
            assert_eq!(exit.to_string(), text);
            assert_eq!(exit.is_success(), status == 0);
            assert_eq!(exit.exception().is_some(), json.get("exception").is_some());
        }
    }

    #[test]
    fn failure_stays_failure_in_eight_bits() {
        for (code, status) in [(0, 0), (255, 255), (256, 1), (257, 1), (-1, 255), (-256, 1), (i32::MIN, 1)] {
            assert_eq!(ExitKind::Exited { code }.exit_status(), status, "{code}");
        }
    }

    #[test]
    fn ids_sort_and_are_read_back() {
        let ids: Vec<_> = (0..1000).map(|_| ExecutionId::new()).collect();
        assert!(ids.is_sorted());
        let text: Vec<_> = ids.iter().map(ToString::to_string).collect();
        assert!(text.is_sorted());
        assert!(ids.iter().map(ExecutionId::as_bytes).is_sorted());
        for (id, text) in ids.iter().zip(&text) {
            assert_eq!(text.parse::<ExecutionId>().unwrap(), *id);
            assert_eq!(serde_json::to_value(id).unwrap(), json!(text));
            assert_eq!(serde_json::from_value::<ExecutionId>(json!(text)).unwrap(), *id);
        }
        assert_eq!(format!("{:?}", ids[0]), format!("ExecutionId({})", ids[0]));
        assert_eq!("x".parse::<ExecutionId>().unwrap_err().to_string(), "`x` is no execution id");
        assert!(serde_json::from_value::<ExecutionId>(json!("x")).is_err());
    }

    #[test]
    fn values_are_json_only_where_json_holds_them() {
        for (text, value) in [
            ("45", json!(45)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("18446744073709551615", json!(u64::MAX)),
            ("0.30000000000000004", json!(0.1 + 0.2)),
            ("1e300", json!(1e300)),
            ("[1, -2, 3.5, null, true]", json!([1, -2, 3.5, null, true])),
            (
                r#"{"a-1": "99999999999999999999", "b\"": "\\"}"#,
                json!({"a-1": "99999999999999999999", "b\"": "\\"}),
            ),
            (r#"{"repr": "x"}"#, json!({"repr": "x"})),
        ] {
            assert_eq!(Value::from_json_text(text), Value::Json(value), "{text}");
        }
        for text in [
            "18446744073709551616",
            "[1, -9223372036854775809]",
            "{\"a\": 1267650600228229401496703205376}",
            "<f>",
            "",
        ] {
            assert_eq!(Value::from_json_text(text), Value::Repr(text.to_owned()), "{text}");
        }
        assert_eq!(json!(Value::Json(json!(45))), json!({ "json": 45 }));
        assert_eq!(json!(Value::Repr("<f>".to_owned())), json!({ "repr": "<f>" }));
        let back: Value = serde_json::from_value(json!({ "json": { "repr": "x" } })).unwrap();
        assert_eq!(back, Value::Json(json!({ "repr": "x" })));
    }

    #[test]
    fn the_commands_object_is_as_documented() {
        let finding = json!({
            "rule": "r", "severity": "low", "action": "warn", "line": 1, "column": 2, "end_column": 3, "message": "m"
        });
        let findings = vec![serde_json::from_value(finding.clone()).unwrap()];
        let policy = PolicyVerdict { allowed: true, risk: RiskLevel::Low, findings };
        let mut result =
            ExecutionResult::new(ExecutionId::new(), Language::Python, ExitKind::Exited { code: 3 }, policy);
        let nothing = result.to_json();
        assert_eq!((&nothing["backend"], &nothing["value"]), (&json!(null), &json!(null)));
        assert!(!result.is_success());
        result.backend = Some(BackendName::Wasm);
        result.stdout = b"45\xff\n".to_vec();
        result.stderr = b"!".to_vec();
        result.truncated.stderr = true;
        result.value = Some(Value::Json(json!(45)));
        result.artifacts = vec![Artifact::new("out/a.txt", *b"12345")];
        result.usage.wall = Duration::from_micros(390);
        result.usage.fuel = Some(150_000);
        assert!(result.truncated.any());
        let expected = json!({
            "execution_id": result.execution_id.to_string(),
            "language": "python",
            "backend": "wasm",
            "routing": "",
            "exit": { "kind": "exited", "code": 3, "status": 3 },
            "stdout": "45\u{fffd}\n",
            "stderr": "!",
            "truncated": { "stdout": false, "stderr": true },
            "value": 45,
            "value_kind": "json",
            "artifacts": [{ "path": "out/a.txt", "bytes": 5 }],
            "artifacts_left_out": 0,
            "usage": { "wall_ms": 0.39, "cpu_ms": 0.0, "fuel": 150_000, "peak_memory_bytes": 0, "disk_bytes": 0 },
            "policy": { "risk": "low", "findings": [finding] },
        });
        assert_eq!(result.to_json(), expected);
        assert_eq!(serde_json::to_value(&result).unwrap(), expected);
    }

    #[test]
    fn usage_is_read_back() {
        let mut usage = Usage { wall: Duration::from_nanos(123_456_789), ..Usage::default() };
        usage.cpu = Duration::from_secs(86_400) + Duration::from_nanos(1);
        let json = serde_json::to_string(&usage).unwrap();
        assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
        assert!(serde_json::from_str::<Usage>(&json.replace("123.456789", "-1")).is_err());
        assert_eq!(BackendName::Docker.to_string(), "docker");
    }
}
