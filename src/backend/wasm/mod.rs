//! The wasm backend: CPython and QuickJS as WebAssembly, run by wasmtime inside the host process.

mod artifact;
mod errno;
mod session;
#[cfg(feature = "snapshot")]
pub mod snapshot;
mod state;
mod ticker;
mod usr;
mod vfs;
mod wasi;

pub use artifact::{ArtifactError, ArtifactErrorKind, Guest, GuestPin, Progress};

use super::{Backend, BackendError, BackendErrorKind, Finished, Job, Places, Session, modules};
use crate::Language;
use crate::control::lock;
use crate::limits::{ByteSize, LimitOverrides, Limits};
use crate::outcome::BackendName;
#[cfg(feature = "snapshot")]
use artifact::USR_SECTION;
use artifact::{Cache, OnProgress};
use session::WasmSession;
use state::GuestState;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ticker::Ticker;
use usr::UsrTree;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, InstancePre, Linker, ModuleExport, OptLevel,
    PoolingAllocationConfig, Strategy,
};

/// How much native stack a guest's own frames may take. CPython's recursion checks end a deep recursion well before.
const MAX_WASM_STACK: usize = 16 << 20;
/// What a host call made at the deepest guest frame has left for itself: a hundred times what any of ours needs.
const HOST_CALL_STACK: usize = 1 << 20;
/// How much of a used instance's memory stays mapped for the next one; what the last run wrote is put back all the same.
const KEEP_RESIDENT: usize = 64 << 20;

/// Settings of the wasm backend.
#[derive(Clone)]
pub(crate) struct WasmOptions {
    /// How many guests may be alive at once, environments included.
    pub(crate) max_instances: u32,
    /// The most memory that any limit can allow.
    pub(crate) max_memory: ByteSize,
    /// How long a run waits for a free place.
    pub(crate) queue_timeout: Duration,
    /// Where native code is kept between processes.
    pub(crate) cache_dir: Option<std::path::PathBuf>,
    /// Is told of slow steps.
    pub(crate) progress: OnProgress,
}

/// A guest that is ready to be instantiated, with the places of its exports.
struct Ready {
    pre: InstancePre<GuestState>,
    usr: Arc<UsrTree>,
    memory: ModuleExport,
    alloc: ModuleExport,
    run: ModuleExport,
    salvage: Option<ModuleExport>,
}

/// The backend.
pub(crate) struct WasmBackend {
    engine: Engine,
    linker: Linker<GuestState>,
    ticker: Arc<Ticker>,
    guests: [Mutex<Option<Arc<Ready>>>; 2],
    cache: Option<Cache>,
    cache_refused: Option<std::io::Error>,
    progress: OnProgress,
    places: Arc<Places>,
    queue_timeout: Duration,
}

/// The settings that native code depends on. Everything that our guests do not need is off.
fn config() -> Config {
    let mut config = Config::new();
    config.strategy(Strategy::Cranelift);
    config.cranelift_opt_level(OptLevel::Speed);
    config.consume_fuel(true);
    config.epoch_interruption(true);
    config.wasm_memory64(false);
    config.wasm_multi_memory(false);
    config.wasm_simd(false);
    config.wasm_relaxed_simd(false);
    config.wasm_tail_call(false);
    config.wasm_extended_const(false);
    config.wasm_custom_page_sizes(false);
    config.wasm_wide_arithmetic(false);
    config.wasm_component_model(false);
    config.concurrency_support(false);
    // A trap is reported as what it is; a backtrace through an interpreter tells its user nothing.
    config.wasm_backtrace_max_frames(None);
    config.generate_address_map(false);
    config.native_unwind_info(false);
    config.max_wasm_stack(MAX_WASM_STACK);
    config.async_stack_size(MAX_WASM_STACK + HOST_CALL_STACK);
    config
}

fn pooled(options: &WasmOptions) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(options.max_instances);
    pool.total_memories(options.max_instances);
    pool.total_tables(options.max_instances * 2);
    pool.total_stacks(options.max_instances);
    pool.max_memories_per_module(1);
    pool.max_tables_per_module(2);
    pool.table_elements(20_000);
    pool.max_core_instance_size(1 << 20);
    pool.max_memory_size(options.max_memory.as_usize());
    pool.linear_memory_keep_resident(KEEP_RESIDENT);
    pool.table_keep_resident(1 << 20);
    // With it, only the pages that a run wrote are put back; without it, all that stay resident.
    pool.pagemap_scan(Enabled::Auto);
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

