//! The command, where it meets Docker.

use super::{bailiwick, docker};
use std::process::{Output, Stdio};
use std::time::Duration;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(args: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    bailiwick(home.path()).args(args).output().unwrap()
}

#[test]
#[ignore = "needs a Docker daemon"]
fn the_examples_of_the_readme() {
    let pandas = "import pandas as pd; print(pd.DataFrame({\"a\":[1,2]}).sum())";
    let output = run(&["run", "-c", pandas]);
    assert_eq!(text(&output.stdout), "a    3\ndtype: int64\n", "{}", text(&output.stderr));
    let output = run(&["run", "-l", "shell", "-c", "echo hi | tr a-z A-Z"]);
    assert_eq!((text(&output.stdout).as_str(), text(&output.stderr).as_str()), ("HI\n", ""));
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_plot_comes_out_as_a_picture() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let code =
        "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()\nplt.figure()\nplt.plot([2, 1])";
    let output = bailiwick(home.path()).args(["run", "--out"]).arg(&out).args(["-c", code]).output().unwrap();
    assert_eq!((text(&output.stderr).as_str(), output.status.code()), ("", Some(0)));
    for name in ["figure-1.png", "figure-2.png"] {
        let bytes = std::fs::read(out.join(name)).unwrap();
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n", "{name}");
        assert!(bytes.len() > 2000, "{name} is empty");
    }
}

#[test]
#[ignore = "needs a Docker daemon"]
fn an_interrupt_ends_it_and_leaves_no_container() {
    let home = tempfile::tempdir().unwrap();
    let mut child = bailiwick(home.path())
        .args(["run", "-l", "shell", "-c", "echo started; sleep 60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 8];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    assert_eq!(&first, b"started\n");
    let pid = child.id();
    assert_eq!(super::containers_of_pid(pid).len(), 1);
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // The command itself waits for that.
    assert!(super::containers_of_pid(pid).is_empty());
}

#[test]
#[ignore = "needs a Docker daemon"]
fn doctor_and_the_list_of_images_say_how_things_are() {
    let output = run(&["doctor"]);
    let printed = text(&output.stdout);
    for expected in ["ok    docker daemon: ", "ok    docker limits: ", "ok    a container of shell: "] {
        assert!(printed.contains(expected), "{printed}");
    }
    let printed = text(&run(&["images", "list"]).stdout);
    assert!(printed.contains("up to date") && printed.contains("pandas"), "{printed}");
    let home = tempfile::tempdir().unwrap();
    let output = bailiwick(home.path()).arg("doctor").env("DOCKER_HOST", "unix:///nowhere").output().unwrap();
    assert!(text(&output.stdout).contains("warn  docker daemon: no Docker daemon answers"));
    assert_eq!(output.status.code(), Some(0), "wasm does without");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn json_tells_the_backend_and_why() {
    let output = run(&["run", "--json", "-c", "import numpy\nint(numpy.arange(4).sum())"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["backend"], "docker");
    assert_eq!(json["routing"], "`numpy` is in the docker backend only");
    assert_eq!(json["value"], 6);
    assert!(json["usage"]["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(json["usage"]["cpu_ms"].as_f64().unwrap() > 1.0);
    assert_eq!(json["usage"]["fuel"], serde_json::Value::Null);
}

#[test]
#[ignore = "needs a Docker daemon"]
fn an_image_on_ones_own_base_is_built_and_run() {
    let base = docker(&["image", "ls", "-q", "bailiwick-test-base"]);
    let Some(base) = base.lines().next() else { return };
    let tag = format!("bailiwick-test-own:{}", std::process::id());
    let output = run(&["images", "build", "shell", "--base", base, "--tag", &tag, "--quiet"]);
    assert_eq!(text(&output.stdout), format!("shell: {tag}\n"), "{}", text(&output.stderr));
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("containers.yaml");
    std::fs::write(&config, format!("shell: {{ image: '{tag}' }}\nstart_timeout: 20 s\n")).unwrap();
    let output = bailiwick(home.path())
        .args(["run", "-l", "shell", "-c", "echo own", "--containers"])
        .arg(&config)
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "own\n", "{}", text(&output.stderr));
    docker(&["rmi", &tag]);
    std::fs::write(&config, "shelll: {}\n").unwrap();
    let output =
        bailiwick(home.path()).args(["images", "list", "--containers"]).arg(&config).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(
        text(&output.stderr).contains("containers.yaml:1:1: unknown field `shelll`"),
        "{}",
        text(&output.stderr)
    );
    std::thread::sleep(Duration::ZERO);
}
