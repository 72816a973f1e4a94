//! What a caller asks for beside the code itself.

use crate::backend::OnUsage;
use crate::control::CancelToken;
use crate::limits::LimitOverrides;
use crate::monitor::ResourceUsage;
use crate::outcome::OutputStream;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A file that is put into the workspace before the code runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Where it goes: a relative path with `/` between the parts.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Which backend is to run the code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BackendChoice {
    /// The fastest that can run it.
    #[default]
    Auto,
    /// WebAssembly, or an error.
    Wasm,
    /// A container, or an error.
    Docker,
}

/// What one execution gets and gives back, beside its code.
///
/// By default:
/// - the language's default limits
/// - no input files, no arguments, no additions to the environment
/// - standard input is empty
/// - files that the code leaves behind are dropped
/// - the value of the last expression is reported
/// - output comes back with the result only
///
/// ```
/// use bailiwick::{ExecutionContext, LimitOverrides};
/// use std::time::Duration;
///
/// let context = ExecutionContext::new()
///     .limits(LimitOverrides::new().wall_time(Duration::from_secs(2)))
///     .file("data.csv", "a,b\n1,2\n")
///     .env("MODE", "test");
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct ExecutionContext {
    pub(crate) limits: LimitOverrides,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) args: Vec<String>,
    pub(crate) stdin: Vec<u8>,
    pub(crate) files: Vec<InputFile>,
    pub(crate) filename: Option<String>,
    pub(crate) module: bool,
    pub(crate) artifacts: bool,
    pub(crate) no_value: bool,
    pub(crate) backend: BackendChoice,
    pub(crate) on_output: Option<OnOutput>,
    pub(crate) on_usage: Option<(Duration, OnUsage)>,
    pub(crate) cancel: CancelToken,
}

type OnOutput = Arc<dyn Fn(OutputStream, &[u8]) + Send + Sync>;

impl fmt::Debug for ExecutionContext {
    /// Without contents: they may be large, and secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutionContext")
            .field("limits", &self.limits)
            .field("backend", &self.backend)
            .field("filename", &self.filename)
            .field("files", &self.files.iter().map(|file| &file.path).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl ExecutionContext {
    /// The defaults above.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for other limits than the language's defaults, within the engine's ceiling.
    pub fn limits(mut self, limits: LimitOverrides) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a variable to the guest's environment, which shows nothing of the host's.
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// Adds an argument: `sys.argv[1]` and so on.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Gives the code standard input.
    pub fn stdin(mut self, stdin: impl Into<Vec<u8>>) -> Self {
        self.stdin = stdin.into();
        self
    }

    /// Puts a file into the workspace. `path` is relative, with `/` between its parts.
    pub fn file(mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push(InputFile { path: path.into(), bytes: bytes.into() });
        self
    }

    /// Names the code in tracebacks; `<string>` otherwise.
    pub fn filename(mut self, name: impl Into<String>) -> Self {
        self.filename = Some(name.into());
        self
    }

    /// Takes JavaScript as an ES module from the start. Without it a script that needs one is still seen to be one.
    pub fn es_module(mut self, module: bool) -> Self {
        self.module = module;
        self
    }

    /// Asks for the files that the run leaves in its workspace.
    pub fn collect_artifacts(mut self, collect: bool) -> Self {
        self.artifacts = collect;
        self
    }

    /// Whether the value of the last expression is reported; it is by default.
    pub fn report_value(mut self, report: bool) -> Self {
        self.no_value = !report;
        self
    }

    /// Chooses the backend.
    pub fn backend(mut self, backend: BackendChoice) -> Self {
        self.backend = backend;
        self
    }

    /// Passes output on as it comes. Called on the thread that runs the guest, which waits meanwhile.
    pub fn on_output(mut self, f: impl Fn(OutputStream, &[u8]) + Send + Sync + 'static) -> Self {
        self.on_output = Some(Arc::new(f));
        self
    }

    /// Measures the run at this interval and passes on what it uses. The result then has
    /// [`metrics`](crate::ExecutionResult::metrics). Called on the thread that runs the guest, which waits meanwhile; a wasm guest that
    /// sleeps is not measured until it wakes.
    pub fn on_usage(mut self, every: Duration, f: impl Fn(&ResourceUsage) + Send + Sync + 'static) -> Self {
        self.on_usage = Some((every.max(Duration::from_millis(1)), Arc::new(f)));
        self
    }

    /// Lets `token` stop the run.
    pub fn cancel_token(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }
}
