//! The `bailiwick` command, run as a user runs it.

use super::cache_dir;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The command with a home of its own.
fn bailiwick(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bailiwick"));
    command.env_clear().env("HOME", home).stdin(Stdio::null());
    // A measurement of coverage counts the command too.
    if let Some(file) = std::env::var_os("LLVM_PROFILE_FILE") {
        command.env("LLVM_PROFILE_FILE", file);
    }
    // Whether there is Docker makes no difference to these tests.
    command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
    // The guests are compiled once for all tests.
    command.env("XDG_CACHE_HOME", cache_dir().join("command"));
    command
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn run(args: &[&str]) -> Output {
    let home = home();
    bailiwick(home.path()).args(args).output().unwrap()
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn runs_code_files_and_standard_input() {
    let output = run(&["run", "-c", "print(sum(range(10)))"]);
    assert_eq!((text(&output.stdout).as_str(), status(&output)), ("45\n", 0), "{}", text(&output.stderr));
    let home = home();
    let file = home.path().join("prog.js");
    fs::write(&file, "console.log(6 * 7)").unwrap();
    let output = bailiwick(home.path()).arg("run").arg(&file).output().unwrap();
    assert_eq!(text(&output.stdout), "42\n", "{}", text(&output.stderr));
    let script = home.path().join("code.py");
    fs::write(&script, "print('from a pipe')").unwrap();
    let output =
        bailiwick(home.path()).args(["run", "-"]).stdin(fs::File::open(script).unwrap()).output().unwrap();
    assert_eq!(text(&output.stdout), "from a pipe\n", "{}", text(&output.stderr));
}

#[test]
fn exit_statuses_are_as_documented() {
    for (args, expected) in [
        (&["run", "-c", "raise SystemExit(3)"][..], 3),
        (&["run", "-c", "1 / 0"], 1),
        (&["run", "--timeout", "0.3", "-c", "while True: pass"], 124),
        (&["run", "--fuel", "100000000", "-c", "while True: pass"], 124),
        (&["run", "--memory-mb", "64", "-c", "bytearray(10**9)"], 137),
        (&["run", "--max-output-kb", "8", "-c", "while True: print('x')"], 141),
        (&["run", "-c", "import os"], 126),
        (&["run", "-l", "shell", "--backend", "wasm", "-c", "echo hi"], 125),
        (&["run", "--memory-mb", "999999", "-c", "1"], 125),
        (&["run", "no-such-file.py"], 125),
        (&["run", "--bogus"], 125),
        (&["check", "-c", "import os"], 126),
        (&["check", "-c", "print(1)"], 0),
        (&["--help"], 0),
        (&["runtimes", "verify"], 0),
        (&["runtimes", "list"], 0),
    ] {
        let output = run(args);
        assert_eq!(status(&output), expected, "{args:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    }
}

#[test]
fn json_is_one_object_of_the_documented_shape() {
    let output = run(&["run", "--json", "-c", "print('out')\n[1, 'a']"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["stdout"], "out\n");
    assert_eq!(json["value"], serde_json::json!([1, "a"]));
    assert_eq!(json["language"], "python");
    assert_eq!(json["backend"], "wasm");
    assert_eq!(json["exit"]["kind"], "exited");
    for key in ["execution_id", "stderr", "truncated", "artifacts", "policy"] {
        assert!(json.get(key).is_some(), "{key} is missing");
    }
    for key in ["wall_ms", "cpu_ms", "fuel", "peak_memory_bytes", "disk_bytes"] {
        assert!(json["usage"][key].is_number(), "{key} is missing");
    }
    let output = run(&["run", "--json", "-c", "import os"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["exit"]["kind"].as_str(), status(&output)), (Some("denied"), 126));
    assert!(json["policy"]["findings"][0]["rule"].is_string(), "{json}");
}

#[test]
fn files_go_in_and_out() {
    let home = home();
    fs::write(home.path().join("a.csv"), "1,2\n").unwrap();
    let out = home.path().join("out");
    let code = "rows = open('data/in.csv').read()\nopen('copy.csv', 'w').write(rows * 2)";
    let spec = format!("{}:data/in.csv", home.path().join("a.csv").display());
    let output = bailiwick(home.path())
        .args(["run", "--policy", "permissive", "--file", &spec, "--out"])
        .arg(&out)
        .args(["-c", code])
        .output()
        .unwrap();
    assert_eq!(status(&output), 0, "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(out.join("copy.csv")).unwrap(), "1,2\n1,2\n");
}

#[test]
fn an_artifact_never_leaves_the_out_directory() {
    let home = home();
    let (out, outside) = (home.path().join("out"), home.path().join("outside"));
    fs::create_dir_all(&out).unwrap();
    fs::create_dir_all(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, out.join("link")).unwrap();
    let code = "import os\nos.mkdir('link')\nopen('link/x', 'w').write('x')";
    let output = bailiwick(home.path())
        .args(["run", "--policy", "permissive", "--out"])
        .arg(&out)
        .args(["-c", code])
        .output()
        .unwrap();
    assert_eq!(status(&output), 125, "{}", text(&output.stderr));
    assert!(!outside.join("x").exists());
}

#[test]
fn standard_input_and_arguments_reach_the_guest() {
    let home = home();
    let input = home.path().join("in.txt");
    fs::write(&input, "typed\n").unwrap();
    let output = bailiwick(home.path())
        .args(["run", "--stdin"])
        .arg(&input)
        .args(["-c", "print(input())"])
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout), "typed\n");
    let output = bailiwick(home.path())
        .args(["run", "-c", "print(input())"])
        .stdin(fs::File::open(&input).unwrap())
        .output()
        .unwrap();
    assert!(
        text(&output.stderr).contains("EOFError"),
        "without --stdin there is none: {}",
        text(&output.stderr)
    );
    let output = run(&[
        "run",
        "--policy",
        "permissive",
        "--env",
        "K=v w",
        "-c",
        "import sys, os\nprint(sys.argv[1:], os.environ['K'])",
        "--",
        "a",
        "-b",
    ]);
    assert_eq!(text(&output.stdout), "['a', '-b'] v w\n", "{}", text(&output.stderr));
}

#[test]
fn history_shows_what_ran() {
    let home = home();
    for code in ["print(1)", "1 / 0", "import os"] {
        bailiwick(home.path()).args(["run", "-c", code]).output().unwrap();
    }
    let output = bailiwick(home.path()).args(["history", "--json"]).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let kinds: Vec<_> =
        json.as_array().unwrap().iter().map(|record| record["exit"]["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["denied", "exception", "exited"]);
    let output = bailiwick(home.path()).args(["history", "--limit", "1"]).output().unwrap();
    assert!(text(&output.stdout).contains("denied by policy"), "{}", text(&output.stdout));
    assert_eq!(text(&output.stdout).lines().count(), 2);
}

#[test]
fn a_killed_run_shows_in_the_history() {
    let home = home();
    let mut child = bailiwick(home.path())
        .args(["run", "-c", "print('up')\nwhile True: pass"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 3];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let output = bailiwick(home.path()).args(["history", "--json"]).output().unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json[0]["state"], "interrupted", "{json}");
}

#[test]
fn control_c_stops_the_guest() {
    let home = home();
    for code in ["print('up')\nwhile True: pass", "print('up')\nimport time\ntime.sleep(25)"] {
        let mut child = bailiwick(home.path())
            .args(["run", "-c", code])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = [0; 3];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        let start = Instant::now();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(130), "{code}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_run() {
    let home = home();
    let mut child = bailiwick(home.path())
        .args(["run", "-c", "while True: print('x' * 100)"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 100];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut some).unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(141));
}

#[test]
fn it_runs_without_a_home_or_a_usable_cache() {
    let home = home();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    for (name, value) in [("XDG_CACHE_HOME", file.as_path()), ("HOME", Path::new("relative"))] {
        let mut command = bailiwick(home.path());
        if name == "HOME" {
            command.env_remove("XDG_CACHE_HOME");
        }
        let output = command
            .env(name, value)
            .args(["run", "-l", "javascript", "-c", "console.log(1)"])
            .output()
            .unwrap();
        assert_eq!(
            (text(&output.stdout).as_str(), status(&output)),
            ("1\n", 0),
            "{name}: {}",
            text(&output.stderr)
        );
        assert!(text(&output.stderr).contains("compiles them anew"), "{name}: {}", text(&output.stderr));
    }
}

#[test]
fn processes_that_share_an_empty_cache_all_run() {
    let home = home();
    let cache = home.path().join("cache");
    let children: Vec<_> = (0..3)
        .map(|n| {
            bailiwick(home.path())
                .env("XDG_CACHE_HOME", &cache)
                .args(["run", "-l", "javascript", "-c", &format!("console.log({n})")])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for (n, child) in children.into_iter().enumerate() {
        let output = child.wait_with_output().unwrap();
        assert_eq!(text(&output.stdout), format!("{n}\n"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_damaged_cache_is_made_anew() {
    let home = home();
    let cache = home.path().join("cache");
    let run = || {
        bailiwick(home.path())
            .env("XDG_CACHE_HOME", &cache)
            .args(["run", "-l", "javascript", "-c", "console.log(1)"])
            .output()
            .unwrap()
    };
    assert_eq!(text(&run().stdout), "1\n");
    for entry in fs::read_dir(cache.join("bailiwick")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "cwasm") {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        }
    }
    let again = run();
    assert_eq!(text(&again.stdout), "1\n", "{}", text(&again.stderr));
}

#[test]
fn check_points_at_the_place() {
    let output = run(&["check", "-c", "x = 1\nimport subprocess\n"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("<string>:2:"), "{shown}");
    assert!(shown.contains("import subprocess") && shown.contains('^'), "{shown}");
    let output = run(&["check", "--json", "-c", "eval('1')"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["allowed"], false);
    assert_eq!(json["findings"][0]["line"], 1);
}

#[test]
fn doctor_says_what_works() {
    let output = run(&["doctor"]);
    let shown = text(&output.stdout);
    assert_eq!(status(&output), 0, "{shown}");
    assert!(shown.contains("a run of python") && shown.contains("a run of javascript"), "{shown}");
}
