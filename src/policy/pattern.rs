//! User patterns: plain text or regular expressions.
use regex::{Regex, RegexBuilder};

/// Compiled patterns larger than this are refused: a policy is not the place for a megabyte of automaton.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// A compiled pattern.
///
/// Text that has no backslash and none of `[ ] { } * + ? | ^ $` is plain: it matches itself, as whole words at its ends
/// (`eval(` does not match `medieval(`), once brought into the language's normal form. Anything else is a regular
/// expression, matched against the normal form as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    pub(crate) text: String,
    word_start: bool,
    word_end: bool,
    exceptions: Vec<Pattern>,
}

impl Pattern {
    pub(crate) fn compile(text: &str, normalise: impl Fn(&str) -> String) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("an empty pattern would match everything".to_owned());
        }
        let plain = !text.contains(['\\', '[', ']', '{', '}', '*', '+', '?', '|', '^', '$']);
        let (source, word_start, word_end) = if plain {
            let normal = normalise(text);
            let normal = if normal.is_empty() { text.to_owned() } else { normal };
            let start = normal.chars().next().is_some_and(is_word);
            let end = normal.chars().next_back().is_some_and(is_word);
            (regex::escape(&normal), start, end)
        } else {
            (text.to_owned(), false, false)
        };
        let regex = RegexBuilder::new(&source)
            .size_limit(MAX_COMPILED_BYTES)
            .multi_line(true)
            .build()
            .map_err(|e| format!("pattern `{text}`: {}", e.to_string().replace('\n', " ")))?;
        Ok(Self { regex, text: text.to_owned(), word_start, word_end, exceptions: Vec::new() })
    }

    /// A match that begins where one of these matches does not count.
    pub(crate) fn except<'e>(
        &mut self,
        texts: impl Iterator<Item = &'e str>,
        normalise: impl Fn(&str) -> String,
    ) {
        self.exceptions = texts.filter_map(|t| Self::compile(t, &normalise).ok()).collect();
    }

    fn begins_at(&self, haystack: &str, at: usize) -> bool {
        self.regex.find_at(haystack, at).is_some_and(|m| {
            m.start() == at && !(self.word_end && haystack[m.end()..].chars().next().is_some_and(is_word))
        })
    }

    /// Ranges of the haystack that match; those that begin where `in_data` says (a function from an offset to the end of
    /// the string that it lies in) do not count, and the search goes on behind that string.
    pub(crate) fn find_in(
        &self,
        haystack: &str,
        in_data: impl Fn(usize) -> Option<usize>,
        mut found: impl FnMut(usize, usize),
    ) {
        let mut at = 0;
        while at <= haystack.len() {
            let Some(m) = self.regex.find_at(haystack, at) else { return };
            let next_char = |from: usize| from + haystack[from..].chars().next().map_or(1, char::len_utf8);
            if let Some(end) = in_data(m.start()) {
                at = end.max(next_char(m.start()));
                continue;
            }
            let before = self.word_start && haystack[..m.start()].chars().next_back().is_some_and(is_word);
            let after = self.word_end && haystack[m.end()..].chars().next().is_some_and(is_word);
            if before || after || self.exceptions.iter().any(|e| e.begins_at(haystack, m.start())) {
                at = next_char(m.start());
                continue;
            }
            found(m.start(), m.end());
            at = if m.end() > m.start() { m.end() } else { next_char(m.end()) };
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}
