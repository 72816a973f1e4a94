//! Shell, which runs in containers only.

use crate::{On, files, output, shown};
use bailiwick::limits::ByteSize;
use bailiwick::{
    BackendChoice, BackendName, EngineErrorKind, ExecutionContext, ExitKind, Language, LimitOverrides,
};
use std::time::Duration;

fn with(limits: LimitOverrides) -> ExecutionContext {
    ExecutionContext::new().limits(limits)
}

fn output_and_pipes(on: On) {
    let result = on.shell("echo out; echo err >&2; printf 'no end'");
    assert_eq!((output(&result).as_str(), result.stderr_text().as_ref()), ("out\nno end", "err\n"));
    assert_eq!(output(&on.shell("printf '3\\n1\\n2\\n' | sort -n | head -2 | tr '\\n' ' '")), "1 2 ");
    assert_eq!(output(&on.shell("seq 1 100000 | awk '{ s += $1 } END { print s }'")), "5000050000\n");
    assert_eq!(
        output(&on.shell("for i in a b; do echo \"$i\"; done; x=$(echo sub); echo \"$x\" ${#x} $((6 * 7))")),
        "a\nb\nsub 3 42\n"
    );
    assert_eq!(output(&on.shell("cat <<EOF\nhere é🎉\nEOF\na=(1 2 3); echo ${a[1]} ${a[@]:1}; [[ abc =~ b(.) ]] && echo ${BASH_REMATCH[1]}")), "here é🎉\n2 2 3\nc\n");
    assert_eq!(on.shell("printf '\\xff\\x00\\xfe'").stdout, [0xff, 0, 0xfe]);
    assert_eq!(on.shell("echo hi").value, None, "shell has no values");
    let big = on.shell("head -c 5242880 /dev/zero; head -c 5242880 /dev/zero >&2");
    assert_eq!((big.is_success(), big.stdout.len(), big.stderr.len()), (true, 5 << 20, 5 << 20));
}

fn exit_codes_are_the_codes_own(on: On) {
    for (code, expected) in [
        ("true", 0),
        ("false", 1),
        ("exit 3", 3),
        ("exit 255", 255),
        ("exit 256", 0),
        ("exit 259", 3),
        ("exit -1", 255),
        ("false | true", 0),
        ("set -o pipefail; false | true", 1),
        ("set -e; false; echo not reached", 1),
        ("nothing_of_this_name 2>/dev/null", 127),
        ("/etc/passwd 2>/dev/null", 126),
        ("trap 'exit 4' EXIT; true", 4),
        ("bash -c 'kill -9 $$'", 137),
        ("kill -TERM $$; sleep 5", 143),
    ] {
        let result = on.shell(&format!("echo kept\n{code}"));
        assert_eq!(result.exit, ExitKind::Exited { code: expected }, "{code}: {}", shown(&result));
        assert_eq!(result.stdout_text(), "kept\n", "{code}");
    }
    let result = on.shell("echo a\nif then");
    assert_eq!(result.exit, ExitKind::Exited { code: 2 }, "{}", shown(&result));
    assert!(result.stderr_text().contains("syntax error"), "{}", shown(&result));
    let result = on.shell("true\nnothing_of_this_name");
    assert_eq!(result.stderr_text(), "<string>: line 2: nothing_of_this_name: command not found\n");
}

fn input_arguments_and_variables(on: On) {
    let context = ExecutionContext::new().stdin("one\ntwo\n").arg("a").arg("b c").env("MODE", "te st ✓");
    let code = "read first; echo \"$first\"; wc -l; echo $# \"$2\" \"$MODE\" \"$PWD\" \"$HOME\" \"$0\"";
    assert_eq!(
        output(&on.run(Language::Shell, code, context.filename("prog.sh"))),
        "one\n1\n2 b c te st ✓ /workspace /workspace prog.sh\n"
    );
    let code =
        "cat | wc -c; env | cut -d= -f1 | grep -v -e '^_$' -e SHLVL -e NUM_THREADS | sort | tr '\\n' ' '";
    assert_eq!(output(&on.shell(code)), "0\nHOME LANG PATH PWD TMPDIR TZ ");
    let bytes: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let result = on.run(Language::Shell, "cat", ExecutionContext::new().stdin(bytes.clone()));
    assert!(result.stdout == bytes);
}

