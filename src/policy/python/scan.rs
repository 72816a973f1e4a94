//! One cheap, iterative pass over Python source before any parser sees it.
//!
//! It bounds how deep a parse could nest, finds what the two parsers may read differently, and blanks strings and
//! comments out for the user's patterns. It only has to be conservative: judging is the parsers' work.

/// What the pass learnt.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// An upper bound on the depth of the syntax tree.
    pub(crate) depth: usize,
    /// Where that depth was reached.
    pub(crate) depth_at: usize,
    /// An f-string that Python before 3.12 would cut into other pieces than 3.12 does.
    pub(crate) nested_quotes: bool,
    /// Anything on which parsers are known to disagree: lone carriage returns, form feeds, non-ASCII outside strings.
    pub(crate) odd: bool,
    /// The first null byte.
    pub(crate) null: Option<usize>,
    /// A number literal too long for the interpreter, and costly to parse.
    pub(crate) long_number: Option<(usize, usize)>,
    /// The source with the contents of strings and comments replaced by spaces, byte for byte, if asked for.
    pub(crate) blanked: Option<String>,
}

/// CPython refuses longer decimal literals (`sys.int_info.default_max_str_digits`).
const MAX_NUMBER: usize = 4300;

/// One open bracket, replacement field or the statement itself.
#[derive(Default)]
struct Frame {
    /// What closes it; 0 for a statement.
    close: u8,
    /// Operators, dots, brackets and prefix keywords since the last separator: each may add a level.
    chain: usize,
    /// The deepest bracket closed since the last separator.
    child: usize,
    /// The deepest separated part so far.
    done: usize,
    /// After `lambda`, a comma does not separate.
    sticky: bool,
    /// The f-string that this replacement field belongs to.
    field: Option<Quote>,
}

impl Frame {
    fn depth(&self) -> usize {
        self.done.max(self.chain + self.child)
    }

    fn separate(&mut self) {
        if !self.sticky {
            self.done = self.depth();
            self.chain = 0;
            self.child = 0;
        }
    }
}

#[derive(Clone, Copy)]
struct Quote {
    byte: u8,
    triple: bool,
    raw: bool,
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    limit: usize,
    out: Scan,
    blank: Option<Vec<u8>>,
    frames: Vec<Frame>,
    /// Sum of `1 + chain` below the innermost frame.
    below: usize,
    /// Indentation of the open blocks, with the length of each one's `elif` chain.
    indents: Vec<(usize, usize)>,
    /// Depth that the open blocks add.
    block_depth: usize,
    line_start: bool,
}

/// Scans `text`, giving up (with `depth` past `limit`) as soon as the bound is passed.
pub(crate) fn scan(text: &str, limit: usize, blank: bool) -> Scan {
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        at: 0,
        limit,
        out: Scan::default(),
        blank: blank.then(|| text.as_bytes().to_vec()),
        frames: vec![Frame::default()],
        below: 0,
        indents: vec![(0, 0)],
        block_depth: 0,
        line_start: true,
    };
    scanner.run();
    scanner.out.blanked = scanner.blank.map(|b| String::from_utf8_lossy(&b).into_owned());
    scanner.out
}

