//! Applies the rules to folded tokens.
use super::lexer::Kind;
use super::normal::Piece;
use crate::policy::Imported;
use crate::policy::rules::{Detector, Report, RuleIx, shorten};

/// Words after which a value begins, never ends.
const KEYWORDS: [&str; 34] = [
    "break",
    "case",
    "catch",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "export",
    "extends",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "let",
    "new",
    "of",
    "return",
    "static",
    "switch",
    "throw",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "await",
];

/// Names of the global object and of the objects that the policy watches, where passing them on hides what is done.
const GLOBALS: [&str; 3] = ["globalThis", "global", "process"];

/// Other names of the global object, which are also common names of variables.
const MAYBE_GLOBALS: [&str; 5] = ["window", "self", "frames", "module", "require"];

/// How far a look ahead for the end of a bracket goes.
const LOOK_AHEAD: usize = 512;

pub(crate) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

pub(crate) struct Judge<'p, 'r> {
    pieces: &'p [Piece],
    report: &'p mut Report<'r>,
    imported: Vec<Imported>,
    /// The program has a function of its own called `process`.
    own_process: bool,
    /// The last parts of dotted functions (`exit` of `process.exit`), with what they belong to.
    members: Vec<(&'r str, &'r str, RuleIx)>,
}

/// Judges `pieces`; returns what they import.
pub(super) fn judge<'r>(pieces: &[Piece], report: &mut Report<'r>) -> Vec<Imported> {
    let rules = report.rules;
    let members =
        rules.functions.iter().filter_map(|(f, &ix)| f.rsplit_once('.').map(|(o, m)| (o, m, ix))).collect();
    let own_process =
        pieces.windows(2).any(|w| w[0].word() == Some("function") && w[1].word() == Some("process"));
    let mut judge = Judge { pieces, report, imported: Vec::new(), own_process, members };
    for (i, piece) in pieces.iter().enumerate() {
        if let Kind::Word(word) = &piece.kind {
            judge.word(i, word);
        }
    }
    judge.imported
}

impl Judge<'_, '_> {
    fn at(&self, i: usize) -> Option<&Piece> {
        self.pieces.get(i)
    }

    fn before(&self, i: usize, n: usize) -> Option<&Piece> {
        self.pieces.get(i.checked_sub(n)?)
    }

    fn punct(&self, i: usize, punct: &str) -> bool {
        self.at(i).is_some_and(|p| p.is(punct))
    }

    fn punct_before(&self, i: usize, puncts: &[&str]) -> bool {
        self.before(i, 1).is_some_and(|p| puncts.iter().any(|q| p.is(q)))
    }

    fn span(&self, from: usize, to: usize) -> (usize, usize) {
        let start = self.at(from).map_or(0, |p| p.start);
        (start, self.at(to).map_or(start, |p| p.end))
    }

    fn word(&mut self, i: usize, word: &str) {
        match word {
            "require" => self.require(i),
            "import" | "export" if !self.punct_before(i, &["."]) => self.import(i),
            "constructor" => self.constructor(i),
            "setTimeout" | "setInterval" | "setImmediate" | "execScript"
                if self.punct(i + 1, "(") && self.at(i + 2).is_some_and(|p| p.string().is_some()) =>
            {
                let (start, end) = self.span(i, i + 2);
                self.report.detect(Detector::FunctionConstructor, start, end, word, || {
                    format!("`{word}` of a string runs it as code")
                });
            }
            "Reflect" | "getOwnPropertyDescriptor" => self.by_string(i),
            _ => {}
        }
        self.named(i, word);
        self.member(i, word);
        self.global(i, word);
    }

    /// `{name: ...}` in an object, which is a key, not a use. In a pattern (`{name: x} = y`) it is a use.
    fn is_key(&self, i: usize) -> bool {
        self.punct(i + 1, ":") && self.punct_before(i, &["{", ","]) && !self.in_pattern(i)
    }

    /// A method's definition: `name(...) {` in a class or an object.
    fn is_method(&self, i: usize) -> bool {
        if !self.punct(i + 1, "(")
            || !(self.punct_before(i, &["{", "}", ";", ",", "*"]) || self.modifier_before(i))
        {
            return false;
        }
        self.close_of(i + 1).is_some_and(|close| self.punct(close + 1, "{"))
    }

    fn modifier_before(&self, i: usize) -> bool {
        self.before(i, 1)
            .and_then(Piece::word)
            .is_some_and(|w| matches!(w, "async" | "get" | "set" | "static"))
    }

