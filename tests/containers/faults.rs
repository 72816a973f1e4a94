//! What happens when the daemon, or somebody else, does not do as it should: a typed error, soon, and nothing left.

use super::{builder, containers_of_pid, docker, docker_error, engine, on_docker, output, soon};
use bailiwick::{
    ContainersConfig, DockerErrorKind, EngineError, EngineErrorKind, ExecutionContext, ExecutionEngine,
    ExecutionResult, ExitKind, Language, LimitOverrides,
};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn at(host: &str) -> ContainersConfig {
    ContainersConfig {
        host: Some(host.to_owned()),
        start_timeout: Duration::from_secs(5),
        ..ContainersConfig::default()
    }
}

fn first_error(config: ContainersConfig) -> DockerErrorKind {
    let engine = builder(config).build().unwrap();
    docker_error(engine.execute_blocking("echo", Language::Shell, &on_docker()).unwrap_err())
}

#[test]
fn no_daemon_is_a_typed_error() {
    assert!(matches!(first_error(at("unix:///nowhere/docker.sock")), DockerErrorKind::NoDaemon(_)));
    assert!(matches!(first_error(at("tcp://127.0.0.1:1")), DockerErrorKind::NoDaemon(_)));
    assert!(matches!(first_error(at("ssh://somewhere")), DockerErrorKind::Address(_)));
    assert!(matches!(first_error(at("nonsense")), DockerErrorKind::Address(_)));
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    drop(UnixListener::bind(&socket).unwrap());
    let host = format!("unix://{}", socket.display());
    assert!(matches!(first_error(at(&host)), DockerErrorKind::NoDaemon(_)), "nobody listens");
}

#[test]
fn a_daemon_that_talks_nonsense_or_not_at_all_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"220 welcome\r\n\r\n");
        }
    });
    let host = format!("unix://{}", socket.display());
    assert!(matches!(first_error(at(&host)), DockerErrorKind::NoDaemon(_)));
}

