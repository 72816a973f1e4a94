//! Images: built from what comes with the crate, labelled, and reported when stale.

use super::{builder, docker, docker_error, engine, on_docker};
use bailiwick::{ContainersConfig, DockerErrorKind, ImageState, Language};

#[test]
#[ignore = "needs a Docker daemon"]
fn those_that_are_here_are_up_to_date() {
    for language in Language::ALL {
        let image = engine().image(language).unwrap();
        assert_eq!(image.state, ImageState::Current, "{}", image.name);
        assert_eq!(image.built_by.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    }
}

#[test]
#[ignore = "needs a Docker daemon"]
fn the_table_of_packages_is_what_the_image_has() {
    let names = engine().image(Language::Python).unwrap().packages;
    assert!(names.iter().any(|name| name == "pandas"));
    // pylab says that it is not to be imported, and does.
    let code = format!("import {}\nprint('all')", names.join(", "));
    let result = super::run(Language::Python, &code, &on_docker());
    assert_eq!(super::output(&result), "all\n");
    for name in engine().image(Language::JavaScript).unwrap().packages {
        let code = format!("console.log(typeof require('{name}'))");
        assert_eq!(super::output(&super::run(Language::JavaScript, &code, &on_docker())), "function\n");
    }
}

#[test]
#[ignore = "needs a Docker daemon"]
fn the_lists_of_modules_are_what_the_interpreters_say() {
    let code = "import sys\nprint('\\n'.join(sorted(set(sys.stdlib_module_names) | {'__main__'})))";
    let native = super::output(&super::run(Language::Python, code, &on_docker()));
    assert_eq!(native, include_str!("../../containers/modules/python.txt"));
    let code =
        "console.log(require('module').builtinModules.filter(m => !m.startsWith('_')).sort().join('\\n'))";
    let native = super::output(&super::run(Language::JavaScript, code, &on_docker()));
    let listed = include_str!("../../containers/modules/javascript.txt");
    let missing: Vec<_> = listed.lines().filter(|name| !native.lines().any(|n| n == *name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_stale_one_is_told_and_one_without_a_runner_refused() {
    let name = format!("bailiwick-test-stale:{}", std::process::id());
    let current = engine().image(Language::Shell).unwrap().name;
    let id = docker(&["create", "--label", "x=y", &current]);
    docker(&["commit", "--change", "LABEL bailiwick.inputs=other bailiwick.version=0.0.1", &id, &name]);
    docker(&["rm", &id]);
    let mut config = ContainersConfig::default();
    config.shell.image = Some(name.clone());
    let stale = builder(config).build().unwrap().image(Language::Shell).unwrap();
    assert_eq!((stale.state, stale.built_by.as_deref()), (ImageState::Stale, Some("0.0.1")));
    docker(&["rmi", &name]);
}

#[test]
#[ignore = "needs a Docker daemon"]
fn an_image_that_is_missing_or_not_ours_is_told() {
    let mut config = ContainersConfig::default();
    config.shell.image = Some("bailiwick-test-none:1".to_owned());
    let error =
        builder(config).build().unwrap().execute_blocking("echo", Language::Shell, &on_docker()).unwrap_err();
    assert!(error.to_string().contains("bailiwick images build shell"), "{error}");
    assert!(matches!(docker_error(error), DockerErrorKind::NoImage { .. }));
    // The base of our own images has no runner.
    let base = docker(&["image", "ls", "-q", "bailiwick-test-base"]);
    if let Some(base) = base.lines().next() {
        let mut config = ContainersConfig::default();
        config.shell.image = Some(base.to_owned());
        let engine = builder(config).build().unwrap();
        let error = engine.execute_blocking("echo", Language::Shell, &on_docker()).unwrap_err();
        assert!(error.to_string().contains("has no runner"), "{error}");
        assert!(matches!(docker_error(error), DockerErrorKind::NoRunner { .. }));
    }
}