fn files_and_artifacts(on: On) {
    let context = ExecutionContext::new().file("in/a.txt", "b\na\n").collect_artifacts(true);
    let code = "sort in/a.txt > out.txt; mkdir -p deep/er; cp out.txt deep/er/; ln -s /etc/passwd link; rm in/a.txt; echo x > /tmp/x";
    let result = on.run(Language::Shell, code, context);
    output(&result);
    assert_eq!(files(&result), [("deep/er/out.txt", &b"a\nb\n"[..]), ("out.txt", &b"a\nb\n"[..])]);
    let context = ExecutionContext::new().collect_artifacts(true);
    let result = on.run(Language::Shell, "echo x > closed; chmod 000 closed", context);
    assert_eq!(files(&result), [("closed", &b"x\n"[..])]);
    assert!(on.shell("echo x > f").artifacts.is_empty(), "nobody asked");
    assert_eq!(output(&on.shell("ls -A /workspace /tmp /dev/shm")), "/dev/shm:\n\n/tmp:\n\n/workspace:\n");
    let context = ExecutionContext::new().file("lib.sh", "f() { echo from lib; }\n");
    assert_eq!(output(&on.run(Language::Shell, ". ./lib.sh; f", context)), "from lib\n");
}

fn time_is_limited(on: On) {
    let limit = Duration::from_millis(500);
    for code in [
        "while :; do :; done",
        "sleep 60",
        "sleep 60 & wait",
        "cat /dev/zero > /dev/null",
        "trap '' TERM INT HUP; sleep 60",
        "(while :; do :; done)",
    ] {
        let context = with(LimitOverrides::new().wall_time(limit)).collect_artifacts(true);
        let result = on.run(Language::Shell, &format!("echo kept; echo left > f; {code}"), context);
        assert_eq!(result.exit, ExitKind::TimedOut { limit }, "{code}: {}", shown(&result));
        assert_eq!(result.stdout_text(), "kept\n", "{code}");
        assert_eq!(files(&result), [("f", &b"left\n"[..])], "{code}");
    }
    let context = with(LimitOverrides::new().wall_time(Duration::from_secs(9)));
    assert_eq!(output(&on.run(Language::Shell, "sleep 0.1; echo slept", context)), "slept\n");
}

fn memory_is_limited(on: On) {
    let limit = ByteSize::from_mb(32);
    let context = || with(LimitOverrides::new().memory(limit));
    let result = on.run(Language::Shell, "echo kept; x=x; while :; do x=$x$x; done", context());
    assert_eq!(result.exit, ExitKind::MemoryLimit { limit, exception: None }, "{}", shown(&result));
    assert_eq!(result.stdout_text(), "kept\n");
    let result = on.run(Language::Shell, "echo kept; tail /dev/zero", context());
    assert_eq!(result.exit, ExitKind::MemoryLimit { limit, exception: None }, "{}", shown(&result));
    assert_eq!(result.stdout_text(), "kept\n");
    let twin = "x=$(head -c 1000000 /dev/zero | tr '\\0' x); echo ${#x}";
    assert_eq!(output(&on.run(Language::Shell, twin, context())), "1000000\n");
}

