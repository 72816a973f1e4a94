//! Sources made to break the checker: nothing overflows, nothing takes long, nothing unread passes.
use super::policy;
use bailiwick::Language::{self, JavaScript, Python, Shell};
use bailiwick::policy::{MAX_SOURCE_BYTES, SecurityResult};
use std::time::{Duration, Instant};

/// Unoptimised and on a busy machine; what these guard against takes minutes.
const LONG: Duration = Duration::from_secs(40);

#[track_caller]
fn check(language: Language, code: &str) -> SecurityResult {
    let start = Instant::now();
    let result = policy().validate(code, language);
    let taken = start.elapsed();
    let head: String = code.chars().take(30).collect();
    assert!(taken < LONG, "{} bytes of {head:?} took {taken:?}", code.len());
    result
}

#[track_caller]
fn too_deep(language: Language, code: &str) {
    let result = check(language, code);
    let rules: Vec<&str> = result.denials().map(|f| f.rule.as_str()).collect();
    let head: String = code.chars().take(30).collect();
    assert!(rules.contains(&"too-deep"), "{head:?}: {rules:?}");
}

#[test]
fn deep_python_is_refused_unparsed() {
    const N: usize = 100_000;
    for (open, middle, close) in [
        ("(", "1", ")"),
        ("[", "", "]"),
        ("{", "1", "}"),
        ("f(", "", ")"),
        ("x[", "1", "]"),
        ("-", "1", ""),
        ("not ", "1", ""),
        ("lambda: ", "1", ""),
        ("lambda a, b: ", "1", ""),
        ("1 if x else ", "1", ""),
        ("2**", "1", ""),
        ("1+", "1", ""),
        ("x.", "x", ""),
        ("(yield ", "1", ")"),
        ("{1:", "1", "}"),
        ("[x for x in ", "y", "]"),
    ] {
        let code = format!("{}{middle}{}", open.repeat(N), close.repeat(N));
        too_deep(Python, &code);
        // Not closed at all.
        too_deep(Python, &open.repeat(N));
    }
    too_deep(Python, &format!("x{}", ".a".repeat(N)));
    too_deep(Python, &format!("f{}", "()".repeat(N)));
    too_deep(Python, &format!("x{}", "[0]".repeat(N)));
    too_deep(Python, &format!("{}\n", "1+".repeat(2_500_000)));
    too_deep(Python, &format!("if x: pass\n{}", "elif y: pass\n".repeat(N)));
    let blocks: String = (0..6000).map(|i| format!("{}if x:\n", " ".repeat(i))).collect();
    too_deep(Python, &blocks);
    too_deep(Python, &format!("{}{}", "f'{".repeat(N), "}'".repeat(N)));
    too_deep(Python, &format!("f'{}'", "{x:".repeat(N)));
    too_deep(Python, &format!("match x:\n  case {}{}: pass", "[".repeat(N), "]".repeat(N)));
}

#[test]
fn code_of_middling_depth_is_parsed_on_a_deep_stack() {
    for n in [100, 130, 190, 1000, 4900] {
        for (open, close) in
            [("(", ")"), ("-", ""), ("1+", ""), ("x.", ""), ("[", "]"), ("not ", ""), ("lambda: ", "")]
        {
            let code = format!("{}eval{}", open.repeat(n), close.repeat(n));
            let result = check(Python, &code);
            let rules: Vec<&str> = result.denials().map(|f| f.rule.as_str()).collect();
            let seen = rules.contains(&"py-eval") || (open == "x." && rules.is_empty());
            // Some parser may refuse it; it must not pass, and must not be judged harmless.
            assert!(
                seen || rules.contains(&"syntax-error") || rules.contains(&"too-deep"),
                "{n} {open}: {rules:?}"
            );
        }
        let elifs = format!("if x: pass\n{}", "elif eval(y): pass\n".repeat(n.min(4000)));
        assert!(!check(Python, &elifs).is_allowed());
        let strings = format!("{}eval(1){}", "f'{".repeat(n), "}'".repeat(n));
        assert!(!check(Python, &strings).is_allowed());
    }
}

#[test]
fn long_python_takes_no_longer_than_its_length() {
    assert!(check(Python, &"x = 1\n".repeat(200_000)).is_allowed());
    assert!(check(Python, &format!("x = [{}]", "1, ".repeat(300_000))).is_allowed());
    assert!(check(Python, &format!("x = {:?}", "y".repeat(5_000_000))).is_allowed());
    assert!(check(Python, &format!("x = ({})", "'a' ".repeat(100_000))).is_allowed());
    assert!(check(Python, &format!("# {}", "x".repeat(5_000_000))).is_allowed());
    assert!(check(Python, &"a = a + 'x'; ".repeat(50_000)).is_allowed());
    assert!(check(Python, &"a = 'x' + a\nb = [a, b]\n".repeat(50_000)).is_allowed());
    assert!(check(Python, &format!("x = 'a' * {}", "9".repeat(18))).is_allowed());
    assert!(check(Python, &"{0.x}".repeat(200_000).replace('\n', "")).findings.len() < 10);
    assert!(!check(Python, &format!("x = {}", "9".repeat(3_000_000))).is_allowed());
    check(Python, &format!("x = 0x{}", "f".repeat(1_000_000)));
    check(Python, &format!("getattr(x, {})", "'_' + ".repeat(4000) + "'x'"));
    check(Python, &format!("x = '{}'", "{0.__class__".repeat(100_000)));
    check(Python, &"f'{x}' ".repeat(50_000));
    assert!(!check(Python, &"x\n".repeat(MAX_SOURCE_BYTES / 2 + 1)).is_allowed());
}

