//! Taking the snapshot that a guest starts from. For building `wasm-runtimes/dist/` only.

use super::USR_SECTION;
use super::session::{bare_state, on_fiber};
use super::state::GuestState;
use super::usr::{Archive, UsrTree};
use super::wasi;
use crate::backend::{Output, Sink};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmparser::ValType;
use wasmtime::{Config, Engine, Instance, Linker, Module, Store, Val};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wizer::{InstanceState, SnapshotVal, Wizer};

/// The guest's export that starts its interpreter.
const INIT: &str = "bailiwick_init";
/// The environment that every run starts with.
const BASE_ENV: [(&str, &str); 6] = [
    ("HOME", "/workspace"),
    ("PATH", "/usr/bin"),
    ("LANG", "C.UTF-8"),
    ("TZ", "UTC"),
    ("TMPDIR", "/tmp"),
    ("PWD", "/workspace"),
];

/// Runs `bailiwick_init` of a guest as it was linked and returns the module with its memory as it is then, with the archive
/// of `/usr` in a custom section.
///
/// # Errors
/// If the module does not compile, or its initialisation fails; what it wrote is on standard error by then.
pub fn take(raw: &[u8], usr: Option<Vec<u8>>) -> wasmtime::Result<Vec<u8>> {
    let mut config = Config::new();
    config.max_wasm_stack(super::MAX_WASM_STACK);
    config.async_stack_size(super::MAX_WASM_STACK + super::HOST_CALL_STACK);
    let engine = Engine::new(&config)?;
    let mut linker: Linker<GuestState> = Linker::new(&engine);
    wasi::add_to_linker(&mut linker)?;
    let archive = usr.as_ref().map_or(Archive::Empty, |tar| Archive::Memory(tar.as_slice().into()));
    let mut state = bare_state(Arc::new(UsrTree::new(archive)), Instant::now());
    state.wasi = WasiCtxBuilder::new().envs(&BASE_ENV).build_p1();
    state.control.deadline = Instant::now() + Duration::from_secs(600);
    state.fds.set_limit(64);
    state.fs.set_quota(64 << 20);
    state.limiter.limit = 1 << 30;
    let sink: Sink = Arc::new(|_, bytes| eprint!("{}", String::from_utf8_lossy(bytes)));
    state.stdio.output = Output::new(1 << 20, Some(sink));
    let mut store = Store::new(&engine, state);
    store.limiter(|state| &mut state.limiter);
    let mut wizer = Wizer::new();
    wizer.init_func(INIT);
    let (context, instrumented) = wizer.instrument(raw).map_err(wasmtime::Error::msg)?;
    let compiled = Module::new(&engine, instrumented)?;
    let instance = on_fiber(linker.instantiate_async(&mut store, &compiled))?;
    for name in ["_initialize", INIT] {
        if let Some(function) = instance.get_func(&mut store, name) {
            let function = function.typed::<(), ()>(&store)?;
            on_fiber(function.call_async(&mut store, ()))?;
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut state = Live { store: &mut store, instance };
    let mut module = runtime.block_on(wizer.snapshot(&context, &mut state)).map_err(wasmtime::Error::msg)?;
    if let Some(tar) = usr {
        let mut body = leb128(USR_SECTION.len());
        body.extend_from_slice(USR_SECTION.as_bytes());
        body.extend_from_slice(&tar);
        module.push(0);
        module.extend(leb128(body.len()));
        module.extend(body);
    }
    Ok(module)
}

/// Lets wizer read the instance.
struct Live<'a> {
    store: &'a mut Store<GuestState>,
    instance: Instance,
}

impl InstanceState for Live<'_> {
    async fn global_get(&mut self, name: &str, _: ValType) -> SnapshotVal {
        let global = self.instance.get_global(&mut *self.store, name).expect("wizer exports every global");
        match global.get(&mut *self.store) {
            Val::I32(value) => SnapshotVal::I32(value),
            Val::I64(value) => SnapshotVal::I64(value),
            Val::F32(bits) => SnapshotVal::F32(bits),
            Val::F64(bits) => SnapshotVal::F64(bits),
            other => unreachable!("a guest's global holds a number, not {other:?}"),
        }
    }

    async fn memory_contents(&mut self, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        let memory = self.instance.get_memory(&mut *self.store, name).expect("wizer exports the memory");
        contents(memory.data(&*self.store));
    }
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