fn output_is_limited(on: On) {
    let limit = ByteSize::from_kb(64);
    let context = || with(LimitOverrides::new().output(limit));
    for code in ["yes", "cat /dev/zero", "while :; do echo xxxx; done"] {
        let result = on.run(Language::Shell, code, context());
        assert_eq!(
            (&result.exit, result.stdout.len()),
            (&ExitKind::OutputLimit { limit }, 64 << 10),
            "{code}"
        );
        assert!(result.truncated.stdout && !result.truncated.stderr);
    }
    let twin = on.run(Language::Shell, "head -c 65536 /dev/zero", context());
    assert!(twin.is_success() && !twin.truncated.any() && twin.stdout.len() == 64 << 10, "{:?}", twin.exit);
    assert_eq!(output(&on.run(Language::Shell, "yes | head -2", context())), "y\ny\n");
}

fn disk_is_limited(on: On) {
    let limit = ByteSize::from_mb(1);
    let context = || with(LimitOverrides::new().disk(limit)).collect_artifacts(true);
    for place in ["/workspace", "/tmp"] {
        let code = format!("echo kept; head -c 2000000 /dev/zero > {place}/big");
        let result = on.run(Language::Shell, &code, context());
        let ExitKind::DiskLimit { limit: told, code: 1, exception: None } = result.exit else {
            panic!("{place}: {}", shown(&result));
        };
        assert_eq!((told, result.stdout_text().as_ref()), (limit, "kept\n"), "{place}");
    }
    let twin = "head -c 2000000 /dev/zero > big 2>/dev/null || { rm big; echo refused; }; head -c 500000 /dev/zero > small; wc -c < small";
    let result = on.run(Language::Shell, twin, context());
    assert_eq!(output(&result), "refused\n500000\n");
}

fn processes_are_limited(on: On) {
    let limit = Duration::from_secs(2);
    // The bomb goes on for ever in bash, which tries again.
    let result = on.run(
        Language::Shell,
        "echo kept; bomb() { bomb | bomb & }; bomb; sleep 60",
        with(LimitOverrides::new().wall_time(limit)),
    );
    assert!(
        matches!(&result.exit, ExitKind::TimedOut { limit: told } if *told == limit)
            || matches!(result.exit, ExitKind::ProcessLimit { limit: 5, .. }),
        "{}",
        shown(&result)
    );
    assert_eq!(result.stdout_text(), "kept\n");
    let many = "echo kept; for i in 1 2 3 4 5 6 7 8 9; do sleep 30 & done; exit 0";
    let result =
        on.run(Language::Shell, many, with(LimitOverrides::new().wall_time(Duration::from_secs(60))));
    let ExitKind::ProcessLimit { limit: 5, exception: None, .. } = result.exit else {
        panic!("{}", shown(&result))
    };
    let twin = "for i in 1 2 3; do sleep 0.1 & done; wait; echo waited; for i in $(seq 50); do /bin/true; done; echo many";
    assert_eq!(output(&on.shell(twin)), "waited\nmany\n");
    assert_eq!(output(&on.shell("echo alive")), "alive\n");
}

fn open_files_are_limited(on: On) {
    let context = || with(LimitOverrides::new().open_files(32));
    let code = "echo kept; for i in $(seq 3 60); do eval \"exec $i>f$i\" || exit 9; done; echo all";
    let result = on.run(Language::Shell, code, context());
    assert!(!result.is_success() && result.stdout_text() == "kept\n", "{}", shown(&result));
    let twin = "for i in $(seq 3 8); do eval \"exec $i>f$i\"; done; ls | wc -l; ulimit -n";
    assert_eq!(output(&on.run(Language::Shell, twin, context())), "6\n32\n");
}

fn fuel_is_refused(on: On) {
    let error = on.try_run(Language::Shell, "true", with(LimitOverrides::new().fuel(1000))).unwrap_err();
    assert!(matches!(error.kind, EngineErrorKind::Limit(_)), "{error}");
}