impl Scanner<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn run(&mut self) {
        while self.at < self.bytes.len() && self.out.depth <= self.limit {
            if self.line_start && self.frames.len() == 1 {
                self.indent();
                self.line_start = false;
                continue;
            }
            let b = self.bytes[self.at];
            match b {
                b'\n' | b'\r' => self.newline(b),
                b' ' | b'\t' => self.at += 1,
                0x0c => {
                    self.out.odd = true;
                    self.at += 1;
                }
                0 => {
                    self.out.null.get_or_insert(self.at);
                    self.at += 1;
                }
                b'#' => self.comment(),
                b'\\' => self.continuation(),
                b'"' | b'\'' => self.string(self.at),
                b'(' | b'[' | b'{' => {
                    self.chain(1);
                    self.open(match b {
                        b'(' => b')',
                        b'[' => b']',
                        _ => b'}',
                    });
                    self.at += 1;
                }
                b')' | b']' | b'}' => self.close(b),
                b',' | b';' => {
                    self.settle();
                    self.top().separate();
                    if b == b';' {
                        self.top().sticky = false;
                        self.top().separate();
                    }
                    self.at += 1;
                }
                b':' => self.colon(),
                b'0'..=b'9' => self.number(),
                b'_' | b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => self.word(),
                b'!' if self.top().field.is_some() && self.peek(1) != b'=' => self.at += 1,
                _ => {
                    self.chain(1);
                    self.at += 1;
                }
            }
        }
        self.settle();
    }

    fn top(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn chain(&mut self, n: usize) {
        self.top().chain += n;
        self.settle();
    }

    /// Records the depth at this point.
    fn settle(&mut self) {
        let here = self.block_depth + self.below + self.top().depth();
        if here > self.out.depth {
            self.out.depth = here;
            self.out.depth_at = self.at;
        }
    }

    fn open(&mut self, close: u8) {
        self.below += 1 + self.top().chain;
        self.frames.push(Frame { close, ..Frame::default() });
    }

    fn close(&mut self, b: u8) {
        self.settle();
        let top = self.top();
        // A bracket that does not fit is a syntax error; the parsers will say so.
        if top.close != b {
            self.at += 1;
            return;
        }
        let (depth, field) = (top.depth(), top.field);
        self.frames.pop();
        self.below -= 1 + self.top().chain;
        let top = self.top();
        top.child = top.child.max(depth);
        self.at += 1;
        if let Some(quote) = field {
            self.text(quote, true);
        }
    }

    fn colon(&mut self) {
        self.at += 1;
        if let Some(quote) = self.top().field {
            self.text(quote, true);
        }
    }

    fn newline(&mut self, b: u8) {
        if b == b'\r' && self.peek(1) != b'\n' {
            self.out.odd = true;
        }
        self.settle();
        if self.frames.len() == 1 {
            self.frames[0] = Frame::default();
            self.line_start = true;
        }
        if self.top().field.is_some() {
            self.out.nested_quotes = true;
        }
        self.at += 1;
    }

    /// The indentation of a logical line, and whether it carries an `elif` chain on.
    fn indent(&mut self) {
        let mut width = 0;
        loop {
            match self.peek(0) {
                b' ' => width += 1,
                b'\t' => width = width / 8 * 8 + 8,
                0x0c => {
                    self.out.odd = true;
                    width = 0;
                }
                _ => break,
            }
            self.at += 1;
        }
        if matches!(self.peek(0), b'\n' | b'\r' | b'#' | 0) {
            return;
        }
        while self.indents.len() > 1 && self.indents.last().is_some_and(|&(w, _)| w > width) {
            let chain = self.indents.pop().map_or(0, |(_, c)| c);
            self.block_depth -= 1 + chain;
        }
        if self.indents.last().is_some_and(|&(w, _)| w < width) {
            self.indents.push((width, 0));
            self.block_depth += 1;
        }
        let rest = &self.bytes[self.at..];
        let is = |word: &[u8]| rest.starts_with(word) && !rest.get(word.len()).copied().is_some_and(is_word);
        let Some(level) = self.indents.last_mut() else { return };
        if is(b"elif") {
            level.1 += 1;
            self.block_depth += 1;
        } else if !is(b"else") {
            self.block_depth -= level.1;
            level.1 = 0;
        }
    }

    fn comment(&mut self) {
        if self.top().field.is_some() {
            self.out.nested_quotes = true;
        }
        let start = self.at + 1;
        while self.at < self.bytes.len() && !matches!(self.bytes[self.at], b'\n' | b'\r') {
            if self.bytes[self.at] == 0 {
                self.out.null.get_or_insert(self.at);
            }
            self.at += 1;
        }
        self.erase(start, self.at);
    }

    fn continuation(&mut self) {
        if self.frames.iter().any(|f| f.field.is_some()) {
            self.out.nested_quotes = true;
        }
        self.at += 1;
        match self.peek(0) {
            b'\r' if self.peek(1) == b'\n' => self.at += 2,
            b'\n' => self.at += 1,
            _ => self.out.odd = true,
        }
    }

    fn number(&mut self) {
        let start = self.at;
        let radix = matches!(self.peek(1) | 0x20, b'x' | b'o' | b'b') && self.peek(0) == b'0';
        while matches!(self.peek(0), b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.') {
            self.at += 1;
        }
        if !radix && self.at - start > MAX_NUMBER {
            self.out.long_number.get_or_insert((start, self.at));
        }
    }

    fn word(&mut self) {
        let start = self.at;
        while is_word(self.peek(0)) {
            self.out.odd |= self.peek(0) >= 0x80;
            self.at += 1;
        }
        let word = &self.bytes[start..self.at];
        if matches!(self.peek(0), b'"' | b'\'') && word.len() <= 3 {
            let lower = word.to_ascii_lowercase();
            if lower.iter().all(|b| b"rbfut".contains(b)) {
                self.string(start);
                return;
            }
        }
        match word {
            b"lambda" => {
                self.top().sticky = true;
                self.chain(1);
            }
            b"not" | b"if" | b"else" | b"and" | b"or" | b"in" | b"is" | b"await" | b"yield" | b"from"
            | b"for" | b"async" => self.chain(1),
            _ => {}
        }
    }

    /// A string literal whose prefix begins at `start` and whose quote is at the current place.
    fn string(&mut self, start: usize) {
        let prefix = self.bytes[start..self.at].to_ascii_lowercase();
        let byte = self.bytes[self.at];
        // A quote of the same kind inside a replacement field ended the string before 3.12.
        if self.frames.iter().any(|f| f.field.is_some_and(|q| q.byte == byte)) {
            self.out.nested_quotes = true;
        }
        let triple = self.peek(1) == byte && self.peek(2) == byte;
        self.at += if triple { 3 } else { 1 };
        let quote = Quote { byte, triple, raw: prefix.contains(&b'r') };
        let interpolated = prefix.contains(&b'f') || prefix.contains(&b't');
        self.text(quote, interpolated);
    }

    /// The text of a string up to its end, or up to a replacement field, which is scanned as code.
    fn text(&mut self, quote: Quote, interpolated: bool) {
        let start = self.at;
        // In a format specification (a field is open) a brace ends the field.
        let in_spec = interpolated && self.top().field.is_some();
        while self.at < self.bytes.len() {
            let b = self.bytes[self.at];
            match b {
                0 => {
                    self.out.null.get_or_insert(self.at);
                }
                b'\\' if !(interpolated && matches!(self.peek(1), b'{' | b'}')) => {
                    if interpolated && !quote.raw && self.peek(1) == b'N' && self.peek(2) == b'{' {
                        while self.at < self.bytes.len()
                            && !matches!(self.bytes[self.at], b'}' | b'\n' | b'"' | b'\'')
                        {
                            self.at += 1;
                        }
                        continue;
                    }
                    self.at += if self.peek(1) == b'\r' && self.peek(2) == b'\n' { 3 } else { 2 };
                    continue;
                }
                b'\n' | b'\r' if !quote.triple => {
                    self.out.nested_quotes |= interpolated;
                    break;
                }
                b'\r' if self.peek(1) != b'\n' => self.out.odd = true,
                _ if b == quote.byte && !quote.triple => {
                    self.end_text(start, 1, in_spec);
                    return;
                }
                _ if b == quote.byte && self.peek(1) == b && self.peek(2) == b => {
                    self.end_text(start, 3, in_spec);
                    return;
                }
                b'{' if interpolated => {
                    if self.peek(1) == b'{' && !in_spec {
                        self.at += 2;
                        continue;
                    }
                    self.erase(start, self.at);
                    self.chain(1);
                    self.open(b'}');
                    self.top().field = Some(quote);
                    self.at += 1;
                    return;
                }
                b'}' if in_spec => {
                    self.erase(start, self.at);
                    return;
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.bytes.len());
        self.erase(start, self.at);
    }

    fn end_text(&mut self, start: usize, width: usize, in_spec: bool) {
        self.erase(start, self.at);
        if in_spec {
            // The string ends inside its own field: an error that older tokenisers see differently.
            self.out.nested_quotes = true;
        }
        self.at += width;
    }

    fn erase(&mut self, start: usize, end: usize) {
        if let Some(blank) = &mut self.blank {
            for b in &mut blank[start..end.max(start)] {
                if !matches!(*b, b'\n' | b'\r') {
                    *b = b' ';
                }
            }
        }
    }
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

/// The encoding that a `# coding:` line (PEP 263) in the first two lines declares, with its place.
pub(crate) fn declared_encoding(text: &str) -> Option<(usize, usize, &str)> {
    let mut offset = 0;
    for line in text.split_inclusive(['\n', '\r']).take(3).filter(|l| !l.is_empty()) {
        let trimmed = line.trim_start_matches([' ', '\t', '\x0c']);
        if let Some(comment) = trimmed.strip_prefix('#') {
            if let Some(at) = comment.find("coding") {
                let rest = &comment[at + "coding".len()..];
                if let Some(value) = rest.strip_prefix([':', '=']) {
                    let value = value.trim_start_matches([' ', '\t']);
                    let end = value
                        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
                        .unwrap_or(value.len());
                    if end > 0 {
                        let start = offset + (line.len() - value.len());
                        return Some((start, start + end, &value[..end]));
                    }
                }
            }
        } else if !trimmed.trim_end().is_empty() {
            return None;
        }
        offset += line.len();
    }
    None
}

/// Whether an interpreter that honours the declaration reads the same text as the check did.
pub(crate) fn encoding_is_harmless(name: &str, text: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    match name.as_str() {
        "utf-8" | "utf8" | "utf-8-sig" | "u8" => true,
        "ascii" | "us-ascii" | "latin-1" | "latin1" | "iso-8859-1" | "iso-8859-15" | "cp1252"
        | "windows-1252" => text.is_ascii(),
        _ => false,
    }
}