    /// The bracket that closes the one at `open`, if near.
    fn close_of(&self, open: usize) -> Option<usize> {
        let mut depth = 0usize;
        for i in open..(open + LOOK_AHEAD).min(self.pieces.len()) {
            match self.pieces[i].kind {
                Kind::Punct("(" | "[" | "{" | "${") => depth += 1,
                Kind::Punct(")" | "]" | "}") => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(i);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Whether the braces around `i` are a destructuring pattern: `{...} = x`, `({...}) =>`, `for ({...} of x)`.
    fn in_pattern(&self, i: usize) -> bool {
        let mut depth = 1usize;
        for j in i + 1..(i + LOOK_AHEAD).min(self.pieces.len()) {
            match self.pieces[j].kind {
                Kind::Punct("(" | "[" | "{" | "${") => depth += 1,
                Kind::Punct(")" | "]" | "}") => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let next = self.at(j + 1);
                return next.is_some_and(|p| p.is("=") || p.word() == Some("of") || p.word() == Some("in"))
                    || (next.is_some_and(|p| p.is(")"))
                        && self.at(j + 2).is_some_and(|p| p.is("=>") || p.is("{")));
            }
        }
        // Too far to tell: a use.
        true
    }

    /// A name that the rules forbid wherever it is used as a value or a member.
    fn named(&mut self, i: usize, word: &str) {
        let rules = self.report.rules;
        let Some(&ix) = rules.names.get(word) else { return };
        let before = self.before(i, 1).and_then(Piece::word);
        let harmless = matches!(before, Some("instanceof" | "typeof" | "function"))
            || self.is_key(i)
            || self.is_method(i)
            || (word == "Function" && self.is_type_only(i));
        if !harmless {
            let (start, end) = self.span(i, i);
            self.report.add(ix, start, end, word, || format!("use of `{}`", shorten(word)));
        }
    }

    /// `Function.prototype.call`, `x === Function`: the type, not the constructor.
    fn is_type_only(&self, i: usize) -> bool {
        let prototype = self.punct(i + 1, ".") && self.at(i + 2).and_then(Piece::word) == Some("prototype");
        let compared = self.punct_before(i, &["===", "==", "!==", "!="])
            && !self.at(i + 1).is_some_and(|p| p.is("(") || p.is(".") || p.is("["));
        prototype || compared
    }

    /// A dotted function: `process.exit`, and the same taken apart: `{exit} = process`, `import {exit} from 'process'`.
    fn member(&mut self, i: usize, word: &str) {
        for m in 0..self.members.len() {
            let (object, member, ix) = self.members[m];
            if word != member {
                continue;
            }
            let direct = self.punct_before(i, &["."])
                && self
                    .before(i, 2)
                    .is_some_and(|p| p.word() == Some(object.rsplit('.').next().unwrap_or(object)));
            if direct {
                let (start, end) = self.span(i - 2, i);
                self.report.add(ix, start, end, word, || format!("use of `{object}.{member}`"));
            } else if self.punct_before(i, &["{", ","]) && self.taken_from(i, object) {
                let (start, end) = self.span(i, i);
                self.report.add(ix, start, end, word, || format!("use of `{object}.{member}`"));
            }
        }
    }

    /// Whether the braces around `i` take members out of `object`.
    fn taken_from(&self, i: usize, object: &str) -> bool {
        let Some(close) = (i..(i + LOOK_AHEAD).min(self.pieces.len())).find(|&j| self.punct(j, "}")) else {
            return false;
        };
        let mut j = close + 1;
        while self.at(j).is_some_and(|p| {
            p.is("=")
                || p.is("(")
                || p.is(".")
                || matches!(p.word(), Some("from" | "await" | "require" | "import" | "globalThis"))
        }) {
            j += 1;
        }
        self.at(j).is_some_and(|p| match &p.kind {
            Kind::Word(w) => w == object,
            Kind::Str(s) => bare_module(s) == object,
            _ => false,
        })
    }

    /// Global objects, reached by computed names or handed on.
    fn global(&mut self, i: usize, word: &str) {
        let sure = GLOBALS.contains(&word);
        if !sure && !MAYBE_GLOBALS.contains(&word) || self.punct_before(i, &["."]) || self.is_key(i) {
            return;
        }
        let (start, end) = self.span(i, i);
        if self.punct(i + 1, "[") && (sure || word != "module") {
            self.report.detect(Detector::DynamicGlobal, start, end, word, || {
                format!("a member of `{word}` is reached by a computed name")
            });
            return;
        }
        let before = self.before(i, 1).and_then(Piece::word);
        let ordinary = self.punct(i + 1, ".")
            || self.punct(i + 1, "(")
            || matches!(before, Some("typeof" | "function" | "import"))
            || (self.own_process && word == "process")
            || self.is_binding(i);
        if sure && !ordinary {
            self.report.detect(Detector::DynamicGlobal, start, end, word, || {
                format!("`{word}` is handed on, so what it reaches cannot be told")
            });
        }
    }

    /// `const process = ...`, `process =>`: a variable of that name.
    fn is_binding(&self, i: usize) -> bool {
        let before = self.before(i, 1).and_then(Piece::word);
        matches!(before, Some("const" | "let" | "var")) || self.punct(i + 1, "=>")
    }

    fn require(&mut self, i: usize) {
        let (start, end) = self.span(i, i);
        let before = self.before(i, 1).and_then(Piece::word);
        if self.punct(i + 1, "(") {
            if before == Some("function") {
                return;
            }
            match self.at(i + 2).and_then(Piece::string) {
                Some(module) if self.at(i + 3).is_none_or(|p| p.is(")") || p.is(",")) => {
                    let module = module.to_owned();
                    let (start, end) = self.span(i, i + 3);
                    self.module(&module, start, end);
                }
                _ => self.report.detect(Detector::DynamicRequire, start, end, "require", || {
                    "`require` of a module whose name is computed".to_owned()
                }),
            }
        } else if !self.punct(i + 1, ".")
            && before != Some("typeof")
            && !self.is_key(i)
            && !self.is_binding(i)
        {
            self.report.detect(Detector::DynamicRequire, start, end, "require", || {
                "`require` is handed on, so what it loads cannot be told".to_owned()
            });
        }
    }

    fn import(&mut self, i: usize) {
        let (start, end) = self.span(i, i);
        let dynamic = self.at(i).and_then(Piece::word) == Some("import") && self.punct(i + 1, "(");
        if dynamic {
            match self.at(i + 2).and_then(Piece::string) {
                Some(module) if self.at(i + 3).is_none_or(|p| p.is(")") || p.is(",")) => {
                    let module = module.to_owned();
                    let (start, end) = self.span(i, i + 3);
                    self.module(&module, start, end);
                }
                _ => self.report.detect(Detector::DynamicRequire, start, end, "import", || {
                    "`import()` of a module whose name is computed".to_owned()
                }),
            }
            return;
        }
        if let Some(module) = self.at(i + 1).and_then(Piece::string) {
            let module = module.to_owned();
            let (start, end) = self.span(i, i + 1);
            self.module(&module, start, end);
            return;
        }
        for j in i + 1..(i + LOOK_AHEAD * 8).min(self.pieces.len()) {
            let piece = &self.pieces[j];
            if piece.word() == Some("from")
                && let Some(module) = self.at(j + 1).and_then(Piece::string)
            {
                let module = module.to_owned();
                let (start, end) = self.span(i, j + 1);
                self.module(&module, start, end);
                return;
            }
            // Nothing but names stands between `import` and `from`.
            let list = piece.word().is_some_and(|w| w != "import" && (w == "default" || !is_keyword(w)));
            if !list && piece.string().is_none() && !["{", "}", ",", "*"].iter().any(|p| piece.is(p)) {
                return;
            }
        }
    }

    fn module(&mut self, module: &str, start: usize, end: usize) {
        let rules = self.report.rules;
        let bare = bare_module(module);
        let rule =
            rules.imports.get(bare).or_else(|| rules.imports.get(bare.split('/').next().unwrap_or(bare)));
        if let Some(&ix) = rule {
            self.report.add(ix, start, end, bare, || format!("import of module `{}`", shorten(module)));
        }
        self.imported.push(Imported {
            module: module.to_owned(),
            rule: rule.copied(),
            start,
            end,
            guarded: false,
        });
    }

    /// `x.constructor(...)` makes a function from a string when `x` is a function.
    fn constructor(&mut self, i: usize) {
        let (start, end) = self.span(i, i);
        let member = self.punct_before(i, &["."]);
        let next_word = if self.punct(i + 1, ".") { self.at(i + 2).and_then(Piece::word) } else { None };
        let risky = if member {
            let base = self.before(i, 2).and_then(Piece::word);
            let compared =
                self.at(i + 1).is_some_and(|p| ["===", "==", "!==", "!=", "="].iter().any(|q| p.is(q)));
            match next_word {
                Some(word) => word == "constructor",
                None => !compared && !matches!(base, Some("this" | "super")),
            }
        } else {
            self.punct_before(i, &["{", ","])
                && self.at(i + 1).is_some_and(|p| [":", "}", ",", "="].iter().any(|q| p.is(q)))
                && self.in_pattern(i)
        };
        if risky {
            self.report.detect(Detector::FunctionConstructor, start, end, "constructor", || {
                "`constructor` of a function makes functions from strings".to_owned()
            });
        }
    }

    /// `Reflect.get(globalThis, 'eval')`: members reached by strings.
    fn by_string(&mut self, i: usize) {
        let Some(open) = (i + 1..i + 4).find(|&j| self.punct(j, "(")) else { return };
        let close = self.close_of(open).unwrap_or((open + LOOK_AHEAD).min(self.pieces.len()));
        for j in open + 1..close {
            let Some(text) = self.at(j).and_then(Piece::string).map(str::to_owned) else { continue };
            let rules = self.report.rules;
            let (start, end) = self.span(j, j);
            let member = self.members.iter().find(|m| m.1 == text).map(|m| m.2);
            if let Some(ix) = rules.names.get(&text).copied().or(member) {
                self.report.add(ix, start, end, &text, || format!("use of `{}` by its name", shorten(&text)));
            } else if text == "constructor" {
                self.report.detect(Detector::FunctionConstructor, start, end, "constructor", || {
                    "`constructor` by its name makes functions from strings".to_owned()
                });
            }
        }
    }
}

/// `node:fs` is `fs`.
fn bare_module(module: &str) -> &str {
    module.strip_prefix("node:").unwrap_or(module)
}