#[test]
fn deep_and_long_javascript() {
    const N: usize = 500_000;
    for piece in [
        "(",
        "[",
        "{",
        "`${",
        "a.",
        "1+",
        "!",
        "'a'+",
        "'a'.concat(",
        "/",
        "/a/",
        "}/",
        "`",
        "\\u0061",
        "<!--",
        "x?.[",
        "eval ",
        "require(",
        "import ",
        "import{a,",
        "constructor.",
        "{constructor:",
        "Reflect.get(",
        "process.",
        "{exit,",
        "('a')",
        "['a']",
        "/*",
        "//",
        "0x",
        "...",
        "\u{2028}",
        "globalThis[",
    ] {
        check(JavaScript, &piece.repeat(N / piece.len().max(2)));
    }
    check(JavaScript, &format!("x = '{}'", "a".repeat(5_000_000)));
    assert!(check(JavaScript, &"let x = 1;\n".repeat(100_000)).is_allowed());
    assert!(!check(JavaScript, &format!("{}eval(1)", "(".repeat(N))).is_allowed());
}

#[test]
fn deep_and_long_shell() {
    for piece in [
        "$(",
        "`",
        "(",
        "((",
        "$((",
        "${x:-",
        "${",
        "\"$(",
        "<(",
        "case x in a) ",
        "sh -c '",
        "{ ",
        "if ",
        "f() ",
        "a=(",
        "[[ ",
    ] {
        let code = piece.repeat(100_000);
        assert!(!check(Shell, &code).is_allowed() || piece.ends_with(' '), "{piece}");
    }
    for piece in [
        "a=b ", "echo x; ", "x | ", "! ", "<<A ", "$x", "'a'", "\\", "a=$a$a;", "sudo ", "xargs ", "env ",
        "$'\\x61'", "*", "{a,b}", "\n", "#", "&", "|", ">",
    ] {
        check(Shell, &piece.repeat(50_000));
    }
    too_deep(Shell, &format!("{}rm{}", "$(".repeat(100), ")".repeat(100)));
    // Here-documents in here-documents, each of which would be read twice.
    let mut bomb = String::from("ls\n");
    for i in 0..40 {
        bomb = format!("$(sh <<E{i}\n{bomb}\nE{i}\n)\n");
    }
    check(Shell, &bomb);
    let mut quoted = String::from("rm x");
    for _ in 0..12 {
        quoted = format!("sh -c '{}'", quoted.replace('\'', "'\\''"));
    }
    assert!(!check(Shell, &quoted).is_allowed());
}

/// Pieces of all three languages, put together at random: whatever comes out, the checker answers.
#[test]
fn random_pieces_do_no_harm() {
    const PIECES: [&str; 72] = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'",
        "\"",
        "'''",
        "\"\"\"",
        "`",
        "${",
        "$(",
        "$((",
        "))",
        "f'",
        "rb'",
        "\\",
        "\n",
        "\r",
        "\t",
        " ",
        "\0",
        "\x0c",
        "\u{feff}",
        "é",
        "𝓮",
        "\u{2028}",
        "#",
        "//",
        "/*",
        "*/",
        "/",
        ":",
        ";",
        ",",
        ".",
        "=",
        ":=",
        "->",
        "=>",
        "+",
        "-",
        "**",
        "@",
        "!",
        "if ",
        "elif ",
        "else",
        "def f",
        "class A",
        "import os",
        "lambda ",
        "for ",
        "in ",
        "case ",
        "esac",
        "<<EOF\n",
        "EOF\n",
        "$'",
        "\\x6",
        "\\u{",
        "0",
        "1e",
        "x",
        "eval",
        "__class__",
        "{0.__",
        "async ",
        "match x:\n  ",
        "    ",
        "% d",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    // `POLICY_FUZZ=1000000` for a longer run.
    let rounds = std::env::var("POLICY_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000);
    for _ in 0..rounds {
        let length = next() % 40;
        let code: String = (0..length).map(|_| PIECES[(next() % PIECES.len() as u64) as usize]).collect();
        for language in Language::ALL {
            for finding in policy().validate(&code, language).findings {
                assert!(
                    finding.line >= 1 && finding.column >= 1 && finding.end_column > finding.column,
                    "{code:?}"
                );
            }
        }
    }
}
