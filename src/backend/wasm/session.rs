//! One guest instance: made, run once or several times, classified.

use super::WasmBackend;
use super::state::{Fds, GuestState, Limiter, Report, Stdio};
use super::ticker::Ticker;
use super::usr::UsrTree;
use super::vfs::Vfs;
use super::wasi::thread_cpu;
use crate::backend::{BackendError, BackendErrorKind, Finished, Job, Output, Place, Session, request};
use crate::control::{CancelToken, RunControl, Stop};
use crate::limits::ByteSize;
use crate::outcome::{Artifact, ExceptionInfo, ExitKind, Value};
use crate::policy::Admitted;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use wasmtime::{Memory, Store, Trap, TypedFunc, UpdateDeadline};
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

/// Fuel for a guest to run its own constructors and to take in a request.
const SETUP_FUEL: u64 = 10_000_000_000;
/// Fuel and time for a stopped guest to write out what it still buffers.
const SALVAGE_FUEL: u64 = 100_000_000;
const SALVAGE_TIME: Duration = Duration::from_millis(50);

/// A live guest.
pub(super) struct WasmSession {
    store: Store<GuestState>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    run: TypedFunc<(u32, u32), i32>,
    salvage: Option<TypedFunc<(), ()>>,
    ticker: Arc<Ticker>,
    first: bool,
    /// Whether this instance is made for one run alone.
    single: bool,
    // Last, so that the instance is gone when its place is free.
    _place: Place,
}

fn control(job: &Job<'_>, start: Instant) -> RunControl {
    RunControl { deadline: start + job.admitted.limits().wall_time, cancel: job.cancel.clone() }
}

/// Runs a guest call to its end. It never waits: host calls are synchronous, and the fiber is there for its stack.
pub(super) fn on_fiber<T>(call: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(wasmtime::Error::msg("a host call suspended the guest")),
    }
}

/// The state of an instance that may do nothing yet: no room for output, memory or files.
pub(super) fn bare_state(usr: Arc<UsrTree>, epoch: Instant) -> GuestState {
    GuestState {
        wasi: WasiCtxBuilder::new().build_p1(),
        fs: Vfs::new(usr, 0),
        fds: Fds::new(),
        stdio: Stdio { stdin: Vec::new(), stdin_position: 0, output: Output::new(0, None), last_write: None },
        limiter: Limiter::new(0),
        control: RunControl { deadline: epoch, cancel: CancelToken::default() },
        report: Report::default(),
        memory: None,
        epoch,
        start: epoch,
        cpu_start: thread_cpu(),
        gauge: None,
    }
}

fn internal(error: &wasmtime::Error) -> BackendError {
    BackendError::wasm(BackendErrorKind::Guest(format!("{error:#}")))
}

impl WasmSession {
    /// Makes an instance for `job`, with the job's limits in force from the start. Returns when the run's clock started, too.
    pub(super) fn open(
        backend: &WasmBackend,
        job: &Job<'_>,
        single: bool,
    ) -> Result<(Self, Instant), BackendError> {
        let ready = backend.ready(job.admitted.language())?;
        let place = backend
            .places
            .take(backend.queue_timeout)
            .ok_or_else(|| BackendError::wasm(BackendErrorKind::Busy(backend.queue_timeout)))?;
        let start = Instant::now();
        let limits = job.admitted.limits();
        let mut state = bare_state(Arc::clone(&ready.usr), start);
        state.control = control(job, start);
        state.limiter.limit = limits.memory.as_usize();
        let mut store = Store::new(&backend.engine, state);
        store.limiter(|state| &mut state.limiter);
        let ticker = Arc::clone(&backend.ticker);
        store.epoch_deadline_callback(move |store| {
            let state = store.data();
            if let Some(gauge) = &state.gauge {
                gauge.sample(state.usage());
            }
            match state.control.check() {
                // Another run's deadline woke this one, or it was to be measured.
                Ok(()) => Ok(UpdateDeadline::Continue(1)),
                // It has just written, and its interpreter may not have noted that yet: stopped now, it would write the same again
                // when what it buffers is saved. Its next write, or the next look, ends it.
                Err(_) if state.stdio.has_just_written() => {
                    ticker.nudge();
                    Ok(UpdateDeadline::Continue(1))
                }
                Err(stop) => Err(wasmtime::Error::new(stop)),
            }
        });
        store.set_epoch_deadline(1);
        store.set_fuel(SETUP_FUEL).map_err(|error| internal(&error))?;
        let instance = match on_fiber(ready.pre.instantiate_async(&mut store)) {
            Ok(instance) => instance,
            Err(_) if store.data().limiter.refused => {
                return Err(BackendError::wasm(BackendErrorKind::MemoryTooSmall {
                    limit: limits.memory,
                    language: job.admitted.language(),
                }));
            }
            Err(error) => return Err(internal(&error)),
        };
        let missing =
            |what: &str| BackendError::wasm(BackendErrorKind::Guest(format!("`{what}` is not a function")));
        let func = |store: &mut Store<GuestState>, export| {
            instance.get_module_export(store, export).and_then(wasmtime::Extern::into_func)
        };
        let memory = instance
            .get_module_export(&mut store, &ready.memory)
            .and_then(wasmtime::Extern::into_memory)
            .ok_or_else(|| missing("memory"))?;
        let alloc = func(&mut store, &ready.alloc).ok_or_else(|| missing("bailiwick_alloc"))?;
        let alloc = alloc.typed(&store).map_err(|error| internal(&error))?;
        let run = func(&mut store, &ready.run).ok_or_else(|| missing("bailiwick_run"))?;
        let run = run.typed(&store).map_err(|error| internal(&error))?;
        let salvage = ready.salvage.as_ref().and_then(|export| func(&mut store, export));
        let salvage = salvage.and_then(|func| func.typed(&store).ok());
        store.data_mut().memory = Some(memory);
        let session = Self {
            store,
            memory,
            alloc,
            run,
            salvage,
            ticker: Arc::clone(&backend.ticker),
            first: true,
            single,
            _place: place,
        };
        Ok((session, start))
    }

