//! Words and commands of POSIX shell and bash, quoting taken off.
//!
//! Every simple command of a script ends up in one flat list, whatever it is nested in. Nesting is followed to a fixed
//! depth, so no input overflows the stack.
#[path = "words.rs"]
mod words;

/// Deeper nesting of `$(...)`, `(...)`, `case` and code in strings is refused.
pub(crate) const MAX_DEPTH: usize = 60;

/// A piece of a word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// Text, with whether it was quoted.
    Text(String, bool),
    /// `$name` or `${name}`, with whether it was quoted.
    Variable(String, bool),
    /// A wildcard or braces that expand to what cannot be told.
    Glob(char),
    /// A command substitution, an arithmetic one, a parameter expansion with an operator.
    Unknown,
}

/// A word with its place in the script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Word {
    pub(crate) parts: Vec<Part>,
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The whole word is in quotes.
    pub(crate) quoted: bool,
}

impl Word {
    /// Text, if the word is nothing else and not quoted: what can be a reserved word.
    fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text, false)] => Some(text),
            _ => None,
        }
    }
}

/// A redirection: the operator without its number, and where to.
#[derive(Debug)]
pub(crate) struct Redirect {
    pub(crate) operator: &'static str,
    pub(crate) target: Word,
}

/// A simple command.
#[derive(Debug, Default)]
pub(crate) struct Command {
    pub(crate) words: Vec<Word>,
    pub(crate) redirects: Vec<Redirect>,
    /// Its standard input is another command's output.
    pub(crate) piped: bool,
    /// The body of a here-document, with whether its delimiter was quoted.
    pub(crate) here: Vec<Word>,
    /// What ended it: `;`, `|`, `&&` and so on.
    pub(crate) separator: &'static str,
}

/// A parsed script.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) commands: Vec<Command>,
    /// Assignments by name; `None` where the value cannot be told.
    pub(crate) assigned: Vec<(String, Option<Word>)>,
    /// Functions that the script defines.
    pub(crate) functions: Vec<String>,
    /// Mistakes: where, and what.
    pub(crate) errors: Vec<(usize, &'static str)>,
    /// Where nesting went too deep.
    pub(crate) too_deep: Option<usize>,
}

/// What ends a list of commands.
#[derive(Clone, Copy, PartialEq)]
enum End {
    File,
    Paren,
    Case,
}

struct HereDoc {
    delimiter: String,
    quoted: bool,
    strip_tabs: bool,
    command: usize,
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    out: Script,
    /// Here-documents whose bodies begin behind the next line end.
    pending: Vec<HereDoc>,
    /// The next command reads what the last one wrote.
    piped: bool,
}

/// Parses a script that is nested `depth` deep in others.
pub(crate) fn parse(text: &str, depth: usize) -> Script {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        depth,
        out: Script::default(),
        pending: Vec::new(),
        piped: false,
    };
    if depth >= MAX_DEPTH {
        parser.out.too_deep = Some(0);
        return parser.out;
    }
    while parser.at < parser.bytes.len() && parser.out.too_deep.is_none() {
        parser.list(End::File);
        if parser.at < parser.bytes.len() {
            // A `)` or `;;` that closes nothing.
            parser.error(parser.at, "a closing sign without an opening one");
            parser.at += 1;
        }
    }
    parser.out
}

