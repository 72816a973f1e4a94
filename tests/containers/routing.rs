//! Which backend runs what, and what a user hears of it.

use super::{builder, engine, output, run};
use bailiwick::{
    BackendChoice, BackendName, ContainersConfig, EngineErrorKind, ExecutionContext, Language,
    LanguageContainers, LimitOverrides,
};

fn nowhere() -> ContainersConfig {
    ContainersConfig { host: Some("unix:///nowhere/docker.sock".to_owned()), ..ContainersConfig::default() }
}

fn auto(language: Language, code: &str) -> (BackendName, String) {
    let result = run(language, code, &ExecutionContext::new());
    output(&result);
    (result.backend.unwrap(), result.routing)
}

#[test]
#[ignore = "needs a Docker daemon"]
fn imports_decide() {
    for code in ["print(1)", "import json, re, sqlite3", "try:\n  import numpy\nexcept ImportError: pass"] {
        assert_eq!(auto(Language::Python, code).0, BackendName::Wasm, "{code}");
    }
    for (code, module) in [
        ("import numpy as np\nprint(np.zeros(2))", "numpy"),
        ("def f():\n  from pandas import DataFrame\nf()", "pandas"),
        ("import importlib\nimportlib.import_module('scipy')", "scipy"),
        ("import fcntl", "fcntl"),
    ] {
        let (backend, why) = auto(Language::Python, code);
        assert_eq!(backend, BackendName::Docker, "{code}: {why}");
        assert_eq!(why, format!("`{module}` is in the docker backend only"), "{code}");
    }
    assert_eq!(auto(Language::JavaScript, "require('path')").0, BackendName::Wasm);
    assert_eq!(
        auto(Language::JavaScript, "const _ = require('lodash'); _.chunk([1, 2], 1)").0,
        BackendName::Docker
    );
    assert_eq!(auto(Language::JavaScript, "require('node:zlib')").0, BackendName::Docker);
    assert_eq!(auto(Language::Shell, "true").0, BackendName::Docker);
}

#[test]
#[ignore = "needs a Docker daemon"]
fn an_import_in_an_input_file_counts_and_one_of_an_input_file_does_not() {
    let context = ExecutionContext::new().file("helper.py", "import numpy\nx = numpy.ones(2).sum()");
    let result = run(Language::Python, "import helper\nprint(helper.x)", &context);
    assert_eq!((output(&result).as_str(), result.backend), ("2.0\n", Some(BackendName::Docker)));
    let context = ExecutionContext::new().file("pkg/__init__.py", "y = 3");
    let result = run(Language::Python, "import pkg\nprint(pkg.y)", &context);
    assert_eq!((output(&result).as_str(), result.backend), ("3\n", Some(BackendName::Wasm)));
}

#[test]
fn a_module_that_nobody_has_is_told_before_anything_runs() {
    let engine = builder(nowhere()).build().unwrap();
    let plain = ExecutionContext::new();
    let error = engine.execute_blocking("print(1)\nimport polarsky", Language::Python, &plain).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(&error.kind, EngineErrorKind::NoModule { module, .. } if module == "polarsky"),
        "{text}"
    );
    assert!(text.contains("pandas") && text.contains("sklearn"), "says what there is: {text}");
    // Whoever foresees it, or makes the module, is let run.
    for code in [
        "try:\n  import polarsky\nexcept ImportError:\n  print('none')",
        "open('made.py', 'w').write('x = 1')\nimport made\nprint(made.x)",
        "import sys, types\nsys.modules['made_up'] = types.ModuleType('made_up')\nimport made_up",
    ] {
        let result = engine.execute_blocking(code, Language::Python, &plain).unwrap();
        output(&result);
        assert_eq!(result.backend, Some(BackendName::Wasm), "{code}");
    }
    let asked = plain.clone().backend(BackendChoice::Wasm);
    let result = engine.execute_blocking("import polarsky", Language::Python, &asked).unwrap();
    assert!(result.stderr_text().contains("ModuleNotFoundError"), "the guest says it itself");
}