    /// Runs one request in this instance.
    pub(super) fn run_job(&mut self, job: &Job<'_>, start: Instant) -> Result<Finished, BackendError> {
        let control = control(job, start);
        self.prepare(job, control.clone(), start)?;
        let limits = job.admitted.limits();
        let fuel = limits.fuel.unwrap_or(u64::MAX);
        let ticker = Arc::clone(&self.ticker);
        let watch = ticker.watch(&control, job.gauge.every());
        self.store.set_epoch_deadline(1);
        self.store.set_fuel(fuel).map_err(|error| internal(&error))?;
        let result = match control.check() {
            // The deadline may have passed, and the ticker ticked, before the epoch deadline was set.
            Err(stop) => Err(wasmtime::Error::new(stop)),
            Ok(()) => self.call(job.admitted),
        };
        let used = fuel.saturating_sub(self.store.get_fuel().unwrap_or(0));
        drop(watch);
        self.first = false;
        let (exit, intact) = self.classify(result, job)?;
        if !intact && !matches!(exit, ExitKind::OutputLimit { .. }) {
            self.salvage(&ticker);
        }
        Ok(self.finish(job, exit, intact, used))
    }

    /// Sets what belongs to one request: limits, standard input and output, files.
    fn prepare(&mut self, job: &Job<'_>, control: RunControl, start: Instant) -> Result<(), BackendError> {
        let limits = job.admitted.limits();
        let state = self.store.data_mut();
        state.control = control;
        state.fs.set_quota(limits.disk.bytes());
        state.fds.set_limit(limits.open_files);
        state.limiter.limit = limits.memory.as_usize();
        state.limiter.peak = state.limiter.current;
        state.limiter.refused = false;
        state.report = Report::default();
        state.cpu_start = thread_cpu();
        state.start = start;
        state.gauge = job.gauge.every().map(|_| Arc::clone(&job.gauge));
        state.stdio.stdin = job.admitted.stdin().to_vec();
        state.stdio.stdin_position = 0;
        state.stdio.output = Output::new(limits.output.as_usize(), job.sink.clone());
        for file in job.admitted.files() {
            state.fs.put(&file.path, &file.bytes).map_err(|errno| {
                BackendError::wasm(BackendErrorKind::InputFile {
                    path: file.path.clone(),
                    full: errno == super::errno::Errno::Nospc,
                    limit: limits.disk,
                })
            })?;
        }
        Ok(())
    }

    /// Hands the request over and runs it; the guest's exit code.
    fn call(&mut self, admitted: &Admitted) -> wasmtime::Result<i32> {
        let request = request::encode(admitted, self.first, self.single);
        let len = u32::try_from(request.len())
            .map_err(|_| wasmtime::Error::msg("the request is larger than 4 GiB"))?;
        let at = on_fiber(self.alloc.call_async(&mut self.store, len))?;
        if at == 0 {
            // As the interpreter itself would have it.
            self.store.data_mut().limiter.refused = true;
            return Err(Trap::UnreachableCodeReached.into());
        }
        self.memory.write(&mut self.store, at as usize, &request)?;
        on_fiber(self.run.call_async(&mut self.store, (at, len)))
    }