#[test]
fn a_socket_that_one_may_not_use_is_told() {
    if rustix::process::geteuid().is_root() {
        // Root may use any; the command run as another user sees it.
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let socket = dir.path().join("s");
        let _listener = UnixListener::bind(&socket).unwrap();
        std::fs::set_permissions(&socket, PermissionsExt::from_mode(0o600)).unwrap();
        let binary = dir.path().join("bailiwick");
        std::fs::copy(env!("CARGO_BIN_EXE_bailiwick"), &binary).unwrap();
        let output = Command::new("setpriv")
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(&binary)
            .args(["run", "-l", "shell", "-c", "echo"])
            .env_clear()
            .env("DOCKER_HOST", format!("unix://{}", socket.display()))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("this user may not use the Docker daemon"), "{said}");
        assert!(said.contains("join the group `docker`"), "{said}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("s");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, PermissionsExt::from_mode(0o0)).unwrap();
    let host = format!("unix://{}", socket.display());
    assert!(matches!(first_error(at(&host)), DockerErrorKind::NotPermitted));
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_runtime_that_the_daemon_has_not_is_told() {
    let config = ContainersConfig { runtime: Some("runsc-none".to_owned()), ..ContainersConfig::default() };
    match first_error(config) {
        DockerErrorKind::NoRuntime { runtime, known } => {
            assert_eq!(runtime, "runsc-none");
            assert!(known.iter().any(|name| name == "runc"), "{known:?}");
        }
        other => panic!("{other:?}"),
    }
    let config = ContainersConfig { runtime: Some("runc".to_owned()), ..ContainersConfig::default() };
    let engine = builder(config).build().unwrap();
    assert_eq!(output(&engine.execute_blocking("echo ok", Language::Shell, &on_docker()).unwrap()), "ok\n");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_container_that_somebody_kills_is_an_error_and_not_the_codes_end() {
    for how in [&["kill"][..], &["rm", "-f"]] {
        let runs = std::thread::spawn(|| {
            engine().execute_blocking("echo here; sleep 77", Language::Shell, &on_docker())
        });
        let mut id = None;
        soon("a container", || {
            id = containers_of_pid(std::process::id()).into_iter().find(|id| {
                let top = Command::new("docker").args(["top", id]).output().unwrap();
                String::from_utf8_lossy(&top.stdout).contains("sleep 77")
            });
            id.is_some()
        });
        docker(&[how, &[id.as_deref().unwrap()]].concat());
        let error = runs.join().unwrap().unwrap_err();
        assert!(matches!(docker_error(error), DockerErrorKind::Lost(_)), "{how:?}");
    }
    output(&super::shell("echo goes on"));
}

#[test]
#[ignore = "needs a Docker daemon"]
fn an_environment_whose_container_is_gone_says_so() {
    let env = engine().prepare_environment(Language::Shell).unwrap();
    output(&env.execute_blocking("sleep 78 & x=1", &on_docker()).unwrap());
    let id = containers_of_pid(std::process::id()).into_iter().find(|id| {
        let top = Command::new("docker").args(["top", id]).output().unwrap();
        String::from_utf8_lossy(&top.stdout).contains("sleep 78")
    });
    docker(&["rm", "-f", &id.unwrap()]);
    let error = env.execute_blocking("echo $x", &on_docker()).unwrap_err();
    assert!(matches!(docker_error(error), DockerErrorKind::Lost(_)));
    let error = env.execute_blocking("echo $x", &on_docker()).unwrap_err();
    assert!(error.to_string().contains("prepare a new one"), "{error}");
}

/// A run that has begun and would take a minute.
fn long_run(engine: &ExecutionEngine) -> std::thread::JoinHandle<Result<ExecutionResult, EngineError>> {
    let (sender, printed) = std::sync::mpsc::channel();
    let context = on_docker().on_output(move |_, _| sender.send(()).unwrap());
    let running = engine.clone();
    let run = std::thread::spawn(move || {
        running.execute_blocking("echo here; sleep 60", Language::Shell, &context)
    });
    if printed.recv().is_err() {
        panic!("it did not begin: {:?}", run.join().unwrap().map(|result| result.exit));
    }
    run
}

/// A door to the daemon that can be shut.
struct Door {
    host: String,
    shut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<UnixStream>>>,
    _dir: tempfile::TempDir,
}

impl Door {
    fn new() -> Self {
        let real = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let real = PathBuf::from(real.strip_prefix("unix://").unwrap());
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let (shut, open) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (is_shut, opened) = (Arc::clone(&shut), Arc::clone(&open));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let near = stream.unwrap();
                if is_shut.load(Ordering::SeqCst) {
                    continue;
                }
                let far = UnixStream::connect(&real).unwrap();
                opened.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)]
                {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            }
        });
        Self { host: format!("unix://{}", socket.display()), shut, open, _dir: dir }
    }

    fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }

    fn reopen(&self) {
        self.shut.store(false, Ordering::SeqCst);
    }
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_daemon_that_goes_away_in_the_middle_is_an_error_at_once() {
    let door = Door::new();
    let engine = builder(at(&door.host)).build().unwrap();
    assert_eq!(output(&engine.execute_blocking("echo ok", Language::Shell, &on_docker()).unwrap()), "ok\n");
    let run = long_run(&engine);
    let start = Instant::now();
    door.shut();
    let error = run.join().unwrap().unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(8), "it waited for the code: {:?}", start.elapsed());
    assert!(matches!(docker_error(error), DockerErrorKind::Lost(_)));
    let error = engine.execute_blocking("echo", Language::Shell, &on_docker()).unwrap_err();
    assert!(matches!(docker_error(error), DockerErrorKind::NoDaemon(_)));
    // The engine need not be started anew when the daemon is back.
    door.reopen();
    assert_eq!(output(&engine.execute_blocking("echo ok", Language::Shell, &on_docker()).unwrap()), "ok\n");
    // The container of the broken run had nobody any more, and is gone by itself.
    drop(engine);
    soon("the container gone", || {
        !containers_of_pid(std::process::id()).iter().any(|id| {
            let top = Command::new("docker").args(["top", id]).output().unwrap();
            String::from_utf8_lossy(&top.stdout).contains("sleep 60")
        })
    });
}

#[test]
#[ignore = "needs a Docker daemon"]
fn limits_that_nothing_can_start_under_are_told() {
    let tiny = LimitOverrides::new().memory(bailiwick::ByteSize::from_mb(2));
    let error = engine().execute_blocking("1", Language::Python, &on_docker().limits(tiny)).unwrap_err();
    assert!(error.to_string().contains("less than the python interpreter itself takes"), "{error}");
}