fn shell_goes_to_a_container_and_nowhere_else(on: On) {
    let result =
        on.engine().execute_blocking("echo routed", Language::Shell, &ExecutionContext::new()).unwrap();
    assert_eq!((output(&result).as_str(), result.backend), ("routed\n", Some(BackendName::Docker)));
    let context = ExecutionContext::new().backend(BackendChoice::Wasm);
    let error = on.engine().execute_blocking("echo", Language::Shell, &context).unwrap_err();
    assert!(matches!(error.kind, EngineErrorKind::NoBackend { .. }), "{error}");
}

fn an_environment_keeps_its_state(on: On) {
    let env = on.environment(Language::Shell);
    output(&env.run("x=1; export Y='two words'; f() { echo \"f $x\"; }; a=(1 2); mkdir d; cd d; echo note > note; alias ll=ls; shopt -s extglob"));
    assert_eq!(
        output(&env.run("f; echo \"$Y\" ${a[1]} $PWD; cat note; shopt extglob")),
        "f 1\ntwo words 2 /workspace/d\nnote\nextglob        \ton\n"
    );
    // An exit ends a run, and not the environment.
    let result = env.run("x=2; echo before; exit 3");
    assert_eq!((&result.exit, result.stdout_text().as_ref()), (&ExitKind::Exited { code: 3 }, "before\n"));
    assert_eq!(
        output(&env.run("f; echo \"$Y\" ${a[1]} $PWD; cat note")),
        "f 2\ntwo words 2 /workspace/d\nnote\n"
    );
    // Nor does a command that fails, `set -e` or not.
    assert_eq!(env.run("false").exit, ExitKind::Exited { code: 1 });
    let result = env.run("set -e; x=3; false; x=4");
    assert_eq!(result.exit, ExitKind::Exited { code: 1 }, "{}", shown(&result));
    assert_eq!(output(&env.run("f")), "f 3\n");
    let result = env.run("echo $-; x=5; false; echo not reached");
    assert_eq!(result.exit, ExitKind::Exited { code: 1 }, "set -e lives on: {}", shown(&result));
    assert!(!result.stdout_text().contains("not reached"), "{}", shown(&result));
    assert_eq!(output(&env.run("set +e; false; f")), "f 5\n");
    assert_eq!(env.run("if then").exit.kind(), "exited", "a syntax error is no end either");
    assert_eq!(output(&env.run("f")), "f 5\n");
    let result = env
        .run_with("cat; echo $# \"$1\" $V", ExecutionContext::new().stdin("in\n").arg("a b").env("V", "v"));
    assert_eq!(output(&result), "in\n1 a b v\n");
    let result = env.run_with("pwd", ExecutionContext::new().collect_artifacts(true));
    assert_eq!(files(&result), [("d/note", &b"note\n"[..])]);
}

fn an_environment_that_a_limit_stops_is_lost(on: On) {
    let env = on.environment(Language::Shell);
    output(&env.run("x=1"));
    let limit = Duration::from_millis(500);
    let result = env.run_with("echo kept; sleep 60", with(LimitOverrides::new().wall_time(limit)));
    assert_eq!((&result.exit, result.stdout_text().as_ref()), (&ExitKind::TimedOut { limit }, "kept\n"));
    let error = env.error("echo $x");
    assert!(matches!(error.kind, EngineErrorKind::EnvironmentLost { .. }), "{error}");
    let (a, b) = (on.environment(Language::Shell), on.environment(Language::Shell));
    output(&a.run("s=secret; echo s > /tmp/s"));
    assert_eq!(output(&b.run("echo \"[$s]\"; ls -A /workspace /tmp")), "[]\n/tmp:\n\n/workspace:\n");
}

on_docker!(
    output_and_pipes,
    exit_codes_are_the_codes_own,
    input_arguments_and_variables,
    files_and_artifacts,
    time_is_limited,
    memory_is_limited,
    output_is_limited,
    disk_is_limited,
    processes_are_limited,
    open_files_are_limited,
    fuel_is_refused,
    shell_goes_to_a_container_and_nowhere_else,
    an_environment_keeps_its_state,
    an_environment_that_a_limit_stops_is_lost,
);