    /// What the end of the call means, and whether the guest can be used again.
    fn classify(
        &mut self,
        result: wasmtime::Result<i32>,
        job: &Job<'_>,
    ) -> Result<(ExitKind, bool), BackendError> {
        let limits = job.admitted.limits();
        let state = self.store.data_mut();
        let exception = state.report.exception_type.take().map(|type_name| ExceptionInfo {
            type_name,
            message: state.report.exception_message.take().unwrap_or_default(),
        });
        let error = match result {
            Ok(code) => return Ok((self.ended(code, exception, job), true)),
            Err(error) => error,
        };
        if let Some(stop) = error.downcast_ref::<Stop>() {
            let exit = match stop {
                Stop::TimedOut => ExitKind::TimedOut { limit: limits.wall_time },
                Stop::Cancelled => ExitKind::Cancelled,
                Stop::OutputLimit => ExitKind::OutputLimit { limit: limits.output },
            };
            return Ok((exit, false));
        }
        if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
            return Ok((self.ended(*code, exception, job), false));
        }
        let Some(trap) = error.downcast_ref::<Trap>() else { return Err(internal(&error)) };
        let message = match trap {
            Trap::OutOfFuel => {
                return Ok((ExitKind::FuelExhausted { limit: limits.fuel.unwrap_or(u64::MAX) }, false));
            }
            // An interpreter that cannot even report that memory ran out gives up with `unreachable`.
            Trap::UnreachableCodeReached | Trap::MemoryOutOfBounds if state.limiter.refused => {
                return Ok((ExitKind::MemoryLimit { limit: limits.memory, exception }, false));
            }
            Trap::StackOverflow => "the call stack is exhausted: the recursion is too deep".to_owned(),
            Trap::MemoryOutOfBounds => {
                "an access outside the guest's memory (its own stack overflowed, say)".to_owned()
            }
            other => other.to_string(),
        };
        Ok((ExitKind::Trap { message }, false))
    }

    /// How a guest that ended of itself ended.
    fn ended(&self, code: i32, exception: Option<ExceptionInfo>, job: &Job<'_>) -> ExitKind {
        let state = self.store.data();
        let limits = job.admitted.limits();
        let Some(exception) = exception else { return ExitKind::Exited { code } };
        let type_name = exception.type_name.as_str();
        if state.limiter.refused && is_memory_error(type_name, &exception.message) {
            return ExitKind::MemoryLimit { limit: limits.memory, exception: Some(exception) };
        }
        if state.fs.refused() && is_disk_error(type_name, &exception.message) {
            return ExitKind::DiskLimit { limit: limits.disk, code, exception: Some(exception) };
        }
        ExitKind::Exception { code, exception }
    }

    /// Lets a stopped guest write out what it still buffers. Whatever goes wrong here changes nothing.
    fn salvage(&mut self, ticker: &Ticker) {
        let Some(salvage) = self.salvage.clone() else { return };
        let control = RunControl { deadline: Instant::now() + SALVAGE_TIME, cancel: CancelToken::default() };
        let watch = ticker.watch(&control, None);
        self.store.data_mut().control = control.clone();
        self.store.set_epoch_deadline(1);
        if self.store.set_fuel(SALVAGE_FUEL).is_ok() {
            let _ = on_fiber(salvage.call_async(&mut self.store, ()));
        }
        drop(watch);
    }

    fn finish(&mut self, job: &Job<'_>, exit: ExitKind, intact: bool, fuel: u64) -> Finished {
        let state = self.store.data_mut();
        let artifacts = if job.admitted.collect_artifacts() {
            let found = state.fs.workspace_files();
            found.into_iter().map(|file| Artifact::new(file.path, file.bytes)).collect()
        } else {
            Vec::new()
        };
        let value = Value::from_reports(state.report.value_json.take(), state.report.value_repr.take());
        state.gauge = None;
        job.gauge.sample(state.usage().with_disk(ByteSize::from_bytes(state.fs.peak())));
        state.stdio.stdin = Vec::new();
        let output = std::mem::replace(&mut state.stdio.output, Output::new(0, None));
        Finished {
            exit,
            stdout: output.stdout,
            stderr: output.stderr,
            truncated: output.truncated,
            value,
            artifacts,
            artifacts_left_out: 0,
            fuel: Some(fuel),
            reusable: intact,
        }
    }
}

impl Session for WasmSession {
    fn run(&mut self, job: &Job<'_>) -> Result<Finished, BackendError> {
        self.run_job(job, Instant::now())
    }
}

fn is_memory_error(type_name: &str, message: &str) -> bool {
    match type_name {
        "MemoryError" => true,
        "InternalError" | "RangeError" | "Error" => message.contains("out of memory"),
        _ => false,
    }
}

fn is_disk_error(type_name: &str, message: &str) -> bool {
    let named = matches!(type_name, "OSError" | "Error" | "sqlite3.OperationalError");
    named
        && (message.contains("No space left")
            || message.contains("ENOSPC")
            || message.contains("disk is full"))
}