impl Parser<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// What is left, from the next whole character on.
    fn rest(&self) -> &str {
        let mut at = self.at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        &self.text[at..]
    }

    fn rest_bytes(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn starts(&self, text: &str) -> bool {
        self.rest_bytes().starts_with(text.as_bytes())
    }

    fn more(&self) -> bool {
        self.at < self.bytes.len() && self.out.too_deep.is_none()
    }

    fn error(&mut self, at: usize, what: &'static str) {
        if self.out.errors.len() < 16 {
            self.out.errors.push((at, what));
        }
    }

    /// Runs `f` one level deeper, unless that is too deep.
    fn nested(&mut self, f: impl FnOnce(&mut Self)) {
        if self.depth >= MAX_DEPTH {
            self.out.too_deep.get_or_insert(self.at);
            self.at = self.bytes.len();
            return;
        }
        self.depth += 1;
        let piped = std::mem::take(&mut self.piped);
        f(self);
        self.piped = piped;
        self.depth -= 1;
    }

    fn blanks(&mut self) {
        loop {
            match self.peek(0) {
                b' ' | b'\t' if self.more() => self.at += 1,
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                _ => return,
            }
        }
    }

    fn comment(&mut self) {
        while self.at < self.bytes.len() && self.peek(0) != b'\n' {
            self.at += 1;
        }
    }

    fn blank_lines(&mut self) {
        loop {
            self.blanks();
            match self.peek(0) {
                b'\n' => self.newline(),
                b'\r' if self.peek(1) == b'\n' => self.at += 1,
                b'#' => self.comment(),
                _ => return,
            }
        }
    }

    fn newline(&mut self) {
        self.at += 1;
        for here in std::mem::take(&mut self.pending) {
            self.here_document(&here);
        }
    }

    /// Commands up to `end`, which is left for the caller to read.
    fn list(&mut self, end: End) {
        while self.more() {
            self.blanks();
            let start = self.at;
            match self.peek(0) {
                0 if self.at >= self.bytes.len() => return,
                b'\r' if self.peek(1) == b'\n' => self.at += 1,
                b'\n' => {
                    // A pipeline goes on behind the line end.
                    self.newline();
                    self.separate("\n");
                }
                b'#' => self.comment(),
                b';' if end == End::Case && (self.peek(1) == b';' || self.peek(1) == b'&') => return,
                b';' => {
                    self.at += 1;
                    self.separate(";");
                    self.piped = false;
                }
                b'&' if self.peek(1) != b'>' => {
                    self.at += if self.peek(1) == b'&' { 2 } else { 1 };
                    self.separate("&&");
                    self.piped = false;
                }
                b'|' => {
                    let or = self.peek(1) == b'|';
                    self.at += if or || self.peek(1) == b'&' { 2 } else { 1 };
                    self.separate(if or { "||" } else { "|" });
                    self.piped = !or;
                }
                b'(' if self.peek(1) == b'(' && self.arithmetic_end(self.at + 2).is_some() => {
                    let close = self.arithmetic_end(self.at + 2).unwrap_or(self.at + 2);
                    self.at += 2;
                    self.nested(|p| p.expansions_until(close));
                    self.at = self.at.max(close + 2).min(self.bytes.len());
                    self.piped = false;
                }
                b'(' => {
                    self.at += 1;
                    let piped = self.piped;
                    self.nested(|p| {
                        p.piped = piped;
                        p.list(End::Paren);
                        p.expect_paren(start);
                    });
                    self.piped = false;
                    self.trailing_redirects();
                }
                b')' => return,
                _ => {
                    if end == End::Case && self.word_is("esac") {
                        return;
                    }
                    self.command();
                    if self.at == start {
                        // No progress is possible on this byte; step over the whole character.
                        self.at += self.rest().chars().next().map_or(1, char::len_utf8);
                    }
                }
            }
        }
    }

    fn separate(&mut self, separator: &'static str) {
        if let Some(last) = self.out.commands.last_mut()
            && last.separator.is_empty()
        {
            last.separator = separator;
        }
    }

    fn expect_paren(&mut self, open: usize) {
        if self.peek(0) == b')' {
            self.at += 1;
        } else if self.out.too_deep.is_none() {
            self.error(open, "`(` without an end");
        }
    }

    fn word_is(&self, word: &str) -> bool {
        self.starts(word) && !self.bytes.get(self.at + word.len()).copied().is_some_and(is_word_byte)
    }

    /// Redirections behind `)` or `}`, kept on a command of their own.
    fn trailing_redirects(&mut self) {
        let mut command = Command::default();
        loop {
            self.blanks();
            if !self.redirect(&mut command) {
                break;
            }
        }
        if !command.redirects.is_empty() {
            self.out.commands.push(command);
        }
    }

    fn command(&mut self) {
        let index = self.out.commands.len();
        // Its place in the list is taken now, so that commands nested in its words come after it.
        self.out.commands.push(Command { piped: self.piped, ..Command::default() });
        let mut command = Command { piped: std::mem::take(&mut self.piped), ..Command::default() };
        while self.more() {
            self.blanks();
            if self.redirect_here(&mut command, index) {
                continue;
            }
            match self.peek(0) {
                0 if self.at >= self.bytes.len() => break,
                b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'\r' if self.peek(1) == b'\n' => break,
                b'#' => {
                    self.comment();
                    break;
                }
                b'(' => {
                    if command.words.len() == 1 && self.function(&mut command) {
                        break;
                    }
                    // An array or a mistake; what is in it is judged as words.
                    let open = self.at;
                    self.at += 1;
                    self.nested(|p| {
                        p.list(End::Paren);
                        p.expect_paren(open);
                    });
                }
                _ => {
                    if command.words.is_empty() && self.assignment() {
                        continue;
                    }
                    let word = self.word();
                    if word.start == word.end {
                        break;
                    }
                    let reserved = if command.words.is_empty() {
                        word.bare().unwrap_or_default().to_owned()
                    } else {
                        String::new()
                    };
                    match reserved.as_str() {
                        "if" | "then" | "else" | "elif" | "fi" | "do" | "done" | "while" | "until" | "{"
                        | "}" | "!" | "time" | "coproc" => {
                            // What follows is a command again, with the same input.
                            self.piped = command.piped;
                            if matches!(reserved.as_str(), "fi" | "done" | "}") {
                                self.piped = false;
                            }
                        }
                        "case" => {
                            self.nested(Self::case);
                        }
                        "for" | "select" => self.for_loop(&mut command),
                        "function" => {
                            self.blanks();
                            let name = self.word();
                            if let Some(name) = name.bare() {
                                self.out.functions.push(name.to_owned());
                            }
                            self.blanks();
                            if self.starts("(") {
                                self.at += 1;
                                self.blanks();
                                if self.peek(0) == b')' {
                                    self.at += 1;
                                }
                            }
                            break;
                        }
                        "[[" => self.test(),
                        _ => command.words.push(word),
                    }
                    if reserved == "time" {
                        self.blanks();
                        if self.word_is("-p") {
                            self.at += 2;
                        }
                    }
                    let block = matches!(
                        reserved.as_str(),
                        "if" | "then"
                            | "else"
                            | "elif"
                            | "do"
                            | "while"
                            | "until"
                            | "{"
                            | "!"
                            | "time"
                            | "coproc"
                    );
                    if block {
                        break;
                    }
                }
            }
        }
        command.here = std::mem::take(&mut self.out.commands[index].here);
        command.separator = self.out.commands[index].separator;
        self.out.commands[index] = command;
    }

    /// `name ( )`: a definition; the name is not a command here.
    fn function(&mut self, command: &mut Command) -> bool {
        let open = self.at;
        self.at += 1;
        self.blanks();
        if self.peek(0) != b')' {
            self.at = open;
            return false;
        }
        self.at += 1;
        if let Some(name) = command.words.pop().as_ref().and_then(Word::bare) {
            self.out.functions.push(name.to_owned());
        }
        true
    }

    /// `name=value` before a command; true if one was read.
    fn assignment(&mut self) -> bool {
        let rest = self.rest_bytes();
        let name = rest.iter().take_while(|&&b| b.is_ascii_alphanumeric() || b == b'_').count();
        if name == 0 || rest[0].is_ascii_digit() {
            return false;
        }
        let mut equals = name;
        let subscript = rest.get(equals) == Some(&b'[');
        if subscript {
            equals += rest[equals..].iter().take(256).position(|&b| b == b']').map_or(0, |p| p + 1);
        }
        let append = rest.get(equals) == Some(&b'+');
        equals += usize::from(append);
        if rest.get(equals) != Some(&b'=') {
            return false;
        }
        let name = self.rest()[..name].to_owned();
        self.at += equals + 1;
        if self.peek(0) == b'(' {
            let open = self.at;
            self.at += 1;
            self.nested(|p| {
                // The words of an array are no commands.
                while p.more() && p.peek(0) != b')' {
                    p.blank_lines();
                    let word = p.word();
                    if word.start == word.end && p.more() && p.peek(0) != b')' {
                        p.at += 1;
                    }
                }
                p.expect_paren(open);
            });
            self.out.assigned.push((name, None));
            return true;
        }
        let value = self.word();
        let known = !append && !subscript;
        self.out.assigned.push((name, known.then_some(value)));
        true
    }

    fn case(&mut self) {
        self.blanks();
        self.word();
        self.blank_lines();
        if self.word_is("in") {
            self.at += 2;
        }
        while self.more() {
            self.blank_lines();
            if self.word_is("esac") {
                self.at += 4;
                return;
            }
            if self.peek(0) == b'(' {
                self.at += 1;
            }
            // The patterns up to `)`.
            while self.more() && self.peek(0) != b')' {
                let before = self.at;
                self.blank_lines();
                self.word();
                if self.at == before {
                    self.at += 1;
                }
            }
            self.at += 1;
            self.nested(|p| p.list(End::Case));
            if self.peek(0) == b';' {
                self.at += if self.starts(";;&") { 3 } else { 2 };
            } else if !self.word_is("esac") && self.peek(0) == b')' {
                return;
            }
        }
    }

    fn for_loop(&mut self, command: &mut Command) {
        self.blanks();
        if self.starts("((") {
            if let Some(close) = self.arithmetic_end(self.at + 2) {
                self.at += 2;
                self.nested(|p| p.expansions_until(close));
                self.at = self.at.max(close + 2).min(self.bytes.len());
            }
            return;
        }
        let name = self.word();
        if let Some(name) = name.bare() {
            self.out.assigned.push((name.to_owned(), None));
        }
        command.words.push(Word { parts: vec![Part::Text("for".to_owned(), false)], ..name });
    }

    /// The words of `[[ ... ]]`, in which signs have another meaning.
    fn test(&mut self) {
        while self.more() {
            self.blank_lines();
            if self.starts("]]") {
                self.at += 2;
                return;
            }
            let word = self.word();
            if word.start == word.end {
                self.at += self.rest().chars().next().map_or(1, char::len_utf8);
            }
        }
    }

    fn redirect_here(&mut self, command: &mut Command, index: usize) -> bool {
        let digits = self.rest_bytes().iter().take_while(|b| b.is_ascii_digit()).count();
        let rest = &self.rest()[digits..];
        if !rest.starts_with("<<") || rest.starts_with("<<<") {
            return self.redirect(command);
        }
        let strip_tabs = rest.starts_with("<<-");
        self.at += digits + if strip_tabs { 3 } else { 2 };
        self.blanks();
        let word = self.word();
        let mut delimiter = String::new();
        let mut quoted = false;
        for part in &word.parts {
            match part {
                Part::Text(text, q) => {
                    delimiter.push_str(text);
                    quoted |= q;
                }
                Part::Variable(name, _) => {
                    delimiter.push('$');
                    delimiter.push_str(name);
                }
                Part::Glob(c) => delimiter.push(*c),
                Part::Unknown => {}
            }
        }
        self.pending.push(HereDoc { delimiter, quoted, strip_tabs, command: index });
        true
    }

    fn here_document(&mut self, here: &HereDoc) {
        let start = self.at;
        let mut end = self.bytes.len();
        let mut next = self.bytes.len();
        let mut at = start;
        let mut found = false;
        for line in self.text.get(start..).unwrap_or_default().split_inclusive('\n') {
            let bare = line.trim_end_matches(['\n', '\r']);
            let bare = if here.strip_tabs { bare.trim_start_matches('\t') } else { bare };
            if bare == here.delimiter {
                (end, next, found) = (at, at + line.len(), true);
                break;
            }
            at += line.len();
        }
        if !found {
            self.error(start.saturating_sub(1), "here-document without an end");
        }
        let body = self.text.get(start..end).unwrap_or_default().to_owned();
        if !here.quoted {
            self.nested(|p| p.expansions_until(end));
        }
        // A substitution without an end may have read on.
        self.at = self.at.max(next);
        let word = Word { parts: vec![Part::Text(body, here.quoted)], start, end, quoted: true };
        if let Some(command) = self.out.commands.get_mut(here.command) {
            command.here.push(word);
        }
    }

    fn redirect(&mut self, command: &mut Command) -> bool {
        let digits = self.rest_bytes().iter().take_while(|b| b.is_ascii_digit()).count();
        let rest = &self.rest()[digits..];
        const OPERATORS: [(&str, &str); 11] = [
            ("<<<", "<<<"),
            ("&>>", ">>"),
            ("&>", ">"),
            (">>", ">>"),
            (">|", ">"),
            (">&", ">&"),
            ("<&", "<&"),
            ("<>", "<>"),
            (">", ">"),
            ("<", "<"),
            ("\u{0}", ""),
        ];
        let Some(&(sign, operator)) = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign)) else {
            return false;
        };
        // Process substitution is a word.
        let process = matches!(sign, "<" | ">") && rest.as_bytes().get(1) == Some(&b'(');
        if process || operator.is_empty() {
            return false;
        }
        self.at += digits + sign.len();
        self.blanks();
        let target = self.word();
        command.redirects.push(Redirect { operator, target });
        true
    }
}

pub(crate) fn is_word_byte(b: u8) -> bool {
    !matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' | 0)
}
