//! Applies the rules to the commands of a script.
use super::parser::{Command, Part, Script, Word};
use crate::policy::rules::{Detector, Report, shorten};
use std::cell::Cell;
use std::collections::HashMap;

/// Stands in a word for what cannot be told.
const UNKNOWN: char = '\u{fffe}';

const SHELLS: [&str; 9] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "rbash"];

/// Other programs that run what they read.
const INTERPRETERS: [&str; 11] =
    ["python", "python2", "python3", "perl", "ruby", "node", "nodejs", "php", "lua", "qjs", "deno"];

/// Where the system's own programs lie.
const PROGRAM_DIRECTORIES: [&str; 6] =
    ["/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin"];

/// Commands that run the command that follows them: options that take a value, and how many words come before it.
const WRAPPERS: [(&str, &str, usize); 24] = [
    ("command", "", 0),
    ("builtin", "", 0),
    ("exec", "a", 0),
    ("env", "uCS", 0),
    ("nohup", "", 0),
    ("time", "fo", 0),
    ("nice", "n", 0),
    ("ionice", "cn", 0),
    ("chrt", "", 1),
    ("taskset", "", 1),
    ("sudo", "ughpCrtTRD", 0),
    ("doas", "uC", 0),
    ("busybox", "", 0),
    ("toybox", "", 0),
    ("timeout", "ks", 1),
    ("setsid", "", 0),
    ("stdbuf", "ioe", 0),
    ("chroot", "", 1),
    ("unshare", "", 0),
    ("strace", "eop", 0),
    ("watch", "nd", 0),
    ("flock", "wE", 1),
    ("xargs", "InPLsdEaR", 0),
    ("parallel", "jI", 0),
];

/// A word after expansion.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quoted: bool,
}

impl Field {
    fn known(&self) -> bool {
        !self.text.contains(UNKNOWN)
    }

    /// The name behind the last slash.
    fn base(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or(&self.text)
    }
}

/// Values of variables; `None` where a value cannot be told.
pub(super) type Variables = HashMap<String, Option<String>>;

/// What the variables of a script are worth, as far as each is assigned once, to something known.
pub(super) fn variables(script: &Script, outer: &Variables) -> Variables {
    let mut known = outer.clone();
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut assign = |known: &mut Variables, name: &str, value: Option<String>| {
        let count = seen.entry(name.to_owned()).or_default();
        *count += 1;
        let value = if *count > 1 { None } else { value };
        known.insert(name.to_owned(), value);
    };
    for (name, word) in &script.assigned {
        let value = word.as_ref().map(|w| text_of(w, &known)).filter(|t| !t.contains(UNKNOWN));
        assign(&mut known, name, value);
    }
    for command in &script.commands {
        let words: Vec<String> = command.words.iter().take(64).map(|w| text_of(w, &known)).collect();
        let Some(first) = words.first() else { continue };
        match first.as_str() {
            "export" | "local" | "declare" | "typeset" | "readonly" => {
                for word in &words[1..] {
                    if let Some((name, value)) = word.split_once('=') {
                        let value = (!value.contains(UNKNOWN)).then(|| value.to_owned());
                        assign(&mut known, name, value);
                    }
                }
            }
            "read" | "getopts" | "mapfile" | "readarray" | "printf" | "unset" | "let" => {
                for word in &words[1..] {
                    let name = word.split(['=', '+', '-']).next().unwrap_or_default();
                    if known.contains_key(name) {
                        known.insert(name.to_owned(), None);
                    }
                }
            }
            _ => {}
        }
    }
    // With other separators, words fall apart in other places.
    if known.contains_key("IFS") {
        known.values_mut().for_each(|v| *v = None);
    }
    known
}

fn text_of(word: &Word, variables: &Variables) -> String {
    let mut out = String::new();
    for part in &word.parts {
        match part {
            Part::Text(text, _) => out.push_str(text),
            Part::Variable(name, _) => match variables.get(name) {
                Some(Some(value)) => out.push_str(value),
                _ => out.push(UNKNOWN),
            },
            Part::Glob(_) | Part::Unknown => out.push(UNKNOWN),
        }
        if out.len() > 1 << 16 {
            // Doubling variables end here.
            return UNKNOWN.to_string();
        }
    }
    out
}

/// A word's fields: unquoted variables fall apart at white space, and an empty one is no field.
pub(super) fn fields(word: &Word, variables: &Variables) -> Vec<Field> {
    let text = text_of(word, variables);
    let splits = word.parts.iter().any(|p| matches!(p, Part::Variable(_, false)));
    let field = |text: String| Field { text, start: word.start, end: word.end, quoted: word.quoted };
    if splits {
        return text
            .split([' ', '\t', '\n'])
            .filter(|t| !t.is_empty())
            .map(|t| field(t.to_owned()))
            .collect();
    }
    vec![field(text)]
}