#[test]
fn without_docker_an_error_says_which_import_needed_it() {
    let engine = builder(nowhere()).build().unwrap();
    let plain = ExecutionContext::new();
    let error = engine.execute_blocking("import pandas", Language::Python, &plain).unwrap_err().to_string();
    assert!(
        error.starts_with("`pandas` is in the docker backend only, and no Docker daemon answers"),
        "{error}"
    );
    assert!(error.contains("DOCKER_HOST"), "{error}");
    let error = engine.execute_blocking("echo", Language::Shell, &plain).unwrap_err().to_string();
    assert!(error.starts_with("shell runs in a container, and no Docker daemon"), "{error}");
    let wasm = plain.clone().backend(BackendChoice::Wasm);
    let result = engine.execute_blocking("import pandas", Language::Python, &wasm).unwrap();
    assert_eq!(result.exit.exception().map(|e| e.type_name.as_str()), Some("ModuleNotFoundError"));
    // What needs no container is not held up by a daemon that is not there.
    output(&engine.execute_blocking("print(1)", Language::Python, &plain).unwrap());
    assert_eq!(engine.execution_history(10).unwrap().len(), 2, "what did not run is not in the history");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn packages_of_an_own_image_are_routed_to() {
    let config = ContainersConfig {
        python: LanguageContainers {
            image: Some("bailiwick/python:none-such".to_owned()),
            packages: vec!["polars".to_owned()],
            pool: None,
        },
        ..ContainersConfig::default()
    };
    let engine = builder(config).build().unwrap();
    let error =
        engine.execute_blocking("import polars", Language::Python, &ExecutionContext::new()).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`polars` is in the docker backend only"), "{text}");
    assert!(text.contains("the image bailiwick/python:none-such is not there"), "{text}");
    let error =
        engine.execute_blocking("import numpy", Language::Python, &ExecutionContext::new()).unwrap_err();
    assert!(
        matches!(error.kind, EngineErrorKind::NoModule { .. }),
        "an own image has what its owner says: {error}"
    );
}

#[test]
#[ignore = "needs a Docker daemon"]
fn fuel_that_is_asked_for_is_not_dropped() {
    let context = ExecutionContext::new().limits(LimitOverrides::new().fuel(1_000_000_000));
    let error = engine().execute_blocking("import numpy", Language::Python, &context).unwrap_err();
    assert!(matches!(error.kind, EngineErrorKind::Unenforceable { .. }), "{error}");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn an_environment_stays_where_its_first_execution_put_it() {
    let env = engine().prepare_environment(Language::Python).unwrap();
    let first =
        env.execute_blocking("import numpy as np\nx = np.arange(3)", &ExecutionContext::new()).unwrap();
    assert_eq!(first.backend, Some(BackendName::Docker));
    let second = env.execute_blocking("print(x.sum())", &ExecutionContext::new()).unwrap();
    assert_eq!((output(&second).as_str(), second.backend), ("3\n", Some(BackendName::Docker)));
    let asked = ExecutionContext::new().backend(BackendChoice::Wasm);
    let error = env.execute_blocking("1", &asked).unwrap_err();
    assert!(matches!(error.kind, EngineErrorKind::EnvironmentElsewhere { .. }), "{error}");
    assert!(engine().cleanup_environment(env.id()));
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_limit_that_one_backend_cannot_enforce_is_held_by_the_other() {
    let context = ExecutionContext::new().limits(LimitOverrides::new().cpu_cores(0.5));
    let result = run(Language::Python, "print(1)", &context);
    assert_eq!((output(&result).as_str(), result.backend), ("1\n", Some(BackendName::Docker)));
    assert!(result.routing.starts_with("the wasm backend cannot enforce"), "{}", result.routing);
    let error = engine()
        .execute_blocking("print(1)", Language::Python, &context.backend(BackendChoice::Wasm))
        .unwrap_err();
    assert!(matches!(error.kind, EngineErrorKind::Unenforceable { .. }), "{error}");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn what_is_left_out_of_the_artifacts_is_counted() {
    let context = ExecutionContext::new().collect_artifacts(true);
    let code = "for i in $(seq 5000); do : > f$i; done; printf x > $'bad\\xff'; mkdir -m 000 d; chmod 000 f1";
    let result = run(Language::Shell, code, &context);
    output(&result);
    // 5,001 files, of which 4,096 are sent; the odd name is among those or not.
    assert!((4095..=4096).contains(&result.artifacts.len()));
    assert_eq!(result.artifacts.len() + result.artifacts_left_out as usize, 5001);
    assert!(run(Language::Shell, ": > a", &context).artifacts_left_out == 0);
}
