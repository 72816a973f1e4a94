//! Programs as a language model writes them print the same on every backend, and what CPython 3.13 and Node 20 print.
//!
//! `programs/` holds them, and in `NAME.out` what the interpreters themselves print; `programs/record.sh` has recorded it. The tests
//! `wasm` compare with that record; the tests `docker` do so too, and compare the two backends in everything else: exit, value,
//! standard error.

use crate::On;
use bailiwick::{ExecutionResult, Language};

/// A program, and what the language's own interpreter prints for it.
struct Program {
    name: &'static str,
    language: Language,
    code: &'static str,
    stdout: &'static str,
    /// What CPython writes to standard error. Node's is of another form than what this crate prints for an uncaught error.
    stderr: Option<&'static str>,
}

/// A line that one backend is known to print otherwise than it should. Should it print it as it should one day, its test fails, and
/// the entry goes.
struct Known {
    program: &'static str,
    on: On,
    got: &'static str,
    wanted: &'static str,
    #[expect(dead_code, reason = "for people")]
    why: &'static str,
}

const KNOWN: &[Known] = &[
    Known {
        program: "file_errors.py",
        on: On::WASM,
        got: "[Errno 44] No such file or directory: 'missing.txt'",
        wanted: "[Errno 2] No such file or directory: 'missing.txt'",
        why: "WASI numbers its errors otherwise than Linux",
    },
    Known {
        program: "file_errors.py",
        on: On::WASM,
        got: "[Errno 20] File exists: 'notes'",
        wanted: "[Errno 17] File exists: 'notes'",
        why: "WASI numbers its errors otherwise than Linux",
    },
    Known {
        program: "errors.js",
        on: On::WASM,
        got: r#"ValidationError: shown [object Error] ValidationError: shown [ 'name', 'field' ] {"name":"ValidationError","field":"x"} Error: shown"#,
        wanted: r#"ValidationError: shown [object Error] ValidationError: shown [ 'name', 'field' ] {"name":"ValidationError","field":"x"} ValidationError: shown"#,
        why: "V8 writes the first line of a stack when it is first read, QuickJS when the error is made: before `this.name = ...`",
    },
    Known {
        program: "files.js",
        on: On::WASM,
        got: "ENOENT ENOENT: no such file or directory, open 'missing.txt' -44 open missing.txt",
        wanted: "ENOENT ENOENT: no such file or directory, open 'missing.txt' -2 open missing.txt",
        why: "WASI numbers its errors otherwise than Linux; Node's `errno` is Linux's",
    },
    Known {
        program: "maps_and_sets.js",
        on: On::WASM,
        got: "[Map Iterator] {} [ [ 'cat', 1 ], [ 'and', 2 ], [ 'dog', 1 ], [ 'bird', 1 ] ] { value: 1, done: false } true",
        wanted: "[Map Iterator] { 'cat', 'and', 'dog', 'bird' } [ [ 'cat', 1 ], [ 'and', 2 ], [ 'dog', 1 ], [ 'bird', 1 ] ] { value: 1, done: false } true",
        why: "QuickJS has no way to look into an iterator of a Map without moving it",
    },
    Known {
        program: "numbers_and_dates.js",
        on: On::WASM,
        got: "2024-02-29T23:30:15.123Z 2024-02-29T23:30:15.123Z 1709249415123 2024-02-29T23:30:15.123Z 4 Thu Feb 29 2024 23:30:15 GMT+0000 Thu, 29 Feb 2024 23:30:15 GMT Thu Feb 29 2024 0 1767225600000",
        wanted: "2024-02-29T23:30:15.123Z 2024-02-29T23:30:15.123Z 1709249415123 2024-02-29T23:30:15.123Z 4 Thu Feb 29 2024 23:30:15 GMT+0000 (Coordinated Universal Time) Thu, 29 Feb 2024 23:30:15 GMT Thu Feb 29 2024 0 1767225600000",
        why: "the name of the time zone is of the implementation's own choice; QuickJS writes none",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "property - TypeError - cannot read property 'name' of null",
        wanted: "property - TypeError - Cannot read properties of null (reading 'name')",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "method - TypeError - cannot read property 'trim' of undefined",
        wanted: "method - TypeError - Cannot read properties of undefined (reading 'trim')",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "call - TypeError - not a function",
        wanted: "call - TypeError - o.run is not a function",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "json - SyntaxError - Expected property name or '}' in JSON at position 1 (line 1 column 2)",
        wanted: "json - SyntaxError - Expected property name or '}' in JSON at position 1",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "constant - TypeError - 'c' is read-only",
        wanted: "constant - TypeError - Assignment to constant variable.",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "reduce - TypeError - empty array",
        wanted: "reduce - TypeError - Reduce of empty array with no initial value",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "length - RangeError - invalid array length",
        wanted: "length - RangeError - Invalid array length",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "repeat - RangeError - invalid repeat count",
        wanted: "repeat - RangeError - Invalid count value: -1",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "destructure - TypeError - Cannot convert undefined or null to object",
        wanted: "destructure - TypeError - Cannot destructure property 'a' of 'null' as it is null.",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "iterate - TypeError - value is not iterable",
        wanted: "iterate - TypeError - 5 is not iterable",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "mix - TypeError - cannot convert BigInt to number",
        wanted: "mix - TypeError - Cannot mix BigInt and other types, use explicit conversions",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "early - ReferenceError - early is not initialized",
        wanted: "early - ReferenceError - Cannot access 'early' before initialization",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "error_messages.js",
        on: On::WASM,
        got: "circular - TypeError - circular reference",
        wanted: "circular - TypeError - Converting circular structure to JSON",
        why: "QuickJS words its errors in its own way",
    },
    Known {
        program: "locale_text.js",
        on: On::WASM,
        got: "1234567.891",
        wanted: "1,234,567.891",
        why: "the guest has no data on locales",
    },
    Known {
        program: "locale_text.js",
        on: On::WASM,
        got: "1234567.891",
        wanted: "$1,234,567.89",
        why: "the guest has no data on locales",
    },
    Known {
        program: "locale_text.js",
        on: On::WASM,
        got: "01/02/2026",
        wanted: "1/2/2026",
        why: "the guest has no data on locales",
    },
    Known {
        program: "locale_text.js",
        on: On::WASM,
        got: "03:04:05 PM",
        wanted: "3:04:05 PM",
        why: "the guest has no data on locales",
    },
    Known {
        program: "locale_text.js",
        on: On::WASM,
        got: "[ 'C', 'a', 'b' ]",
        wanted: "[ 'a', 'b', 'C' ]",
        why: "the guest has no data on locales",
    },
];