pub(super) struct Judge<'j, 'r> {
    pub(super) report: &'j mut Report<'r>,
    pub(super) variables: Variables,
    pub(super) depth: usize,
    /// All places are this one: the script stands in a string.
    pub(super) fixed: Option<(usize, usize)>,
    pub(super) budget: &'j Cell<usize>,
}

impl Judge<'_, '_> {
    fn place(&self, start: usize, end: usize) -> (usize, usize) {
        self.fixed.unwrap_or((start, end))
    }

    fn detect(&mut self, detector: Detector, field: &Field, what: &str) {
        let (start, end) = self.place(field.start, field.end);
        self.report.detect(detector, start, end, &field.text, || what.to_owned());
    }

    /// Judges code in a string.
    fn script(&mut self, text: &str, at: &Field) {
        let place = self.place(at.start, at.end);
        super::judge_script(text, self.report, &self.variables, self.depth + 1, Some(place), self.budget);
    }

    pub(super) fn command(&mut self, command: &Command) {
        let fields: Vec<Field> = command.words.iter().flat_map(|w| fields(w, &self.variables)).collect();
        let from_xargs = false;
        self.run(&fields, command, from_xargs);
    }

    /// Judges the command that `fields` begin with, through whatever wraps it.
    fn run(&mut self, fields: &[Field], command: &Command, mut arguments_come: bool) {
        let mut at = 0;
        while let Some(field) = fields.get(at) {
            let base = field.base().to_owned();
            if base.contains(UNKNOWN) || (arguments_come && base.contains("{}")) {
                self.detect(Detector::OpaqueCommand, field, "the name of the command cannot be told");
                return;
            }
            let rules = self.report.rules;
            if let Some(&ix) = rules.commands.get(&base).or_else(|| rules.commands.get(&field.text)) {
                let (start, end) = self.place(field.start, field.end);
                self.report.add(ix, start, end, &base, || format!("command `{}`", shorten(&base)));
            }
            let rest = &fields[at + 1..];
            if let Some(&(name, with_value, skip)) = WRAPPERS.iter().find(|w| w.0 == base) {
                let query = name == "command"
                    && rest.first().is_some_and(|f| f.text.starts_with("-v") || f.text.starts_with("-V"));
                if query || (rest.is_empty() && !arguments_come) {
                    return;
                }
                let is_xargs = matches!(name, "xargs" | "parallel");
                at += 1 + self.skip_options(name, rest, with_value, skip);
                arguments_come |= is_xargs;
                if at >= fields.len() && arguments_come && !is_xargs {
                    self.detect(Detector::OpaqueCommand, field, "the command comes from standard input");
                    return;
                }
                continue;
            }
            self.known(&base, field, rest, command, arguments_come);
            return;
        }
    }

    /// How many fields after a wrapper belong to it.
    fn skip_options(&mut self, name: &str, rest: &[Field], with_value: &str, skip: usize) -> usize {
        let mut n = 0;
        while let Some(field) = rest.get(n) {
            let text = field.text.as_str();
            if text == "--" {
                n += 1;
                break;
            }
            if name == "env" && (text.starts_with("-S") || text.starts_with("--split-string")) {
                let inline = text
                    .trim_start_matches("-S")
                    .trim_start_matches("--split-string")
                    .trim_start_matches('=');
                let code = if inline.is_empty() { rest.get(n + 1).map_or("", |f| &f.text) } else { inline };
                let code = code.to_owned();
                self.script(&code, field);
                return rest.len();
            }
            if name == "env" && text.contains('=') && !text.starts_with('-') {
                n += 1;
                continue;
            }
            if !text.starts_with('-') || text.len() < 2 {
                break;
            }
            n += 1;
            let mut letters = text[1..].chars();
            let (first, attached) = (letters.next(), letters.next().is_some());
            if first.is_some_and(|c| with_value.contains(c)) && !attached {
                n += 1;
            }
        }
        (n + skip).min(rest.len())
    }

