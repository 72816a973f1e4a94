//! Which backend runs a request: decided before anything runs, from what the code imports.

use crate::Language;
use crate::backend::Backend;
use crate::engine::{ExecutionEngine, Inner};
use crate::environment::Entry;
use crate::error::{EngineError, EngineErrorKind};
use crate::outcome::BackendName;
use crate::policy::{Admitted, Import};
use crate::request::{BackendChoice, ExecutionContext};
use std::sync::Arc;

/// A run that is on its way through a backend.
pub(crate) struct Routed<'a> {
    pub(crate) backend: &'a dyn Backend,
    pub(crate) why: String,
}

impl ExecutionEngine {
    /// Chooses the backend.
    pub(crate) fn route(
        &self,
        admitted: &Admitted<'_>,
        context: &ExecutionContext,
        environment: Option<&Arc<Entry>>,
    ) -> Result<Routed<'_>, EngineError> {
        let language = admitted.language();
        let asked = asked(context.backend);
        let (backend, why) = match environment.and_then(|entry| Some((entry.id, entry.backend()?))) {
            Some((id, lives_in)) if asked.is_some_and(|asked| asked != lives_in) => {
                return Err(EngineErrorKind::EnvironmentElsewhere { id, lives_in }.into());
            }
            // Its interpreter and its files are there; what it cannot import, the code hears from it.
            Some((_, name)) => {
                (self.inner.backend(language, Some(name))?, "the environment lives there".to_owned())
            }
            None => self.choose(admitted, context.backend)?,
        };
        let cannot = |backend: &dyn Backend| backend.unenforceable(admitted.limits(), &context.limits);
        let (mut backend, mut why) = (backend, why);
        let unenforceable = cannot(backend).map_err(|error| needed(error.into(), &why, context.backend))?;
        if let Some(limit) = unenforceable {
            // Another backend that can hold the run to it, if it was left to us where to run.
            let free = asked.is_none() && environment.is_none_or(|entry| entry.backend().is_none());
            let other = self.inner.backends().find(|other| {
                free && other.name() != backend.name()
                    && other.supports(language)
                    && admitted.imports().iter().all(|i| i.guarded || other.provides(language, &i.module))
                    && matches!(cannot(*other), Ok(None))
            });
            let Some(other) = other else {
                return Err(EngineErrorKind::Unenforceable { backend: backend.name(), limit }.into());
            };
            why = format!("the {} backend cannot enforce {limit}", backend.name());
            backend = other;
        }
        if let Some(entry) = environment {
            entry.settle(backend.name());
        }
        Ok(Routed { backend, why })
    }

    fn choose(
        &self,
        admitted: &Admitted<'_>,
        choice: BackendChoice,
    ) -> Result<(&dyn Backend, String), EngineError> {
        let (inner, language) = (&*self.inner, admitted.language());
        let asked = asked(choice);
        let first = inner.backend(language, asked)?;
        if let Some(name) = asked {
            return Ok((first, format!("{name} was asked for")));
        }
        let mut backend = first;
        let mut why = match first.name() {
            BackendName::Wasm => {
                format!("the wasm guest has all that it imports, and runs {language} fastest")
            }
            BackendName::Docker => format!("{language} runs in a container"),
        };
        for Import { module, guarded } in admitted.imports() {
            if *guarded || backend.provides(language, module) {
                continue;
            }
            // What the first one has, the later ones have too.
            let other =
                inner.backends().find(|other| other.supports(language) && other.provides(language, module));
            match other {
                Some(other) => {
                    backend = other;
                    why = format!("`{module}` is in the {} backend only", other.name());
                }
                None if foreseen(admitted.code(), module) => {}
                None => return Err(unknown_module(inner, language, module).into()),
            }
        }
        Ok((backend, why))
    }
}

/// Adds to an error of Docker's why Docker was needed, where the caller did not ask for it.
pub(crate) fn needed(error: EngineError, why: &str, choice: BackendChoice) -> EngineError {
    match error.kind {
        EngineErrorKind::Backend(error)
            if choice == BackendChoice::Auto && error.backend == BackendName::Docker =>
        {
            EngineErrorKind::Needed { why: why.to_owned(), error }.into()
        }
        kind => kind.into(),
    }
}

fn asked(choice: BackendChoice) -> Option<BackendName> {
    match choice {
        BackendChoice::Auto => None,
        BackendChoice::Wasm => Some(BackendName::Wasm),
        BackendChoice::Docker => Some(BackendName::Docker),
    }
}

/// Whether code that imports a module nobody has may still know what it does: it makes the module itself, or catches the failure.
fn foreseen(code: &str, module: &str) -> bool {
    let makes = ["{}.py", "{}.js", "{}.mjs", "'{}'", "\"{}\""].iter().any(|form| {
        let text = form.replace("{}", module);
        // The import itself may be one of the last two forms.
        code.matches(&text).count() > usize::from(form.len() == 4 && imports_by_string(code, &text))
    });
    makes || code.contains("sys.path") || code.contains("catch")
}

fn imports_by_string(code: &str, quoted: &str) -> bool {
    ["require(", "from ", "import ", "import(", "import_module("]
        .iter()
        .any(|before| code.contains(&format!("{before}{quoted}")))
}

fn unknown_module(inner: &Inner, language: Language, module: &str) -> EngineErrorKind {
    let mut available: Vec<String> =
        inner.backends().flat_map(|backend| backend.packages(language)).collect();
    available.sort();
    available.dedup();
    EngineErrorKind::NoModule { language, module: module.to_owned(), available }
}

impl Inner {
    /// The first backend that runs a language, or the one that was asked for.
    pub(crate) fn backend(
        &self,
        language: Language,
        asked: Option<BackendName>,
    ) -> Result<&dyn Backend, EngineError> {
        self.backends()
            .find(|backend| asked.is_none_or(|name| backend.name() == name) && backend.supports(language))
            .ok_or_else(|| EngineErrorKind::NoBackend { language, asked }.into())
    }
}
