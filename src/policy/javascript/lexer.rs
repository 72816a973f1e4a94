//! Tokens of JavaScript: enough to tell code from comments, strings, templates and regular expressions.
//!
//! One loop with an explicit stack; no input makes it recurse.

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword, its escapes decoded.
    Word(String),
    /// A string, or a template without substitutions: its value.
    Str(String),
    /// A piece of a template with substitutions: its text.
    TemplatePart(String),
    /// The backquote that opens or closes a template with substitutions.
    Backquote,
    Number,
    Regex,
    /// Punctuation, longest match where it matters here.
    Punct(&'static str),
    /// A private name, or any character that has no place in the grammar.
    Odd(char),
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What the lexer could not be sure of.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    /// A string, template, comment or regular expression that does not end: where it starts, and what it is.
    pub(crate) unterminated: Option<(usize, &'static str)>,
    /// Places that can be read in two ways, and why.
    pub(crate) ambiguous: Vec<(usize, &'static str)>,
    /// The first null byte outside strings and comments.
    pub(crate) null: Option<usize>,
}

/// An open bracket.
#[derive(Clone, Copy)]
enum Open {
    /// `(`; whether a regular expression may follow its `)`, as after `if (...)`.
    Paren {
        control: bool,
    },
    Bracket,
    Brace,
    /// `${`: its `}` returns to the template.
    Substitution,
}

const PUNCTUATION: [&str; 57] = [
    ">>>=", "...", "===", "!==", "**=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "=>", "==", "!=", "<=",
    ">=", "&&", "||", "??", "?.", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<", ">>",
    "**", "{", "}", "(", ")", "[", "]", ";", ",", "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "!", "~",
    "?", ":", "=", ".",
];

/// Words after which an expression begins, so that a slash begins a regular expression.
const BEFORE_EXPRESSION: [&str; 14] = [
    "return",
    "typeof",
    "case",
    "in",
    "void",
    "delete",
    "throw",
    "new",
    "else",
    "do",
    "instanceof",
    "extends",
    "default",
    "export",
];

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    out: Lexed,
    open: Vec<Open>,
    newline: bool,
    /// The `)` read last closed the parentheses of `if`, `while`, `for` or `with`.
    closed_control: bool,
}

/// Splits `text` into tokens.
pub(crate) fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer {
        text,
        bytes: text.as_bytes(),
        at: 0,
        out: Lexed::default(),
        open: Vec::new(),
        newline: true,
        closed_control: false,
    };
    if text.starts_with("#!") {
        lexer.line_comment();
    }
    while lexer.at < lexer.bytes.len() {
        lexer.token();
    }
    lexer.out
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn char(&self) -> char {
        self.rest().chars().next().unwrap_or('\0')
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.newline = false;
        self.out.tokens.push(Token { kind, start, end: self.at });
    }

    fn unterminated(&mut self, start: usize, what: &'static str) {
        self.out.unterminated.get_or_insert((start, what));
    }

    fn ambiguous(&mut self, at: usize, why: &'static str) {
        if self.out.ambiguous.len() < 16 {
            self.out.ambiguous.push((at, why));
        }
    }

    fn token(&mut self) {
        let start = self.at;
        let c = self.char();
        match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => {
                self.newline = true;
                self.at += c.len_utf8();
            }
            c if c.is_whitespace() || c == '\u{feff}' => self.at += c.len_utf8(),
            '/' if self.rest().starts_with("//") => self.line_comment(),
            '/' if self.rest().starts_with("/*") => self.block_comment(),
            '/' => self.slash(),
            '\'' | '"' => self.string(c),
            '`' => {
                self.at += 1;
                self.template(start, false);
            }
            '0'..='9' => self.number(),
            '.' if self.bytes.get(start + 1).is_some_and(u8::is_ascii_digit) => self.number(),
            '\\' => self.word(),
            c if is_identifier_start(c) => self.word(),
            '\0' => {
                self.out.null.get_or_insert(start);
                self.at += 1;
            }
            _ => self.punctuation(c),
        }
    }

    fn line_comment(&mut self) {
        let end = self.rest().find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(self.rest().len());
        self.at += end;
    }

    fn block_comment(&mut self) {
        match self.rest()[2..].find("*/") {
            Some(end) => {
                let comment = &self.rest()[..end + 4];
                let newline = comment.contains(['\n', '\r', '\u{2028}', '\u{2029}']);
                self.newline |= newline;
                self.at += end + 4;
            }
            None => {
                self.unterminated(self.at, "comment");
                self.at = self.bytes.len();
            }
        }
    }

    fn punctuation(&mut self, c: char) {
        let start = self.at;
        let rest = self.rest();
        // HTML-like comments are comments in scripts and operators in modules.
        if rest.starts_with("<!--") || (self.newline && rest.starts_with("-->")) {
            self.ambiguous(start, "`<!--` and `-->` are comments in scripts, but not in modules");
        }
        let Some(found) = PUNCTUATION.iter().find(|p| rest.starts_with(**p)).copied() else {
            self.at += c.len_utf8();
            self.push(Kind::Odd(c), start);
            return;
        };
        // `a?.1:b` is a conditional.
        let digit = rest.as_bytes().get(2).is_some_and(u8::is_ascii_digit);
        let found = if found == "?." && digit { "?" } else { found };
        self.at += found.len();
        match found {
            "(" => {
                let control = self.is_control();
                self.open.push(Open::Paren { control });
            }
            "[" => self.open.push(Open::Bracket),
            "{" => self.open.push(Open::Brace),
            ")" | "]" => {
                self.closed_control = matches!(self.open.pop(), Some(Open::Paren { control: true }));
            }
            "}" => {
                if let Some(Open::Substitution) = self.open.pop() {
                    self.push(Kind::Punct("}"), start);
                    self.template(self.at, true);
                    return;
                }
            }
            _ => {}
        }
        self.push(Kind::Punct(found), start);
    }

    /// Whether the `(` that comes now follows `if`, `while`, `for` or `with`.
    fn is_control(&self) -> bool {
        let mut back = self.out.tokens.iter().rev();
        let mut word = back.next();
        if matches!(word, Some(Token { kind: Kind::Word(w), .. }) if w == "await") {
            word = back.next();
        }
        let named = matches!(word, Some(Token { kind: Kind::Word(w), .. }) if matches!(w.as_str(), "if" | "while" | "for" | "with"));
        named && !matches!(back.next(), Some(Token { kind: Kind::Punct("." | "?."), .. }))
    }

    /// A division or the start of a regular expression, by what stands before.
    fn slash(&mut self) {
        let start = self.at;
        let last = self.out.tokens.last().map(|t| t.kind.clone());
        let regex = match &last {
            None => true,
            Some(Kind::Word(word)) => {
                let member = self.out.tokens.len() >= 2
                    && matches!(self.out.tokens[self.out.tokens.len() - 2].kind, Kind::Punct("." | "?."));
                if !member && matches!(word.as_str(), "of" | "yield" | "await" | "let" | "async") {
                    self.two_ways(start, "a slash after a word that is a keyword only in places");
                }
                !member && BEFORE_EXPRESSION.contains(&word.as_str())
            }
            Some(Kind::Punct(")")) => self.closed_control,
            Some(Kind::Punct("}")) => {
                self.two_ways(start, "a slash after `}` may divide or begin a regular expression")
            }
            Some(Kind::Punct("++" | "--")) => {
                self.two_ways(start, "a slash after `++` or `--` may divide or begin a regular expression")
            }
            Some(Kind::Punct("]")) => false,
            Some(Kind::Punct(_) | Kind::Odd(_) | Kind::TemplatePart(_)) => true,
            Some(Kind::Str(_) | Kind::Number | Kind::Regex | Kind::Backquote) => false,
        };
        if regex {
            self.regex();
        } else {
            self.at += if self.rest().starts_with("/=") { 2 } else { 1 };
            self.push(Kind::Punct("/"), start);
        }
    }

    /// Where another slash follows on the line, a slash here could begin a regular expression: that is reported. It is
    /// read as a division, which keeps what follows visible as code.
    fn two_ways(&mut self, at: usize, why: &'static str) -> bool {
        let mut rest = self.rest()[1..].chars();
        if rest.find(|c| matches!(c, '/' | '\n' | '\r' | '\u{2028}' | '\u{2029}')) == Some('/') {
            self.ambiguous(at, why);
        }
        false
    }

    fn regex(&mut self) {
        let start = self.at;
        let mut class = false;
        let mut at = start + 1;
        loop {
            match self.bytes.get(at) {
                None | Some(b'\n' | b'\r') => {
                    self.unterminated(start, "regular expression");
                    self.at = at;
                    return;
                }
                // What follows a backslash counts only if it is on the same line.
                Some(b'\\') if !matches!(self.bytes.get(at + 1), None | Some(b'\n' | b'\r')) => at += 1,
                Some(b'[') => class = true,
                Some(b']') => class = false,
                Some(b'/') if !class => break,
                Some(_) => {}
            }
            at += 1;
        }
        at += 1;
        while self.bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric()) {
            at += 1;
        }
        self.at = at;
        self.push(Kind::Regex, start);
    }

    fn number(&mut self) {
        let start = self.at;
        while let Some(&b) = self.bytes.get(self.at) {
            let exponent = matches!(self.bytes.get(self.at.wrapping_sub(1)), Some(b'e' | b'E'))
                && !self.text[start..self.at].starts_with("0x")
                && !self.text[start..self.at].starts_with("0X");
            if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.') || (exponent && matches!(b, b'+' | b'-'))
            {
                self.at += 1;
            } else {
                break;
            }
        }
        self.push(Kind::Number, start);
    }

    /// An identifier or keyword, with `\u0065` and `\u{65}` decoded.
    fn word(&mut self) {
        let start = self.at;
        let mut word = String::new();
        loop {
            let c = self.char();
            if c == '\\' {
                let before = self.at;
                self.at += 1;
                match self.unicode_escape() {
                    Some(c) => word.push(c),
                    None => {
                        self.at = before + 1;
                        if word.is_empty() {
                            self.push(Kind::Odd('\\'), start);
                            return;
                        }
                        break;
                    }
                }
            } else if is_identifier_start(c) || c.is_alphanumeric() || matches!(c, '\u{200c}' | '\u{200d}') {
                word.push(c);
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
        self.push(Kind::Word(word), start);
    }

    /// `u0065` or `u{65}` at the current place.
    fn unicode_escape(&mut self) -> Option<char> {
        let rest = self.rest().strip_prefix('u')?;
        let (digits, width) = match rest.strip_prefix('{') {
            Some(braced) => {
                let end = braced.bytes().take_while(u8::is_ascii_hexdigit).count();
                if braced.as_bytes().get(end) != Some(&b'}') {
                    return None;
                }
                (&braced[..end], end + 3)
            }
            None => (rest.get(..4)?, 5),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let digits = digits.trim_start_matches('0');
        let code = if digits.is_empty() { 0 } else { u32::from_str_radix(digits, 16).ok()? };
        self.at += width;
        Some(char::from_u32(code).unwrap_or('\u{fffd}'))
    }

    fn string(&mut self, quote: char) {
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            let c = match self.rest().chars().next() {
                None | Some('\n' | '\r') => {
                    self.unterminated(start, "string");
                    break;
                }
                Some(c) => c,
            };
            self.at += c.len_utf8();
            if c == quote {
                break;
            }
            if c == '\\' { self.escape(&mut value) } else { value.push(c) }
        }
        self.push(Kind::Str(value), start);
    }

    /// What a backslash in a string or template stands for; the current place is behind it.
    fn escape(&mut self, value: &mut String) {
        let Some(c) = self.rest().chars().next() else { return };
        if c == 'u' {
            match self.unicode_escape() {
                Some(c) => value.push(c),
                None => {
                    value.push('u');
                    self.at += 1;
                }
            }
            return;
        }
        self.at += c.len_utf8();
        match c {
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            'b' => value.push('\u{8}'),
            'f' => value.push('\u{c}'),
            'v' => value.push('\u{b}'),
            '\r' => {
                if self.rest().starts_with('\n') {
                    self.at += 1;
                }
            }
            '\n' | '\u{2028}' | '\u{2029}' => {}
            'x' => {
                let code = self.rest().get(..2).and_then(|d| u8::from_str_radix(d, 16).ok());
                match code {
                    Some(code) => {
                        value.push(char::from(code));
                        self.at += 2;
                    }
                    None => value.push('x'),
                }
            }
            '0'..='7' => {
                // Octal escapes of sloppy mode.
                let most = if c <= '3' { 2 } else { 1 };
                let more = self.rest().bytes().take(most).take_while(|b| (b'0'..=b'7').contains(b)).count();
                let digits = &self.text[self.at - 1..self.at + more];
                let code = u8::from_str_radix(digits, 8).unwrap_or(0);
                value.push(char::from(code));
                self.at += more;
            }
            other => value.push(other),
        }
    }

    /// The text of a template up to its end or a substitution. `inside`: a part of it has been read already, so that it
    /// is one with substitutions. `start` is its beginning, or that of this part.
    fn template(&mut self, start: usize, inside: bool) {
        let mut value = String::new();
        let text_start = self.at;
        loop {
            let Some(c) = self.rest().chars().next() else {
                self.unterminated(start, "template");
                self.push(Kind::Str(value), start);
                return;
            };
            if c == '`' {
                if inside {
                    self.push(Kind::TemplatePart(value), text_start);
                    let quote = self.at;
                    self.at += 1;
                    self.push(Kind::Backquote, quote);
                } else {
                    self.at += 1;
                    self.push(Kind::Str(value), start);
                }
                return;
            }
            if c == '$' && self.rest().starts_with("${") {
                if !inside {
                    let here = std::mem::replace(&mut self.at, text_start);
                    self.push(Kind::Backquote, start);
                    self.at = here;
                }
                self.push(Kind::TemplatePart(value), text_start);
                let dollar = self.at;
                self.at += 2;
                self.push(Kind::Punct("${"), dollar);
                self.open.push(Open::Substitution);
                return;
            }
            self.at += c.len_utf8();
            if c == '\\' { self.escape(&mut value) } else { value.push(c) }
        }
    }
}

fn is_identifier_start(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '$' | '_' | '#')
}