    /// Commands that run code, or other commands, in ways of their own.
    fn known(&mut self, base: &str, field: &Field, rest: &[Field], command: &Command, from_xargs: bool) {
        match base {
            "eval" => {
                let code = rest.iter().map(|f| f.text.as_str()).collect::<Vec<_>>().join(" ");
                self.code(&code, field, rest.iter().all(Field::known));
            }
            "trap" => {
                if let Some(code) = rest.iter().find(|f| !f.text.starts_with('-')) {
                    self.code(&code.text.clone(), code, code.known());
                }
            }
            "alias" => {
                for alias in rest {
                    if let Some((_, code)) = alias.text.split_once('=') {
                        let code = code.to_owned();
                        self.code(&code, alias, alias.known());
                    }
                }
            }
            "find" => {
                for (i, option) in rest.iter().enumerate() {
                    if matches!(option.text.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir") {
                        let inner = &rest[i + 1..];
                        let end =
                            inner.iter().position(|f| f.text == ";" || f.text == "+").unwrap_or(inner.len());
                        self.run(&inner[..end], command, true);
                    }
                }
            }
            "source" | "." => self.file(rest.first(), field),
            "su" => {
                if let Some(i) = rest.iter().position(|f| f.text == "-c")
                    && let Some(code) = rest.get(i + 1)
                {
                    self.code(&code.text.clone(), code, code.known());
                }
            }
            _ if SHELLS.contains(&base) => self.shell(field, rest, command, from_xargs),
            _ if INTERPRETERS.contains(&base) => {
                let options_only = rest.iter().all(|f| {
                    f.text.starts_with('-') && !f.text.starts_with("-c") && !f.text.starts_with("-e")
                });
                let bare = rest.iter().all(|f| f.text == "-") && command.here.is_empty();
                if bare || (options_only && command.piped) {
                    self.detect(
                        Detector::PipeToShell,
                        field,
                        "an interpreter reads its program from standard input",
                    );
                }
            }
            _ => {
                let directory = field.text.strip_suffix(base).unwrap_or_default().trim_end_matches('/');
                let rooted = field.text.contains('/');
                if rooted && !PROGRAM_DIRECTORIES.contains(&directory) {
                    self.detect(Detector::LocalProgram, field, "a program of unknown content");
                }
            }
        }
    }

    /// Code in a string: judged if it is known, opaque if not.
    fn code(&mut self, code: &str, field: &Field, known: bool) {
        if known {
            self.script(code, field);
        } else {
            // What is known of it is judged all the same.
            self.detect(Detector::OpaqueCommand, field, "the code that is run cannot be told");
        }
    }

    fn file(&mut self, file: Option<&Field>, command: &Field) {
        match file {
            Some(file)
                if !file.known() || file.text.starts_with("/dev/") || file.text.starts_with("/proc/") =>
            {
                self.detect(Detector::PipeToShell, command, "a shell reads its program from a pipe");
            }
            Some(_) => self.detect(Detector::LocalProgram, command, "a shell runs a file of unknown content"),
            None => {}
        }
    }

    fn shell(&mut self, field: &Field, rest: &[Field], command: &Command, from_xargs: bool) {
        let mut at = 0;
        while let Some(option) = rest.get(at) {
            let text = option.text.as_str();
            if !text.starts_with(['-', '+']) || text == "-" || text == "--" {
                break;
            }
            let short = !text.starts_with("--");
            if short && text.contains('c') {
                match rest.get(at + 1) {
                    Some(code) => self.code(&code.text.clone(), code, code.known()),
                    None if from_xargs => {
                        self.detect(Detector::OpaqueCommand, field, "the code comes from standard input");
                    }
                    None => {}
                }
                return;
            }
            if short && text.contains('s') {
                at = rest.len();
                break;
            }
            at += if matches!(text, "-o" | "+o" | "-O" | "+O" | "--rcfile" | "--init-file") { 2 } else { 1 };
        }
        if let Some(file) = rest.get(at).filter(|f| f.text != "-" && f.text != "--") {
            self.file(Some(file), field);
            return;
        }
        let mut told = false;
        for body in &command.here {
            let text = text_of(body, &self.variables);
            self.script(
                &text,
                &Field { text: String::new(), start: body.start, end: body.start + 1, quoted: false },
            );
            told = true;
        }
        for redirect in &command.redirects {
            match redirect.operator {
                "<<<" => {
                    let code = text_of(&redirect.target, &self.variables);
                    let known = !code.contains(UNKNOWN);
                    let (start, end) = (redirect.target.start, redirect.target.end);
                    self.code(&code, &Field { text: String::new(), start, end, quoted: true }, known);
                    told = true;
                }
                "<" | "<>" | "<&" => {
                    self.detect(Detector::PipeToShell, field, "a shell reads its program from a file");
                    told = true;
                }
                _ => {}
            }
        }
        let asked = rest.iter().any(|f| matches!(f.text.as_str(), "--version" | "--help"));
        if !told && !asked {
            self.detect(Detector::PipeToShell, field, "a shell reads its program from standard input");
        }
    }
}

/// A path without `.`, `..` and doubled slashes, as far as it is known.
pub(super) fn clean_path(path: &str) -> String {
    if !path.starts_with('/') || path.contains(UNKNOWN) {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    format!("/{}{end}", parts.join("/"))
}
