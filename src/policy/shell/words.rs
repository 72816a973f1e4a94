//! Reading of words: quotes, escapes and expansions.
use super::{End, Parser, Part, Word, is_word_byte};

impl Parser<'_> {
    /// The word at the current place; empty if none begins here.
    pub(super) fn word(&mut self) -> Word {
        let start = self.at;
        let mut word = Word { start, ..Word::default() };
        let mut plain = String::new();
        let mut unquoted = false;
        if self.starts("[[") && matches!(self.peek(2), b' ' | b'\t' | b'\n') {
            plain.push_str("[[");
            unquoted = true;
            self.at += 2;
        }
        while self.more() {
            let b = self.peek(0);
            match b {
                b'\'' => {
                    flush(&mut word, &mut plain, false);
                    self.single(&mut word);
                }
                b'"' => {
                    flush(&mut word, &mut plain, false);
                    self.double(&mut word);
                }
                b'\\' => {
                    self.at += 1;
                    if self.peek(0) == b'\n' {
                        self.at += 1;
                    } else if let Some(c) = self.char() {
                        // `\rm` is `rm`; a quoted sign stands for itself.
                        flush(&mut word, &mut plain, false);
                        word.parts.push(Part::Text(c.to_string(), true));
                        unquoted = true;
                    }
                }
                b'$' => {
                    flush(&mut word, &mut plain, false);
                    match self.peek(1) {
                        b'\'' => {
                            self.at += 1;
                            self.ansi(&mut word);
                        }
                        b'"' => {
                            self.at += 1;
                            self.double(&mut word);
                        }
                        _ => {
                            unquoted = true;
                            self.dollar(&mut word, false);
                        }
                    }
                }
                b'`' => {
                    flush(&mut word, &mut plain, false);
                    unquoted = true;
                    self.backquote(&mut word);
                }
                b'<' | b'>' if self.peek(1) == b'(' && plain.is_empty() => {
                    let open = self.at + 1;
                    self.at += 2;
                    self.nested(|p| {
                        p.list(End::Paren);
                        p.expect_paren(open);
                    });
                    unquoted = true;
                    word.parts.push(Part::Unknown);
                }
                b'(' if matches!(word.parts.last(), Some(Part::Glob(_))) && plain.is_empty() => {
                    // An extended pattern such as `@(a|b)`.
                    let open = self.at;
                    self.at += 1;
                    self.nested(|p| {
                        while p.more() && p.peek(0) != b')' {
                            let before = p.at;
                            p.word();
                            if p.at == before {
                                p.at += 1;
                            }
                        }
                        p.expect_paren(open);
                    });
                }
                b'*' | b'?' | b'[' if self.at > start || b != b'[' || is_word_byte(self.peek(1)) => {
                    flush(&mut word, &mut plain, false);
                    unquoted = true;
                    word.parts.push(Part::Glob(char::from(b)));
                    self.at += 1;
                }
                b'{' if self.braces_expand() => {
                    flush(&mut word, &mut plain, false);
                    unquoted = true;
                    word.parts.push(Part::Glob('{'));
                    self.at += 1;
                }
                _ if is_word_byte(b) || (b == 0 && self.at < self.bytes.len()) => {
                    unquoted = true;
                    if let Some(c) = self.char() {
                        plain.push(c);
                    }
                }
                _ => break,
            }
        }
        flush(&mut word, &mut plain, false);
        word.end = self.at;
        word.quoted = !unquoted && word.end > word.start;
        word
    }

    fn char(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at = self.text.len() - self.rest().len() + c.len_utf8();
        Some(c)
    }

    /// Whether the `{` here opens `{a,b}` or `{1..3}`, up to the end of the word.
    fn braces_expand(&self) -> bool {
        let rest = self.rest_bytes();
        let word = rest.iter().take(4096).take_while(|&&b| is_word_byte(b)).count();
        let word = &rest[..word];
        let Some(close) = word.iter().rposition(|&b| b == b'}') else { return false };
        let inner = &word[..close];
        inner.contains(&b',') || inner.windows(2).any(|w| w == b"..")
    }

    fn single(&mut self, word: &mut Word) {
        let open = self.at;
        self.at += 1;
        let rest = self.rest();
        let found = rest.find('\'');
        let end = found.unwrap_or(rest.len());
        word.parts.push(Part::Text(rest[..end].to_owned(), true));
        self.at = (self.at + end + 1).min(self.bytes.len());
        if found.is_none() {
            self.error(open, "`'` without an end");
        }
    }

    fn double(&mut self, word: &mut Word) {
        let open = self.at;
        self.at += 1;
        let mut plain = String::new();
        while self.more() {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    word.parts.push(Part::Text(plain, true));
                    return;
                }
                b'\\' => {
                    self.at += 1;
                    match self.peek(0) {
                        b'\n' => self.at += 1,
                        b'$' | b'`' | b'"' | b'\\' => plain.extend(self.char()),
                        _ => plain.push('\\'),
                    }
                }
                b'$' => {
                    flush(word, &mut plain, true);
                    self.dollar(word, true);
                }
                b'`' => {
                    flush(word, &mut plain, true);
                    self.backquote(word);
                }
                _ => plain.extend(self.char()),
            }
        }
        word.parts.push(Part::Text(plain, true));
        self.error(open, "`\"` without an end");
    }

    /// `$'...'` with its escapes.
    fn ansi(&mut self, word: &mut Word) {
        let open = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        let mut closed = false;
        while let Some(c) = self.char() {
            match c {
                '\'' => {
                    closed = true;
                    break;
                }
                '\\' => self.ansi_escape(&mut bytes),
                c => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        if !closed {
            self.error(open, "`$'` without an end");
        }
        word.parts.push(Part::Text(String::from_utf8_lossy(&bytes).into_owned(), true));
    }

    fn ansi_escape(&mut self, bytes: &mut Vec<u8>) {
        let Some(c) = self.char() else { return };
        let digits = |parser: &mut Self, radix: u32, most: usize| {
            let rest = parser.rest();
            let n = rest.chars().take(most).take_while(|c| c.is_digit(radix)).count();
            let value = u32::from_str_radix(&rest[..n], radix).ok();
            parser.at += n;
            value
        };
        let byte = match c {
            'n' => b'\n',
            't' => b'\t',
            'r' => b'\r',
            'a' => 7,
            'b' => 8,
            'e' | 'E' => 27,
            'f' => 12,
            'v' => 11,
            'x' | 'u' | 'U' => {
                let most = match c {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                match digits(self, 16, most) {
                    Some(code) if c == 'x' => bytes.push(u8::try_from(code).unwrap_or(0)),
                    Some(code) => {
                        let c = char::from_u32(code).unwrap_or('\u{fffd}');
                        bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
                    }
                    None => bytes.extend([b'\\', u8::try_from(c).unwrap_or(b'x')]),
                }
                return;
            }
            '0'..='7' => {
                self.at -= 1;
                let code = digits(self, 8, 3).unwrap_or(0);
                bytes.push(u8::try_from(code & 0xff).unwrap_or(0));
                return;
            }
            'c' => {
                let control = self.char().map_or(0, |c| u8::try_from(c).unwrap_or(0) & 0x1f);
                bytes.push(control);
                return;
            }
            other => {
                bytes.extend(other.encode_utf8(&mut [0; 4]).bytes());
                return;
            }
        };
        bytes.push(byte);
    }

    /// An expansion that begins with `$`.
    fn dollar(&mut self, word: &mut Word, quoted: bool) {
        let start = self.at;
        self.at += 1;
        match self.peek(0) {
            b'(' if self.peek(1) == b'(' && self.arithmetic_end(self.at + 2).is_some() => {
                let close = self.arithmetic_end(self.at + 2).unwrap_or(self.at + 2);
                self.at += 2;
                self.nested(|p| p.expansions_until(close));
                self.at = self.at.max(close + 2).min(self.bytes.len());
                word.parts.push(Part::Unknown);
            }
            b'(' => {
                self.at += 1;
                self.nested(|p| {
                    let pending = std::mem::take(&mut p.pending);
                    p.list(End::Paren);
                    p.pending = pending;
                    p.expect_paren(start);
                });
                word.parts.push(Part::Unknown);
            }
            b'{' => self.parameter(word, quoted),
            b'[' => word.parts.push(Part::Unknown),
            b if b.is_ascii_alphabetic() || b == b'_' => {
                let length =
                    self.rest_bytes().iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                word.parts.push(Part::Variable(self.rest()[..length].to_owned(), quoted));
                self.at += length;
            }
            b'0'..=b'9' | b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' => {
                self.at += 1;
                word.parts.push(Part::Unknown);
            }
            _ => word.parts.push(Part::Text("$".to_owned(), quoted)),
        }
    }

    /// `${...}`.
    fn parameter(&mut self, word: &mut Word, quoted: bool) {
        let open = self.at;
        self.at += 1;
        let length =
            self.rest_bytes().iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
        let name = self.rest()[..length].to_owned();
        if length > 0 && self.peek(length) == b'}' && !name.starts_with(|c: char| c.is_ascii_digit()) {
            self.at += length + 1;
            word.parts.push(Part::Variable(name, quoted));
            return;
        }
        if matches!(self.peek(length), b'=') || (self.peek(length) == b':' && self.peek(length + 1) == b'=') {
            self.out.assigned.push((name, None));
        }
        self.nested(|p| {
            let mut inner = Word::default();
            while p.more() {
                match p.peek(0) {
                    b'}' => break,
                    b'\\' => p.at = (p.at + 2).min(p.bytes.len()),
                    b'\'' if !quoted => p.single(&mut inner),
                    b'"' => p.double(&mut inner),
                    b'$' => p.dollar(&mut inner, quoted),
                    b'`' => p.backquote(&mut inner),
                    _ => {
                        p.char();
                    }
                }
                while p.at < p.text.len() && !p.text.is_char_boundary(p.at) {
                    p.at += 1;
                }
            }
        });
        if self.peek(0) == b'}' {
            self.at += 1;
        } else if self.out.too_deep.is_none() {
            self.error(open, "`${` without an end");
        }
        word.parts.push(Part::Unknown);
    }

    /// `` `...` ``: its text, less one level of backslashes, is a script.
    fn backquote(&mut self, word: &mut Word) {
        let open = self.at;
        self.at += 1;
        let mut inner = String::new();
        let mut closed = false;
        while let Some(c) = self.char() {
            match c {
                '`' => {
                    closed = true;
                    break;
                }
                '\\' if matches!(self.peek(0), b'`' | b'\\' | b'$') => inner.extend(self.char()),
                c => inner.push(c),
            }
        }
        if !closed {
            self.error(open, "backquote without an end");
        }
        word.parts.push(Part::Unknown);
        let end = self.at;
        let script = super::parse(&inner, self.depth + 1);
        self.absorb(script, open, end);
    }

    /// Adds what a script in a string does, all of it placed at `start..end`.
    fn absorb(&mut self, script: super::Script, start: usize, end: usize) {
        if script.too_deep.is_some() {
            self.out.too_deep.get_or_insert(start);
        }
        if let Some((_, what)) = script.errors.first() {
            self.error(start, what);
        }
        let place = |word: &mut Word| (word.start, word.end) = (start, end);
        for mut command in script.commands {
            command.words.iter_mut().for_each(place);
            command.here.iter_mut().for_each(place);
            command.redirects.iter_mut().for_each(|r| place(&mut r.target));
            self.out.commands.push(command);
        }
        self.out.assigned.extend(script.assigned);
        self.out.functions.extend(script.functions);
    }

    /// Where `))` closes the arithmetic whose text begins at `from`, if it does.
    pub(super) fn arithmetic_end(&self, from: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (i, &b) in self.bytes.iter().enumerate().skip(from).take(1 << 16) {
            match b {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b')' => return (self.bytes.get(i + 1) == Some(&b')')).then_some(i),
                _ => {}
            }
        }
        None
    }

    /// Expansions in text that is otherwise not code: arithmetic, here-documents.
    pub(super) fn expansions_until(&mut self, end: usize) {
        let mut ignored = Word::default();
        while self.more() && self.at < end {
            match self.peek(0) {
                b'\\' => self.at += 2,
                b'$' => self.dollar(&mut ignored, true),
                b'`' => self.backquote(&mut ignored),
                _ => self.at += 1,
            }
            while self.at < self.text.len() && !self.text.is_char_boundary(self.at) {
                self.at += 1;
            }
            ignored.parts.clear();
        }
    }
}

fn flush(word: &mut Word, plain: &mut String, quoted: bool) {
    if !plain.is_empty() {
        word.parts.push(Part::Text(std::mem::take(plain), quoted));
    }
}