/// A line, or its absence, and another in its place.
type Difference<'a> = (Option<&'a str>, Option<&'a str>);

fn differences<'a>(got: &'a str, wanted: &'a str) -> Vec<Difference<'a>> {
    let (mut ours, mut theirs) = (got.split('\n'), wanted.split('\n'));
    let pairs = std::iter::from_fn(|| match (ours.next(), theirs.next()) {
        (None, None) => None,
        pair => Some(pair),
    });
    pairs.filter(|(our, their)| our != their).collect()
}

/// That two texts are the same but for the lines that are known.
#[track_caller]
fn same_text(what: &str, got: &str, wanted: &str, known: &[Difference<'_>]) {
    let differences = differences(got, wanted);
    let list: String =
        differences.iter().map(|(our, their)| format!("got    {our:?}\nwanted {their:?}\n")).collect();
    assert!(differences == known, "{what}, where {} differences are known:\n{list}", known.len());
}

fn run(on: On, program: &Program) -> ExecutionResult {
    let result = on.run(program.language, program.code, on.context());
    let known: Vec<_> = KNOWN
        .iter()
        .filter(|known| known.program == program.name && known.on == on)
        .map(|known| (Some(known.got), Some(known.wanted)))
        .collect();
    same_text(
        &format!("standard output of {} on {}", program.name, on.name),
        &result.stdout_text(),
        program.stdout,
        &known,
    );
    if let Some(stderr) = program.stderr {
        same_text(
            &format!("standard error of {} on {}", program.name, on.name),
            &result.stderr_text(),
            stderr,
            &[],
        );
    }
    result
}

/// What standard error says of an uncaught error, without the stack: the two JavaScript engines count columns otherwise, and QuickJS
/// shows the frames of an error's own constructor.
fn without_stack(stderr: &str) -> String {
    stderr.lines().filter(|line| !line.starts_with("    at ")).map(|line| format!("{line}\n")).collect()
}

fn same(program: &Program) {
    let (wasm, docker) = (run(On::WASM, program), run(On::DOCKER, program));
    assert_eq!(docker.exit, wasm.exit);
    assert_eq!(docker.value, wasm.value);
    let (on_docker, on_wasm) = (docker.stderr_text(), wasm.stderr_text());
    match program.language {
        Language::JavaScript => assert_eq!(without_stack(&on_docker), without_stack(&on_wasm)),
        Language::Python | Language::Shell => assert_eq!(on_docker, on_wasm),
    }
}

/// Tests of the programs that are named: in `programs/`, with these extensions.
macro_rules! programs {
    ($module:ident, $language:ident, $extension:literal: $($name:ident $(+ $stderr:literal)?),* $(,)?) => {
        mod $module {
            use super::{Language, On, Program};
            $(
                #[expect(non_upper_case_globals, reason = "named as its test is")]
                const $name: Program = Program {
                    name: concat!(stringify!($name), $extension),
                    language: Language::$language,
                    code: include_str!(concat!("programs/", stringify!($name), $extension)),
                    stdout: include_str!(concat!("programs/", stringify!($name), $extension, ".out")),
                    stderr: programs!(@stderr $language $(concat!("programs/", stringify!($name), $stderr))?),
                };
            )*
            mod wasm {
                $(
                    #[test]
                    fn $name() {
                        super::super::run(super::On::WASM, &super::$name);
                    }
                )*
            }
            mod docker {
                $(
                    #[test]
                    #[ignore = "needs a Docker daemon"]
                    fn $name() {
                        super::super::same(&super::$name);
                    }
                )*
            }
        }
    };
    (@stderr Python) => { Some("") };
    (@stderr Python $path:expr) => { Some(include_str!($path)) };
    (@stderr JavaScript) => { None };
}

programs! { python, Python, ".py":
    arguments + ".py.err",
    arithmetic,
    classes,
    closures,
    containers,
    contexts,
    csv_files,
    data_classes,
    databases,
    dates,
    decimals,
    diagnostics + ".py.err",
    enums,
    errors_caught,
    file_errors,
    exception_group + ".py.err",
    formatting,
    gather,
    generators,
    graphs,
    iteration,
    json_text,
    matching,
    matrices,
    packing,
    primes,
    regexes,
    seeded,
    sorting,
    syntax_error + ".py.err",
    text_tools,
    typed,
    uncaught + ".py.err",
    unicode_text,
    word_count,
    wrapping,
}

programs! { javascript, JavaScript, ".js":
    accounts,
    arrays,
    async_await,
    buffers,
    calculator,
    console_table,
    console_values,
    error_messages,
    errors,
    files,
    generators,
    graphs,
    inventory,
    json_text,
    locale_text,
    maps_and_sets,
    numbers_and_dates,
    promises,
    proxies,
    regexes,
    rejected,
    uncaught,
    urls,
}
