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

/// Programs with pieces cut out, doubled and moved: near enough to real ones to get far into the checks.
#[test]
fn damaged_programs_do_no_harm() {
    const PROGRAMS: [&str; 6] = [
        "import os.path as p\nclass A(B, metaclass=M):\n    @d(x)\n    async def f(self, a=1, *b, c: int = 2, **k) -> T:\n        return f'{a!r:>{b}} {getattr(a, \"__\" + \"class__\")}' if a else [x for x in b if x]\n",
        "match x:\n    case {'k': [A(b=1), *r], **k} | (1 as y) if z:\n        try:\n            with a() as b, c: lambda q: (yield)\n        except* E as e:\n            raise e from None\n    case _: global g; type X[T] = int\n",
        "const {a: {b}, ...c} = require('f' + `s`); // x\nlet r = /[/'\"]\\/(?<n>x)/gu.test(`a${b / 2 + `${c}`}`) ? x?.['y'] : process[\"exit\"](0); /* ' */\n",
        "class A extends B { static #x = 1; get y() { return this.constructor.name } }\nimport d, {e as f} from 'fs'; Reflect.get(globalThis, 'ev\\u0061l');\n",
        "a=r b='m -rf'; for f in *.txt; do if [[ -f $f && $x == \"y\" ]]; then $a$b \"$f\" 2>/dev/null | xargs -n1 sh -c 'rm \"$0\"'; fi; done\ncase \"$1\" in a|b) echo $(( $(date +%s) + 1 ));; *) cat <<EOF\n$(ls `pwd`) ${x:-y}\nEOF\n;; esac\n",
        "f() { local x=\"$1\"; eval \"echo $x\"; }\nsudo env -i A=1 timeout -k 1 5 bash -ec $'\\x72m' <<< 'x' > /dev/sda & arr=(1 2 \"$(f)\"); diff <(a) >(b); ((i++)); find . -exec rm {} \\;\n",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let rounds = std::env::var("POLICY_FUZZ").ok().and_then(|n| n.parse().ok()).unwrap_or(6_000);
    for _ in 0..rounds {
        let mut code: Vec<char> = PROGRAMS[next(PROGRAMS.len())].chars().collect();
        for _ in 0..=next(4) {
            let (a, b) = (next(code.len()), next(code.len()));
            let (from, to) = (a.min(b), a.max(b).min(a.min(b) + next(40)));
            let piece: Vec<char> = code[from..to].to_vec();
            match next(3) {
                0 => drop(code.drain(from..to)),
                1 => drop(code.splice(to..to, piece)),
                _ => {
                    let at = next(code.len());
                    drop(code.splice(at..at, piece));
                }
            }
        }
        let code: String = code.into_iter().collect();
        for language in Language::ALL {
            let start = Instant::now();
            for finding in policy().validate(&code, language).findings {
                assert!(
                    finding.line >= 1 && finding.column >= 1 && finding.end_column > finding.column,
                    "{code:?}"
                );
            }
            assert!(start.elapsed() < LONG, "{code:?}");
        }
    }
}