#[tokio::test]
#[ignore = "needs a Docker daemon"]
async fn it_works_on_a_thread_that_drives_another_runtime() {
    output(&super::shell("echo ok"));
    let result = engine().execute("echo ok", Language::Shell, &on_docker()).await.unwrap();
    assert_eq!(output(&result), "ok\n");
    // An engine that ends there too.
    let own = builder(ContainersConfig::default()).build().unwrap();
    output(&own.execute_blocking("echo ok", Language::Shell, &on_docker()).unwrap());
    drop(own);
}

#[test]
#[ignore = "needs a Docker daemon"]
fn cancelling_before_there_is_a_container_leaves_none() {
    let token = bailiwick::CancelToken::new();
    token.cancel();
    let context: ExecutionContext = on_docker().cancel_token(token);
    let result = engine().execute_blocking("echo", Language::Shell, &context).unwrap();
    assert_eq!((result.exit, result.stdout.len()), (ExitKind::Cancelled, 0));
}

#[test]
#[ignore = "needs a Docker daemon"]
fn no_more_containers_than_allowed_run_at_once() {
    let config = ContainersConfig { max_containers: 1, ..ContainersConfig::default() };
    let engine = builder(config).queue_timeout(Duration::from_millis(200)).build().unwrap();
    let env = engine.prepare_environment(Language::Shell).unwrap();
    output(&env.execute_blocking("x=1", &on_docker()).unwrap());
    let error = engine.execute_blocking("echo", Language::Shell, &on_docker()).unwrap_err();
    assert!(
        matches!(error.kind, EngineErrorKind::Backend(_)) && error.to_string().contains("all places"),
        "{error}"
    );
    assert!(engine.cleanup_environment(env.id()));
    output(&engine.execute_blocking("echo", Language::Shell, &on_docker()).unwrap());
}

/// A daemon of this test's own, by the script that sets up the tests' daemon. `None` where this is not root.
struct OwnDaemon {
    host: String,
    dir: tempfile::TempDir,
}

impl OwnDaemon {
    fn script() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/docker/setup.sh")
    }

    fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let mut daemon = Self { host: String::new(), dir };
        daemon.host = daemon.up();
        Some(daemon)
    }

    fn up(&self) -> String {
        let output = Command::new("bash")
            .arg(Self::script())
            .args(["start", "--private"])
            .env("BAILIWICK_TEST_DOCKER_DIR", self.dir.path())
            .env("BAILIWICK_TEST_NO_BASE", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("export DOCKER_HOST=")).unwrap();
        line.trim_matches(['\'', '"']).to_owned()
    }

    /// Ends it as a crash would.
    fn kill(&self) {
        let pid = std::fs::read_to_string(
            Path::new(self.host.strip_prefix("unix://").unwrap()).with_file_name("dockerd.pid"),
        )
        .unwrap();
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    fn docker(&self, args: &[&str]) -> String {
        docker(&[&["--host", &self.host], args].concat())
    }
}

impl Drop for OwnDaemon {
    fn drop(&mut self) {
        let _ = Command::new("bash")
            .arg(Self::script())
            .arg("stop")
            .env("BAILIWICK_TEST_DOCKER_DIR", self.dir.path())
            .status();
    }
}

#[test]
#[ignore = "needs a Docker daemon"]
fn a_daemon_that_is_killed_and_started_anew() {
    let Some(daemon) = OwnDaemon::start() else {
        eprintln!("only root can start a daemon of its own");
        return;
    };
    let image = engine().image(Language::Shell).unwrap().name;
    let mut save = Command::new("docker").args(["save", &image]).stdout(Stdio::piped()).spawn().unwrap();
    let load = Command::new("docker")
        .args(["--host", &daemon.host, "load", "-q"])
        .stdin(save.stdout.take().unwrap())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(save.wait().unwrap().success() && load.success());
    let engine = builder(at(&daemon.host)).build().unwrap();
    let run = long_run(&engine);
    let start = Instant::now();
    daemon.kill();
    let error = run.join().unwrap().unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let text = error.to_string();
    assert!(matches!(docker_error(error), DockerErrorKind::Lost(_)), "{text}");
    daemon.up();
    assert_eq!(output(&engine.execute_blocking("echo ok", Language::Shell, &on_docker()).unwrap()), "ok\n");
    drop(engine);
    // What the crash left is cleaned up by the next engine.
    let next = builder(at(&daemon.host)).build().unwrap();
    assert_eq!(output(&next.execute_blocking("echo ok", Language::Shell, &on_docker()).unwrap()), "ok\n");
    drop(next);
    soon("nothing left", || daemon.docker(&["ps", "-aq", "--filter", "label=bailiwick.engine"]).is_empty());
}
