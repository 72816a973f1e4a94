//! How closed a container is, seen from inside, each with what must still work.

use super::{docker, docker_if_there, on_docker, output, run, shell};
use bailiwick::{ExecutionContext, ExitKind, Language, LimitOverrides};
use std::collections::HashMap;
use std::time::Duration;

fn python(code: &str) -> String {
    output(&run(Language::Python, code, &on_docker()))
}

#[test]
#[ignore = "needs a Docker daemon"]
fn it_has_no_privilege() {
    let status = output(&shell("cat /proc/self/status; id -u; id -g"));
    let fields: HashMap<_, _> = status.lines().filter_map(|line| line.split_once(":\t")).collect();
    for capabilities in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(fields[capabilities], "0000000000000000", "{capabilities}");
    }
    assert_eq!((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"));
    assert!(status.ends_with("\n1000\n1000\n"), "{status}");
    // Its twin: what needs no privilege works.
    assert_eq!(output(&shell("chmod 700 . && umask 077 && echo ok")), "ok\n");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn it_has_no_network() {
    let code = "import socket\nprint(sorted(n for _, n in socket.if_nameindex()))\n\
        s = socket.socket()\ns.settimeout(2)\n\
        try: s.connect(('1.1.1.1', 53))\nexcept OSError as e: print(e.strerror)\n\
        try: socket.getaddrinfo('localhost.example', 80)\nexcept OSError as e: print('no name')\n\
        a = socket.create_server(('127.0.0.1', 0)); b = socket.create_connection(a.getsockname()); b.send(b'x'); print(a.accept()[0].recv(1))";
    let printed = python(code);
    let mut lines = printed.lines();
    let interfaces = lines.next().unwrap();
    assert!(interfaces.contains("'lo'") && !interfaces.contains("eth"), "{interfaces}");
    // The twin: its own loopback works.
    assert_eq!(lines.collect::<Vec<_>>(), ["Network is unreachable", "no name", "b'x'"]);
    assert_eq!(
        output(&shell("cat /etc/resolv.conf /etc/hosts | wc -c")),
        "0\n",
        "of the host's names nothing"
    );
}

#[test]
#[ignore = "needs a Docker daemon"]
fn only_the_workspace_and_tmp_can_be_written() {
    let code = "for d in / /etc /usr /opt /opt/bailiwick /var /home /root /run /dev /sys /proc /proc/sys/kernel /sys/fs/cgroup; do\n\
        if (echo x > $d/bailiwick-probe) 2>/dev/null; then echo \"$d can be written\"; fi; done\n\
        for d in /workspace /tmp /dev/shm; do echo x > $d/probe && cat $d/probe; done";
    assert_eq!(output(&shell(code)), "x\nx\nx\n");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn nothing_of_the_host_is_in_it() {
    let mounts = output(&shell("awk '{print $3, $2}' /proc/mounts"));
    for line in mounts.lines() {
        let (kind, place) = line.split_once(' ').unwrap();
        let plain = matches!(
            kind,
            "overlay"
                | "proc"
                | "tmpfs"
                | "devpts"
                | "sysfs"
                | "cgroup"
                | "cgroup2"
                | "mqueue"
                | "fuse-overlayfs"
        );
        // Docker makes these three itself, from nothing of the host's.
        let made = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"].contains(&place);
        assert!(plain || made, "a mount of the host's: {line}");
    }
    let environment = output(&shell("env | cut -d= -f1 | sort | tr '\\n' ' '"));
    for name in environment.split_whitespace() {
        let known = [
            "HOME",
            "PATH",
            "LANG",
            "TZ",
            "TMPDIR",
            "PWD",
            "SHLVL",
            "_",
            "OPENBLAS_NUM_THREADS",
            "OMP_NUM_THREADS",
        ];
        assert!(known.contains(&name), "{name} is in the environment");
    }
    assert_eq!(
        output(&shell("ls /dev | grep -E '^(sd|vd|nvme|mem|kmsg|fuse|kvm|net)' ; hostname")),
        "sandbox\n"
    );
    assert_eq!(output(&shell("test -e /var/run/docker.sock || echo none")), "none\n");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn the_runner_cannot_be_reached() {
    let code = r#"
import os, signal
def fails(f, *a):
    try: return f(*a) or 'it worked'
    except OSError as e: return e.strerror
for s in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGSEGV): os.kill(1, s)
print(fails(os.listdir, '/proc/1/fd'), '|', fails(open, '/proc/1/mem', 'rb'), '|', fails(open, '/proc/1/environ', 'rb'))
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(16, 1, 0, 0), os.strerror(ctypes.get_errno()))
print('and it goes on')
"#;
    let printed = python(code);
    assert!(
        printed.starts_with("Permission denied | Permission denied | Permission denied\n-1 "),
        "{printed}"
    );
    assert!(printed.ends_with("and it goes on\n"), "{printed}");
    // The twin: a process of its own can be stopped and traced for.
    assert_eq!(output(&shell("sleep 100 & kill -9 $!; wait $!; echo $?")), "137\n");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn what_the_code_says_to_the_engine_is_only_output() {
    // Frames of the protocol on every descriptor that there is.
    let code = "import os\nframe = b'x' + (80).to_bytes(4, 'little') + bytes(80)\n\
        for fd in range(64):\n  try: os.write(fd, frame * 3)\n  except OSError: pass\n";
    let result = run(Language::Python, code, &on_docker());
    assert!(matches!(result.exit, ExitKind::Exited { code: 0 }), "{}", result.exit);
    assert_eq!(result.stdout.len() % 85, 0);
    assert!(result.stdout.len() >= 85);
}

#[test]
#[ignore = "needs a Docker daemon"]
fn memory_swap_processes_and_files_are_held() {
    let context = || on_docker();
    let limits = LimitOverrides::new().processes(8).open_files(32).wall_time(Duration::from_secs(20));
    let code = "import os\nn = 0\ntry:\n  while True:\n    os.open('/dev/null', 0); n += 1\nexcept OSError as e: print(n < 32, e.strerror)\n";
    let result = run(Language::Python, code, &context().limits(limits.clone()));
    assert_eq!(output(&result), "True Too many open files\n");
    let few = on_docker().limits(LimitOverrides::new().open_files(8));
    let result = run(
        Language::Python,
        "import os\nos.makedirs('a/b/c')\nprint(os.dup(0) < 8)",
        &few.collect_artifacts(true),
    );
    assert_eq!(output(&result), "True\n");
    let code = "import threading, time\nn = 0\ntry:\n  for _ in range(50): threading.Thread(target=time.sleep, args=(1,), daemon=True).start(); n += 1\n\
        except RuntimeError as e: print(n, e)\nelse: print('50')\nimport os; os._exit(0)";
    let result = run(Language::Python, code, &context().limits(limits));
    assert_eq!(output(&result), "7 can't start new thread\n", "eight with the first one");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn both_places_together_keep_the_disk_limit() {
    let limits = LimitOverrides::new().disk(bailiwick::ByteSize::from_mb(8));
    let context = || on_docker().limits(limits.clone());
    let fits = "head -c 3000000 /dev/zero > a; head -c 3000000 /dev/zero > /tmp/b; sleep 0.2; echo ok";
    assert_eq!(output(&run(Language::Shell, fits, &context())), "ok\n");
    let over =
        "echo before; head -c 6000000 /dev/zero > a; head -c 6000000 /dev/zero > /tmp/b; sleep 5; echo after";
    let result = run(Language::Shell, over, &context());
    assert!(matches!(result.exit, ExitKind::DiskLimit { .. }), "{}", result.exit);
    assert_eq!(result.stdout_text(), "before\n");
    // A name for nothing costs too.
    let names = "i=0; while [ $i -lt 100000 ]; do : > f$i || break; i=$((i+1)); done; echo $i > /tmp/n 2>/dev/null; ls | wc -l";
    let result = run(Language::Shell, names, &context());
    let made: usize = result.stdout_text().trim().parse().unwrap();
    assert!((1000..9000).contains(&made), "{made} names in 8 MB");
}

#[test]
#[ignore = "needs a Docker daemon"]
fn every_container_is_asked_to_be_closed() {
    // As the daemon itself has it, beside what is seen from inside.
    let context: ExecutionContext = on_docker();
    let token = bailiwick::CancelToken::new();
    let context = context.cancel_token(token.clone());
    let running = std::thread::spawn(move || run(Language::Shell, "sleep 30", &context));
    let mut found = None;
    super::soon("a container", || {
        found = super::containers_of_pid(std::process::id()).into_iter().find(|id| {
            let state = docker_if_there(&["inspect", "-f", "{{json .Config.Cmd}} {{.State.Running}}", id]);
            state.as_deref() == Some("[\"shell\",\"cold\",\"64\"] true")
        });
        found.is_some()
    });
    let host: serde_json::Value =
        serde_json::from_str(&docker(&["inspect", "-f", "{{json .HostConfig}}", &found.unwrap()])).unwrap();
    token.cancel();
    assert_eq!(running.join().unwrap().exit, ExitKind::Cancelled);
    let memory = 128 << 20;
    for (key, expected) in [
        ("NetworkMode", serde_json::json!("none")),
        ("ReadonlyRootfs", true.into()),
        ("Privileged", false.into()),
        ("CapDrop", serde_json::json!(["ALL"])),
        ("CapAdd", serde_json::Value::Null),
        ("SecurityOpt", serde_json::json!(["no-new-privileges:true"])),
        ("Memory", memory.into()),
        ("MemorySwap", memory.into()),
        ("NanoCpus", 1_000_000_000.into()),
        ("PidsLimit", 6.into()),
        ("Binds", serde_json::Value::Null),
        ("AutoRemove", true.into()),
        ("IpcMode", "private".into()),
    ] {
        assert_eq!(host[key], expected, "{key}");
    }
    assert_eq!(host["LogConfig"]["Type"], "none");
    assert!(host["Devices"].as_array().is_none_or(Vec::is_empty));
}

#[test]
#[ignore = "needs a Docker daemon"]
fn an_interpreter_may_use_the_memory_that_its_code_is_given() {
    let code = "const a = []; for (let i = 0; i < 40; i++) a.push(new Array(1_000_000).fill(1.5)); console.log(a.length)";
    let given = |mb| on_docker().limits(LimitOverrides::new().memory(bailiwick::ByteSize::from_mb(mb)));
    assert_eq!(output(&run(Language::JavaScript, code, &given(600))), "40\n");
    let result = run(Language::JavaScript, code, &given(200));
    assert!(matches!(result.exit, ExitKind::MemoryLimit { .. }), "{}", result.exit);
}
