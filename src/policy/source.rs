//! Places in a source: byte offsets to lines and columns.

/// The byte order mark. Interpreters skip one at the start of a source, and so do the checks.
pub(crate) const BOM: char = '\u{feff}';

/// A source without its byte order mark, and the start of each line.
///
/// `\n`, `\r\n` and a lone `\r` end a line, as they do for Python and JavaScript.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    lines: Vec<u32>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(code: &'a str) -> Self {
        let text = code.strip_prefix(BOM).unwrap_or(code);
        let bytes = text.as_bytes();
        let mut lines = vec![0];
        for (i, &b) in bytes.iter().enumerate() {
            if b == b'\n' || (b == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
                lines.push(to_u32(i + 1));
            }
        }
        Self { text, lines }
    }

    /// Line and column (in characters), both from 1, of a byte offset.
    pub(crate) fn position(&self, offset: usize) -> (u32, u32) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|&start| start as usize <= offset).max(1);
        let start = self.lines.get(line - 1).map_or(0, |&s| s as usize);
        let column = count_chars(&self.text[start..offset]) + 1;
        (to_u32(line), to_u32(column))
    }

    /// Line, column and end column of a range; the end column stays on the first line and marks at least one
    /// character.
    pub(crate) fn span(&self, start: usize, end: usize) -> (u32, u32, u32) {
        let (line, column) = self.position(start);
        let text = self.line(line);
        let width = count_chars(text.get(..).unwrap_or_default());
        let (end_line, end_column) = self.position(end);
        let end_column = if end_line == line { end_column } else { to_u32(width + 1) };
        (line, column, end_column.max(column + 1))
    }

    /// The text of a line (from 1), without its end.
    pub(crate) fn line(&self, line: u32) -> &'a str {
        let at = |i: usize| self.lines.get(i).map_or(self.text.len(), |&s| s as usize);
        let line = line.max(1) as usize;
        self.text[at(line - 1)..at(line)].trim_end_matches(['\n', '\r'])
    }
}

/// Columns on lines of megabytes would cost a walk per finding; past this many bytes they are counted no further.
const MAX_COLUMN_BYTES: usize = 64 * 1024;

fn count_chars(text: &str) -> usize {
    if text.len() <= MAX_COLUMN_BYTES {
        return text.chars().count();
    }
    let mut cut = MAX_COLUMN_BYTES;
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    text[..cut].chars().count() + (text.len() - cut)
}

/// Offsets fit in 32 bits because sources are capped far below that ([`super::MAX_SOURCE_BYTES`]).
pub(crate) fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