impl WasmBackend {
    pub(crate) fn new(options: WasmOptions) -> Result<Self, BackendError> {
        let failed =
            |error: wasmtime::Error| BackendError::wasm(BackendErrorKind::Start(format!("{error:#}")));
        // Where the address space is rationed, a pool cannot be reserved: then each instance is mapped anew, a little slower.
        let engine = Engine::new(&pooled(&options)).or_else(|_| Engine::new(&config())).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        wasi::add_to_linker(&mut linker).map_err(failed)?;
        let ticker = Ticker::start(&engine)
            .map_err(|error| BackendError::wasm(BackendErrorKind::Start(format!("no thread: {error}"))))?;
        let (cache, cache_refused) = match options.cache_dir.as_deref().map(Cache::open) {
            Some(Ok(cache)) => (Some(cache), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        Ok(Self {
            engine,
            linker,
            ticker: Arc::new(ticker),
            guests: Default::default(),
            cache,
            cache_refused,
            progress: options.progress,
            places: Places::new(options.max_instances),
            queue_timeout: options.queue_timeout,
        })
    }

    /// Why the cache directory is not used, if one was given.
    pub(crate) fn cache_refused(&self) -> Option<&std::io::Error> {
        self.cache_refused.as_ref()
    }

    /// Gets a language's guest ready, compiling it if no cache has it.
    fn ready(&self, language: Language) -> Result<Arc<Ready>, BackendError> {
        let unsupported = || BackendError::wasm(BackendErrorKind::Language(language));
        let guest = Guest::for_language(language).ok_or_else(unsupported)?;
        let slot = match language {
            Language::Python => &self.guests[0],
            Language::JavaScript => &self.guests[1],
            Language::Shell => return Err(unsupported()),
        };
        let mut slot = lock(slot);
        if let Some(ready) = &*slot {
            return Ok(Arc::clone(ready));
        }
        let loaded = artifact::load(guest, &self.engine, self.cache.as_ref(), &self.progress)
            .map_err(|error| BackendError::wasm(BackendErrorKind::Artifact(error)))?;
        let missing = |what: &str| {
            BackendError::wasm(BackendErrorKind::Start(format!(
                "the {language} guest does not export `{what}`"
            )))
        };
        let export = |name: &str| loaded.module.get_export_index(name).ok_or_else(|| missing(name));
        let ready = Arc::new(Ready {
            memory: export("memory")?,
            alloc: export("bailiwick_alloc")?,
            run: export("bailiwick_run")?,
            salvage: export("bailiwick_salvage").ok(),
            pre: self
                .linker
                .instantiate_pre(&loaded.module)
                .map_err(|error| BackendError::wasm(BackendErrorKind::Start(format!("{error:#}"))))?,
            usr: loaded.usr,
        });
        *slot = Some(Arc::clone(&ready));
        Ok(ready)
    }

    /// Compiles or loads a language's guest now, so that no run has to wait for it.
    pub(crate) fn warm_up(&self, language: Language) -> Result<(), BackendError> {
        self.ready(language).map(|_| ())
    }
}

impl Backend for WasmBackend {
    fn name(&self) -> BackendName {
        BackendName::Wasm
    }

    fn supports(&self, language: Language) -> bool {
        Guest::for_language(language).is_some()
    }

    fn provides(&self, language: Language, module: &str) -> bool {
        modules::guest_has(language, module)
    }

    fn packages(&self, _: Language) -> Vec<String> {
        Vec::new()
    }

    fn unenforceable(
        &self,
        limits: &Limits,
        _: &LimitOverrides,
    ) -> Result<Option<&'static str>, BackendError> {
        // A guest is one thread of the host's: it gets one core or none. Processes it cannot start at all.
        Ok((limits.cpu_cores < 1.0).then_some("a share of less than one core (cpu_cores)"))
    }

    fn run(&self, job: &Job<'_>) -> Result<Finished, BackendError> {
        let (mut session, start) = WasmSession::open(self, job, true)?;
        session.run_job(job, start)
    }

    fn open(&self, job: &Job<'_>) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(WasmSession::open(self, job, false)?.0))
    }
}

/// Where native code is kept when nobody says otherwise: `bailiwick` under `$XDG_CACHE_HOME` or `~/.cache`.
#[must_use]
pub fn default_cache_dir() -> Option<std::path::PathBuf> {
    crate::paths::own_dir("XDG_CACHE_HOME", ".cache")
}

/// Whether `dir` can serve as the cache, and why not.
///
/// # Errors
/// With what is wrong with it.
pub fn check_cache_dir(dir: &Path) -> std::io::Result<()> {
    Cache::open(dir).map(|_| ())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// What the guests do not need stays off: each proposal is code of the compiler and runtime that an attacker could reach.
    #[test]
    fn the_proposals_that_no_guest_needs_are_refused() {
        let engine = Engine::new(&config()).unwrap();
        let on: &[(&str, &[u8])] = &[("a plain memory", &[5, 3, 1, 0, 1])];
        let off: &[(&str, &[u8])] = &[
            ("memory64", &[5, 3, 1, 4, 1]),
            ("a shared memory (threads)", &[5, 4, 1, 3, 1, 1]),
            ("two memories", &[5, 5, 2, 0, 1, 0, 1]),
            ("a struct type (GC)", &[1, 3, 1, 0x5f, 0]),
            ("a tag (exceptions)", &[1, 4, 1, 0x60, 0, 0, 13, 3, 1, 0, 0]),
            ("a vector result (SIMD)", &[1, 5, 1, 0x60, 0, 1, 0x7b]),
        ];
        let module = |sections: &[u8]| [b"\0asm\x01\0\0\0", sections].concat();
        for (what, sections) in on {
            wasmtime::Module::new(&engine, module(sections)).unwrap_or_else(|e| panic!("{what}: {e:#}"));
        }
        for (what, sections) in off {
            assert!(wasmtime::Module::new(&engine, module(sections)).is_err(), "{what} is accepted");
        }
    }
}
